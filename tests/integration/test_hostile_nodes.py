"""Nodes that drip, stream for ever, or answer nonsense: every call ends soon, small, and with an error of its own."""

import gzip
import hashlib
import socket
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event

import pytest
from hostile import JSON, Answer, dripping, endlessly, hostile_server, once, plainly, silently, then_silently

from qfl.devnet.health import Unhealthy, probe_chain, probe_ipfs
from qfl.errors import (
    ContentCorrupt,
    ContentMissing,
    ContentTooLarge,
    PeerUnreachable,
    StorageError,
    StoreUnreachable,
)
from qfl.storage.ipfs import IpfsStore

SECONDS = 0.1
"""What a call to a node that keeps it waiting may take; as little as makes no test long."""
DIGEST = hashlib.sha256(b"asked for").digest()
PEER = "/ip4/127.0.0.1/tcp/1/p2p/12D3KooWPiQDEdg1SS3juQa6Yg2Jw2ymB2E61NU1NVjxcv9HQDiW"

Call = Callable[[IpfsStore], object]
CALLS: dict[str, Call] = {
    "put": lambda store: store.put(bytes(2**20)),
    "get": lambda store: store.get(DIGEST, max_bytes=1_000),
    "unpin": lambda store: store.unpin(DIGEST),
    "collect_garbage": lambda store: store.collect_garbage(),
    "identity": lambda store: store.identity(),
    "peer_addresses": lambda store: store.peer_addresses(),
    "connect_peer": lambda store: store.connect_peer(PEER),
}
EVERY_CALL = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
JSON_CALLS = {name: call for name, call in CALLS.items() if name not in {"get", "collect_garbage"}}

CHUNKED = JSON + b"Transfer-Encoding: chunked\r\n\r\n"

KEEPS_WAITING: dict[str, Answer] = {
    "never answers": silently,
    "sends a head and no body": then_silently(JSON + b"Content-Length: 10\r\n\r\n"),
    "says that a petabyte follows": then_silently(JSON + b"Content-Length: 1000000000000000\r\n\r\n{"),
    "drips a body": dripping(JSON + b"\r\n", b" "),
    "drips chunks": dripping(CHUNKED, b"1\r\n \r\n"),
    "drips a header": dripping(JSON + b"X-Header: ", b"x"),
    "drips a status": dripping(b"", b"H"),
    "drips the body of an error": dripping(b"HTTP/1.1 500 No\r\n\r\n", b" "),
    "drips interim answers": dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "drips a trailer": dripping(CHUNKED + b"2\r\n{}\r\n0\r\n", b"X-Trailer: x\r\n"),
}

