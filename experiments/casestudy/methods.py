"""What is compared, and at which size."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from qfl.simulation.config import JobConfig

CALM = "calm"
"""The case without attackers."""
ATTACKERS_PERCENT = 30
VALIDATION_PERCENT = 20
"""Of the training data, which validators hold to judge by. Clients of no method have it, so all learn from the same."""
PLAIN = {"training": {"control_variates": False}}
"""Federated averaging (McMahan et al. 2017, arXiv:1602.05629): clients keep nothing from round to round."""


@dataclass(frozen=True)
class Method:
    """A way to learn together: what it changes in the job, and which defence (`poisoning/trial.py`) it has."""

    name: str
    title: str
    about: str
    defence: str
    changes: Mapping[str, Any] = field(default_factory=dict)


QFLCHAIN = Method(
    "qflchain",
    "QFLchain",
    "quantum model; momentum and control variates; a committee leaves out what its own data say is harmful, the others "
    "are averaged",
    "judged",
)
PLAIN_QFL = Method(
    "plain",
    "plain QFL",
    "the same quantum model; federated averaging, all updates averaged. On a flat chain the model is the same: "
    "validators there agree on the average of whatever was sent",
    "mean",
    PLAIN,
)
CLASSICAL = Method(
    "classical",
    "classical FL",
    "a perceptron of as many parameters, fed with the same pixels; federated averaging, all updates averaged",
    "mean",
    {**PLAIN, "model": {"ansatz": "classical"}},
)
METHODS = {method.name: method for method in (QFLCHAIN, PLAIN_QFL, CLASSICAL)}


@dataclass(frozen=True)
class Size:
    """How much is run.

    Attributes:
        seeds: of the learning and of the bytes.
        clients, rounds: of the learning.
        poisons: attacks on the model, by their names in docs/results/robustness.md.
        target: accuracy that bytes are counted until.
        deciding_clients, validators, repetitions: of `qfl bench consensus`; energy has the same clients and validators.
        energy_rounds: of the job that energy is of.
        attacks: attacks on the protocol, by their names in `qfl attack --list`.
    """

    seeds: tuple[int, ...] = (1, 2, 3)
    clients: int = 10
    rounds: int = 10
    poisons: tuple[str, ...] = ("sign-flip", "label-flip", "inner-product")
    target: float = 0.9
    deciding_clients: int = 32
    validators: int = 16
    repetitions: int = 2
    energy_rounds: int = 2
    attacks: tuple[str, ...] = (
        *("forged-sender", "copied-commitment", "over-norm", "lying-proposer", "lying-majority"),
        *("withholding-publisher", "hidden-update"),
    )

    def job(self, seed: int) -> JobConfig:
        """The job that is learnt: the digits, unevenly dealt out."""
        return JobConfig(
            clients=self.clients,
            rounds=self.rounds,
            seed=seed,
            partition="dirichlet:0.5",
            validation_percent=VALIDATION_PERCENT,
        )


REDUCED = Size(
    *((1,), 4, 2, ("sign-flip",)),
    target=0.3,
    deciding_clients=4,
    repetitions=1,
    energy_rounds=1,
    attacks=("forged-sender",),
)
"""To see whether it all runs; its figures mean nothing."""
