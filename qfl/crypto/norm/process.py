"""The proving process seen from outside: asks `qfl.crypto.norm.worker`, one request at a time."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import IO, Any

from qfl.crypto.norm.poseidon import SCALAR_FIELD
from qfl.crypto.norm.statement import NormStatement
from qfl.errors import ExtraMissing, ProofFailed


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
