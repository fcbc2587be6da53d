"""Run folders, and the development network that a run leaves in one."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any, cast

from qfl.bounds import MOST_PARTICIPANTS, check_choice, check_whole
from qfl.chain.parameters import load_parameters
from qfl.devnet.config import ChainKind, DevnetConfig
from qfl.errors import InvalidInput
from qfl.files import read_json, write_atomically
from qfl.simulation.config import CHAINS, JobConfig

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

    Raises InvalidInput: the run used a chain of somebody else's, or what it wrote of its own is damaged.
    """
    path = folder / CHAIN_FILE
    if with_chain and not path.exists():
        raise InvalidInput("run", str(folder), "has no chain of its own; pass --rpc, and --ipfs where it is asked for")
    if not with_chain:
        return DevnetConfig(folder / "devnet", with_chain=False, with_ipfs=with_ipfs)
    try:
        kept = read_json(path)
        check_choice("chain", kept["chain"], CHAINS)
        check_whole("accounts", kept["accounts"], 1, 1 + 3 * MOST_PARTICIPANTS)
        check_whole("shardChains", kept["shardChains"], 0, MOST_PARTICIPANTS)
    except (OSError, ValueError, TypeError, KeyError, InvalidInput) as error:
        raise InvalidInput("run", str(folder), f"its {CHAIN_FILE} is damaged ({error!r}): run it again") from error
    counts = {"accounts": kept["accounts"], "shard_chains": kept["shardChains"]}
    return DevnetConfig(folder / "devnet", kept["chain"], with_ipfs=with_ipfs, **counts)


def kept_config(folder: Path) -> JobConfig:
    """The job that a run's report says it was. Raises InvalidInput: there is no report, or not one of this version."""
    try:
        return job_of(read_json(folder / "report.json"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidInput("run", str(folder), f"has no report of a job ({error}): name a finished run") from error


def job_of(report: Any) -> JobConfig:
    """The job in what a `report.json` holds. Raises InvalidInput, or KeyError, TypeError: it is no report."""
    written = report["config"]
    known = {setting.name: written[setting.name] for setting in fields(JobConfig) if setting.name in written}
    return JobConfig(**{**known, "classes": tuple(known.get("classes", ()))})
