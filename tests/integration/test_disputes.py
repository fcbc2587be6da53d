"""False checkpoints, false models, two signatures: the challenger proves each, the liars pay and nobody else.

The next round trains on the last good model, and everything that is left stands.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from dishonest import (
    CHALLENGER,
    CLIENTS,
    assert_next_round_is_good,
    assert_punished,
    collude,
    honest_result,
    liars_testnet,
    lie_about_one_lane,
    lie_about_the_model,
    make_challenger,
    make_up_stakes,
    prove,
    stakes,
    until_checkpoint_phase,
    until_checkpoint_phase_with,
    withhold_the_aggregate,
)
from testnet import SHARD, Testnet, in_seat, without

from qfl.apps.inspect.transaction import inspect_transaction
from qfl.auditor.rounds import Auditor
from qfl.chain.contracts.beacon import Phase, RoundState
from qfl.chain.contracts.demands import Subject
from qfl.chain.contracts.disputes import Fault
from qfl.challenger.challenger import Dispute
from qfl.challenger.fault_detector import RETRY_SECONDS
from qfl.challenger.withheld import wanted_aggregate, wanted_model, wanted_update
from qfl.devnet import Devnet
from qfl.node.demands import OpenDemands, answer, stored_chunks
from qfl.node.settlement import final_at, settle_due
from qfl.protocol.chunks import split_leaves
from qfl.protocol.content import HEADER_BYTES, content_digest
from qfl.protocol.recompute import ShardResult, included_in
from qfl.protocol.types import Checkpoint, ParticipantId, RoundNumber
from qfl.simulation.driver import run_round, run_until
from qfl.storage.store import MemoryStore

# --- checkpoints ---


CheckpointLie = Callable[[Testnet, ShardResult], Checkpoint]


@pytest.mark.rest
@pytest.mark.parametrize(
    ("lie", "fault", "function"),
    [
        (withhold_the_aggregate, Fault.WITHHELD, "disputeWithheld"),
        (lambda _, it: replace(it.checkpoint, content_digest=b"\2" * 32), Fault.AGGREGATE, "disputeAggregateContent"),
        (lambda _, it: replace(it.checkpoint, updates_root=b"\3" * 32), Fault.UPDATES, "disputeUpdates"),
    ],
    ids=["withheld", "wrong digest", "exchanged update"],
)
def test_a_false_checkpoint_is_void_and_its_attesters_pay(
    testnet: Testnet, lie: CheckpointLie, fault: Fault, function: str
) -> None:
    good = testnet.ledger.beacon.head_round()
    number = until_checkpoint_phase(testnet)
    dishonest, before = collude(testnet, lie(testnet, honest_result(testnet, number))), stakes(testnet)
    (dispute,) = prove(testnet, make_challenger(testnet))
    assert inspect_transaction(testnet.ledger, dispute.tx_hash)["function"] == function
    assert_punished(testnet, dispute, fault, dishonest, before)
    assert testnet.ledger.beacon.round_at(number).state is RoundState.VOID
    assert_next_round_is_good(testnet, good)


@pytest.mark.rest
@pytest.mark.parametrize(
    ("lie", "fault", "function"),
    [
        (lie_about_one_lane, Fault.AGGREGATE, "disputeAggregate"),
        (withhold_the_aggregate, Fault.WITHHELD, "disputeWithheld"),
        (lambda _, honest: honest.checkpoint, Fault.NORM, "disputeNorm"),
    ],
)
def test_lanes_of_four_bits_are_opened_and_added_up_as_such(
    devnet: Devnet, tmp_path: Path, lie: CheckpointLie, fault: Fault, function: str
) -> None:
    """An honest round first: two lanes share a byte in content, root, chunk and contract alike."""
    with liars_testnet(devnet, tmp_path, laneBits=4, quantumExponent=24, normBound=275) as testnet:
        # Client 4 is within the bound, or one over it.
        lanes = np.array([7, -8, 7, -8, 7, 1 if fault is Fault.NORM else 0], np.int8)
        number, _ = until_checkpoint_phase_with(testnet, lanes, lane_bits=4)
        before = stakes(testnet)
        dishonest = collude(testnet, lie(testnet, honest_result(testnet, number)))
        (dispute,) = prove(testnet, make_challenger(testnet))
        assert inspect_transaction(testnet.ledger, dispute.tx_hash)["function"] == function
        assert_punished(testnet, dispute, fault, dishonest, before)
        testnet.assert_everything_stands()


@dataclass(frozen=True)
class Hidden:
    """A round, an update's content that was not stored, and what the round's updates come to."""

    round: RoundNumber
    data: bytes
    honest: ShardResult


def attest_a_hidden_update(testnet: Testnet) -> tuple[Hidden, list[ParticipantId]]:
    """A majority includes an update that only it was shown, and lies about what it comes to."""
    number, data = until_checkpoint_phase_with(testnet, np.arange(6, dtype=np.int16), stored=False)
    honest = honest_result(testnet, number, {content_digest(data): data})
    return Hidden(number, data, honest), collude(testnet, lie_about_one_lane(testnet, honest))


@pytest.mark.rest
def test_a_hidden_update_is_demanded_and_who_attested_it_pays_when_nobody_shows_it(
    testnet: Testnet, caplog: pytest.LogCaptureFixture
) -> None:
    """Guessing could accuse an honest committee that had fetched it; after the time to show it that cannot be."""
    good = testnet.ledger.beacon.head_round()
    hidden, dishonest = attest_a_hidden_update(testnet)
    before, challenger, sender = stakes(testnet), make_challenger(testnet), testnet.sender(CHALLENGER)
    with caplog.at_level(logging.INFO, logger="qfl"):
        assert challenger.step() == challenger.step() == []
    (demand,) = OpenDemands(testnet.ledger).read()
    assert demand.demander == sender.address
    assert (demand.part.subject, demand.part.position) == (Subject.UPDATE, 0)
    place = f"round {hidden.round}, included update 0 of shard 0"
    assert [record.message for record in caplog.records if f"{place}: demanded for a deposit of" in record.message]

    restarted, wealth = make_challenger(testnet), sender.balance_wei()
    testnet.clock.reach(demand.answer_by)
    (dispute,) = restarted.step()
    assert dispute.evidence == f"{place}: it was demanded, and nobody showed it"
    assert_punished(testnet, dispute, Fault.WITHHELD, dishonest, before)
    assert OpenDemands(testnet.ledger).read() == []
    deposit = testnet.ledger.demands.deposit_wei(demand.part)
    assert sender.balance_wei() > wealth + deposit + dispute.bounty_wei - 10**16
    assert_next_round_is_good(testnet, good)


@pytest.mark.rest
def test_a_hidden_update_that_is_shown_is_recomputed_from_the_chain(testnet: Testnet) -> None:
    good = testnet.ledger.beacon.head_round()
    hidden, dishonest = attest_a_hidden_update(testnet)
    before, challenger = stakes(testnet), make_challenger(testnet)
    assert challenger.step() == []
    (demand,) = OpenDemands(testnet.ledger).read()
    with_it = MemoryStore()
    with_it.put(hidden.data)
    chunks = stored_chunks(testnet.ledger, with_it, demand.part)
    assert answer(testnet.ledger, testnet.owner, demand.part, chunks)
    (dispute,) = make_challenger(testnet).step()
    assert inspect_transaction(testnet.ledger, dispute.tx_hash)["function"] == "disputeAggregate"
    assert_punished(testnet, dispute, Fault.AGGREGATE, dishonest, before)
    assert challenger.step() == []
    assert_next_round_is_good(testnet, good)


@pytest.mark.rest
def test_honest_validators_show_what_is_demanded_of_theirs_and_the_round_stands(testnet: Testnet) -> None:
    """Whoever demands what can be had pays for it; neither finality nor a stake is lost by it."""
    outcome = run_round(testnet.network(clients=CLIENTS))
    ledger, demands, griefer = testnet.ledger, testnet.ledger.demands, testnet.sender(CHALLENGER)
    (entry,) = ledger.round(outcome.round).accepted()
    part, before = ledger.round(outcome.round).shard(SHARD), stakes(testnet)
    included = included_in(entry.checkpoint, part.reveals())
    wanted = [wanted_update(entry.checkpoint, part.spec(), included, position) for position in range(3)]
    wanted += [wanted_aggregate(entry.checkpoint, 6), wanted_model(ledger.round(outcome.round).record(), 6)]
    for vector in wanted:
        griefer.send(vector.demand(demands, vector.parts[0]))
    assert len(OpenDemands(ledger).read()) == 5
    for validator in testnet.network().validators:
        validator.step(())
    assert OpenDemands(ledger).read() == []
    testnet.clock.reach(final_at(ledger, outcome.round))
    assert outcome.round in settle_due(ledger, testnet.owner)
    assert stakes(testnet) == before


# --- models ---


def name_another_digest(testnet: Testnet, honest: ShardResult) -> Checkpoint:
    testnet.store.put(honest.content)
    return replace(honest.checkpoint, model_digest=b"\2" * 32)


def withhold_the_model(testnet: Testnet, honest: ShardResult) -> Checkpoint:
    return replace(name_another_digest(testnet, honest), model_root=b"\1" * 32)


@pytest.mark.parametrize(
    ("lie", "fault", "function"),
    [
        (lie_about_the_model, Fault.MODEL, "disputeModel"),
        (name_another_digest, Fault.MODEL, "disputeModelContent"),
        (withhold_the_model, Fault.WITHHELD, "disputeWithheld"),
    ],
)
def test_a_false_model_is_void_and_who_attested_it_pays(
    testnet: Testnet, lie: Callable[[Testnet, ShardResult], Checkpoint], fault: Fault, function: str
) -> None:
    good = testnet.ledger.beacon.head_round()
    number = until_checkpoint_phase(testnet)
    dishonest, before = collude(testnet, lie(testnet, honest_result(testnet, number))), stakes(testnet)
    (dispute,) = prove(testnet, make_challenger(testnet))
    assert inspect_transaction(testnet.ledger, dispute.tx_hash)["function"] == function
    assert_punished(testnet, dispute, fault, dishonest, before)
    assert testnet.ledger.beacon.round_at(number).state is RoundState.VOID
    assert_next_round_is_good(testnet, good)


def test_a_fault_found_late_takes_what_was_built_on_it_along(testnet: Testnet) -> None:
    good = testnet.ledger.beacon.head_round()
    number = until_checkpoint_phase(testnet)
    collude(testnet, lie_about_the_model(testnet, honest_result(testnet, number)))
    later = [run_round(testnet.network(clients=CLIENTS)).round for _ in range(2)]
    assert len(make_challenger(testnet).step()) == 1
    states = [testnet.ledger.beacon.round_at(voided).state for voided in (number, *later)]
    assert states == [RoundState.VOID] * 3
    verdicts = {verdict.round: verdict.void for verdict in Auditor(testnet.ledger, testnet.store).audit()}
    assert verdicts[number].startswith("its model was false, for which validators")
    assert verdicts[later[1]] == f"it builds on round {later[0]}, which is void"
    assert_next_round_is_good(testnet, good)


@pytest.mark.rest
def test_a_false_model_on_a_false_one_is_proven_too_and_the_round_that_falls_with_them_is_drawn_again(
    testnet: Testnet,
) -> None:
    good, lies = testnet.ledger.beacon.head_round(), []
    for _ in range(2):
        number = until_checkpoint_phase(testnet)
        lies.append(collude(testnet, lie_about_the_model(testnet, honest_result(testnet, number))))
    falling = run_until(testnet.network(clients=CLIENTS), Phase.COMMIT)
    assert [list(dispute.guilty) for dispute in prove(testnet, make_challenger(testnet))] == lies
    assert testnet.ledger.beacon.round_at(falling).state is RoundState.FAILED
    assert_next_round_is_good(testnet, good)
    again = testnet.ledger.beacon.round_at(RoundNumber(falling + 1))
    assert again.seed == testnet.ledger.beacon.round_at(falling).seed
    testnet.assert_everything_stands()


@pytest.mark.rest
def test_a_false_model_on_a_base_that_only_the_chain_shows_is_proven_too(testnet: Testnet) -> None:
    """What colluders share among themselves is on no node; they show it when it is demanded."""
    number = until_checkpoint_phase(testnet)
    lie = lie_about_the_model(testnet, honest_result(testnet, number))
    guilty = [collude(testnet, lie)]
    later = until_checkpoint_phase(testnet)
    guilty.append(collude(testnet, lie_about_the_model(testnet, honest_result(testnet, later))))
    data = testnet.store.get(lie.model_digest, 10_000)
    testnet.store.unpin(lie.model_digest)
    testnet.store.collect_garbage()
    challenger, proven = make_challenger(testnet), list[Dispute]()
    assert challenger.step() == []
    for demanded in OpenDemands(testnet.ledger).read():
        if demanded.part.round == number:
            answer(testnet.ledger, testnet.owner, demanded.part, split_leaves(data[HEADER_BYTES:]))
    for _ in range(3):
        proven += challenger.step()
        testnet.clock.reach(testnet.ledger.now() + RETRY_SECONDS)
    assert [list(dispute.guilty) for dispute in proven] == guilty
    make_up_stakes(testnet)


# --- signatures ---


def propose_another(testnet: Testnet, number: RoundNumber) -> ParticipantId:
    """Announce a second checkpoint of turn 0, signed by its seat; return who that is."""
    seat_0 = testnet.ledger.beacon.committee(number, SHARD)[0]
    other = replace(honest_result(testnet, number).checkpoint, aggregate_root=b"\1" * 32)
    signature = testnet.attest(testnet.ledger.beacon_domain.checkpoint(other), seat_0, 0)
    testnet.owner.send(testnet.ledger.shards[SHARD].propose(other, signature, validator=seat_0))
    return seat_0


def test_a_seat_that_attests_another_checkpoint_than_it_proposed_pays_and_the_round_stands(testnet: Testnet) -> None:
    """Its second signature is seen in the bundle alone."""
    number = until_checkpoint_phase(testnet)
    liar, honest = propose_another(testnet, number), honest_result(testnet, number)
    for content in honest.contents:
        testnet.store.put(content)
    collude(testnet, honest.checkpoint)
    before = stakes(testnet)
    (dispute,) = make_challenger(testnet).step()
    assert_punished(testnet, dispute, Fault.EQUIVOCATION, [liar], before)
    assert make_challenger(testnet).step() == [], "nobody pays twice for one fault"
    assert_next_round_is_good(testnet, number)


def test_rotating_the_key_is_no_way_out_of_an_equivocation(testnet: Testnet) -> None:
    number = until_checkpoint_phase(testnet)
    network = testnet.network()
    proposer = in_seat(network, number, 0)
    assert proposer.verify(proposer.duty())
    liar = propose_another(testnet, number)
    testnet.rotate_key(liar)
    run_until(without(network, liar), Phase.IDLE)
    before = stakes(testnet)
    (dispute,) = make_challenger(testnet).step()
    assert_punished(testnet, dispute, Fault.EQUIVOCATION, [liar], before)
    assert_next_round_is_good(testnet, number)
