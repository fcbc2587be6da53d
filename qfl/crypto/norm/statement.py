"""What a norm proof says, as the circuit's public inputs."""

from __future__ import annotations

from dataclasses import dataclass

from eth_abi.abi import encode
from eth_hash.auto import keccak

from qfl.crypto.norm.poseidon import SCALAR_FIELD


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
