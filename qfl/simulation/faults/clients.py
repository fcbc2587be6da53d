"""What the seed has in store for each client: in which rounds it is there, and how long it needs for one.

Clients are numbered as the data's shares are: 0 to `clients - 1` are there from the start, the newcomers follow. Times
are simulated ones, of a made-up device on a link of `links.toml`.
"""

from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np

from qfl.simulation.faults.config import Dynamics
from qfl.simulation.faults.links import find_link

ATTENDANCE_STREAM, PACE_STREAM = 5, 6  # set these draws apart from the others of the same seed


@dataclass(frozen=True)
class Attendance:
    """One round, by the clients' numbers.

    Attributes:
        present: take part.
        joined: bonded for this round.
        left: asked for their stake back before this round.
        returned: were away before.
        slow: of those present, the ones that straggle.
        away: those bonded and not there, with the round that they come back in.
        members: everybody who has ever joined and has not left.
        departed: everybody who has left.
    """

    present: frozenset[int]
    members: frozenset[int]
    slow: frozenset[int] = frozenset()
    joined: frozenset[int] = frozenset()
    left: frozenset[int] = frozenset()
    returned: frozenset[int] = frozenset()
    departed: frozenset[int] = frozenset()
    away: dict[int, int] = field(default_factory=dict)


class Schedule:
    """The attendance of every round; a function of its arguments alone, so a resumed run finds it again."""

    def __init__(self, clients: int, dynamics: Dynamics, seed: int) -> None:
        self._clients, self._dynamics, self._seed = clients, dynamics, seed
        self._rounds: list[Attendance] = []

    def at(self, round_number: int) -> Attendance:
        """Attendance of a round, from 1; in the first one everybody is there."""
        while len(self._rounds) < round_number:
            rng = np.random.default_rng([self._seed, ATTENDANCE_STREAM, len(self._rounds) + 1])
            if self._rounds:
                after = self._step(self._rounds[-1], len(self._rounds) + 1, rng)
            else:
                everybody = frozenset(range(self._clients))
                after = Attendance(everybody, everybody, _some(everybody, self._dynamics.stragglers, rng))
            self._rounds.append(after)
        return self._rounds[round_number - 1]

    def _step(self, before: Attendance, number: int, rng: np.random.Generator) -> Attendance:
        dynamics = self._dynamics
        going = _some(before.present, dynamics.churn, rng)
        left = _some(going, dynamics.exits, rng)
        absences = {client: number + int(rng.integers(dynamics.longest_absence)) + 1 for client in sorted(going - left)}
        returned = frozenset(client for client, back in before.away.items() if back == number)
        known = len(before.members) + len(before.departed)
        joined = frozenset(range(known, min(known + len(left), self._clients + dynamics.newcomers)))
        present = before.present - going | returned | joined
        return Attendance(
            present,
            before.members - left | joined,
            _some(present, dynamics.stragglers, rng),
            joined,
            left,
            returned,
            before.departed | left,
            {client: back for client, back in before.away.items() if back != number} | absences,
        )


def _some(of: Collection[int], share: float, rng: np.random.Generator) -> frozenset[int]:
    """A share of them, the broken one rounded up or down at random so that it is right on average."""
    count = int(share * len(of) + rng.random())
    return frozenset(int(client) for client in rng.permutation(sorted(of))[:count])


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
        rng = np.random.default_rng([self._seed, PACE_STREAM, client])
        device = float(rng.lognormal(0.0, self._dynamics.spread))
        link = self._links[int(rng.integers(len(self._links)))] if self._links else None
        train = self._dynamics.train_seconds * device * (self._dynamics.slowdown if is_slow else 1.0)
        if link is None:
            return Pace(0.0, train, 0.0, 0.0)
        model, commit, reveal = self._payload.model, self._payload.commit, self._payload.reveal
        return Pace(link.down_seconds(model), train, link.up_seconds(commit), link.up_seconds(reveal))
