"""One round of a variant, from the opening to the decision, and what the decision took."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import mean

from qfl.bench.acts import Act, critical_path
from qfl.bench.flat import SHARD
from qfl.bench.variants import Site
from qfl.chain.contracts.beacon import Phase, ValidatorDuty
from qfl.committee.bundle import quorum_of
from qfl.errors import RoundNotCompleted
from qfl.round import commit, mirror, open_round, reveal, train
from qfl.types import ParticipantId, RoundNumber, ShardIndex

ON_BEACON = ("open_round", "checkpoint", "vote")
"""Transactions to contracts that stay on the beacon's chain when shards have chains of their own."""

Figures = dict[str, float]


def measure_round(site: Site) -> tuple[Figures, dict[str, int]]:
    """Bring the same updates to a decision once more: the figures, and the gas of every kind of transaction.

    The round is not published: it fails when its time is over, and the next one trains on the same model.
    """
    network = site.network
    while (context := network.ledger.beacon.context()).phase is not Phase.IDLE:
        network.clock.reach(context.phase_ends_at)
    site.receipts.clear()
    number = open_round(network)
    if network.ledger.mirrors:
        mirror(network)
    for stage in (train, commit, reveal):
        stage(network)
    for voter in site.voters:
        voter.prepare(number)
    site.recorder.acts.clear()
    site.meter.clear()
    before = [_folder_bytes(folder) for folder in site.folders]
    begun = time.perf_counter()
    needed = _vote(site, number) if site.variant.is_flat else _sit(site, number)
    acts, gas = site.recorder.acts, dict[str, int]()
    decided = sorted(sent.mined_at for act in acts for sent in act.sent if sent.label == site.variant.decisive)
    written = [_folder_bytes(folder) - size for folder, size in zip(site.folders, before, strict=True)]
    for receipt in site.receipts:
        gas[receipt.label] = gas.get(receipt.label, 0) + receipt.gas
    figures = {
        "wall_seconds": decided[needed - 1] - begun,
        "critical_seconds": critical_path(acts, site.variant.decisive, needed),
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
        "updates_verified": [len(sizes) for sizes in fetched],
        "verify_cpu_seconds": [verifying.get(member, 0.0) for member in members],
        "all_cpu_seconds": [verifying.get(member, 0.0) + deciding.get(member, 0.0) for member in members],
        "disk_bytes": [sum(got) + sum(put) + size for got, put, size in zip(fetched, stored, written, strict=True)],
    }
    return {name: mean(values) for name, values in each.items()} | {
        f"{name}_most": max(values) for name, values in each.items()
    }


def _vote(site: Site, number: RoundNumber) -> int:
    """Let everybody verify, then vote; return how many votes decide."""
    results = []
    for voter in site.voters:
        with _acting(site, voter.participant, SHARD):
            results.append(voter.verify(number))
    for voter, result in zip(site.voters, results, strict=True):
        with _acting(site, voter.participant, SHARD):
            voter.vote(result)
    return quorum_of(len(site.voters))


def _sit(site: Site, number: RoundNumber) -> int:
    """Let the committees verify and attest until every shard with updates has its checkpoint; how many those are.

    The proposers come last, so that everybody has verified before the first proposal, as when all begin at once.
    """
    beacon, shards = site.network.ledger.beacon, site.variant.shards
    people = {validator.participant: validator for validator in site.network.validators}
    seats = [
        (seat, ShardIndex(shard), people[member])
        for shard in range(shards)
        for seat, member in enumerate(beacon.committee(number, ShardIndex(shard)))
    ]
    seats.sort(key=lambda entry: -entry[0])
    said = True
    while said and beacon.context().phase is Phase.CHECKPOINT:
        said = False
        for _, shard, validator in seats:
            with _acting(site, validator.participant, shard):
                duty = validator.duty()
                if duty.kind is ValidatorDuty.VERIFY:
                    said |= validator.verify(duty)
    if not (accepted := len(beacon.accepted(number, site.network.ledger.opened_in(number)))):
        raise RoundNotCompleted(number, "no committee came to a decision")
    return accepted


@contextmanager
def _acting(site: Site, validator: ParticipantId, shard: ShardIndex) -> Iterator[None]:
    """Record what happens inside as an act of the validator; its work is charged to it, apart from verification."""
    with site.recorder.acting(validator, shard), site.meter.measuring("validator", validator, "decide"):
        yield


def _folder_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())
