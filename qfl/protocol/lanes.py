"""Lanes: the packed integers of updates, aggregates and models, and how a difference becomes lanes."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qfl.errors import InvalidInput, MalformedContent
from qfl.protocol.state import require_finite
from qfl.protocol.types import LaneFormat, ModelShape

LANE_BITS = (4, 8, 16, 32)
MODEL_LANE_BITS = 32
"""Width of the lanes of models and aggregates."""
UPDATE_BITS = (4, 8, 16)
"""Widths that an update's lanes may have."""
NIBBLE_BITS = 4
CLIPPED_SHARE = 0.1
"""Of a block's lanes; fewer than these come in with a later update, since the residual keeps them."""
MAX_EXPONENT = 28
"""Largest lane exponent that contracts take."""
SPANS = {4: 16, 8: 32, 16: 2**14}
"""Lanes that the largest change of the first round spans, by lane width: as with the presets on the digits.

At 4 bits that is twice what lanes reach.
"""


def pack_lanes(lanes: npt.NDArray[np.integer], bits: int) -> bytes:
    """`lanes` as big-endian two's complement of `bits` each, an odd number of nibbles with a zero one behind.

    Raises `InvalidInput` when one does not fit.
    """
    dtype, (least, most) = lane_dtype(bits), lane_limits(bits)
    if lanes.ndim != 1:
        raise InvalidInput("lanes", lanes.shape, "lanes are one row")
    if lanes.size and (lanes.min() < least or lanes.max() > most):
        raise InvalidInput("lanes", (int(lanes.min()), int(lanes.max())), f"a lane has {bits} bits")
    if bits == NIBBLE_BITS:
        nibbles = np.append(lanes, [0] * (lanes.size % 2)).astype(np.uint8) & 15
        return (nibbles[::2] << NIBBLE_BITS | nibbles[1::2]).tobytes()
    return lanes.astype(dtype).astype(dtype.newbyteorder(">")).tobytes()


def unpack_lanes(data: bytes, bits: int, count: int) -> npt.NDArray[np.signedinteger]:
    """The `count` lanes in `data`, as native integers.

    Raises:
        InvalidInput: its length is another.
        MalformedContent: an odd number of nibbles has one behind it that is not zero.
    """
    dtype = lane_dtype(bits)
    if len(data) != (expected := packed_bytes(count, bits)):
        raise InvalidInput("data", len(data), f"{count} lanes take {expected} bytes")
    if bits == NIBBLE_BITS:
        pairs = np.frombuffer(data, np.int8)
        # Shifting up and down again spreads the sign of the lower nibble.
        nibbles = np.column_stack([pairs >> NIBBLE_BITS, pairs << NIBBLE_BITS >> NIBBLE_BITS]).ravel()
        if nibbles[count:].any():
            raise MalformedContent(f"{nibbles[-1]} in the nibble behind the last lane")
        return nibbles[:count]
    return np.frombuffer(data, dtype.newbyteorder(">")).astype(dtype)


def packed_bytes(count: int, bits: int) -> int:
    """How many bytes `count` lanes of `bits` take."""
    return (count * bits + 7) // 8


def lane_dtype(bits: int) -> np.dtype[np.signedinteger]:
    """The numpy type of a lane. Raises `InvalidInput` for widths other than 4, 8, 16 and 32."""
    if bits not in LANE_BITS:
        raise InvalidInput("lane bits", bits, "lanes have 4, 8, 16 or 32 bits")
    return np.dtype(f"int{max(8, bits)}")


def lane_limits(bits: int) -> tuple[int, int]:
    """The smallest and the largest lane of a width."""
    return -(2 ** (bits - 1)), 2 ** (bits - 1) - 1


@dataclass(frozen=True)
class Quantised:
    """An update as lanes (`[d]`), and what they could not say (`[d]`, model units), for the next one."""

    lanes: npt.NDArray[np.signedinteger]
    residual: npt.NDArray[np.float64]


