"""What the tests of the norm proofs share: true statements about random vectors, and their proofs."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qfl.crypto.norm.keys import NormKeys
from qfl.crypto.norm.poseidon import SCALAR_FIELD
from qfl.crypto.norm.prover import ProvingProcess
from qfl.crypto.norm.statement import NormStatement, commit_lanes

CAPACITY = 64


@dataclass(frozen=True)
class Claim:
    """A statement, and what somebody says makes it true."""

    lanes: NDArray[np.int64]
    salt: int
    statement: NormStatement


def claim_about(lanes: NDArray[np.int64], lane_bits: int = 16, bound: int | None = None, seed: int = 0) -> Claim:
    """A claim that is true when the lanes fit and `bound` is no tighter than their squared norm, the default."""
    random = np.random.default_rng(seed)
    salt, context = (int.from_bytes(random.bytes(32), "big") % SCALAR_FIELD for _ in range(2))
    norm = int((lanes.astype(np.int64) ** 2).sum()) if bound is None else bound
    return Claim(lanes, salt, NormStatement(commit_lanes(lanes, CAPACITY, salt), context, norm, lane_bits))


def random_claim(seed: int) -> Claim:
    """A true claim about 1 to 64 lanes of 8 or 16 bits."""
    random = np.random.default_rng(seed)
    lane_bits = int(random.choice([8, 16]))
    limit = 2 ** (lane_bits - 1)
    lanes = random.integers(-limit, limit, size=random.integers(1, CAPACITY + 1))
    return claim_about(lanes, lane_bits, seed=seed)


def ask_for_proof(process: ProvingProcess, keys: NormKeys, claim: Claim) -> bytes:
    """A proof from the process itself, as a client would make one that runs no checks of its own."""
    lanes = [*map(int, claim.lanes), *[0] * (CAPACITY - len(claim.lanes))]
    return process.prove(keys.proving_key, keys.verifying_document, claim.statement, claim.salt, lanes)
