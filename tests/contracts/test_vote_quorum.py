"""VoteQuorum by itself.

register       reverts: NotValidator, BadParameters
               BadSignature (another's, of another number, replayed, for another contract)
               whoever shares an LMS key names its own chain · the one before is retired
postList       reverts: AlreadyPosted
verify         reverts: MalformedBundle (nothing, no such kind, cut, trailing bytes, a key of who is not listed),
               NoSuchSeat, NoVoteKey, NotPostedInTime (never, late, other votes, another digest or seats)
               returns the seats whose key is shown and leads to the tip; any other key loses its seat alone (of another
               turn or round, of another's chain, of one that was replaced, before the first round, beyond 4,096 links,
               of who has no chain) · moves the tip, which spoils nothing for other shards and turns
               LMS in every turn
isAttestation  true under any chain that the validator named, wherever its tip is · false for anything else
"""

import pytest
from brownie import VoteQuorum, accounts, chain

from qfl.crypto.hash_chain import HashChain, next_link
from qfl.protocol.digests import Domain
from qfl.protocol.votes import TURNS, encode_votes, vote_of
from tests.contracts.voters import (
    VOTE_SECONDS,
    Poll,
    anchors_of,
    build_voting,
    chain_of,
    name_chain,
    registration,
    signed_bundle,
)
from tests.contracts.world import reverts, word

DIGEST = word("digest")
ROUND, NEAR = 40, 16
"""Far enough from the first round that keys are stored as tips; keys within 16 rounds of one are not."""


@pytest.fixture(scope="module")
def deployed(disputes):
    return build_voting(disputes=disputes)


@pytest.fixture
def world(deployed, fn_isolation):
    """Leaf 0 of every key named a chain."""
    fresh = deployed.fresh()
    for member in fresh.members.values():
        member.leaf = 1
    return fresh


@pytest.fixture
def quorum(world):
    return world.contracts.quorum


@pytest.fixture
def poll(world):
    """The first turn of round 40, which begins now: viktor in seat 0, vera in seat 1, vito in seat 2."""
    return Poll(world, DIGEST, (ROUND, 0, chain[-1].timestamp), [world.viktor, world.vera, world.vito])


def tip_of(quorum, member, number=0, turn=0):
    found = quorum.chainAt(member.id, number, turn)
    return bytes(found["tip"]), found["round"]


# --- naming a chain ----------------------------------------------------------------------------------------------


def test_register_reverts_when_not_validator(world):
    with reverts("NotValidator", world.ada.id):
        name_chain(world, world.ada)
    with reverts("NotValidator", 99):
        name_chain(world, world.vera, number=1, validator=99)


def test_register_reverts_when_bad_signature(world, quorum):
    vera, domain, anchors = world.vera, world.domain(quorum), anchors_of(quorum, "vera", 1)
    elsewhere = Domain(domain.chain_id, world.staking.address), Domain(domain.chain_id + 1, domain.contract)
    wrong = [world.viktor.sign(registration(domain, vera, anchors, nonce=1))]
    wrong += [vera.sign(registration(domain, vera, anchors, nonce=nonce)) for nonce in (0, 2)]
    wrong += [vera.sign(registration(other, vera, anchors, nonce=1)) for other in elsewhere]
    another = [{"anchors": anchors[::-1]}, {"anchors": [anchors[0], word("another")[:28]]}]
    for changed in (*({"signature": one} for one in wrong), *another, {"firstRound": 2}):
        with reverts("BadSignature", vera.id):
            name_chain(world, vera, number=1, **changed)


def test_register_reverts_when_the_first_round_is_none(world):
    with reverts("BadParameters", "firstRound", 0):
        name_chain(world, world.vera, number=1, first_round=0)


def test_a_registration_is_good_once(world, quorum):
    vera, anchors = world.vera, anchors_of(quorum, "vera", 1)
    signature = vera.sign(registration(world.domain(quorum), vera, anchors, nonce=1))
    name_chain(world, vera, number=1, signature=signature)
    with reverts("BadSignature", vera.id):
        name_chain(world, vera, number=1, signature=signature)


def test_register_retires_the_chains_before(world, quorum):
    vera = world.vera
    tx = name_chain(world, vera, number=1, first_round=3)
    assert quorum.chainCount(vera.id) == 2
    for turn, (before, now) in enumerate(zip(anchors_of(quorum, "vera"), anchors_of(quorum, "vera", 1), strict=True)):
        assert tuple(quorum.chainAt(vera.id, 0, turn)) == ("0x" + before.hex(), 0, 1, tx.timestamp)
        assert tuple(quorum.chainAt(vera.id, 1, turn)) == ("0x" + now.hex(), 2, 3, 0)
    for none in ((2, 0), (1, TURNS), (0, 255)):
        assert quorum.chainAt(vera.id, *none)["firstRound"] == 0
    assert tx.events["ChainsRegistered"]["keyIndex"] == 1


