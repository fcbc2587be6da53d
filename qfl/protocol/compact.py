"""Lanes in few bytes: most of an update's lanes are zero or small, so only the others are written, in Rice's code.

A number v in Rice's code of parameter p is v >> p zeros, a one, and the p low bits of v (Rice 1979, JPL publication
79-22). Every lane that is not zero is the number of zeros before it and its size less 1; each has its own parameter.
The bytes, bits from the highest down and padded with zeros:

    parameters u8 (gaps 4 bits, sizes 4 bits) | nonzero lanes u32
    | unary parts of the gaps | low bits of the gaps | unary parts of the sizes | low bits of the sizes | signs

The parameters are those that make it shortest, the smaller one where two do: equal lanes have equal bytes.
"""

import struct

import numpy as np
from numpy.typing import NDArray

from qfl.errors import MalformedContent
from qfl.protocol.lanes import lane_dtype

HEAD = struct.Struct(">BI")
PARAMETERS = range(16)

Bits = NDArray[np.bool_]
Numbers = NDArray[np.int64]


def compress(lanes: NDArray[np.signedinteger]) -> bytes:
    """The one compact form of `lanes` (`[d]`)."""
    wide = lanes.astype(np.int64)
    positions = np.flatnonzero(wide)
    nonzero = wide[positions]
    gaps, sizes = np.diff(positions, prepend=-1) - 1, np.abs(nonzero) - 1
    gap_parameter, size_parameter = _shortest(gaps), _shortest(sizes)
    bits = np.concatenate([*_written(gaps, gap_parameter), *_written(sizes, size_parameter), nonzero < 0])
    return HEAD.pack(gap_parameter << 4 | size_parameter, nonzero.size) + np.packbits(bits).tobytes()


def expand(data: bytes, lane_bits: int, count: int) -> NDArray[np.signedinteger]:
    """The `count` lanes in `data`, from anybody: it takes no more than they and its bits take.

    Raises:
        MalformedContent: it is no compact form of so many lanes, or not the shortest.
    """
    if len(data) < HEAD.size:
        raise MalformedContent(f"{len(data)} bytes of compact lanes")
    parameters, nonzero = HEAD.unpack_from(data)
    reader = _Reader(np.unpackbits(np.frombuffer(data, np.uint8, offset=HEAD.size)).astype(np.bool_))
    gaps = reader.numbers(nonzero, parameters >> 4)
    sizes = reader.numbers(nonzero, parameters & 15)
    signs = reader.take(nonzero)
    positions, limit = np.cumsum(gaps + 1) - 1, 2 ** (lane_bits - 1)
    if nonzero and positions[-1] >= count:
        raise MalformedContent(f"compact lane {positions[-1]} of {count}")
    if nonzero and sizes.max() >= limit:
        raise MalformedContent(f"a compact lane of size {sizes.max() + 1} in {lane_bits} bits")
    lanes = np.zeros(count, lane_dtype(lane_bits))
    lanes[positions] = np.where(signs, -(sizes + 1), sizes + 1)
    if compress(lanes) != data:
        raise MalformedContent("compact lanes that have a shorter or padded form")
    return lanes


class _Reader:
    """Takes bits from the front. Raises `MalformedContent` where there are too few."""

    def __init__(self, bits: Bits) -> None:
        self._bits = bits

    def take(self, count: int) -> Bits:
        if count > self._bits.size:
            raise MalformedContent("compact lanes end too early")
        taken, self._bits = self._bits[:count], self._bits[count:]
        return taken

    def numbers(self, count: int, parameter: int) -> Numbers:
        ones = np.flatnonzero(self._bits)[:count]
        if ones.size < count:
            raise MalformedContent("compact lanes end too early")
        self.take(int(ones[-1]) + 1 if count else 0)
        low = self.take(count * parameter).reshape(count, parameter)
        high = np.diff(ones, prepend=-1) - 1
        return (high << parameter) + low @ (1 << np.arange(parameter - 1, -1, -1))


def _shortest(numbers: Numbers) -> int:
    """The parameter that writes `numbers` (`[n]`, from 0) in the fewest bits."""
    return min(PARAMETERS, key=lambda parameter: int(np.sum(numbers >> parameter)) + numbers.size * parameter)


def _written(numbers: Numbers, parameter: int) -> tuple[Bits, Bits]:
    """The unary parts and the low bits of `numbers`."""
    ends = np.cumsum((numbers >> parameter) + 1)
    unary = np.zeros(int(ends[-1]) if ends.size else 0, np.bool_)
    unary[ends - 1] = True
    shifts = np.arange(parameter - 1, -1, -1)
    return unary, (numbers[:, None] >> shifts & 1).astype(np.bool_).ravel()
