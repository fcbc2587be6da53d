"""The job that attacks are tried on: real training of a real quantum model, small enough to run fifty times."""

from __future__ import annotations

from dataclasses import dataclass, replace

from qfl.chain.deploy import Genesis
from qfl.simulation.config import JobConfig
from qfl.simulation.prepare import genesis_model, prepare_job
from qfl.training.data.datasets import LabelledData
from qfl.training.job import JobDocument

CLIENTS, ATTACKING_CLIENTS = 3, 1
CONFIG = JobConfig(
    clients=CLIENTS + ATTACKING_CLIENTS,
    rounds=2,
    classes=(0, 1),
    limit=80,
    model={"encoding": "angle", "qubits": 4, "layers": 3, "head": False, "features": 4},
    training={"steps": 3, "batch_size": 8},
)
"""Two digits on four qubits, 36 angles."""


@dataclass(frozen=True)
class SmallJob:
    """The job, its first model, and the data of each client."""

    document: JobDocument
    genesis: tuple[Genesis, bytes]
    shares: list[LabelledData]

    @classmethod
    def load(cls, mode: str) -> SmallJob:
        """Prepare it in this mode: seconds the first time, for torch's sake."""
        config = replace(CONFIG, mode=mode)
        document, _, shares = prepare_job(config)
        return cls(document, genesis_model(document, config.seed), shares)
