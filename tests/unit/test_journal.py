"""A role's journal: what it has kept survives everything, what it has not kept it does not claim."""

from __future__ import annotations

import pytest

from qfl.errors import StateCorrupt
from qfl.node.journal import Journal


@pytest.fixture
def path(tmp_path):
    return tmp_path / "role" / "journal.json"


def disk_full(*_args):
    raise OSError(28, "No space left on device")


def test_records_are_there_after_a_restart(path):
    Journal(path).put("round 1", salt="ab", shard=2)
    assert Journal(path).get("round 1") == {"salt": "ab", "shard": 2}
    assert Journal(path).get("round 2") is None


def test_journal_is_private(path):
    """It holds salts and signatures that nobody has seen yet."""
    Journal(path).put("round 1", salt="ab")
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "change", [lambda journal: journal.put("round 2", salt="cd"), lambda journal: journal.keep(set())]
)
def test_what_did_not_reach_the_disk_did_not_happen(path, monkeypatch, change):
    """Said to exist from memory, a record would be sent out, and be unknown after the next restart."""
    journal = Journal(path)
    journal.put("round 1", salt="ab")
    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.replace", disk_full)
        with pytest.raises(OSError, match="No space"):
            change(journal)
    assert journal.names() == Journal(path).names() == {"round 1"}


def test_only_what_is_kept_remains_also_on_disk(path):
    journal = Journal(path)
    for number in range(4):
        journal.put(f"round {number}", n=number)
    journal.keep({"round 2", "round 3", "never written"})
    assert journal.names() == Journal(path).names() == {"round 2", "round 3"}


def test_closed_rounds_stay_closed(path):
    journal = Journal(path)
    assert (journal.is_new, journal.closed) == (True, -1)
    journal.close(5)
    journal.close(3)
    journal.put("round 6", salt="ab")
    journal.keep(set())
    for now in (journal, Journal(path)):
        assert (now.is_new, now.closed, now.names()) == (False, 5, set())


@pytest.mark.parametrize(
    "damage",
    ["", "{", '{"round 1": {"salt": "ab"', "[]", "null", "7", '"text"', '{"round 1": 5}', "[" * 5000, "\x00" * 50],
    ids=["empty", "brace", "torn", "list", "null", "number", "text", "no record", "deep", "zeros"],
)
def test_damaged_journal_stops_the_role(path, damage):
    """Taken for an empty one, it would let the role sign something else under the same name."""
    path.parent.mkdir()
    path.write_text(damage)
    with pytest.raises(StateCorrupt, match=r"journal\.json is damaged"):
        Journal(path)


def test_journal_that_cannot_be_read_stops_the_role(path):
    path.mkdir(parents=True)
    with pytest.raises(StateCorrupt):
        Journal(path)
    path.rmdir()
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(StateCorrupt):
        Journal(path)
