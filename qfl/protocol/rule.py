"""The integer rules that a shard's aggregate and the next global model follow.

`contracts/libraries/Aggregate.sol` computes the same, coordinate by coordinate, when somebody disputes a
result; `tests/vectors/aggregate.json` holds both to it. Every division truncates toward zero. No weight here
is anything a client says of itself.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from qfl.errors import InvalidInput
from qfl.protocol.state import wrap_int32
from qfl.protocol.types import LaneFormat, ModelShape

FRACTION_BITS = 8
"""Fraction bits of a shard's mean."""
MEDIAN = 5000
"""Share, in 1/10000, that is trimmed of each end when only the middle counts."""
BLOCK = 16_384
"""Coordinates that are aggregated at a time: 8 MiB of 256 updates in int16."""
MAX_EXPONENT = 31
"""Largest lane exponent: a step then still fits 64 bits."""

_INT32 = np.iinfo(np.int32)


def aggregate_shard(lanes: Sequence[npt.NDArray[np.signedinteger]], trim_bps: int) -> npt.NDArray[np.int32]:
    """Trimmed means, int32 `[d]`, 8 fraction bits, of the included updates' `lanes` (int8 or int16, `[d]` each).

    The floor(trim_bps * n / 10000) lowest and as many of the highest lanes of each coordinate do not count
    (Yin et al. 2018, definition 2). At 5000 none but the middle one or two do: the median (definition 1). Beside the
    lanes, which are not copied as a whole, it needs memory for a block of `BLOCK` coordinates. Raises `InvalidInput`
    when there is no update, or more than half would be trimmed at each end.
    """
    if len(lanes) == 0 or any(row.shape != (len(lanes[0]),) for row in lanes):
        raise InvalidInput("lanes", [row.shape for row in lanes], "one row for each included update, and at least one")
    if not 0 <= trim_bps <= MEDIAN:
        raise InvalidInput("trim_bps", trim_bps, "the trimmed share of each end is at most 5000, which is the median")
    count = len(lanes)
    trim = min(trim_bps * count // 10_000, (count - 1) // 2)
    means = np.empty(len(lanes[0]), np.int32)
    for start in range(0, len(means), BLOCK):
        block = np.stack([row[start : start + BLOCK] for row in lanes])
        block.sort(axis=0)
        total = block[trim : count - trim].sum(axis=0, dtype=np.int64)
        means[start : start + BLOCK] = _truncated(total << FRACTION_BITS, count - 2 * trim)
    return means


def rising_order(lanes: npt.NDArray[np.signedinteger]) -> bytes:
    """The positions of one coordinate's `lanes` (`[n]`, n <= 256), a byte each, by rising lane: what a proof about a
    trimmed mean brings, so that the contract need not sort."""
    return np.argsort(lanes, kind="stable").astype(np.uint8).tobytes()


def apply_global(
    base: npt.NDArray[np.int32],
    means: Sequence[npt.NDArray[np.int32]],
    counts: Sequence[int],
    shape: ModelShape,
    fmt: LaneFormat,
) -> npt.NDArray[np.int32]:
    """The next model, int32 `[d]`: `base` plus the shards' `means` (`[d]` each), averaged by their `counts`.

    The mean is in lanes with 8 fraction bits; times 2^(exponent - 8) it is in model units. Angles wrap,
    weights saturate. `counts` are the shards' numbers of included updates, within uint16.
    """
    if not means or len(means) != len(counts) or not all(0 < count < 2**16 for count in counts):
        raise InvalidInput("counts", tuple(counts), f"one in [1, 65535] for each of {len(means)} shards")
    if any(array.shape != (shape.total,) for array in (base, *means)):
        raise InvalidInput("means", [mean.shape for mean in means], f"{shape.total} coordinates each")
    # Exact: at most 65536 shards * 65535 updates * 2^31 stay below 2^63.
    weighted = sum(
        (mean.astype(np.int64) * count for mean, count in zip(means, counts, strict=True)),
        start=np.zeros(shape.total, np.int64),
    )
    mean = _truncated(weighted, sum(counts))
    quantum = slice(None, shape.quantum)
    classical = slice(shape.quantum, None)
    angles = base[quantum] + _step(mean[quantum], fmt.quantum_exponent)
    weights = base[classical] + _step(mean[classical], fmt.classical_exponent)
    saturated = np.clip(weights, _INT32.min, _INT32.max).astype(np.int32)
    return np.concatenate([wrap_int32(angles), saturated])


def squared_norm(lanes: npt.NDArray[np.signedinteger]) -> int:
    """The sum of squared lanes: what a round's norm bound limits."""
    wide = lanes.astype(np.int64)
    return int(np.dot(wide, wide))


def _step(mean: npt.NDArray[np.int64], exponent: int) -> npt.NDArray[np.int64]:
    """Model units of a mean with 8 fraction bits."""
    if not 0 <= exponent <= MAX_EXPONENT:
        raise InvalidInput("exponent", exponent, f"lane exponents are within [0, {MAX_EXPONENT}]")
    if exponent >= FRACTION_BITS:
        return mean << (exponent - FRACTION_BITS)
    return _truncated(mean, 1 << (FRACTION_BITS - exponent))


def _truncated(numerator: npt.NDArray[np.int64], denominator: int) -> npt.NDArray[np.int64]:
    """Division toward zero; numpy's own rounds down."""
    magnitude: npt.NDArray[np.int64] = np.abs(numerator) // denominator
    return np.where(numerator < 0, -magnitude, magnitude)
