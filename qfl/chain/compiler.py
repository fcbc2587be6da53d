"""Compiles the contracts through py-solc-x, and keeps what came out until a source changes."""

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from eth_utils.conversions import to_bytes
from web3 import Web3

from qfl.chain.rpc.calls import UnsentCall
from qfl.errors import CompilerFailed
from qfl.files import write_atomically

ROOT = Path(__file__).parents[2]
SOLC = ROOT / "scripts" / "solc" / "solc-v0.8.37"
CACHE = ROOT / "build" / "qfl-artifacts.json"
SETTINGS: dict[str, Any] = {
    "evmVersion": "shanghai",
    "optimizer": {"enabled": True, "runs": 3_000},
    "remappings": ["@openzeppelin=node_modules/@openzeppelin"],
    "outputSelection": {"*": {"*": ["abi", "evm.bytecode.object"]}},
}


@dataclass(frozen=True)
class Artifact:
    """A compiled contract: its ABI and its creation code."""

    name: str
    abi: list[dict[str, Any]]
    bytecode: str

    def creation(self, *arguments: object) -> UnsentCall:
        """The transaction that creates the contract."""
        factory = Web3().eth.contract(abi=self.abi, bytecode=self.bytecode)
        return UnsentCall(
            f"deploy_{self.name}", None, to_bytes(hexstr=factory.constructor(*arguments).data_in_transaction)
        )

    @property
    def creation_gas(self) -> int:
        """About what that takes: the transaction, its bytes, and 200 for each byte of code that is kept.

        Up to 15 % more than receipts show, since constructors are not kept, and up to 2 % less, since some of them
        write.
        """
        code = bytes.fromhex(self.bytecode)
        zeros = code.count(0)
        return 53_000 + 16 * (len(code) - zeros) + 4 * zeros + len(code) // 16 + 200 * len(code)

    def struct(self, position: int, values: Any) -> tuple[object, ...]:
        """The struct that the constructor takes at `position`, of `values` by the names of its members."""
        (constructor,) = (entry for entry in self.abi if entry["type"] == "constructor")
        return tuple(values[member["name"]] for member in constructor["inputs"][position]["components"])


@cache
def compile_contracts() -> dict[str, Artifact]:
    """Return the artifacts of every contract under `contracts/`, by name.

    Raises:
        CompilerFailed: a source has an error, the compiler is not installed, or this is no checkout.
    """
    sources = {
        str(path.relative_to(ROOT)): {"content": path.read_text()}
        for path in sorted((ROOT / "contracts").rglob("*.sol"))
    }
    if not sources:
        raise CompilerFailed("the package qflchain is without their sources, use a checkout of QFLchain")
    request = {"language": "Solidity", "sources": sources, "settings": SETTINGS}
    fingerprint = hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()
    if (kept := _kept(fingerprint)) is None:
        kept = _compile(request)
        write_atomically(CACHE, json.dumps({"fingerprint": fingerprint, "contracts": kept}).encode())
    return {name: Artifact(name, **value) for name, value in kept.items()}


def _kept(fingerprint: str) -> dict[str, Any] | None:
    try:
        cached = json.loads(CACHE.read_text())
    except (OSError, ValueError):
        return None
    return dict(cached["contracts"]) if cached.get("fingerprint") == fingerprint else None


def _compile(request: dict[str, Any]) -> dict[str, Any]:
    import solcx
    from solcx.exceptions import SolcError

    if not SOLC.exists() or not (ROOT / "node_modules" / "solc").exists():
        raise CompilerFailed(f"no compiler at {SOLC}")
    try:
        output = solcx.compile_standard(request, solc_binary=SOLC, base_path=str(ROOT), allow_paths=str(ROOT))
    except SolcError as error:
        raise CompilerFailed(str(error)) from error
    return {
        name: {"abi": contract["abi"], "bytecode": contract["evm"]["bytecode"]["object"]}
        for path, contracts in output["contracts"].items()
        if path.startswith("contracts/")
        for name, contract in contracts.items()
    }
