"""How the work of a round is shared by more chains: 1 to 8 shards, each on a chain of its own, beside the beacon's.

Weak scaling: every shard has as many updates, so twice the shards is twice the work. It is signed beforehand and pushed
by a process for each chain, so that what is measured is what the chains do: gas, processor seconds of their nodes, wall
time. The beacon's gas for a round is measured apart: once with these clients, once with twice as many.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from math import ceil, sqrt
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from rich.table import Table

from experiments.consensus.bonded_deployment import BondedDeployment, Load, make_loads
from experiments.consensus.variants import SEATS
from experiments.figures import save, spread
from qfl.chain.contracts.staking import Role
from qfl.crypto.lms import LmsSecret
from qfl.devnet.config import ACCOUNT_BALANCE_ETH, BLOCK_GAS_LIMIT, CHAIN_ID, DEV_MNEMONIC
from qfl.devnet.health import probe_chain, wait_until_healthy
from qfl.devnet.process import HOST, GuardedProcess, choose_port
from qfl.devnet.programs import find_anvil
from qfl.errors import TransactionRefused

NAME = "scale.json"
SHARDS = (1, 2, 4, 8)
COMMIT_SECONDS = 3600
"""Longer than it takes to set everything up: the load is for this phase and the one after it."""
KEY_HEIGHT = 5
DEVIATIONS = 4
"""Clients bonded for a shard beyond those that send an update, in standard deviations of how many a seed deals it."""
PUSHER = Path(__file__).with_name("pusher.py")

BEACON_CALLS = ("open_round", "checkpoint", "publish")

LINES = (
    ("updates", "updates in a round", "{:,}"),
    ("gas_an_update", "gas an update, on its shard's chain", "{:,.0f}"),
    ("updates_a_block_of_gas", f"updates a block of gas ({BLOCK_GAS_LIMIT // 10**6}M)", "{:,.1f}"),
    ("cpu_seconds_a_chain", "CPU seconds of a chain's node", "{:.2f}"),
    ("updates_a_cpu_second", "updates a CPU second of every chain", "{:,.0f}"),
    ("updates_a_second", "updates a second here", "{:,.0f}"),
    ("beacon_gas", "gas on the beacon, a round", "{:,}"),
    ("beacon_gas_with_twice_the_clients", "  with twice the clients", "{:,}"),
)
GROWTHS = (
    ("by_gas", "growth by gas, of linear"),
    ("by_cpu", "growth by CPU seconds, of linear"),
    ("wall_factor", "growth in wall time, times one shard"),
)

Results = dict[str, Any]


@dataclass(frozen=True)
class Site:
    """A deployed of `shards` shards whose load is signed; `pids` are its shards' nodes."""

    shards: int
    loads: Sequence[Load]
    pids: Sequence[int]
    beacon_gas: tuple[int, int]

    @property
    def updates(self) -> int:
        """Of all shards, in one round."""
        return sum(load.updates for load in self.loads)


def bench_scale(
    out: Path,
    updates: int,
    repeats: int,
    repetitions: int,
    announce: Callable[[str], None],
    numbers: Sequence[int] = SHARDS,
) -> Results:
    """Measure every number of shards, in turns, and write what it came to into `<out>/scale.json`.

    Args:
        updates: most updates of a shard in a round.
        repeats: rounds in one measurement, all the same work.
        repetitions: measurements of each number of shards.
        numbers: of shards; the first is 1, with which the others are compared.

    Raises:
        QflError: a chain does not do what it must.
    """
    announce("making keys")
    clients = make_secrets(max(numbers) * bonded_for(updates))
    validators = make_secrets(SEATS * max(numbers))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="qfl-scale-")))
        sites = []
        for shards in numbers:
            announce(f"{shards} shards: deploying, bonding, signing")
            own = clients[: shards * bonded_for(updates)], validators[: SEATS * shards]
            sites.append(build_site(shards, folder / f"shards-{shards}", *own, updates, stack))
        measured: dict[int, list[list[dict[str, float]]]] = {site.shards: [] for site in sites}
        for repetition in range(1, repetitions + 1):
            for site in sites:
                announce(f"{site.shards} shards: measurement {repetition}")
                measured[site.shards].append(push_all(site, repeats))
    results = {
        "updates_a_shard": updates,
        "repeats": repeats,
        "measurements": repetitions,
        "shards": summarise({site.shards: (site, measured[site.shards]) for site in sites}, repeats),
    }
    save(out / NAME, results)
    return results


def bonded_for(updates: int) -> int:
    """Clients to bond for each shard, so that every one is dealt as many as send `updates`."""
    return updates + ceil(DEVIATIONS * sqrt(updates))


def make_secrets(count: int) -> list[LmsSecret]:
    """New keys, made on all processors."""
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(LmsSecret.generate, [KEY_HEIGHT] * count, chunksize=8))


def build_site(
    shards: int,
    folder: Path,
    clients: Sequence[LmsSecret],
    validators: Sequence[LmsSecret],
    updates: int,
    stack: ExitStack,
) -> Site:
    """Start the chains, deploy, run the beacon's rounds, and sign a round's load for every shard."""
    nodes = [start_chain(folder, CHAIN_ID + number, stack) for number in range(1 + shards)]
    deployed = BondedDeployment(nodes[0][0], [url for url, _ in nodes[1:]], {"commitSeconds": COMMIT_SECONDS})
    deployed.bond(Role.CLIENT, clients)
    deployed.bond(Role.VALIDATOR, validators)
    deployed.decide(deployed.open_round(), updates)  # the first round of all writes what later ones only change
    deployed.receipts.clear()
    number = deployed.open_round()
    loads = make_loads(deployed, number, updates)
    deployed.decide(number, loads[0].updates)
    gas = beacon_gas(deployed)
    deployed.bond_keys(Role.CLIENT, [LmsSecret.generate(KEY_HEIGHT).public for _ in clients])
    deployed.receipts.clear()
    deployed.decide(deployed.open_round(), 2 * loads[0].updates)
    return Site(shards, loads, [pid for _, pid in nodes[1:]], (gas, beacon_gas(deployed)))


