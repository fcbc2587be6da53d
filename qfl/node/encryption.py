"""Private mode on chain: who reads a round's updates, with which keys, and which keys prove their norms."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from qfl.chain.ledger import Ledger
from qfl.chain.rounds import ShardRound
from qfl.chain.rpc.sender import TransactionSender
from qfl.crypto.kem import PUBLIC_KEY_BYTES, KemKey, require_public_key
from qfl.crypto.keyfile import KeyFile
from qfl.crypto.norm.keys import NormKeys, default_folder
from qfl.crypto.norm.statement import context_of
from qfl.errors import ContentUnusable, InvalidInput, NormKeysMismatch
from qfl.node.updates import PLAIN, Opener, Sealed, fetchers
from qfl.protocol.types import ParticipantId, RoundNumber, ShardIndex
from qfl.storage.store import ContentStore

KEY_NAME = "kem.key"


def set_up_encryption(
    ledger: Ledger, sender: TransactionSender, store: ContentStore, validator: ParticipantId, key: KeyFile, folder: Path
) -> KemKey | None:
    """In a private deployment, the validator's decryption key: made once, on IPFS, its digest on chain.

    Safe to repeat at every start. None in the transparent mode.

    Raises KemKeyUnusable, KeyExhausted, ContractReverted, StorageError.
    """
    if ledger.any_norm_verifier() is None:
        return None
    kem = KemKey.keep(folder / KEY_NAME)
    store.put(kem.public)
    if ledger.staking.encryption_key_of(validator) != kem.digest:
        nonce = ledger.staking.participant(validator).nonce
        signature = key.sign(ledger.staking_domain.encryption_key(validator, kem.digest, nonce))
        sender.send(ledger.staking.set_encryption_key(validator, kem.digest, signature=signature))
    return kem


def read_recipients(ledger: Ledger, store: ContentStore, round_number: RoundNumber, shard: ShardIndex) -> list[bytes]:
    """The public keys of a committee, by seat: those in force when the round was opened.

    Empty for a seat that had named none, or whose key cannot be fetched or is none. Raises StoreUnreachable.
    """
    named = ledger.staking.encryption_keys(ledger.from_block, ledger.round(round_number).opened_in)
    digests = [named.get(validator) for validator in ledger.round(round_number).shard(shard).committee()]
    return list(fetchers().map(partial(_fetch_key, store), digests))


def read_opener(part: ShardRound, store: ContentStore, keys: Sequence[KemKey]) -> Opener | None:
    """How the updates of one shard in one round are read; None when they are sealed, and to none of `keys`.

    Raises StoreUnreachable.
    """
    verifier = part.ledger.norm_verifier(part.index)
    if verifier is None:
        return PLAIN
    recipients = read_recipients(part.ledger, store, part.round.number, part.index)
    for key in keys:
        if key.public in recipients:
            return Sealed(
                recipients.index(key.public),
                key,
                recipients,
                partial(context_of, part.domain.chain_id, part.domain.contract, part.round.number),
                part.norm_proofs(),
                verifier.capacity(),
            )
    return None


def _fetch_key(store: ContentStore, digest: bytes | None) -> bytes:
    if digest is None:
        return b""
    try:
        return require_public_key(store.get(digest, PUBLIC_KEY_BYTES))
    except (ContentUnusable, InvalidInput):
        return b""


def open_norm_keys(ledger: Ledger, folder: Path | None = None) -> NormKeys | None:
    """The keys in `folder` (by default where `qfl zk setup` puts them); None in a transparent deployment.

    Raises NormKeysMissing, NormKeysMalformed, ExtraMissing; NormKeysMismatch: the chain would refuse their proofs.
    """
    verifier = ledger.any_norm_verifier()
    if verifier is None:
        return None
    keys = NormKeys.open(folder or default_folder(verifier.capacity()))
    require_norm_keys(ledger, keys)
    return keys


def require_norm_keys(ledger: Ledger, keys: NormKeys) -> None:
    """Make sure that a deployment is private, and that its verifier takes the proofs of these keys.

    Raises NormKeysMismatch.
    """
    verifier = ledger.any_norm_verifier()
    expected = "no verifier" if verifier is None else verifier.key_digest().hex()
    if keys.digest.hex() != expected:
        raise NormKeysMismatch(keys.folder, keys.digest.hex(), expected)
