"""What one seat makes of lists that anybody can tell it."""

from types import SimpleNamespace

import pytest

from qfl.chain.contracts.shard import Attested
from qfl.protocol.votes import encode_list, list_hash
from qfl.validator.ballot import Ballot, VotingBooth, Window

DIGEST, OWN_KEY = b"\1" * 32, b"\2" * 28
BEGAN_AT, ENDS_AT, FAILS_AT = 100, 120, 160


class Chain:
    """Lists by hash and when they were posted; what is on chain is final at once."""

    def __init__(self):
        self.now, self.lists = BEGAN_AT, {}

    def postings(self, _from_block):
        return [SimpleNamespace(list=one) for one in self.lists]

    def posted_by(self, _block, lists):
        return [self.lists[one] for one in lists]

    def time(self):
        return self.now

    def block(self):
        return "latest"


@pytest.fixture
def chain():
    return Chain()


@pytest.fixture
def ballot(chain):
    """Seat 1's, of four."""
    booth = VotingBooth.__new__(VotingBooth)
    booth.committee, booth.seat, booth.keys = [5, 6, 7, 8], 1, {}
    booth.own = SimpleNamespace(key=lambda *_: OWN_KEY)
    booth.scheme = SimpleNamespace(quorum=chain, cast_digest=lambda *_args, **_named: bytes(32))
    booth._opened_in, booth._finality = 0, chain
    booth.window = lambda _turn: Window(BEGAN_AT, ENDS_AT, FAILS_AT)
    booth.now = chain.time
    made = Ballot(booth, DIGEST, 1, 0)
    made.cast(lambda _digest: b"a signature")
    return made


def tell(ballot, lists):
    ballot.hear([Attested(turn=0, seat=0, digest=DIGEST, signature=encode_list(votes)) for votes in lists])


def test_a_list_that_is_posted_after_it_was_told_is_not_forgotten_for_others(ballot, chain):
    """Votes are public: anybody makes lists of them with others that are none."""
    whole = {0: b"v" * 32, 1: ballot.vote, 2: b"w" * 32}
    tell(ballot, [whole])
    tell(ballot, [{**whole, 2: bytes([number]) * 32} for number in range(100)])
    chain.lists[list_hash(whole)] = ENDS_AT - 1
    chain.now = ENDS_AT
    assert not ballot.has_failed()
    assert ballot.key_to_show() is not None


def test_a_list_that_was_posted_late_shows_no_key(ballot, chain):
    whole = {0: b"v" * 32, 1: ballot.vote, 2: b"w" * 32}
    tell(ballot, [whole])
    chain.lists[list_hash(whole)] = chain.now = ENDS_AT
    assert ballot.has_failed()
    assert ballot.key_to_show() is None


def test_a_vote_may_be_opened_later_until_final_blocks_tell_which_lists_were_in_time(ballot, chain):
    assert ballot.may_open_later()
    chain.now = ENDS_AT
    assert not ballot.may_open_later()
    assert ballot.attestation() is None
