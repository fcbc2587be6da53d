"""One run of a job with poisoning clients behind one defence: what the model is worth, and who was left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from experiments.jobs import changed
from experiments.learning.federation import Chooser, Federation, Published
from experiments.poisoning.poison import Poison, Sight, Vector
from experiments.poisoning.poisons import Backdoor
from qfl.protocol.content import Content
from qfl.protocol.history import Round, count_histories
from qfl.protocol.quorum import quorum_of
from qfl.protocol.rule import MEDIAN
from qfl.protocol.state import from_state
from qfl.protocol.types import RoundSpec, TrainingResult, TrainingTask, VerifiedUpdate
from qfl.simulation.config import JobConfig
from qfl.simulation.prepare import prepare_job, validation_shares
from qfl.training.data.datasets import Dataset, LabelledData
from qfl.training.job import JobDocument
from qfl.validator.selection import Scorer

NOBODY = Poison()


@dataclass(frozen=True)
class Defence:
    """A way to aggregate: `trim_bps` of the rule, and whether a committee judges the updates first."""

    name: str
    title: str
    trim_bps: int
    is_judged: bool = False


DEFENCES = (
    Defence("mean", "federated averaging", 0),
    Defence("trimmed", "trimmed mean", 3000),
    Defence("median", "median", MEDIAN),
    Defence("judged", "judged", 0, is_judged=True),
)


@dataclass(frozen=True)
class Outcome:
    """What a run came to; shares are in [0, 1].

    Attributes:
        accuracy: of the last model on the test set.
        trigger: how often the last model calls a test sample with a backdoor's trigger the target, of those that are
            not; 0 where there is no backdoor.
        honest_left_out: share of honest updates that were not included.
        honest_trimmed: share of the honest lanes among the included that the rule did not count.
        attackers_left_out: share of the attackers' updates that were not included.
        turns: proposals that a round's decision took, mean.
    """

    accuracy: float
    trigger: float
    honest_left_out: float
    honest_trimmed: float
    attackers_left_out: float
    turns: float


class Panel:
    """The validators of a job as one committee that decides without a chain, in a random order of its seats.

    Each has its own data and its own opinion; it remembers what a chain would say of every client.

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


class PoisonedFederation(Federation):
    """A job's rounds in which the clients `attackers` (indexes) follow `poison`, and collude where it says so."""

    def __init__(
        self,
        config: JobConfig,
        job: JobDocument,
        shares: Sequence[LabelledData],
        poison: Poison,
        attackers: Sequence[int],
        panel: Chooser | None = None,
    ) -> None:
        classes = job.architecture.classes
        tainted = [
            poison.taint(share, classes) if client in attackers else share for client, share in enumerate(shares)
        ]
        super().__init__(config, job, tainted, panel)
        self._poison, self._attackers = poison, list(attackers)
        self._previous = np.zeros(job.architecture.shape.total)

    def step(self) -> Published:
        """As `Federation.step`; everybody sees what a round does to the model."""
        before = _vector(*from_state(self.model.lanes, self.model.shape))
        published = super().step()
        moved = _vector(*from_state(self.model.lanes, self.model.shape)) - before
        quantum = self.model.shape.quantum
        moved[:quantum] -= 4 * np.pi * np.rint(moved[:quantum] / (4 * np.pi))
        self._previous = moved
        return published

    def _train(self, tasks: Sequence[TrainingTask]) -> Sequence[TrainingResult]:
        """Honest clients train in one batch, attackers in another: their circuit may begin at other angles."""
        if not self._attackers:
            return super()._train(tasks)
        honest = [client for client in range(len(tasks)) if client not in self._attackers]
        arch, base = self._job.architecture, _vector(tasks[0].angles, tasks[0].weights)
        entered = [
            replace(tasks[client], angles=self._poison.enter(tasks[client].angles, arch)) for client in self._attackers
        ]
        trained = dict(zip(honest, self._trainer.train([tasks[client] for client in honest], honest), strict=True))
        hostile = self._trainer.train(entered, self._attackers)
        own = [_vector(self._poison.leave(result.angles, arch), result.weights) - base for result in hostile]
        known = [_vector(result.angles, result.weights) - base for result in trained.values()]
        sight = Sight(
            base=base,
            previous=self._previous,
            own=np.stack(own),
            honest=np.stack(known) if self._poison.omniscient else np.empty((0, len(base))),
            shape=self._job.architecture.shape,
            rng=np.random.default_rng([self._config.seed, tasks[0].round, 3]),
        )
        for client, result, delta in zip(self._attackers, hostile, own, strict=True):
            sent = base + self._poison.send(delta, sight, arch)
            angles, weights = np.split(sent, [sight.shape.quantum])
            trained[client] = replace(result, angles=angles, weights=weights)
        return [trained[client] for client in range(len(tasks))]


