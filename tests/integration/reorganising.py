"""A chain whose latest blocks can be exchanged, and a stranger who keeps all that was ever said on any branch of it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import combinations, product
from pathlib import Path
from typing import Any

from qfl.chain.ledger import Ledger
from qfl.chain.rpc.coding import record
from qfl.chain.rpc.sender import Sender, UnsentCall
from qfl.devnet.config import DEV_MNEMONIC
from qfl.devnet.health import call_chain, probe_chain, wait_until_healthy
from qfl.devnet.process import HOST, GuardedProcess, choose_port
from qfl.devnet.programs import find_anvil
from qfl.errors import ContentMissing, ContractReverted
from qfl.protocol.cid import cid_of
from qfl.protocol.types import Checkpoint
from qfl.quorum.lms import decode_bundle, encode_bundle
from qfl.storage.store import MemoryStore

GAS = 16_000_000
DROPPED = -1
BEGINNING = 2_000_000_000
BLOCKS_KEPT = 4_000
"""Anvil lets go of the states of older ones, also where a newer block is the same again."""


@contextmanager
def repeatable_chain(folder: Path) -> Iterator[str]:
    """The URL of a chain that is the same each time: one transaction in a block, and a block each second of its own."""
    port = choose_port(0, "the chain")
    beginning = ("--chain-id", "31337", "--timestamp", str(BEGINNING), "--mnemonic", DEV_MNEMONIC, "--accounts", "20")
    kept = ("--prune-history", str(BLOCKS_KEPT), "--gas-limit", str(2 * GAS))
    chain = GuardedProcess("chain", [find_anvil(), "--port", str(port), *beginning, *kept], folder / "chain.log")
    try:
        url = f"http://{HOST}:{port}"
        wait_until_healthy(chain, lambda: probe_chain(url))
        call_chain(url, "anvil_autoImpersonateAccount", True)
        call_chain(url, "anvil_setBlockTimestampInterval", 1)
        yield url
    finally:
        chain.stop()


class Branches:
    """A chain that can go back, and on otherwise; `first` is the block that it does not go back behind."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._root = self._ask("evm_snapshot")
        self.first = self.height

    def _ask(self, method: str, *values: object) -> Any:
        return call_chain(self._url, method, *values)

    @property
    def height(self) -> int:
        return int(self._ask("eth_blockNumber"), 16)

    def begin_anew(self) -> None:
        """Go back to where this object was made."""
        self._ask("evm_revert", self._root)
        self._root = self._ask("evm_snapshot")
        self._keep_fee(self.blocks(self.first)[0])

    def _keep_fee(self, block: Mapping[str, Any]) -> None:
        """Anvil does not set its base fee back with its blocks, and what a block draws depends on that."""
        self._ask("anvil_setNextBlockBaseFeePerGas", block["baseFeePerGas"])

    def reach(self, timestamp: int) -> None:
        """Mine a block at that time."""
        self._ask("evm_setNextBlockTimestamp", timestamp)
        self._ask("evm_mine")

    def blocks(self, first: int) -> list[dict[str, Any]]:
        """The blocks from `first` on, with their transactions."""
        return [self._ask("eth_getBlockByNumber", hex(n), True) for n in range(first, self.height + 1)]

    def reorganise(self, depth: int, swaps: Sequence[tuple[int, int]]) -> None:
        """Exchange the last `depth` blocks for as many at the same times, with other transactions in them.

        `swaps` are places among their transactions, counted from the last one: the two are exchanged; one that is
        exchanged with `DROPPED` gets into no block. What a contract refuses in its new place is lost.
        """
        blocks = self.blocks(max(self.first, self.height - depth) + 1)
        places = [place for place, block in enumerate(blocks) if block["transactions"]][::-1]
        sent = [block["transactions"][0] if block["transactions"] else None for block in blocks]
        for one, other in swaps:
            if one < len(places) and other == DROPPED:
                sent[places[one]] = None
            elif max(one, other) < len(places):
                sent[places[one]], sent[places[other]] = sent[places[other]], sent[places[one]]
        if not blocks:
            return
        self._ask("anvil_rollback", len(blocks))
        self._keep_fee(blocks[0])
        for block, transaction in zip(blocks, sent, strict=True):
            self._ask("evm_setNextBlockTimestamp", int(block["timestamp"], 16))
            if transaction is None:
                self._ask("evm_mine")
                continue
            call = {name: transaction[name] for name in ("from", "to", "value")} | {"data": transaction["input"]}
            self._ask("eth_sendTransactionSync", call | {"gas": hex(GAS)})  # returns when it is in a block


