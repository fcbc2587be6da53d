"""Recomputes one checkpoint, one committee's signatures or one model from chain and content store."""

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from qfl.chain.contracts.beacon import Accepted, RoundRecord
from qfl.chain.ledger import Ledger
from qfl.chain.rounds import ShardRound
from qfl.challenger.equivocation import Said, find_equivocations
from qfl.challenger.evidence import Evidence
from qfl.challenger.model import prove_false_model
from qfl.challenger.opening import open_lanes
from qfl.challenger.shard import find_false_updates, find_over_norm, is_right, prove_false_aggregate
from qfl.crypto.kem import KemKey
from qfl.errors import ContentUnusable, MalformedContent, ModelRejected, SealBroken, UpdateRejected
from qfl.node.recompute import read_updates, recompute_model
from qfl.node.updates import Opener
from qfl.protocol.recompute import expected_checkpoint, included_in
from qfl.protocol.types import Checkpoint, Reveal, RoundSpec, ShardIndex, VerifiedUpdate
from qfl.quorum.quorum import scheme_of
from qfl.storage.store import CachingStore

log = logging.getLogger(__name__)

CANNOT_OPEN = (ContentUnusable, MalformedContent, ModelRejected, SealBroken, UpdateRejected)
"""Why something cannot be recomputed. What cannot be opened proves nothing against anybody."""


@dataclass(frozen=True)
class Judge:
    """Each method returns the proofs there are, none when nothing is false, and raises one of `CANNOT_OPEN` when it
    cannot know. Also raises `StoreUnreachable` and `ChainUnreachable`.

    `keys` are those of seats, for the sealed updates of the private mode. Whoever has none still judges lists of
    updates, signatures and models.
    """

    ledger: Ledger
    store: CachingStore
    keys: Sequence[KemKey] = ()

    def checkpoint(self, checkpoint: Checkpoint) -> Sequence[Evidence]:
        """The cheapest proof against an accepted checkpoint."""
        part = self.ledger.round(checkpoint.round).shard(checkpoint.shard)
        if not part.checkpoint().stands:
            return []
        spec, reveals = part.spec(), part.reveals()
        if (listed := find_false_updates(checkpoint, reveals)) is not None:
            if self.ledger.mirrors:
                log.warning("%s; the shard is on another chain, so it cannot be proven", listed)
                return []
            return [listed]
        included = included_in(checkpoint, reveals)
        opened, unopened = self.open(part, spec, included)
        if (over := find_over_norm(checkpoint, spec, included, opened)) is not None:
            return [over]
        if unopened:
            raise unopened[0]
        result = expected_checkpoint(spec, checkpoint.turn, opened)
        if is_right(checkpoint, result):
            self.store.remember(result.content)
            return []
        claimed = self._fetch(checkpoint.content_digest, len(result.content))
        return [prove_false_aggregate(checkpoint, spec, included, opened, result, claimed)]

    def model(self, record: RoundRecord) -> Sequence[Evidence]:
        """The cheapest proof against a published model."""
        expected = recompute_model(self.ledger, self.store, record.number)
        if expected.is_published_as(record.model_root, record.content_digest):
            self.store.remember(expected.content)
            return []
        claimed = self._fetch(record.content_digest, len(expected.content))
        return [prove_false_model(record.model_root, expected, claimed)]

    def signatures(self, record: RoundRecord, shard: ShardIndex, accepted: Iterable[Accepted]) -> Sequence[Evidence]:
        """A proof against each seat of a committee that signed two checkpoints in one turn and was not yet punished.

        Everything that was announced or accepted counts. Keys are asked for only where a turn has two checkpoints.
        """
        part, digest_of = self.ledger.round(record.number).shard(shard), self.ledger.beacon_domain.checkpoint
        entries = [entry for entry in accepted if entry.checkpoint.shard == shard]
        proposals = part.proposals()
        known = [proposal.checkpoint for proposal in proposals] + [entry.checkpoint for entry in entries]
        checkpoints = {digest_of(checkpoint): checkpoint for checkpoint in known}
        if max(Counter(checkpoint.turn for checkpoint in checkpoints.values()).values(), default=0) < 2:
            return []
        said = [Said(one.checkpoint.turn, digest_of(one.checkpoint), one.signature) for one in proposals]
        said += [Said(one.seat, one.digest, one.signature) for one in part.attestations()]
        for entry in entries:
            said += self._bundled(entry)
        committee, scheme = part.committee(), scheme_of(self.ledger)
        found = find_equivocations(
            scheme, said, checkpoints, lambda seat: scheme.keys_since(committee[seat], record.reveal_ends_at)
        )
        punished = 0 if self.ledger.disputes is None else self.ledger.disputes.equivocated(record.number, shard)
        return [proof for proof in found if not punished >> proof.one.seat & 1]

    def open(
        self, part: ShardRound, spec: RoundSpec, included: Sequence[Reveal]
    ) -> tuple[list[VerifiedUpdate], list[UpdateRejected]]:
        """The included updates that can be opened, in order, and why the others cannot.

        Raises:
            SealBroken: they are sealed, and to none of the keys.
        """
        found = read_updates(part, spec, self.store, included, self.keys, check=_open)
        if found is None:
            raise SealBroken("none of the keys given is of a seat of its committee")
        return found

    def _fetch(self, digest: bytes, most_bytes: int) -> bytes | None:
        try:
            return self.store.get(digest, most_bytes)
        except ContentUnusable:
            return None

    def _bundled(self, entry: Accepted) -> list[Said]:
        """The signatures that an accepted checkpoint came with; none when it came through another contract."""
        arguments = self.ledger.call_in(self.ledger.beacon, entry.tx_hash) or {}
        digest = self.ledger.beacon_domain.checkpoint(entry.checkpoint)
        try:
            signatures = scheme_of(self.ledger).signatures_in(arguments.get("bundle", bytes(8)))
        except MalformedContent:
            return []
        return [Said(seat, digest, signature) for seat, signature in signatures.items()]


def _open(reveal: Reveal, data: bytes, spec: RoundSpec, opener: Opener) -> VerifiedUpdate:
    """An update by its lanes alone: a checkpoint that includes one with a false header is not false for that."""
    try:
        return open_lanes(reveal, *opener.open(reveal, data), spec)
    except (MalformedContent, SealBroken) as error:
        raise UpdateRejected(reveal.client, error.reason) from error
