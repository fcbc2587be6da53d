"""How `ipfshttpclient` reaches a node here: within bounds, without redirects, and past proxies to this machine.

The client's own transport waits for ever for a node that sends a byte a second, keeps whatever it is sent, and takes
any answer for that of an IPFS node.
"""

import json
import reprlib
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from qfl.exchange import Allowance, BoundedConnection, OutOfBounds, is_loopback

ANSWER_BYTES = 2**16
"""The most that an answer has which is not content: the longest says who a node is."""
FRAME_BYTES = 2**16
"""The most that headers take, and what frames a short answer."""
PIECE_BYTES = 2**16
CONNECT_SECONDS = 5.0
AT_THE_DOOR = {401, 403, 405}
"""Statuses of a node that does not take calls from here, whatever they ask for."""
WORDS_CHARACTERS = 200
"""Of what a server says, in a message of ours."""


class NodeRefuses(Exception):
    """The node answers with an error of its own, in its words."""


class NoAnswer(Exception):
    """What came, in a few words, is no answer of an IPFS node, or nothing came in time."""


class AnswerTooLong(NoAnswer):
    """The answer has more bytes than it may have."""


class Transport:
    """Takes the place of `ipfshttpclient`'s own transport. All calls share a session; for use in one thread.

    The verbs of the RPC are below `url`, which ends with a slash; a call may take `seconds` to the answer's last byte.
    """

    def __init__(self, url: str, seconds: float) -> None:
        self._url, self._seconds = url, seconds
        self._allowance = Allowance(seconds, 0)
        self._session = _session_of(url, self._allowance)

    def request(
        self,
        path: str,
        args: Sequence[str] = (),
        *,
        opts: Mapping[str, Any] | None = None,
        decoder: str = "none",
        data: Iterable[bytes] | bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        most_bytes: int = ANSWER_BYTES,
    ) -> bytes | list[dict[str, Any]]:
        """Call a verb; every method of the client comes down to this. What it is given by name is passed on to here.

        Args:
            decoder: "none" for an answer of bytes, "json" for one object, which is returned in a list.
            timeout: Seconds, if not those of all calls.
            most_bytes: The longest answer.

        Raises:
            NodeRefuses: the node answers with an error of its own.
            AnswerTooLong: the answer has more than `most_bytes`.
            NoAnswer: there is none, not in time, or none that an IPFS node gives.
        """
        seconds = self._seconds if timeout is None else timeout
        self._allowance.renew(seconds, FRAME_BYTES + 2 * max(most_bytes, ANSWER_BYTES))
        try:
            with self._session.post(
                self._url + path.lstrip("/"),
                params={**(opts or {}), "arg": list(args)},
                data=data,
                headers=headers,
                timeout=seconds,
                stream=True,
            ) as answer:
                if answer.status_code != 200:
                    raise _refusal(answer.status_code, _read(answer, ANSWER_BYTES))
                body = _read(answer, most_bytes)
        except OutOfBounds as error:
            raise NoAnswer(str(error)) from error
        except (requests.RequestException, HTTPError) as error:
            raise NoAnswer(_reason_of(error)) from error
        if decoder == "none":
            return body
        found = _json_in(body)
        if not isinstance(found, dict):
            raise NoAnswer(f"no IPFS node answers {reprlib.repr(body)}")
        return [found]


