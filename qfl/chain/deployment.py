"""The deployment file: which contracts, on which chain, with which code."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from eth_utils.address import is_address
from eth_utils.crypto import keccak
from web3 import Web3

from qfl.chain.connection import reaching, url_of
from qfl.errors import DeploymentMalformed, DeploymentMismatch, DeploymentMissing
from qfl.files import write_atomically

VERSION = 1
NEEDED = {"Staking", "Beacon"}
"""What every role calls; whatever else was deployed is only compared with the chain."""


@dataclass(frozen=True)
class DeployedContract:
    """Where a contract is, and the keccak-256 of its code (0x...)."""

    address: str
    codeHash: str

    def __post_init__(self) -> None:
        if not is_address(self.address):
            raise ValueError(f"{self.address!r} is not an address")


@dataclass(frozen=True)
class Deployment:
    """A deployment: contracts by name, shards by index, the block to read events from."""

    chain_id: int
    block: int
    contracts: dict[str, DeployedContract]
    shards: list[DeployedContract]
    parameters: dict[str, Any] = field(default_factory=dict)
    genesis: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> Deployment:
        """Read a deployment file.

        Raises:
            DeploymentMissing, DeploymentMalformed.
        """
        try:
            d = json.loads(path.read_text())
            if d["version"] != VERSION:
                raise DeploymentMalformed(path, f"version {d['version']}, this program reads {VERSION}")
            deployment = cls(
                int(d["chainId"]),
                int(d["block"]),
                {name: DeployedContract(**value) for name, value in d["contracts"].items()},
                [DeployedContract(**value) for value in d["shards"]],
                d.get("parameters", {}),
                d.get("genesis", {}),
            )
        except FileNotFoundError as error:
            raise DeploymentMissing(path) from error
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise DeploymentMalformed(path, f"{type(error).__name__}: {error}") from error
        if missing := NEEDED - deployment.contracts.keys():
            raise DeploymentMalformed(path, f"no {' and no '.join(sorted(missing))} in it")
        if not deployment.shards:
            raise DeploymentMalformed(path, "no shard in it")
        return deployment

    def save(self, path: Path) -> None:
        """Write the deployment file."""
        document = {
            "version": VERSION,
            "chainId": self.chain_id,
            "block": self.block,
            "contracts": {name: asdict(contract) for name, contract in self.contracts.items()},
            "shards": [asdict(shard) for shard in self.shards],
            "parameters": self.parameters,
            "genesis": self.genesis,
        }
        write_atomically(path, (json.dumps(document, indent=2) + "\n").encode())

    def check(self, web3: Web3) -> None:
        """Compare the chain with this file: chain id, and the code at every address.

        Raises:
            DeploymentMismatch: names the first difference.
        """
        with reaching(url_of(web3)):
            if (found := web3.eth.chain_id) != self.chain_id:
                raise DeploymentMismatch("the chain id", self.chain_id, found)
            named = [*self.contracts.items(), *((f"Shard {i}", s) for i, s in enumerate(self.shards))]
            for name, contract in named:
                found_hash = code_hash(web3, contract.address)
                if found_hash != contract.codeHash:
                    raise DeploymentMismatch(f"the code of {name} at {contract.address}", contract.codeHash, found_hash)


def code_hash(web3: Web3, address: str) -> str:
    """keccak-256 of the code at `address`, as 0x...; "no contract" where there is none."""
    code = bytes(web3.eth.get_code(Web3.to_checksum_address(address)))
    return "0x" + keccak(code).hex() if code else "no contract"
