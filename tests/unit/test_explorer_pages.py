"""What the explorer makes of values: content and its checks, searches, waiting, who may look."""

import asyncio
import json
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from qfl.apps.cli.main import cli
from qfl.apps.explorer.content import HEIGHT, plot_lanes, show_document
from qfl.apps.explorer.history import search
from qfl.apps.explorer.index import Index
from qfl.apps.explorer.node import Patience
from qfl.apps.explorer.series import RunLog, Series
from qfl.apps.explorer.server import SecurityMiddleware
from qfl.apps.explorer.shown import ether, short, when
from qfl.errors import ContentMissing, InvalidInput, NoAnswerInTime
from qfl.protocol.cid import cid_of
from qfl.protocol.content import Content, ContentKind, content_digest, encode, lanes_root
from qfl.protocol.types import ModelShape
from qfl.storage.store import MemoryStore

UPDATE = Content(
    ContentKind.UPDATE, 16, 3, 0, 0, 5, ModelShape(2, 1), b"\x07" * 32, np.array([1, -2, 3], dtype=np.int16)
)


def say(index: Index, digest: bytes, root: bytes, round_number: int) -> None:
    """Have the index know of a reveal."""
    place = {"chain": 0, "block": 1, "log": 0, "hash": "0xaa", "contract": "Shard 0", "name": "Revealed"}
    said = {"digest": "0x" + digest.hex(), "root": "0x" + root.hex(), "arguments": "{}"}
    index._insert("events", [place | {"round": round_number, "participant": 5} | said])


def checks_of(data: bytes, root: bytes, round_number: int) -> dict[str, bool | None]:
    index, store = Index(), MemoryStore()
    digest = store.put(data)
    say(index, digest, root, round_number)
    return {check.claim: check.holds for check in show_document(index, {}, store, digest).checks}


def test_update_is_checked_against_what_was_revealed():
    assert set(checks_of(encode(UPDATE), lanes_root(UPDATE), 3).values()) == {True}


def test_update_of_another_root_or_round_fails():
    claims = checks_of(encode(UPDATE), bytes(32), 4)
    failed = [claim for claim, holds in claims.items() if holds is False]
    assert failed == [
        "the root of its lanes is as Revealed of round 4 says",
        "its header's round is that of Revealed of round 4",
    ]


def test_damaged_content_is_not_intact_and_not_shown():
    store = MemoryStore()
    digest = store.put(encode(UPDATE))
    store.blocks[digest] = store.blocks[digest][:-1] + b"\x09"
    document = show_document(Index(), {}, store, digest)
    assert not document.is_intact and document.plot is None and document.size is None


def test_content_that_is_not_there_is_said_to_be_missing():
    with pytest.raises(ContentMissing):
        show_document(Index(), {}, MemoryStore(), bytes(32))


@pytest.mark.parametrize(
    ("data", "kind", "text"),
    [
        (b'{"dataset":"<script>"}', "JSON document", '{\n  "dataset": "<script>"\n}'),
        (b"plain", "text", "plain"),
        (b"[" * 5000, "text", "[" * 5000),
        (b"\xff\xfe", "bytes of no known form", "ff fe"),
        (b"", "text", ""),
    ],
)
def test_bytes_of_any_kind_are_shown(data, kind, text):
    store = MemoryStore()
    document = show_document(Index(), {}, store, store.put(data))
    assert (document.kind, document.text) == (kind, text)


def test_plot_spans_the_lanes_and_its_zero_lies_between():
    plot = plot_lanes(np.array([10, -10, 0, 5]), quantum=1)
    assert (plot.low, plot.high, plot.zero, plot.border) == (-10, 10, HEIGHT / 2, 150.0)
    assert plot.path.count("z") == 4
    assert plot_lanes(np.zeros(100_000, dtype=np.int8), 0).path.count("z") == 600, "as many columns as it is wide"


def test_search_takes_only_what_it_knows_the_form_of():
    index = Index()
    say(index, content_digest(b"x"), b"\x09" * 32, 1)
    cid = cid_of(content_digest(b"x"))
    assert [hit.path for hit in search(index, f"  {cid} ")] == [f"/content/{cid}"]
    assert [hit.path for hit in search(index, "0x" + "09" * 32)] == [f"/content/{cid}"]
    for nonsense in ("", "0x", "<script>", "ünïcode", "9" * 400, "²", "-1", "0x" + "0g" * 32):
        assert search(index, nonsense) == []


