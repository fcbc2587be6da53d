"""Demands of what was attested or published, and what becomes of them.

demandUpdate, demandAggregate, demandModel
           reverts: NoCheckpoint, NotAccepted, NotOpened (update), NotPublished, NoSuchPart, WrongDeposit, DemandLate,
           DemandedBefore (open, answered), UpdatesAreSealed (private mode)
           holds up finality · until the window ends, of a failed round too
answer     reverts: NoOpenDemand (none, another part, twice), WrongCount, NotOpened, AnswerLate, PaymentRefused
           pays who answers, whoever that is · shows the chunks
disputeWithheld
           reverts: NotOverdue (none, in time, answered)
           voids · slashes who attested or published · pays who says it, whatever the demander takes
reclaim    reverts: NoOpenDemand, DemandStands · after the verdict, and after another one
Demands    holds exactly what is open · constructor reverts: BadParameters · rounds stay shorter than stakes are liable
"""

import pytest
from brownie import Demands, RefusingReceiver, accounts, chain, web3
from eth_abi import encode
from eth_utils import keccak

from qfl.protocol.chunks import merkle_path, part_path
from qfl.protocol.types import ModelShape
from tests.contracts.dispute_testnet import AGGREGATE, WITHHELD, seconds_now, set_up_disputes
from tests.contracts.world import FAILED, FINAL, VOID, as_tuple, reverts, word

UPDATE_PART, AGGREGATE_PART, MODEL_PART = range(3)
NONE, OPEN, ANSWERED, RECLAIMED = range(4)
FOREVER = 2**256 - 1
PART = "(uint8,uint64,uint16,uint16,uint32,uint32,bytes32)"
HEIGHT = 11
DEPOSIT = 20_000_000_000_000


@pytest.fixture(scope="module")
def deployed(module_isolation):
    return set_up_disputes(trimBps=2000, shards=2)


@pytest.fixture
def court(deployed, fn_isolation):
    return deployed.fresh()


@pytest.fixture
def attested(court):
    """An honest checkpoint of five updates in the first of two shards; the other has none."""
    return court.run_to_attestation(court.updates(5))


def id_of(part):
    return keccak(encode([PART], [part]))


def deposit_of(chunks):
    return (chunks + 64) * DEPOSIT


def paying(court, chunks=5, by=None):
    return {"from": by or court.challenger, "value": deposit_of(chunks)}


def aggregate_part(attested, index=0, vector=None):
    vector = vector or attested.aggregate
    checkpoint = attested.checkpoint
    return AGGREGATE_PART, checkpoint.round, checkpoint.shard, 0, index, len(vector.chunks), vector.root


def update_part(attested, position, index=0):
    checkpoint, vector = attested.checkpoint, attested.updates[position].vector
    return UPDATE_PART, checkpoint.round, checkpoint.shard, position, index, len(vector.chunks), vector.root


def demand_update(court, attested, which, index=0, **changed):
    update = attested.updates[which]
    path = merkle_path([other.leaf for other in attested.updates], which)
    call = {"checkpoint": as_tuple(attested.checkpoint), "position": which, "update": update.struct, "path": path}
    call |= {"index": index} | changed
    return court.demands.demandUpdate(*call.values(), paying(court, len(update.vector.chunks)))


def demand_aggregate(court, attested, index=0):
    return court.demands.demandAggregate(as_tuple(attested.checkpoint), index, paying(court))


def publish(court, attested, **changed):
    right = court.next_model(court.genesis, [attested])
    court.reach(court.ends_at("checkpoint"))
    court.publish_model(right, court.genesis, **changed)
    return right


def model_part(vector, number=1, index=0):
    return MODEL_PART, number, 0, 0, index, len(vector.chunks), vector.root


def let_expire(court):
    court.reach(seconds_now() + court.demands.answerSeconds())


# --- answers ---------------------------------------------------------------------------------------------------


