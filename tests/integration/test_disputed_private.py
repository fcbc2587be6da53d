"""Disputes about updates that only their committee can read: one salted leaf opens, and the rest stays hidden."""

import logging
import secrets
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from dishonest import (
    CHALLENGER,
    CLIENTS,
    assert_punished,
    collude,
    lie_about_one_lane,
    lie_about_the_model,
    make_up_stakes,
    prove,
    stakes,
    until_checkpoint_phase,
    withhold_the_aggregate,
)
from testnet import SHARD, Testnet, step_clients

from qfl.apps.inspect.transaction import inspect_transaction
from qfl.chain.contracts.beacon import Phase
from qfl.chain.contracts.disputes import Fault
from qfl.challenger.challenger import Challenger
from qfl.challenger.fault_detector import FaultDetector
from qfl.challenger.opening import open_lanes
from qfl.crypto.kem import KemKey
from qfl.node.encryption import KEY_NAME, read_opener
from qfl.node.recompute import read_base
from qfl.node.updates import PLAIN
from qfl.protocol.recompute import ShardResult, expected_checkpoint
from qfl.protocol.types import Checkpoint, RoundNumber
from qfl.simulation.driver import run_round, run_until

pytestmark = pytest.mark.rest


@pytest.fixture(scope="module")
def built(private_testnet: Testnet) -> Iterator[Testnet]:
    run_round(private_testnet.network(clients=CLIENTS))
    yield private_testnet
    private_testnet.assert_everything_stands()


def key_of_a_seat(testnet: Testnet) -> KemKey:
    return KemKey.open(testnet.folder / "validator-2" / KEY_NAME)


def make_challenger(testnet: Testnet, *keys: KemKey) -> Challenger:
    return Challenger(testnet.ledger, testnet.sender(CHALLENGER), FaultDetector(testnet.ledger, testnet.store, keys))


def honest_result(testnet: Testnet, number: RoundNumber) -> ShardResult:
    """What the sealed lanes come to, whatever else a seat would say of them."""
    part = testnet.ledger.round(number).shard(SHARD)
    spec, reveals = part.spec(), part.reveals()
    opener = read_opener(part, testnet.store, [key_of_a_seat(testnet)]) or PLAIN
    opened = [opener.open(entry, testnet.store.get(entry.content_digest, 10_000)) for entry in reveals]
    lanes = [open_lanes(entry, content, seed, spec) for entry, (content, seed) in zip(reveals, opened, strict=True)]
    return expected_checkpoint(spec, 0, lanes, reveals, read_base(testnet.ledger, testnet.store, number))


@pytest.mark.parametrize("seeds", ["random", "zeros"])
@pytest.mark.parametrize(
    ("lie", "fault", "function"),
    [
        (lie_about_one_lane, Fault.AGGREGATE, "disputeAggregate"),
        (withhold_the_aggregate, Fault.WITHHELD, "disputeWithheld"),
    ],
)
def test_the_holder_of_a_seats_key_proves_a_false_aggregate(
    testnet: Testnet,
    monkeypatch: pytest.MonkeyPatch,
    lie: Callable[[Testnet, ShardResult], Checkpoint],
    fault: Fault,
    function: str,
    seeds: str,
) -> None:
    """Honest seats include no updates that are sealed with zeros; liars did, and every dispute has to open them."""
    network = testnet.network(clients=CLIENTS)
    number = run_until(network, Phase.COMMIT)
    with monkeypatch.context() as patch:
        if seeds == "zeros":
            patch.setattr(secrets, "token_bytes", bytes)
        step_clients(network)
    run_until(replace(network, validators=()), Phase.CHECKPOINT)
    dishonest, before = collude(testnet, lie(testnet, honest_result(testnet, number))), stakes(testnet)
    (dispute,) = prove(testnet, make_challenger(testnet, key_of_a_seat(testnet)))
    assert_punished(testnet, dispute, fault, dishonest, before)
    assert inspect_transaction(testnet.ledger, dispute.tx_hash)["function"] == function


def test_without_a_key_lists_and_models_are_judged_and_aggregates_are_not(
    testnet: Testnet, caplog: pytest.LogCaptureFixture
) -> None:
    number = until_checkpoint_phase(testnet)
    collude(testnet, lie_about_one_lane(testnet, honest_result(testnet, number)))
    with caplog.at_level(logging.WARNING):
        assert make_challenger(testnet).step() == []
    assert "none of the keys given is of a seat of its committee" in caplog.text
    assert make_challenger(testnet, key_of_a_seat(testnet)).step()
    make_up_stakes(testnet)

    number = until_checkpoint_phase(testnet)
    false_list = replace(honest_result(testnet, number).checkpoint, updates_root=b"\3" * 32)
    dishonest, before = collude(testnet, false_list), stakes(testnet)
    (dispute,) = make_challenger(testnet).step()
    assert_punished(testnet, dispute, Fault.UPDATES, dishonest, before)
    make_up_stakes(testnet)

    number = until_checkpoint_phase(testnet)
    dishonest = collude(testnet, lie_about_the_model(testnet, honest_result(testnet, number)))
    before = stakes(testnet)
    (dispute,) = make_challenger(testnet).step()
    assert_punished(testnet, dispute, Fault.MODEL, dishonest, before)


def test_honest_private_rounds_have_nothing_to_prove(testnet: Testnet) -> None:
    run_round(testnet.network(clients=CLIENTS))
    assert make_challenger(testnet, key_of_a_seat(testnet)).step() == []
