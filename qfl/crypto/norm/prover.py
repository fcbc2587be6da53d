"""Makes norm proofs, in a process of its own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qfl.crypto.norm.commitment import commit_lanes
from qfl.crypto.norm.keys import NormKeys
from qfl.crypto.norm.process import ProvingProcess
from qfl.crypto.norm.statement import NormStatement
from qfl.errors import ProofFailed


class Prover:
    """A proving process with its key read: a context manager. Threads may share it; proofs are made one by one."""

    def __init__(self, keys: NormKeys) -> None:
        self._keys = keys
        self._process = ProvingProcess()
        self._verifying_document = keys.verifying_document

    def __enter__(self) -> Prover:
        """Start the process and read the key, which takes longer than a proof."""
        try:
            self._process.ask("load", proving_key=str(self._keys.proving_key), verifying_key=self._verifying_document)
        except BaseException:
            self._process.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.close()

    @property
    def capacity(self) -> int:
        """Lanes of the circuit."""
        return self._keys.capacity

    def prove(self, lanes: NDArray[np.integer], salt: int, statement: NormStatement) -> bytes:
        """A proof of `statement`, 256 bytes; `words_of` makes of them what the contract takes.

        Args:
            lanes: `[n]` with n <= the keys' capacity.
            salt: what the commitment was made with.

        Raises:
            ProofFailed: the statement is not true, and the message says what of it; or the process ended.
            InvalidInput: lanes or salt are not what `commit_lanes` takes.
            ExtraMissing: the extra `zk` is not installed.
        """
        capacity = self._keys.capacity
        self._require_true(lanes, salt, statement)
        padded = [*map(int, lanes), *[0] * (capacity - len(lanes))]
        return self._process.prove(self._keys.proving_key, self._verifying_document, statement, salt, padded)

    def _require_true(self, lanes: NDArray[np.integer], salt: int, statement: NormStatement) -> None:
        """The circuit would refuse as well, but could not say why."""
        if commit_lanes(lanes, self._keys.capacity, salt) != statement.commitment:
            raise ProofFailed(f"the commitment is not one to these lanes at a capacity of {self._keys.capacity}")
        if statement.lane_bits not in (8, 16):
            raise ProofFailed(f"lanes of {statement.lane_bits} bits: the circuit knows 8 and 16")
        limit = 1 << (statement.lane_bits - 1)
        if outside := [int(lane) for lane in lanes if not -limit <= lane < limit]:
            raise ProofFailed(f"the lane {outside[0]} does not fit {statement.lane_bits} bits")
        norm = sum(int(lane) ** 2 for lane in lanes)
        if norm > statement.norm_bound:
            raise ProofFailed(f"the squared norm {norm} is over the bound {statement.norm_bound}")