def test_an_update_is_shown_and_who_shows_it_is_paid(court, attested):
    demanded = demand_update(court, attested, 3).events["Demanded"]
    part = update_part(attested, 3)
    assert demanded["id"] == "0x" + id_of(part).hex() and tuple(demanded["part"]) == (*part[:6], "0x" + part[6].hex())
    assert demanded["answerBy"] == chain[-1].timestamp + 300
    assert (court.demands.balance(), court.demands.demandAt(id_of(part))["state"]) == (deposit_of(3), OPEN)
    assert court.demands.heldUntil(1) == FOREVER

    before, chunks = court.mallory.balance(), attested.updates[3].vector.chunks
    shown = court.demands.answer(part, chunks, [], {"from": court.mallory}).events["Answered"]
    assert list(shown["chunks"]) == ["0x" + chunk.hex() for chunk in chunks]
    assert court.mallory.balance() - before == deposit_of(3)
    assert (court.demands.balance(), court.demands.demandAt(id_of(part))["state"]) == (0, ANSWERED)
    assert court.demands.heldUntil(1) == demanded["answerBy"] + 300


def test_an_aggregate_and_a_model_are_shown(court, attested):
    demand_aggregate(court, attested)
    court.demands.answer(aggregate_part(attested), attested.aggregate.chunks, [], court.by())
    model = publish(court, attested)
    court.demands.demandModel(1, 0, paying(court))
    court.demands.answer(model_part(model), model.chunks, [], court.by())
    assert court.demands.balance() == 0


def test_a_vector_of_several_parts_is_shown_part_by_part(fn_isolation):
    """2,048 chunks and 3 more: each part has its own deposit, and its own path."""
    shape = ModelShape(2048 * 8, 17)
    court = set_up_disputes(shape)
    attested = court.run_to_attestation(court.updates(1))
    chunks = attested.aggregate.chunks
    assert len(chunks) == 2051
    with reverts("NoSuchPart", 2, 2051):
        demand_aggregate(court, attested, 2)
    court.demands.demandAggregate(as_tuple(attested.checkpoint), 1, paying(court, 3))
    court.demands.demandAggregate(as_tuple(attested.checkpoint), 0, paying(court, 2048))
    paths = [part_path(chunks, HEIGHT, index) for index in range(2)]
    assert [len(path) for path in paths] == [1, 1]
    last = aggregate_part(attested, 1)
    with reverts("NotOpened", "chunks", 1):
        court.demands.answer(last, chunks[2048:], paths[0], court.by())
    with reverts("NotOpened", "chunks", 1):
        court.demands.answer(last, chunks[2048:], [], court.by())
    with reverts("WrongCount", "chunks", 4, 3):
        court.demands.answer(last, [*chunks[2048:], bytes(32)], paths[1], court.by())
    court.demands.answer(last, chunks[2048:], paths[1], court.by())
    assert court.demands.balance() == deposit_of(2048)
    data = court.demands.answer.encode_input(aggregate_part(attested, 0), chunks[:2048], paths[0])
    call = {"from": str(court.challenger), "to": court.demands.address, "data": data, "gas": 12_000_000}
    receipt = web3.eth.wait_for_transaction_receipt(web3.eth.send_transaction(call))
    assert receipt["status"] == 1 and court.demands.balance() == 0


def test_answer_reverts_when_it_is_none(court, attested):
    part, chunks = aggregate_part(attested), attested.aggregate.chunks
    with reverts("NoOpenDemand", id_of(part)):
        court.demands.answer(part, chunks, [], court.by())
    demand_aggregate(court, attested)
    for other in ((UPDATE_PART, *part[1:]), (*part[:5], 4, part[6]), (*part[:6], word("root"))):
        with reverts("NoOpenDemand", id_of(other)):
            court.demands.answer(other, chunks, [], court.by())
    for other in ([], chunks[:-1], [*chunks, bytes(32)]):
        with reverts("WrongCount", "chunks", len(other), 5):
            court.demands.answer(part, other, [], court.by())
    for other, path in ((chunks[::-1], []), (chunks, [bytes(32)])):
        with reverts("NotOpened", "chunks", 0):
            court.demands.answer(part, other, path, court.by())
    court.demands.answer(part, chunks, [], court.by())
    with reverts("NoOpenDemand", id_of(part)):
        court.demands.answer(part, chunks, [], court.by())


def test_answer_reverts_when_it_is_late(court, attested):
    demanded = demand_aggregate(court, attested).events["Demanded"]
    court.next_at(demanded["answerBy"])
    with reverts("AnswerLate", demanded["answerBy"]):
        court.demands.answer(aggregate_part(attested), attested.aggregate.chunks, [], court.by())


