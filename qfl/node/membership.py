"""Joining: bond once, remember the number, find it again after a crash, and with nothing of the past forgotten."""

import json
from pathlib import Path

from qfl.chain.contracts.staking import Role
from qfl.chain.ledger import Ledger
from qfl.chain.rpc.sender import TransactionSender
from qfl.crypto.hash_chain import LinkSeed
from qfl.crypto.keyfile import KeyFile
from qfl.errors import InvalidInput, StateCorrupt
from qfl.files import read_json, write_atomically
from qfl.node.journal import JOURNAL, begin_journal
from qfl.node.leaves import LeafCheck
from qfl.protocol.types import LmsPublicKey, ParticipantId, RoundNumber


def join(
    ledger: Ledger, sender: TransactionSender, role: Role, key: KeyFile, folder: Path, stake_wei: int | None = None
) -> ParticipantId:
    """The participant that `key` speaks for: from the folder, from the chain, or bonded now. To be called first.

    Stake and rewards go back to the sender's account; the stake is the role's minimum unless given. Nothing is signed
    before this returns: a key that is behind what the chain has seen is refused, and the role's journal is begun.

    Raises ContractReverted (too little stake), InsufficientFunds, KeyFileBehind, StateCorrupt.
    """
    path = folder / "participant.json"
    if path.exists():
        participant: ParticipantId | None = _recorded(path, ledger, role, key.public)
    else:
        participant = _find(ledger, role, key.public, sender.address, ledger.from_block)
    if participant is not None:
        LeafCheck(ledger, participant, role, key).everywhere()
    else:
        stake = ledger.staking.minimum_stake_wei(role) if stake_wei is None else stake_wei
        anchor, first_round = first_anchor(ledger, role, key.public, folder)
        call = ledger.staking.bond(
            role, key.public, withdrawal=sender.address, stake_wei=stake, anchor=anchor, first_round=first_round
        )
        receipt = sender.send(call)
        participant = _find(ledger, role, key.public, sender.address, receipt.block)
        if participant is None:
            raise InvalidInput("participant", sender.address, "bonded, but the chain does not list it; try again")
    begin_journal(folder / JOURNAL, key, ledger.beacon.current_round())
    if not path.exists():
        record = {"id": participant, "staking": ledger.staking.address}
        write_atomically(path, json.dumps(record).encode())
    return participant


def has_left(ledger: Ledger, folder: Path) -> bool:
    """Whether the participant that the folder belongs to has withdrawn its stake. Raises StateCorrupt."""
    path = folder / "participant.json"
    return path.exists() and ledger.staking.participant(_read(path)[0]).role is Role.NONE


def require_folder_of(folder: Path, ledger: Ledger, participant: ParticipantId) -> None:
    """Make sure that a folder is a participant's in this deployment. Raises InvalidInput, StateCorrupt."""
    path = folder / "participant.json"
    if not path.exists() or _read(path) != (participant, ledger.staking.address):
        raise InvalidInput("folder", str(folder), f"is not the folder of participant {participant}")


def first_anchor(ledger: Ledger, role: Role, key: LmsPublicKey, folder: Path) -> tuple[bytes, RoundNumber]:
    """The end of the hash chain to bond with, and the round that it begins with.

    A client's begins with the first round that it may be drawn in; a validator's has none (0).
    """
    first = RoundNumber(ledger.beacon.current_round() + 1 if role is Role.CLIENT else 0)
    place = ledger.deployment.chain_id, ledger.staking.address, key.identifier
    return LinkSeed.of(folder).chain(*place, first).anchor, first


def _recorded(path: Path, ledger: Ledger, role: Role, key: LmsPublicKey) -> ParticipantId:
    participant, staking = _read(path)
    if staking != ledger.staking.address:
        raise InvalidInput("folder", str(path.parent), f"belongs to the deployment at {staking}; use another")
    found = ledger.staking.participant(participant)
    if found.role is Role.NONE:
        remedy = f"was participant {participant}'s, which has left; join again with a new folder and a new key"
        raise InvalidInput("folder", str(path.parent), remedy)
    if found.role is not role:
        raise InvalidInput("folder", str(path.parent), f"belongs to a {found.role.name.lower()}; use another")
    if found.key != key:
        remedy = f"belongs to participant {participant}, whose key this is not; pass the key it has now"
        raise InvalidInput("folder", str(path.parent), remedy)
    return participant


def _read(path: Path) -> tuple[ParticipantId, str]:
    """Who the folder belongs to, and at which staking contract."""
    try:
        record = read_json(path)
        return ParticipantId(int(record["id"])), str(record["staking"])
    except (OSError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise StateCorrupt(path, str(error)) from error


def _find(ledger: Ledger, role: Role, key: LmsPublicKey, withdrawal: str, from_block: int) -> ParticipantId | None:
    """The last of those that bonded with our withdrawal address since a block, and have this key now.

    Anyone can bond a key, but it pays them nothing to do so for our account.
    """
    for bonding in reversed(ledger.staking.bondings(from_block, withdrawal=withdrawal)):
        if bonding.role is role:
            found = ledger.staking.participant(bonding.id)
            if found.role is role and found.key == key:
                return bonding.id
    return None
