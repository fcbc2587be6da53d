"""TCP ports on the loopback interface."""

import random
import socket

from qfl.bounds import check_whole
from qfl.errors import PortInUse

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

    Raises:
        PortInUse: another program listens on `wanted`.
        InvalidInput: there is no such port.
    """
    check_whole("port", wanted, 0, LAST_PORT)
    if wanted == 0:
        # From the system's entropy: processes started with one seed must not all try one port.
        candidates = random.SystemRandom().sample(CANDIDATES, 100)
        return next(port for port in candidates if is_free(port))
    if not is_free(wanted):
        raise PortInUse(wanted, what)
    return wanted
