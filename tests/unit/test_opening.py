"""Updates of the private mode as a committee reads them: what is sealed, salted and proven must be one and the same."""

from functools import partial

import numpy as np
import pytest
from honest import TERMS, make_update

from qfl.crypto.kem import KemKey
from qfl.crypto.norm.statement import commit_lanes, commitment_salt, context_of
from qfl.crypto.sealed import seal
from qfl.errors import UpdateRejected
from qfl.node.updates import Sealed, fetch_updates, verify_update
from qfl.protocol.content import content_digest, encode, lanes_root, most_update_bytes
from qfl.protocol.types import ParticipantId, Reveal
from qfl.storage.store import MemoryStore

CLIENT, CAPACITY, SEED = ParticipantId(5), 64, b"s" * 32
KEYS = [KemKey(bytes([seat + 1]) * 64) for seat in range(4)]
PUBLIC = [key.public for key in KEYS]
CONTEXT_OF = partial(context_of, 31_337, "0x" + "11" * 20, TERMS.round)
CONTENT = make_update(CLIENT)


def sealed(content=CONTENT, seed=SEED, recipients=PUBLIC, author=CLIENT):
    return seal(encode(content), seed, recipients, CONTEXT_OF(author).to_bytes(32))


def commitment(content=CONTENT, seed=SEED):
    return commit_lanes(content.lanes, CAPACITY, commitment_salt(seed))


def read(data, root=None, proven=None, seat=1):
    reveal = Reveal(CLIENT, 0, root or lanes_root(CONTENT, SEED), content_digest(data), "0x" + "00" * 32)
    known = {CLIENT: commitment()} if proven is None else proven
    return verify_update(reveal, data, TERMS, Sealed(seat, KEYS[seat], PUBLIC, CONTEXT_OF, known, CAPACITY))


@pytest.mark.parametrize("seat", range(4))
def test_every_seat_reads_an_honest_update_and_its_seed(seat):
    update = read(sealed(), seat=seat)
    assert update.lanes.tolist() == CONTENT.lanes.tolist()
    assert update.seed == SEED


def test_limit_of_what_is_fetched_is_the_size_of_an_honest_update():
    """One byte less would refuse everybody in the private mode."""
    store, data = MemoryStore(), sealed()
    reveal = Reveal(CLIENT, 0, lanes_root(CONTENT, SEED), store.put(data), "0x" + "00" * 32)
    opener = Sealed(0, KEYS[0], PUBLIC, CONTEXT_OF, {CLIENT: commitment()}, CAPACITY)
    (update,), rejected = fetch_updates([reveal], store, TERMS, opener)
    assert (update.client, rejected) == (CLIENT, [])
    assert opener.most_bytes(most_update_bytes(TERMS)) == len(data)


OTHER = make_update(CLIENT, lanes=np.ones(41, np.int16))


@pytest.mark.parametrize(
    ("data", "proven", "reason"),
    [
        pytest.param(sealed(), {CLIENT: commitment(OTHER)}, "not the ones whose norm", id="proof of other lanes"),
        pytest.param(sealed(), {CLIENT: commitment(seed=b"t" * 32)}, "not the ones whose norm", id="another salt"),
        pytest.param(sealed(), {}, "not the ones whose norm", id="no proof"),
        pytest.param(sealed(OTHER), None, "do not have the revealed root", id="other lanes"),
        pytest.param(sealed(seed=b"t" * 32), None, "do not have the revealed root", id="another seed"),
        pytest.param(sealed(author=6), None, "not for this place", id="copied from another client"),
        pytest.param(sealed(make_update(6)), None, "its author is 6", id="copied before it was sealed"),
        pytest.param(encode(CONTENT), None, "magic", id="in the clear"),
        pytest.param(
            sealed(recipients=[*PUBLIC[:2], b"", b""]),
            None,
            "sealed to 2 of 4 seats, 3 are needed",
            id="half the seats",
        ),
    ],
)
def test_update_that_is_not_sealed_salted_and_proven_as_one_is_refused(data, proven, reason):
    with pytest.raises(UpdateRejected, match=reason):
        read(data, proven=proven)


def test_unsalted_root_is_refused():
    """From it, anybody could find small lanes by trying."""
    with pytest.raises(UpdateRejected, match="do not have the revealed root"):
        read(sealed(), root=lanes_root(CONTENT))


def test_seed_of_zeros_is_refused_where_everything_fits_it():
    """Everybody knows it, so it seals and salts nothing."""
    zeros = bytes(32)
    with pytest.raises(UpdateRejected, match="its seed is 32 zero bytes"):
        read(sealed(seed=zeros), root=lanes_root(CONTENT, zeros), proven={CLIENT: commitment(seed=zeros)})


def test_update_over_the_norm_bound_is_refused_whatever_was_proven():
    """The proof's soundness is classical: the committee checks what it reads."""
    large = make_update(CLIENT, lanes=np.full(41, 32_767, np.int16))
    with pytest.raises(UpdateRejected, match="its squared norm"):
        read(sealed(large), root=lanes_root(large, SEED), proven={CLIENT: commitment(large)})


def test_only_three_of_four_seats_are_enough():
    update = read(sealed(recipients=[*PUBLIC[:3], b""]))
    assert update.lanes.tolist() == CONTENT.lanes.tolist()
