"""Content on an IPFS node, by the Kubo RPC: the devnet's node, or a Kubo daemon of one's own.

A content object is one raw block, so the digest on chain is all that is needed to ask any node for it. The
node is not trusted: neither Kubo nor Helia checks a block when it reads it from its disk.
"""

from __future__ import annotations

import base64
import io
import ipaddress
import json
import reprlib
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import urlsplit

import ipfshttpclient
from ipfshttpclient import exceptions
from ipfshttpclient.http_common import multiaddr_to_url_data
from urllib3.filepost import encode_multipart_formdata

from qfl.errors import ContentCorrupt, ContentMissing, ContentTooLarge, InvalidInput, PeerUnreachable, StoreUnreachable
from qfl.errors.text import conceal_address
from qfl.protocol.cid import cid_of
from qfl.storage.store import MAX_BLOCK_BYTES, require_block_size, require_digest
from qfl.storage.transport import AnswerTooLong, NoAnswer, NodeRefuses, Stream, Transport

# `ipfshttpclient` sets a parameter that urllib3 2 ignores, and everybody who uses it would read about that.
warnings.filterwarnings("ignore", "The 'strict' parameter is no longer needed", FutureWarning)

ADDRESS_REMEDY = "a multiaddress such as /ip4/127.0.0.1/tcp/5001/http or a URL such as http://127.0.0.1:5001"
FETCH_SECONDS = 10.0
MARGIN_SECONDS = 10.0
COLLECTION_SECONDS = 120.0
COLLECTION_BYTES = 4 * 2**20
"""The node lists what it deletes, a line of some 80 bytes for each block."""
MESSAGE_LINE_BYTES = 2**15
"""A message in JSON; twice what one may have."""
# `format` rather than its newer name `cid-codec`: every go-ipfs and Kubo takes it.
RAW_BLOCK = {"format": "raw", "mhtype": "sha2-256", "pin": "true"}

_T = TypeVar("_T")


class IpfsStore:
    """`ContentStore` on an IPFS node. Safe to use from several threads.

    Whatever the node does, a call ends in time and keeps no more than it may be answered with.

    `address` is the multiaddress of the node's RPC ("/ip4/127.0.0.1/tcp/5001/http") or its URL. The node may look for a
    block among its peers for `fetch_seconds`, and a call may take `margin_seconds` longer, to the last byte of the
    answer; `collect_garbage` may take `collection_seconds`.
    """

    def __init__(
        self,
        address: str,
        fetch_seconds: float = FETCH_SECONDS,
        margin_seconds: float = MARGIN_SECONDS,
        collection_seconds: float = COLLECTION_SECONDS,
    ) -> None:
        self.address = address
        self._fetch_seconds = fetch_seconds
        # The node is given the time to say itself that it found no block.
        self._patience = fetch_seconds + margin_seconds
        self._collection_seconds = collection_seconds
        self._multiaddr = _multiaddr_of(address)
        try:
            self._url: str = multiaddr_to_url_data(self._multiaddr, "api/v0")[0]
        except exceptions.AddressError:
            raise InvalidInput("ipfs address", conceal_address(address), ADDRESS_REMEDY) from None
        self._threads = threading.local()

    def put(self, data: bytes) -> bytes:
        digest = require_block_size(data)
        cid = cid_of(digest)
        with self._reaching():
            answer = self._client.block.put(io.BytesIO(data), opts=RAW_BLOCK)
        stored = self._named(answer, "Key", str)
        if stored != cid:
            raise ContentCorrupt(cid, stored)
        return digest

    def get(self, digest: bytes, max_bytes: int) -> bytes:
        cid = cid_of(digest)
        with self._reaching(missing=cid):
            data = self._read(cid, max_bytes)
        return require_digest(data, digest)

    def pin(self, digest: bytes) -> None:
        cid = cid_of(digest)
        with self._reaching(missing=cid):
            answer = self._client.pin.add(cid, opts={"timeout": f"{self._fetch_seconds}s"})
        self._named(answer, "Pins", list)

    def unpin(self, digest: bytes) -> None:
        with self._reaching():
            try:
                answer = self._client.pin.rm(cid_of(digest))
            except NodeRefuses as error:
                if "not pinned" in str(error):
                    return
                raise
        self._named(answer, "Pins", list)

    def collect_garbage(self) -> None:
        """Have the node delete what is not pinned."""
        # Not by `client.repo.gc`, which makes an object of every line of an answer that nobody reads.
        with self._reaching():
            self._transport.request(
                "repo/gc", opts={"quiet": True}, timeout=self._collection_seconds, most_bytes=COLLECTION_BYTES
            )

    def identity(self) -> str:
        """The node's peer id."""
        with self._reaching():
            answer = self._client.id()
        return self._named(answer, "ID", str)

    def peer_addresses(self) -> list[str]:
        """The multiaddresses that other nodes reach this one at, for their `connect_peer`."""
        with self._reaching():
            answer = self._client.id()
        return [str(address) for address in self._named(answer, "Addresses", list)]

    def connect_peer(self, multiaddr: str) -> None:
        """Have the node connect to another, so that they exchange blocks."""
        # Not by `client.swarm.connect`, which sends every character as an address of its own.
        options = {"timeout": f"{self._fetch_seconds}s"}
        with self._reaching():
            try:
                (answer,) = self._transport.request("swarm/connect", [multiaddr], opts=options, decoder="json")
            except NodeRefuses as error:
                raise PeerUnreachable(multiaddr, self.address, str(error)) from error
        self._named(answer, "Strings", list)

    def publish(self, topic: str, data: bytes) -> None:
        """Have the node gossip a message. Raises StoreUnreachable: also where it has no gossip."""
        # Not by `client.pubsub`, which names topics as Kubo did before 0.11.
        with self._reaching():
            self._transport.request("pubsub/pub", [_multibase(topic.encode())], **_file_of(data))

    def subscription(self, topic: str) -> Subscription:
        """What the node hears on a topic."""
        return Subscription(self.address, Stream(self._url, "pubsub/sub", _multibase(topic.encode())))

    @property
    def _client(self) -> ipfshttpclient.Client:
        """This thread's client: it keeps its connection open, and `requests` is not made to share one."""
        client = getattr(self._threads, "client", None)
        if client is None:
            client = ipfshttpclient.Client(self._multiaddr, chunk_size=MAX_BLOCK_BYTES)
            client._client = Transport(self._url, self._patience)
            self._threads.client = client
        return client

    @property
    def _transport(self) -> Transport:
        """What `_client` speaks through, for what it cannot say itself."""
        transport: Transport = self._client._client
        return transport

    def _read(self, cid: str, max_bytes: int) -> bytes:
        options = {"timeout": f"{self._fetch_seconds}s"}
        try:
            data: bytes = self._client.block.get(cid, opts=options, most_bytes=max_bytes)
            return data
        except AnswerTooLong:
            size = self._named(self._client.block.stat(cid), "Size", int)
            raise ContentTooLarge(cid, max(size, max_bytes + 1), max_bytes) from None

    def _named(self, answer: Any, name: str, kind: type[_T]) -> _T:
        """The value under a name in the node's answer. Raises StoreUnreachable if there is none of this kind."""
        # Not `answer[name]`, which wraps what is in there, however deep that is.
        values: dict[str, Any] = answer if isinstance(answer, dict) else answer.as_json()
        value = values.get(name)
        if not isinstance(value, kind):
            raise StoreUnreachable(self.address, f"no IPFS node answers {reprlib.repr(values)}")
        return value

    @contextmanager
    def _reaching(self, missing: str | None = None) -> Iterator[None]:
        """Turn the transport's errors into ours. What the node reports as an error means `missing`, if given."""
        try:
            yield
        except NodeRefuses as error:
            if missing is not None:
                raise ContentMissing(missing) from error
            raise StoreUnreachable(self.address, str(error)) from error
        except NoAnswer as error:
            raise StoreUnreachable(self.address, str(error)) from error