def test_the_last_moment_to_answer(court, attested):
    demanded = demand_aggregate(court, attested).events["Demanded"]
    court.next_at(demanded["answerBy"] - 1)
    court.demands.answer(aggregate_part(attested), attested.aggregate.chunks, [], court.by())


def test_who_refuses_the_money_answers_nothing(court, attested):
    demand_aggregate(court, attested)
    refusing = accounts.at(accounts[0].deploy(RefusingReceiver).address, force=True)
    with reverts("PaymentRefused", refusing, deposit_of(5)):
        court.demands.answer(aggregate_part(attested), attested.aggregate.chunks, [], {"from": refusing})
    court.demands.answer(aggregate_part(attested), attested.aggregate.chunks, [], court.by())


# --- who may demand what, and when -----------------------------------------------------------------------------


def test_demand_reverts_when_there_is_no_such_thing(court, attested):
    checkpoint = as_tuple(attested.checkpoint)
    with reverts("NoCheckpoint", 2, 0):
        court.demands.demandAggregate((2, *checkpoint[1:]), 0, paying(court))
    with reverts("NotAccepted", 1, 0):
        court.demands.demandAggregate((*checkpoint[:-1], word("other")), 0, paying(court))
    with reverts("NotAccepted", 1, 0):
        demand_update(court, attested, 0, checkpoint=(*checkpoint[:-1], word("other")))
    for changed in ({"position": 1}, {"position": 5}, {"update": attested.structs[1]}, {"path": []}):
        with reverts("NotOpened", "update", changed.get("position", 0)):
            demand_update(court, attested, 0, **changed)
    for number in (0, 1, 2):
        with reverts("NotPublished", number):
            court.demands.demandModel(number, 0, paying(court))
    for index in (1, 2**32 - 1):
        with reverts("NoSuchPart", index, 3):
            demand_update(court, attested, 0, index)
        with reverts("NoSuchPart", index, 5):
            demand_aggregate(court, attested, index)


@pytest.mark.parametrize("difference", [-1, 1])
def test_demand_reverts_when_the_deposit_is_another(court, attested, difference):
    sent = paying(court)
    sent["value"] += difference
    with reverts("WrongDeposit", sent["value"], deposit_of(5)):
        court.demands.demandAggregate(as_tuple(attested.checkpoint), 0, sent)
    with reverts("WrongDeposit", 0, deposit_of(5)):
        court.demands.demandAggregate(as_tuple(attested.checkpoint), 0, court.by())


def test_a_part_is_demanded_once(court, attested):
    demand_aggregate(court, attested)
    with reverts("DemandedBefore", id_of(aggregate_part(attested))):
        demand_aggregate(court, attested)
    court.demands.answer(aggregate_part(attested), attested.aggregate.chunks, [], court.by())
    with reverts("DemandedBefore", id_of(aggregate_part(attested))):
        demand_aggregate(court, attested)
    demand_update(court, attested, 0)
    demand_update(court, attested, 1)
    assert court.demands.balance() == 2 * deposit_of(3)


def test_demand_reverts_when_the_window_is_over(court, attested):
    """Also where nobody has settled yet: else finality could be put off for ever."""
    model = publish(court, attested)
    until = chain[-1].timestamp + court.rounds["challengeSeconds"]
    court.next_at(until - 1)
    court.demands.demandModel(1, 0, paying(court))
    court.next_at(until)
    with reverts("DemandLate", 1, until):
        demand_aggregate(court, attested)
    with reverts("DemandLate", 1, until):
        demand_update(court, attested, 0)
    court.demands.answer(model_part(model), model.chunks, [], court.by())
    assert court.demands.heldUntil(1) == until - 1 + 600


def test_demand_reverts_when_the_model_is_final(court, attested):
    publish(court, attested)
    until = chain[-1].timestamp + court.rounds["challengeSeconds"]
    court.reach(until)
    court.beacon.settle(1, court.by())
    with reverts("NotPublished", 1):
        court.demands.demandModel(1, 0, paying(court))
    with reverts("DemandLate", 1, until):
        demand_aggregate(court, attested)


