"""Content on an IPFS node, by the Kubo RPC: the devnet's node, or a Kubo daemon of one's own.

A content object is one raw block, so the digest on chain is all that is needed to ask any node for it. The
node is not trusted: neither Kubo nor Helia checks a block when it reads it from its disk.
"""

from __future__ import annotations

import io
import ipaddress
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import ipfshttpclient
import requests
from ipfshttpclient import exceptions
from ipfshttpclient.http_common import multiaddr_to_url_data

from qfl.codec.cid import cid_of
from qfl.errors import (
    ContentCorrupt,
    ContentMissing,
    ContentTooLarge,
    InvalidInput,
    PeerUnreachable,
    StorageError,
    StoreUnreachable,
)
from qfl.storage.store import require_block_size, require_digest

# `ipfshttpclient` sets a parameter that urllib3 2 ignores, and everybody who uses it would read about that.
warnings.filterwarnings("ignore", "The 'strict' parameter is no longer needed", FutureWarning)

ADDRESS_REMEDY = "a multiaddress such as /ip4/127.0.0.1/tcp/5001/http or a URL such as http://127.0.0.1:5001"
FETCH_SECONDS = 10.0
MARGIN_SECONDS = 10.0
PIECE_BYTES = 2**16
# `format` rather than its newer name `cid-codec`: every go-ipfs and Kubo takes it.
RAW_BLOCK = {"format": "raw", "mhtype": "sha2-256", "pin": "true"}


class IpfsStore:
    """`ContentStore` on an IPFS node. Safe to use from several threads.

    Args:
        address: Multiaddress of the node's RPC ("/ip4/127.0.0.1/tcp/5001/http") or its URL.
        fetch_seconds: How long the node may look for a block among its peers.
    """

    def __init__(self, address: str, fetch_seconds: float = FETCH_SECONDS) -> None:
        self.address = address
        self._fetch_seconds = fetch_seconds
        self._multiaddr = _multiaddr_of(address)
        try:
            self._url: str = multiaddr_to_url_data(self._multiaddr, "api/v0")[0]
        except exceptions.AddressError:
            raise InvalidInput("ipfs address", address, ADDRESS_REMEDY) from None
        self._threads = threading.local()

    def put(self, data: bytes) -> bytes:
        digest = require_block_size(data)
        cid = cid_of(digest)
        with self._reaching():
            stored = self._client.block.put(io.BytesIO(data), opts=RAW_BLOCK)["Key"]
        if stored != cid:
            raise ContentCorrupt(cid, str(stored))
        return digest

    def get(self, digest: bytes, max_bytes: int) -> bytes:
        cid = cid_of(digest)
        with self._reaching(missing=cid):
            data = self._read(cid, max_bytes)
        return require_digest(data, digest)

    def unpin(self, digest: bytes) -> None:
        with self._reaching():
            try:
                self._client.pin.rm(cid_of(digest))
            except exceptions.ErrorResponse as error:
                if "not pinned" not in str(error):
                    raise

    def collect_garbage(self) -> None:
        """Have the node delete what is not pinned."""
        with self._reaching():
            self._client.repo.gc(quiet=True)

    def identity(self) -> str:
        """The node's peer id."""
        with self._reaching():
            return str(self._client.id()["ID"])

    def peer_addresses(self) -> list[str]:
        """The multiaddresses that other nodes reach this one at, for their `connect_peer`."""
        with self._reaching():
            return [str(address) for address in self._client.id()["Addresses"]]

    def connect_peer(self, multiaddr: str) -> None:
        """Have the node connect to another, so that they exchange blocks."""
        # Not by `client.swarm.connect`, which sends every character as an address of its own.
        with self._reaching():
            answer = requests.post(
                f"{self._url}swarm/connect",
                params={"arg": multiaddr, "timeout": f"{self._fetch_seconds}s"},
                timeout=self._patience,
            )
        if not answer.ok:
            raise PeerUnreachable(multiaddr, self.address, _message_of(answer))

    @property
    def _client(self) -> ipfshttpclient.Client:
        """This thread's client: it keeps its connection open, and `requests` is not made to share one."""
        client = getattr(self._threads, "client", None)
        if client is None:
            client = ipfshttpclient.Client(self._multiaddr, session=True, timeout=self._patience)
            self._threads.client = client
        return client

    @property
    def _session(self) -> requests.Session:
        """As `_client`, for what it cannot do."""
        session: requests.Session | None = getattr(self._threads, "session", None)
        if session is None:
            session = self._threads.session = requests.Session()
        return session

    @property
    def _patience(self) -> float:
        """Seconds to wait for an answer: the node is given the time to say itself that it found no block."""
        return self._fetch_seconds + MARGIN_SECONDS

    def _read(self, cid: str, max_bytes: int) -> bytes:
        # Not by `client.block.get`, which reads an answer that names its length whole, however long it is.
        asked = {"arg": cid, "timeout": f"{self._fetch_seconds}s"}
        question: dict[str, Any] = {"params": asked, "timeout": self._patience, "stream": True}
        data = bytearray()
        with self._session.post(f"{self._url}block/get", **question) as answer:
            if not answer.ok:
                raise self._refusal(answer, cid)
            for piece in answer.iter_content(PIECE_BYTES):
                data += piece
                if len(data) > max_bytes:
                    break
            else:
                return bytes(data)
        raise ContentTooLarge(cid, int(self._client.block.stat(cid)["Size"]), max_bytes)

    def _refusal(self, answer: requests.Response, cid: str) -> StorageError:
        """What a node means that gives no block: an error of its own says that it could not find it."""
        says_so = answer.headers.get("Content-Type", "").startswith("application/json")
        return ContentMissing(cid) if says_so else StoreUnreachable(self.address, f"HTTP {answer.status_code}")

    @contextmanager
    def _reaching(self, missing: str | None = None) -> Iterator[None]:
        """Turn the client's errors into ours. What the node reports as an error means `missing`, if given."""
        try:
            yield
        except exceptions.ErrorResponse as error:
            if missing is not None:
                raise ContentMissing(missing) from error
            raise StoreUnreachable(self.address, str(error)) from error
        except (exceptions.CommunicationError, requests.RequestException) as error:
            raise StoreUnreachable(self.address, _reason_of(error)) from error
        except exceptions.DecodingError as error:
            raise StoreUnreachable(self.address, "what answers there is no IPFS node") from error


def _message_of(answer: requests.Response) -> str:
    """What a node says that went wrong."""
    try:
        return str(answer.json()["Message"])
    except (ValueError, KeyError, TypeError):
        return f"HTTP {answer.status_code}"


def _reason_of(error: BaseException) -> str:
    """What the operating system or the server said, from under the client's layers."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return getattr(error, "strerror", None) or str(error)


def _multiaddr_of(address: str) -> str:
    """`address` as a multiaddress, if it is a URL."""
    if address.startswith("/"):
        return address
    parts = urlsplit(address)
    try:
        host, port = parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise InvalidInput("ipfs address", address, ADDRESS_REMEDY) from None
    if parts.scheme not in {"http", "https"} or not host:
        raise InvalidInput("ipfs address", address, ADDRESS_REMEDY)
    try:
        kind = f"ip{ipaddress.ip_address(host).version}"
    except ValueError:
        kind = "dns"
    return f"/{kind}/{host}/tcp/{port}/{parts.scheme}"
