"""Attacks with an update's content: too large, or kept back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from qfl.client.client import Client
from qfl.protocol.types import TrainingResult
from qfl.storage.store import ContentStore, require_block_size

NO_BOUND = 2**63 - 1


class Withholding:
    """A store that takes everything and keeps nothing; what others stored can be had."""

    def __init__(self, store: ContentStore) -> None:
        self._store = store

    def put(self, data: bytes) -> bytes:
        """The digest of `data`, which goes nowhere."""
        return require_block_size(data)

    def get(self, digest: bytes, max_bytes: int) -> bytes:
        """What the store behind has."""
        return self._store.get(digest, max_bytes)

    def pin(self, digest: bytes) -> None:
        """Nothing."""

    def unpin(self, digest: bytes) -> None:
        """Nothing: nothing is pinned."""


class OverNorm(Client):
    """Turns every coordinate as far as a lane goes, whatever it trained: far beyond the round's norm bound."""

    def prepare(self, trained: TrainingResult) -> None:
        """Skip the scaling that keeps an honest update within the bound."""
        assert self._base is not None
        spec, base = self._base
        self._base = replace(spec, norm_bound=NO_BOUND), base
        far = np.full_like(trained.angles, np.pi)
        super().prepare(TrainingResult(trained.angles + far, trained.weights))


class WithheldContent(Client):
    """Commits and reveals, and stores nothing: the committee is to search in vain."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._store = Withholding(self._store)
