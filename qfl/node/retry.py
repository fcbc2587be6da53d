"""What a long-running role waits out."""

from __future__ import annotations

from qfl.errors import (
    ChainUnreachable,
    ContractReverted,
    ModelRejected,
    NodeContradictsItself,
    ProofFailed,
    RpcFailed,
    StorageError,
    TooFewRecipients,
    TransactionFailed,
    TransactionNotMined,
    TransactionRefused,
)

PASSING = (
    ChainUnreachable,
    ContractReverted,
    ModelRejected,
    NodeContradictsItself,
    ProofFailed,
    RpcFailed,
    StorageError,
    TooFewRecipients,
    TransactionFailed,
    TransactionNotMined,
    TransactionRefused,
)
"""Faults that the next try may not meet; everything else ends the role."""