NEVER_ENDS: dict[str, Answer] = {
    "body": endlessly(JSON + b"\r\n", b" "),
    "body of an error": endlessly(b"HTTP/1.1 500 No\r\n\r\n", b" "),
    "body of a redirect": endlessly(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\n\r\n", b" "),
    "chunks": endlessly(CHUNKED, b"1\r\n \r\n"),
    "size of a chunk": endlessly(CHUNKED + b"1;", b"x"),
    "trailer": endlessly(CHUNKED + b"2\r\n{}\r\n0\r\n", b"X-Trailer: x\r\n"),
    "header": endlessly(JSON + b"X-Header: ", b"x"),
    "headers": endlessly(JSON, b"X-Header: x\r\n"),
    "interim answers": endlessly(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
}

BREAKS_OFF: dict[str, Answer] = {
    "without a word": once(b""),
    "in the head": once(b"HTTP/1.1 20"),
    "in the body": once(JSON + b"Content-Length: 1000\r\n\r\n{"),
    "before a petabyte": once(JSON + b"Content-Length: 1000000000000000\r\n\r\n{"),
    "in a chunk": once(CHUNKED + b"10\r\n{"),
    "with no HTTP": once(b"220 smtp.example ESMTP\r\n"),
    "with two lengths": once(JSON + b"Content-Length: 5, 6\r\n\r\n{"),
    "with no size of a chunk": once(CHUNKED + b"many\r\n"),
}

WRONG_FORMS = {
    "other names": b'{"a":1}',
    "other kinds": b'{"Key":1,"Pins":{},"ID":null,"Addresses":"x","Strings":7}',
    "list": b"[]",
    "text": b'"Key"',
    "null": b"null",
    "nothing": b"",
    "two objects": b"{}\n{}",
    "half an object": b'{"Key":',
    "no UTF-8": b'{"Key":"\xff\xfe"}',
    "deep list": b"[" * 60_000,
    "deep value": b'{"Key":' + b"[" * 700 + b"]" * 700 + b"}",
    "long number": b'{"Key":' + b"9" * 60_000 + b"}",
    "web page": b"<html>" * 1_000,
}

PACKED = gzip.compress(bytes(2**25))


@contextmanager
def soon_and_small(most_mebibytes: int = 8) -> Iterator[None]:
    """Assert that what is done takes little memory and, however busy the machine is, no great time."""
    began = time.monotonic()
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < most_mebibytes * 2**20
    finally:
        tracemalloc.stop()
    assert time.monotonic() - began < 20


@EVERY_CALL
@pytest.mark.parametrize("answer", KEEPS_WAITING.values(), ids=KEEPS_WAITING)
def test_a_node_that_keeps_its_caller_waiting_is_left(answer: Answer, call: Call) -> None:
    with hostile_server(answer) as url, soon_and_small():
        store = IpfsStore(url, SECONDS / 2, margin_seconds=SECONDS / 2, collection_seconds=SECONDS)
        with pytest.raises(StoreUnreachable, match=f"^no IPFS node at {url} .*not answered in full within 0.1 s"):
            call(store)


def test_a_node_that_does_not_read_is_left() -> None:
    with hostile_server(silently, reads_on=False) as url, soon_and_small():
        store = IpfsStore(url, SECONDS / 2, margin_seconds=SECONDS / 2)
        with pytest.raises(StoreUnreachable, match=r"in full within 0\.1 s"):
            store.put(bytes(2**20))


@EVERY_CALL
@pytest.mark.parametrize("answer", NEVER_ENDS.values(), ids=NEVER_ENDS)
def test_an_answer_without_end_is_cut(answer: Answer, call: Call) -> None:
    with hostile_server(answer) as url, soon_and_small(16), pytest.raises(StoreUnreachable, match=r"more than|in full"):
        call(IpfsStore(url, collection_seconds=1))


@EVERY_CALL
@pytest.mark.parametrize("answer", BREAKS_OFF.values(), ids=BREAKS_OFF)
def test_an_answer_that_breaks_off_is_none(answer: Answer, call: Call) -> None:
    with hostile_server(answer) as url, soon_and_small(), pytest.raises(StoreUnreachable, match=r" \(.+\): "):
        call(IpfsStore(url))


@pytest.mark.parametrize("call", JSON_CALLS.values(), ids=JSON_CALLS)
@pytest.mark.parametrize("body", WRONG_FORMS.values(), ids=WRONG_FORMS)
def test_an_answer_of_another_form_is_shown(body: bytes, call: Call) -> None:
    shows = pytest.raises(StoreUnreachable, match=r"no IPFS node answers [b{].{1,200}: start one")
    with hostile_server(plainly(body)) as url, soon_and_small(), shows:
        call(IpfsStore(url))


@EVERY_CALL
def test_a_packed_answer_is_not_unpacked(call: Call) -> None:
    head = f"Content-Encoding: gzip\r\nContent-Length: {len(PACKED)}\r\n\r\n".encode()
    with hostile_server(once(JSON + head + PACKED)) as url, soon_and_small(), suppress(StorageError):
        call(IpfsStore(url))


@EVERY_CALL
@pytest.mark.parametrize("status", ["302 Found", "307 Temporary Redirect", "308 Permanent Redirect"])
def test_a_node_sends_nobody_elsewhere(status: str, call: Call) -> None:
    seen: list[bytes] = []
    with hostile_server(plainly(b"{}"), seen) as elsewhere:
        redirect = once(f"HTTP/1.1 {status}\r\nLocation: {elsewhere}/\r\nContent-Length: 0\r\n\r\n".encode())
        with hostile_server(redirect) as url, pytest.raises(StoreUnreachable, match=f"HTTP {status[:3]}"):
            call(IpfsStore(url))
    assert not seen


@EVERY_CALL
@pytest.mark.parametrize(
    "body", [b"", b"broken", b'{"Message":5}', b"[]", b"\xff", b"[" * 60_000], ids=lambda body: repr(body[:9])
)
def test_an_error_that_is_no_nodes_is_named_by_its_status(body: bytes, call: Call) -> None:
    answer = plainly(body, "500 Internal Server Error")
    with hostile_server(answer) as url, soon_and_small(), pytest.raises(StoreUnreachable, match="HTTP 500"):
        call(IpfsStore(url))


@pytest.mark.parametrize("name", CALLS)
def test_an_error_of_the_node_is_told_in_its_words(name: str) -> None:
    expected = {"get": ContentMissing, "connect_peer": PeerUnreachable}.get(name, StoreUnreachable)
    body = b'{"Message":"out of\\n\\u001b[2Jorder","Code":0,"Type":"error"}'
    answer = plainly(body, "500 Internal Server Error")
    with hostile_server(answer) as url, pytest.raises(expected) as failure:
        CALLS[name](IpfsStore(url))
    assert name == "get" or "out of [2Jorder" in str(failure.value)


def test_other_bytes_than_were_asked_for_are_corrupt() -> None:
    with hostile_server(plainly(b'{"a":1}')) as url, pytest.raises(ContentCorrupt):
        IpfsStore(url).get(DIGEST, max_bytes=1_000)


@pytest.mark.parametrize("size", [b"5", b"-1", b"2000"])
def test_content_beyond_what_is_expected_is_too_large_whatever_the_node_says(size: bytes) -> None:
    heads: list[bytes] = []

    def answer(sock: socket.socket, over: Event) -> None:
        is_asked_for_size = b"/block/stat" in heads[-1]
        plainly(b'{"Size":%b}' % size if is_asked_for_size else bytes(2_000))(sock, over)

    with hostile_server(answer, heads) as url, pytest.raises(ContentTooLarge) as failure:
        IpfsStore(url).get(DIGEST, max_bytes=1_000)
    assert failure.value.size > failure.value.limit == 1_000


def test_a_node_that_comes_to_its_senses_is_heard_again() -> None:
    answers = iter([endlessly(CHUNKED, b"9\r\n         \r\n"), once(JSON), plainly(b'{"ID":"a peer"}')])

    def answer(sock: socket.socket, over: Event) -> None:
        next(answers)(sock, over)

    with hostile_server(answer) as url:
        store = IpfsStore(url)
        for _ in range(2):
            with pytest.raises(StoreUnreachable):
                store.identity()
        assert store.identity() == "a peer"


def test_a_node_cannot_leave_anything_to_be_sent_back() -> None:
    heads: list[bytes] = []
    body = b'{"ID":"a peer"}'
    head = f"Set-Cookie: a=1\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
    with hostile_server(once(JSON + head + body), heads) as url:
        store = IpfsStore(url)
        assert store.identity() == store.identity() == "a peer"
    assert b"cookie" not in heads[1].lower()


# --- a devnet's parts, as they are probed ---

PROBES = pytest.mark.parametrize("probe", [probe_chain, probe_ipfs])


@PROBES
@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        *((answer, SECONDS) for answer in KEEPS_WAITING.values()),
        *((answer, 1) for answer in (*NEVER_ENDS.values(), *BREAKS_OFF.values())),
    ],
    ids=[*KEEPS_WAITING, *NEVER_ENDS, *BREAKS_OFF],
)
def test_a_part_that_does_not_answer_in_full_is_unhealthy(
    answer: Answer, seconds: float, probe: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qfl.devnet.health.ANSWER_SECONDS", seconds)
    with hostile_server(answer) as url, soon_and_small(), pytest.raises(Unhealthy):
        probe(url)


@PROBES
@pytest.mark.parametrize("body", [*WRONG_FORMS.values(), b'{"result":[]}', b'{"result":"0xz"}', b'{"Addresses":[]}'])
def test_a_part_that_answers_in_another_form_is_unhealthy(body: bytes, probe: Callable[[str], str]) -> None:
    with hostile_server(plainly(body)) as url, soon_and_small(), pytest.raises(Unhealthy) as problem:
        probe(url)
    assert len(str(problem.value)) < 200
