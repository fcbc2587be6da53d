"""Index-bound keccak Merkle trees over chunks of data; `contracts/libraries/Chunks.sol` in Python.

leaf(i, data) = keccak(0x00 | uint32(i) | data), node = keccak(0x01 | left | right). Leaves are padded to the
next power of two with 32 zero bytes that are not hashed.
"""

from collections.abc import Sequence

from eth_hash.auto import keccak

from qfl.errors import InvalidInput
from qfl.protocol.types import LmsPublicKey

CHUNK_BYTES = 32
PADDING = bytes(32)
ONES = (1).to_bytes(2) + 2 * (1 << 16).to_bytes(4)
"""How much an included update counts: its weight (u16), and what its angles and its weights were clipped by (u32 each,
with 16 fraction bits). All of them are one."""


def split_leaves(payload: bytes) -> list[bytes]:
    """`payload` in chunks of 32 bytes, the last padded with zeros. Raises `InvalidInput` when it is empty."""
    if not payload:
        raise InvalidInput("payload", payload, "a tree needs at least one leaf")
    padded = payload + bytes(-len(payload) % CHUNK_BYTES)
    return [padded[i : i + CHUNK_BYTES] for i in range(0, len(padded), CHUNK_BYTES)]


def update_leaf(client: int, update_root: bytes, content_digest: bytes) -> bytes:
    """The 78 bytes that stand for one included update in a checkpoint's `updates` tree."""
    return client.to_bytes(4, "big") + update_root + content_digest + ONES


def client_leaf(client: int, key: LmsPublicKey, anchor: bytes, first_round: int) -> bytes:
    """The 77 bytes that stand for an active client in a mirrored round's tree of clients: its key and hash chain."""
    return client.to_bytes(4) + key.identifier + key.root + key.height.to_bytes() + anchor + first_round.to_bytes(4)


def leaf_salt(seed: bytes, index: int) -> bytes:
    """The 32 bytes that hide leaf `index` of a private update: keccak(seed | uint32(index)).

    One salt says nothing of the others, so a single leaf can be opened in a dispute without the rest of the vector.
    """
    return keccak(seed + index.to_bytes(4, "big"))


def salted(leaves: Sequence[bytes], seed: bytes) -> list[bytes]:
    """`leaves` with their salts behind them, 64 bytes each; `seed` has 32 bytes."""
    return [data + leaf_salt(seed, i) for i, data in enumerate(leaves)]


def tree_depth(count: int) -> int:
    """Levels above the leaves of a tree of `count` >= 1 leaves: the length of its paths."""
    return (count - 1).bit_length()


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """Root (32 bytes) over `leaves`, of any length each. Raises `InvalidInput` when there are none."""
    return _levels(leaves)[-1][0]


def merkle_path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The siblings of leaf `index`, from the leaf up. Raises `InvalidInput` when there is no such leaf."""
    if not 0 <= index < len(leaves):
        raise InvalidInput("index", index, f"there are {len(leaves)} leaves")
    return [level[(index >> height) ^ 1] for height, level in enumerate(_levels(leaves)[:-1])]


def part_path(leaves: Sequence[bytes], height: int, index: int) -> list[bytes]:
    """The siblings of part `index` of `leaves`, from the node over its `2^height` leaves up; none for the only part.

    Raises `InvalidInput` when there is no such part.
    """
    return merkle_path(leaves, index << height)[height:]


def verify_path(root: bytes, count: int, index: int, leaf: bytes, path: Sequence[bytes]) -> bool:
    """Whether `leaf` is leaf `index` of the `count` leaves under `root`."""
    if not 0 <= index < count or len(path) != tree_depth(count):
        return False
    node = _leaf(index, leaf)
    for height, sibling in enumerate(path):
        node = _node(sibling, node) if (index >> height) & 1 else _node(node, sibling)
    return node == root


def _levels(leaves: Sequence[bytes]) -> list[list[bytes]]:
    """All nodes, leaves first, each level but the root padded to an even length."""
    if not leaves:
        raise InvalidInput("leaves", leaves, "a tree needs at least one leaf")
    level, padding = [_leaf(i, data) for i, data in enumerate(leaves)], PADDING
    levels = []
    while len(level) > 1:
        if len(level) % 2:
            level.append(padding)
        levels.append(level)
        level = [_node(level[i], level[i + 1]) for i in range(0, len(level), 2)]
        padding = _node(padding, padding)
    return [*levels, level]


def _leaf(index: int, data: bytes) -> bytes:
    return keccak(b"\x00" + index.to_bytes(4, "big") + data)


def _node(left: bytes, right: bytes) -> bytes:
    return keccak(b"\x01" + left + right)