def test_a_failed_round_answers_for_as_long(court, attested):
    """Its attesters can be slashed, so what they attested can be demanded, from the round's last deadline on."""
    until = court.ends_at("publish") + court.rounds["challengeSeconds"]
    court.reach(court.ends_at("publish") + 5)
    court.open()
    assert court.beacon.roundAt(1)["state"] == FAILED
    court.next_at(until - 1)
    demand_aggregate(court, attested)
    court.next_at(until)
    with reverts("DemandLate", 1, until):
        demand_update(court, attested, 0)


def test_private_updates_cannot_be_demanded_and_the_rest_can(fn_isolation):
    court = set_up_disputes(trimBps=2000, shards=2, is_private=True)
    attested = court.run_to_attestation(court.updates(2))
    with reverts("UpdatesAreSealed"):
        demand_update(court, attested, 0)
    demand_aggregate(court, attested)
    court.demands.answer(aggregate_part(attested), attested.aggregate.chunks, [], court.by())
    model = publish(court, attested)
    court.demands.demandModel(1, 0, paying(court))
    court.demands.answer(model_part(model), model.chunks, [], court.by())


# --- finality --------------------------------------------------------------------------------------------------


def test_finality_waits_for_open_demands_and_then_for_disputes(court, attested):
    publish(court, attested)
    until = chain[-1].timestamp + court.rounds["challengeSeconds"]
    court.next_at(until - 1)
    demanded = demand_update(court, attested, 2).events["Demanded"]
    court.next_at(until + 1)
    with reverts("StillChallengeable", 1, FOREVER):
        court.beacon.settle(1, court.by())
    court.demands.answer(update_part(attested, 2), attested.updates[2].vector.chunks, [], court.by())
    held = demanded["answerBy"] + 300
    with reverts("StillChallengeable", 1, held):
        court.beacon.settle(1, court.by())
    court.next_at(held)
    court.beacon.settle(1, court.by())
    assert court.beacon.roundAt(1)["state"] == FINAL


def test_other_rounds_do_not_wait(court, attested):
    demand_aggregate(court, attested)
    court.reach(court.ends_at("publish"))
    court.run_to_publication()
    court.reach(chain[-1].timestamp + court.rounds["challengeSeconds"])
    court.beacon.settle(2, court.by())
    assert (court.demands.heldUntil(1), court.demands.heldUntil(2)) == (FOREVER, 0)


# --- what nobody shows -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["update", "aggregate"])
def test_a_withheld_part_voids_the_checkpoint_and_slashes_who_attested(court, what):
    """Here is what `hidden-update` comes to."""
    updates = court.updates(5)
    attested = court.run_to_attestation(updates, **({} if what == "update" else {"aggregate_root": word("garbage")}))
    publish(court, attested)
    if what == "update":
        part = update_part(attested, 4)
        demand_update(court, attested, 4)
    else:
        part = (*aggregate_part(attested)[:6], word("garbage"))
        demand_aggregate(court, attested)
    with reverts("NotOverdue"):
        court.disputes.disputeWithheld(part, court.by())
    with reverts("DemandStands", id_of(part)):
        court.demands.reclaim(part, court.by())
    let_expire(court)
    before, guilty = court.books(), court.attesters(attested.checkpoint)
    tx = court.disputes.disputeWithheld(part, court.by())
    court.assert_punished(tx, before, WITHHELD, 0, guilty)
    assert len(guilty) == 3
    assert (court.beacon.roundAt(1)["state"], court.beacon.headRound()) == (VOID, 0)
    with reverts("NoCheckpoint", 1, 0):
        court.disputes.disputeWithheld(part, court.by())

    had, chunks = court.challenger.balance(), part[5]
    assert court.demands.balance() == deposit_of(chunks)
    court.demands.reclaim(part, {"from": court.mallory})
    assert (court.challenger.balance() - had, court.demands.balance()) == (deposit_of(chunks), 0)
    with reverts("NoOpenDemand"):
        court.demands.reclaim(part, court.by())


def test_a_withheld_model_slashes_its_publisher(court, attested):
    publish(court, attested, root=word("garbage"))
    part = (MODEL_PART, 1, 0, 0, 0, 5, word("garbage"))
    court.demands.demandModel(1, 0, paying(court))
    let_expire(court)
    before, publisher = court.books(), court.beacon.roundAt(1)["publisher"]
    tx = court.disputes.disputeWithheld(part, court.by())
    court.assert_punished(tx, before, WITHHELD, 0, [publisher])
    assert (court.beacon.roundAt(1)["state"], court.beacon.headRound()) == (VOID, 0)
    with reverts("NotPublished", 1):
        court.disputes.disputeWithheld(part, court.by())
    court.demands.reclaim(part, court.by())
    assert court.demands.balance() == 0


