"""From a trained model to the bytes of an update."""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qfl.codec.content import Content, ContentKind, content_digest, encode_briefly, lanes_root
from qfl.codec.delta import compute_delta
from qfl.codec.lanes import find_clipping, quantise
from qfl.committee.updates import Terms
from qfl.types import ParticipantId

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PreparedUpdate:
    """An update ready to be committed; `residual` (float64 `[d]`, model units) goes into the client's next one."""

    content: bytes
    update_root: bytes
    content_digest: bytes
    salt: bytes
    residual: NDArray[np.float64]


def prepare_update(
    client: ParticipantId,
    terms: Terms,
    base: Content,
    angles: NDArray[np.float64],
    weights: NDArray[np.float64],
    residual: NDArray[np.float64],
    rng: np.random.Generator,
    sent_share: float = 1.0,
) -> PreparedUpdate:
    """Quantise what training changed, with what earlier rounding left over; warn when lanes cannot hold it.

    Args:
        base: the model that training started from.
        angles: `[quantum]` radians after training; weights: `[classical]`.
        rng: decides the stochastic rounding; the salt is always fresh.
        sent_share: the share of the lanes, the largest ones, that may be sent; the others wait in the residual.

    Raises:
        NotFinite: training diverged.
    """
    delta = compute_delta(angles, weights, base.lanes, terms.shape)
    for complaint in find_clipping(delta + residual, terms.shape, terms.format):
        log.warning("client %d, round %d: %s", client, terms.round, complaint)
    quantised = quantise(delta, residual, terms.shape, terms.format, terms.norm_bound, rng, sent_share)
    content = Content(
        kind=ContentKind.UPDATE,
        lane_bits=terms.format.lane_bits,
        round=terms.round,
        shard=terms.shard,
        count=0,
        author=client,
        shape=terms.shape,
        base_root=terms.base_root,
        lanes=quantised.lanes,
    )
    data = encode_briefly(content)
    return PreparedUpdate(data, lanes_root(content), content_digest(data), secrets.token_bytes(32), quantised.residual)
