"""A publisher lies about the model, or a seat signs twice: the challenger proves it, and the liar alone pays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from liars import (
    CLIENTS,
    altered,
    assert_next_round_is_good,
    assert_punished,
    collude,
    honest_result,
    key_of,
    make_challenger,
    publish_false,
    stakes,
    until_checkpoint_phase,
)
from town import SHARD, Town

from qfl.audit.rounds import Auditor
from qfl.chain.contracts.beacon import RoundState
from qfl.chain.contracts.disputes import Fault
from qfl.codec.content import Content, content_digest, encode, lanes_root
from qfl.inspect.transaction import inspect_transaction
from qfl.keys.keyfile import KeyFile
from qfl.roles.publisher import compute_publication
from qfl.round import publish, run_round, verify
from qfl.types import ParticipantId, RoundNumber

ModelLie = Callable[[Town, Content], ParticipantId]


def publish_one_altered_coordinate(town: Town, honest: Content) -> ParticipantId:
    false = altered(honest)
    town.store.put(encode(false))
    return publish_false(town, lanes_root(false), content_digest(encode(false)))


def publish_and_withhold(town: Town, honest: Content) -> ParticipantId:
    return publish_false(town, b"\1" * 32, b"\2" * 32)


@pytest.mark.parametrize(
    ("lie", "function"),
    [(publish_one_altered_coordinate, "disputeModel"), (publish_and_withhold, "disputeWholeModel")],
)
def test_a_false_model_is_void_and_its_publisher_pays(town: Town, lie: ModelLie, function: str) -> None:
    good = town.ledger.beacon.head_round()
    number = until_checkpoint_phase(town)
    verify(town.network())
    liar, before = lie(town, compute_publication(town.ledger, town.store, number)), stakes(town)
    (dispute,) = make_challenger(town).step()
    assert inspect_transaction(town.ledger, dispute.tx_hash)["function"] == function
    assert_punished(town, dispute, Fault.MODEL, [liar], before)
    assert town.ledger.beacon.round_at(number).state is RoundState.VOID
    assert_next_round_is_good(town, good)


def test_a_fault_found_late_takes_what_was_built_on_it_along(town: Town) -> None:
    good = town.ledger.beacon.head_round()
    until_checkpoint_phase(town)
    verify(town.network())
    number = town.ledger.beacon.current_round()
    publish_one_altered_coordinate(town, compute_publication(town.ledger, town.store, number))
    later = [run_round(town.network(clients=CLIENTS)).round for _ in range(2)]
    assert len(make_challenger(town).step()) == 1
    states = [town.ledger.beacon.round_at(voided).state for voided in (number, *later)]
    assert states == [RoundState.VOID] * 3
    verdicts = {verdict.round: verdict.void for verdict in Auditor(town.ledger, town.store).audit()}
    assert verdicts[number].startswith("its model was false, for which validators")
    assert verdicts[later[1]] == f"it builds on round {later[0]}, which is void"
    assert_next_round_is_good(town, good)


# --- signatures ---


def propose_another(town: Town, number: RoundNumber) -> ParticipantId:
    """Announce a second checkpoint of turn 0, signed by its seat; return who that is."""
    seat_0 = town.ledger.beacon.committee(number, SHARD)[0]
    other = replace(honest_result(town, number).checkpoint, aggregate_root=b"\1" * 32)
    signature = key_of(town, seat_0).sign(town.ledger.beacon_domain.checkpoint(other))
    town.owner.send(town.ledger.shards[SHARD].propose(other, signature, seat_0))
    return seat_0


def test_a_seat_that_attests_another_checkpoint_than_it_proposed_pays_and_the_round_stands(town: Town) -> None:
    """Its second signature is seen in the bundle alone."""
    number = until_checkpoint_phase(town)
    liar, honest = propose_another(town, number), honest_result(town, number)
    town.store.put(honest.content)
    collude(town, honest.checkpoint)
    publish(town.network())
    before = stakes(town)
    (dispute,) = make_challenger(town).step()
    assert_punished(town, dispute, Fault.EQUIVOCATION, [liar], before)
    assert make_challenger(town).step() == [], "nobody pays twice for one fault"
    assert_next_round_is_good(town, number)


def test_rotating_the_key_is_no_way_out_of_an_equivocation(town: Town) -> None:
    number = until_checkpoint_phase(town)
    network = town.network()
    seat_0 = town.ledger.beacon.committee(number, SHARD)[0]
    proposer = next(validator for validator in network.validators if validator.participant == seat_0)
    assert proposer.verify(proposer.duty())
    liar = propose_another(town, number)
    rotate_key(town, liar)
    verify(replace(network, validators=[other for other in network.validators if other is not proposer]))
    publish(town.network())
    before = stakes(town)
    (dispute,) = make_challenger(town).step()
    assert_punished(town, dispute, Fault.EQUIVOCATION, [liar], before)
    assert_next_round_is_good(town, number)


def rotate_key(town: Town, validator: ParticipantId) -> None:
    name = next(name for name in town.keys if "validator" in name and town.join(name) == validator)
    old, new = town.keys[name], KeyFile.create(town.folder / name / "new.lms", 5)
    nonce = town.ledger.staking.participant(validator).nonce
    signature = old.sign(town.ledger.staking_domain.rotation(validator, new.public, nonce))
    town.owner.send(town.ledger.staking.rotate_key(validator, new.public, signature))
    old.close()
    town.keys[name] = new
