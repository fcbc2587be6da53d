"""Where committees sign with BLS keys: registering a validator's, and packing everybody's into pages."""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path

from eth_utils.crypto import keccak

from qfl.chain.contracts.bls_quorum import MOST_ENTRIES
from qfl.chain.ledger import Ledger
from qfl.chain.rpc.sender import TransactionSender
from qfl.crypto.bls import BlsKey
from qfl.crypto.bls_points import full_key, full_signature
from qfl.crypto.keyfile import KeyFile
from qfl.errors import ContractReverted
from qfl.protocol.digests import Domain
from qfl.protocol.types import ParticipantId

log = logging.getLogger(__name__)

KEY_NAME = "bls.key"
WORTH_PACKING = 4
"""Keys are packed once one in so many of those that could move is in no page: few pages, and no key moves often."""


def set_up_attesting(
    ledger: Ledger, sender: TransactionSender, validator: ParticipantId, key: KeyFile, folder: Path
) -> BlsKey | None:
    """In a deployment with BLS, the validator's attestation key: made once, and registered.

    Safe to repeat at every start; a new key in the folder replaces the registered one. None where the LMS key attests.

    Raises:
        BlsKeyUnusable, KeyExhausted.
        ContractReverted: `KeyTaken`: the folder's key was replaced since, or registered by somebody else; remove it.
    """
    if ledger.bls is None:
        return None
    bls = BlsKey.keep(folder / KEY_NAME)
    public = full_key(bls.public)
    if ledger.bls.keys_of([validator]) != [public]:
        domain = Domain(ledger.deployment.chain_id, ledger.bls.address)
        signature = key.sign(domain.bls_key(validator, keccak(public), ledger.bls.key_count(validator)))
        possession = full_signature(bls.prove_possession())
        sender.send(ledger.bls.register(validator, public, possession, signature))
    return bls


def pack_keys(ledger: Ledger, sender: TransactionSender) -> None:
    """Pack registered keys into pages where that is worth it: from there, checkpoints read them for much less gas.

    Somebody else may be quicker.

    Raises:
        ContractReverted, InsufficientFunds.
    """
    while ledger.bls is not None and (chosen := _worth_packing(ledger)):
        try:
            sender.send(ledger.bls.pack(chosen.items()))
        except ContractReverted as refusal:
            if refusal.name not in ("BetterPlaced", "NotCurrentKey"):
                raise
            log.debug("overtaken: %s", refusal)
            return


def _worth_packing(ledger: Ledger) -> dict[ParticipantId, bytes]:
    """The keys for a new page, by validator; none when there are too few that are in no page.

    Those in smaller pages come along: a page takes keys only from smaller ones.
    """
    assert ledger.bls is not None
    keys = {entry.validator: entry.key for entry in ledger.bls.registrations()}
    places = dict(zip(keys, ledger.bls.places_of(list(keys)), strict=True))
    sizes = Counter(place.page for place in places.values() if place is not None)
    waiting = [validator for validator, place in places.items() if place is None]
    packed = {validator: sizes[place.page] for validator, place in places.items() if place is not None}
    movable = [validator for validator in sorted(packed, key=packed.__getitem__) if packed[validator] < MOST_ENTRIES]
    if not waiting or WORTH_PACKING * len(waiting) < len(waiting) + len(movable):
        return {}
    return {validator: keys[validator] for validator in (*waiting, *movable)[:MOST_ENTRIES]}
