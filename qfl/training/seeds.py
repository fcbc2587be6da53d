"""The seeds of one client in one round: what it sees of its data, and how its update is rounded."""

from __future__ import annotations

import numpy as np

from qfl.protocol.types import (
    RoundNumber,
)


def round_seed(seed: int, index: int, round_number: RoundNumber) -> int:
    """Decides which samples a client's steps see in a round."""
    return int(np.random.SeedSequence([seed, index, round_number]).generate_state(1)[0])


def rounding_rng(seed: int, index: int, round_number: RoundNumber) -> np.random.Generator:
    """Decides how a client's update is rounded in a round."""
    return np.random.default_rng([seed, index, round_number, 1])