@pytest.fixture(scope="module")
def deployed_alone(module_isolation):
    return set_up_disputes(trimBps=2000)


@pytest.fixture
def alone(deployed_alone, fn_isolation):
    """One shard, whose checkpoint carries the model."""
    return deployed_alone.fresh()


def test_a_carried_model_is_shown(alone):
    model = alone.run_to_attestation(alone.updates(5)).model
    alone.demands.demandModel(1, 0, paying(alone))
    alone.demands.answer(model_part(model), model.chunks, [], alone.by())
    assert alone.demands.balance() == 0


@pytest.mark.parametrize("what", ["model", "aggregate"])
def test_who_attested_a_withheld_model_or_aggregate_is_convicted_where_the_checkpoint_carries_both(alone, what):
    """One verdict voids both, and there is no second one for the other."""
    updates, garbage = alone.updates(5), word("garbage")
    attested = alone.run_to_attestation(updates, aggregate_root=garbage, model_root=garbage)
    parts = {"model": (MODEL_PART, 1, 0, 0, 0, 5, garbage), "aggregate": (*aggregate_part(attested)[:6], garbage)}
    alone.demands.demandModel(1, 0, paying(alone))
    demand_aggregate(alone, attested)
    let_expire(alone)
    before, guilty = alone.books(), alone.attesters(attested.checkpoint)
    tx = alone.disputes.disputeWithheld(parts[what], alone.by())
    alone.assert_punished(tx, before, WITHHELD, 0, guilty)
    assert len(guilty) == 3
    assert (alone.beacon.roundAt(1)["state"], alone.beacon.headRound()) == (VOID, 0)
    with reverts("NotPublished", 1):
        alone.disputes.disputeWithheld(parts["model"], alone.by())
    with reverts("NoCheckpoint", 1, 0):
        alone.disputes.disputeWithheld(parts["aggregate"], alone.by())
    for part in parts.values():
        alone.demands.reclaim(part, alone.by())
    assert alone.demands.balance() == 0


def test_a_final_verdict_waits_for_nobody(court, attested):
    """However long after the window: a model with an open demand cannot be settled in between."""
    publish(court, attested, root=word("garbage"))
    court.demands.demandModel(1, 0, paying(court))
    court.reach(seconds_now() + 10 * court.rounds["challengeSeconds"])
    with reverts("StillChallengeable", 1, FOREVER):
        court.beacon.settle(1, court.by())
    court.disputes.disputeWithheld((MODEL_PART, 1, 0, 0, 0, 5, word("garbage")), court.by())
    assert court.beacon.roundAt(1)["state"] == VOID


def test_nothing_is_withheld_that_was_not_demanded_or_was_answered(court, attested):
    part = aggregate_part(attested)
    with reverts("NotOverdue"):
        court.disputes.disputeWithheld(part, court.by())
    demanded = demand_aggregate(court, attested).events["Demanded"]
    court.demands.answer(part, attested.aggregate.chunks, [], court.by())
    court.reach(demanded["answerBy"])
    with reverts("NotOverdue"):
        court.disputes.disputeWithheld(part, court.by())
    assert not court.beacon.checkpointAt(1, 0)["voided"]


def test_a_demander_that_refuses_its_deposit_stops_no_verdict(court, attested):
    """Nor can it block finality with a demand of its own that it leaves unanswered."""
    refusing = accounts.at(accounts[0].deploy(RefusingReceiver).address, force=True)
    web3.provider.make_request("anvil_setBalance", [str(refusing), hex(10**18)])
    part = aggregate_part(attested)
    court.demands.demandAggregate(as_tuple(attested.checkpoint), 0, paying(court, by=refusing))
    let_expire(court)
    before, guilty = court.books(), court.attesters(attested.checkpoint)
    tx = court.disputes.disputeWithheld(part, court.by())
    court.assert_punished(tx, before, WITHHELD, 0, guilty)
    with reverts("PaymentRefused", refusing, deposit_of(5)):
        court.demands.reclaim(part, court.by())
    assert court.beacon.checkpointAt(1, 0)["voided"]


