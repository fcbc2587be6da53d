"""A round of a network where every role is a machine of its own: how long it takes, and what each node has to bear.

Compute is measured (`Constants.work`), transfers are simulated (`simulation/faults/links.py`), and the time that blocks
take is stated (`Chains`); the three are kept apart. Phases last as long as their slowest step, as if deadlines were
set so.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from experiments.scale.constants import Constants
from experiments.scale.laws import opening_counts, total
from experiments.scale.size import Size
from qfl.errors import InvalidInput
from qfl.node.updates import FETCHERS
from qfl.simulation.faults.links import Link

SHARD_KINDS = ("commit", "reveal", "propose", "attest")
BEACON_KINDS = ("open_round", "checkpoint", "publish", "settle")


@dataclass(frozen=True)
class Chains:
    """What is stated of the chains: Ethereum's slot and the block gas limit of its mainnet from 2021 to 2025."""

    block_seconds: float = 12.0
    block_gas: int = 30_000_000

    def __post_init__(self) -> None:
        for name in ("block_seconds", "block_gas"):
            if getattr(self, name) <= 0:
                raise InvalidInput(name, getattr(self, name), "must be above 0")


@dataclass(frozen=True)
class Phase:
    """One part of a round: seconds by where they come from."""

    name: str
    compute: float = 0.0
    transfer: float = 0.0
    blocks: float = 0.0

    @property
    def seconds(self) -> float:
        """All of it."""
        return self.compute + self.transfer + self.blocks


@dataclass(frozen=True)
class Node:
    """What one node of a kind sends, receives and computes in a round, and keeps of it."""

    name: str
    up_bytes: float
    down_bytes: float
    cpu_seconds: float
    kept_bytes: float


@dataclass(frozen=True)
class Forecast:
    """A round of `size`. `most_seats`: how many a round can have before opening it does not fit into a block."""

    size: Size
    phases: list[Phase]
    nodes: list[Node]
    beacon_gas: Mapping[str, float]
    shard_gas: Mapping[str, float]
    most_seats: int = 0
    chains: Chains = field(default_factory=Chains)

    @property
    def seconds(self) -> float:
        """The round's length."""
        return sum(phase.seconds for phase in self.phases)


def forecast(
    size: Size, constants: Constants, client_link: Link, validator_link: Link, chains: Chains, kept_rounds: int
) -> Forecast:
    """The round that the constants imply; every shard has its own chain."""
    gas, sent = constants.gas_of(size), constants.sent_of(size)
    beacon_gas = {kind: gas[kind] for kind in BEACON_KINDS}
    shard_gas = {kind: gas[kind] / size.shards for kind in SHARD_KINDS}
    work = _Work(size, constants, gas)
    return Forecast(
        size,
        _phases(size, constants, gas, sent, client_link, validator_link, chains, work),
        _nodes(size, constants, sent, work, kept_rounds),
        beacon_gas,
        shard_gas,
        most_seats(size.validators, constants, chains),
        chains,
    )


def most_seats(validators: int, constants: Constants, chains: Chains) -> int:
    """Seats of all committees that one `openRound` can draw within a block's gas."""
    low, high = 0, validators + 1
    while high - low > 1:
        seats = (low + high) // 2
        fits = total(constants.opening, opening_counts(validators, seats)) <= chains.block_gas
        low, high = (seats, high) if fits else (low, seats)
    return low


class _Work:
    """Processor seconds of one of each.

    The measured chain's are shared out by gas. Opening is left out of what they are divided by: it was next to nothing
    in the rounds they come from, and is most of a large one's.
    """

    def __init__(self, size: Size, constants: Constants, gas: Mapping[str, float]) -> None:
        work = constants.work
        self.client = work["client"]["clients"]
        self.seat = work["validator"]["seats"] + work["validator"]["checks"] * size.updates_a_shard
        self.publisher = total(constants.stages["publish"], size.counts)
        a_gas = constants.work_of(size)["chain"] / (sum(gas.values()) - gas["open_round"])
        self.shard_node = a_gas * sum(gas[kind] for kind in SHARD_KINDS) / size.shards
        self.beacon_node = a_gas * sum(gas[kind] for kind in BEACON_KINDS)


def _phases(
    size: Size,
    constants: Constants,
    gas: Mapping[str, float],
    sent: Mapping[str, float],
    client: Link,
    validator: Link,
    chains: Chains,
    work: _Work,
) -> list[Phase]:
    senders = {"commit": size.clients, "reveal": size.clients, "propose": size.shards, "checkpoint": size.shards}
    senders["attest"] = max(1, round(size.counts["attestations"]))
    one = {kind: round(together / senders.get(kind, 1)) for kind, together in sent.items()}
    update, model = constants.update_bytes, constants.model_bytes

    def up(link: Link, kind: str, content: int = 0) -> float:
        return link.up_seconds(one[kind] + content)

    def down(number: float, content: int) -> float:
        return math.ceil(number / FETCHERS) * validator.down_seconds(content * FETCHERS)

    def blocks(*kinds: str) -> float:
        on_one_chain = sum(gas[kind] / size.shards if kind in SHARD_KINDS else gas[kind] for kind in kinds)
        return math.ceil(on_one_chain / chains.block_gas) * chains.block_seconds

    fetched = down(size.updates_a_shard, update)
    return [
        Phase("open", 0.0, up(validator, "open_round"), blocks("open_round")),
        Phase("train", work.client, client.down_seconds(model)),
        Phase("commit", 0.0, up(client, "commit"), blocks("commit")),
        Phase("reveal", 0.0, up(client, "reveal", update), blocks("reveal")),
        Phase("announce", work.seat, fetched + up(validator, "propose", model), blocks("propose", "attest")),
        Phase("checkpoint", 0.0, up(validator, "checkpoint"), blocks("checkpoint")),
        Phase("publish", work.publisher, down(size.shards, model) + up(validator, "publish", model), blocks("publish")),
    ]


def _nodes(size: Size, constants: Constants, sent: Mapping[str, float], work: _Work, kept_rounds: int) -> list[Node]:
    checks = size.updates_a_shard
    update, model = constants.update_bytes, constants.model_bytes
    on_shard = sum(sent[kind] for kind in SHARD_KINDS) / size.shards
    on_beacon = sum(sent[kind] for kind in BEACON_KINDS)
    told = (sent["propose"] + sent["attest"] + sent["checkpoint"]) / (size.shards * size.seats)
    return [
        Node("client", (sent["commit"] + sent["reveal"]) / size.clients + update, model, work.client, model),
        Node("seat", told + model, checks * update + model, work.seat, kept_rounds * (checks * update + 2 * model)),
        Node("publisher", sent["publish"] + model, size.shards * model, work.publisher, kept_rounds * model),
        Node("shard chain's node", 0.0, on_shard, work.shard_node, on_shard),
        Node("beacon chain's node", 0.0, on_beacon, work.beacon_node, on_beacon),
    ]
