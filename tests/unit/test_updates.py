"""What a validator accepts as an update. Honest ones pass; each kind of wrong one is refused for the named reason."""

import threading
from dataclasses import replace

import numpy as np
import pytest
from honest import TERMS, make_reveal, make_update
from hypothesis import given
from hypothesis import strategies as st

from qfl.errors import StoreUnreachable, UpdateRejected
from qfl.node import updates
from qfl.node.updates import Opener, fetch_updates, verify_update
from qfl.protocol.content import ContentKind, encode, most_update_bytes
from qfl.protocol.types import LaneFormat, ModelShape
from qfl.storage.store import ByteBudget, MemoryStore

CLIENT = 5


def verify(content, reveal=None, spec=TERMS):
    """Verify an update that was revealed as what it is, unless `reveal` says otherwise."""
    return verify_update(reveal or make_reveal(CLIENT, 3, content), encode(content), spec)


def test_honest_update_comes_through_unchanged():
    content = make_update(CLIENT)
    update = verify(content)
    assert (update.index, update.client) == (3, CLIENT)
    assert update.lanes.tolist() == content.lanes.tolist()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"round": 6}, "it is for round 6", id="replayed from another round"),
        pytest.param({"shard": 1}, "it is for shard 1", id="replayed from another shard"),
        pytest.param({"author": 6}, "its author is 6", id="copied from another client"),
        pytest.param({"base_root": b"x" * 32}, f"it is based on model {'78' * 32}", id="trained on another model"),
        pytest.param({"shape": ModelShape(21, 20)}, "its shape is ModelShape", id="blocks shifted"),
        pytest.param({"shape": ModelShape(20, 22), "lanes": np.zeros(42, np.int16)}, "its shape is", id="longer"),
        pytest.param({"lane_bits": 8, "lanes": np.ones(41, np.int8)}, "its lanes have 8 bits", id="narrow lanes"),
        pytest.param(
            {"kind": ContentKind.AGGREGATE, "lane_bits": 32, "count": 1, "author": 0},
            "its kind is aggregate",
            id="an aggregate",
        ),
        pytest.param(
            {"kind": ContentKind.MODEL, "lane_bits": 32, "shard": 0, "author": 0},
            "its kind is model",
            id="a model",
        ),
        pytest.param(
            {"lanes": np.full(41, 32_767, np.int16)},
            f"its squared norm {41 * 32_767**2} is over {2**31}",
            id="over the norm bound",
        ),
    ],
)
def test_update_that_breaks_a_term_is_refused_for_that_reason(changes, reason):
    with pytest.raises(UpdateRejected, match=reason) as refusal:
        verify(make_update(CLIENT, **changes))
    assert refusal.value.client == CLIENT


def test_lanes_other_than_the_committed_ones_are_refused():
    """A client that stores other lanes than it committed to would poison the aggregate behind its commitment."""
    committed, stored = make_update(CLIENT), make_update(CLIENT, lanes=np.zeros(41, np.int16))
    with pytest.raises(UpdateRejected, match="do not have the revealed root"):
        verify(stored, make_reveal(CLIENT, 0, committed))


def test_norm_bound_is_inclusive_and_does_not_overflow():
    """16-bit lanes multiplied in 16 bits would wrap to a small, accepted norm."""
    content = make_update(CLIENT, lanes=np.full(41, 256, np.int16))
    norm = 41 * 256**2
    assert verify(content, spec=replace(TERMS, norm_bound=norm)).lanes[0] == 256
    with pytest.raises(UpdateRejected, match=f"squared norm {norm}"):
        verify(content, spec=replace(TERMS, norm_bound=norm - 1))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "0 bytes are less than a header"),
        (b"\x7f\xc0\x00\x00" * 50, "magic"),  # float32 NaN
        (encode(make_update(CLIENT))[:24] + b"\xff" * 8 + encode(make_update(CLIENT))[32:], "announced, at most"),
    ],
    ids=["empty", "NaN", "hostile lengths"],
)
def test_bytes_that_are_no_content_are_a_refusal_and_not_a_crash(data, reason):
    with pytest.raises(UpdateRejected, match=reason):
        verify_update(make_reveal(CLIENT, 0, make_update(CLIENT)), data, TERMS)


