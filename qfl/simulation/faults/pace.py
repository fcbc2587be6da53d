"""How long a client needs for a round: simulated time of a made-up device on a link of `links.toml`, by the seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qfl.simulation.faults.config import Dynamics
from qfl.simulation.faults.links import find_link

STREAM = 6
"""Sets these draws apart from the others of the same seed."""


@dataclass(frozen=True)
class Payload:
    """Bytes that a client moves in a round: the `model` down; the `commit` transaction, then the update and the
    transaction that reveals it up."""

    model: int
    commit: int
    reveal: int


@dataclass(frozen=True)
class Pace:
    """Simulated seconds of one client in one round."""

    download: float
    train: float
    commit_upload: float
    reveal_upload: float

    @property
    def commit(self) -> float:
        """From the opening of the round to the commitment's arrival."""
        return self.download + self.train + self.commit_upload

    @property
    def transfer(self) -> float:
        """On the link, in all."""
        return self.download + self.commit_upload + self.reveal_upload


class Paces:
    """The pace of every client; a function of its arguments alone."""

    def __init__(self, dynamics: Dynamics, payload: Payload, seed: int) -> None:
        self._dynamics, self._payload, self._seed = dynamics, payload, seed
        self._links = [find_link(name) for name in dynamics.links]

    def of(self, client: int, is_slow: bool) -> Pace:
        """A client's pace; its device and its link stay the same from round to round."""
        rng = np.random.default_rng([self._seed, STREAM, client])
        device = float(rng.lognormal(0.0, self._dynamics.spread))
        link = self._links[int(rng.integers(len(self._links)))] if self._links else None
        train = self._dynamics.train_seconds * device * (self._dynamics.slowdown if is_slow else 1.0)
        if link is None:
            return Pace(0.0, train, 0.0, 0.0)
        model, commit, reveal = self._payload.model, self._payload.commit, self._payload.reveal
        return Pace(link.down_seconds(model), train, link.up_seconds(commit), link.up_seconds(reveal))
