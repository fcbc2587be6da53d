"""What can be attested and published: the truth, or lies, each with the proofs that can be brought against it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np

from qfl.protocol.rule import squared_norm
from qfl.protocol.types import RoundNumber
from tests.contracts.dispute_testnet import Attested, DisputeTestnet, Update, Vector
from tests.contracts.world import as_tuple, word

NOBODY = 999
NORM_BOUND = 10_000


class Lie(StrEnum):
    """What is false.

    `LANE`: one lane of the aggregate. `CONTENT`: the content digest. `NORM`: updates over the bound are included.
    `PHANTOM`: so is one that nobody revealed. `FORGED`: so is another than was revealed.
    """

    NONE = "none"
    LANE = "lane"
    CONTENT = "content"
    NORM = "norm"
    PHANTOM = "phantom"
    FORGED = "forged"


class ModelLie(StrEnum):
    """What is false of a model: one lane, or the content digest."""

    LANE = "lane"
    CONTENT = "content"

    def told_of(self, court: DisputeTestnet, right: Vector, false_at: int, base_root: bytes) -> tuple[Vector, bytes]:
        """The model and the digest that are signed instead of the right ones."""
        if self is ModelLie.CONTENT:
            return right, word("something else")
        false = right.with_lane(false_at, int(right.lanes[false_at]) ^ 1)
        court.models[false.root] = false
        return false, court.digest_of_model(false, RoundNumber(court.beacon.currentRound()), base_root)


class Proof(StrEnum):
    """The disputes about a checkpoint."""

    CHUNK = "chunk"
    WHOLE = "whole"
    UPDATES = "updates"
    NORM = "norm"


FAULT_OF = {Proof.CHUNK: "aggregate", Proof.WHOLE: "aggregate", Proof.UPDATES: "updates", Proof.NORM: "norm"}
PROOF_OF = {Lie.LANE: Proof.CHUNK, Lie.CONTENT: Proof.WHOLE, Lie.NORM: Proof.NORM}
RIGHT = {
    Proof.CHUNK: "AggregateIsRight",
    Proof.WHOLE: "ContentIsRight",
    Proof.UPDATES: "UpdatesAreRight",
    Proof.NORM: "WithinNorm",
}


def is_over_norm(update: Update) -> bool:
    return squared_norm(update.vector.lanes) > NORM_BOUND


@dataclass(frozen=True)
class Claim:
    """A checkpoint that somebody wants accepted: what it says, what is true of it, and who signed it."""

    attested: Attested
    revealed: list[Update]
    lie: Lie
    false_at: int
    signers: list[int]

    @property
    def is_false(self) -> bool:
        return self.lie is not Lie.NONE

    @property
    def apt(self) -> Proof:
        """The smallest proof of its lie."""
        return PROOF_OF.get(self.lie, Proof.UPDATES)

    @property
    def big(self) -> int:
        """The place of the first update over the norm bound; 0 if there is none."""
        return next((i for i, update in enumerate(self.attested.updates) if is_over_norm(update)), 0)

    def is_proven_by(self, proof: Proof, coordinate: int) -> bool:
        """Whether this proof shows a lie; `CHUNK` only at the false lane, `NORM` at the place of the big update."""
        if proof is Proof.CHUNK:
            return self.lie is Lie.LANE and coordinate == self.false_at
        if proof is Proof.WHOLE:
            return self.lie is Lie.CONTENT
        if proof is Proof.UPDATES:
            return self.lie in (Lie.PHANTOM, Lie.FORGED)
        return is_over_norm(self.attested.updates[self.big])

    def arguments_of(self, proof: Proof, coordinate: int) -> tuple[Any, ...]:
        if proof is Proof.CHUNK:
            return self.attested.chunk_proof(coordinate)
        if proof is Proof.WHOLE:
            return self.attested.content_proof()
        if proof is Proof.NORM:
            return self.attested.norm_proof(self.big)
        revealed = [] if self.lie is Lie.PHANTOM else [update.struct for update in self.revealed]
        return as_tuple(self.attested.checkpoint), revealed

    def call(self, disputes: Any, proof: Proof) -> Callable[..., Any]:
        return {
            Proof.CHUNK: disputes.disputeAggregate,
            Proof.WHOLE: disputes.disputeAggregateContent,
            Proof.UPDATES: disputes.disputeUpdates,
            Proof.NORM: disputes.disputeNorm,
        }[proof]


def update_of(client: int, seed: int, *, is_big: bool) -> Update:
    """A random update within the norm bound, or over it."""
    rng = np.random.default_rng([client, seed])
    lanes = rng.integers(-20, 20, 9).astype(np.int16)
    return Update(client, Vector(lanes * 100 + 100 if is_big else lanes, 16))


def make_claim(
    court: DisputeTestnet,
    revealed: Sequence[Update],
    lie: Lie,
    model_lie: ModelLie | None,
    false_at: int,
    signers: list[int],
) -> Claim | None:
    """The current round's checkpoint with these lies; None where one cannot be told, or nothing can be included."""
    included = [update for update in revealed if lie is Lie.NORM or not is_over_norm(update)]
    if not included or (lie is Lie.NORM and not any(map(is_over_norm, included))):
        return None
    mask = sum(1 << index for index, update in enumerate(revealed) if update in included)
    said = list(included)
    if lie is Lie.PHANTOM:
        said.append(update_of(NOBODY, 0, is_big=False))
        mask |= 1 << len(revealed)
    if lie is Lie.FORGED:
        said[0] = update_of(said[0].client, 10**6, is_big=False)
    drafted = court.draft(said, included=mask)
    if lie is Lie.LANE:
        false = drafted.aggregate.with_lane(false_at, int(drafted.aggregate.lanes[false_at]) ^ 1)
        drafted = court.draft(said, aggregate=false, included=mask)
    changed = {"content_digest": word("something else")} if lie is Lie.CONTENT else {}
    if drafted.model is not None and model_lie is not None:
        model, digest = model_lie.told_of(court, drafted.model, false_at, drafted.checkpoint.base_root)
        changed |= {"model_root": model.root, "model_digest": digest}
        drafted = replace(drafted, model=model)
    drafted = replace(drafted, checkpoint=replace(drafted.checkpoint, **changed))
    return Claim(drafted, included, lie, false_at, signers)
