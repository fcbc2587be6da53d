"""Draw: weights, links, benches and parts.

weigh, setAnchor, open  revert: NotAuthorized
weigh       before round 1 at once, later from the twelfth round on · a change keeps its weight, the next one
            follows · 32 changes a round · the same weight again takes no place · who leaves is not drawn · stakes moved
            before an opening and in its block change nothing · too few are left, or too many have left: what waits
            counts early, 32 in a transaction
takeChanges reverts: EnoughValidators (the next draw does without, or none is due), TooFewValidators (nothing waits) ·
            is refused only where the next draw is not
sample      who leaves, or comes back, changes who has its own place alone
showLink    reverts: NotCurrentRound, NoSuchSeat, NotInSlot (before, after, the round failed), AlreadyShown, BadLink ·
            decides the next seed · without one, seed and round do · a round that failed before that is drawn again
silence     who had its slot: benched from the next round on for eight, unpaid; who had none yet is not · benched
            ones sit where nobody else is left
standing in no slot, neither silent nor unpaid for it
setAnchor   reverts: BadSignature, AnchorPending · counts from the twelfth round on
drawSeats   reverts: AllDrawn, NotCurrentRound, TooManyIdle, CommitteeNotDrawn (a committee) · whole committees · the
            same whoever draws when
"""

import pytest
from brownie import Draw, DrawHarness, accounts, chain
from eth_abi import encode
from eth_utils import keccak

from qfl.crypto.hash_chain import next_link
from qfl.protocol.draw import next_seed
from tests.contracts.bank import ask_to_leave
from tests.contracts.world import VALIDATOR_STAKE, VALIDATORS, as_struct, build, key_of, reverts, word

LAG, BENCH, MOST_CHANGES, MOST_VISITED = 12, 8, 32, 320
ETHER = 10**18


@pytest.fixture
def draw(world):
    return world.draw


def pass_round(world, shows=True):
    """Open a round and let it fail, its link shown by its first seat."""
    number = world.open()
    if shows:
        world.reach(world.ends_at("commit"))
        world.show_link()
    world.reach(world.ends_at("checkpoint"))
    return number


def top_up(world, name, amount):
    world.staking.topUp(world.members[name].id, {"from": world.mallory, "value": amount})


# --- who may -----------------------------------------------------------------------------------------------------


def test_only_staking_and_beacon_may_tell_it_what_to_do(world, draw, by_anyone):
    with reverts("NotAuthorized", world.mallory):
        draw.weigh(world.vera.id, 0, by_anyone)
    with reverts("NotAuthorized", world.mallory):
        draw.setAnchor(world.vera.id, word("mine")[:28], by_anyone)
    with reverts("NotAuthorized", world.mallory):
        draw.open(1, 1, 4, by_anyone)


# --- weights -----------------------------------------------------------------------------------------------------


def test_before_the_first_round_a_stake_counts_at_once(world, draw):
    top_up(world, "vera", ETHER)
    assert draw.weightOf(world.vera.id) == VALIDATOR_STAKE + ETHER


def test_later_a_stake_counts_from_the_twelfth_round_on(world, draw):
    pass_round(world)
    top_up(world, "vera", ETHER)
    world.bond("victor", "validator")
    for _ in range(LAG - 1):
        number = pass_round(world)
        assert draw.weightOf(world.vera.id) == VALIDATOR_STAKE, number
        assert draw.weightOf(world.victor.id) == 0
    assert pass_round(world) == 1 + LAG
    assert draw.weightOf(world.vera.id) == VALIDATOR_STAKE + ETHER
    assert draw.weightOf(world.victor.id) == VALIDATOR_STAKE


def test_a_change_keeps_its_weight_and_the_next_one_follows_after_it(world, draw):
    """Else the last wei before the round that it counts in would choose the draw."""
    pass_round(world)
    top_up(world, "vera", ETHER)
    for _ in range(LAG - 1):
        pass_round(world)
    top_up(world, "vera", 5 * ETHER)
    pass_round(world)
    assert (draw.weightOf(world.vera.id), draw.queueLength()) == (2 * ETHER, 1)
    for _ in range(LAG):
        assert draw.weightOf(world.vera.id) == 2 * ETHER
        pass_round(world)
    assert (draw.weightOf(world.vera.id), draw.queueLength()) == (7 * ETHER, 0)


