"""Poseidon over BN254's scalar field, as circomlib has it: S-box x^5, 8 full rounds, state = [0, *inputs].

Reference: Grassi, Khovratovich, Rechberger, Roy and Schofnegger, "Poseidon: A New Hash Function for Zero-Knowledge
Proof Systems" (2019/458). The constants are not copied: they are what the paper's generator makes (appendix E).
"""

from collections.abc import Iterator, Sequence
from functools import cache

from qfl.errors import InvalidInput

SCALAR_FIELD = 21888242871839275222246405745257275088548364400416034343698204186575808495617
"""`r`, the order of BN254's groups: every input of a circuit is below it."""

FIELD_BITS = 254
FULL_ROUNDS = 8
PARTIAL_ROUNDS = (56, 57, 56, 60, 60, 63, 64, 63, 60, 66, 60, 65, 70, 60, 64, 68)
"""For 1 to 16 inputs, at 128 bits of security: the paper's script, rounded up to a multiple of the width."""


def poseidon(inputs: Sequence[int]) -> int:
    """The hash of 1 to 16 field elements; for each number another function. Raises InvalidInput: other inputs."""
    if not 1 <= len(inputs) <= len(PARTIAL_ROUNDS):
        raise InvalidInput("inputs", len(inputs), f"Poseidon takes 1 to {len(PARTIAL_ROUNDS)}")
    for value in inputs:
        if not 0 <= value < SCALAR_FIELD:
            raise InvalidInput("input", value, "must be an element of BN254's scalar field")
    rounds, mix = _constants(len(inputs) + 1)
    state = [0, *inputs]
    first_partial, last_partial = FULL_ROUNDS // 2, FULL_ROUNDS // 2 + PARTIAL_ROUNDS[len(inputs) - 1]
    for index, added in enumerate(rounds):
        state = [value + constant for value, constant in zip(state, added, strict=True)]
        if first_partial <= index < last_partial:
            state[0] = pow(state[0], 5, SCALAR_FIELD)
        else:
            state = [pow(value, 5, SCALAR_FIELD) for value in state]
        state = [sum(factor * value for factor, value in zip(row, state, strict=True)) % SCALAR_FIELD for row in mix]
    return state[0]


@cache
def _constants(width: int) -> tuple[list[list[int]], list[list[int]]]:
    """What is added before each round's S-boxes, `[rounds, width]`, and the Cauchy matrix, `[width, width]`.

    The round constants are drawn first and reduce nothing: a draw that is no field element is drawn again. The
    2 * width elements of the matrix 1 / (x_i + y_j) follow in the same stream; those are reduced.
    """
    rounds = FULL_ROUNDS + PARTIAL_ROUNDS[width - 2]
    draws = _draws(_grain(width, rounds - FULL_ROUNDS))
    flat: list[int] = []
    while len(flat) < rounds * width:
        if (drawn := next(draws)) < SCALAR_FIELD:
            flat.append(drawn)
    points = [next(draws) % SCALAR_FIELD for _ in range(2 * width)]
    return (
        [flat[start : start + width] for start in range(0, len(flat), width)],
        [[pow(x + y, -1, SCALAR_FIELD) for y in points[width:]] for x in points[:width]],
    )


def _draws(bits: Iterator[int]) -> Iterator[int]:
    while True:
        value = 0
        for _ in range(FIELD_BITS):
            value = value << 1 | next(bits)
        yield value


def _grain(width: int, partial_rounds: int) -> Iterator[int]:
    """The Grain LFSR in self-shrinking mode: of each pair of bits, the second counts if the first is 1.

    The register's first 80 bits say which Poseidon this is; the first 160 that it makes are thrown away.
    """
    # prime field; S-box x^alpha; bits of an element; width; rounds; then ones
    parts = ((1, 2), (0, 4), (FIELD_BITS, 12), (width, 12), (FULL_ROUNDS, 10), (partial_rounds, 10), (2**30 - 1, 30))
    register = 0
    for value, length in parts:
        register = register << length | value
    stream = _register(register)
    for _ in range(160):
        next(stream)
    while True:
        chosen, bit = next(stream), next(stream)
        if chosen:
            yield bit


def _register(state: int) -> Iterator[int]:
    """Bits of b[i+80] = b[i+62] + b[i+51] + b[i+38] + b[i+23] + b[i+13] + b[i]; 16 at a time, as no tap is nearer."""
    mask = 2**80 - 1
    while True:
        mixed = state >> 64 ^ state >> 51 ^ state >> 41 ^ state >> 26 ^ state >> 13 ^ state >> 2
        fresh = mixed & 0xFFFF
        state = (state << 16 | fresh) & mask
        for position in range(15, -1, -1):
            yield fresh >> position & 1
