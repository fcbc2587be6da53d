"""Write tests/vectors/*.json, which hold the Python and the Solidity code to the same answers. Deterministic.

    python scripts/make_vectors.py

The expected aggregates come from the plain-integer rules below, not from the code under test.
"""

import hashlib
import json
import random
from pathlib import Path
from typing import Any

import numpy as np

from qfl.crypto.lms import LmsSecret
from qfl.protocol.chunks import merkle_path, merkle_root, split_leaves, update_leaf
from qfl.protocol.cid import cid_of
from qfl.protocol.content import Content, ContentKind, content_digest, encode, lanes_root
from qfl.protocol.lanes import lane_dtype, lane_limits, pack_lanes
from qfl.protocol.types import ModelShape

VECTORS = Path(__file__).parents[1] / "tests" / "vectors"

INT4, INT8, INT16, INT32 = (-8, 7), (-128, 127), (-(2**15), 2**15 - 1), (-(2**31), 2**31 - 1)


def truncated(numerator: int, denominator: int) -> int:
    """Integer division toward zero."""
    magnitude = abs(numerator) // denominator
    return magnitude if numerator >= 0 else -magnitude


def shard_rule(column: list[int], trim_bps: int) -> int:
    """The trimmed mean of one coordinate, with 8 fraction bits."""
    trim = trim_bps * len(column) // 10_000
    if trim_bps == 5000:
        trim = (len(column) - 1) // 2
    kept = sorted(column)[trim : len(column) - trim]
    return truncated(sum(kept) * 256, len(kept))


def global_rule(base: int, means: list[int], counts: list[int], exponent: int, is_angle: bool) -> int:
    """The next value of one coordinate."""
    mean = truncated(sum(m * c for m, c in zip(means, counts, strict=True)), sum(counts))
    step = mean * 2 ** (exponent - 8) if exponent >= 8 else truncated(mean, 2 ** (8 - exponent))
    if is_angle:
        return (base + step + 2**31) % 2**32 - 2**31
    return max(INT32[0], min(INT32[1], base + step))


def shard_case(name: str, bits: int, trim_bps: int, updates: list[list[int]]) -> dict[str, object]:
    means = [shard_rule(list(column), trim_bps) for column in zip(*updates, strict=True)]
    return {"name": name, "laneBits": bits, "trimBps": trim_bps, "updates": updates, "means": means}


def global_case(
    name: str,
    base: list[int],
    means: list[list[int]],
    counts: list[int],
    quantum: int,
    exponents: tuple[int, int],
) -> dict[str, object]:
    model = [
        global_rule(value, [mean[i] for mean in means], counts, exponents[i >= quantum], i < quantum)
        for i, value in enumerate(base)
    ]
    return {
        "name": name,
        "base": base,
        "means": means,
        "counts": counts,
        "quantum": quantum,
        "quantumExponent": exponents[0],
        "classicalExponent": exponents[1],
        "model": model,
    }


