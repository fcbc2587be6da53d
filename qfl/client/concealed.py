"""An update of the private mode: readable for its committee alone, its norm proven to everybody."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from qfl.crypto.norm.statement import NormStatement, commit_lanes, commitment_salt
from qfl.crypto.sealed import SEED_BYTES, seal
from qfl.errors import TooFewRecipients
from qfl.protocol.content import content_digest, decode, encode, lanes_root
from qfl.protocol.quorum import quorum_of
from qfl.protocol.types import PreparedUpdate, RoundSpec


class NormProver(Protocol):
    """What makes norm proofs: `qfl.crypto.norm.prover.Prover`."""

    @property
    def capacity(self) -> int:
        """Lanes of its circuit."""

    def prove(self, lanes: NDArray[np.integer], salt: int, statement: NormStatement) -> bytes:
        """A proof of `statement`, 256 bytes. Raises `ProofFailed`."""


@dataclass(frozen=True)
class NormEvidence:
    """What goes on chain beside a concealed update: the Poseidon commitment to its lanes, and a proof of their norm."""

    vector_commitment: int
    proof: bytes


def conceal(
    update: PreparedUpdate, spec: RoundSpec, recipients: Sequence[bytes], context: int, prover: NormProver
) -> tuple[PreparedUpdate, NormEvidence]:
    """Salt, seal and prove an update.

    Args:
        update: in the clear, as `prepare_update` makes it.
        recipients: the committee's public keys by seat, empty where there is none.
        context: of `context_of`: seal and proof are for this place alone.

    Raises:
        TooFewRecipients: no quorum could read it.
        ProofFailed: the update is out of bounds, or the proving process ended.
    """
    needed, found = quorum_of(len(recipients)), sum(map(bool, recipients))
    if found < needed:
        raise TooFewRecipients(spec.round, found, needed)
    content, seed = decode(update.content), secrets.token_bytes(SEED_BYTES)
    salt = commitment_salt(seed)
    commitment = commit_lanes(content.lanes, prover.capacity, salt)
    statement = NormStatement(commitment, context, spec.norm_bound, spec.format.lane_bits)
    proof = prover.prove(content.lanes, salt, statement)
    # Not in the compact form: its length would tell everybody how much this client's training changed.
    sealed = seal(encode(replace(content, compact=False)), seed, recipients, context.to_bytes(32))
    concealed = replace(
        update, content=sealed, update_root=lanes_root(content, seed), content_digest=content_digest(sealed)
    )
    return concealed, NormEvidence(commitment, proof)
