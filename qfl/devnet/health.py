"""Asks the parts of a devnet how they are, from the process that runs it or from any other."""

import http.client
import json
import reprlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from qfl.devnet.process import GuardedProcess
from qfl.devnet.state import DevnetState, PartState
from qfl.errors import DidNotStart
from qfl.exchange import Allowance, BoundedConnection, OutOfBounds

START_SECONDS = 60.0
POLL_SECONDS = 0.05
ANSWER_SECONDS = 5.0
ANSWER_BYTES = 2**20
PIECE_BYTES = 2**16
MESSAGE_CHARACTERS = 200


class Unhealthy(Exception):
    """A part does not answer, or not as it should."""


def post(url: str, body: object = None, seconds: float | None = None) -> Any:
    """POST to a server on this machine (never through a proxy) and return the JSON it answers.

    Raises Unhealthy: no answer of at most 1 MiB within `seconds` (5 unless given), a status other than 200, or no JSON.
    """
    parts = urlsplit(url)
    connection = BoundedConnection(parts.netloc)
    connection.allowance = Allowance(seconds or ANSWER_SECONDS, ANSWER_BYTES)
    try:
        connection.request("POST", parts.path or "/", json.dumps(body), {"Content-Type": "application/json"})
        response = connection.getresponse()
        if response.status != 200:
            raise Unhealthy(f"HTTP {response.status}")
        # In pieces: to read all at once, Python reserves as much as the answer says that it is long.
        return json.loads(b"".join(iter(lambda: response.read(PIECE_BYTES), b"")))
    except (OutOfBounds, OSError, http.client.HTTPException, ValueError, RecursionError) as error:
        raise Unhealthy(str(error) or type(error).__name__) from error
    finally:
        connection.close()


def call_chain(url: str, method: str, *arguments: object, seconds: float | None = None) -> Any:
    """One JSON-RPC call. Raises Unhealthy: no answer, or an error."""
    match answer := post(url, {"jsonrpc": "2.0", "id": 1, "method": method, "params": arguments}, seconds):
        case {"result": result}:
            return result
        case {"error": {"message": str(message)}}:
            raise Unhealthy(f"{method}: {message[:MESSAGE_CHARACTERS]}")
        case _:
            raise Unhealthy(f"{method}: {reprlib.repr(answer)}")


def probe_chain(url: str) -> str:
    """The chain's height, in words. Raises Unhealthy."""
    height = call_chain(url, "eth_blockNumber")
    try:
        return f"block {int(height, 16)}"
    except (TypeError, ValueError):
        raise Unhealthy(f"eth_blockNumber: {reprlib.repr(height)}") from None


def probe_ipfs(url: str) -> str:
    """The node's multiaddress for other nodes. Raises Unhealthy."""
    match answer := post(f"{url}/api/v0/id"):
        case {"Addresses": [str(first), *_]}:
            return first
        case _:
            raise Unhealthy(f"id: {reprlib.repr(answer)}")


def wait_until_healthy(process: GuardedProcess, probe: Callable[[], object]) -> None:
    """Return once `probe` succeeds. Raises DidNotStart: the process ended, or did not answer within a minute."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            probe()
            return
        except Unhealthy:
            if not process.is_running or time.monotonic() > deadline:
                raise DidNotStart(process.name, process.log, process.last_lines()) from None
        time.sleep(POLL_SECONDS)


def catch_up_clock(url: str, other: str) -> None:
    """Move a restarted chain's clock to its latest block, or to that of the `other` chain if that is later.

    Anvil starts again at the time of day, and would put blocks before those that were mined while its clock
    had been moved forward.
    """
    # Both have answered before; unlike a probe, these calls are not repeated.
    blocks = (call_chain(at, "eth_getBlockByNumber", "latest", False, seconds=START_SECONDS) for at in (url, other))
    wanted = max(int(block["timestamp"], 16) for block in blocks)
    ahead = wanted - int(time.time())
    if ahead > 0:
        call_chain(url, "evm_increaseTime", ahead, seconds=START_SECONDS)
        # Its own time of day may be a second behind this one's.
        following = call_chain(url, "eth_getBlockByNumber", "pending", False, seconds=START_SECONDS)
        if following is not None and (missing := wanted - int(following["timestamp"], 16)) > 0:
            call_chain(url, "evm_increaseTime", missing, seconds=START_SECONDS)


@dataclass(frozen=True)
class PartStatus:
    """One part. `detail` is the chain's height or the IPFS node's multiaddress, or what is wrong."""

    part: PartState
    is_healthy: bool
    detail: str


@dataclass(frozen=True)
class DevnetStatus:
    """All parts of the devnet that process `pid` runs in `folder`."""

    folder: Path
    pid: int
    parts: tuple[PartStatus, ...]

    @property
    def is_healthy(self) -> bool:
        return all(part.is_healthy for part in self.parts)


def compute_status(folder: Path, state: DevnetState) -> DevnetStatus:
    return DevnetStatus(folder, state.pid, tuple(_ask(part) for part in state.parts))


def _ask(part: PartState) -> PartStatus:
    try:
        probe = probe_ipfs if part.name == "ipfs" else probe_chain
        return PartStatus(part, True, probe(part.url))
    except Unhealthy as problem:
        return PartStatus(part, False, str(problem))
