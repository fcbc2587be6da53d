"""What proving a fault costs, slashing included, from receipts: 1,024 lanes of 16 bits, 16 updates, 4 shards;
3 of 4 seats attest, and there are no other validators. The largest proofs are of the largest models that a deployment
takes, of 256 updates, and of 4,096 shards: each transaction below 2^24 gas and 100 KiB.

`QFL_UPDATE_GAS=1 brownie test tests/contracts/test_disputes_gas.py -o addopts=` rewrites
`tests/disputes_gas_snapshot.json`; read its diff. Validators have keys of height 10, as in use.
"""

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from brownie import BeaconHarness, Disputes, accounts, chain, web3

from qfl.chain.parameters import load_parameters
from qfl.crypto.lms import LmsSecret
from qfl.protocol.chunks import merkle_path, part_path
from qfl.protocol.types import Checkpoint, ModelShape, RoundNumber, ShardIndex
from scripts.deploy import NOBODY
from tests.contracts.dispute_testnet import BURN, VALIDATORS, DisputeTestnet, Update, Vector, set_up_disputes
from tests.contracts.snapshots import require_as_committed
from tests.contracts.world import as_tuple, reverts, word

SHAPE, LARGEST = ModelShape(768, 256), ModelShape(24_000, 576)
MOST_BYTES, MOST_GAS = 100 * 1024, 2**24
MOST_SHARDS, SHARDS_IN_ONE = 4096, 100
# Calldata that happens to be zero, and who sits where: places in the stake tree are more or less dear to change.
GAS_BETWEEN_RUNS = 10_000
GAS_BETWEEN_SIGNATURES = 30_000
BUDGETS = {
    "an aggregate of 16 updates": 700_000,
    "an aggregate of 16 salted updates": 700_000,
    "a norm": 360_000,
    "a norm, salted": 360_000,
    "a model of 4 shards": 450_000,
    "the content of an aggregate": 400_000,
    "a demand of an update": 200_000,
    "an answer": 200_000,
    "an update that was withheld": 350_000,
    "the largest norm": 2**24,
    "the largest content of an aggregate": 2**24,
    "a part of the largest median": MOST_GAS,
    "the rest of the largest median": MOST_GAS,
    "a model of 100 shards": MOST_GAS,
    "a part of a model of 4,096 shards": MOST_GAS,
    "the rest of a model of 4,096 shards": MOST_GAS,
    "the largest answer": 2**24,
    "an equivocation": 600_000,
}


@cache
def tall_key(name: str) -> LmsSecret:
    return LmsSecret.derive(10, word(name)[:16], word(name + "'s seed")[:24])


def new_court(
    seats: int = 4, shards: int = 1, trim_bps: int = 1000, *, is_private: bool = False, shape: ModelShape = SHAPE
) -> DisputeTestnet:
    """A deployment of its own, with as many validators as seats."""
    rules = {"seats": seats, "shards": shards, "trimBps": trim_bps}
    court = set_up_disputes(shape, (), is_private=is_private, **rules)
    for name in VALIDATORS[: seats * shards]:
        court.bond(name, "validator", key=tall_key(name))
    # The burn address has an account on any chain in use; the first to pay it on a new one pays 25,000 gas more.
    court.owner.transfer(BURN, 1)
    return court


def gas_of_heavy(court: DisputeTestnet, call: Any, *arguments: Any, value_wei: int = 0) -> int:
    """Sent without Brownie, which takes a transaction for dropped when it asks for it while it is being executed."""
    return gas_of_sent(str(court.challenger), call, *arguments, value_wei=value_wei)


def gas_of_sent(sender: str, call: Any, *arguments: Any, value_wei: int = 0) -> int:
    data = call.encode_input(*arguments)
    assert len(data) // 2 <= MOST_BYTES
    sent = {"from": sender, "to": call._address, "data": data, "gas": 12_000_000, "value": value_wei}
    receipt = web3.eth.wait_for_transaction_receipt(web3.eth.send_transaction(sent))
    assert receipt["status"] == 1
    return int(receipt["gasUsed"])


