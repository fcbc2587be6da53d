"""A round of a network where every role is a machine of its own: how long it takes, and what each node has to bear.

Compute is measured (`Constants.work`), transfers are simulated (`simulation/faults/links.py`), and the time that blocks
take is stated (`Chains`); the three are kept apart. Phases last as long as their slowest step, as if deadlines were
set so.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rich.table import Table

from experiments.scale.constants import Constants, total
from experiments.scale.size import Size
from qfl.node.updates import FETCHERS
from qfl.simulation.faults.links import Link

SHARD_KINDS = ("commit", "reveal", "propose", "attest")
BEACON_KINDS = ("open_round", "checkpoint", "publish", "settle")


@dataclass(frozen=True)
class Chains:
    """What is stated of the chains: Ethereum's slot and the block gas limit of its mainnet from 2021 to 2025."""

    block_seconds: float = 12.0
    block_gas: int = 30_000_000


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
    """A round of `size`."""

    size: Size
    phases: list[Phase]
    nodes: list[Node]
    beacon_gas: Mapping[str, float]
    shard_gas: Mapping[str, float]
    chains: Chains = field(default_factory=Chains)

    @property
    def seconds(self) -> float:
        """The round's length."""
        return sum(phase.seconds for phase in self.phases)


def forecast(
    size: Size, constants: Constants, client_link: Link, validator_link: Link, chains: Chains, kept_rounds: int
) -> Forecast:
    """The round that the constants imply; every shard has its own chain."""
    made = _Round(size, constants, chains)
    return Forecast(
        size,
        made.phases(client_link, validator_link),
        made.nodes(kept_rounds),
        {kind: made.gas[kind] for kind in BEACON_KINDS},
        {kind: made.gas[kind] / size.shards for kind in SHARD_KINDS},
        chains,
    )


class _Round:
    """A round's gas and bytes by kind, and processor seconds of one of each role.

    The measured chain's seconds are shared out by gas. Opening is left out of what they are divided by: it was next to
    nothing in the rounds they come from, and is most of a large one's.
    """

    def __init__(self, size: Size, constants: Constants, chains: Chains) -> None:
        self._size, self._chains = size, chains
        self._update, self._model = constants.update_bytes, constants.model_bytes
        self._stored = round(1 + size.counts["carried"]) * self._model  # by a seat: an aggregate, and the model with it
        costs = constants.costs_of(size)
        self.gas, self._sent = costs.gas, costs.sent
        work = constants.work
        self._client = work["client"]["clients"]
        self._seat = work["validator"]["seats"] + work["validator"]["checks"] * size.updates_a_shard
        self._publisher = total(constants.stages["publish"], size.counts)
        self._seconds_a_gas = costs.work["chain"] / (sum(self.gas.values()) - self.gas["open_round"])

    def phases(self, client: Link, validator: Link) -> list[Phase]:
        """From opening to publication, which is the checkpoint where there is one shard."""
        size, update, model = self._size, self._update, self._model
        senders = {"commit": size.clients, "reveal": size.clients, "propose": size.shards, "checkpoint": size.shards}
        senders["attest"] = max(1, round(size.counts["attestations"]))
        one = {kind: round(together / senders.get(kind, 1)) for kind, together in self._sent.items()}

        def up(link: Link, kind: str, content: int = 0) -> float:
            return link.up_seconds(one[kind] + content)

        def down(number: float, content: int) -> float:
            return math.ceil(number / FETCHERS) * validator.down_seconds(content * FETCHERS)

        def blocks(*kinds: str) -> float:
            on_one_chain = sum(self.gas[kind] / (size.shards if kind in SHARD_KINDS else 1) for kind in kinds)
            return math.ceil(on_one_chain / self._chains.block_gas) * self._chains.block_seconds

        fetched = down(size.updates_a_shard, update) + down(size.counts["carried"], model)
        phases = [
            Phase("open", 0.0, up(validator, "open_round"), blocks("open_round")),
            Phase("train", self._client, client.down_seconds(model)),
            Phase("commit", 0.0, up(client, "commit"), blocks("commit")),
            Phase("reveal", 0.0, up(client, "reveal", update), blocks("reveal")),
            Phase(
                "announce", self._seat, fetched + up(validator, "propose", self._stored), blocks("propose", "attest")
            ),
            Phase("checkpoint", 0.0, up(validator, "checkpoint"), blocks("checkpoint")),
        ]
        if size.shards > 1:
            moved = down(size.shards, model) + up(validator, "publish", model)
            phases.append(Phase("publish", self._publisher, moved, blocks("publish")))
        return phases

    def nodes(self, kept_rounds: int) -> list[Node]:
        """One of each kind."""
        size, sent, model = self._size, self._sent, self._model
        checked = size.updates_a_shard * self._update
        told = (sent["propose"] + sent["attest"] + sent["checkpoint"]) / (size.shards * size.seats)
        up = (sent["commit"] + sent["reveal"]) / size.clients + self._update
        publisher = Node(
            "publisher", sent["publish"] + model, size.shards * model, self._publisher, kept_rounds * model
        )
        return [
            Node("client", up, model, self._client, model),
            Node("seat", told + self._stored, checked + model, self._seat, kept_rounds * (checked + 2 * model)),
            *([publisher] if size.shards > 1 else []),
            self._chain_node("shard chain's node", SHARD_KINDS, size.shards),
            self._chain_node("beacon chain's node", BEACON_KINDS, 1),
        ]

    def _chain_node(self, name: str, kinds: Sequence[str], chains: int) -> Node:
        """The node of one of `chains` chains that share these transactions."""
        gas, sent = (sum(amounts[kind] for kind in kinds) / chains for amounts in (self.gas, self._sent))
        return Node(name, 0.0, sent, self._seconds_a_gas * gas, sent)


def forecast_tables(forecast: Forecast) -> list[Table]:
    """Time by phase, load by node, gas by kind."""
    time = Table("phase", "measured compute, s", "simulated transfer, s", "stated blocks, s", title="One round's time")
    for phase in forecast.phases:
        time.add_row(phase.name, *(f"{part:.3f}" for part in (phase.compute, phase.transfer, phase.blocks)))
    together = (sum(getattr(p, part) for p in forecast.phases) for part in ("compute", "transfer", "blocks"))
    time.add_row("round", *(f"{seconds:.3f}" for seconds in together), style="bold")
    load = Table(
        "node", "sends, bytes", "receives, bytes", "computes, s", "keeps, bytes", title="One round at one node"
    )
    for node in forecast.nodes:
        sizes = (f"{size:,.0f}" for size in (node.up_bytes, node.down_bytes))
        load.add_row(node.name, *sizes, f"{node.cpu_seconds:.3f}", f"{node.kept_bytes:,.0f}")
    gas = Table("kind", "gas a round", f"blocks of {forecast.chains.block_gas:,}", title="Gas")
    for name, kinds in (("beacon", forecast.beacon_gas), ("each shard", forecast.shard_gas)):
        for kind, amount in (*kinds.items(), ("together", sum(kinds.values()))):
            gas.add_row(f"{name}: {kind}", f"{amount:,.0f}", f"{amount / forecast.chains.block_gas:.2f}")
    return [time, load, gas]
