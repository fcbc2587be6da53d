"""Run folders, and the development network that a run leaves in one."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import cast

from qfl.chain.parameters import load_parameters
from qfl.config import JobConfig
from qfl.devnet.config import ChainKind, DevnetConfig
from qfl.errors import InvalidInput
from qfl.files import write_atomically

CHAIN_FILE = "chain.json"
"""Says which program keeps the run's chain, so that it can be started again on the same state."""


def new_devnet(
    folder: Path, job: JobConfig, with_chain: bool = True, with_ipfs: bool = True, real_time: bool = False
) -> DevnetConfig:
    """The development network that a run of `job` starts in its folder.

    In real time the chain mines every second: with no block, its clock would stand still between transactions.
    """
    accounts = 1 + job.identities + job.validators
    if with_chain:
        kept = {"chain": job.chain, "accounts": accounts, "shardChains": count_shard_chains(job)}
        write_atomically(folder / CHAIN_FILE, json.dumps(kept).encode())
    return DevnetConfig(
        folder / "devnet",
        cast(ChainKind, job.chain),  # `JobConfig` has checked it
        block_time=1 if real_time else None,
        accounts=accounts,
        with_chain=with_chain,
        with_ipfs=with_ipfs,
        shard_chains=count_shard_chains(job),
    )


def count_shard_chains(job: JobConfig) -> int:
    """How many chains a job has beside the beacon's: one for each shard, or none."""
    return load_parameters(**job.parameters()).rounds["shards"] if job.shard_chains else 0


def kept_devnet(folder: Path, with_chain: bool = True, with_ipfs: bool = True) -> DevnetConfig:
    """The development network that a run left in its folder, to be started again.

    Raises:
        InvalidInput: the run used a chain of somebody else's.
    """
    path = folder / CHAIN_FILE
    if with_chain and not path.exists():
        raise InvalidInput("run", str(folder), "has no chain of its own; pass --rpc, and --ipfs where it is asked for")
    if not with_chain:
        return DevnetConfig(folder / "devnet", with_chain=False, with_ipfs=with_ipfs)
    kept = json.loads(path.read_text())
    counts = {"accounts": kept["accounts"], "shard_chains": kept["shardChains"]}
    return DevnetConfig(folder / "devnet", kept["chain"], with_ipfs=with_ipfs, **counts)


def kept_config(folder: Path) -> JobConfig:
    """The job that a run's report says it was.

    Raises:
        InvalidInput: there is no report, or not one of this version.
    """
    try:
        written = json.loads((folder / "report.json").read_bytes())["config"]
    except (OSError, ValueError, KeyError) as error:
        raise InvalidInput("run", str(folder), f"has no report of a job ({error}): name a finished run") from error
    known = {setting.name: written[setting.name] for setting in fields(JobConfig) if setting.name in written}
    return JobConfig(**{**known, "classes": tuple(known.get("classes", ()))})