@given(st.data())
def test_no_damage_gets_through_or_crashes(data):
    """One flipped bit anywhere in an honest update: it is refused, with nothing but `UpdateRejected`."""
    honest = encode(make_update(CLIENT))
    bit = data.draw(st.integers(0, len(honest) * 8 - 1))
    damaged = bytearray(honest)
    damaged[bit // 8] ^= 1 << bit % 8
    with pytest.raises(UpdateRejected):
        verify_update(make_reveal(CLIENT, 0, make_update(CLIENT)), bytes(damaged), TERMS)


def stored(store, clients):
    """The reveals of honest clients that have stored their updates."""
    reveals = []
    for index, client in enumerate(clients):
        content = make_update(client)
        store.put(encode(content))
        reveals.append(make_reveal(client, index, content))
    return reveals


def test_order_is_that_of_the_reveals_however_the_answers_arrive():
    """Two validators that keep updates in order of arrival would attest different roots."""
    store = MemoryStore()
    reveals = stored(store, [9, 4, 8])
    last_is_there = threading.Event()

    class AnswersBackwards(MemoryStore):
        def get(self, digest, max_bytes):
            if digest == reveals[-1].content_digest:
                last_is_there.set()
            assert last_is_there.wait(10)
            return store.get(digest, max_bytes)

    verified, rejected = fetch_updates(reveals, AnswersBackwards(), TERMS)
    assert ([update.client for update in verified], rejected) == ([9, 4, 8], [])


def corrupt(store, reveal):
    store.blocks[reveal.content_digest] = encode(make_update(99))


def enlarge(store, reveal):
    store.blocks[reveal.content_digest] = bytes(most_update_bytes(TERMS) + 1)


def lose(store, reveal):
    del store.blocks[reveal.content_digest]


@pytest.mark.parametrize(
    ("damage", "reason"),
    [(lose, "cannot be fetched"), (corrupt, "came back as"), (enlarge, "more than the 146 allowed")],
)
def test_update_that_cannot_be_had_is_left_out_and_the_others_are_not(damage, reason):
    """One client without its node must not stop the round, nor a lying store slip another update in."""
    store = MemoryStore()
    reveals = stored(store, [1, 2, 3])
    damage(store, reveals[1])
    verified, rejected = fetch_updates(reveals, store, TERMS)
    assert [(update.index, update.client) for update in verified] == [(0, 1), (2, 3)]
    (rejection,) = rejected
    assert rejection.client == 2
    assert reason in str(rejection)


def test_own_store_that_is_down_is_nobody_elses_fault():
    """Taken for a rejection, it would have this validator refuse what all others attest."""

    class Dead(MemoryStore):
        def get(self, digest, max_bytes):
            raise StoreUnreachable("http://127.0.0.1:5001", "connection refused")

    with pytest.raises(StoreUnreachable):
        fetch_updates(stored(MemoryStore(), [1, 2]), Dead(), TERMS)


class CountingOpener(Opener):
    """Counts the bytes that were fetched and are not yet checked."""

    def __init__(self, room):
        self.room, self.held, self.peak, self.full = room, 0, 0, threading.Event()
        self.lock = threading.Lock()

    def open(self, reveal, data):
        with self.lock:
            self.held += len(data)
            self.peak = max(self.peak, self.held)
            if self.held == self.room:
                self.full.set()
        assert self.full.wait(10), "fewer were fetched at a time than there is room for"
        return super().open(reveal, data)

    def is_proven(self, reveal, lanes, seed):
        with self.lock:
            self.held -= most_update_bytes(TERMS)
        return True


def test_contents_in_flight_stay_within_the_bound_however_many_wait(monkeypatch):
    """A committee of a large shard would else hold all contents at once; one at a time would miss its turn."""
    room = 3 * most_update_bytes(TERMS)
    monkeypatch.setattr(updates, "IN_FLIGHT", ByteBudget(room + 1))
    store, opener = MemoryStore(), CountingOpener(room)
    verified, rejected = fetch_updates(stored(store, range(1, 31)), store, TERMS, opener)
    assert (len(verified), rejected) == (30, [])
    assert opener.peak == room


def test_a_content_larger_than_the_bound_is_fetched_alone(monkeypatch):
    monkeypatch.setattr(updates, "IN_FLIGHT", ByteBudget(1))
    store = MemoryStore()
    verified, _ = fetch_updates(stored(store, [1, 2]), store, TERMS)
    assert len(verified) == 2


def test_lanes_are_kept_in_their_own_width():
    store = MemoryStore()
    (update,), _ = fetch_updates(stored(store, [1]), store, TERMS)
    assert update.lanes.dtype.itemsize == 2


def test_no_reveals_are_no_updates():
    assert fetch_updates([], MemoryStore(), TERMS) == ([], [])


def test_update_bytes_is_the_size_of_an_honest_update():
    """Too small a limit would refuse every honest update, too large a one let clients fill disks."""
    assert len(encode(make_update(CLIENT))) == most_update_bytes(TERMS) == 64 + 41 * 2
    narrow = replace(TERMS, format=LaneFormat(8, 13, 9))
    assert len(encode(make_update(CLIENT, lane_bits=8, lanes=np.ones(41, np.int8)))) == most_update_bytes(narrow)
