"""A run's record: an event log that can be cut short anywhere, and `report.json`, the numbers that users quote."""

import json
import threading
from types import SimpleNamespace

import pytest

from qfl.chain.contracts.beacon import RoundState
from qfl.chain.rpc.calls import Receipt
from qfl.protocol.types import ParticipantId
from qfl.quantum.architecture import Architecture
from qfl.simulation.config import JobConfig
from qfl.simulation.document import EventLog, gas_by_function, write_report
from qfl.training.job import JobDocument
from qfl.training.recipe import TrainingConfig

JOB = JobDocument(Architecture(), TrainingConfig(), 2)
RECORD = SimpleNamespace(
    number=2, model_root=b"\x01" * 32, content_digest=b"\x02" * 32, state=RoundState.FINAL, parameters_version=0
)


class StubLedger:
    """A chain with rounds 1 and 2 published."""

    def __init__(self, rounds: int = 2) -> None:
        self.beacon = SimpleNamespace(
            current_round=lambda: rounds, head_round=lambda: rounds, round_at=lambda _number: RECORD
        )


def transaction(events, label, round_number, gas, participant=None, size=100):
    events.add("transaction", label=label, round=round_number, gas=gas, participant=participant, size=size)


@pytest.fixture
def events(tmp_path):
    log = EventLog(tmp_path / "events.jsonl")
    transaction(log, "bond", None, 120_000)
    for number, accuracy in ((1, 0.5), (2, 0.75)):
        transaction(log, "commit", number, 230_000 + number, 5, 1_800)
        transaction(log, "reveal", number, 50_000, 5, 280 + number)
        transaction(log, "commit", number, 240_000 + number, 6, 1_700)
        transaction(log, "publish", number, 300_000)
        log.add(
            "round",
            round=number,
            accuracy=accuracy,
            loss=1 / number,
            included=2,
            saturated=number,
            seconds={"train": 1.0},
        )
    return log


@pytest.fixture
def report(tmp_path, events):
    return write_report(tmp_path, JobConfig(rounds=2), JOB, StubLedger(), events)


def test_file_is_what_is_returned(report, tmp_path):
    assert json.loads((tmp_path / "report.json").read_text()) == json.loads(json.dumps(report))


def test_gas_is_every_receipts_by_function(report, events):
    assert report["gas"] == gas_by_function(events.of("transaction"))
    assert report["gas"] == {
        "bond": [120_000],
        "commit": [230_001, 240_001, 230_002, 240_002],
        "reveal": [50_000, 50_000],
        "publish": [300_000, 300_000],
    }
    assert report["transactions"] == 9


def test_gas_of_a_round_is_its_own(report):
    """Bonding belongs to no round, and must not make the first one look dear."""
    assert report["rounds"][0]["gas"] == {"commit": 470_002, "reveal": 50_000, "publish": 300_000}
    assert report["rounds"][1]["gas"] == {"commit": 470_004, "reveal": 50_000, "publish": 300_000}


def test_bytes_are_whole_transactions_and_the_content_of_the_client_that_sent_most(report):
    """A mean over clients and rounds would hide the one that breaks the budget; content goes up with the reveal."""
    content = 64 + 2 * 358
    assert report["bytes"]["client_up"] == {"5": [1_800 + 281 + content, 1_800 + 282 + content], "6": [1_700, 1_700]}
    assert report["bytes"]["client_up_per_round"] == 1_800 + 282 + content
    assert report["bytes"]["client_down_per_round"] == 64 + 4 * 358


def test_updates_count_as_large_as_they_were(tmp_path, events):
    """Most are compact. Client 6 never revealed: what it has prepared has not left it."""
    events.add("updates", round=2, bytes={"5": 300, "6": 320})
    report = write_report(tmp_path, JobConfig(rounds=2), JOB, StubLedger(), events)
    assert report["bytes"]["client_up"] == {"5": [1_800 + 281 + 64 + 2 * 358, 1_800 + 282 + 300], "6": [1_700, 1_700]}
    assert [entry["update_bytes"] for entry in report["rounds"]] == [None, 310]


def test_weights_at_their_limit_are_told_round_by_round(report):
    assert [entry["saturated"] for entry in report["rounds"]] == [1, 2]


def test_final_is_the_last_model(report):
    assert report["final"]["accuracy"] == 0.75
    assert report["final"]["model_root"] == "0x" + "01" * 32
    assert report["final"]["cid"].startswith("bafkrei")
    assert report["final"]["state"] == "final"


def test_run_is_complete_with_all_its_rounds_only(tmp_path, events, report):
    assert report["complete"] is True
    assert write_report(tmp_path, JobConfig(rounds=3), JOB, StubLedger(), events)["complete"] is False


def test_run_that_failed_at_once_has_a_report_all_the_same(tmp_path):
    """It is written when the run is cut short, so it must not fail on what is missing."""
    events = EventLog(tmp_path / "empty.jsonl")
    events.add("round_failed", round=1, reason="no client committed")
    report = write_report(tmp_path, JobConfig(), JOB, StubLedger(rounds=0), events)
    assert report["failed_rounds"] == [{"round": 1, "reason": "no client committed"}]
    assert (report["complete"], report["rounds"], report["final"], report["gas"]) == (False, [], None, {})
    assert report["bytes"]["client_up_per_round"] == 0


def test_a_round_that_was_rolled_back_is_reported_as_failed_with_the_dispute(tmp_path, events):
    """Its accuracy is that of a model which is void: counted as done, the run would lack a round."""
    events.add("dispute", evidence="round 2, model: ...", fault="model", round=2, guilty=[7], bounty_wei=5)
    ledger = StubLedger()
    states = {1: RoundState.FINAL, 2: RoundState.VOID}
    ledger.beacon.round_at = lambda number: SimpleNamespace(**{**vars(RECORD), "state": states[number]})
    ledger.beacon.head_round = lambda: 1
    report = write_report(tmp_path, JobConfig(rounds=2), JOB, ledger, events)
    assert report["complete"] is False
    assert [entry["round"] for entry in report["rounds"]] == [1]
    assert report["failed_rounds"] == [{"round": 2, "reason": "rolled back by a proven fault"}]
    (dispute,) = report["disputes"]
    assert (dispute["fault"], dispute["guilty"], dispute["bounty_wei"]) == ("model", [7], 5)
    assert report["final"]["accuracy"] == 0.5


def test_a_round_says_which_shards_it_closed_without(tmp_path):
    """A model made without a shard looks like any other: the report is where one sees it."""
    log = EventLog(tmp_path / "events.jsonl")
    missed = [{"shard": 1, "reason": "its mirror was not brought to the round"}]
    log.add("round", round=1, accuracy=0.5, loss=1.0, included=2, seconds={"train": 1.0}, missed=missed)
    report = write_report(tmp_path, JobConfig(rounds=1), JOB, StubLedger(), log)
    assert [entry["missed"] for entry in report["rounds"]] == [missed]


# --- the event log ---


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
