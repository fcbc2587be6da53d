"""Training for several clients at once."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from qfl.client.client import Client
from qfl.errors import NotFinite
from qfl.protocol.types import ParticipantId, Trained, TrainingTask
from qfl.training.trainer import Trainer

log = logging.getLogger(__name__)


def train_together(trainer: Trainer, waiting: Sequence[tuple[Client, TrainingTask]]) -> dict[ParticipantId, Trained]:
    """Train clients in one batch; who diverges is left out, and the others begin again."""
    while waiting:
        try:
            trained = trainer.train([task for _, task in waiting], [client.index for client, _ in waiting])
            return {client.participant: result for (client, _), result in zip(waiting, trained, strict=True)}
        except NotFinite as fault:
            diverged = waiting[fault.index][0].participant
            log.warning("participant %d goes on without this step: %s", diverged, fault)
            waiting = [entry for position, entry in enumerate(waiting) if position != fault.index]
    return {}
