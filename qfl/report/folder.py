"""Run folders, and the development network that a run leaves in one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from qfl.config import JobConfig
from qfl.devnet.config import DevnetConfig
from qfl.errors import InvalidInput
from qfl.files import write_atomically

CHAIN_FILE = "chain.json"
"""Says which program keeps the run's chain, so that it can be started again on the same state."""


def devnet_config(
    folder: Path, job: JobConfig | None = None, with_chain: bool = True, with_ipfs: bool = True
) -> DevnetConfig:
    """The development network in a run folder: as `job` asks, or as the run in it was started.

    Raises:
        InvalidInput: the run used a chain of somebody else's, which cannot be started here.
    """
    path = folder / CHAIN_FILE
    if job is not None:
        accounts = 1 + job.clients + job.validators
        write_atomically(path, json.dumps({"chain": job.chain, "accounts": accounts}).encode())
    if not path.exists():
        raise InvalidInput("run", str(folder), "has no chain of its own; pass --rpc and --ipfs")
    kept = json.loads(path.read_text())
    return DevnetConfig(
        folder / "devnet", kept["chain"], accounts=kept["accounts"], with_chain=with_chain, with_ipfs=with_ipfs
    )


def remove_run(folder: Path) -> None:
    """Delete a run folder, and nothing that is not one.

    Raises:
        InvalidInput: the folder holds something else.
    """
    if not folder.exists():
        return
    if any(folder.iterdir()) and not (folder / "events.jsonl").exists() and not (folder / "devnet").exists():
        raise InvalidInput("out", str(folder), "is not a run folder, so it is not deleted; choose another")
    shutil.rmtree(folder)
