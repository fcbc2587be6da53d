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
from liars import (
    assert_next_round_is_good,
    assert_punished,
    collude,
    honest_result,
    liars_town,
    lie_about_one_lane,
    make_challenger,
    stakes,
    until_checkpoint_phase,
    until_checkpoint_phase_with,
)
from town import Town

from qfl.chain.contracts.beacon import RoundState
from qfl.chain.contracts.disputes import Fault
from qfl.codec.content import content_digest
from qfl.committee.result import ShardResult
from qfl.devnet import Devnet
from qfl.inspect.transaction import inspect_transaction
from qfl.roles.watch import RETRY_SECONDS
from qfl.types import CheckpointData

CheckpointLie = Callable[[Town, ShardResult], CheckpointData]


def withhold_the_aggregate(town: Town, honest: ShardResult) -> CheckpointData:
    return replace(honest.checkpoint, aggregate_root=b"\1" * 32, content_digest=b"\2" * 32)


def name_a_wrong_digest(town: Town, honest: ShardResult) -> CheckpointData:
    return replace(honest.checkpoint, content_digest=b"\2" * 32)


def include_nobodys_update(town: Town, honest: ShardResult) -> CheckpointData:
    return replace(honest.checkpoint, included=0b1111, count=4)


def exchange_an_update(town: Town, honest: ShardResult) -> CheckpointData:
    return replace(honest.checkpoint, updates_root=b"\3" * 32)


@pytest.mark.parametrize(
    ("lie", "fault", "function"),
    [
        (lie_about_one_lane, Fault.AGGREGATE, "disputeAggregate"),
        (withhold_the_aggregate, Fault.AGGREGATE, "disputeWholeAggregate"),
        (name_a_wrong_digest, Fault.AGGREGATE, "disputeWholeAggregate"),
        (include_nobodys_update, Fault.UPDATES, "disputeUpdates"),
        (exchange_an_update, Fault.UPDATES, "disputeUpdates"),
    ],
)
def test_a_false_checkpoint_is_void_and_its_attesters_pay(
    town: Town, lie: CheckpointLie, fault: Fault, function: str
) -> None:
    good = town.ledger.beacon.head_round()
    number = until_checkpoint_phase(town)
    liars, before = collude(town, lie(town, honest_result(town, number))), stakes(town)
    (dispute,) = make_challenger(town).step()
    assert inspect_transaction(town.ledger, dispute.tx_hash)["function"] == function
    assert_punished(town, dispute, fault, liars, before)
    assert town.ledger.beacon.round_at(number).state is RoundState.FAILED
    assert_next_round_is_good(town, good)


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
    with liars_town(devnet, tmp_path, laneBits=4, quantumExponent=24, normBound=275) as town:
        # Client 4 is within the bound, or one over it.
        lanes = np.array([7, -8, 7, -8, 7, 0 if fault is Fault.AGGREGATE else 1], np.int8)
        number, _ = until_checkpoint_phase_with(town, lanes, lane_bits=4)
        before = stakes(town)
        liars = collude(town, lie(town, honest_result(town, number)))
        (dispute,) = make_challenger(town).step()
        assert inspect_transaction(town.ledger, dispute.tx_hash)["function"] == function
        assert_punished(town, dispute, fault, liars, before)
        town.assert_everything_stands()


def test_an_included_update_over_the_norm_bound_is_proven(town: Town) -> None:
    good = town.ledger.beacon.head_round()
    number, _ = until_checkpoint_phase_with(town, np.full(6, 32_767, np.int16))
    liars, before = collude(town, honest_result(town, number).checkpoint), stakes(town)
    (dispute,) = make_challenger(town).step()
    assert "has squared norm 6442057734, over" in dispute.evidence
    assert_punished(town, dispute, Fault.NORM, liars, before)
    assert_next_round_is_good(town, good)


def test_withheld_updates_prove_nothing_until_they_show_up(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    """Guessing could accuse an honest committee that had fetched them; so the challenger says why it is silent."""
    good = town.ledger.beacon.head_round()
    number, data = until_checkpoint_phase_with(town, np.arange(6, dtype=np.int16), stored=False)
    honest = honest_result(town, number, {content_digest(data): data})
    liars, before = collude(town, lie_about_one_lane(town, honest)), stakes(town)
    challenger = make_challenger(town)
    with caplog.at_level(logging.WARNING):
        assert challenger.step() == challenger.step() == []
    assert [record.message for record in caplog.records if "nothing is proven against it" in record.message]
    town.store.put(data)
    town.clock.reach(town.ledger.now() + RETRY_SECONDS)
    (dispute,) = challenger.step()
    assert_punished(town, dispute, Fault.AGGREGATE, liars, before)
    assert_next_round_is_good(town, good)
