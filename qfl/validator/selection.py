"""A seat's opinion of updates that pass every objective check: whom it leaves out, and what it lets others propose.

An opinion costs nobody a stake: an update that is left out earns nothing, that is all. Seats judge by their own data,
so their scores differ a little; an attester therefore takes a proposal that it could almost have made itself, and takes
more after the first turn, so that a committee of honest seats comes to a decision. Clients who know the score get past
it, and have others left out: docs/results/robustness.md, "Open to who knows it".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from qfl.protocol.content import Content
from qfl.protocol.history import Histories, History
from qfl.protocol.state import ANGLE_UNIT, WEIGHT_UNIT, from_state
from qfl.protocol.types import RoundSpec, VerifiedUpdate
from qfl.training.data.datasets import LabelledData
from qfl.training.job import JobDocument

WORST_GAIN = 1.0
"""Nats a sample that an update may be worth less than the median one in a job's first round, at most."""
USUAL_GAINS = 6.0
"""And in median absolute deviations of all gains: of 10 honest clients with Dirichlet(0.5), Dirichlet(0.1) or two
classes each, 1 of 1000, of 100 and of 100 updates is further off. Late rounds change little, and bear little."""
LEAST_GAIN = 0.05
"""Nats that are borne in any case: what chance makes of 36 samples where all updates are alike."""
WORST_AGREEMENT = 0.2
"""How far an update may point the other way: the same 1 of 100 have a cosine of -0.2 to 36 samples' own training."""
BY_CHANCE = 3.5
"""And how far in any case, in standard deviations of the cosine between random directions, for small models."""
COPY = 0.95
"""Cosine of two updates from which on one is a copy: of clients that train on their own data it was 0.67 at most in the
first round, where all data is alike, and 0.76 in later ones; attackers can make it more (`poisoning/unseen.py`)."""
HARMFUL = -1.0
"""A score below this is left out."""
HISTORY_WEIGHT = 0.5
"""The most that a client's history takes off its score."""
SLACK = 1.0
"""How far a score may be on the other side of `HARMFUL` in the first turn, when another seat proposes; later ones add
as much once."""


class SelectionPolicy:
    """What a seat thinks of a round's updates; without an opinion, that all that pass the objective checks are good.

    `is_shared` says whether every honest seat that can read the same updates thinks the same.
    """

    is_shared = True

    def choose(self, updates: Sequence[VerifiedUpdate]) -> list[VerifiedUpdate]:
        """Those of `updates` to propose; at least one when there is any."""
        return list(updates)

    def accepts(self, updates: Sequence[VerifiedUpdate], included: int, *, turn: int) -> bool:
        """Whether to attest `included`, another bitmap than what it chose, when that is proposed in `turn`."""
        return False


LENIENT = SelectionPolicy()


@dataclass(frozen=True)
class Scored(SelectionPolicy):
    """An opinion by scores: `scores` by the updates' index, higher is better, `HARMFUL` the border."""

    scores: Mapping[int, float]
    is_shared = False

    def choose(self, updates: Sequence[VerifiedUpdate]) -> list[VerifiedUpdate]:
        """Where all seem harmful, the best one: a round needs one, and the others may know better."""
        chosen = [update for update in updates if self.scores[update.index] >= HARMFUL]
        return chosen or sorted(updates, key=lambda update: self.scores[update.index])[-1:]

    def accepts(self, updates: Sequence[VerifiedUpdate], included: int, *, turn: int) -> bool:
        """Whether no included update is clearly harmful, and none that is left out clearly is not."""
        if not any(included >> update.index & 1 for update in updates):
            return False
        slack = SLACK * (1 + min(turn, 1))
        agrees = (
            self.scores[update.index] >= HARMFUL - slack
            if included >> update.index & 1
            else self.scores[update.index] < HARMFUL + slack
            for update in updates
        )
        return all(agrees)


