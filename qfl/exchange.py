"""Bounds of one exchange over HTTP: a deadline for all of it, a cap on the bytes that come back, no proxy to oneself.

The timeout of a socket is for each read, so a peer that sends a byte a second is waited for for ever; and headers, the
sizes of chunks and trailers are read however many they are. So both bounds are kept where the bytes pass.
"""

from __future__ import annotations

import http.client
import io
import ipaddress
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer


class OutOfBounds(Exception):
    """An exchange took all the time, or all the bytes, that it had."""


class Allowance:
    """What one exchange may take: seconds from now on, and bytes that come back, headers included."""

    def __init__(self, seconds: float, most_bytes: int) -> None:
        self.renew(seconds, most_bytes)

    def renew(self, seconds: float, most_bytes: int) -> None:
        """Let another exchange begin on connections that stay open."""
        self._seconds, self._most_bytes = seconds, most_bytes
        self._ends_at, self._received = time.monotonic() + seconds, 0

    def seconds_left(self) -> float:
        """Raises OutOfBounds if none are."""
        left = self._ends_at - time.monotonic()
        if left <= 0:
            raise self._overdue()
        return left

    def receive(self, count: int) -> None:
        """Count bytes that have come. Raises OutOfBounds if they are too many."""
        self._received += count
        if self._received > self._most_bytes:
            raise OutOfBounds(f"it answers with more than {self._most_bytes:,} bytes")

    @contextmanager
    def within(self, sock: socket.socket) -> Iterator[None]:
        """Give a read or write on `sock` the time that is left. Raises OutOfBounds when it is over."""
        sock.settimeout(self.seconds_left())
        try:
            yield
        except TimeoutError:
            raise self._overdue() from None

    def _overdue(self) -> OutOfBounds:
        return OutOfBounds(f"it has not answered in full within {self._seconds:g} s")


class BoundedConnection(http.client.HTTPConnection):
    """A connection whose exchanges keep to `allowance`, on its own or before another class of connection."""

    allowance: Allowance

    def connect(self) -> None:
        self.timeout = self.allowance.seconds_left()
        super().connect()
        self.sock = cast(socket.socket, _BoundedSocket(self.sock, self.allowance))


class _BoundedSocket:
    """A connected socket, as far as HTTP needs one."""

    def __init__(self, sock: socket.socket, allowance: Allowance) -> None:
        self._sock, self._allowance = sock, allowance

    def sendall(self, data: ReadableBuffer) -> None:
        with self._allowance.within(self._sock):
            self._sock.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        assert mode == "rb", "nothing but an answer is read this way"
        return io.BufferedReader(_Incoming(self._sock, self._allowance))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


class _Incoming(io.RawIOBase):
    """The bytes that come over a socket."""

    def __init__(self, sock: socket.socket, allowance: Allowance) -> None:
        self._sock, self._allowance = sock, allowance
        self._bytes = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        with self._allowance.within(self._sock):
            count = self._bytes.readinto(buffer) or 0
        self._allowance.receive(count)
        return count

    def close(self) -> None:
        self._bytes.close()
        super().close()


OWN_NAMES = {
    "localhost.localdomain",
    "localhost4",
    "localhost6",
    "localhost6.localdomain6",
    "ip6-localhost",
    "ip6-loopback",
}
"""What systems call the loopback interface beside `localhost`."""


def is_loopback(host: str) -> bool:
    """Whether a host of a URL is this machine, which no proxy leads to. Nobody is asked for the address of a name."""
    name = host.lower().rstrip(".")
    address = _address_in(name)
    if address is None:
        own = socket.gethostname().lower()
        return name.rpartition(".")[2] == "localhost" or name in {*OWN_NAMES, own, own.partition(".")[0]} - {""}
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    # A connection to the unspecified address is one to this machine.
    return (mapped or address).is_loopback or (mapped or address).is_unspecified


def _address_in(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that a host is, if it is one, also as the system reads it: 127.1, 0x7f000001, 2130706433."""
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        # `inet_aton` does not mind what comes after a space.
        is_number = re.fullmatch(r"[0-9a-fx.]+", name) is not None
    try:
        return ipaddress.IPv4Address(socket.inet_aton(name)) if is_number else None
    except OSError:
        return None
