"""Validators that do nothing in a round: some of all, or a whole committee."""

from collections.abc import Sequence

import numpy as np

from qfl.protocol.types import ParticipantId, RoundNumber, ShardIndex
from qfl.simulation.faults.config import ShardInRound
from qfl.simulation.faults.fault import FAULTS, Fault, Scene

STREAM = 7  # sets these draws apart from the others of the same seed


@FAULTS.register("silence")
class Silence(Fault):
    """In each round a share of the validators, and the committees of certain shards in certain rounds."""

    def __init__(self, scene: Scene, *, share: float = 0.0, committees: Sequence[ShardInRound] = ()) -> None:
        super().__init__(scene)
        self._share, self._committees = share, committees
        self._silent: dict[RoundNumber, frozenset[ParticipantId]] = {}

    def answers(self, round_number: RoundNumber, validator: ParticipantId) -> bool:
        if round_number not in self._silent:
            self._silent = {round_number: self._silent_in(round_number)}
        return validator not in self._silent[round_number]

    def _silent_in(self, round_number: RoundNumber) -> frozenset[ParticipantId]:
        rng, validators = np.random.default_rng([self.scene.seed, STREAM, round_number]), self.scene.validators
        count = int(self._share * len(validators) + rng.random())
        silent = {validators[index] for index in rng.permutation(len(validators))[:count]}
        for place in self._committees:
            if place.round == round_number:
                silent.update(self.scene.ledger.beacon.committee(round_number, ShardIndex(place.shard)))
        return frozenset(silent)
