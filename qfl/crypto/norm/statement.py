"""What a norm proof says: the circuit's public inputs, and the commitment to a vector of lanes that is one of them.

The commitment is by Poseidon, binding, and hiding under its salt: h_0 = Poseidon(capacity, salt),
h_{k+1} = Poseidon(h_k, w_7k, ..., w_{7k+6}), where a word packs 15 lanes. The salt goes through a permutation of its
own: no lane is ever added to a state that holds it, so nothing can cancel it.
"""

from dataclasses import dataclass

import numpy as np
from eth_abi.abi import encode
from eth_hash.auto import keccak
from numpy.typing import NDArray

from qfl.crypto.norm.poseidon import SCALAR_FIELD, poseidon
from qfl.errors import InvalidInput

LANES_PER_WORD = 15
"""240 bits: below the field's order, so that no two vectors pack alike."""

WORDS_PER_BLOCK = 7
OFFSET = 2**15


@dataclass(frozen=True)
class NormStatement:
    """Somebody knows lanes and a salt behind a commitment; each lane fits, and their squares sum to <= the bound."""

    commitment: int
    """Of `commit_lanes`."""
    context: int
    """Of `context_of`: who says it, and where."""
    norm_bound: int
    """Of the squared norm, in squared lane units; a uint64."""
    lane_bits: int
    """8 or 16."""

    @property
    def inputs(self) -> tuple[int, int, int, int]:
        """The public inputs, in the circuit's and the contract's order."""
        return self.commitment, self.context, self.norm_bound, self.lane_bits


def context_of(chain_id: int, shard_address: str, round_number: int, client: int) -> int:
    """What binds a proof to a chain, a contract, a round and a client: a proof is no use anywhere else."""
    encoded = encode(["uint256", "address", "uint64", "uint32"], [chain_id, shard_address, round_number, client])
    return int.from_bytes(keccak(encoded), "big") % SCALAR_FIELD


def commit_lanes(lanes: NDArray[np.integer], capacity: int, salt: int) -> int:
    """The commitment to `lanes`, `[n]` with n <= capacity, padded with zeros to the circuit's capacity.

    `salt` is secret, uniform in 0 .. r - 1; whoever knows it can test guesses of the lanes.

    Raises:
        InvalidInput: more lanes than the capacity, a lane that is no int16, a salt that is no field element.
    """
    if lanes.ndim != 1 or len(lanes) > capacity:
        raise InvalidInput("lanes", lanes.shape, f"must be one vector of at most {capacity} lanes")
    if not 0 <= salt < SCALAR_FIELD:
        raise InvalidInput("salt", "(secret)", "must be an element of BN254's scalar field")
    state = poseidon([capacity, salt])
    words = _words(lanes, capacity)
    for start in range(0, len(words), WORDS_PER_BLOCK):
        state = poseidon([state, *words[start : start + WORDS_PER_BLOCK]])
    return state


def commitment_salt(seed: bytes) -> int:
    """The salt of `commit_lanes` for an update with this `seed` (32 bytes): keccak(seed | "commitment") mod r.

    Nothing that is published with a dispute over one leaf leads to it (those have `qfl.protocol.chunks.leaf_salt`).
    """
    return int.from_bytes(keccak(seed + b"commitment")) % SCALAR_FIELD


def _words(lanes: NDArray[np.integer], capacity: int) -> list[int]:
    """Lanes as `lane + 2^15`, 15 in a word with the first lowest; zero words fill the last block."""
    if len(lanes) and (lanes.min() < -OFFSET or lanes.max() >= OFFSET):
        raise InvalidInput("lanes", f"{lanes.min()} to {lanes.max()}", "must fit 16 bits")
    padded = np.full(capacity, OFFSET, dtype="<u2")
    padded[: len(lanes)] = lanes.astype(np.int64) + OFFSET
    data, size = padded.tobytes(), 2 * LANES_PER_WORD
    words = [int.from_bytes(data[start : start + size], "little") for start in range(0, len(data), size)]
    return words + [0] * (-len(words) % WORDS_PER_BLOCK)
