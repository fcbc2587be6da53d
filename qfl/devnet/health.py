"""Asks the parts of a devnet whether they are well."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from qfl.devnet.process import GuardedProcess
from qfl.errors import DidNotStart

START_SECONDS = 60.0
POLL_SECONDS = 0.05
ANSWER_SECONDS = 5.0


class Unhealthy(Exception):
    """A part does not answer, or not as it should."""


def post(url: str, body: object = None) -> Any:
    """POST to a server on this machine (never through a proxy) and return the JSON it answers.

    Raises:
        Unhealthy: no answer within 5 s, a status other than 200, or no JSON.
    """
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=ANSWER_SECONDS)
    try:
        connection.request("POST", parts.path or "/", json.dumps(body), {"Content-Type": "application/json"})
        response = connection.getresponse()
        text = response.read()
        if response.status != 200:
            raise Unhealthy(f"HTTP {response.status}")
        return json.loads(text)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unhealthy(str(error) or type(error).__name__) from error
    finally:
        connection.close()


def call_chain(url: str, method: str, *arguments: object) -> Any:
    """One JSON-RPC call.

    Raises:
        Unhealthy: no answer, or an error.
    """
    answer = post(url, {"jsonrpc": "2.0", "id": 1, "method": method, "params": arguments})
    if not isinstance(answer, dict) or "result" not in answer:
        raise Unhealthy(f"{method}: {answer}")
    return answer["result"]


def probe_chain(url: str) -> str:
    """The chain's height, in words."""
    return f"block {int(call_chain(url, 'eth_blockNumber'), 16)}"


def probe_ipfs(url: str) -> str:
    """The node's multiaddress for other nodes."""
    return str(post(f"{url}/api/v0/id")["Addresses"][0])


def wait_until_healthy(process: GuardedProcess, probe: Callable[[], object]) -> None:
    """Return once `probe` succeeds.

    Raises:
        DidNotStart: the process ended, or did not answer within a minute.
    """
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
    latest = max(int(call_chain(at, "eth_getBlockByNumber", "latest", False)["timestamp"], 16) for at in (url, other))
    ahead = latest - int(time.time())
    if ahead > 0:
        call_chain(url, "evm_increaseTime", ahead)
