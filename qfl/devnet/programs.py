"""Where the programs of a devnet are, and their command lines."""

import json
import platform
import shutil
import sys
from pathlib import Path

from qfl.devnet.config import ACCOUNT_BALANCE_ETH, BLOCK_GAS_LIMIT, DEV_MNEMONIC, ChainPart, DevnetConfig
from qfl.devnet.process import HOST
from qfl.errors import ProgramMissing

REPOSITORY = Path(__file__).resolve().parents[2]
IPFS_SERVER = Path(__file__).parent / "ipfs-node" / "server.mjs"
STATE_INTERVAL_SECONDS = 2  # what a chain may lose that somebody else kills
STATES_KEPT = 128
"""Blocks whose state can still be asked for. Unless told, Anvil writes every block's whole state to disk: gigabytes."""


def chain_command(config: DevnetConfig, part: ChainPart, port: int) -> list[str]:
    """Command line of one chain, on `port`. Raises ProgramMissing: it is not installed."""
    return anvil_command(config, part, port) if config.chain == "anvil" else ganache_command(config, part, port)


def anvil_command(config: DevnetConfig, part: ChainPart, port: int) -> list[str]:
    """Anvil, with its state in one JSON file."""
    command = [
        find_anvil(),
        *("--host", HOST, "--port", str(port), "--chain-id", str(part.chain_id)),
        *("--gas-limit", str(BLOCK_GAS_LIMIT)),
        *("--mnemonic", DEV_MNEMONIC),
        *("--accounts", str(config.accounts), "--balance", str(ACCOUNT_BALANCE_ETH)),
        *("--state", str(anvil_state(config, part))),
        *("--state-interval", str(STATE_INTERVAL_SECONDS)),
        *("--cache-path", str(config.folder / f"anvil-cache{part.suffix}")),
        *("--prune-history", str(STATES_KEPT)),
    ]
    if config.block_time is not None:
        command += ["--block-time", str(config.block_time), "--mixed-mining"]
    return command


def anvil_state(config: DevnetConfig, part: ChainPart) -> Path:
    """The file that Anvil keeps a chain's state in."""
    return config.folder / f"anvil-state{part.suffix}.json"


def read_whole(path: Path) -> bytes | None:
    """A file of JSON; None where there is none, or it was cut short."""
    try:
        data = path.read_bytes()
        json.loads(data)
    except (FileNotFoundError, ValueError):
        return None
    return data


def ganache_command(config: DevnetConfig, part: ChainPart, port: int) -> list[str]:
    """Ganache, with its state in a LevelDB folder."""
    return [
        find_node(),
        find_module("ganache/dist/node/cli.js"),
        *("--server.host", HOST, "--server.port", str(port)),
        *("--chain.chainId", str(part.chain_id), "--chain.networkId", str(part.chain_id)),
        *("--miner.blockGasLimit", str(BLOCK_GAS_LIMIT), "--miner.blockTime", str(config.block_time or 0)),
        *("--wallet.mnemonic", DEV_MNEMONIC, "--wallet.totalAccounts", str(config.accounts)),
        *("--wallet.defaultBalance", str(ACCOUNT_BALANCE_ETH)),
        *("--database.dbPath", str(config.folder / f"ganache-db{part.suffix}")),
    ]


def ipfs_command(config: DevnetConfig, port: int, swarm_port: int) -> list[str]:
    """The embedded IPFS node, with its repository under the devnet's folder.

    Raises ProgramMissing: Node, or the packages it runs, are not installed.
    """
    find_module("@helia/utils/package.json")
    return [find_node(), str(IPFS_SERVER), str(config.folder / "ipfs"), str(port), str(swarm_port)]


def find_anvil() -> str:
    """The native binary that npm brought, never its JavaScript wrapper, or else the one on PATH."""
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    native = REPOSITORY / f"node_modules/@foundry-rs/anvil-{sys.platform}-{machine}/bin/anvil"
    if native.is_file():
        return str(native)
    if on_path := shutil.which("anvil"):
        return on_path
    raise ProgramMissing("anvil", f"{_remedy()}, or install Foundry")


def find_node() -> str:
    """Node.js on PATH."""
    if node := shutil.which("node"):
        return node
    raise ProgramMissing("node", "install Node.js 20 or later")


def find_module(path: str) -> str:
    """A file under node_modules."""
    module = REPOSITORY / "node_modules" / path
    if module.is_file():
        return str(module)
    raise ProgramMissing(path, _remedy())


def _remedy() -> str:
    if (REPOSITORY / "package.json").is_file():
        return f"run `npm ci --ignore-scripts` in {REPOSITORY}"
    return "the package qflchain is without it; use a checkout of QFLchain, where `make setup` brings it"
