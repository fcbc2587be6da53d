"""Joining: whatever a crash, a lost folder or a stranger leaves behind, nobody bonds twice or speaks for another.

Nor does a role say anything in a round in which it has forgotten what it said.
"""

import json
from dataclasses import dataclass, replace
from types import SimpleNamespace

import pytest

from qfl.chain.contracts.staking import Bonding, ParticipantRecord, Role
from qfl.errors import InvalidInput, StateCorrupt
from qfl.node.journal import Journal
from qfl.node.membership import join
from qfl.protocol.types import LmsPublicKey, ParticipantId


@dataclass
class StubKey:
    """A key file as far as joining reads it."""

    public: LmsPublicKey
    next_leaf: int = 0

    def require_unseen(self, lowest, contract):
        assert self.next_leaf >= lowest, contract


OURS, THEIRS = (StubKey(LmsPublicKey(letter * 16, letter * 24, 5)) for letter in (b"o", b"t"))
USED = replace(OURS, next_leaf=3)
CURRENT = 7
ALICE, MALLORY = "0xA11ce", "0x3A110"
MINIMUM = {Role.CLIENT: 100, Role.VALIDATOR: 1_000}


@dataclass
class StubStaking:
    """`Staking` as far as joining reads it; a bond takes effect when it is sent."""

    records: dict[int, ParticipantRecord]
    events: list[Bonding]
    address: str = "0x" + "57" * 20

    def minimum_stake_wei(self, role):
        return MINIMUM[role]

    def participant(self, number):
        return self.records[number]

    def bondings(self, from_block, withdrawal):
        return [event for event in self.events if event.block >= from_block and event.withdrawal == withdrawal]

    def bond(self, role, key, withdrawal, stake_wei, anchor, first_round):
        assert any(anchor) and first_round == (CURRENT + 1 if role is Role.CLIENT else 0)
        return role, key, withdrawal, stake_wei

    def accept(self, call):
        role, key, withdrawal, stake_wei = call
        number = ParticipantId(len(self.events) + 1)
        self.events.append(Bonding(number, role, withdrawal, stake_wei, key, block=number))
        self.records[number] = ParticipantRecord(withdrawal, stake_wei, key, 0, 0, role, 0, 0)


@pytest.fixture
def ledger():
    beacon = SimpleNamespace(current_round=lambda: CURRENT)
    deployment = SimpleNamespace(chain_id=1, contracts={})
    return SimpleNamespace(
        staking=StubStaking({}, []),
        beacon=beacon,
        deployment=deployment,
        shards=[],
        mirrors=[],
        from_block=0,
        all_shards=list,
    )


@pytest.fixture
def sender(ledger):
    """Alice's account; `sent` counts her transactions."""
    alice = SimpleNamespace(address=ALICE, sent=0)

    def send(call):
        alice.sent += 1
        ledger.staking.accept(call)
        return SimpleNamespace(block=len(ledger.staking.events))

    alice.send = send
    return alice


def test_first_start_bonds_the_minimum_of_the_role(ledger, sender, tmp_path):
    assert join(ledger, sender, Role.VALIDATOR, OURS, tmp_path) == 1
    assert ledger.staking.records[1].stake_wei == 1_000
    assert ledger.staking.records[1].withdrawal == ALICE


def test_stake_can_be_chosen(ledger, sender, tmp_path):
    join(ledger, sender, Role.CLIENT, OURS, tmp_path, stake_wei=777)
    assert ledger.staking.records[1].stake_wei == 777


def test_restart_sends_nothing(ledger, sender, tmp_path):
    join(ledger, sender, Role.CLIENT, OURS, tmp_path)
    assert join(ledger, sender, Role.CLIENT, OURS, tmp_path) == 1
    assert sender.sent == 1


