"""Differential privacy of updates: what is sent is bounded and noisy, and what it is worth is said."""

import math
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from experiments.learning.federation import Federation
from qfl.errors import ExtraMissing
from qfl.simulation.config import JobConfig
from qfl.simulation.prepare import prepare_job
from qfl.training.differential_privacy import DELTA, privatise, spent_epsilon

TINY = JobConfig(
    clients=2,
    rounds=2,
    lane_bits=16,
    classes=(0, 1),
    limit=40,
    model={"qubits": 4, "layers": 2},
    training={"steps": 4, "batch_size": 4, "privacy_clip": 0.5, "privacy_noise": 0.1},
)


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=20), st.floats(0.01, 10))
def test_without_noise_a_change_is_only_shortened(values, clip):
    change = np.array(values)
    bounded = privatise(change, clip, 0.0, np.random.default_rng(0))
    assert np.linalg.norm(bounded) <= clip * (1 + 1e-9)
    assert bounded == pytest.approx(change * min(1.0, clip / max(np.linalg.norm(change), 1e-300)), rel=1e-9)


def test_noise_is_in_lengths_of_the_clip():
    noisy = privatise(np.zeros(20_000), 0.5, 3.0, np.random.default_rng(1))
    # Five standard errors of a standard deviation: 5 / sqrt(2 * 20000).
    assert noisy.std() == pytest.approx(1.5, rel=0.025)
    assert noisy.mean() == pytest.approx(0, abs=5 * 1.5 / math.sqrt(20_000))


@pytest.mark.parametrize(("noise", "updates"), [(4.0, 1), (8.0, 10), (40.0, 25)])
def test_epsilon_is_that_of_the_gaussian_mechanism(noise, updates):
    """A bound, and not a loose one: at the accountant's epsilon the exact delta is below ours, at 0.85 of it above.

    Balle and Wang 2018 (arXiv:1805.06530, theorem 8); so many updates are one with the noise over their root.
    """
    pytest.importorskip("opacus", reason="opacus is missing: pip install -e '.[dp]'")
    epsilon, ratio = spent_epsilon(noise, updates), 2 * math.sqrt(updates) / noise

    def exact_delta(epsilon: float) -> float:
        above, below = norm.cdf(ratio / 2 - epsilon / ratio), norm.cdf(-ratio / 2 - epsilon / ratio)
        return float(above - math.exp(epsilon) * below)

    assert exact_delta(epsilon) <= DELTA < exact_delta(0.85 * epsilon)


def test_epsilon_grows_with_every_update_and_is_nothing_without_any():
    pytest.importorskip("opacus", reason="opacus is missing: pip install -e '.[dp]'")
    assert spent_epsilon(8.0, 0) == 0 < spent_epsilon(8.0, 1) < spent_epsilon(8.0, 2)


def test_a_job_without_its_accountant_does_not_begin(monkeypatch):
    monkeypatch.setitem(sys.modules, "opacus.accountants", None)
    with pytest.raises(ExtraMissing, match=r"qflchain\[dp\]"):
        prepare_job(TINY)


def test_what_a_client_sends_has_bound_and_noise():
    pytest.importorskip("opacus", reason="opacus is missing: pip install -e '.[dp]'")
    job, _, shares = prepare_job(TINY)
    first, again = (Federation(TINY, job, shares).step() for _ in range(2))
    for one, other in zip(first.updates, again.updates, strict=True):
        # The same training, so the two differ by noise alone: twice the variance of 0.05 radians for each.
        difference = (one.lanes.astype(float) - other.lanes)[: job.architecture.shape.quantum]
        radians = difference * 2.0**14 * 4 * math.pi / 2**32
        assert radians.std() == pytest.approx(0.05 * math.sqrt(2), rel=5 / math.sqrt(2 * radians.size))
