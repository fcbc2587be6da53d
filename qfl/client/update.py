"""From a trained model to the bytes of an update."""

from __future__ import annotations

import logging
import secrets

import numpy as np
from numpy.typing import NDArray

from qfl.protocol.content import Content, ContentKind, content_digest, encode_briefly, lanes_root
from qfl.protocol.lanes import find_clipping, quantise
from qfl.protocol.state import compute_delta
from qfl.protocol.types import ParticipantId, PreparedUpdate, RoundSpec, TrainingResult

log = logging.getLogger(__name__)


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

    Args:
        base: the model that training started from.
        residual: what rounding left over in the round before (`[d]`).
        rng: decides the stochastic rounding; the salt is always fresh.

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
