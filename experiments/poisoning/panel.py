"""A committee's decision without a chain: seats in a random order, each with its own data and its own opinion."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qfl.protocol.content import Content
from qfl.protocol.history import Round, count_histories
from qfl.protocol.quorum import quorum_of
from qfl.protocol.types import RoundSpec, VerifiedUpdate
from qfl.training.data.datasets import LabelledData
from qfl.training.job import JobDocument
from qfl.validator.selection import Scorer


class Panel:
    """The validators of a job as one committee, which remembers what a chain would say of every client.

    Attributes:
        turns: for each round, how many proposals it took; 0 where none found a quorum, and all updates were included.
    """

    def __init__(self, job: JobDocument, data: Sequence[LabelledData], seed: int) -> None:
        """`data` is each validator's."""
        self._opinions = [Scorer(job, own, seed=seed + seat) for seat, own in enumerate(data)]
        self._seed = seed
        self._rounds: list[Round] = []
        self.turns: list[int] = []

    def include(self, updates: Sequence[VerifiedUpdate], base: Content, spec: RoundSpec) -> list[VerifiedUpdate]:
        """The updates of the first proposal that a quorum of seats takes."""
        seats = np.random.default_rng([self._seed, spec.round, 2]).permutation(len(self._opinions))
        histories = count_histories(self._rounds)
        policies = [self._opinions[seat].of(updates, base, spec=spec, histories=histories) for seat in seats]
        chosen, self.turns = list(updates), [*self.turns, 0]
        for turn, policy in enumerate(policies):
            proposed = policy.choose(updates)
            mask = sum(1 << update.index for update in proposed)
            votes = sum(other is policy or other.accepts(updates, mask, turn=turn) for other in policies)
            if votes >= quorum_of(len(policies)):
                chosen, self.turns[-1] = proposed, turn + 1
                break
        self._rounds.append({update.client: update in chosen for update in updates})
        return chosen