def aggregate_vectors() -> dict[str, object]:
    rng = random.Random("aggregate")

    def rows(count: int, width: int, limits: tuple[int, int]) -> list[list[int]]:
        return [[rng.randint(*limits) for _ in range(width)] for _ in range(count)]

    edges = [[INT16[0], INT16[1], INT16[0], 0, -1], [INT16[0], INT16[1], INT16[1], -1, 0]]
    shard = [
        shard_case("one update", 16, 1000, [[7, -7, 0, INT16[1], INT16[0]]]),
        shard_case("division truncates toward zero", 8, 0, [[1, -1, 2, -2], [0, 0, 0, 0], [0, 0, 0, 0]]),
        shard_case("extreme lanes", 16, 0, edges),
        shard_case("ties at the trim border", 8, 2500, [[5, 5], [5, 5], [5, -5], [9, -5]]),
        shard_case("trim rounds down to none", 8, 3300, [[-100, 1], [100, 2], [50, 4]]),
        shard_case("one poisoned update of ten is trimmed", 8, 1000, [[127, -128]] + [[1, -2]] * 8 + [[0, 0]]),
        shard_case("only the median is left", 16, 4999, rows(5, 8, INT16)),
        shard_case("two middle lanes are left", 16, 4999, rows(6, 8, INT16)),
        shard_case("already sorted", 16, 2000, [[i, -i] for i in range(-8, 8)]),
        shard_case("16 clients, 32 int8 lanes", 8, 1000, rows(16, 32, INT8)),
        shard_case("16 clients, 20 int16 lanes, no trim", 16, 0, rows(16, 20, INT16)),
        shard_case("33 clients, few values", 8, 3000, rows(33, 12, (-2, 2))),
        shard_case("median of one", 16, 5000, [[7, -7, 0, INT16[1], INT16[0]]]),
        shard_case("median of two is their mean", 8, 5000, [[127, -128, 1], [126, 127, -2]]),
        shard_case("median of three", 8, 5000, [[127, -128, 1], [1, 127, -2], [2, -1, 1]]),
        shard_case("median of four, two of them poisoned", 8, 5000, [[127, -128], [127, -128], [1, -2], [2, -3]]),
        shard_case("median of 16 clients", 16, 5000, rows(16, 20, INT16)),
        shard_case("median of 33 clients", 8, 5000, rows(33, 12, (-2, 2))),
    ]
    # Draws of their own: the cases above and below stay what they are.
    nibbles = random.Random("nibbles")

    def narrow(count: int, width: int) -> list[list[int]]:
        return [[nibbles.randint(*INT4) for _ in range(width)] for _ in range(count)]

    shard += [
        shard_case("extreme nibbles", 4, 0, [[INT4[0], INT4[1], INT4[0], 0, -1], [INT4[0], INT4[1], INT4[1], -1, 0]]),
        shard_case("one poisoned nibble of ten is trimmed", 4, 1000, [[7, -8]] + [[1, -2]] * 8 + [[0, 0]]),
        shard_case("16 clients, 65 nibbles in two chunks", 4, 1000, narrow(16, 65)),
        shard_case("median of 6 clients in nibbles", 4, 5000, narrow(6, 20)),
    ]
    top, bottom = INT32[1], INT32[0]
    base = [rng.randint(*INT32) for _ in range(12)]
    small = [[rng.randint(-(2**15), 2**15) for _ in range(12)] for _ in range(3)]
    large = [[rng.randint(*INT32) for _ in range(12)] for _ in range(2)]
    whole = [
        global_case("angles wrap both ways", [top, bottom, 0], [[256, -256, 256]], [1], 3, (8, 8)),
        global_case("weights saturate both ways", [top, bottom, 0], [[256, -256, 256]], [1], 0, (8, 8)),
        global_case("counts weigh shards", [0, 0], [[300, -300], [0, 0]], [1, 2], 1, (8, 8)),
        global_case("small exponents truncate toward zero", [0, 0, 10, 10], [[255, -255, 255, -255]], [1], 2, (0, 7)),
        global_case("the weighted mean truncates", [5, 5], [[1, -1], [0, 0], [0, 0]], [1, 1, 1], 1, (8, 8)),
        global_case("largest exponent", [1, -1, 1, -1], [[32767 * 256, -32768 * 256] * 2], [3], 2, (31, 31)),
        global_case("three shards", base, small, [16, 1, 7], 7, (20, 6)),
        global_case("means of any int32", base, large, [65535, 65535], 6, (31, 31)),
    ]
    norm = [
        {"laneBits": bits, "lanes": lanes, "squaredNorm": sum(lane * lane for lane in lanes)}
        for bits, lanes in (
            (8, [0]),
            (8, [-128, 127, -1, 1]),
            (16, [INT16[0]] * 33),
            (8, rows(1, 100, INT8)[0]),
            (16, rows(1, 40, INT16)[0]),
            (4, [-8, 7, -1, 1, 0]),
            (4, [INT4[0]] * 129),
            (4, narrow(1, 100)[0]),
        )
    ]
    return {"shard": shard, "global": whole, "norm": norm}


