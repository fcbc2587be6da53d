"""The explorer beside a run: a process of its own, which ends with the run's."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from qfl.devnet.ports import HOST, choose_port, is_free
from qfl.devnet.process import GuardedProcess

LOG = "explorer.log"


@contextmanager
def explorer_beside(folder: Path, port: int, urls: Sequence[str], ipfs: str) -> Iterator[tuple[GuardedProcess, str]]:
    """Show the run in `folder` while this lasts; yields the process, and the page's address, which answers soon.

    Args:
        port: where to, if it is free; any free one if not, or for 0.
        urls: the beacon's chain, then the shards' own.
    """
    chosen = port if port and is_free(port) else choose_port(0, "the explorer")
    document = json.dumps({"folder": str(folder), "port": chosen, "urls": list(urls), "ipfs": ipfs})
    process = GuardedProcess("explorer", [sys.executable, "-m", "qfl.apps.explorer", document], folder / LOG)
    try:
        yield process, f"http://{HOST}:{chosen}"
    finally:
        process.stop()
