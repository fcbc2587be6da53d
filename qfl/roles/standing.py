"""The models that stand, for who only reads them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qfl.chain.ledger import Ledger
from qfl.codec.state import from_state
from qfl.errors import InvalidInput
from qfl.job import JobDocument, fetch_job
from qfl.roles.loop import published_rounds
from qfl.roles.terms import read_model
from qfl.storage.store import ContentStore
from qfl.types import RoundNumber


@dataclass(frozen=True)
class StandingModel:
    """A published model, by its round (0: genesis): the job it is of, `angles` `[quantum]`, `weights` `[classical]`."""

    round: RoundNumber
    job: JobDocument
    angles: NDArray[np.float64]
    weights: NDArray[np.float64]


def read_standing(ledger: Ledger, store: ContentStore, number: int | None) -> StandingModel:
    """The model of round `number`, or the latest one, checked against the beacon.

    Raises:
        InvalidInput: no model of that round stands.
        ModelRejected, MalformedContent, StorageError.
    """
    published = [RoundNumber(0), *published_rounds(ledger)]
    if number is not None and number not in published:
        raise InvalidInput("round", number, f"has no model that stands; the last one that has is {published[-1]}")
    chosen = published[-1] if number is None else RoundNumber(number)
    job = fetch_job(store, ledger.beacon.architecture_digest())
    model = read_model(ledger, store, chosen)
    return StandingModel(chosen, job, *from_state(model.lanes, model.shape))
