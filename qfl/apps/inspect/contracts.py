"""The deployment's contracts on one chain: their names, and what calls and events of theirs say."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from eth_abi.exceptions import DecodingError
from eth_utils.abi import function_abi_to_4byte_selector

from qfl.apps.inspect import plain
from qfl.chain.abi import CONTRACTS, load_abi
from qfl.chain.deployment import Deployment
from qfl.chain.rpc.coding import EventCoder, FunctionCoder

LONGEST_BYTES = 64
"""Bytes of an argument that are kept whole; of a signature, a page of its transaction shows the rest."""
SPEAKERS = ("id", "client", "validator", "publisher")
"""Names that arguments have which say whom an event is about."""
DIGEST, ROOTS = "contentDigest", ("updateRoot", "aggregateRoot", "modelRoot")


@dataclass(frozen=True)
class DecodedEvent:
    """An event's name and arguments, and what it is found by; `name` is None when it cannot be decoded."""

    name: str | None
    arguments: dict[str, Any]
    round: int | None = None
    participant: int | None = None
    digest: str | None = None
    root: str | None = None


class ChainContracts:
    """What the deployment has on one chain, by address in lower case."""

    def __init__(self, named: Mapping[str, str]) -> None:
        """`named` has the address of each contract by its label, such as "Beacon" or "Shard 2"."""
        self.labels = {address.lower(): label for label, address in named.items()}
        self.addresses = list(self.labels)

    def kind_of(self, address: str | None) -> str:
        """The contract at an address by the name of its ABI: "Shard 2" is a `Shard`. Empty for none of ours."""
        kind = self.labels.get((address or "").lower(), "").partition(" ")[0]
        return kind if kind in CONTRACTS else ""

    def called(self, address: str | None, data: bytes) -> tuple[str | None, int | None]:
        """The function that a call is of, and the round that it names first; None for what is not known."""
        coder, names_round = _functions(self.kind_of(address)).get(data[:4], (None, False))
        # No round comes near this; anybody may call with anything.
        number = int.from_bytes(data[4:36]) if names_round and len(data) >= 36 else 2**48
        return None if coder is None else coder.name, number if number < 2**48 else None

    def call(self, address: str, data: bytes) -> dict[str, Any]:
        """A call's `function` and `arguments`, or what there is in place of them; empty for none of our contracts."""
        kind = self.kind_of(address)
        coder, _ = _functions(kind).get(data[:4], (None, False))
        if coder is None:
            unknown = f"unknown: {kind} has none with the selector 0x{data[:4].hex()}"
            return {"function": unknown} if kind and data else {}
        try:
            return {"function": coder.name, "arguments": plain(coder.arguments_in(data))}
        except (DecodingError, ValueError, TypeError, OverflowError) as error:
            return {"function": coder.name, "arguments": f"unreadable: {type(error).__name__}"}

    def event(self, address: str, raw: Mapping[str, Any]) -> tuple[str | None, dict[str, Any]]:
        """The name and the arguments of an event, of which `raw` is as `eth_getLogs` gives it; or None, and `why`."""
        topics = raw["topics"]
        name, coder = _events(self.kind_of(address)).get(topics[0] if topics else "", ("", None))
        if coder is None:
            return None, {"why": "no event of this contract"}
        try:
            return name, plain(coder.decode(raw))
        except (DecodingError, ValueError, OverflowError) as error:
            return None, {"why": f"not as {name} is written: {type(error).__name__}"}

    def decode(self, address: str, raw: Mapping[str, Any]) -> DecodedEvent:
        """As `event`, with what it is found by; its long arguments are cut."""
        name, found = self.event(address, raw)
        content = {**found, **found.get("checkpoint", {})}
        speaker = next((found[key] for key in SPEAKERS if key in found), None)
        root = next((content[key] for key in ROOTS if key in content), None)
        return DecodedEvent(name, _shortened(found), content.get("round"), speaker, content.get(DIGEST), root)


def contracts_by_chain(deployment: Deployment) -> list[ChainContracts]:
    """Those of the beacon's chain, then those of each shard's own, if it has one."""
    beacon = {name: contract.address for name, contract in deployment.contracts.items()}
    shards = {f"Shard {index}": shard.address for index, shard in enumerate(deployment.shards)}
    if not deployment.chains:
        return [ChainContracts(beacon | shards)]
    own = [
        {f"Shard {index}": deployment.shards[index].address, f"BeaconMirror {index}": chain.mirror.address}
        for index, chain in enumerate(deployment.chains)
    ]
    return [ChainContracts(beacon), *map(ChainContracts, own)]


@cache
def _functions(kind: str) -> Mapping[bytes, tuple[FunctionCoder, bool]]:
    """The functions of an ABI by selector, and whether the first word of their arguments is a round."""
    entries = [entry for entry in load_abi(kind) if entry["type"] == "function"] if kind else []
    return {
        function_abi_to_4byte_selector(entry): (FunctionCoder(entry), _names_round(entry["inputs"]))
        for entry in entries
    }


@cache
def _events(kind: str) -> Mapping[str, tuple[str, EventCoder]]:
    entries = [entry for entry in load_abi(kind) if entry["type"] == "event"] if kind else []
    coders = [(entry["name"], EventCoder(entry)) for entry in entries]
    return {str(coder.topics({})[0]): (name, coder) for name, coder in coders}


def _names_round(inputs: list[dict[str, Any]]) -> bool:
    """True for a round, and for a struct of fixed size that begins with one: a checkpoint."""
    if not inputs:
        return False
    first = inputs[0]["components"][0] if inputs[0]["type"] == "tuple" else inputs[0]
    return bool(first["name"] == "round")


def _shortened(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _shortened(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_shortened(inner) for inner in value]
    if isinstance(value, str) and len(value) > 2 + 2 * LONGEST_BYTES:
        return f"{value[:34]}... ({len(value) // 2 - 1:,} bytes)"
    return value