class Stream:
    """An answer without an end, line by line; `close`, also from another thread, ends it."""

    def __init__(self, url: str, path: str, *args: str) -> None:
        self._url, self._args, self._allowance = url + path, args, _Interruptible()
        self._session = _session_of(url, self._allowance)

    def lines(self, most_bytes: int, begun: Callable[[], None]) -> Iterator[bytes]:
        """Each line as it comes; `begun` is called when the node has taken the call.

        One of more than `most_bytes` is passed over. Raises NodeRefuses, NoAnswer.
        """
        rest, is_too_long = b"", False
        try:
            with self._session.post(self._url, params={"arg": list(self._args)}, stream=True) as answer:
                if answer.status_code != 200:
                    raise _refusal(answer.status_code, _read(answer, ANSWER_BYTES))
                begun()
                for piece in answer.raw.stream(PIECE_BYTES, decode_content=False):
                    *lines, rest = (rest + piece).split(b"\n")
                    for line in lines:
                        if not is_too_long and len(line) <= most_bytes:
                            yield line
                        is_too_long = False
                    if len(rest) > most_bytes:
                        rest, is_too_long = b"", True
        except OutOfBounds as error:
            raise NoAnswer(str(error)) from error
        except (requests.RequestException, HTTPError) as error:
            raise NoAnswer(_reason_of(error)) from error

    def close(self) -> None:
        self._allowance.interrupt()


class _Interruptible(Allowance):
    """All the time there is, until it is interrupted; the bytes are bounded by who reads them."""

    def __init__(self) -> None:
        super().__init__(CONNECT_SECONDS, 0)
        self._sock: socket.socket | None = None
        self._is_interrupted = False

    def seconds_left(self) -> float:
        return CONNECT_SECONDS

    def receive(self, count: int) -> None:
        pass

    @contextmanager
    def within(self, sock: socket.socket) -> Iterator[None]:
        sock.settimeout(None)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)  # or a machine that is gone would be listened to
        self._sock = sock
        if self._is_interrupted:
            raise OutOfBounds("nobody listens any more")
        yield

    def interrupt(self) -> None:
        self._is_interrupted = True
        if self._sock is not None:
            with suppress(OSError):
                self._sock.shutdown(socket.SHUT_RDWR)


def _session_of(url: str, allowance: Allowance) -> requests.Session:
    """A session whose connections keep to an allowance."""
    session = _Session()
    session.trust_env = not is_loopback(urlsplit(url).hostname or "")
    session.headers["Accept-Encoding"] = "identity"
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
    adapter = _Adapter(allowance)
    for scheme in ("http://", "https://"):
        session.mount(scheme, adapter)
    return session


class _Session(requests.Session):
    def get_redirect_target(self, _answer: requests.Response) -> None:
        """Nowhere: a node that sends its callers elsewhere has not answered."""


class _Adapter(HTTPAdapter):
    """Has its connections keep to an allowance."""

    def __init__(self, allowance: Allowance) -> None:
        self._allowance = allowance
        super().__init__(pool_connections=1, pool_maxsize=1)

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        if not issubclass(pool.ConnectionCls, BoundedConnection):
            kinds = BoundedConnection, pool.ConnectionCls
            pool.ConnectionCls = type("BoundedConnection", kinds, {"allowance": self._allowance})
        return pool


def _read(answer: requests.Response, most_bytes: int) -> bytes:
    # Not `answer.content`, which reads however much comes and unpacks it.
    body = bytearray()
    for piece in answer.raw.stream(PIECE_BYTES, decode_content=False):
        body += piece
        if len(body) > most_bytes:
            raise AnswerTooLong(f"it answers with more than {most_bytes:,} bytes")
    return bytes(body)


def _refusal(status: int, body: bytes) -> Exception:
    """What is meant by an answer that is none: a node says why in JSON, who else is there does not."""
    found = _json_in(body)
    message = found.get("Message") if isinstance(found, dict) else None
    if not isinstance(message, str):
        return NoAnswer(f"HTTP {status}")
    return (NoAnswer if status in AT_THE_DOOR else NodeRefuses)(_in_a_line(message))


def _json_in(body: bytes) -> Any:
    """None if there is none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _reason_of(error: BaseException) -> str:
    """What the operating system or the server said, from under the layers of the libraries."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return _in_a_line(getattr(error, "strerror", None) or str(error))


def _in_a_line(words: str) -> str:
    """What somebody else says, without what moves a terminal's cursor, and no more of it than is read."""
    printable = "".join(letter if letter.isprintable() else " " for letter in words)
    return " ".join(printable.split())[:WORDS_CHARACTERS]
