"""A shard with a mirror: on Brownie's one chain, which the contracts cannot tell from a chain of the shard's own."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from brownie import BeaconMirror, Shard

from qfl.protocol.chunks import client_leaf, merkle_path, merkle_root
from qfl.protocol.types import MirroredRound, MirrorMessage, MirrorSeat, ParticipantId, RoundNumber, ShardIndex
from scripts.deploy import NOBODY
from tests.contracts.world import Member, World, as_struct, bundle_of


def as_tuple(message: MirrorMessage) -> tuple[Any, ...]:
    """The `MirrorMessage` struct of a message."""
    seats = [(seat.validator, tuple(vars(seat.key).values())) for seat in message.committee]
    return tuple(vars(message.round).values()), list(message.revoked), seats


@dataclass
class Glass:
    """The mirror and the shard behind it; its deployer is the world's owner. The clients are the world's, by id."""

    world: World
    mirror: Any
    shard: Any
    clients: list[Member]
    anchors: dict[int, tuple[bytes, int]] = field(default_factory=dict)

    def message(self, previous: int = 0, revoked: Sequence[Member] = (), **changed: Any) -> MirrorMessage:
        """The message for the beacon's current round; `changed` replaces members of its round."""
        world, beacon = self.world, self.world.beacon
        number = beacon.currentRound()
        opened, parameters = beacon.roundAt(number), beacon.parametersOf(number)
        leaves = self.leaves()
        shown = MirroredRound(
            round=RoundNumber(number),
            previous=RoundNumber(previous),
            shard=ShardIndex(0),
            shards=parameters["shards"],
            seats=parameters["seats"],
            lane_bits=parameters["laneBits"],
            turn_seconds=parameters["turnSeconds"],
            commit_ends_at=opened["commitEndsAt"],
            reveal_ends_at=opened["revealEndsAt"],
            checkpoint_ends_at=opened["checkpointEndsAt"],
            norm_bound=parameters["normBound"],
            client_count=len(leaves),
            seed=bytes(opened["seed"]),
            base_root=bytes(beacon.roundAt(opened["baseRound"])["modelRoot"]),
            clients_root=merkle_root(leaves),
        )
        committee = tuple(MirrorSeat(ParticipantId(m.id), m.secret.public) for m in world.seats(number))
        ids = tuple(ParticipantId(member.id) for member in revoked)
        return MirrorMessage(replace(shown, **changed), ids, committee)

    def leaves(self) -> list[bytes]:
        return [client_leaf(client.id, client.secret.public, *self.anchor_of(client)) for client in self.clients]

    def anchor_of(self, client: Member) -> tuple[bytes, int]:
        """The hash chain that the clients' root has of a client: what it bonded with, unless a test says another."""
        return self.anchors.get(client.id, (self.world.chain_of(client.name).anchor, 1))

    def begin(self, message: MirrorMessage | None = None) -> MirrorMessage:
        """Show the current round."""
        first = message or self.message()
        self.mirror.begin(as_tuple(first), {"from": self.world.owner})
        return first

    def sign(self, message: MirrorMessage, seats: Sequence[Member], chosen: Sequence[int] = (0, 1, 2)) -> bytes:
        """The signatures of the chosen ones of `seats` under a message to this mirror."""
        digest = self.world.domain(self.mirror).mirror_message(message)
        return bundle_of({seat: seats[seat].attest(digest, seat) for seat in chosen})

    def advance(self, message: MirrorMessage, signers: int, bundle: bytes | None = None) -> Any:
        """Carry a message that the committee of round `signers` signed, on the beacon and in the mirror."""
        carried = self.sign(message, self.world.seats(signers)) if bundle is None else bundle
        return self.mirror.advance(as_tuple(message), signers, carried, {"from": self.world.mallory})

    def admit(self, client: Member, position: int | None = None, **changed: Any) -> Any:
        """Prove a client of `clients`; `changed` replaces its id, its key, its hash chain or the path."""
        place = self.clients.index(client) if position is None else position
        anchor, first_round = self.anchor_of(client)
        call = {"id": client.id, "key": as_struct(client.secret), "anchor": anchor, "first_round": first_round}
        call |= {"position": place}
        call |= {"path": merkle_path(self.leaves(), self.clients.index(client))} | changed
        return self.mirror.admit(*call.values(), {"from": self.world.mallory})

    def next_round(self) -> int:
        """Let the beacon's round fail, and open the next."""
        self.world.reach(self.world.ends_at("checkpoint"))
        return self.world.open()


def put_up(world: World, clients: Sequence[Member]) -> Glass:
    """Deploy a mirror and its shard."""
    mirror = world.owner.deploy(BeaconMirror, 0, world.staking.linkDomain())
    return Glass(world, mirror, world.owner.deploy(Shard, mirror, 0, NOBODY, mirror), list(clients))