def quantise(
    delta: npt.NDArray[np.float64],
    residual: npt.NDArray[np.float64],
    shape: ModelShape,
    fmt: LaneFormat,
    norm_bound: int,
    rng: np.random.Generator,
    sent_share: float = 1.0,
) -> Quantised:
    """Lanes q with q * 2^s close to `delta + residual` (both `[d]`, model units), and the new residual.

    Of the lanes, the largest `sent_share` (in (0, 1], rounded up) are sent; all others are 0, and wait in the residual
    until they are among the largest (Stich et al. 2018, arXiv:1809.07599, algorithm 1).

    Rounding is stochastic, so its expectation is exact (QSGD, Alistarh et al. 2017, section 3.1); the error
    is carried over by the residual (error feedback, Karimireddy et al. 2019, algorithm 2). Lanes are clipped
    to +-(2^(lane_bits-1) - 1), and scaled down until the sum of their squares is at most `norm_bound`. Raises
    `NotFinite` for NaN or infinity.
    """
    target = require_finite("update", delta) + require_finite("residual", residual)
    exponents = np.repeat([fmt.quantum_exponent, fmt.classical_exponent], [shape.quantum, shape.classical])
    if target.shape != exponents.shape:
        raise InvalidInput("update", target.shape, f"the model has {shape.total} coordinates")
    unit = np.exp2(exponents)
    scaled = target / unit
    if (held_back := shape.total - math.ceil(sent_share * shape.total)) > 0:
        scaled[np.argsort(np.abs(scaled), kind="stable")[:held_back]] = 0
    exact = np.clip(scaled, -fmt.lane_max, fmt.lane_max)
    norm = float(np.sum(exact * exact))
    if norm > norm_bound:
        exact *= np.sqrt(norm_bound / norm)
    lanes = _round_within(exact, norm_bound, rng)
    return Quantised(lanes.astype(lane_dtype(fmt.lane_bits)), target - lanes * unit)


def find_clipping(target: npt.NDArray[np.float64], shape: ModelShape, fmt: LaneFormat) -> list[str]:
    """What is wrong with the exponents for `target` (`[d]`, model units), and which to choose; mostly nothing.

    A block of which more than `CLIPPED_SHARE` is out of its lanes' reach learns at the pace that they allow.
    """
    blocks = (
        ("angles", "quantumExponent", fmt.quantum_exponent, target[: shape.quantum]),
        ("weights", "classicalExponent", fmt.classical_exponent, target[shape.quantum :]),
    )
    complaints = []
    for what, name, exponent, values in blocks:
        sizes = np.abs(values)
        share = float(np.mean(sizes > fmt.lane_max * 2.0**exponent)) if sizes.size else 0.0
        if share > CLIPPED_SHARE:
            needed = math.ceil(math.log2(_held(sizes) / fmt.lane_max))
            complaints.append(
                f"{share:.0%} of its {what} moved too far for lanes of {name} {exponent}: choose {needed}"
            )
    return complaints


def _held(sizes: npt.NDArray[np.float64]) -> float:
    """The smallest reach that leaves at most `CLIPPED_SHARE` of `sizes` out."""
    return float(np.quantile(sizes, 1 - CLIPPED_SHARE, method="inverted_cdf"))


def choose_exponents(delta: npt.NDArray[np.float64], shape: ModelShape, lane_bits: int) -> tuple[int, int]:
    """Exponents for angles and weights that make lanes fit changes like `delta` (`[d]`, model units).

    The largest change of a block spans `SPANS`, unless so many are as large that more than `CLIPPED_SHARE` would be out
    of reach.
    """

    def fit(changes: npt.NDArray[np.float64]) -> int:
        sizes = np.abs(changes)
        if not sizes.any():
            return 0
        unit = max(float(sizes.max()) / SPANS[lane_bits], _held(sizes) / lane_limits(lane_bits)[1])
        return min(MAX_EXPONENT, max(0, math.ceil(math.log2(unit))))

    return fit(delta[: shape.quantum]), fit(delta[shape.quantum :])


def _round_within(exact: npt.NDArray[np.float64], norm_bound: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Stochastic rounding that stays within the bound.

    Where it overshoots, roundings away from zero are taken back, in random order, only as many as needed. All
    taken back is truncation, which never lengthens `exact`.
    """
    lanes = np.floor(exact + rng.random(exact.shape)).astype(np.int64)
    excess = int(np.sum(lanes * lanes)) - norm_bound
    if excess > 0:
        away = rng.permutation(np.flatnonzero(np.abs(lanes) > np.abs(exact)))
        gains = np.cumsum(2 * np.abs(lanes[away]) - 1)
        undone = away[: int(np.searchsorted(gains, excess)) + 1]
        lanes[undone] -= np.sign(lanes[undone])
    return lanes
