"""Which of the signatures announced in a seat's name counts."""

from __future__ import annotations

import pytest

from qfl.crypto.bls import BlsKey
from qfl.crypto.lms import LmsSecret
from qfl.quorum.bls import BlsScheme
from qfl.quorum.lms import LmsScheme
from qfl.validator.attestation_pool import Tally

DIGEST, OTHER = b"d" * 32, b"o" * 32


class Lms:
    """Three seats that sign with LMS keys. Judging signatures takes no chain."""

    def __init__(self) -> None:
        self.attestor = LmsScheme(None)
        self.secrets = [LmsSecret.derive(5, bytes([seat]) * 16, bytes([seat]) * 24) for seat in range(3)]
        self.keys = {seat: secret.public for seat, secret in enumerate(self.secrets)}

    def sign(self, seat, digest=DIGEST):
        return self.secrets[seat].sign_with(0 if digest == DIGEST else 1, digest, bytes(24))


class Bls:
    """Three seats that sign with BLS keys."""

    def __init__(self) -> None:
        self.attestor = BlsScheme(None)
        self.secrets = [BlsKey(bytes([seat]) * 32) for seat in range(3)]
        self.keys = {seat: secret.public for seat, secret in enumerate(self.secrets)}

    def sign(self, seat, digest=DIGEST):
        return self.secrets[seat].sign(digest)


@pytest.fixture(scope="module", params=[Lms, Bls])
def seats(request):
    return request.param()


@pytest.fixture
def tally(seats):
    return Tally(seats.attestor, seats.keys, digest=DIGEST)


def test_every_seat_counts_once(seats, tally):
    said = [(seat, seats.sign(seat)) for seat in range(3)]
    tally.add(said)
    tally.add(said * 2)
    assert tally.signatures == dict(said)


def test_noise_does_not_keep_a_seat_from_being_heard(seats, tally):
    """It comes first and in any number, before and between what the seats say themselves."""
    noise = [b"", bytes(96), seats.sign(0), seats.sign(1, OTHER)]
    tally.add([(1, one) for one in noise])
    assert tally.signatures == {}
    tally.add([*((1, one) for one in noise), (0, seats.sign(0)), (2, b"\xff" * 96), (1, seats.sign(1))])
    assert tally.signatures == {0: seats.sign(0), 1: seats.sign(1)}


def test_a_seat_without_a_key_is_not_heard(seats):
    tally = Tally(seats.attestor, {0: seats.keys[0]}, digest=DIGEST)
    tally.add([(seat, seats.sign(seat)) for seat in range(3)])
    assert tally.signatures == {0: seats.sign(0)}
