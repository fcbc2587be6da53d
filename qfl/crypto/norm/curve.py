"""BN254's points and pairings by py_ecc: no code in common with the prover, or with the chain's precompiles.

Points come as words in the precompiles' order: G1 (x, y); G2 (x imaginary, x real, y imaginary, y real); zeros are
the point at infinity. Import this in functions: py_ecc is in the extra `zk`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import reduce

from qfl.errors import ExtraMissing

RECURSION_LIMIT = sys.getrecursionlimit()
try:
    from py_ecc.fields import optimized_bn128_FQ as FQ
    from py_ecc.fields import optimized_bn128_FQ2 as FQ2
    from py_ecc.fields import optimized_bn128_FQ12 as FQ12
    from py_ecc.optimized_bn128.optimized_curve import (
        Z1,
        Z2,
        add,
        b,
        b2,
        curve_order,
        field_modulus,
        is_on_curve,
        multiply,
        neg,
    )
    from py_ecc.optimized_bn128.optimized_pairing import final_exponentiate, pairing
    from py_ecc.typing import Optimized_Point3D
except ImportError as error:
    raise ExtraMissing("private mode", "zk", str(error)) from error
finally:
    # py_ecc raises it a hundredfold: `json` would then crash on a deep document from anybody, instead of refusing it.
    sys.setrecursionlimit(RECURSION_LIMIT)

BASE_FIELD: int = field_modulus


class NotAPoint(ValueError):
    """Words that are no element of the group, or not written the one way they may be."""


def g1(words: Sequence[int]) -> Optimized_Point3D[FQ]:
    """The point of G1 at two words; G1 is the whole curve.

    Raises:
        NotAPoint: a word is not below the modulus, or the point is not on the curve.
    """
    _require_canonical(words)
    point = (FQ(words[0]), FQ(words[1]), FQ.one()) if any(words) else Z1
    if not is_on_curve(point, b):
        raise NotAPoint("not on the curve")
    return point


def g2(words: Sequence[int]) -> Optimized_Point3D[FQ2]:
    """The point of G2 at four words; the twist has more points than the group.

    Raises:
        NotAPoint: a word is not below the modulus, the point is not on the twist, or outside the group.
    """
    _require_canonical(words)
    x_imaginary, x_real, y_imaginary, y_real = words
    point = (FQ2([x_real, x_imaginary]), FQ2([y_real, y_imaginary]), FQ2.one()) if any(words) else Z2
    if not is_on_curve(point, b2):
        raise NotAPoint("not on the twist")
    if not is_infinity(multiply(point, curve_order)):
        raise NotAPoint("not in the group")
    return point


def negated(point: Optimized_Point3D[FQ]) -> Optimized_Point3D[FQ]:
    """The point's inverse."""
    return neg(point)


def combination(points: Sequence[Optimized_Point3D[FQ]], factors: Sequence[int]) -> Optimized_Point3D[FQ]:
    """The sum of the points, each times its factor."""
    return reduce(add, map(multiply, points, factors))


def is_infinity(point: Optimized_Point3D[FQ] | Optimized_Point3D[FQ2]) -> bool:
    """Whether a point is the group's neutral element."""
    return bool(point[2] == point[2].zero())


def miller(left: Optimized_Point3D[FQ], right: Optimized_Point3D[FQ2]) -> FQ12:
    """A pairing before its final exponentiation, which a product of pairings needs only once."""
    return pairing(right, left, final_exponentiate=False)


def is_one(product: FQ12) -> bool:
    """Whether a product of `miller` values is one as a product of pairings."""
    return bool(final_exponentiate(product) == FQ12.one())


def _require_canonical(words: Sequence[int]) -> None:
    if not all(0 <= word < BASE_FIELD for word in words):
        raise NotAPoint("not written with coordinates below the field's modulus")
