"""The explorer beside a run: a process of its own, which ends with the run's."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from qfl.devnet.ports import HOST, choose_port, is_free
from qfl.devnet.process import GuardedProcess

LOG = "explorer.log"
QFL = (sys.executable, "-c", "from qfl.apps.cli.main import main; main()")
"""The program itself, which is above this: its name need not be on the path."""


@contextmanager
def explorer_beside(folder: Path, port: int, urls: Sequence[str], ipfs: str) -> Iterator[tuple[GuardedProcess, str]]:
    """Show the run in `folder` while this lasts; yields the process, and the page's address, which answers soon.

    Args:
        port: where to, if it is free; any free one if not, or for 0.
        urls: the beacon's chain, then the shards' own.
    """
    chosen = port if port and is_free(port) else choose_port(0, "the explorer")
    place = ["--run", str(folder), "--port", str(chosen), "--rpc", urls[0], "--ipfs", ipfs]
    place += [word for url in urls[1:] for word in ("--shard-rpc", url)]
    process = GuardedProcess("explorer", [*QFL, "explorer", *place], folder / LOG)
    try:
        yield process, f"http://{HOST}:{chosen}"
    finally:
        process.stop()