class Partial(MemoryStore):
    """What one node can fetch: all that is in `shared`, and what is kept `aside` while it sees that.

    What it pins, everybody can fetch.
    """

    def __init__(self, shared: MemoryStore, aside: MemoryStore) -> None:
        self.blocks, self.pinned, self.aside, self.sees_aside = shared.blocks, shared.pinned, aside, True

    def get(self, digest: bytes, max_bytes: int) -> bytes:
        if digest not in self.blocks and self.sees_aside:
            return self.aside.get(digest, max_bytes)
        return super().get(digest, max_bytes)

    def pin(self, digest: bytes) -> None:
        if digest not in self.blocks:
            if not self.sees_aside:
                raise ContentMissing(cid_of(digest))
            self.put(self.aside.get(digest, 2**20))
        super().pin(digest)


class Elusive(Partial):
    """A node that shows what it stores to whom it likes."""

    def put(self, data: bytes) -> bytes:
        return self.aside.put(data)


@dataclass
class Said:
    """What is known of one committee's turn: checkpoints, and signatures by seat, whatever they are of."""

    checkpoints: set[Checkpoint] = field(default_factory=set)
    signatures: dict[int, set[bytes]] = field(default_factory=dict)

    def bundles(self) -> Iterator[tuple[Checkpoint, bytes]]:
        """Each checkpoint with a signature of every seat; those that are of something else do not count."""
        for checkpoint, chosen in product(self.checkpoints, product(*self.signatures.values())):
            yield checkpoint, encode_bundle(dict(zip(self.signatures, chosen, strict=True)))

    def accusations(self) -> Iterator[tuple[Checkpoint, Checkpoint, int, bytes, bytes]]:
        """Every two checkpoints, with any two signatures of one seat."""
        for one, other in combinations(self.checkpoints, 2):
            for seat, signatures in self.signatures.items():
                for first, second in product(signatures, repeat=2):
                    yield one, other, seat, first, second


class Stranger:
    """Reads every branch of the chain, forgets nothing, and sends whatever it can make of it."""

    def __init__(self, ledger: Ledger, sender: Sender, branches: Branches) -> None:
        self.ledger, self.sender, self._branches = ledger, sender, branches
        self.calls: list[UnsentCall] = []
        self.said: dict[tuple[int, int, int], Said] = {}
        self._read_up_to = branches.first

    def listen(self) -> None:
        """Read the blocks that are new since."""
        for block in self._branches.blocks(self._read_up_to + 1):
            for transaction in block["transactions"]:
                self._take(transaction["to"], bytes.fromhex(transaction["input"][2:]))
        self._read_up_to = self._branches.height

    def forget_place(self, depth: int) -> None:
        """The last `depth` blocks will be others."""
        self._read_up_to = max(self._branches.first, self._read_up_to - depth)

    def send(self, call: UnsentCall) -> bool:
        """Whether it was accepted."""
        try:
            self.sender.send(call)
        except ContractReverted:
            return False
        return True

    def turn(self, number: int, shard: int, turn: int) -> Said:
        return self.said.setdefault((number, shard, turn), Said())

    def _take(self, to: str, data: bytes) -> None:
        contracts = {contract.address.lower(): contract for contract in (self.ledger.beacon, *self.ledger.shards)}
        contract = contracts.get(to)
        if contract is None:
            return
        function, arguments = contract.arguments_of(data)
        if (call := UnsentCall(function, contract.address, data)) not in self.calls:
            self.calls.append(call)
        if function == "attest":
            shard = next(i for i, each in enumerate(self.ledger.shards) if each is contract)
            said = self.turn(arguments["round"], shard, arguments["turn"])
            said.signatures.setdefault(arguments["seat"], set()).add(arguments["signature"])
        if function in ("propose", "submitCheckpoint"):
            checkpoint = record(Checkpoint, arguments["checkpoint"])
            said = self.turn(checkpoint.round, checkpoint.shard, checkpoint.turn)
            said.checkpoints.add(checkpoint)
            proposed = {checkpoint.turn: arguments["signature"]} if function == "propose" else None
            for seat, signature in (proposed or decode_bundle(arguments["bundle"])).items():
                said.signatures.setdefault(seat, set()).add(signature)
