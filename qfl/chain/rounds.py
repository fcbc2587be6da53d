"""A round, and a shard's part in it, as objects that are asked. What cannot change is read once, all else each time."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from qfl.chain.contracts.beacon import Accepted, CheckpointRecord, RoundPlan, RoundRecord, RoundState
from qfl.chain.contracts.shard import Shard
from qfl.chain.rpc.connection import url_of
from qfl.errors import NodeContradictsItself
from qfl.protocol.types import ParticipantId, Reveal, RoundNumber, RoundSpec, ShardIndex

if TYPE_CHECKING:
    from qfl.chain.ledger import Ledger

T = TypeVar("T")


class Round:
    """A round that was opened, as its beacon has it."""

    def __init__(self, ledger: Ledger, number: RoundNumber, opening: RoundPlan | None) -> None:
        self.ledger, self.number, self.opening = ledger, number, opening

    @property
    def plan(self) -> RoundPlan:
        """What it trains on, and how. Raises NodeContradictsItself: the node does not have the round, or no more."""
        if self.opening is None:
            raise NodeContradictsItself(url_of(self.ledger.web3), f"round {self.number} was opened a moment ago")
        return self.opening

    @cached_property
    def opened_in(self) -> int:
        """The block it was opened in: where its events start."""
        return self.ledger.beacon.opened_in(self.number, self.ledger.from_block)

    def record(self) -> RoundRecord:
        """Its state, its deadlines, and the model that it published."""
        return self.ledger.beacon.round_at(self.number)

    def is_model_liable(self) -> bool:
        """Whether somebody is liable for its model: `Signed.isLiable`."""
        record = self.record()
        if record.state is RoundState.VOID and not record.publisher:  # its checkpoint carried it
            return self.ledger.beacon.checkpoint_at(self.number, ShardIndex(0)).stands
        return record.state is RoundState.PUBLISHED

    def accepted(self) -> list[Accepted]:
        """The accepted checkpoints, by shard; also one that was proven false since."""
        return sorted(self.accepted_in_order(), key=lambda entry: entry.checkpoint.shard)

    def accepted_in_order(self) -> list[Accepted]:
        """The same in the order of acceptance, whose hash a publication names."""
        return self.ledger.beacon.accepted(self.number, self.opened_in)

    def shard(self, index: ShardIndex) -> ShardRound:
        """A shard's part in it."""
        return ShardRound(self, index)

    def shards(self) -> list[ShardRound]:
        """The part of every shard that the round has and the deployment knows."""
        known = min(self.plan.parameters.shards, len(self.ledger.shards))
        return [self.shard(ShardIndex(index)) for index in range(known)]


def _on_shard(read: Callable[[Shard, RoundNumber, int], T]) -> Callable[[ShardRound], T]:
    """A method that asks the shard's contract for what happened in the round."""
    return lambda part: read(part.contract, part.round.number, part.first_block)


class ShardRound:
    """A shard's part in a round.

    Where the shard's events start is read with the first of them, and kept: a chain of the shard's own that was killed
    may have lost that block, and mined another. Whoever asks later takes a new object.
    """

    def __init__(self, round_: Round, index: ShardIndex) -> None:
        self.round, self.index, self.ledger = round_, index, round_.ledger
        self.contract, self.domain = self.ledger.shards[index], self.ledger.shard_domains[index]

    # --- on the beacon's chain ---

    def spec(self) -> RoundSpec:
        """The terms of its updates."""
        plan, shape = self.round.plan, self.ledger.beacon.shape()
        parameters = plan.parameters
        limits = parameters.format, parameters.trim_bps, parameters.norm_bound, parameters.hash
        return RoundSpec(self.round.number, self.index, plan.base_root, shape, *limits)

    def committee(self) -> list[ParticipantId]:
        """The validators in its seats."""
        return self.ledger.beacon.committee(self.round.number, self.index)

    def checkpoint(self) -> CheckpointRecord:
        """What is kept of its accepted checkpoint."""
        return self.ledger.beacon.checkpoint_at(self.round.number, self.index)

    def accepted(self) -> Accepted | None:
        """Its accepted checkpoint; also one that was proven false since."""
        return next((entry for entry in self.round.accepted() if entry.checkpoint.shard == self.index), None)

    # --- on the shard's chain ---

    @cached_property
    def first_block(self) -> int:
        """Where its events start; for a round that never got to the shard's own chain, where the deployment begins."""
        if not self.ledger.mirrors:
            return self.round.opened_in
        begun = self.ledger.deployment.chains[self.index].block
        found = self.ledger.mirrors[self.index].mirrorings(begun, self.round.number)
        return found[-1].block if found else begun

    def reveals_from(self, block: int | None) -> tuple[list[Reveal], int]:
        """The reveals from a block on, by number, or all of them; and the block from which on there may be more."""
        return self.contract.reveals_until_now(self.round.number, self.first_block if block is None else block)

    commits = _on_shard(Shard.commits)
    reveals = _on_shard(Shard.reveals)
    committed_at = _on_shard(Shard.committed_at)
    revealed_at = _on_shard(Shard.revealed_at)
    norm_proofs = _on_shard(Shard.norm_proofs)
    proposals = _on_shard(Shard.proposals)
    attestations = _on_shard(Shard.attestations)
