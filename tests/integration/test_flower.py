"""Flower's rules as oracles: ours say the same of the same updates. They run in an environment of their own."""

import os
from collections.abc import Iterator

import numpy as np
import pytest

from experiments.poisoning.flower import Flower
from qfl.errors import InvalidInput
from qfl.protocol.types import ParticipantId, VerifiedUpdate

pytestmark = pytest.mark.rest

PYTHON = os.environ.get("QFL_FLOWER", "")
needs_flower = pytest.mark.skipif(
    not PYTHON, reason="QFL_FLOWER names no Python of an environment with flwr (see docs/results/robustness.md)"
)


@pytest.fixture
def flower() -> Iterator[Flower]:
    with Flower(PYTHON) as running:
        yield running


def updates(rows: np.ndarray) -> list[VerifiedUpdate]:
    return [VerifiedUpdate(i, ParticipantId(i + 1), b"", b"", row) for i, row in enumerate(rows)]


@needs_flower
@pytest.mark.parametrize("count", [1, 2, 5, 10, 11])
def test_trimmed_mean_and_median_are_flowers(flower: Flower, count: int) -> None:
    rows = np.random.default_rng(count).integers(-30_000, 30_000, (count, 300)).astype(np.int16)
    apart = flower.differences(updates(rows))
    assert max(apart.values()) < 1 / 256


@needs_flower
def test_multi_krum_leaves_out_who_is_far_away(flower: Flower) -> None:
    rows = np.random.default_rng(1).integers(-9, 9, (10, 300)).astype(float)
    rows[[2, 7]] += 40
    assert flower.krum(rows, 2) == [0, 1, 3, 4, 5, 6, 8, 9]


def test_an_environment_without_flower_is_named() -> None:
    with Flower("/bin/false") as nothing, pytest.raises(InvalidInput, match="flower=/bin/false"):
        nothing.median(np.zeros((2, 3)))