def gas_of_aggregate(is_salted: bool = False, trim_bps: int = 1000, count: int = 16, shape: ModelShape = SHAPE) -> int:
    court = new_court(trim_bps=trim_bps, is_private=is_salted, shape=shape)
    updates = court.updates(count)
    false = court.aggregate_of(updates).with_lane(1000, 1)
    attested = court.run_to_attestation(updates, aggregate_root=false.root)
    return gas_of_heavy(court, court.disputes.disputeAggregate, *attested.chunk_proof(1000, false))


def gas_of_aggregate_in_parts() -> dict[str, int]:
    court = new_court(trim_bps=5000, shape=LARGEST)
    updates = court.updates(256)
    false = court.aggregate_of(updates).with_lane(1000, 1)
    attested = court.run_to_attestation(updates, aggregate_root=false.root)
    part, rest = attested.part_of_proof(1000, 0, 128), attested.rest_of_proof(1000, 128, 256, false)
    return {
        "a part of the largest median": gas_of_heavy(court, court.disputes.openLanes, *part),
        "the rest of the largest median": gas_of_heavy(court, court.disputes.disputeAggregate, *rest),
    }


def gas_of_shards(count: int) -> tuple[list[int], int]:
    """A false model of the largest shape and so many shards: its parts, and the rest with the last `SHARDS_IN_ONE`.

    On a harness, as so many committees take long to attest; here their checkpoints are taken as they are.
    """
    sender = str(accounts[0])
    harness = accounts[0].deploy(BeaconHarness, LARGEST.quantum, LARGEST.classical, False)
    address = accounts[0].get_deployment_address(accounts[0].nonce + 1)
    harness.expect(address, tuple(load_parameters(shards=count).rounds.values()))
    disputes = accounts[0].deploy(Disputes, harness, harness, [], harness, NOBODY)
    rng = np.random.default_rng(1)
    base, mean, model = (Vector(rng.integers(-(2**31), 2**31 - 1, LARGEST.total, np.int32), 32) for _ in range(3))
    said = 256, base.root, 2**256 - 1, word("updates"), mean.root, word("content")
    checkpoints = [as_tuple(Checkpoint(RoundNumber(1), ShardIndex(shard), 0, *said)) for shard in range(count)]
    opening = mean.opening(1000)
    harness.publish(base.root, model.root, count)
    parts = [checkpoints[i : i + SHARDS_IN_ONE] for i in range(0, count, SHARDS_IN_ONE)]
    for part in parts:
        gas_of_sent(sender, harness.accept, part)
    *first, last = [(1, 1000, part, [opening] * len(part)) for part in parts]
    gas = [gas_of_sent(sender, disputes.sumAggregates, *part) for part in first]
    return gas, gas_of_sent(sender, disputes.disputeModel, *last, base.opening(1000), model.opening(1000))


def gas_of_aggregate_content(shape: ModelShape = SHAPE) -> int:
    court = new_court(shape=shape)
    attested = court.run_to_attestation(court.updates(2), content_digest=word("garbage"))
    return gas_of_heavy(court, court.disputes.disputeAggregateContent, *attested.content_proof())


def gas_of_norm(seed: bytes = b"", shape: ModelShape = SHAPE) -> int:
    court = new_court(is_private=bool(seed), shape=shape)
    heavy = Update(101, Vector(np.full(court.shape.total, -12_345, np.int16), 16, seed))
    attested = court.run_to_attestation([heavy, *court.updates(16)[1:]])
    return gas_of_heavy(court, court.disputes.disputeNorm, *attested.norm_proof(0))


def gas_of_model() -> int:
    court = new_court(seats=2, shards=4)
    court.run_to_checkpoint_phase()
    attested = [court.attest(court.updates(2 + shard), shard) for shard in range(4)]
    false = court.next_model(court.genesis, attested).with_lane(1000, 1)
    court.publish_model(false, court.genesis)
    checkpoints = [as_tuple(a.checkpoint) for a in attested]
    openings = [a.aggregate.opening(1000) for a in attested]
    vectors = court.genesis.opening(1000), false.opening(1000)
    return int(court.disputes.disputeModel(1, 1000, checkpoints, openings, *vectors, court.by()).gas_used)


