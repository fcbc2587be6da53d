"""The proving keys of a private deployment, checked against the chain."""

from __future__ import annotations

from pathlib import Path

from qfl.chain.ledger import Ledger
from qfl.crypto.norm.keys import NormKeys, default_folder
from qfl.errors import NormKeysMismatch


def open_norm_keys(ledger: Ledger, folder: Path | None = None) -> NormKeys | None:
    """The keys in `folder` (by default where `qfl zk setup` puts them); None in a transparent deployment.

    Raises:
        NormKeysMissing, NormKeysMalformed, ExtraMissing.
        NormKeysMismatch: the chain would refuse their proofs.
    """
    verifier = ledger.any_norm_verifier()
    if verifier is None:
        return None
    keys = NormKeys.open(folder or default_folder(verifier.capacity()))
    require_norm_keys(ledger, keys)
    return keys


def require_norm_keys(ledger: Ledger, keys: NormKeys) -> None:
    """Make sure that a deployment is private, and that its verifier takes the proofs of these keys.

    Raises:
        NormKeysMismatch.
    """
    verifier = ledger.any_norm_verifier()
    expected = "no verifier" if verifier is None else verifier.key_digest().hex()
    if keys.digest.hex() != expected:
        raise NormKeysMismatch(keys.folder, keys.digest.hex(), expected)
