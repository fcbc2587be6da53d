"""What a role has promised: kept in its journal through everything, and signed once under each name."""

import shutil

import pytest

from qfl.crypto.keyfile import KeyFile
from qfl.crypto.lms import leaf_of, verify
from qfl.errors import StateCorrupt
from qfl.node.journal import KEPT_ROUNDS, Journal, Signer, begin_journal


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


# --- signing once ---


NAME = "round 1 shard 0 turn 0"
DIGEST, OTHER = b"d" * 32, b"o" * 32


@pytest.fixture(scope="module")
def pristine(tmp_path_factory):
    """A fresh key of 32 leaves; every test signs with a copy that has leaf marks of its own."""
    folder = tmp_path_factory.mktemp("pristine")
    KeyFile.create(folder / "key", 5, folder / "state").close()
    return folder / "key"


@pytest.fixture
def key(pristine, tmp_path):
    with KeyFile.open(shutil.copy2(pristine, tmp_path / "key.lms"), tmp_path / "state") as key:
        yield key


def test_a_name_is_signed_once_whoever_asks_again_and_after_a_restart_too(key, path):
    """Two attestations of one seat for one turn are equivocation; each of the same one would cost a leaf."""
    signer = Signer(key, path)
    signature = signer.sign_once(NAME, 1, DIGEST)
    assert verify(key.public, DIGEST, signature)
    for asked in (signer, Signer(key, path)):
        assert asked.sign_once(NAME, 1, DIGEST) == signature
        assert asked.sign_once(NAME, 1, OTHER) is None
    assert key.next_leaf == 1


def test_other_names_get_leaves_of_their_own(key, path):
    signer = Signer(key, path)
    signatures = [signer.sign_once(f"round 1 shard 0 turn {turn}", 1, DIGEST) for turn in range(3)]
    assert [leaf_of(signature) for signature in signatures] == [0, 1, 2]


def test_signature_that_cannot_be_remembered_is_not_given_out(key, path, monkeypatch):
    """A full disk: what was signed and not kept costs a leaf, and must not come out later from memory."""
    signer = Signer(key, path)
    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.replace", disk_full)
        with pytest.raises(OSError, match="No space"):
            signer.sign_once(NAME, 1, DIGEST)
    assert leaf_of(signer.sign_once(NAME, 1, OTHER)) == 1
    assert Signer(key, path).sign_once(NAME, 1, DIGEST) is None


def test_journal_does_not_grow_for_ever(key, path):
    signer = Signer(key, path)
    for number in (1, 2, KEPT_ROUNDS + 1, KEPT_ROUNDS + 2):
        signer.sign_once(f"publication {number}", number, DIGEST)
    assert '"publication 1"' not in path.read_text()
    assert '"publication 2"' in path.read_text()


def test_forgotten_round_is_not_signed_again(key, path):
    """A chain node that claims an old round is open again must not get a second signature for it."""
    signer = Signer(key, path)
    signer.sign_once("publication 1", 1, DIGEST)
    signer.sign_once("publication 100", 100, DIGEST)
    assert signer.sign_once("publication 1", 1, OTHER) is None
    assert Signer(key, path).sign_once("publication 1", 1, OTHER) is None
    assert key.next_leaf == 2


def test_what_is_released_is_forgotten_and_never_signed_again(key, path):
    """A final round needs no second signature; who kept all first ones would fill its disk."""
    signer = Signer(key, path)
    for number in (1, 2, 3):
        signer.sign_once(f"publication {number}", number, DIGEST)
    kept = signer.sign_once("publication 3", 3, DIGEST)
    signer.release(2)
    for now in (signer, Signer(key, path)):
        assert now.sign_once("publication 1", 1, DIGEST) is None
        assert now.sign_once("another name in round 2", 2, DIGEST) is None
        assert now.sign_once("publication 3", 3, DIGEST) == kept
    assert '"publication 1"' not in path.read_text()
    assert key.next_leaf == 3


def test_journal_that_was_lost_lets_nothing_be_signed_twice(key, path):
    """Somebody may hold the first signature: a second one for that turn costs the stake."""
    begin_journal(path, key, 1)
    Signer(key, path).sign_once(NAME, 1, DIGEST)
    path.unlink()
    begin_journal(path, key, 1)
    signer = Signer(key, path)
    assert signer.sign_once(NAME, 1, OTHER) is None
    assert signer.sign_once("publication 1", 1, OTHER) is None
    assert key.next_leaf == 1
    assert signer.sign_once("round 2 shard 0 turn 0", 2, OTHER) is not None


def test_letting_go_of_final_rounds_does_not_open_closed_ones(key, path):
    Journal(path).close(9)
    signer = Signer(key, path)
    signer.release(2)
    assert signer.sign_once("publication 9", 9, DIGEST) is None
