"""Makes norm proofs, in a process of its own (`qfl.crypto.norm.worker`), one request at a time."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from qfl.crypto.norm.poseidon import SCALAR_FIELD
from qfl.crypto.norm.statement import NormStatement, commit_lanes
from qfl.errors import ExtraMissing, ProofFailed

if TYPE_CHECKING:
    from qfl.crypto.norm.keys import NormKeys


class ProvingProcess:
    """A process of its own that is started when it is first asked, and again after it died. Threads may share it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._process: subprocess.Popen[str] | None = None
        self._log: IO[str] | None = None

    def __enter__(self) -> ProvingProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(self, action: str, **arguments: Any) -> Any:
        """The answer to one request.

        Raises:
            ExtraMissing: the extra `zk` is not installed.
            ProofFailed: the request cannot be fulfilled, or the process ended over it.
        """
        with self._lock:
            reply = self._exchange(json.dumps({"action": action, **arguments}))
        if reply.get("error") == "missing":
            raise ExtraMissing("private mode", "zk", reply["reason"])
        if "error" in reply:
            raise ProofFailed(reply["reason"])
        return reply["result"]

    def prove(
        self, proving_key: Path, verifying_key: str, statement: NormStatement, salt: int, lanes: Sequence[int]
    ) -> bytes:
        """A proof of a statement by whom it is true for; `lanes` are padded, `verifying_key` is snarkjs's JSON.

        Raises:
            ExtraMissing.
            ProofFailed: the lanes and the salt do not make the statement true, or the keys are no pair.
        """
        inputs = {
            "commitment": statement.commitment,
            "context": statement.context,
            "normBound": statement.norm_bound,
            "laneBits": statement.lane_bits,
            "salt": salt,
            "lanes": [lane % SCALAR_FIELD for lane in lanes],
        }
        proof = self.ask(
            "prove",
            proving_key=str(proving_key),
            verifying_key=verifying_key,
            inputs=inputs,
            public=list(statement.inputs),
        )
        return bytes.fromhex(proof)

    def close(self) -> None:
        """End the process; it is started again if it is asked again."""
        with self._lock:
            self._end()

    def _exchange(self, request: str) -> dict[str, Any]:
        process = self._process or self._start()
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write(request + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except OSError:
            line = ""
        if not line:
            raise ProofFailed(f"the proving process ended: {self._end()}")
        return dict(json.loads(line))

    def _start(self) -> subprocess.Popen[str]:
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed in _end
        self._process = subprocess.Popen(
            [sys.executable, "-m", "qfl.crypto.norm.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        return self._process

    def _end(self) -> str:
        """Close the pipes, wait, and return the end of what the process wrote."""
        if self._process is None or self._log is None:
            return ""
        process, log, self._process, self._log = self._process, self._log, None, None
        with log:
            process.kill()  # it holds nothing that a kill could break
            process.communicate()
            log.seek(0)
            last_words = " ".join(log.read().split()[-40:])
        return last_words or f"exit code {process.returncode}, no message"


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

        `lanes` are `[n]` with n <= the keys' capacity, `salt` is what the commitment was made with.

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
