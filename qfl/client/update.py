"""From a trained model to the bytes of an update; in the private mode, to bytes that its committee alone can read."""

import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from qfl.crypto.norm.statement import NormStatement, commit_lanes, commitment_salt
from qfl.crypto.sealed import SEED_BYTES, seal
from qfl.errors import TooFewRecipients
from qfl.protocol.content import Content, ContentKind, content_digest, decode, encode, encode_briefly, lanes_root
from qfl.protocol.lanes import find_clipping, quantise
from qfl.protocol.quorum import quorum_of
from qfl.protocol.state import compute_delta
from qfl.protocol.types import ParticipantId, PreparedUpdate, RoundSpec, TrainingResult

log = logging.getLogger(__name__)


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


def prepare_update(
    client: ParticipantId,
    spec: RoundSpec,
    *,
    base: Content,
    trained: TrainingResult,
    residual: NDArray[np.float64],
    rng: np.random.Generator,
) -> PreparedUpdate:
    """Quantise what training changed, with what earlier rounding left over; warn when lanes cannot hold it.

    Training started from `base`; `residual` is what rounding left over in the round before (`[d]`). `rng` decides the
    stochastic rounding; the salt is always fresh.

    Raises:
        NotFinite: training diverged.
    """
    delta = compute_delta(trained.angles, trained.weights, base.lanes, spec.shape)
    for complaint in find_clipping(delta + residual, spec.shape, spec.format):
        log.warning("client %d, round %d: %s", client, spec.round, complaint)
    quantised = quantise(delta, residual, spec.shape, spec.format, spec.norm_bound, rng, trained.sent_share)
    content = Content(
        kind=ContentKind.UPDATE,
        lane_bits=spec.format.lane_bits,
        round=spec.round,
        shard=spec.shard,
        count=0,
        author=client,
        shape=spec.shape,
        base_root=spec.base_root,
        lanes=quantised.lanes,
    )
    data = encode_briefly(content)
    return PreparedUpdate(data, lanes_root(content), content_digest(data), secrets.token_bytes(32), quantised.residual)


def conceal(
    update: PreparedUpdate, spec: RoundSpec, *, recipients: Sequence[bytes], context: int, prover: NormProver
) -> tuple[PreparedUpdate, NormEvidence]:
    """Salt, seal and prove an update that is in the clear, as `prepare_update` makes it.

    `recipients` are the committee's public keys by seat, empty where there is none; `context` is that of `context_of`:
    seal and proof are for this place alone.

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