def start_chain(folder: Path, chain_id: int, stack: ExitStack) -> tuple[str, int]:
    """An Anvil of its own that writes nothing to disk while it is measured; its url and process id."""
    port = choose_port(0, "a chain")
    command = [
        find_anvil(),
        *("--host", HOST, "--port", str(port), "--chain-id", str(chain_id), "--gas-limit", str(BLOCK_GAS_LIMIT)),
        *("--mnemonic", DEV_MNEMONIC, "--accounts", "1", "--balance", str(ACCOUNT_BALANCE_ETH)),
        # Beside mining at once, which now and then overlooks some of many transactions that come together.
        *("--block-time", "1", "--mixed-mining"),
    ]
    process = GuardedProcess("anvil", command, folder / f"anvil-{chain_id}.log")
    stack.callback(process.stop)
    url = f"http://{HOST}:{port}"
    wait_until_healthy(process, lambda: probe_chain(url))
    return url, process.pid


def push_all(site: Site, repeats: int) -> list[dict[str, float]]:
    """Push every shard's load into its chain, all at once; what each pusher measured.

    Raises:
        TransactionRefused: a chain did not take it.
    """
    pushers = [start_pusher(load.line(pid, repeats)) for load, pid in zip(site.loads, site.pids, strict=True)]
    for pusher in pushers:
        assert pusher.stdout is not None
        pusher.stdout.readline()
    for pusher in pushers:
        assert pusher.stdin is not None
        pusher.stdin.write("go\n")
        pusher.stdin.flush()
    return [result_of(pusher) for pusher in pushers]


def start_pusher(load: str) -> subprocess.Popen[str]:
    """A pusher that reads its load."""
    command = [sys.executable, "-I", "-S", str(PUSHER)]
    pipe = subprocess.PIPE
    pusher = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
    assert pusher.stdin is not None
    pusher.stdin.write(load)
    pusher.stdin.flush()
    return pusher


def result_of(pusher: subprocess.Popen[str]) -> dict[str, float]:
    """What a pusher says when it has ended."""
    output, errors = pusher.communicate()
    if pusher.returncode:
        raise TransactionRefused("a load signed beforehand", errors.strip())
    return dict(json.loads(output))


def beacon_gas(deployed: BondedDeployment) -> int:
    """Gas of the beacon's round since the receipts were cleared: opening, checkpoints, publication."""
    own = deployed.deployment.chain_id
    return sum(r.gas for r in deployed.receipts if r.chain_id == own and r.label in BEACON_CALLS)


def summarise(measured: dict[int, tuple[Site, list[list[dict[str, float]]]]], repeats: int) -> dict[str, Any]:
    """The figures of every number of shards: medians over the measurements, growth against one shard."""
    figures = {}
    for shards, (site, measurements) in measured.items():
        counts = [load.updates * repeats for load in site.loads]
        gas = [chain["gas"] * repeats for chain in measurements[0]]
        walls = [max(chain["seconds"] for chain in chains) for chains in measurements]
        by_cpu = [rate(counts, [chain["cpu_seconds"] for chain in chains]) for chains in measurements]
        figures[shards] = {
            "updates": site.updates,
            "gas_an_update": sum(gas) / sum(counts),
            "updates_a_block_of_gas": BLOCK_GAS_LIMIT * rate(counts, gas),
            "cpu_seconds_a_chain": median(chain["cpu_seconds"] for chains in measurements for chain in chains),
            "updates_a_cpu_second": median(by_cpu),
            "updates_a_second": median(sum(counts) / wall for wall in walls),
            "wall_seconds": spread(walls),
            "beacon_gas": site.beacon_gas[0],
            "beacon_gas_with_twice_the_clients": site.beacon_gas[1],
        }
    return {str(shards): figure | {"growth": growth(figure, figures[1], shards)} for shards, figure in figures.items()}


def rate(updates: Sequence[float], spent: Sequence[float]) -> float:
    """Updates for each unit of what every chain spends, all chains together: none of them has to wait for another."""
    return sum(count / cost for count, cost in zip(updates, spent, strict=True))


def growth(figure: dict[str, Any], one: dict[str, Any], shards: int) -> dict[str, float]:
    """How much of `shards` times the throughput of one shard there is: 1 is all of it. In wall time, the factor."""
    return {
        "by_gas": round(figure["updates_a_block_of_gas"] / (shards * one["updates_a_block_of_gas"]), 3),
        "by_cpu": round(figure["updates_a_cpu_second"] / (shards * one["updates_a_cpu_second"]), 3),
        "wall_factor": round(figure["updates_a_second"] / one["updates_a_second"], 3),
    }


def scale_table(results: Results) -> Table:
    """A line for each figure, a column for each number of shards."""
    columns = results["shards"]
    table = Table("shards, each on a chain of its own", *columns, title="The load of a round, signed beforehand")
    for name, title, pattern in LINES:
        table.add_row(title, *(pattern.format(column[name]) for column in columns.values()))
    spreads = [column["wall_seconds"] for column in columns.values()]
    table.add_row("wall, s", *(f"{s['median']:.2f} ({s['least']:.2f} to {s['most']:.2f})" for s in spreads))
    for name, title in GROWTHS:
        table.add_row(title, *(f"{column['growth'][name]:.3f}" for column in columns.values()))
    return table
