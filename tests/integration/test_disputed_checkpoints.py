"""A committee attests a false checkpoint: the challenger proves it, all who signed pay, and the round repeats.

Clients' funds stay what they were; the next round trains on the last good model, and everything that is left stands.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from dishonest import (
    assert_next_round_is_good,
    assert_punished,
    collude,
    honest_result,
    lie_about_one_lane,
    make_challenger,
    stakes,
    testnet_of_liars,
    until_checkpoint_phase,
    until_checkpoint_phase_with,
    withhold_the_aggregate,
)
from testnet import Testnet

from qfl.apps.inspect.transaction import inspect_transaction
from qfl.chain.contracts.beacon import RoundState
from qfl.chain.contracts.disputes import Fault
from qfl.challenger.fault_detector import RETRY_SECONDS
from qfl.devnet import Devnet
from qfl.protocol.content import content_digest
from qfl.protocol.recompute import ShardResult
from qfl.protocol.types import Checkpoint

pytestmark = pytest.mark.rest

CheckpointLie = Callable[[Testnet, ShardResult], Checkpoint]


def name_a_wrong_digest(testnet: Testnet, honest: ShardResult) -> Checkpoint:
    return replace(honest.checkpoint, content_digest=b"\2" * 32)


def exchange_an_update(testnet: Testnet, honest: ShardResult) -> Checkpoint:
    return replace(honest.checkpoint, updates_root=b"\3" * 32)


@pytest.mark.parametrize(
    ("lie", "fault", "function"),
    [
        (withhold_the_aggregate, Fault.AGGREGATE, "disputeWholeAggregate"),
        (name_a_wrong_digest, Fault.AGGREGATE, "disputeWholeAggregate"),
        (exchange_an_update, Fault.UPDATES, "disputeUpdates"),
    ],
)
def test_a_false_checkpoint_is_void_and_its_attesters_pay(
    testnet: Testnet, lie: CheckpointLie, fault: Fault, function: str
) -> None:
    good = testnet.ledger.beacon.head_round()
    number = until_checkpoint_phase(testnet)
    dishonest, before = collude(testnet, lie(testnet, honest_result(testnet, number))), stakes(testnet)
    (dispute,) = make_challenger(testnet).step()
    assert inspect_transaction(testnet.ledger, dispute.tx_hash)["function"] == function
    assert_punished(testnet, dispute, fault, dishonest, before)
    assert testnet.ledger.beacon.round_at(number).state is RoundState.FAILED
    assert_next_round_is_good(testnet, good)


@pytest.mark.parametrize(
    ("lie", "fault", "function"),
    [
        (lie_about_one_lane, Fault.AGGREGATE, "disputeAggregate"),
        (withhold_the_aggregate, Fault.AGGREGATE, "disputeWholeAggregate"),
        (lambda _, honest: honest.checkpoint, Fault.NORM, "disputeNorm"),
    ],
)
def test_lanes_of_four_bits_are_opened_and_added_up_as_such(
    devnet: Devnet, tmp_path: Path, lie: CheckpointLie, fault: Fault, function: str
) -> None:
    """An honest round first: two lanes share a byte in content, root, chunk and contract alike."""
    with testnet_of_liars(devnet, tmp_path, laneBits=4, quantumExponent=24, normBound=275) as testnet:
        # Client 4 is within the bound, or one over it.
        lanes = np.array([7, -8, 7, -8, 7, 0 if fault is Fault.AGGREGATE else 1], np.int8)
        number, _ = until_checkpoint_phase_with(testnet, lanes, lane_bits=4)
        before = stakes(testnet)
        dishonest = collude(testnet, lie(testnet, honest_result(testnet, number)))
        (dispute,) = make_challenger(testnet).step()
        assert inspect_transaction(testnet.ledger, dispute.tx_hash)["function"] == function
        assert_punished(testnet, dispute, fault, dishonest, before)
        testnet.assert_everything_stands()


def test_withheld_updates_prove_nothing_until_they_show_up(testnet: Testnet, caplog: pytest.LogCaptureFixture) -> None:
    """Guessing could accuse an honest committee that had fetched them; so the challenger says why it is silent."""
    good = testnet.ledger.beacon.head_round()
    number, data = until_checkpoint_phase_with(testnet, np.arange(6, dtype=np.int16), stored=False)
    honest = honest_result(testnet, number, {content_digest(data): data})
    dishonest, before = collude(testnet, lie_about_one_lane(testnet, honest)), stakes(testnet)
    challenger = make_challenger(testnet)
    with caplog.at_level(logging.WARNING):
        assert challenger.step() == challenger.step() == []
    assert [record.message for record in caplog.records if "nothing is proven against it" in record.message]
    testnet.store.put(data)
    testnet.clock.reach(testnet.ledger.now() + RETRY_SECONDS)
    (dispute,) = challenger.step()
    assert_punished(testnet, dispute, Fault.AGGREGATE, dishonest, before)
    assert_next_round_is_good(testnet, good)
