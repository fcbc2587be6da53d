"""How many of everything there are in a round, and the counts that its cost is made of."""

from dataclasses import dataclass

from qfl.errors import InvalidInput
from qfl.protocol.draw import PART
from qfl.protocol.quorum import quorum_of
from qfl.simulation.prepare import MOST_UPDATES

MOST_SEATS = 64
"""Largest committee: a bundle's bitmap is one 64-bit word."""


@dataclass(frozen=True)
class Size:
    """A network: `seats` of each of `shards` committees; at least one of everything."""

    clients: int
    validators: int
    shards: int
    seats: int = 4

    def __post_init__(self) -> None:
        if not 1 <= self.seats <= MOST_SEATS:
            raise InvalidInput("seats", self.seats, f"a committee has 1 to {MOST_SEATS} seats")
        if self.validators < self.parts[0]:
            remedy = f"each part of a round's draw seats {self.parts[0]} different ones"
            raise InvalidInput("validators", self.validators, remedy)
        if self.clients > MOST_UPDATES * self.shards:
            fewest = -(-self.clients // MOST_UPDATES)
            raise InvalidInput("shards", self.shards, f"a shard takes {MOST_UPDATES} updates: have {fewest} or more")

    @property
    def parts(self) -> list[int]:
        """Seats of each part of the draw, a transaction for each: at most 256, of whole committees."""
        most, drawn = PART // self.seats * self.seats, self.shards * self.seats
        return [min(most, drawn - first) for first in range(0, drawn, most)]

    @property
    def updates_a_shard(self) -> float:
        """Mean number; the draw spreads clients evenly but for chance."""
        return self.clients / self.shards

    @property
    def counts(self) -> dict[str, float]:
        """What costs are proportional to.

        `seats`: all of them; `signatures`: in all checkpoints' bundles; `attestations`: those announced beside the
        proposal, since who completes the quorum says so in the bundle; `checks`: of an update by a seat; `publications`
        and the shards `joined` by them, or models `carried` by the only shard's checkpoint.
        """
        needed, is_alone = quorum_of(self.seats), self.shards == 1
        return {
            "round": 1.0,
            "clients": float(self.clients),
            "shards": float(self.shards),
            "seats": float(self.shards * self.seats),
            "signatures": float(self.shards * needed),
            "attestations": float(self.shards * max(0, needed - 2)),
            "checks": float(self.clients * self.seats),
            "publications": 0.0 if is_alone else 1.0,
            "joined": 0.0 if is_alone else float(self.shards),
            "carried": 1.0 if is_alone else 0.0,
        }

    def __str__(self) -> str:
        shards = f"{self.shards} shard{'s' if self.shards > 1 else ''}"
        return f"{self.clients} clients, {self.validators} validators, {shards} of {self.seats} seats"
