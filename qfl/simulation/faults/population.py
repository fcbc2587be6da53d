"""What a world may do to a run's clients and chains; the run says how."""

from __future__ import annotations

from typing import Protocol

from qfl.protocol.types import ParticipantId


class Population(Protocol):
    """The clients of a run, by their numbers in its data."""

    def join(self, client: int) -> ParticipantId:
        """Bond a client unless it is, and let it take part."""

    def leave(self, client: int) -> None:
        """Ask for a client's stake back unless that was done; it is paid after the unbonding delay."""


class ShardChains(Protocol):
    """The shards' own chains, which can be killed."""

    def kill_shard_chain(self, shard: int) -> None:
        """End it as a failing machine would: without a word."""

    def restart_shard_chain(self, shard: int) -> None:
        """Start it again on the state that it left on disk."""