def _vector(angles: Vector, weights: Vector) -> Vector:
    return np.concatenate([angles, weights])


@dataclass(frozen=True)
class Field:
    """A job and its data, made once for all attacks and defences with the same seed."""

    config: JobConfig
    job: JobDocument
    dataset: Dataset
    shares: Sequence[LabelledData]
    held: Sequence[LabelledData]

    @classmethod
    def prepare(cls, config: JobConfig) -> Field:
        """Load and deal the data."""
        job, dataset, shares = prepare_job(config)
        return cls(config, job, dataset, shares, validation_shares(config, dataset))

    def attackers(self, percent: int) -> list[int]:
        """Which clients attack: fewer are among more, and which they are is drawn by the seed."""
        order = np.random.default_rng([self.config.seed, 4]).permutation(self.config.clients)
        return sorted(order[: round(percent * self.config.clients / 100)].tolist())

    def first_updates(self) -> Sequence[VerifiedUpdate]:
        """What honest clients send in the first round."""
        return PoisonedFederation(self.config, self.job, self.shares, NOBODY, []).step().updates

    def run(
        self, poison: Poison, attackers: Sequence[int], defence: Defence, chooser: Chooser | None = None
    ) -> Outcome:
        """Run all rounds; `chooser`, where given, leaves updates out in place of a committee.

        Raises:
            NotFinite: training diverged.
        """
        from qfl.training.training import evaluate

        config = changed(self.config, {"protocol": {"trimBps": defence.trim_bps}})
        panel = Panel(self.job, self.held, config.seed) if defence.is_judged else None
        federation = PoisonedFederation(config, self.job, self.shares, poison, attackers, panel or chooser)
        rounds = [federation.step() for _ in range(config.rounds)]
        model = self.job.architecture, *from_state(federation.model.lanes, federation.model.shape)
        sent = [(update, update in published.included) for published in rounds for update in published.updates]
        honest = [included for update, included in sent if update.index not in attackers]
        hostile = [included for update, included in sent if update.index in attackers]
        trimmed = [_honest_trimmed(published.included, attackers, defence.trim_bps) for published in rounds]
        trigger = 0.0
        if isinstance(poison, Backdoor):
            trigger = evaluate(*model, poison.shown(self.dataset.test)).accuracy
        return Outcome(
            evaluate(*model, self.dataset.test).accuracy,
            trigger,
            1 - float(np.mean(honest)),
            float(np.mean(trimmed)),
            1 - float(np.mean(hostile)) if hostile else 0.0,
            float(np.mean(panel.turns)) if panel else 1.0,
        )


def _honest_trimmed(included: Sequence[VerifiedUpdate], attackers: Sequence[int], trim_bps: int) -> float:
    """Share of the honest lanes that the trimmed mean does not count; of equal ones, those sent later are higher."""
    count = len(included)
    trim = min(trim_bps * count // 10_000, (count - 1) // 2)
    ranks = np.stack([update.lanes for update in included]).argsort(axis=0, kind="stable").argsort(axis=0)
    honest = [update.index not in attackers for update in included]
    return float(np.mean((ranks[honest] < trim) | (ranks[honest] >= count - trim))) if any(honest) else 0.0
