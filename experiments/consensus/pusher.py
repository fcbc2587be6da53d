"""Pushes signed transactions into one chain, over and over: `python -I -S pusher.py`, the load on standard input.

A process for each chain, with the standard library only: what takes the time is the chain. The first line is the load
as JSON: `url` and `pid` of the chain's node, `phases` of [timestamp, JSON-RPC batch], `accepted` (an `eth_call`, and
what it answers once all is in), `repeats`. It says "ready", waits for another line, and answers with what it measured:
wall seconds and the node's processor seconds of all repeats, the gas of one. After each repeat it puts the chain back
to where it was, so that the next one is the same work.
"""

import http.client
import json
import os
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

TICK_SECONDS = 1 / os.sysconf("SC_CLK_TCK")


class Node:
    """A chain's node; the connection stays open."""

    def __init__(self, url: str, pid: int) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc)
        self._status = Path(f"/proc/{pid}/stat")

    def post(self, body: str) -> Any:
        """Send a JSON-RPC body. An error in any answer ends this process."""
        self._connection.request("POST", "/", body, {"Content-Type": "application/json"})
        answer = json.loads(self._connection.getresponse().read())
        for entry in answer if isinstance(answer, list) else [answer]:
            if "error" in entry:
                sys.exit(f"the chain answers {entry['error']}")
        return answer

    def call(self, method: str, *parameters: object) -> Any:
        """The result of one call."""
        return self.post(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}))["result"]

    def cpu_seconds(self) -> float:
        """User and system time of the node's process so far (proc(5)), in steps of a clock tick."""
        fields = self._status.read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * TICK_SECONDS


def push(node: Node, phases: list[tuple[int, str]]) -> int:
    """Send each phase's transactions in one request, and mine blocks until all are in; the blocks' gas."""
    gas = 0
    for begin, batch in phases:
        node.post(batch)
        timestamp = begin
        while int(node.call("txpool_status")["pending"], 16):
            node.call("evm_setNextBlockTimestamp", timestamp)
            node.call("evm_mine")
            gas += int(node.call("eth_getBlockByNumber", "latest", False)["gasUsed"], 16)
            timestamp += 1
    return gas


def main() -> None:
    load = json.loads(sys.stdin.readline())
    node = Node(load["url"], load["pid"])
    node.call("evm_setIntervalMining", 0)  # and not at once either: blocks are mined when they are asked for
    print("ready", flush=True)
    sys.stdin.readline()
    gas, began, cpu_before = 0, time.perf_counter(), node.cpu_seconds()
    for _ in range(load["repeats"]):
        snapshot = node.call("evm_snapshot")
        gas = push(node, load["phases"])
        call, expected = load["accepted"]
        if (found := node.call("eth_call", call, "latest")) != expected:
            sys.exit(f"the chain has {found} of the updates, not {expected}")
        node.call("evm_revert", snapshot)
    seconds, cpu_seconds = time.perf_counter() - began, node.cpu_seconds() - cpu_before
    # What takes less than a tick takes time too.
    measured = {"seconds": seconds, "cpu_seconds": max(cpu_seconds, TICK_SECONDS), "gas": gas}
    print(json.dumps(measured), flush=True)


if __name__ == "__main__":
    main()
