"""The explorer over a long history: how soon its first page is there, how soon it has read everything, what it holds.

The history is a real chain's, of the real contracts: rounds that are opened, spoken in by seats, and end by their
deadlines. What is made up is what no contract looks into, such as the signatures of announcements.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import requests
from rich.table import Table

from experiments.consensus.bonded_deployment import BondedDeployment, made_up_keys, word
from experiments.consensus.variants import SEATS
from experiments.figures import save
from qfl.chain.contracts.staking import Role
from qfl.chain.ledger import Ledger
from qfl.chain.rpc.connection import url_of
from qfl.chain.rpc.rpc import call_all, rpc_at
from qfl.chain.rpc.sender import UnsentCall
from qfl.devnet.config import DevnetConfig
from qfl.devnet.devnet import Devnet
from qfl.protocol.types import Checkpoint, ParticipantId, RoundNumber, ShardIndex
from qfl.simulation.display import explorer_beside
from qfl.simulation.folder import hold_folder

VALIDATORS = 8
GAS = 400_000
SIGNATURE_BYTES = 1380
REPETITIONS = 5
NO_NODE = "http://127.0.0.1:9"
"""No page that is measured asks for content."""


Figures = dict[str, Any]
"""Seconds, and MiB of resident memory.

`first_page`: the overview, asked for while everything was still being read; `read`: until all of the chain was read,
from the start of the process; `pages`: the median of each page afterwards, by path; `slowest`: of all those requests;
`empty`, `full`: memory of the process before it has read anything, and after.
"""


def bench_explorer(
    folder: Path, rounds: int, transactions: int, say: Callable[[str], None], overwrite: bool = False
) -> Figures:
    """Make the history in `<folder>/devnet`, explore it, and write the figures into `<folder>/explorer.json`."""
    with hold_folder(folder, overwrite=overwrite):
        with Devnet(DevnetConfig(folder / "devnet", with_ipfs=False)) as devnet:
            say("making the history")
            make_history(devnet.rpc_url, folder / "deployment.json", rounds, transactions // rounds)
            say("reading it")
            figures = measure(folder, devnet.rpc_url, rounds)
        save(folder / "explorer.json", figures)
    return figures


def make_history(rpc_url: str, deployment: Path, rounds: int, transactions: int) -> None:
    """Deploy, and have `rounds` rounds of about as many `transactions` each go by; one in each round fails."""
    deployed = BondedDeployment(rpc_url)
    deployed.deployment.save(deployment)
    deployed.bond_keys(Role.VALIDATOR, made_up_keys(VALIDATORS))
    history = _History(deployed.ledger, deployed.sender.address)
    for _ in range(rounds):
        history.add_round(transactions)
    history.end()


class _History:
    """Sends from an account that the node itself signs for, and mines when it is told to."""

    def __init__(self, ledger: Ledger, account: str) -> None:
        self._ledger, self._account = ledger, account
        self._rpc = rpc_at(url_of(ledger.web3))
        self._nonce = int(self._ask("eth_getTransactionCount", account, "latest"), 16)
        self._ask("evm_setAutomine", False)

    def add_round(self, transactions: int) -> None:
        """Open a round, have its seats announce, and let its time pass."""
        beacon, (shard,) = self._ledger.beacon, self._ledger.shards
        self._mine([beacon.open_round()])
        record = beacon.round_at(beacon.current_round())
        digest, signature = word(f"digest {record.number}"), bytes(SIGNATURE_BYTES)
        said = []
        for turn in range(transactions - 2):
            checkpoint = self._checkpoint(record.number, turn % SEATS)
            validator = ParticipantId(1)  # for the sender's log; the contract does not ask who brings it
            said.append(
                shard.attest(checkpoint, turn // SEATS % SEATS, digest=digest, signature=signature, validator=validator)
            )
        too_early = beacon.open_round()
        self._ask("evm_setNextBlockTimestamp", record.reveal_ends_at + 1)
        self._mine([*said, too_early])
        self._ask("evm_setNextBlockTimestamp", record.publish_ends_at + 1)

    def _checkpoint(self, number: RoundNumber, turn: int) -> Checkpoint:
        empty = bytes(32)
        return Checkpoint(number, ShardIndex(0), turn, 1, empty, 1, empty, empty, empty)

    def end(self) -> None:
        """Have the node mine by itself again."""
        self._ask("evm_mine")
        self._ask("evm_setAutomine", True)

    def _mine(self, calls: Sequence[UnsentCall]) -> None:
        sent = []
        for call in calls:
            sent.append({"from": self._account, "to": call.to, "data": "0x" + call.data.hex(), "gas": hex(GAS)})
            sent[-1]["nonce"] = hex(self._nonce)
            self._nonce += 1
        call_all(self._rpc, "eth_sendTransaction", [(transaction,) for transaction in sent])
        self._ask("evm_mine")

    def _ask(self, method: str, *parameters: object) -> str:
        return str(call_all(self._rpc, method, [parameters])[0])


def measure(folder: Path, rpc_url: str, rounds: int) -> Figures:
    """Explore the history in a process of its own."""
    started = time.perf_counter()
    with explorer_beside(folder, 0, [rpc_url], NO_NODE) as (process, url):
        while not _answers(url):
            time.sleep(0.05)
        first_page, empty = _seconds(url, "/"), _memory(process.pid)
        while _get(f"{url}/state.json").json()["behind"]:
            time.sleep(0.2)
        read = time.perf_counter() - started
        paths = ["/", "/rounds", f"/rounds/{rounds // 2}", "/participants", "/participants/1", "/transactions"]
        paths += ["/transactions?failed=1", f"/transactions?page={max(1, rounds // 4)}", "/series.json"]
        taken = {path: [_seconds(url, path) for _ in range(REPETITIONS)] for path in paths}
        counts = _get(f"{url}/transactions").text
        total = int(counts.partition('id="transactions">')[2].partition(" ")[0].replace(",", ""))
        return {
            "rounds": rounds,
            "transactions": total,
            "blocks": int(call_all(rpc_at(rpc_url), "eth_blockNumber", [()])[0], 16),
            "first_page": first_page,
            "read": read,
            "pages": {path: median(seconds) for path, seconds in taken.items()},
            "slowest": max(max(seconds) for seconds in taken.values()),
            "empty": empty,
            "full": _memory(process.pid),
        }


def explorer_table(figures: Figures) -> Table:
    """A line for each figure."""
    table = Table("what", "figure", title=f"{figures['rounds']:,} rounds, {figures['transactions']:,} transactions")
    table.add_row("first page, while reading", f"{figures['first_page']:.3f} s")
    table.add_row("everything read after", f"{figures['read']:.1f} s")
    for path, seconds in figures["pages"].items():
        table.add_row(path, f"{seconds:.3f} s")
    table.add_row("slowest of all requests", f"{figures['slowest']:.3f} s")
    table.add_row("memory, nothing read", f"{figures['empty']:.0f} MiB")
    table.add_row("memory, everything read", f"{figures['full']:.0f} MiB")
    return table


def _get(url: str, timeout: float = 60) -> requests.Response:
    """From this machine, never through a proxy."""
    with requests.Session() as session:
        session.trust_env = False
        return session.get(url, timeout=timeout)


def _answers(url: str) -> bool:
    try:
        return _get(f"{url}/static/explorer.css", timeout=5).ok
    except requests.ConnectionError:
        return False


def _seconds(url: str, path: str) -> float:
    started = time.perf_counter()
    _get(url + path).raise_for_status()
    return time.perf_counter() - started


def _memory(pid: int) -> float:
    """MiB of resident memory of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (found,) = (line.split()[1] for line in lines if line.startswith("VmRSS"))
    return int(found) / 1024
