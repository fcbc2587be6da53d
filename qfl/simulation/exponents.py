"""Lane exponents that are chosen from data before anything is deployed."""

from __future__ import annotations

from dataclasses import replace

from qfl.protocol.content import decode
from qfl.protocol.lanes import choose_exponents
from qfl.protocol.state import compute_delta, from_state
from qfl.protocol.types import RoundNumber, TrainingTask
from qfl.simulation.config import JobConfig
from qfl.simulation.prepare import genesis_model
from qfl.training.data.datasets import LabelledData
from qfl.training.job import JobDocument
from qfl.training.trainer import LocalTrainer, round_seed


def with_exponents(config: JobConfig, job: JobDocument, data: LabelledData) -> JobConfig:
    """`config` with its exponents in `protocol`, where they are to be chosen by what training on `data` changes.

    Raises:
        NotFinite: training diverged.
    """
    if config.exponents != "auto":
        return config
    genesis, content = genesis_model(job, config.seed)
    base, number = decode(content).lanes, RoundNumber(1)
    task = TrainingTask(*from_state(base, genesis.shape), round_seed(config.seed, 0, number), number)
    [trained] = LocalTrainer(job, [data]).train([task], [0])
    delta = compute_delta(trained.angles, trained.weights, base, genesis.shape)
    quantum, classical = choose_exponents(delta, genesis.shape, config.lane_bits)
    chosen = {"quantumExponent": quantum, "classicalExponent": classical}
    return replace(config, protocol={**chosen, **config.protocol})
