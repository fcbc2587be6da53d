"""The models that stand: for who only reads them, and what they say of each client."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qfl.chain.contracts.beacon import RoundState
from qfl.chain.ledger import Ledger, tolerating_shard
from qfl.errors import InvalidInput
from qfl.node.recompute import read_model
from qfl.protocol.history import HISTORY_ROUNDS, Histories, Round, count_histories
from qfl.protocol.state import from_state
from qfl.protocol.types import ParticipantId, RoundNumber
from qfl.storage.store import ContentStore
from qfl.training.job import JobDocument, fetch_job

STANDING = RoundState.PUBLISHED, RoundState.FINAL


@dataclass(frozen=True)
class StandingModel:
    """A published model, by its round (0: genesis): the job it is of, `angles` `[quantum]`, `weights` `[classical]`."""

    round: RoundNumber
    job: JobDocument
    angles: NDArray[np.float64]
    weights: NDArray[np.float64]


def read_standing(ledger: Ledger, store: ContentStore, number: int | None) -> StandingModel:
    """The model of round `number`, or the latest one, checked against the beacon.

    Raises InvalidInput: no model of that round stands; ModelRejected, MalformedContent, StorageError.
    """
    published = [RoundNumber(0), *published_rounds(ledger)]
    if number is not None and number not in published:
        raise InvalidInput("round", number, f"has no model that stands; the last one that has is {published[-1]}")
    chosen = published[-1] if number is None else RoundNumber(number)
    job = fetch_job(store, ledger.beacon.architecture_digest())
    model = read_model(ledger, store, chosen)
    return StandingModel(chosen, job, *from_state(model.lanes, model.shape))


def published_rounds(ledger: Ledger, after: int = 0) -> list[RoundNumber]:
    """The rounds after a certain one whose models stand, oldest first."""
    numbers = (RoundNumber(number) for number in range(after + 1, ledger.beacon.current_round() + 1))
    return [number for number in numbers if ledger.beacon.round_at(number).state in STANDING]


def read_histories(ledger: Ledger, before: RoundNumber) -> Histories:
    """What the models that stand say of each client, over the last rounds before `before`.

    A shard whose own chain does not answer is left out: an opinion can do without.
    """
    rounds = map(RoundNumber, range(max(1, before - HISTORY_ROUNDS), before))
    return count_histories([_read_round(ledger, number) for number in rounds])


def _read_round(ledger: Ledger, number: RoundNumber) -> Round:
    round_ = ledger.round(number)
    if round_.record().state not in STANDING:
        return {}
    was_included: dict[ParticipantId, bool] = {}
    for entry in round_.accepted():
        checkpoint = entry.checkpoint
        with tolerating_shard(checkpoint.shard):
            reveals = round_.shard(checkpoint.shard).reveals()
            was_included |= {reveal.client: bool(checkpoint.included >> reveal.index & 1) for reveal in reveals}
    return was_included
