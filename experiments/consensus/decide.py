"""One round of a variant, from the opening to the decision, and what the decision took."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from math import ceil
from statistics import mean

from experiments.consensus.acts import Act, critical_path
from experiments.consensus.flat import SHARD
from experiments.consensus.storage import folder_bytes
from experiments.consensus.variants import SEATS, Site
from qfl.chain.contracts.beacon import Phase
from qfl.client.client import Client
from qfl.errors import RoundNotCompleted
from qfl.node.settlement import settle_due
from qfl.protocol.quorum import quorum_of
from qfl.protocol.types import ParticipantId, RoundNumber, ShardIndex
from qfl.simulation.driver import Network, run_until

ON_BEACON = ("open_round", "checkpoint", "vote")
"""Transactions to contracts that stay on the beacon's chain when shards have chains of their own."""

BLOCK_SECONDS = 2.0
PHASES = [BLOCK_SECONDS * number / 20 for number in range(20)]
"""When the first block after the reveals is made, seconds: any time is as likely."""

Figures = dict[str, float]


def next_block(ready: float, phase: float) -> float:
    """When the first block from `ready` on is made, on a chain with a block every 2 seconds, one of them at `phase`."""
    return phase + BLOCK_SECONDS * ceil((ready - phase) / BLOCK_SECONDS)


def measure_round(site: Site) -> tuple[Figures, dict[str, int]]:
    """Bring the same updates to a decision once more: the figures, and the gas of every kind of transaction.

    Time begins when the reveals end, work and messages with the first reveal. In each shard one client reveals last,
    when whoever looks early has checked all others. An only shard and flat voters decide the next model. Several shards
    decide their aggregates, and nobody publishes: the round fails when its time is over.
    """
    network, recorder = site.network, site.recorder
    while (context := network.ledger.beacon.context()).phase is not Phase.IDLE:
        network.clock.reach(context.phase_ends_at)
    settle_due(network.ledger, network.sender)
    site.receipts.clear()
    number = run_until(network, Phase.REVEAL)
    _take_seats(site, number)
    last = _last_of_each_shard(network)
    recorder.acts.clear()
    site.meter.clear()
    before = [folder_bytes(folder) for folder in site.folders]
    others = [client for client in network.clients if client not in last]
    network.scheduler.step_clients(others, network.trainer, stage="reveal")
    _look(site, number)
    network.scheduler.step_clients(last, network.trainer, stage="reveal")
    network.clock.reach(network.ledger.beacon.context().phase_ends_at)
    looks, begun = len(recorder.acts), time.perf_counter()
    needed = _vote(site) if site.variant.is_flat else _sit(site, number)
    acts, gas = recorder.acts, dict[str, int]()
    decided = sorted(sent.mined_at for act in acts for sent in act.sent if sent.label == site.variant.decisive)
    written = [folder_bytes(folder) - size for folder, size in zip(site.folders, before, strict=True)]
    for receipt in site.receipts:
        gas[receipt.label] = gas.get(receipt.label, 0) + receipt.gas
    decision, words = (acts[looks:], site.variant.decisive, needed), quorum_of(SEATS) - 1
    figures = {
        "wall_seconds": decided[needed - 1] - begun,
        "critical_seconds": critical_path(*decision, words=words),
        "block_seconds": mean(
            critical_path(*decision, words=words, block_at=partial(next_block, phase=phase)) for phase in PHASES
        ),
        **count_traffic(acts),
        **count_work(site, written),
        "gas_beacon": sum(gas[label] for label in gas if label in ON_BEACON),
        "gas_shards": sum(gas[label] for label in gas if label not in ON_BEACON),
    }
    return figures, gas


def count_traffic(acts: Sequence[Act]) -> Figures:
    """Messages and bytes to and from the validators: contents, transactions, events; and the JSON-RPC around them."""
    contents = [size for act in acts for size in (*act.fetched, *act.stored)]
    transactions = [sent.size for act in acts for sent in act.sent]
    events = [size for act in acts for size in act.read]
    return {
        "messages": len(contents) + len(transactions) + len(events),
        "wire_bytes": sum(contents) + sum(transactions) + sum(events),
        "content_bytes": sum(contents),
        "transaction_bytes": sum(transactions),
        "event_bytes": sum(events),
        "rpc_calls": sum(act.rpc_calls for act in acts),
        "rpc_bytes": sum(act.rpc_bytes for act in acts),
    }


