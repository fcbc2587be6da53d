"""Flower's aggregation rules beside ours, from an environment of their own."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from experiments.peer import Peer
from qfl.protocol.content import Content
from qfl.protocol.rule import FRACTION_BITS, MEDIAN, aggregate_shard
from qfl.protocol.types import RoundSpec, VerifiedUpdate


class Flower(Peer):
    """A process that has Flower installed; use as a context manager."""

    def __init__(self, python: str) -> None:
        """`python` is that of an environment with `flwr`. Raises as `Peer`."""
        super().__init__("flower", python, "flwr", Path(__file__).with_name("flower_peer.py"))

    def median(self, updates: NDArray[np.float64]) -> NDArray[np.float64]:
        """Flower's median `[d]` of `updates` `[n, d]`."""
        return self._ask("median", 0, updates, updates.shape[1])

    def trimmed_mean(self, updates: NDArray[np.float64], share: float) -> NDArray[np.float64]:
        """Flower's trimmed mean `[d]` of `updates` `[n, d]`, without `share` of each end."""
        return self._ask("trimmed", share, updates, updates.shape[1])

    def krum(self, updates: NDArray[np.float64], attackers: int) -> list[int]:
        """The updates `[n, d]` that Flower's Multi-Krum keeps, all but as many as are taken to attack."""
        return np.flatnonzero(self._ask("krum", attackers, updates, len(updates))).tolist()

    def differences(self, updates: Sequence[VerifiedUpdate]) -> dict[str, float]:
        """How far our trimmed mean and median of `updates` are from Flower's at most, in lanes.

        Ours are rounded toward zero to 1/256 of a lane, so that is what a rule that does the same differs by.
        """
        lanes = [update.lanes for update in updates]
        rows = np.stack(lanes).astype(np.float64)
        wanted = {3000: self.trimmed_mean(rows, 0.3), MEDIAN: self.median(rows)}
        return {
            "median" if trim == MEDIAN else "trimmed": float(
                np.abs(aggregate_shard(lanes, trim) / 2.0**FRACTION_BITS - theirs).max()
            )
            for trim, theirs in wanted.items()
        }

    def _ask(self, rule: str, number: float, updates: NDArray[np.float64], size: int) -> NDArray[np.float64]:
        request = f"{rule} {number} {len(updates)} {updates.shape[1]}\n".encode() + updates.tobytes()
        return np.frombuffer(self.ask(request, 8 * size))


class Krum:
    """Chooses a round's updates as Flower's Multi-Krum does, told how many attack; use it as a `Panel`."""

    def __init__(self, flower: Flower, attackers: int) -> None:
        self._flower, self._attackers = flower, attackers

    def include(self, updates: Sequence[VerifiedUpdate], base: Content, spec: RoundSpec) -> list[VerifiedUpdate]:
        """Those that Multi-Krum keeps."""
        rows = np.stack([update.lanes for update in updates]).astype(np.float64)
        return [updates[index] for index in self._flower.krum(rows, self._attackers)]
