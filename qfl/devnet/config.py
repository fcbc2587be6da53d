"""What a development network is made of."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ChainKind = Literal["anvil", "ganache"]

DEV_MNEMONIC = "test test test test test test test test test test test junk"
"""Anvil's own default. Its keys are known to everybody: never send anything of worth to them."""

CHAIN_ID = 31337
MAIN_CHAIN = "chain"
BLOCK_GAS_LIMIT = 30_000_000
ACCOUNT_BALANCE_ETH = 10_000


@dataclass(frozen=True)
class DevnetConfig:
    """Settings of a `Devnet`.

    Attributes:
        folder: Where state and logs are kept. A devnet started again in the same folder goes on where it stopped.
        chain: The chain's program.
        rpc_port: Port of the chain on 127.0.0.1; 0 is a free one.
        ipfs_port: Port of the IPFS RPC on 127.0.0.1; 0 is a free one.
        block_time: None mines a block for each transaction. With n, Anvil mines every n seconds and for each
            transaction; Ganache cannot do both and mines every n seconds only.
        accounts: Number of accounts of `DEV_MNEMONIC` that hold 10,000 ETH each.
        with_chain: False where an own chain is used.
        with_ipfs: False where an own IPFS node is used.
        chain_id: Of the chain; those of shards have the numbers after it.
        shard_chains: Number of shards that have a chain of their own beside it.
    """

    folder: Path
    chain: ChainKind = "anvil"
    rpc_port: int = 0
    ipfs_port: int = 0
    block_time: int | None = None
    accounts: int = 20
    with_chain: bool = True
    with_ipfs: bool = True
    chain_id: int = CHAIN_ID
    shard_chains: int = 0


@dataclass(frozen=True)
class ChainPart:
    """One chain of a network: its part's name, and what it adds to the names of its files."""

    name: str
    chain_id: int

    @property
    def suffix(self) -> str:
        return "" if self.name == MAIN_CHAIN else f"-{self.name}"


def shard_chain(shard: int) -> str:
    """The name of a shard's own chain."""
    return f"shard-{shard}"


def chain_parts(config: DevnetConfig) -> list[ChainPart]:
    """Every chain of the network, the main one first: the beacon is on it, or everything."""
    names = [MAIN_CHAIN, *map(shard_chain, range(config.shard_chains))] if config.with_chain else []
    return [ChainPart(name, config.chain_id + number) for number, name in enumerate(names)]
