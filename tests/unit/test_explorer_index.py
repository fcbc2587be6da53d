"""The explorer's index and what keeps it: rows that a chain takes back, events that cannot be read, forks."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from qfl.apps.explorer.follower import Follower
from qfl.apps.explorer.index import Chunk, Index
from qfl.apps.explorer.node import Block, Log, Node, Paid, Sent
from qfl.apps.inspect.contracts import ChainContracts
from qfl.errors import DeploymentMismatch, NodeContradictsItself

SHARD, BEACON, STRANGER = "0x" + "aa" * 20, "0x" + "bb" * 20, "0x" + "cc" * 20
CONTRACTS = ChainContracts({"Shard 0": SHARD, "Beacon": BEACON})
REVEALED = "0x" + keccak(text="Revealed(uint64,uint32,uint16,bytes32,bytes32)").hex()
REVEAL = keccak(text="reveal(uint64,uint32,bytes32,bytes32,bytes32)")[:4]


def word(number: int) -> str:
    return f"0x{number:064x}"


def reveal(block: int, round_number: int, client: int, data: str | None = None) -> Log:
    said = data or "0x" + encode(["uint16", "bytes32", "bytes32"], [0, b"\x01" * 32, b"\x02" * 32]).hex()
    topics = [REVEALED, word(round_number), word(client)]
    raw = {"data": said, "topics": topics, "blockNumber": hex(block), "transactionHash": word(1000 + block)}
    return Log(SHARD, 0, block, word(1000 + block), raw)


def call(block: int, data: bytes, receiver: str = SHARD) -> tuple[int, Sent, Paid]:
    return block, Sent(word(1000 + block), 0, STRANGER, receiver, data, 0), Paid(True, 50_000)


def chain(first: int, last: int, fork: int = 0) -> list[Block]:
    return [Block(n, word(n + fork), word(n - 1 + fork), 100 + n) for n in range(first, last + 1)]


def test_event_is_found_by_what_it_names():
    index = Index()
    index.add(0, CONTRACTS, Chunk(chain(1, 3), [call(2, REVEAL + bytes(160))], [reveal(2, 7, 5)]))
    (row,) = index.rows("SELECT * FROM events WHERE digest = ?", "0x" + "02" * 32)
    assert (row["name"], row["round"], row["participant"], row["contract"]) == ("Revealed", 7, 5, "Shard 0")
    assert row["root"] == "0x" + "01" * 32


def test_failed_call_has_the_round_that_it_was_for():
    index = Index()
    index.add(0, CONTRACTS, Chunk(chain(1, 1), [call(1, REVEAL + (9).to_bytes(32) + bytes(128))], []))
    (row,) = index.rows("SELECT * FROM transactions")
    assert (row["function"], row["round"]) == ("reveal", 9)


@pytest.mark.parametrize("data", [b"", b"\x00", REVEAL, REVEAL + b"\xff" * 32, b"\xde\xad\xbe\xef" + bytes(64)])
def test_any_call_data_is_taken(data):
    index = Index()
    index.add(0, CONTRACTS, Chunk(chain(1, 1), [call(1, data)], []))
    assert index.rows("SELECT round FROM transactions")[0]["round"] is None


@pytest.mark.parametrize("topics", [[], [REVEALED], [word(1)], [REVEALED, word(1), word(2**40)]])
def test_event_that_cannot_be_decoded_is_kept_without_a_name(topics):
    broken = reveal(1, 1, 1)
    index = Index()
    index.add(0, CONTRACTS, Chunk(chain(1, 1), [], [replace(broken, raw={**broken.raw, "topics": topics})]))
    (row,) = index.rows("SELECT * FROM events")
    assert row["name"] is None and row["arguments"]["why"]


def test_rolling_back_leaves_what_stands_and_other_chains():
    index = Index()
    for number in (0, 1):
        index.add(number, CONTRACTS, Chunk(chain(1, 2), [call(2, b"")], [reveal(2, 1, 1)]))
        index.add(number, CONTRACTS, Chunk(chain(3, 4), [call(4, b"")], [reveal(4, 1, 2)]))
    before = index.version
    index.roll_back(0, 2)
    assert index.last_block(0) == (2, word(2)) and index.last_block(1) == (4, word(4))
    assert [row["block"] for row in index.rows("SELECT block FROM events WHERE chain = 0")] == [2]
    assert index.count("transactions") == 3
    assert index.version > before


class FakeNode(Node):
    """A chain in memory whose blocks can be replaced."""

    def __init__(self, blocks: Sequence[Block]) -> None:
        self.url, self.answered_at, self.chain = "http://node", 1.0, list(blocks)

    def latest(self) -> Block:
        return self.chain[-1]

    def hash_at(self, number: int) -> str | None:
        return next((block.hash for block in self.chain if block.number == number), None)

    def blocks(self, first: int, last: int) -> list[Block]:
        return [block for block in self.chain if first <= block.number <= last]

    def logs(self, blocks: Sequence[Block], addresses: Sequence[str]) -> list[Log]:
        return [reveal(block.number, 1, block.number) for block in blocks]

    def receipts(self, sent: Sequence[Sent], block_hashes: Any) -> list[Paid]:
        return [Paid(True, 1) for _ in sent]


def follow(node: Node, index: Index, check: Any = lambda: None) -> Follower:
    follower = Follower(index, 0, node, CONTRACTS, 1, check)
    while follower.step():
        pass
    return follower


def test_follower_goes_back_to_the_last_common_block():
    index, node = Index(), FakeNode(chain(1, 200))
    follower = follow(node, index)
    node.chain = chain(1, 190) + [Block(n, word(n + 500), word(n - 1 + 500 * (n > 191)), 0) for n in range(191, 196)]
    while follower.step():
        pass
    assert index.last_block(0) == (195, word(695))
    assert index.count("events") == 195


def test_follower_reads_another_chain_from_its_beginning():
    index, node = Index(), FakeNode(chain(1, 100))
    checks: list[int] = []
    follower = follow(node, index, lambda: checks.append(1))
    node.chain = chain(1, 30, fork=1000)
    follower.step()
    assert index.last_block(0) == (30, word(1030)) and index.count("events") == 30
    assert len(checks) == 2, "another chain may hold another deployment, or none"


def test_chain_without_the_deployment_leaves_an_empty_index():
    index, node = Index(), FakeNode(chain(1, 5))

    def check() -> None:
        raise DeploymentMismatch("the code", "0x1", "no contract")

    with pytest.raises(DeploymentMismatch):
        Follower(index, 0, node, CONTRACTS, 1, check).step()
    assert index.last_block(0) is None


def test_block_that_follows_another_one_is_not_taken():
    index, node = Index(), FakeNode(chain(1, 3))
    follower = follow(node, index)
    node.chain.append(Block(4, word(4), word(77), 0))
    with pytest.raises(NodeContradictsItself):
        follower.step()
    assert index.last_block(0) == (3, word(3))
