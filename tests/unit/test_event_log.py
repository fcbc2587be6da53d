"""The event log: a run cut short anywhere goes on from the last whole event."""

from __future__ import annotations

import json
import threading

import pytest

from qfl.chain.rpc.calls import Receipt
from qfl.protocol.types import ParticipantId
from qfl.simulation.event_log import EventLog


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run" / "events.jsonl"


def test_events_come_back_by_kind_in_order(path):
    log = EventLog(path)
    log.add("round", round=1)
    log.add("central", loss=0.5)
    log.add("round", round=2)
    assert [event["round"] for event in EventLog(path).of("round")] == [1, 2]
    assert EventLog(path).of("round_failed") == []


def test_receipt_is_kept_whole(path):
    receipt = Receipt("commit", ParticipantId(3), 7, "0xab", 12, 231_000, 2_100, 31_337)
    EventLog(path).add_receipt(receipt)
    (event,) = EventLog(path).of("transaction")
    assert {name: event[name] for name in vars(receipt)} == vars(receipt)


@pytest.mark.parametrize("torn", ['{"event": "rou', '{"event": "round", "round": 3', "\x00\x00\x00", '"'])
def test_torn_last_line_is_dropped_and_the_log_goes_on(path, torn):
    """Left in the file, it would swallow the next event as well, and at the next start everything after it."""
    log = EventLog(path)
    log.add("round", round=1)
    with path.open("a") as file:
        file.write(torn)
    resumed = EventLog(path)
    resumed.add("round", round=2)
    assert [event["round"] for event in EventLog(path).of("round")] == [1, 2]
    assert all(json.loads(line) for line in path.read_text().splitlines())


def test_event_without_its_newline_is_whole(path):
    EventLog(path).add("round", round=1)
    path.write_text(path.read_text().rstrip("\n"))
    EventLog(path).add("round", round=2)
    assert [event["round"] for event in EventLog(path).of("round")] == [1, 2]


def test_killed_while_reopening_loses_nothing(path, monkeypatch):
    """Reopening rewrites the file; written in place, a crash there would lose the whole run's log."""
    EventLog(path).add("round", round=1)

    def killed(*_args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.replace", killed)
        with pytest.raises(KeyboardInterrupt):
            EventLog(path)
    assert [event["round"] for event in EventLog(path).of("round")] == [1]


def test_new_log_makes_its_folder_and_is_there_at_once(path):
    """`events.jsonl` marks a folder as a run, so that it is not started over by mistake."""
    EventLog(path)
    assert path.exists()


def test_lines_of_several_threads_do_not_mix(path):
    log = EventLog(path)
    threads = [
        threading.Thread(target=lambda n=n: [log.add("round", round=n, filler="x" * 5000) for _ in range(20)])
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(event["round"] for event in EventLog(path).of("round")) == sorted(list(range(4)) * 20)