class Subscription:
    """A topic that an IPFS node is subscribed to; to be read by one thread, and closed by any."""

    def __init__(self, address: str, stream: Stream) -> None:
        self._address, self._stream = address, stream

    def messages(self, begun: Callable[[], None]) -> Iterator[tuple[str, bytes]]:
        """Peer id of the sender and what it says, as it comes; `begun` is called when the node is subscribed.

        Raises StoreUnreachable: the node has no gossip, is away, or is none.
        """
        try:
            for line in self._stream.lines(MESSAGE_LINE_BYTES, begun):
                if (message := _message_in(line)) is not None:
                    yield message
        except (NodeRefuses, NoAnswer) as error:
            raise StoreUnreachable(self._address, str(error)) from error

    def close(self) -> None:
        """End `messages`."""
        self._stream.close()


def _message_in(line: bytes) -> tuple[str, bytes] | None:
    """The sender and the bytes of a message; None of a line that is none."""
    try:
        message = json.loads(line)
        return str(message["from"]), _bytes_in(str(message["data"]))
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def _multibase(data: bytes) -> str:
    """As Kubo writes bytes since 0.11: base64url, of which `u` is the sign."""
    return "u" + base64.urlsafe_b64encode(data).decode().rstrip("=")


def _bytes_in(text: str) -> bytes:
    if not text.startswith("u"):
        raise ValueError("not base64url")
    return base64.urlsafe_b64decode(text[1:] + "=" * (-(len(text) - 1) % 4))


def _file_of(data: bytes) -> dict[str, Any]:
    """A body with one file, as the RPC takes messages."""
    body, kind = encode_multipart_formdata({"file": ("message", data, "application/octet-stream")})
    return {"data": body, "headers": {"Content-Type": kind}}


def _multiaddr_of(address: str) -> str:
    """`address` as a multiaddress, if it is a URL."""
    if address.startswith("/"):
        return address
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise InvalidInput("ipfs address", conceal_address(address), ADDRESS_REMEDY) from None
    if parts.scheme not in {"http", "https"} or not host:
        raise InvalidInput("ipfs address", conceal_address(address), ADDRESS_REMEDY)
    try:
        given = ipaddress.ip_address(host)
    except ValueError:
        return f"/dns/{host}/tcp/{port}/{parts.scheme}"
    # One of IPv4 in the clothes of IPv6 is the same place, but nodes do not know themselves by it.
    there = (given.ipv4_mapped if isinstance(given, ipaddress.IPv6Address) else None) or given
    return f"/ip{there.version}/{there}/tcp/{port}/{parts.scheme}"