def score_updates(
    updates: Sequence[VerifiedUpdate],
    *,
    gains: NDArray[np.float64],
    agreements: NDArray[np.float64],
    histories: Histories,
    pace: float = 1.0,
) -> Scored:
    """An opinion from what `qfl.training.training.assess_updates` says of `updates`, at least one, and from histories.

    The score is the worse of gain and agreement, each in units of what is just bearable, less a share of
    `HISTORY_WEIGHT` for what was left out before. Gains are taken beside the median one, and by how much they usually
    differ in this round: most clients are honest. Of colluders that send the same, the first one alone may stay.

    `pace` is how far honest updates differ in gain beside those of the first round, in (0, 1].
    """
    worst_agreement = max(WORST_AGREEMENT, BY_CHANCE / sqrt(len(updates[0].lanes)))
    beside = gains - np.median(gains)
    worst_gain = min(max(LEAST_GAIN, USUAL_GAINS * float(np.median(np.abs(beside)))), WORST_GAIN * pace)
    worse = np.minimum(beside / worst_gain, agreements / worst_agreement)
    left_out = [histories.get(update.client, History()).left_out for update in updates]
    scores = worse - HISTORY_WEIGHT * np.array(left_out)
    scores[_find_copies(updates)] = -np.inf
    return Scored({update.index: float(score) for update, score in zip(updates, scores, strict=True)})


def _find_copies(updates: Sequence[VerifiedUpdate]) -> NDArray[np.bool_]:
    """Which updates are as alike as copies to one that was revealed before; nobody can have copied an honest one."""
    lanes = np.stack([update.lanes for update in updates]).astype(np.float64)
    directions = lanes / np.maximum(np.linalg.norm(lanes, axis=1, keepdims=True), 1.0)
    copies: NDArray[np.bool_] = np.tril(directions @ directions.T > COPY, -1).any(axis=1)
    return copies


class Scorer:
    """Forms `Scored` judgements by `data`; `seed` decides in which order its own training sees the samples."""

    def __init__(self, job: JobDocument, data: LabelledData, *, seed: int) -> None:
        self._job, self._data, self._seed = job, data, seed
        self._own: tuple[RoundSpec, NDArray[np.float64]] | None = None

    def prepare(self, base: Content, spec: RoundSpec) -> NDArray[np.float64]:
        """Train on the own data while there is no update to judge yet; `of` asks for the same (`[d]`).

        Raises:
            InvalidInput: the data does not fit the job's model.
            NotFinite: training on it diverged.
        """
        from qfl.training.training import train_clients

        if self._own is None or self._own[0] != spec:
            seed = int(np.random.SeedSequence([self._seed, spec.round]).generate_state(1)[0])
            start, config = from_state(base.lanes, base.shape), self._job.training_in(spec.round)
            (trained,) = train_clients(self._job.architecture, *start, [self._data], config, [seed])
            self._own = spec, np.concatenate([trained.angles - start[0], trained.weights - start[1]])
        return self._own[1]

    def of(self, updates: Sequence[VerifiedUpdate], base: Content, *, spec: RoundSpec, histories: Histories) -> Scored:
        """What it thinks of verified updates of one round, whose base model is `base`. Raises as `prepare`."""
        from qfl.training.training import assess_updates

        start, deltas = from_state(base.lanes, base.shape), [decode_delta(update.lanes, spec) for update in updates]
        own = self.prepare(base, spec)
        quality = assess_updates(self._job.architecture, *start, deltas, self._data, own)
        # What honest updates cost falls with their steps: by a tenth of the rate, to about a third.
        pace = sqrt(self._job.training_in(spec.round).learning_rate / self._job.training.learning_rate)
        return score_updates(
            updates, gains=quality.gains, agreements=quality.agreements, histories=histories, pace=pace
        )


def decode_delta(lanes: NDArray[np.signedinteger], spec: RoundSpec) -> NDArray[np.float64]:
    """What an update's lanes (`[d]`) change: radians, then weights."""
    fmt, shape = spec.format, spec.shape
    steps = ANGLE_UNIT * 2.0**fmt.quantum_exponent, WEIGHT_UNIT * 2.0**fmt.classical_exponent
    delta: NDArray[np.float64] = lanes * np.repeat(steps, [shape.quantum, shape.classical])
    return delta
