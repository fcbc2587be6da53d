"""Exponents from data: they fit what the recipe changes, and leave alone what the job has fixed."""

from dataclasses import replace

import numpy as np
import pytest

from experiments.learning.federation import Federation
from qfl.errors import InvalidInput
from qfl.protocol.lanes import SPANS
from qfl.simulation.config import JobConfig
from qfl.simulation.prepare import prepare_job, with_exponents

TINY = JobConfig(
    clients=2,
    rounds=1,
    classes=(0, 1),
    limit=80,
    lane_bits=8,
    exponents="auto",
    central_epochs=0,
    model={"qubits": 4, "layers": 2},
    training={"steps": 5},
)


def first_lanes(config: JobConfig) -> tuple[int, int]:
    """The largest lanes of angles and weights in the first client's first update."""
    job, _, shares = prepare_job(config)
    published = Federation(with_exponents(config, job, shares[0]), job, shares).step()
    lanes = np.abs(published.updates[0].lanes.astype(int))
    quantum = job.architecture.shape.quantum
    return int(lanes[:quantum].max()), int(lanes[quantum:].max())


@pytest.mark.parametrize("learning_rate", [0.002, 0.2])
def test_lanes_are_used_alike_however_far_training_goes(learning_rate: float) -> None:
    """A preset would leave all lanes of a slow recipe 0 or 1, and clip those of a fast one."""
    config = replace(TINY, training={**TINY.training, "learning_rate": learning_rate})
    for largest in first_lanes(config):
        assert SPANS[8] / 2 <= largest <= SPANS[8] + 1


def test_what_the_job_fixes_stays() -> None:
    job, _, shares = prepare_job(TINY)
    fixed = with_exponents(replace(TINY, protocol={"quantumExponent": 20}), job, shares[0])
    assert fixed.parameters()["quantumExponent"] == 20
    preset = replace(TINY, exponents="preset")
    assert with_exponents(preset, job, shares[0]) is preset


def test_exponents_do_not_tell_what_privacy_hides() -> None:
    with pytest.raises(InvalidInput, match="privacy_noise hides"):
        replace(TINY, training={"privacy_clip": 1.0, "privacy_noise": 4.0})
