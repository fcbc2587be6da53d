"""What proving a fault costs, slashing included, from receipts: 1,024 lanes of 16 bits, 16 updates, 4 shards;
3 of 4 seats attest, and there are no other validators.

`QFL_UPDATE_GAS=1 brownie test tests/contracts/test_disputes_gas.py -o addopts=` rewrites
`tests/disputes_gas_snapshot.json`; read its diff. Validators have keys of height 10, as in use.
"""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from brownie import web3

from qfl.crypto.lms import LmsSecret
from qfl.protocol.types import ModelShape
from tests.contracts.dispute_testnet import BURN, VALIDATORS, DisputeTestnet, Update, Vector, set_up_disputes
from tests.contracts.snapshots import require_as_committed
from tests.contracts.world import as_tuple, word

# Calldata that happens to be zero, and who sits where: places in the stake tree are more or less dear to change.
GAS_BETWEEN_RUNS = 10_000
GAS_BETWEEN_SIGNATURES = 30_000
BUDGETS = {
    "an aggregate of 16 updates": 700_000,
    "an aggregate of 16 salted updates": 700_000,
    "a norm": 260_000,
    "a norm, salted": 260_000,
    "a model of 4 shards": 450_000,
    "an equivocation": 600_000,
}


@cache
def tall_key(name: str) -> LmsSecret:
    return LmsSecret.derive(10, word(name)[:16], word(name + "'s seed")[:24])


def new_court(seats: int = 4, shards: int = 1, trim_bps: int = 1000, *, is_private: bool = False) -> DisputeTestnet:
    """A deployment of its own, with as many validators as seats."""
    rules = {"seats": seats, "shards": shards, "trimBps": trim_bps}
    court = set_up_disputes(ModelShape(768, 256), (), is_private=is_private, **rules)
    for name in VALIDATORS[: seats * shards]:
        court.bond(name, "validator", key=tall_key(name))
    # The burn address has an account on any chain in use; the first to pay it on a new one pays 25,000 gas more.
    court.owner.transfer(BURN, 1)
    return court


def gas_of_heavy(court: DisputeTestnet, data: str) -> int:
    """Sent without Brownie, which takes a transaction for dropped when it asks for it while it is being executed."""
    call = {"from": str(court.challenger), "to": court.disputes.address, "data": data, "gas": 12_000_000}
    receipt = web3.eth.wait_for_transaction_receipt(web3.eth.send_transaction(call))
    assert receipt["status"] == 1
    return int(receipt["gasUsed"])


def gas_of_aggregate(is_salted: bool, is_whole: bool, trim_bps: int = 1000, count: int = 16) -> int:
    court = new_court(trim_bps=trim_bps, is_private=is_salted)
    updates = court.updates(count)
    false = court.aggregate_of(updates).with_lane(1000, 1)
    attested = court.run_to_attestation(updates, aggregate_root=false.root)
    if is_whole:
        return gas_of_heavy(court, court.disputes.disputeWholeAggregate.encode_input(*attested.whole_proof()))
    return int(court.disputes.disputeAggregate(*attested.chunk_proof(1000, false), court.by()).gas_used)


def gas_of_norm(seed: bytes) -> int:
    court = new_court(is_private=bool(seed))
    heavy = Update(101, Vector(np.full(court.shape.total, -12_345, np.int16), 16, seed))
    attested = court.run_to_attestation([heavy, *court.updates(16)[1:]])
    return int(court.disputes.disputeNorm(*attested.norm_proof(0), court.by()).gas_used)


def gas_of_model(is_whole: bool) -> int:
    court = new_court(seats=2, shards=4)
    court.run_to_checkpoint_phase()
    attested = [court.attest(court.updates(2 + shard), shard) for shard in range(4)]
    false = court.next_model(court.genesis, attested).with_lane(1000, 1)
    court.publish_model("vera", false, court.genesis)
    checkpoints = [as_tuple(a.checkpoint) for a in attested]
    if is_whole:
        lanes = [a.aggregate.chunks for a in attested]
        proof = 1, checkpoints, court.genesis.chunks, lanes
        return gas_of_heavy(court, court.disputes.disputeWholeModel.encode_input(*proof))
    openings = [a.aggregate.opening(1000) for a in attested]
    vectors = court.genesis.opening(1000), false.opening(1000)
    return int(court.disputes.disputeModel(1, 1000, checkpoints, openings, *vectors, court.by()).gas_used)


def gas_of_equivocation() -> int:
    court = new_court()
    court.run_to_checkpoint_phase()
    one = court.checkpoint((), count=1, included=1)
    pair = one, replace(one, aggregate_root=word("another aggregate"))
    seat = court.seats(1)[2]
    first, second = (seat.sign(court.domain(court.beacon).checkpoint(checkpoint)) for checkpoint in pair)
    arguments = as_tuple(pair[0]), as_tuple(pair[1]), 2, 0, first, 0, second
    return int(court.disputes.disputeEquivocation(*arguments, court.by()).gas_used)


@pytest.fixture(scope="module")
def gas(module_isolation):
    return {
        "an aggregate of 16 updates": gas_of_aggregate(is_salted=False, is_whole=False),
        "an aggregate of 16 salted updates": gas_of_aggregate(is_salted=True, is_whole=False),
        "a whole aggregate of 16 updates": gas_of_aggregate(is_salted=False, is_whole=True),
        "a median of 16 updates": gas_of_aggregate(is_salted=False, is_whole=False, trim_bps=5000),
        "a whole median of 12 updates": gas_of_aggregate(is_salted=False, is_whole=True, trim_bps=5000, count=12),
        "a norm": gas_of_norm(b""),
        "a norm, salted": gas_of_norm(word("seed")),
        "a model of 4 shards": gas_of_model(is_whole=False),
        "a whole model of 4 shards": gas_of_model(is_whole=True),
        "an equivocation": gas_of_equivocation(),
    }


@pytest.mark.parametrize("proof", BUDGETS)
def test_gas_stays_within_budget(gas, proof):
    assert gas[proof] <= BUDGETS[proof]


def test_gas_is_what_the_snapshot_says(gas):
    def slack_of(proof: str) -> int:
        return GAS_BETWEEN_SIGNATURES if proof == "an equivocation" else GAS_BETWEEN_RUNS

    require_as_committed("disputes_gas_snapshot", gas, slack_of)
