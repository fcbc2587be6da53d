"""A job's rounds without chain, keys and store: the same training, the same lanes, the same integer rule.

For comparing ways to learn over hundreds of rounds. Everything that decides the model is the protocol's own code, so a
run on a chain with one shard publishes the same models, bit for bit (`tests/integration/test_learning.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from qfl.chain.parameters import load_parameters
from qfl.client.update import prepare_update
from qfl.protocol.content import Content, decode, lanes_root
from qfl.protocol.recompute import expected_checkpoint, expected_model, model_content
from qfl.protocol.state import from_state, step_between, to_state
from qfl.protocol.types import (
    LaneFormat,
    ModelDelta,
    ParticipantId,
    RoundNumber,
    RoundSpec,
    ShardIndex,
    TrainingResult,
    TrainingTask,
    VerifiedUpdate,
)
from qfl.simulation.config import JobConfig
from qfl.training.data.datasets import LabelledData
from qfl.training.job import JobDocument
from qfl.training.trainer import LocalTrainer, round_seed, rounding_rng

SHARD = ShardIndex(0)


@dataclass(frozen=True)
class Published:
    """A round's model, the updates that clients sent, and those of them that it was made of."""

    round: RoundNumber
    model: Content
    updates: Sequence[VerifiedUpdate]
    included: Sequence[VerifiedUpdate]


class Chooser(Protocol):
    """Decides which updates of a round count."""

    def include(self, updates: Sequence[VerifiedUpdate], base: Content, spec: RoundSpec) -> list[VerifiedUpdate]:
        """Those of `updates`, for the round with `spec` on the model `base`."""


class Federation:
    """The clients of a job, and the model that they train, round by round."""

    def __init__(
        self, config: JobConfig, job: JobDocument, shares: Sequence[LabelledData], panel: Chooser | None = None
    ) -> None:
        """`panel` chooses among the updates; without one all are included."""
        from qfl.training.training import initial_parameters

        self._config, self._job, self._panel = config, job, panel
        self._trainer = LocalTrainer(job, shares)
        self._shape = job.architecture.shape
        self._parameters = load_parameters(**config.parameters()).rounds
        state = to_state(*initial_parameters(job.architecture, config.seed))
        self.model = model_content(RoundNumber(0), state, self._shape)
        self._residuals = {client: np.zeros(self._shape.total) for client in range(config.clients)}
        self._step: NDArray[np.float64] | None = None
        self._controls: dict[int, NDArray[np.float64] | None] = dict.fromkeys(range(config.clients))
        self._round = RoundNumber(0)

    def step(self) -> Published:
        """Train, encode, aggregate and publish one round.

        Raises:
            NotFinite: training diverged.
        """
        self._round = RoundNumber(self._round + 1)
        clients, base, spec = range(self._config.clients), self.model, self._spec()
        trained = self._train_all()
        updates = [self._encode(client, spec, result) for client, result in zip(clients, trained, strict=True)]
        included = updates if self._panel is None else self._panel.include(updates, base, spec)
        result = expected_checkpoint(spec, 0, included, reveals=())
        aggregate = decode(result.content)
        self._publish(expected_model(self._round, base, [result.checkpoint], [aggregate], spec.format).model)
        return Published(self._round, self.model, updates, included)

    def _publish(self, model: Content) -> None:
        self._step, self.model = step_between(self.model, model), model

    def _train_all(self) -> Sequence[TrainingResult]:
        """What the clients have trained from the model; they keep their control variates."""
        clients = range(self._config.clients)
        trained = self._train([self._task(client) for client in clients])
        self._controls = {client: result.control for client, result in zip(clients, trained, strict=True)}
        return trained

    def _train(self, tasks: Sequence[TrainingTask]) -> Sequence[TrainingResult]:
        """What each client says it has trained."""
        return self._trainer.train(tasks, range(len(tasks)))

    def _task(self, client: int) -> TrainingTask:
        start, seed = from_state(self.model.lanes, self._shape), round_seed(self._config.seed, client, self._round)
        own = self._controls[client]
        model_delta = None if self._step is None else ModelDelta(RoundNumber(self._round - 1), self._step, own)
        return TrainingTask(*start, seed, self._round, model_delta)

    def _spec(self) -> RoundSpec:
        names = "laneBits", "quantumExponent", "classicalExponent"
        lane_format = LaneFormat(*(self._parameters[name] for name in names))
        bounds = self._parameters["trimBps"], self._parameters["normBound"]
        return RoundSpec(self._round, SHARD, lanes_root(self.model), self._shape, lane_format, *bounds)

    def _encode(self, client: int, spec: RoundSpec, trained: TrainingResult) -> VerifiedUpdate:
        participant, rng = ParticipantId(client + 1), rounding_rng(self._config.seed, client, spec.round)
        residual = self._residuals[client]
        update = prepare_update(participant, spec, base=self.model, trained=trained, residual=residual, rng=rng)
        self._residuals[client] = update.residual
        lanes = decode(update.content).lanes
        return VerifiedUpdate(client, participant, update.update_root, update.content_digest, lanes)
