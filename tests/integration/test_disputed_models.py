"""A publisher lies about the model, or a seat signs twice: the challenger proves it, and the liar alone pays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from dishonest import (
    CLIENTS,
    altered,
    assert_next_round_is_good,
    assert_punished,
    collude,
    honest_result,
    key_of,
    make_challenger,
    prove,
    publish_false,
    stakes,
    until_checkpoint_phase,
)
from testnet import SHARD, Testnet

from qfl.apps.inspect.transaction import inspect_transaction
from qfl.auditor.rounds import Auditor
from qfl.chain.contracts.beacon import Phase, RoundState
from qfl.chain.contracts.disputes import Fault
from qfl.crypto.keyfile import KeyFile
from qfl.node.recompute import recompute_model
from qfl.protocol.content import Content, content_digest, encode, lanes_root
from qfl.protocol.types import ParticipantId, RoundNumber
from qfl.simulation.driver import run_round, run_until

ModelLie = Callable[[Testnet, Content], ParticipantId]


def publish_one_altered_coordinate(testnet: Testnet, honest: Content) -> ParticipantId:
    false = altered(honest)
    testnet.store.put(encode(false))
    return publish_false(testnet, lanes_root(false), content_digest(encode(false)))


def publish_under_another_digest(testnet: Testnet, honest: Content) -> ParticipantId:
    return publish_false(testnet, lanes_root(honest), b"\2" * 32)


def publish_and_withhold(testnet: Testnet, honest: Content) -> ParticipantId:
    return publish_false(testnet, b"\1" * 32, b"\2" * 32)


@pytest.mark.parametrize(
    ("lie", "fault", "function"),
    [
        (publish_one_altered_coordinate, Fault.MODEL, "disputeModel"),
        (publish_under_another_digest, Fault.MODEL, "disputeModelContent"),
        (publish_and_withhold, Fault.WITHHELD, "disputeWithheld"),
    ],
)
def test_a_false_model_is_void_and_its_publisher_pays(
    testnet: Testnet, lie: ModelLie, fault: Fault, function: str
) -> None:
    good = testnet.ledger.beacon.head_round()
    number = until_checkpoint_phase(testnet)
    run_until(testnet.network(), Phase.PUBLISH)
    liar, before = lie(testnet, recompute_model(testnet.ledger, testnet.store, number).model), stakes(testnet)
    (dispute,) = prove(testnet, make_challenger(testnet))
    assert inspect_transaction(testnet.ledger, dispute.tx_hash)["function"] == function
    assert_punished(testnet, dispute, fault, [liar], before)
    assert testnet.ledger.beacon.round_at(number).state is RoundState.VOID
    assert_next_round_is_good(testnet, good)


def test_a_fault_found_late_takes_what_was_built_on_it_along(testnet: Testnet) -> None:
    good = testnet.ledger.beacon.head_round()
    until_checkpoint_phase(testnet)
    run_until(testnet.network(), Phase.PUBLISH)
    number = testnet.ledger.beacon.current_round()
    publish_one_altered_coordinate(testnet, recompute_model(testnet.ledger, testnet.store, number).model)
    later = [run_round(testnet.network(clients=CLIENTS)).round for _ in range(2)]
    assert len(make_challenger(testnet).step()) == 1
    states = [testnet.ledger.beacon.round_at(voided).state for voided in (number, *later)]
    assert states == [RoundState.VOID] * 3
    verdicts = {verdict.round: verdict.void for verdict in Auditor(testnet.ledger, testnet.store).audit()}
    assert verdicts[number].startswith("its model was false, for which validators")
    assert verdicts[later[1]] == f"it builds on round {later[0]}, which is void"
    assert_next_round_is_good(testnet, good)


# --- signatures ---


def propose_another(testnet: Testnet, number: RoundNumber) -> ParticipantId:
    """Announce a second checkpoint of turn 0, signed by its seat; return who that is."""
    seat_0 = testnet.ledger.beacon.committee(number, SHARD)[0]
    other = replace(honest_result(testnet, number).checkpoint, aggregate_root=b"\1" * 32)
    signature = key_of(testnet, seat_0).sign(testnet.ledger.beacon_domain.checkpoint(other))
    testnet.owner.send(testnet.ledger.shards[SHARD].propose(other, signature, seat_0))
    return seat_0


def test_a_seat_that_attests_another_checkpoint_than_it_proposed_pays_and_the_round_stands(testnet: Testnet) -> None:
    """Its second signature is seen in the bundle alone."""
    number = until_checkpoint_phase(testnet)
    liar, honest = propose_another(testnet, number), honest_result(testnet, number)
    testnet.store.put(honest.content)
    collude(testnet, honest.checkpoint)
    run_until(testnet.network(), Phase.IDLE)
    before = stakes(testnet)
    (dispute,) = make_challenger(testnet).step()
    assert_punished(testnet, dispute, Fault.EQUIVOCATION, [liar], before)
    assert make_challenger(testnet).step() == [], "nobody pays twice for one fault"
    assert_next_round_is_good(testnet, number)


def test_rotating_the_key_is_no_way_out_of_an_equivocation(testnet: Testnet) -> None:
    number = until_checkpoint_phase(testnet)
    network = testnet.network()
    seat_0 = testnet.ledger.beacon.committee(number, SHARD)[0]
    proposer = next(validator for validator in network.validators if validator.participant == seat_0)
    assert proposer.verify(proposer.duty())
    liar = propose_another(testnet, number)
    rotate_key(testnet, liar)
    run_until(
        replace(network, validators=[other for other in network.validators if other is not proposer]), Phase.PUBLISH
    )
    run_until(testnet.network(), Phase.IDLE)
    before = stakes(testnet)
    (dispute,) = make_challenger(testnet).step()
    assert_punished(testnet, dispute, Fault.EQUIVOCATION, [liar], before)
    assert_next_round_is_good(testnet, number)


def rotate_key(testnet: Testnet, validator: ParticipantId) -> None:
    name = next(name for name in testnet.keys if "validator" in name and testnet.join(name) == validator)
    old, new = testnet.keys[name], KeyFile.create(testnet.folder / name / "new.lms", 5)
    nonce = testnet.ledger.staking.participant(validator).nonce
    signature = old.sign(testnet.ledger.staking_domain.rotation(validator, new.public, nonce))
    testnet.owner.send(testnet.ledger.staking.rotate_key(validator, new.public, signature))
    old.close()
    testnet.keys[name] = new
