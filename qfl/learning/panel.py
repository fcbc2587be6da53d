"""A committee's decision without a chain: seats in a random order, each with its own data and its own opinion."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qfl.codec.content import Content
from qfl.committee.bundle import quorum_of
from qfl.committee.history import Round, count_histories
from qfl.committee.updates import Terms, VerifiedUpdate
from qfl.data.datasets import LabelledData
from qfl.job import JobDocument
from qfl.roles.opinion import Opinion


class Panel:
    """The validators of a job as one committee, which remembers what a chain would say of every client.

    Attributes:
        turns: for each round, how many proposals it took; 0 where none found a quorum, and all updates were included.
    """

    def __init__(self, job: JobDocument, data: Sequence[LabelledData], seed: int) -> None:
        """`data` is each validator's."""
        self._opinions = [Opinion(job, own, seed + seat) for seat, own in enumerate(data)]
        self._seed = seed
        self._rounds: list[Round] = []
        self.turns: list[int] = []

    def include(self, updates: Sequence[VerifiedUpdate], base: Content, terms: Terms) -> list[VerifiedUpdate]:
        """The updates of the first proposal that a quorum of seats takes."""
        seats = np.random.default_rng([self._seed, terms.round, 2]).permutation(len(self._opinions))
        histories = count_histories(self._rounds)
        judgements = [self._opinions[seat].of(updates, base, terms, histories) for seat in seats]
        chosen, self.turns = list(updates), [*self.turns, 0]
        for turn, judgement in enumerate(judgements):
            proposed = judgement.choose(updates)
            mask = sum(1 << update.index for update in proposed)
            votes = sum(other is judgement or other.accepts(updates, mask, turn) for other in judgements)
            if votes >= quorum_of(len(judgements)):
                chosen, self.turns[-1] = proposed, turn + 1
                break
        self._rounds.append({update.client: update in chosen for update in updates})
        return chosen