def test_who_shares_an_lms_key_names_its_own_chain(world, quorum):
    copycat = world.bond("copycat", "validator", key=world.vera.secret)
    signature = world.vera.sign(word("anything"))
    with reverts("BadSignature", copycat.id):
        name_chain(world, copycat, signature=signature)
    name_chain(world, copycat)
    assert tip_of(quorum, copycat) != tip_of(quorum, world.vera)


# --- posting a list ----------------------------------------------------------------------------------------------


def test_a_list_is_posted_once_by_anyone(poll, quorum):
    tx = poll.post()
    posted = bytes(tx.events["ListPosted"]["list"])
    assert quorum.postedAt(posted) == tx.timestamp
    with reverts("AlreadyPosted", posted, tx.timestamp):
        poll.post()
    assert quorum.postedAt(word("another list")) == 0


# --- bundles -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shown", [(), (1,), (0, 2), (0, 1, 2)])
@pytest.mark.parametrize("listed", [(0, 1, 2), None])
def test_verify_returns_the_seats_whose_key_is_shown(poll, shown, listed):
    votes = poll.votes(listed if listed else shown)
    if not votes:
        votes = poll.votes([1])
    poll.post(votes)
    assert poll.verify(poll.bundle(shown, votes)) == sum(1 << seat for seat in shown)


@pytest.mark.parametrize("length", [0, 1, 9, 16, 17, 44, 45, 73, -1])
def test_verify_reverts_when_the_bundle_is_cut(poll, length):
    """A byte, 16 of masks, then 28 for each key."""
    poll.post()
    with reverts("MalformedBundle"):
        poll.verify(poll.bundle([0, 1, 2])[:length])


def test_verify_reverts_when_bytes_trail(poll):
    poll.post()
    with reverts("MalformedBundle"):
        poll.verify(poll.bundle([0, 1]) + b"\0")


def test_verify_reverts_when_there_is_no_such_kind(poll):
    poll.post()
    with reverts("MalformedBundle"):
        poll.verify(b"\x02" + poll.bundle([0, 1])[1:])


def test_verify_reverts_when_a_key_is_shown_of_who_is_not_listed(poll):
    votes = poll.votes([0, 1])
    poll.post(votes)
    with reverts("MalformedBundle"):
        poll.verify(encode_votes(votes, poll.keys([0, 1, 2])))


@pytest.mark.parametrize("seat", [3, 63])
def test_verify_reverts_when_no_such_seat(poll, seat):
    votes = poll.votes([0, 1]) | {seat: word("anything")}
    poll.post(votes)
    with reverts("NoSuchSeat", seat, 3):
        poll.verify(poll.bundle([0, 1], votes))


@pytest.mark.parametrize("turn", [2, 3, 255])
def test_verify_reverts_when_the_turn_has_no_vote_key(poll, turn):
    """The number that such a key would have is one of the next round's first turns."""
    bundle = poll.bundle([0, 1])
    poll.post()
    with reverts("NoVoteKey", turn):
        poll.on(turn=(ROUND, turn, poll.turn[2])).verify(bundle)


# --- the window --------------------------------------------------------------------------------------------------


def test_a_list_counts_until_the_window_is_over(world, poll):
    world.next_at(poll.turn[2] + VOTE_SECONDS - 1)
    poll.post()
    world.next_at(poll.turn[2] + VOTE_SECONDS)
    late = poll.votes([0, 1])
    tx = poll.post(late)
    assert poll.verify(poll.bundle([0, 1, 2])) == 0b111
    with reverts("NotPostedInTime", bytes(tx.events["ListPosted"]["list"]), tx.timestamp, tx.timestamp):
        poll.verify(poll.bundle([0, 1], late))


def test_a_list_counts_that_was_posted_before_its_turn_began(poll):
    """So who sees one early cannot spoil it by posting it."""
    later = poll.on(turn=(ROUND, 1, poll.turn[2] + 60))
    later.post()
    assert later.verify(later.bundle([0, 1, 2])) == 0b111


def test_verify_reverts_when_the_list_was_never_posted(poll):
    poll.post()
    for votes in (poll.votes([0, 1]), poll.votes() | {2: word("another vote")}):
        with reverts("NotPostedInTime"):
            poll.verify(poll.bundle([0, 1], votes))


def test_what_was_voted_says_nothing_about_another_digest(poll):
    poll.post()
    with reverts("NotPostedInTime"):
        poll.on(digest=word("another")).verify(poll.bundle([0, 1, 2]))


