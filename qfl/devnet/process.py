"""A program that ends with the process that started it (see `guard.py`), and the port that it listens on."""

import random
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from qfl.bounds import check_whole
from qfl.errors import PortInUse

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


HOST = "127.0.0.1"
LAST_PORT = 65_535
# Below the range that the kernel takes the ports of outgoing connections from (32768 and up on Linux, 49152
# on macOS): a port that is free now is then still free when the program gets to it.
CANDIDATES = range(20_000, 32_768)


def is_free(port: int) -> bool:
    """Whether a program could listen on `port` now."""
    with socket.socket() as probe:
        # As servers do: the last connections of one that has just ended do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def choose_port(wanted: int, what: str) -> int:
    """`wanted` if it is free, or any free port for 0.

    Raises PortInUse: another program listens on `wanted`; InvalidInput: there is no such port.
    """
    check_whole("port", wanted, 0, LAST_PORT)
    if wanted == 0:
        # From the system's entropy: processes started with one seed must not all try one port.
        candidates = random.SystemRandom().sample(CANDIDATES, 100)
        return next(port for port in candidates if is_free(port))
    if not is_free(wanted):
        raise PortInUse(wanted, what)
    return wanted