def test_a_deposit_comes_back_when_another_proof_was_quicker(court):
    updates = court.updates(5)
    false = court.aggregate_of(updates).with_lane(32, 1)
    attested = court.run_to_attestation(updates, aggregate_root=false.root)
    demand_update(court, attested, 0)
    before, guilty = court.books(), court.attesters(attested.checkpoint)
    tx = court.disputes.disputeAggregate(*attested.chunk_proof(32, false), court.by())
    court.assert_punished(tx, before, AGGREGATE, 0, guilty)
    court.demands.reclaim(update_part(attested, 0), court.by())
    assert court.demands.balance() == 0


def test_a_model_that_was_rolled_back_gives_its_deposit_back(court):
    updates = court.updates(5)
    false = court.aggregate_of(updates).with_lane(32, 1)
    attested = court.run_to_attestation(updates, aggregate_root=false.root)
    model = publish(court, attested)
    court.demands.demandModel(1, 0, paying(court))
    with reverts("DemandStands"):
        court.demands.reclaim(model_part(model), court.by())
    court.disputes.disputeAggregate(*attested.chunk_proof(32, false), court.by())
    let_expire(court)
    with reverts("NotPublished", 1):
        court.disputes.disputeWithheld(model_part(model), court.by())
    court.demands.reclaim(model_part(model), court.by())
    assert court.demands.balance() == 0


def test_what_is_shown_is_disputed_though_the_window_is_over(court):
    """The aggregate was hidden until the last moment to answer a demand of the last moment of the window."""
    updates = court.updates(5)
    false = court.aggregate_of(updates).with_lane(32, 1)
    attested = court.run_to_attestation(updates, aggregate_root=false.root)
    publish(court, attested)
    court.next_at(chain[-1].timestamp + court.rounds["challengeSeconds"] - 1)
    demanded = demand_aggregate(court, attested).events["Demanded"]
    court.next_at(demanded["answerBy"] - 1)
    court.demands.answer(aggregate_part(attested, vector=false), false.chunks, [], {"from": court.mallory})
    court.next_at(demanded["answerBy"] + 299)
    with reverts("StillChallengeable", 1, demanded["answerBy"] + 300):
        court.beacon.settle(1, court.by())
    before, guilty = court.books(), court.attesters(attested.checkpoint)
    tx = court.disputes.disputeAggregate(*attested.chunk_proof(32, false), court.by())
    court.assert_punished(tx, before, AGGREGATE, 0, guilty)


def test_attesters_answer_after_their_round_failed_and_while_they_leave(court, attested):
    leaver = court.seats(1)[0]
    court.staking.requestExit(leaver.id, leaver.sign(court.domain(court.staking).exit(leaver.id, 0)), court.by())
    court.reach(court.ends_at("publish"))
    court.open()
    demand_aggregate(court, attested)
    let_expire(court)
    before, guilty = court.books(), court.attesters(attested.checkpoint)
    assert leaver.id in guilty
    tx = court.disputes.disputeWithheld(aggregate_part(attested), court.by())
    court.assert_punished(tx, before, WITHHELD, 0, guilty)
    assert court.beacon.roundAt(2)["state"] != FAILED


# --- terms -----------------------------------------------------------------------------------------------------


def test_deployment_reverts_when_the_terms_cannot_be_used(court):
    for terms, error in (((0, 1), ("answerSeconds", 0)), ((1, 0), ("chunkDepositWei", 0))):
        with reverts("BadParameters", *error):
            accounts[0].deploy(Demands, court.beacon, False, terms)


def test_stakes_stay_liable_until_every_answer_was_disputable(court):
    """Twice `answerSeconds` count, at the deployment and whenever the owner sets parameters."""
    liable = 300 + 120 + 300 + 240 + 600
    left = 86_400 - liable
    with reverts("BadParameters", "answerSeconds", left // 2):
        set_up_disputes(validators=(), answerSeconds=left // 2)
    set_up_disputes(validators=(), answerSeconds=left // 2 - 1)
    changed = list(court.beacon.parametersAt(1))
    changed[9] = 600 + left - 2 * 300
    with reverts("BadParameters", "answerSeconds", 300):
        court.beacon.setParameters(changed, {"from": court.owner})
    changed[9] -= 1
    court.beacon.setParameters(changed, {"from": court.owner})