def gas_of_demand(shape: ModelShape = SHAPE) -> dict[str, int]:
    """Of an included update: a demand, its answer, and the verdict where there is none; the second of two each time."""
    court = new_court(shape=shape)
    attested = court.run_to_attestation(court.updates(16))
    gas = {}
    leaves, chunks = [update.leaf for update in attested.updates], attested.updates[0].vector.chunks
    size = min(2048, len(chunks))
    deposit = {"from": court.challenger, "value": (size + 64) * court.demands.chunkDepositWei()}
    for position in range(3):
        update = attested.updates[position]
        part = (0, 1, 0, position, 0, len(chunks), update.vector.root)
        call = (as_tuple(attested.checkpoint), position, update.struct, merkle_path(leaves, position), 0)
        gas["a demand of an update"] = court.demands.demandUpdate(*call, deposit).gas_used
        if position < 2:
            shown = update.vector.chunks
            said = part, shown[:size], part_path(shown, 11, 0)
            gas["an answer"] = gas_of_heavy(court, court.demands.answer, *said)
    court.reach(chain[-1].timestamp + court.demands.answerSeconds())
    gas["an update that was withheld"] = court.disputes.disputeWithheld(part, court.by()).gas_used
    return gas


def gas_of_equivocation() -> int:
    court = new_court()
    court.run_to_checkpoint_phase()
    one = court.checkpoint((), count=1, included=1)
    pair = one, replace(one, aggregate_root=word("another aggregate"))
    seat = court.seats(1)[2]
    first, second = (seat.attest(court.domain(court.beacon).checkpoint(checkpoint), 2) for checkpoint in pair)
    arguments = as_tuple(pair[0]), as_tuple(pair[1]), 2, 0, first, 0, second
    return int(court.disputes.disputeEquivocation(*arguments, court.by()).gas_used)


@pytest.fixture(scope="module")
def gas(module_isolation):
    parts, rest = gas_of_shards(MOST_SHARDS)
    return {
        "an aggregate of 16 updates": gas_of_aggregate(),
        "an aggregate of 16 salted updates": gas_of_aggregate(is_salted=True),
        "a median of 16 updates": gas_of_aggregate(trim_bps=5000),
        "the content of an aggregate": gas_of_aggregate_content(),
        "a norm": gas_of_norm(),
        "a norm, salted": gas_of_norm(word("seed")),
        "a model of 4 shards": gas_of_model(),
        "an equivocation": gas_of_equivocation(),
        **gas_of_demand(),
        "the largest norm": gas_of_norm(shape=LARGEST),
        "the largest content of an aggregate": gas_of_aggregate_content(LARGEST),
        **gas_of_aggregate_in_parts(),
        "a model of 100 shards": gas_of_shards(SHARDS_IN_ONE)[1],
        "a part of a model of 4,096 shards": max(parts),
        "the rest of a model of 4,096 shards": rest,
        "the largest answer": gas_of_demand(LARGEST)["an answer"],
    }


@pytest.mark.parametrize(("field", "most"), [("coordinates", 24_576), ("shards", MOST_SHARDS)])
def test_deployments_with_larger_proofs_are_refused(fn_isolation, field, most):
    shape = ModelShape(most, 1) if field == "coordinates" else SHAPE
    with reverts("BadParameters", field, most + 1):
        set_up_disputes(shape, (), **({"shards": most + 1} if field == "shards" else {}))


@pytest.mark.parametrize("proof", BUDGETS)
def test_gas_stays_within_budget(gas, proof):
    assert gas[proof] <= BUDGETS[proof]


def test_gas_is_what_the_snapshot_says(gas):
    def slack_of(proof: str) -> int:
        return GAS_BETWEEN_SIGNATURES if proof == "an equivocation" else GAS_BETWEEN_RUNS

    require_as_committed("disputes_gas_snapshot", gas, slack_of)