def count_work(site: Site, written: Sequence[int]) -> Figures:
    """Work and disk of a validator: the mean over all of them, seated or not, and the most that one has.

    Args:
        written: bytes by which the validators' folders have grown, in their order.
    """
    members = [validator.participant for validator in site.network.validators]
    verifying = {work.participant: work.cpu_seconds for work in site.meter.works() if work.stage == "verify"}
    deciding = {work.participant: work.cpu_seconds for work in site.meter.works() if work.stage == "decide"}
    acts = {member: [act for act in site.recorder.acts if act.validator == member] for member in members}
    fetched = [[size for act in acts[member] for size in act.fetched] for member in members]
    stored = [[size for act in acts[member] for size in act.stored] for member in members]
    each: dict[str, list[float]] = {
        "updates_verified": [sum(act.updates for act in acts[member]) for member in members],
        "verify_cpu_seconds": [verifying.get(member, 0.0) for member in members],
        "all_cpu_seconds": [verifying.get(member, 0.0) + deciding.get(member, 0.0) for member in members],
        "disk_bytes": [sum(got) + sum(put) + size for got, put, size in zip(fetched, stored, written, strict=True)],
    }
    return {name: mean(values) for name, values in each.items()} | {
        f"{name}_most": max(values) for name, values in each.items()
    }


def _last_of_each_shard(network: Network) -> list[Client]:
    """A client of each shard that has any."""
    return list({network.ledger.shard_of(client.participant): client for client in network.clients}.values())


def _take_seats(site: Site, number: RoundNumber) -> None:
    """Let everybody read what the round fixes, before there is anything to verify: it counts nowhere."""
    for voter in site.voters:
        voter.prepare(number)
    if not site.variant.is_flat:
        for validator in site.network.validators:
            validator.step([Phase.REVEAL])


def _look(site: Site, number: RoundNumber) -> None:
    """Let those who look early check what is revealed."""
    if not site.variant.looks_early:
        return
    if site.variant.is_flat:
        for voter in site.voters:
            with _acting(site, voter.participant, SHARD):
                voter.look()
    else:
        _step_seats(site, number, Phase.REVEAL)


def _vote(site: Site) -> int:
    """Let everybody verify, then vote; return how many votes decide."""
    results = []
    for voter in site.voters:
        with _acting(site, voter.participant, SHARD):
            results.append(voter.verify())
    for voter, result in zip(site.voters, results, strict=True):
        with _acting(site, voter.participant, SHARD):
            voter.vote(result)
    return quorum_of(len(site.voters))


def _sit(site: Site, number: RoundNumber) -> int:
    """Let the seats act, in their order, until every shard with updates has its checkpoint; how many those are."""
    beacon = site.network.ledger.beacon
    _step_seats(site, number, Phase.CHECKPOINT, last_first=True)
    if site.gossip is not None:
        site.gossip.deliver()
    while beacon.context().phase is Phase.CHECKPOINT and _step_seats(site, number, Phase.CHECKPOINT):
        pass
    if not (accepted := len(beacon.accepted(number, site.network.ledger.round(number).opened_in))):
        raise RoundNotCompleted(number, "no committee came to a decision")
    return accepted


def _step_seats(site: Site, number: RoundNumber, phase: Phase, last_first: bool = False) -> bool:
    """Let every seat step, the first ones of all shards first, or the last ones; whether one acted.

    The scheduler would let shards act at the same time, and would not say whose step belongs to which of them: here
    each is an act of its own. The first seats speak, and the others wait for that. On machines of their own all begin
    at once: so when a phase begins the last come first, and verify before there is anything said, as they would there.
    """
    people = {validator.participant: validator for validator in site.network.validators}
    shards = [ShardIndex(shard) for shard in range(site.variant.shards)]
    committees = [site.network.ledger.beacon.committee(number, shard) for shard in shards]
    has_acted = False
    for seats in list(zip(*committees, strict=True))[:: -1 if last_first else 1]:
        for shard, member in zip(shards, seats, strict=True):
            with _acting(site, member, shard):
                has_acted |= people[member].step([phase]).has_acted
    return has_acted


@contextmanager
def _acting(site: Site, validator: ParticipantId, shard: ShardIndex) -> Iterator[None]:
    """Record what happens inside as an act of the validator; its work is charged to it, apart from verification."""
    with site.recorder.acting(validator, shard), site.meter.measuring("validator", validator, "decide"):
        yield
