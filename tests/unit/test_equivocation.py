"""Seats that signed two checkpoints in one turn: found among noise, and nobody is accused by a forger."""

from dataclasses import replace

import pytest

from qfl.challenger.equivocation import Said, find_equivocations
from qfl.crypto.lms import LmsSecret
from qfl.protocol.digests import Domain, seat_digest
from qfl.protocol.types import Checkpoint, ParticipantId, RoundNumber, ShardIndex
from qfl.quorum.lms import LmsScheme
from qfl.quorum.votes import VoteScheme

BEACON = Domain(31337, "0x" + "11" * 20)
ONE = Checkpoint(
    RoundNumber(3), ShardIndex(0), 1, 2, b"b" * 32, 3, b"u" * 32, aggregate_root=b"1" * 32, content_digest=b"c" * 32
)
OTHER = replace(ONE, aggregate_root=b"2" * 32)
NEXT_TURN = replace(OTHER, turn=2)
CHECKPOINTS = {BEACON.checkpoint(checkpoint): checkpoint for checkpoint in (ONE, OTHER, NEXT_TURN)}
SECRETS = [LmsSecret.derive(5, bytes([seat]) * 16, bytes([seat]) * 24) for seat in range(3)]
COMMITTEE = [ParticipantId(7), ParticipantId(5), ParticipantId(6)]
SEAT = 2
LMS = LmsScheme(None)
"""Judging signatures takes no chain."""


def said(checkpoint, leaf, secret=SECRETS[SEAT], seat=SEAT):
    digest = BEACON.checkpoint(checkpoint)
    return Said(seat, digest, secret.sign_with(leaf, seat_digest(digest, COMMITTEE[seat], seat), bytes(24)))


def keys_of(seat):
    return {0: SECRETS[seat].public}


def find(*statements, keys=keys_of):
    return find_equivocations(LMS, statements, CHECKPOINTS, keys, committee=COMMITTEE)


def test_two_checkpoints_in_one_turn_are_proven_with_both_signatures():
    one, other = said(ONE, 0), said(OTHER, 1)
    (proof,) = find(one, said(ONE, 2, SECRETS[0], 0), other)
    assert (proof.one.checkpoint, proof.other.checkpoint) == (ONE, OTHER)
    assert (proof.one.signature, proof.other.signature) == (one.signature, other.signature)
    assert str(proof) == "round 3, checkpoint of shard 0: seat 2 signed two in turn 1"


@pytest.mark.parametrize(
    "statements",
    [
        pytest.param([said(ONE, 0), said(ONE, 1)], id="the same twice"),
        pytest.param([said(ONE, 0), said(NEXT_TURN, 1)], id="another turn"),
        pytest.param([said(ONE, 0), said(OTHER, 1, SECRETS[0], 0)], id="another seat"),
        pytest.param([said(ONE, 0), said(OTHER, 1, SECRETS[0])], id="forged"),
        pytest.param([said(ONE, 0), replace(said(OTHER, 1), signature=b"noise")], id="noise"),
        pytest.param([said(ONE, 0), said(replace(ONE, count=3), 1)], id="a checkpoint that nobody has seen"),
    ],
)
def test_nobody_is_accused_of(statements):
    assert find(*statements) == []


def test_keys_are_not_asked_for_in_an_honest_round():
    """Every read of the chain takes time, in every round."""

    def refuse(seat):
        raise AssertionError(f"the keys of seat {seat} were asked for")

    assert find(said(ONE, 0), said(ONE, 0, SECRETS[1], 1), keys=refuse) == []


def test_a_forged_signature_does_not_hide_the_real_one():
    """A seat could bury its equivocation under noise of its own."""
    noise = [said(OTHER, 1, SECRETS[0]), replace(said(ONE, 0), signature=b"")]
    (proof,) = find(*noise, said(ONE, 0), said(OTHER, 1), *noise)
    assert proof.other.signature == said(OTHER, 1).signature


def test_signatures_of_two_keys_of_one_validator_count():
    """Rotating the key between two attestations is no way out."""
    (proof,) = find(
        said(ONE, 0, SECRETS[0]),
        said(OTHER, 0, SECRETS[1]),
        keys=lambda _seat: {4: SECRETS[0].public, 5: SECRETS[1].public},
    )
    assert (proof.one.key_index, proof.other.key_index) == (4, 5)


def test_a_seat_is_accused_once_however_often_it_lied():
    third = replace(ONE, aggregate_root=b"3" * 32)
    known = {**CHECKPOINTS, BEACON.checkpoint(third): third}
    statements = [said(ONE, 0), said(OTHER, 1), said(third, 2), said(NEXT_TURN, 3)]
    assert len(find_equivocations(LMS, statements, known, keys_of, committee=COMMITTEE)) == 1


def test_signatures_of_a_committee_that_votes_are_brought_as_its_contract_takes_them():
    """With the sign of a signature; without it, nothing was said."""
    scheme, bare = VoteScheme(None), [said(ONE, 0), said(OTHER, 1)]
    signed = [replace(one, signature=scheme.attestation(one.signature)) for one in bare]
    (proof,) = find_equivocations(scheme, signed, CHECKPOINTS, keys_of, committee=COMMITTEE)
    assert [proof.one.signature, proof.other.signature] == [one.signature for one in signed]
    assert find_equivocations(scheme, bare, CHECKPOINTS, keys_of, committee=COMMITTEE) == []