def test_stakes_moved_before_an_opening_and_in_its_block_change_nothing(world, draw, by):
    """The audit's attack: with the seed known, its owner tries stakes until it holds the committee."""
    pass_round(world)
    world.open()
    world.reach(world.ends_at("commit"))
    world.show_link()
    world.reach(world.ends_at("checkpoint"))
    seed = draw.drawOf(3)["seed"]
    expected = list(draw.sample(seed, 4))
    top_up(world, "vera", 100 * ETHER)
    for i in range(3):
        world.bond(f"mallory {i}", "validator", stake=50 * ETHER, key=key_of("mallory"))
    opened = world.beacon.openRound(by)
    assert opened.events["RoundOpened"]["seed"] == seed
    assert [i for i in opened.events["SeatsDrawn"]["validators"] if i in expected[:3]] == expected[:3]
    assert list(opened.events["SeatsDrawn"]["validators"]) == expected


def test_an_opening_takes_32_changes_from_the_queue(world, draw):
    pass_round(world)
    for i in range(MOST_CHANGES + 1):
        world.bond(f"v{i}", "validator", key=key_of("all"))
    for _ in range(LAG - 1):
        pass_round(world)
    assert draw.queueLength() == MOST_CHANGES + 1
    pass_round(world)
    assert (draw.queueLength(), draw.weightOf(world.members[f"v{MOST_CHANGES}"].id)) == (1, 0)
    pass_round(world)
    assert draw.queueLength() == 0


def test_who_asked_to_leave_is_not_drawn_though_its_weight_still_counts(world, draw):
    pass_round(world)
    ask_to_leave(world, world.vera)
    assert draw.weightOf(world.vera.id) == VALIDATOR_STAKE
    for i in range(8):
        assert world.vera.id not in draw.sample(word(f"seed {i}"), 4)
    with reverts("TooFewValidators", 4, 5):
        draw.sample(word("seed"), 5)


def test_a_network_whose_validators_left_goes_on_with_new_ones_before_they_are_due(world, draw, by):
    pass_round(world)
    for name in VALIDATORS[:2]:
        ask_to_leave(world, world.members[name])
    with reverts("TooFewValidators", 3, 4):
        world.beacon.openRound(by)
    world.bond("victor", "validator")
    assert world.victor.id in world.beacon.openRound(by).events["SeatsDrawn"]["validators"]


@pytest.fixture
def harness(fn_isolation, by):
    """Twelve validators drawn for round 1, of one committee of four."""
    harness = accounts[0].deploy(DrawHarness)
    harness.setParameters(1, 4, by)
    harness.weigh(list(range(1, 13)), [ETHER] * 12, by)
    harness.open(1, 4, by)
    return harness


@pytest.mark.parametrize("place", range(4))
def test_who_leaves_moves_nobody_else_and_who_is_back_has_its_place(harness, place, by):
    """The audit's attack: with the seed known, its owner leaves with some, and everybody behind them moves up."""
    draw, seed = Draw.at(harness.draw()), word("seed")
    *seats, following, after = draw.sample(seed, 6)
    expected = [*seats[:place], following, *seats[place + 1 :]]
    harness.weigh([seats[place]], [0], by)
    assert list(draw.sample(seed, 4)) == expected
    harness.weigh([following], [0], by)
    assert list(draw.sample(seed, 4)) == [*seats[:place], after, *seats[place + 1 :]]
    harness.weigh([seats[place]], [ETHER], by)
    assert list(draw.sample(seed, 4)) == seats


