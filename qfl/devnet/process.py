"""A program that ends with the process that started it (see `guard.py`)."""

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

GUARD = Path(__file__).with_name("guard.py")
GRACE_SECONDS = 20.0  # for a chain to write its state, also on a busy machine: cut short, it could not start again
TAIL_LINES = 15


class GuardedProcess:
    """One running program, its output appended to a log.

    Attributes:
        name: What people call it.
        pid: Process id of the program itself, not of its guard.
        log: File that its output goes to.
        started_at: Unix seconds.
    """

    def __init__(self, name: str, command: Sequence[str], log: Path, *, lock: Path | None = None) -> None:
        """`lock` is a file that one program at a time may hold: a second one ends at once, and its log says why."""
        self.name, self.log, self.started_at = name, log, time.time()
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            self._guard = subprocess.Popen(
                [sys.executable, "-I", "-S", str(GUARD), str(GRACE_SECONDS), str(lock or ""), *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                start_new_session=True,  # Ctrl-C is for the devnet, which ends its parts in order
            )
        assert self._guard.stdout is not None
        with self._guard.stdout as reported:
            self.pid = int(reported.readline() or 0)

    @property
    def is_running(self) -> bool:
        return self._guard.poll() is None

    def stop(self) -> None:
        """End the program and return when it is gone. Does nothing the second time."""
        assert self._guard.stdin is not None
        self._guard.stdin.close()
        self._guard.terminate()  # a child forked by this process may hold the pipe open
        self._guard.wait(GRACE_SECONDS + 10)

    def last_lines(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-TAIL_LINES:])
