"""Verifies norm proofs off chain, as `contracts/zk/Groth16NormVerifier.sol` does on chain, in other code.

Groth, "On the Size of Pairing-Based Non-interactive Arguments" (2016/260), section 3.2:
e(A, B) = e(alpha, beta) e(IC_0 + sum of input_i IC_i, gamma) e(C, delta).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from qfl.crypto.norm.keys import VerifyingKey
from qfl.crypto.norm.poseidon import SCALAR_FIELD
from qfl.crypto.norm.statement import NormStatement

if TYPE_CHECKING:
    from py_ecc.fields import optimized_bn128_FQ as FQ
    from py_ecc.fields import optimized_bn128_FQ2 as FQ2
    from py_ecc.fields import optimized_bn128_FQ12 as FQ12
    from py_ecc.typing import Optimized_Point3D

PROOF_BYTES = 256
"""Eight big-endian words: A (x, y), B (x imaginary, x real, y imaginary, y real), C (x, y)."""


def verify_norm_proof(key: VerifyingKey, statement: NormStatement, proof: bytes) -> bool:
    """Whether `proof` proves `statement` under `key`; takes about half a second.

    False as well where the contract reverts: for a proof of another length, an input or a coordinate that is not
    reduced, a point off its curve or outside its group.

    Raises:
        NormKeysMalformed: the key, which may come from a contract, has points that are none.
        ExtraMissing: the extra `zk` is not installed.
    """
    from qfl.crypto.norm import curve

    if len(proof) != PROOF_BYTES or not all(0 <= value < SCALAR_FIELD for value in statement.inputs):
        return False
    words = words_of(proof)
    try:
        a, b, c = curve.g1(words[:2]), curve.g2(words[2:6]), curve.g1(words[6:])
    except curve.NotAPoint:
        return False
    prepared = _prepared(key)
    claim = curve.combination(prepared.ic, [1, *statement.inputs])
    product = curve.miller(curve.negated(a), b) * prepared.alpha_beta
    product *= curve.miller(claim, prepared.gamma) * curve.miller(c, prepared.delta)
    return curve.is_one(product)


def words_of(proof: bytes) -> list[int]:
    """A proof as the `uint256[8]` that the contract takes."""
    return [int.from_bytes(proof[start : start + 32], "big") for start in range(0, PROOF_BYTES, 32)]


@dataclass(frozen=True)
class _Prepared:
    """What is the same for every proof under a key: one of the four pairings, and points that are checked once."""

    alpha_beta: FQ12
    gamma: Optimized_Point3D[FQ2]
    delta: Optimized_Point3D[FQ2]
    ic: list[Optimized_Point3D[FQ]]


@lru_cache
def _prepared(key: VerifyingKey) -> _Prepared:
    from qfl.crypto.norm import curve

    key.require_points()
    alpha_beta = curve.miller(curve.g1(key.alpha), curve.g2(key.beta))
    return _Prepared(alpha_beta, curve.g2(key.gamma), curve.g2(key.delta), list(map(curve.g1, key.ic)))