def test_a_change_back_counts_in_the_end_and_none_at_all_takes_no_place_in_the_queue(harness, by):
    draw = Draw.at(harness.draw())
    harness.weigh([1, 2], [ETHER, 2 * ETHER], by)
    assert draw.queueLength() == 1
    harness.weigh([2, 2], [2 * ETHER, ETHER], by)
    counted = []
    for _ in range(2 * LAG):
        harness.open(1, 4, by)
        counted.append(draw.weightOf(2) // ETHER)
    assert counted == [1] * (LAG - 1) + [2] * LAG + [1]
    assert draw.queueLength() == 0


def test_a_long_queue_keeps_nobody_from_opening_when_too_few_are_left(harness, by):
    """The audit's attack: bonds and exits that wait, more than one transaction can take. Anybody takes them before."""
    draw, crowd = Draw.at(harness.draw()), list(range(100, 140))
    with reverts("EnoughValidators", 12, 4):
        draw.takeChanges(by)
    harness.weigh(crowd, [1] * 40, by)
    harness.weigh(crowd, [0] * 40, by)
    harness.weigh(list(range(1, 10)), [0] * 9, by)
    harness.weigh([200, 201], [ETHER] * 2, by)
    with reverts("TooFewValidators", 3, 4):
        harness.open(1, 4, by)
    assert draw.takeChanges(by).gas_used < 3_000_000
    with reverts("EnoughValidators", 4, 4):
        draw.takeChanges(by)
    harness.open(1, 4, by)
    assert (draw.weightOf(200), draw.weightOf(201)) == (ETHER, 0)
    assert set(draw.seatsOf(2)) == {10, 11, 12, 200}


def test_take_changes_reverts_when_nothing_waits(fn_isolation, by):
    harness = accounts[0].deploy(DrawHarness)
    harness.setParameters(1, 4, by)
    harness.weigh([1], [1], by)
    with reverts("TooFewValidators", 1, 4):
        Draw.at(harness.draw()).takeChanges(by)


@pytest.fixture
def crowded(fn_isolation, by):
    """Enough validators, drawn for round 1, that all of a part's idle ones and 72 more may leave."""
    harness = accounts[0].deploy(DrawHarness)
    for first in range(1, 401, 50):
        harness.bond(first, 50, word("anchor")[:28], ETHER, by)
    return harness


def weigh_all(harness, ids, weight, by):
    for i in range(0, len(ids), 64):
        harness.weigh(ids[i : i + 64], [weight] * len(ids[i : i + 64]), by)


def counted(transaction):
    return [event["id"] for event in transaction.events["WeightCounted"]]


def test_many_that_leave_at_once_keep_nobody_from_opening(crowded, by):
    """The audit's attack: an opening would pass over more idle ones than it has gas for. Anybody helps before it."""
    draw, most, leavers = Draw.at(crowded.draw()), MOST_VISITED - 4, list(range(1, 389))
    crowded.setParameters(1, 4, by)
    crowded.open(1, 4, by)
    weigh_all(crowded, leavers[:most], 0, by)
    with reverts("EnoughValidators", 400 - most, 4):
        draw.takeChanges(by)
    weigh_all(crowded, leavers[most:], 0, by)
    with reverts("TooManyIdle", 388 - MOST_CHANGES, most):
        crowded.open(1, 4, by)
    assert counted(draw.takeChanges(by)) == leavers[:32]
    assert counted(draw.takeChanges(by)) == leavers[32:64]
    with reverts("EnoughValidators", 12, 4):
        draw.takeChanges(by)
    opened = crowded.open(1, 4, by)
    assert counted(opened) == leavers[64:72]
    assert set(opened.events["SeatsDrawn"]["validators"]) <= set(range(389, 401))


def test_many_that_leave_before_a_later_part_is_drawn_keep_nobody_from_drawing_it(crowded, by):
    draw, leavers = Draw.at(crowded.draw()), list(range(1, 350))
    crowded.open(65, 4, by)
    crowded.setLast(True, False, by)
    weigh_all(crowded, leavers[:317], 0, by)
    with reverts("EnoughValidators", 83, 4):
        draw.takeChanges(by)
    weigh_all(crowded, leavers[317:], 0, by)
    with reverts("TooManyIdle", 317, 316):
        draw.drawSeats(1, by)
    draw.takeChanges(by)
    draw.drawSeats(1, by)
    with reverts("EnoughValidators", 51, 0):
        draw.takeChanges(by)


def test_take_changes_is_refused_only_where_the_opening_is_not(crowded, by):
    """Who bonds and leaves before its stake counts is idle when it does: what falls due can be what is too much."""
    draw, most, late = Draw.at(crowded.draw()), MOST_VISITED - 4, list(range(1_000, 1_064))
    crowded.setParameters(1, 4, by)
    crowded.open(1, 4, by)
    crowded.weigh(late, [ETHER] * 64, by)
    crowded.weigh(late, [0] * 64, by)
    for _ in range(LAG - 1):
        crowded.open(1, 4, by)
    weigh_all(crowded, list(range(1, most + 1)), 0, by)
    crowded.setLast(False, True, by)
    with reverts("EnoughValidators", 84, 4):
        draw.takeChanges(by)  # nothing is due in a round that is drawn again
    crowded.setLast(False, False, by)
    with reverts("TooManyIdle", most + MOST_CHANGES, most):
        crowded.open(1, 4, by)
    for expected in (late[:32], late[32:], list(range(1, 33))):
        assert counted(draw.takeChanges(by)) == expected
    with reverts("EnoughValidators", 84, 4):
        draw.takeChanges(by)
    assert counted(crowded.open(1, 4, by)) == list(range(33, 65))


def test_stakes_that_fall_due_can_leave_too_few_and_take_changes_goes_on(fn_isolation, by):
    """Who was slashed and topped up again has no weight from when the first change counts until the second does."""
    harness = accounts[0].deploy(DrawHarness)
    draw, crowd = Draw.at(harness.draw()), list(range(100, 140))
    harness.setParameters(1, 4, by)
    harness.weigh([1, 2, 3, 4], [ETHER] * 4, by)
    harness.open(1, 4, by)
    for weight in (0, ETHER):
        harness.weigh([1], [weight], by)
    for weight in (ETHER, 0):
        harness.weigh(crowd, [weight] * 40, by)
    for _ in range(LAG - 1):
        harness.open(1, 4, by)
    with reverts("TooFewValidators", 3, 4):
        harness.open(1, 4, by)
    assert counted(draw.takeChanges(by)) == [1, *crowd[:31]]
    assert counted(harness.open(1, 4, by)) == [*crowd[31:], 1]


# --- links -------------------------------------------------------------------------------------------------------


def test_the_first_link_decides_the_next_seed(world, draw):
    world.open()
    world.reach(world.ends_at("commit"))
    link, seats = world.link_of(0), list(draw.seatsOf(1))
    event = world.show_link().events["LinkShown"]
    assert (event["validator"], event["seat"], event["link"]) == (seats[0], 0, "0x" + link.hex())
    world.reach(world.ends_at("checkpoint"))
    world.open()
    seed = keccak(encode(["bytes32", "bytes28"], [bytes(draw.drawOf(1)["seed"]), link]))
    assert draw.drawOf(2)["seed"] == world.beacon.roundAt(2)["seed"] == "0x" + seed.hex()
    assert next_link(link, bytes(draw.linkDomain())) == world.chain_of(world.name_of(seats[0])).anchor


def test_without_a_link_the_next_seed_is_nobodys_choice(world, draw):
    pass_round(world, shows=False)
    world.open()
    seed = keccak(encode(["bytes32", "uint64"], [bytes(draw.drawOf(1)["seed"]), 2]))
    assert draw.drawOf(2)["seed"] == "0x" + seed.hex()


def test_each_seat_has_its_slot_of_the_reveal_phase(world, draw):
    world.open()
    begin, end = world.ends_at("commit"), world.ends_at("reveal")
    slots = [tuple(draw.slotOf(1, seat)) for seat in range(4)]
    assert slots == [(begin + 30 * i, begin + 30 * (i + 1)) for i in range(4)]
    assert slots[-1][1] == end
    for time, seat in ((begin - 1, 0), (begin, 1), (begin + 29, 1), (begin + 30, 0), (begin + 89, 3)):
        world.next_at(time)
        with reverts("NotInSlot", seat, *slots[seat]):
            world.show_link(seat)
    world.next_at(end - 1)
    world.show_link(3)
    world.reach(end)
    assert draw.silentSeats(1) == 0b111


def test_show_link_reverts_when_the_reveals_are_over(world):
    world.open()
    world.next_at(world.ends_at("reveal"))
    with reverts("NotInSlot"):
        world.show_link(3)


def test_show_link_reverts_when_it_was_shown_or_is_nobodys(world, draw, by):
    world.open()
    world.reach(world.ends_at("commit"))
    with reverts("NoSuchSeat", 4, 4):
        draw.showLink(1, 4, word("link")[:28], by)
    with reverts("NotCurrentRound", 2, 1):
        draw.showLink(2, 0, word("link")[:28], by)
    anchor = world.chain_of(world.name_of(draw.seatsOf(1)[0])).anchor
    for link in (word("link")[:28], anchor):
        with reverts("BadLink"):
            world.show_link(0, link)
    world.show_link()
    with reverts("AlreadyShown", 1):
        world.show_link()


# --- silence -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ten(disputes):
    """Ten validators, one shard of four seats."""
    return build(clients=("ada",), validators=[f"v{i}" for i in range(10)], disputes=disputes)


@pytest.fixture
def large(ten, fn_isolation):
    return ten.fresh()


def test_who_is_silent_is_benched_for_eight_rounds(large):
    draw = large.draw
    large.open()
    silent = list(draw.seatsOf(1))[:2]
    large.reach(draw.slotOf(1, 2)[0])
    large.show_link(2)
    large.reach(large.ends_at("checkpoint"))
    for number in range(2, 2 + BENCH):
        assert pass_round(large) == number
        assert not set(silent) & set(draw.seatsOf(number))
        assert [draw.standingOf(i)["benchedUntil"] for i in silent] == [2 + BENCH] * 2
    large.open()
    drawn = {i for k in range(40) for i in draw.sample(word(f"seed {k}"), 4)}
    assert set(silent) <= drawn


def test_benched_ones_sit_where_nobody_else_is_left(world, draw):
    """The fifth validator is benched by nobody: it has the first place of a benched one, or its own."""
    first = pass_round(world, shows=False)
    silent = set(draw.seatsOf(first))
    (spare,) = {world.members[name].id for name in VALIDATORS} - silent
    world.open()
    assert spare in draw.seatsOf(2)
    assert set(draw.seatsOf(2)) - {spare} < silent


def test_a_publisher_that_proves_its_own_lie_has_the_same_committee_again(world, draw, disputes):
    """The audit's attack: it opens a round and fails it at once, so that no slot comes and the next seed is another."""
    world.run_to_publication([world.ada])
    world.open()
    skipped = list(draw.seatsOf(2))
    disputes.voidModel(world.beacon, 1, {"from": world.vera.withdrawal})
    opened = world.beacon.openRound({"from": world.relayer})
    assert opened.events["RoundOpened"]["seed"] == world.beacon.roundAt(2)["seed"]
    assert list(draw.seatsOf(3)) == skipped
    world.reach(world.ends_at("commit"))
    world.show_link()
    world.reach(world.ends_at("checkpoint"))
    world.open()
    assert world.beacon.roundAt(4)["seed"] != world.beacon.roundAt(3)["seed"]


def test_a_seat_that_had_no_slot_before_the_round_failed_is_not_silent(world, draw, disputes):
    """A rollback fails the open round: in the middle of its second slot, the first seat was silent."""
    world.run_to_publication([world.ada])
    world.open()
    world.next_at(draw.slotOf(2, 1)[0] + 5)
    disputes.voidModel(world.beacon, 1, {"from": world.challenger})
    with reverts("NotInSlot"):
        world.show_link(1)
    first = draw.seatsOf(2)[0]
    assert draw.silentSeats(2) == 0b1
    opened = world.beacon.openRound({"from": world.relayer})
    assert [event["id"] for event in opened.events["Benched"]] == [first]


def test_a_silent_seat_is_not_paid(world, draw, rewards):
    number = world.open()
    world.commit(world.ada)
    world.reach(draw.slotOf(number, 1)[0])
    world.show_link(1)
    world.reveal(world.ada)
    world.reach(world.ends_at("reveal"))
    checkpoint = world.checkpoint([world.ada])
    world.submit(checkpoint)
    world.reach(chain[-1].timestamp + world.rounds["challengeSeconds"])
    world.beacon.settle(number, {"from": world.relayer})
    credited = {e["id"] for e in world.claim((checkpoint, [world.ada])).events["RewardCredited"]}
    assert credited == {world.ada.id, *(seat.id for seat in world.seats(number)[1:3])}


# --- standing in -------------------------------------------------------------------------------------------------


def open_after_the_first_left(world):
    """Open a round whose first place somebody has for a validator that left once the seed was known."""
    pass_round(world)
    first, *seats, stand_in = world.draw.sample(world.draw.drawOf(2)["seed"], 5)
    ask_to_leave(world, world.members[world.name_of(first)])
    number = world.open()
    assert list(world.draw.seatsOf(number)) == [stand_in, *seats]
    return number


def test_who_stands_in_for_one_that_left_has_no_slot(large):
    """The attack: its owner leaves with a seat, so that the link of who comes next decides."""
    draw, number = large.draw, open_after_the_first_left(large)
    assert tuple(draw.slotOf(number, 0)) == (0, 0)
    large.reach(large.ends_at("commit"))
    with reverts("NotInSlot", 0, 0, 0):
        large.show_link(0)
    large.reach(draw.slotOf(number, 2)[0])
    large.show_link(2)
    assert draw.silentSeats(number) == 0b10
    large.reach(large.ends_at("checkpoint"))
    opened = large.beacon.openRound({"from": large.relayer})
    assert [event["id"] for event in opened.events["Benched"]] == [draw.seatsOf(number)[1]]


def test_who_stands_in_is_paid_like_the_others_where_no_link_is_shown(large):
    number = open_after_the_first_left(large)
    large.commit(large.ada)
    large.reach(large.ends_at("commit"))
    large.reveal(large.ada)
    large.reach(large.ends_at("reveal"))
    assert large.draw.silentSeats(number) == 0b1110
    checkpoint = large.checkpoint([large.ada])
    large.submit(checkpoint)
    large.reach(chain[-1].timestamp + large.rounds["challengeSeconds"])
    large.beacon.settle(number, {"from": large.relayer})
    credited = {e["id"] for e in large.claim((checkpoint, [large.ada])).events["RewardCredited"]}
    assert credited == {large.ada.id, large.seats(number)[0].id}


@pytest.mark.parametrize(
    ("validators", "leaver", "seated", "stand_ins"),
    [(12, 5, [4, 8, 6, 7], 0b0010), (5, 3, [4, 1, 2, 0], 0b1000)],
    ids=["comes next for a benched one", "is benched itself, and nobody else is left"],
)
def test_who_stands_in_for_a_benched_one_has_a_slot_unless_another_left(
    validators, leaver, seated, stand_ins, fn_isolation, by
):
    """The first four of the line, with nearly all stakes, are benched. Numbers are places on the line."""
    harness = accounts[0].deploy(DrawHarness)
    draw = Draw.at(harness.draw())
    harness.weigh(list(range(1, validators + 1)), [10**27] * 4 + [1] * (validators - 4), by)
    harness.open(1, 4, by)
    line = list(draw.sample(next_seed(bytes(draw.drawOf(1)["seed"]), 2, None), validators))
    harness.weigh([line[leaver]], [0], by)
    harness.open(1, 4, by)
    assert list(draw.seatsOf(2)) == [line[place] for place in seated]
    assert draw.drawOf(2)["standIns"] == stand_ins


# --- anchors -----------------------------------------------------------------------------------------------------


def set_anchor(world, member, anchor, nonce=0):
    digest = world.domain(world.staking).anchor(member.id, anchor, nonce)
    return world.staking.setAnchor(member.id, anchor, 0, member.sign(digest), {"from": world.relayer})


def test_another_chain_counts_from_the_twelfth_round_on(world, draw):
    """Who knows that it will sit has no choice of links: not by naming another chain, nor by taking that back."""
    pass_round(world)
    vera, other = world.vera, world.chain_of("vera's other")
    before = draw.chainOf(vera.id)
    set_anchor(world, vera, other.anchor)
    with reverts("AnchorPending", vera.id, 1 + LAG):
        set_anchor(world, vera, word("third")[:28], nonce=1)
    for _ in range(LAG - 1):
        pass_round(world)
        assert draw.chainOf(vera.id)[0] != "0x" + other.anchor.hex()
    world.open()
    assert tuple(draw.chainOf(vera.id)) == ("0x" + other.anchor.hex(), 0) != tuple(before)


def test_set_anchor_reverts_when_somebody_else_signs(world):
    digest = world.domain(world.staking).anchor(world.vera.id, word("mine")[:28], 0)
    with reverts("BadSignature", world.vera.id):
        world.staking.setAnchor(
            world.vera.id, word("mine")[:28], 0, key_of("mallory").sign(31, digest), {"from": world.mallory}
        )


# --- parts -------------------------------------------------------------------------------------------------------


def test_seats_are_drawn_in_parts_whoever_draws_and_whenever(disputes, fn_isolation):
    """64 seats each: four committees fill a part, so nine take three."""
    world = build(clients=(), validators=(), disputes=disputes, shards=9, seats=64)
    draw, by = world.draw, {"from": world.mallory}
    for i in range(256):
        world.staking.bondValidator(
            as_struct(key_of("all")), word(f"v{i}")[:28], accounts[5], {"from": world.relayer, "value": ETHER}
        )
    world.open()
    seed = bytes(draw.drawOf(1)["seed"])
    assert [len(draw.seatsOf(1)), len(set(draw.seatsOf(1)))] == [256, 256]
    with reverts("CommitteeNotDrawn", 1, 4):
        world.beacon.committee(1, 4)
    seeds = [keccak(encode(["bytes32", "uint8", "uint16"], [seed, 64, part])) for part in (1, 2)]
    expected = [list(draw.sample(seeds[0], 256)), list(draw.sample(seeds[1], 64))]
    draw.drawSeats(1, by)
    world.reach(world.ends_at("commit"))
    draw.drawSeats(1, by)
    with reverts("AllDrawn", 1):
        draw.drawSeats(1, by)
    with reverts("NotCurrentRound", 2, 1):
        draw.drawSeats(2, by)
    assert list(draw.seatsOf(1))[256:] == expected[0] + expected[1]
    assert list(world.beacon.committee(1, 8)) == expected[1]