def test_a_vote_is_its_seats(world, poll):
    """Vera's vote from seat 1 is not hers from seat 0."""
    poll.post()
    moved = poll.on(seats=[world.vera, world.viktor, world.vito])
    with reverts("NotPostedInTime"):
        moved.verify(encode_votes(poll.votes(), {0: poll.key(1), 1: poll.key(0), 2: poll.key(2)}))


# --- keys --------------------------------------------------------------------------------------------------------


def listed_with(poll, seat, key):
    """A posted list in which a seat's vote is under this key, and the bundle that shows all of it."""
    votes = poll.votes() | {seat: vote_of(poll.digest, seat, key)}
    poll.post(votes)
    return encode_votes(votes, poll.keys(range(len(poll.seats))) | {seat: key})


@pytest.mark.parametrize("turn", [(ROUND, 1), (ROUND - 1, 0), (ROUND - 1, 1), (ROUND + 1, 0), (ROUND + 1, 1)])
def test_a_key_is_good_in_its_own_turn(poll, turn):
    other = poll.on(turn=(*turn, poll.turn[2]))
    assert poll.verify(listed_with(poll, 1, other.key(1))) == 0b101


def test_a_key_that_is_nobodys_loses_its_seat_alone(world, poll):
    for key in (word("noise")[:28], bytes(28), poll.key(0), chain_of(poll.quorum, "vera", 1).tip(1)):
        assert poll.verify(listed_with(poll, 1, key)) == 0b101


def test_a_validator_without_a_chain_has_no_vote(world, poll):
    vince = world.bond("vince", "validator")
    with_vince = poll.on(seats=[*poll.seats[:2], vince])
    for key in (with_vince.key(2), bytes(28)):
        assert with_vince.verify(listed_with(with_vince, 2, key)) == 0b011


def test_links_before_the_first_round_are_no_keys(world, poll):
    """Everybody knows what the anchor hashes to; whoever names a chain for later has no votes until then."""
    vera, quorum = world.vera, poll.quorum
    name_chain(world, vera, number=1, first_round=ROUND + 1)
    anchor, domain = chain_of(quorum, "vera", 1).anchor, bytes(quorum.linkDomain())
    assert poll.verify(listed_with(poll, 1, anchor)) == 0b101
    before = poll.on(turn=(ROUND - 1, 0, poll.turn[2]))
    assert before.verify(listed_with(before, 1, next_link(anchor, domain))) == 0b101
    begun = poll.on(turn=(ROUND + 1, 0, poll.turn[2]), numbers={"vera": 1}, first_round=ROUND + 1)
    key = begun.key(1)
    assert poll.on(turn=begun.turn).verify(listed_with(poll.on(turn=begun.turn), 1, key)) == 0b111


def test_a_key_beyond_4096_links_loses_its_seat(world, poll):
    """The gas is bounded; who was away for so long names chains anew."""
    long = HashChain(word("a long chain"), bytes(poll.quorum.linkDomain()), length=4160)
    name_chain(world, world.vera, number=1, signed_anchors=[long.anchor] * TURNS)
    for links, counts in ((4096, 1), (4097, 0)):
        far = poll.on(turn=(links, links % TURNS, poll.turn[2]), seats=[world.vera])
        votes = {0: vote_of(DIGEST, 0, long.tip(links))}
        far.post(votes)
        assert far.verify(encode_votes(votes, {0: long.tip(links)})) == counts


# --- tips --------------------------------------------------------------------------------------------------------


def test_verify_moves_the_tips_of_keys_that_count_and_are_far(poll, quorum):
    votes = poll.votes()
    poll.post(votes)
    before = tip_of(quorum, poll.seats[1])
    poll.show(poll.bundle([0, 2], votes))
    for seat, member in enumerate(poll.seats):
        assert tip_of(quorum, member) == (before if seat == 1 else (poll.key(seat), ROUND))
        assert tip_of(quorum, member, turn=1)[1] == 0
    for rounds, moves in ((NEAR, 0), (NEAR + 1, NEAR + 1)):
        later = poll.on(turn=(ROUND + rounds, 0, poll.turn[2]), digest=word(f"{rounds} rounds later"))
        later.post()
        later.show(later.bundle([0]))
        assert tip_of(quorum, poll.seats[0])[1] == ROUND + moves


