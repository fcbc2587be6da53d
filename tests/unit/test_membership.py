"""Joining: whatever a crash, a lost folder or a stranger leaves behind, nobody bonds twice or speaks for another."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import SimpleNamespace

import pytest

from qfl.chain.contracts.staking import Bonding, ParticipantRecord, Role
from qfl.errors import InvalidInput, StateCorrupt
from qfl.roles.membership import join
from qfl.types import LmsPublicKey, ParticipantId

OURS, THEIRS = LmsPublicKey(b"o" * 16, b"o" * 24, 5), LmsPublicKey(b"t" * 16, b"t" * 24, 5)
ALICE, MALLORY = "0xA11ce", "0x3A110"
MINIMUM = {Role.CLIENT: 100, Role.VALIDATOR: 1_000}


@dataclass
class StubStaking:
    """`Staking` as far as joining reads it; a bond takes effect when it is sent."""

    records: dict[int, ParticipantRecord]
    events: list[Bonding]
    address: str = "0xStaking"

    def minimum_stake_wei(self, role):
        return MINIMUM[role]

    def participant(self, number):
        return self.records[number]

    def bondings(self, from_block, withdrawal):
        return [event for event in self.events if event.block >= from_block and event.withdrawal == withdrawal]

    def bond(self, role, key, withdrawal, stake_wei):
        return role, key, withdrawal, stake_wei

    def accept(self, call):
        role, key, withdrawal, stake_wei = call
        number = ParticipantId(len(self.events) + 1)
        self.events.append(Bonding(number, role, withdrawal, stake_wei, key, block=number))
        self.records[number] = ParticipantRecord(withdrawal, stake_wei, key, 0, 0, role, 0, 0)


@pytest.fixture
def ledger():
    return SimpleNamespace(staking=StubStaking({}, []), from_block=0)


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
        patch.setattr("qfl.roles.membership.write_atomically", killed)
        with pytest.raises(KeyboardInterrupt):
            join(ledger, sender, Role.CLIENT, OURS, tmp_path)
    assert join(ledger, sender, Role.CLIENT, OURS, tmp_path) == 1
    assert sender.sent == 1


def test_key_bonded_by_a_stranger_is_not_ours(ledger, sender, tmp_path):
    """Public keys are public: with Mallory's withdrawal address, our rewards would be Mallory's."""
    ledger.staking.accept((Role.CLIENT, OURS, MALLORY, 100))
    assert join(ledger, sender, Role.CLIENT, OURS, tmp_path) == 2


def test_other_participants_of_the_same_account_are_not_taken_for_this_one(ledger, sender, tmp_path):
    """`qfl run --account` pays for everybody from one account."""
    join(ledger, sender, Role.CLIENT, THEIRS, tmp_path / "other")
    join(ledger, sender, Role.VALIDATOR, OURS, tmp_path / "validator")
    assert join(ledger, sender, Role.CLIENT, OURS, tmp_path / "client") == 3


def test_rotated_key_is_found_though_another_one_bonded(ledger, sender, tmp_path):
    join(ledger, sender, Role.CLIENT, THEIRS, tmp_path / "lost")
    ledger.staking.records[1] = replace(ledger.staking.records[1], key=OURS)
    assert join(ledger, sender, Role.CLIENT, OURS, tmp_path / "new") == 1
    assert sender.sent == 1


@pytest.mark.parametrize("damage", ["", "{", "[]", "null", "{}", '{"id": "x", "staking": "y"}', '{"id": 1}'])
def test_damaged_folder_is_named(ledger, sender, tmp_path, damage):
    (tmp_path / "participant.json").write_text(damage)
    with pytest.raises(StateCorrupt, match=r"participant\.json"):
        join(ledger, sender, Role.CLIENT, OURS, tmp_path)
    assert sender.sent == 0


def test_folder_of_another_deployment_is_refused(ledger, sender, tmp_path):
    """Number 1 there is somebody else here."""
    join(ledger, sender, Role.CLIENT, OURS, tmp_path)
    ledger.staking.address = "0xOther"
    with pytest.raises(InvalidInput, match="belongs to the deployment at 0xStaking"):
        join(ledger, sender, Role.CLIENT, OURS, tmp_path)


def test_folder_with_another_key_is_refused(ledger, sender, tmp_path):
    join(ledger, sender, Role.CLIENT, OURS, tmp_path)
    with pytest.raises(InvalidInput, match="whose key this is not"):
        join(ledger, sender, Role.CLIENT, THEIRS, tmp_path)


def test_folder_of_another_role_is_refused(ledger, sender, tmp_path):
    join(ledger, sender, Role.CLIENT, OURS, tmp_path)
    with pytest.raises(InvalidInput, match="belongs to a client"):
        join(ledger, sender, Role.VALIDATOR, OURS, tmp_path)


def test_participant_that_has_left_does_not_come_back_under_its_number(ledger, sender, tmp_path):
    join(ledger, sender, Role.CLIENT, OURS, tmp_path)
    ledger.staking.records[1] = replace(ledger.staking.records[1], role=Role.NONE)
    with pytest.raises(InvalidInput, match="has left"):
        join(ledger, sender, Role.CLIENT, OURS, tmp_path)