def chunk_vectors() -> dict[str, object]:
    rng = random.Random("chunks")

    def tree(leaves: list[bytes]) -> dict[str, object]:
        indices = sorted({0, len(leaves) // 2, len(leaves) - 1})
        paths = {str(i): [node.hex() for node in merkle_path(leaves, i)] for i in indices}
        return {"leaves": [leaf.hex() for leaf in leaves], "root": merkle_root(leaves).hex(), "paths": paths}

    lanes = [tree(split_leaves(rng.randbytes(size))) for size in (1, 32, 33, 64, 160, 288, 1024)]
    updates = [
        tree([update_leaf(client, rng.randbytes(32), rng.randbytes(32)) for client in range(1, count + 1)])
        for count in (1, 2, 3, 5, 16)
    ]
    return {"lanes": lanes, "updates": updates}


def content_vectors() -> list[dict[str, object]]:
    rng = np.random.default_rng(7)

    def case(
        kind: ContentKind, bits: int, count: int, author: int, shape: ModelShape, most: int | None = None
    ) -> dict[str, object]:
        """Lanes of any size, or of at most `most` and then compact."""
        least, largest = lane_limits(bits) if most is None else (-most, most)
        lanes = rng.integers(least, largest, shape.total, lane_dtype(bits), endpoint=True)
        shard = 0 if kind is ContentKind.MODEL else 2
        content = Content(kind, bits, 5, shard, count, author, shape, bytes(range(32)), lanes, most is not None)
        data = encode(content)
        return {
            "kind": kind.name.lower(),
            "lanes": pack_lanes(lanes, bits).hex(),
            "data": data.hex(),
            "lanesRoot": lanes_root(content).hex(),
            "contentDigest": content_digest(data).hex(),
            "cid": cid_of(content_digest(data)),
        }

    return [
        case(ContentKind.UPDATE, 8, 0, 11, ModelShape(144, 0)),
        case(ContentKind.UPDATE, 16, 0, 12, ModelShape(10, 7)),
        case(ContentKind.AGGREGATE, 32, 9, 0, ModelShape(10, 7)),
        case(ContentKind.MODEL, 32, 0, 0, ModelShape(0, 9)),
        case(ContentKind.UPDATE, 8, 0, 13, ModelShape(100, 30), 3),
        case(ContentKind.UPDATE, 4, 0, 14, ModelShape(70, 7)),
        case(ContentKind.UPDATE, 4, 0, 15, ModelShape(100, 30), 1),
    ]


def lms_vectors() -> dict[str, object]:
    def derived(*parts: object) -> bytes:
        return hashlib.sha256("/".join(map(str, ("qfl", *parts))).encode()).digest()

    valid: list[dict[str, Any]] = []
    invalid: list[dict[str, Any]] = []
    for height in (5, 10, 15):
        secret = LmsSecret.derive(height, derived("identifier", height)[:16], derived("seed", height)[:24])
        key = {"height": height, "identifier": secret.identifier.hex(), "root": secret.public.root.hex()}
        for leaf in (0, 2 ** (height - 1) + 1, 2**height - 1):
            message = derived("message", height, leaf)
            signature = secret.sign_with(leaf, message, derived("randomizer", height, leaf)[:24])
            valid.append({**key, "leaf": leaf, "message": message.hex(), "signature": signature.hex()})
    first = valid[0]
    for reason, altered in altered_signatures(bytes.fromhex(first["signature"]), first["height"]).items():
        invalid.append({**first, "reason": reason, "signature": altered.hex()})
    return {"valid": valid, "invalid": invalid}


def altered_signatures(signature: bytes, height: int) -> dict[str, bytes]:
    """Signatures that must not verify, by what is wrong with each."""

    def put(offset: int, value: bytes) -> bytes:
        return signature[:offset] + value + signature[offset + len(value) :]

    return {
        "empty": b"",
        "one byte short": signature[:-1],
        "one byte long": signature + b"\0",
        "one path node short": signature[:-24],
        "another leaf": put(0, (1).to_bytes(4, "big")),
        "a leaf outside the tree": put(0, (2**height).to_bytes(4, "big")),
        "one-time type N24_W8": put(4, (8).to_bytes(4, "big")),
        "tree type M32_H5": put(1256, (5).to_bytes(4, "big")),
        "another C": put(8, bytes(24)),
        "first chain altered": put(32, bytes([signature[32] ^ 1])),
        "last checksum chain altered": put(1255, bytes([signature[1255] ^ 1])),
        "last path node altered": put(len(signature) - 1, bytes([signature[-1] ^ 1])),
    }


def main() -> None:
    VECTORS.mkdir(exist_ok=True)
    makers = {
        "aggregate": aggregate_vectors,
        "chunks": chunk_vectors,
        "content": content_vectors,
        "lms": lms_vectors,
    }
    for name, make in makers.items():
        text = json.dumps(make(), separators=(",", ":"))
        # One case a line: a diff then shows which case changed.
        (VECTORS / f"{name}.json").write_text(text.replace("},{", "},\n{") + "\n")


if __name__ == "__main__":
    main()