def test_killed_between_bond_and_folder_finds_itself_on_chain(ledger, sender, tmp_path, monkeypatch):
    """Bonded again, the key would be refused as used, and the first stake forgotten."""

    def killed(*_args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("qfl.node.membership.write_atomically", killed)
        with pytest.raises(KeyboardInterrupt):
            join(ledger, sender, Role.CLIENT, OURS, tmp_path)
    assert join(ledger, sender, Role.CLIENT, OURS, tmp_path) == 1
    assert sender.sent == 1


def test_key_bonded_by_a_stranger_is_not_ours(ledger, sender, tmp_path):
    """Public keys are public: with Mallory's withdrawal address, our rewards would be Mallory's."""
    ledger.staking.accept((Role.CLIENT, OURS.public, MALLORY, 100))
    assert join(ledger, sender, Role.CLIENT, OURS, tmp_path) == 2


def test_other_participants_of_the_same_account_are_not_taken_for_this_one(ledger, sender, tmp_path):
    """`qfl run --account` pays for everybody from one account."""
    join(ledger, sender, Role.CLIENT, THEIRS, tmp_path / "other")
    join(ledger, sender, Role.VALIDATOR, OURS, tmp_path / "validator")
    assert join(ledger, sender, Role.CLIENT, OURS, tmp_path / "client") == 3


def test_rotated_key_is_found_though_another_one_bonded(ledger, sender, tmp_path):
    join(ledger, sender, Role.CLIENT, THEIRS, tmp_path / "lost")
    ledger.staking.records[1] = replace(ledger.staking.records[1], key=OURS.public)
    assert join(ledger, sender, Role.CLIENT, OURS, tmp_path / "new") == 1
    assert sender.sent == 1


@pytest.mark.parametrize("damage", ["", "{", "[]", "null", "{}", '{"id": "x", "staking": "y"}', '{"id": 1}'])
def test_damaged_folder_is_named(ledger, sender, tmp_path, damage):
    (tmp_path / "participant.json").write_text(damage)
    with pytest.raises(StateCorrupt, match=r"participant\.json"):
        join(ledger, sender, Role.CLIENT, OURS, tmp_path)
    assert sender.sent == 0


def leave(ledger):
    ledger.staking.records[1] = replace(ledger.staking.records[1], role=Role.NONE)


@pytest.mark.parametrize(
    ("change", "role", "key", "message"),
    [
        # Number 1 there is somebody else here.
        (lambda ledger: setattr(ledger.staking, "address", "0xOther"), *(Role.CLIENT, OURS), "at 0x5757"),
        (lambda ledger: None, Role.CLIENT, THEIRS, "whose key this is not"),
        (lambda ledger: None, Role.VALIDATOR, OURS, "belongs to a client"),
        (leave, Role.CLIENT, OURS, "has left"),
    ],
    ids=["another deployment", "another key", "another role", "who has left does not come back"],
)
def test_folder_of_another_participant_is_refused(ledger, sender, tmp_path, change, role, key, message):
    join(ledger, sender, Role.CLIENT, OURS, tmp_path)
    change(ledger)
    with pytest.raises(InvalidInput, match=message):
        join(ledger, sender, role, key, tmp_path)


# --- what was said before --------------------------------------------------------------------------------------


def closed(path):
    """The rounds that nothing is said in any more; None where there is no journal."""
    return Journal(path).closed if path.exists() else None


def test_fresh_key_may_speak_in_the_round_that_is_open(ledger, sender, tmp_path):
    """A network's first validators would otherwise wait for a round that nobody opens."""
    join(ledger, sender, Role.VALIDATOR, OURS, tmp_path)
    assert closed(tmp_path / "journal.json") == -1


def test_killed_after_its_first_signature_it_goes_on_in_the_same_round(ledger, sender, tmp_path):
    """The leaf is used, what it signed was never kept, and so never sent."""
    join(ledger, sender, Role.VALIDATOR, OURS, tmp_path)
    join(ledger, sender, Role.VALIDATOR, replace(OURS, next_leaf=1), tmp_path)
    assert closed(tmp_path / "journal.json") == -1


@pytest.mark.parametrize("lost", ["missing", "empty"])
@pytest.mark.parametrize("role", [Role.CLIENT, Role.VALIDATOR])
def test_used_key_without_its_journal_waits_for_the_next_round(ledger, sender, tmp_path, caplog, role, lost):
    join(ledger, sender, role, OURS, tmp_path)
    if lost == "missing":
        (tmp_path / "journal.json").unlink()
    else:
        (tmp_path / "journal.json").write_text("{}")
    for _ in range(2):
        join(ledger, sender, role, USED, tmp_path)
        assert closed(tmp_path / "journal.json") == CURRENT
    (said,) = caplog.messages
    assert str(tmp_path / "journal.json") in said
    assert f"up to round {CURRENT}" in said


def test_folder_that_is_lost_with_the_journal_does_not_make_a_fresh_start(ledger, sender, tmp_path):
    join(ledger, sender, Role.VALIDATOR, OURS, tmp_path / "lost")
    assert join(ledger, sender, Role.VALIDATOR, USED, tmp_path / "new") == 1
    assert closed(tmp_path / "new" / "journal.json") == CURRENT


def test_journal_with_records_is_left_alone(ledger, sender, tmp_path):
    """Also one of a version that did not begin it before the first signature."""
    before = {"publication 6": {"round": 6, "digest": "00", "signature": "00"}}
    (tmp_path / "journal.json").write_text(json.dumps(before))
    join(ledger, sender, Role.VALIDATOR, USED, tmp_path)
    assert json.loads((tmp_path / "journal.json").read_text()) == before
