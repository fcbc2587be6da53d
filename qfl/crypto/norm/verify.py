"""Verifies norm proofs off chain, as `contracts/zk/Groth16NormVerifier.sol` does on chain, in other code.

Groth, "On the Size of Pairing-Based Non-interactive Arguments" (2016/260), section 3.2:
e(A, B) = e(alpha, beta) e(IC_0 + sum of input_i IC_i, gamma) e(C, delta).

Points and pairings are py_ecc's: no code in common with the prover, or with the chain's precompiles. Import this in
functions: py_ecc is in the extra `zk`. Points come as words in the precompiles' order: G1 (x, y); G2 (x imaginary,
x real, y imaginary, y real); zeros are the point at infinity.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, reduce
from typing import TYPE_CHECKING

from qfl.crypto.norm.poseidon import SCALAR_FIELD
from qfl.crypto.norm.statement import NormStatement
from qfl.errors import ExtraMissing, NormKeysMalformed

if TYPE_CHECKING:
    from qfl.crypto.norm.keys import VerifyingKey

RECURSION_LIMIT = sys.getrecursionlimit()
try:
    from py_ecc.fields import optimized_bn128_FQ as FQ
    from py_ecc.fields import optimized_bn128_FQ2 as FQ2
    from py_ecc.fields import optimized_bn128_FQ12 as FQ12
    from py_ecc.optimized_bn128 import optimized_curve as curve
    from py_ecc.optimized_bn128.optimized_pairing import final_exponentiate, pairing
    from py_ecc.typing import Optimized_Point3D
except ImportError as error:
    raise ExtraMissing("private mode", "zk", str(error)) from error
finally:
    # py_ecc raises it a hundredfold: `json` would then crash on a deep document from anybody, instead of refusing it.
    sys.setrecursionlimit(RECURSION_LIMIT)

KEY_WORDS = 24
"""alpha; beta, gamma, delta; IC_0 to IC_4."""
PROOF_BYTES = 256
"""Eight big-endian words: A, B, C."""


class NotAPoint(ValueError):
    """Words that are no element of the group, or not written the one way they may be."""


@dataclass(frozen=True)
class KeyPoints:
    """A verifying key as points; `ic` are one for the constant, and one for each public input."""

    alpha: Optimized_Point3D[FQ]
    beta: Optimized_Point3D[FQ2]
    gamma: Optimized_Point3D[FQ2]
    delta: Optimized_Point3D[FQ2]
    ic: list[Optimized_Point3D[FQ]]

    @cached_property
    def alpha_beta(self) -> FQ12:
        """The pairing that is the same for every proof."""
        return _miller(self.alpha, self.beta)


@lru_cache
def points_of(words: tuple[int, ...]) -> KeyPoints:
    """The points of a verifying key. Raises NormKeysMalformed: no such points, or a neutral one, binding nothing."""
    if len(words) != KEY_WORDS:
        raise NormKeysMalformed(f"{len(words)} words, not {KEY_WORDS}")
    try:
        alpha, *ic = (g1(words[start : start + 2]) for start in (0, *range(14, KEY_WORDS, 2)))
        beta, gamma, delta = (g2(words[start : start + 4]) for start in (2, 6, 10))
    except NotAPoint as error:
        raise NormKeysMalformed(f"a point is {error}") from error
    if any(map(_is_infinity, (alpha, *ic))) or any(map(_is_infinity, (beta, gamma, delta))):
        raise NormKeysMalformed("a point is at infinity: some input, or every proof, would be bound by nothing")
    return KeyPoints(alpha, beta, gamma, delta, ic)


def verify_norm_proof(key: VerifyingKey, statement: NormStatement, proof: bytes) -> bool:
    """Whether `proof` proves `statement` under `key`; takes about half a second.

    False as well where the contract reverts: for a proof of another length, an input or a coordinate that is not
    reduced, a point off its curve or outside its group.

    Raises:
        NormKeysMalformed: the key, which may come from a contract, has points that are none.
    """
    if len(proof) != PROOF_BYTES or not all(0 <= value < SCALAR_FIELD for value in statement.inputs):
        return False
    words = words_of(proof)
    try:
        a, b, c = g1(words[:2]), g2(words[2:6]), g1(words[6:])
    except NotAPoint:
        return False
    points = points_of(key.words)
    claim = reduce(curve.add, map(curve.multiply, points.ic, [1, *statement.inputs]))
    product = _miller(curve.neg(a), b) * points.alpha_beta * _miller(claim, points.gamma) * _miller(c, points.delta)
    return bool(final_exponentiate(product) == FQ12.one())


def words_of(proof: bytes) -> list[int]:
    """A proof as the `uint256[8]` that the contract takes."""
    return [int.from_bytes(proof[start : start + 32], "big") for start in range(0, PROOF_BYTES, 32)]


def g1(words: Sequence[int]) -> Optimized_Point3D[FQ]:
    """The point of G1, the whole curve, at two words. Raises NotAPoint: a word over the modulus, or off the curve."""
    _require_canonical(words)
    point = (FQ(words[0]), FQ(words[1]), FQ.one()) if any(words) else curve.Z1
    if not curve.is_on_curve(point, curve.b):
        raise NotAPoint("not on the curve")
    return point


def g2(words: Sequence[int]) -> Optimized_Point3D[FQ2]:
    """The point of G2 at four words; the twist has more points than the group.

    Raises:
        NotAPoint: a word is not below the modulus, the point is not on the twist, or outside the group.
    """
    _require_canonical(words)
    x_imaginary, x_real, y_imaginary, y_real = words
    point = (FQ2([x_real, x_imaginary]), FQ2([y_real, y_imaginary]), FQ2.one()) if any(words) else curve.Z2
    if not curve.is_on_curve(point, curve.b2):
        raise NotAPoint("not on the twist")
    if not _is_infinity(curve.multiply(point, curve.curve_order)):
        raise NotAPoint("not in the group")
    return point


def _is_infinity(point: Optimized_Point3D[FQ] | Optimized_Point3D[FQ2]) -> bool:
    return bool(point[2] == point[2].zero())


def _miller(left: Optimized_Point3D[FQ], right: Optimized_Point3D[FQ2]) -> FQ12:
    """A pairing before its final exponentiation, which a product of pairings needs only once."""
    return pairing(right, left, final_exponentiate=False)


def _require_canonical(words: Sequence[int]) -> None:
    if not all(0 <= word < curve.field_modulus for word in words):
        raise NotAPoint("not written with coordinates below the field's modulus")