@pytest.mark.parametrize("turn", [0, 1])
def test_a_key_counts_again_in_another_shard_and_after_the_other_turns(poll, turn):
    """Anybody may show the second turn's keys first, or the same again."""
    later = poll.on(turn=(ROUND, 1, poll.turn[2]), digest=word("second turn"))
    elsewhere = poll.on(digest=word("another shard"), seats=poll.seats[::-1])
    first = (poll, later)[turn]
    for one in (poll, later, elsewhere):
        one.post()
    first.show(first.bundle([0, 1, 2]))
    assert tip_of(poll.quorum, poll.seats[0], turn=turn)[1] == ROUND
    assert tip_of(poll.quorum, poll.seats[0], turn=1 - turn)[1] == 0
    for one in (poll, elsewhere, later):
        assert one.verify(one.bundle([0, 1, 2])) == 0b111
    assert poll.verify(listed_with(poll, 1, later.key(1))) == 0b101


def test_a_tip_moves_over_many_rounds(poll):
    far = poll.on(turn=(ROUND + 60, 1, poll.turn[2]))
    for one in (poll, far):
        one.post()
        one.show(one.bundle([0, 1, 2]))
        assert one.verify(one.bundle([0, 1, 2])) == 0b111


def test_a_chain_that_was_replaced_after_the_vote_loses_its_seat_alone(world, poll):
    poll.post()
    name_chain(world, world.vera, number=1)
    assert poll.verify(poll.bundle([0, 1, 2])) == 0b101
    assert poll.is_attestation(1)


# --- LMS ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("turn", [0, 1, 2, 63])
def test_signatures_count_in_every_turn(world, poll, turn):
    bundle = signed_bundle({0: poll.seats[0].attest(DIGEST, 0), 2: poll.seats[2].attest(word("another"), 2)})
    assert poll.on(turn=(ROUND, turn, 0)).verify(bundle) == 0b001


def test_a_signature_is_an_attestation_under_the_key_of_staking(world, poll):
    signature = poll.seats[1].attest(DIGEST, 1)
    assert poll.is_attestation(1, b"\x01" + signature)
    for given in (signature, b"\x00" + signature, b"\x01" + poll.seats[0].attest(DIGEST, 1), b"\x01"):
        assert not poll.is_attestation(1, given)


# --- one attestation ---------------------------------------------------------------------------------------------


def test_is_attestation_takes_any_chain_wherever_its_tip_is(world, poll):
    poll.post()
    assert all(poll.is_attestation(seat) for seat in range(3))
    ahead = poll.on(turn=(ROUND + 3, 0, poll.turn[2]))
    ahead.post()
    ahead.show(ahead.bundle([0, 1, 2]))
    assert all(poll.is_attestation(seat) for seat in range(3))
    name_chain(world, world.vera, number=1)
    assert poll.is_attestation(1)
    assert not poll.is_attestation(1, number=1)
    anew = poll.on(numbers={"vera": 1}, digest=word("anew"))
    anew.post()
    assert anew.is_attestation(1, number=1)
    assert not anew.is_attestation(1, number=0)


def test_is_attestation_is_false_for_anything_else(world, poll):
    votes = poll.votes()
    poll.post(votes)
    good = poll.evidence(1)
    assert poll.is_attestation(1, good)
    assert not poll.on(digest=word("another")).is_attestation(1, good)
    assert not poll.is_attestation(0, good)
    assert not poll.on(turn=(ROUND, 1, poll.turn[2])).is_attestation(1, good)
    assert not poll.is_attestation(1, number=1)
    unposted = poll.votes([0, 1])
    altered = votes | {0: word("another vote")}
    others = poll.evidence(1, votes, key=poll.key(0)), poll.evidence(1, unposted), poll.evidence(1, altered)
    for given in (
        *others,
        good[:-1],
        good[:-32],
        good + bytes(32),
        good[:61],
        good[:29],
        b"\0",
        b"",
        b"\x02" + good[1:],
    ):
        assert not poll.is_attestation(1, given)
    beyond = good[:29] + b"\x03" + good[30:]
    assert not poll.is_attestation(1, beyond)


def test_a_shown_key_makes_no_attestation_in_a_list_that_is_posted_late(world, poll):
    """Mallory has all keys when the window is over."""
    world.reach(poll.turn[2] + VOTE_SECONDS)
    poll.post()
    assert not any(poll.is_attestation(seat) for seat in range(3))


# --- deployment --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "field"), [((0, 30), "voteSeconds"), ((20, 0), "showSeconds")])
def test_constructor_reverts_when_bad_parameters(world, seconds, field):
    with reverts("BadParameters", field, 0):
        accounts[0].deploy(VoteQuorum, world.staking, *seconds)


def test_another_deployment_has_another_domain(world, quorum):
    other = accounts[0].deploy(VoteQuorum, world.staking, 20, 30)
    assert other.linkDomain() != quorum.linkDomain()
