"""The deployment file: which contracts, on which chains, with which code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from eth_utils.address import is_address
from eth_utils.crypto import keccak
from web3 import Web3

from qfl.chain.rpc.connection import code_at, reaching, url_of
from qfl.errors import DeploymentMalformed, DeploymentMismatch, DeploymentMissing, DeploymentOfAnotherVersion
from qfl.errors.text import conceal_address
from qfl.files import read_json, write_atomically

VERSION = 3
"""2 was of contracts whose signatures were version 1 of the protocol."""
NEEDED = {"Staking", "Draw", "Beacon", "Rewards"}
"""What every role calls; whatever else was deployed is only compared with the chain."""


@dataclass(frozen=True)
class DeployedContract:
    """Where a contract is, and the keccak-256 of its code (0x...)."""

    address: str
    codeHash: str

    def __post_init__(self) -> None:
        if not is_address(self.address):
            raise ValueError(f"{self.address!r} is not an address")
        if not isinstance(self.codeHash, str):
            raise TypeError(f"{self.codeHash!r} is not the hash of a code")


@dataclass(frozen=True)
class ShardChain:
    """A chain of a shard's own: its id, the block to read events from, where it answered at deployment, its mirror.

    `confirmations` is what `Deployment.confirmations` is for the beacon's.
    """

    chainId: int
    block: int
    rpc: str
    mirror: DeployedContract
    confirmations: int | None = None

    def __post_init__(self) -> None:
        _number(self.chainId)
        _number(self.block)
        if not isinstance(self.rpc, str):
            raise TypeError(f"{self.rpc!r} is not the address of a chain")
        if self.confirmations is not None:
            _number(self.confirmations)


@dataclass(frozen=True)
class Deployment:
    """A deployment: contracts by name, shards by index, the block to read events from.

    `chains` has the chain of each shard; it is empty where they are all on the beacon's. `confirmations` is how many
    blocks on top of one make it final on the beacon's chain; None: the chain's nodes tell (`finalized`).
    """

    chain_id: int
    block: int
    contracts: dict[str, DeployedContract]
    shards: list[DeployedContract]
    parameters: dict[str, Any] = field(default_factory=dict)
    genesis: dict[str, Any] = field(default_factory=dict)
    chains: list[ShardChain] = field(default_factory=list)
    confirmations: int | None = None

    @classmethod
    def load(cls, path: Path) -> Deployment:
        """Read a deployment file.

        Raises:
            DeploymentMissing, DeploymentMalformed, DeploymentOfAnotherVersion.
        """
        try:
            d = read_json(path)
            if d["version"] != VERSION:
                raise DeploymentOfAnotherVersion(path, d["version"], VERSION)
            deployment = cls(
                _number(d["chainId"]),
                _number(d["block"]),
                {name: DeployedContract(**value) for name, value in d["contracts"].items()},
                [DeployedContract(value["address"], value["codeHash"]) for value in d["shards"]],
                dict(d.get("parameters", {})),
                dict(d.get("genesis", {})),
                [_chain(value["chain"]) for value in d["shards"] if "chain" in value],
                None if d.get("confirmations") is None else _number(d["confirmations"]),
            )
        except FileNotFoundError as error:
            raise DeploymentMissing(path) from error
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise DeploymentMalformed(path, f"{type(error).__name__}: {error}") from error
        if missing := NEEDED - deployment.contracts.keys():
            raise DeploymentMalformed(path, f"no {' and no '.join(sorted(missing))} in it")
        if not deployment.shards:
            raise DeploymentMalformed(path, "no shard in it")
        if deployment.chains and len(deployment.chains) != len(deployment.shards):
            raise DeploymentMalformed(path, "some of its shards have a chain of their own, and some have none")
        return deployment

    def save(self, path: Path) -> None:
        """Write the deployment file, which others are to have: without the logins and paths of the chains' URLs."""
        document = {
            "version": VERSION,
            "chainId": self.chain_id,
            "block": self.block,
            "contracts": {name: asdict(contract) for name, contract in self.contracts.items()},
            "shards": [
                asdict(shard) | ({"chain": _shown(self.chains[index])} if self.chains else {})
                for index, shard in enumerate(self.shards)
            ],
            "parameters": self.parameters,
            "genesis": self.genesis,
            "confirmations": self.confirmations,
        }
        write_atomically(path, (json.dumps(document, indent=2) + "\n").encode())

    def check(self, web3: Web3) -> None:
        """Compare the beacon's chain with this file, id and code. Raises `DeploymentMismatch`: the first difference."""
        named = dict(self.contracts)
        if not self.chains:
            named |= {f"Shard {index}": shard for index, shard in enumerate(self.shards)}
        _compare(web3, self.chain_id, named)

    def check_shard(self, shard: int, web3: Web3) -> None:
        """Compare a shard's own chain with this file. Raises as `check`."""
        chain = self.chains[shard]
        named = {f"BeaconMirror {shard}": chain.mirror, f"Shard {shard}": self.shards[shard]}
        _compare(web3, chain.chainId, named)


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{value!r} is not the number of a chain or block")
    if not 0 <= value < 2**63:
        raise ValueError("a chain or block has no such number")
    return value


def code_hash(web3: Web3, address: str) -> str:
    """keccak-256 of the code at `address`, as 0x...; "no contract" where there is none."""
    code = code_at(web3, address)
    return "0x" + keccak(code).hex() if code else "no contract"


def _chain(value: dict[str, Any]) -> ShardChain:
    return ShardChain(**{**value, "mirror": DeployedContract(**value["mirror"])})


def _shown(chain: ShardChain) -> dict[str, Any]:
    return {**asdict(chain), "rpc": conceal_address(chain.rpc)}


def _compare(web3: Web3, chain_id: int, named: Mapping[str, DeployedContract]) -> None:
    with reaching(url_of(web3)):
        if (found := web3.eth.chain_id) != chain_id:
            raise DeploymentMismatch(f"the chain id at {url_of(web3)}", chain_id, found)
        for name, contract in named.items():
            found_hash = code_hash(web3, contract.address)
            if found_hash != contract.codeHash:
                raise DeploymentMismatch(f"the code of {name} at {contract.address}", contract.codeHash, found_hash)