def test_patience_ends_and_does_not_swallow_errors():
    patience, held = Patience(seconds=0.1, at_once=1), threading.Event()

    def fail() -> None:
        raise InvalidInput("x", 1, "no")

    with pytest.raises(InvalidInput):
        patience.ask(fail)
    began = time.monotonic()
    with pytest.raises(NoAnswerInTime):
        patience.ask(held.wait)
    with pytest.raises(NoAnswerInTime):
        patience.ask(lambda: 1)
    assert time.monotonic() - began < 2
    held.set()
    time.sleep(0.1)
    assert patience.ask(lambda: 1) == 1


def answer_of(method: str, host: str, names: tuple[str, ...] = ()) -> tuple[int, dict[str, str]]:
    """The status and headers that the gate lets through."""
    sent: list[dict] = []

    async def app(_scope: object, _receive: object, send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def send(message: dict) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "path": "/", "headers": [(b"host", host.encode("latin-1"))]}
    asyncio.run(SecurityMiddleware(app, names)(scope, None, send))
    return sent[0]["status"], {name.decode(): value.decode() for name, value in sent[0]["headers"]}


@pytest.mark.parametrize("host", ["127.0.0.1:8550", "localhost", "[::1]:8550", "LOCALHOST:1", "page.example:80"])
def test_gate_lets_lookers_in_by_address_or_name(host):
    status, headers = answer_of("GET", host, ("page.example",))
    assert status == 200 and headers["content-security-policy"].startswith("default-src 'none'")


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "localhost.evil.example:8550"])
def test_gate_refuses_names_that_others_may_point_here(host):
    assert answer_of("GET", host)[0] == 421


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_gate_refuses_everything_but_looks(method):
    assert answer_of(method, "127.0.0.1")[0] == 405


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "example.org"])
def test_explorer_stays_on_loopback_unless_told(host, tmp_path):
    deployment = tmp_path / "deployment.json"
    contract = {"address": "0x" + "11" * 20, "codeHash": "0x"}
    contracts = dict.fromkeys(("Staking", "Draw", "Beacon", "Rewards"), contract)
    file = {"version": 2, "chainId": 1, "block": 0, "contracts": contracts, "shards": [contract]}
    deployment.write_text(json.dumps(file))
    arguments = ["--rpc", "http://127.0.0.1:9", "--ipfs", "http://127.0.0.1:9", "--deployment", str(deployment)]
    result = CliRunner().invoke(cli, ["explorer", *arguments, "--host", host])
    assert isinstance(result.exception, InvalidInput) and result.exception.name == "host"


def test_run_log_is_read_on_and_from_the_beginning_of_another_run(tmp_path: Path):
    file, log = tmp_path / "events.jsonl", RunLog(tmp_path)
    assert log.read() == ({}, {})
    file.write_text('{"event": "round", "round": 1, "accuracy": 0.5}\n{"event": "round", "rou')
    assert list(log.read()[0]) == [1]
    file.write_text(file.read_text() + 'nd": 2}\nnot JSON\n[]\n{"event": "transaction", "round": 2}\n')
    rounds, sent = log.read()
    assert list(rounds) == [1, 2] and len(sent[2]) == 1
    file.write_text('{"event": "round", "round": 9}\n')
    assert list(log.read()[0]) == [9]


def test_series_says_in_words_what_its_chart_shows():
    series = Series("gas", "Gas", "gas", {1: 1000, 2: 3000, 3: 2000})
    assert series.sentence == "Gas, gas: 1,000 in round 1, 2,000 in round 3; lowest 1,000, highest 3,000."
    assert "pass --run" in Series("accuracy", "Accuracy", "share", {}, "pass --run").sentence


def test_values_of_any_size_can_be_shown():
    assert short("0x" + "ab" * 32) == "0xababab…abab"
    assert ether(10**17) == "0.1 ETH" and ether("0") == "0 ETH"
    assert when(0) == "1970-01-01 00:00:00" and when(2**48) == str(2**48) and when(None) == "not known"
