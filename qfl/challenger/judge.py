"""Recomputes one checkpoint, one committee's signatures or one model from chain and content store."""

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from qfl.chain.contracts.beacon import Accepted, RoundRecord
from qfl.chain.ledger import Ledger
from qfl.chain.rounds import ShardRound
from qfl.challenger.equivocation import Said, find_equivocations
from qfl.challenger.evidence import Evidence, FalseAggregateContent, FalseModelContent
from qfl.challenger.model import prove_false_model
from qfl.challenger.opening import chunks_of, chunks_under, lanes_in, open_lanes, open_shown
from qfl.challenger.shard import find_false_updates, find_over_norm, is_right, prove_false_aggregate
from qfl.challenger.withheld import Wanted, Withheld, wanted_aggregate, wanted_model, wanted_update
from qfl.crypto.kem import KemKey
from qfl.errors import ContentUnusable, MalformedContent, ModelRejected, SealBroken, UpdateRejected
from qfl.node.demands import shown_chunks
from qfl.node.recompute import read_base, read_updates, recompute_model
from qfl.node.updates import Opener
from qfl.protocol.chunks import split_leaves
from qfl.protocol.content import HEADER_BYTES, Content, ContentKind, encode, lanes_root, plain_bytes
from qfl.protocol.digests import reveals_hash
from qfl.protocol.lanes import MODEL_LANE_BITS
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
    cannot know; `Withheld` when it could if somebody showed what they signed for. Also raises `StoreUnreachable` and
    `ChainUnreachable`.

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
        if checkpoint.reveals_hash != reveals_hash(reveals):  # where the beacon can see the shard it refuses that
            what = "round %d: the checkpoint of shard %d is of other reveals than its chain has, which cannot be proven"
            log.warning(what, checkpoint.round, checkpoint.shard)
        included = included_in(checkpoint, reveals)
        opened, unopened = self.open(part, spec, included)
        wanted: list[Wanted] = []
        if unopened and self._can_demand():
            opened, wanted = self._open_shown(checkpoint, spec, included, opened)
            unopened = []
        if (over := find_over_norm(checkpoint, spec, included, opened)) is not None:
            return [over]
        if unopened:
            raise unopened[0]
        if wanted:
            raise Withheld([*wanted, *self._wanted_aggregate(checkpoint, spec)])
        result = expected_checkpoint(spec, checkpoint.turn, opened, reveals)
        if is_right(checkpoint, result):
            self.store.remember(result.content)
            return []
        if checkpoint.aggregate_root == result.checkpoint.aggregate_root:
            return [FalseAggregateContent(checkpoint, split_leaves(result.content[HEADER_BYTES:]))]
        attested = self._aggregate_chunks(checkpoint, spec.shape.total)
        if attested is None:
            raise Withheld([wanted_aggregate(checkpoint, spec.shape.total)])
        return [prove_false_aggregate(checkpoint, spec, included, opened=opened, result=result, attested=attested)]

    def model(self, record: RoundRecord) -> Sequence[Evidence]:
        """The cheapest proof against a published model."""
        coordinates = self.ledger.beacon.shape().total
        if found := self._shown_aggregates(record, coordinates):
            return found
        expected = recompute_model(self.ledger, self.store, record.number, base=self._base_of(record, coordinates))
        if expected.is_published_as(record.model_root, record.content_digest):
            self.store.remember(expected.content)
            return []
        if lanes_root(expected.model) == record.model_root:
            return [FalseModelContent(record.number, chunks_of(expected.model.lanes, MODEL_LANE_BITS))]
        wanted = wanted_model(record, coordinates)
        published = self._chunks(record.model_root, record.content_digest, coordinates, wanted)
        if published is None:
            raise Withheld([wanted])
        return [prove_false_model(expected, published)]

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
            scheme,
            said,
            checkpoints,
            lambda seat: scheme.keys_since(committee[seat], record.reveal_ends_at),
            committee=committee,
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

    def _can_demand(self) -> bool:
        """Whether an update that cannot be had may be demanded: it must be nobody's secret."""
        demands = self.ledger.demands
        return demands is not None and not demands.is_private()

    def _open_shown(
        self, checkpoint: Checkpoint, spec: RoundSpec, included: Sequence[Reveal], opened: Sequence[VerifiedUpdate]
    ) -> tuple[list[VerifiedUpdate], list[Wanted]]:
        """The included updates that are `opened` or were shown on the chain, in order; and the others, to demand."""
        by_index: dict[int, VerifiedUpdate] = {update.index: update for update in opened}
        wanted = []
        for position, reveal in enumerate(included):
            if reveal.index not in by_index:
                vector = wanted_update(checkpoint, spec, included, position)
                if (chunks := shown_chunks(self.ledger, vector.parts)) is None:
                    wanted.append(vector)
                else:
                    by_index[reveal.index] = open_shown(reveal, chunks, spec)
        return [by_index[index] for index in sorted(by_index)], wanted

    def _wanted_aggregate(self, checkpoint: Checkpoint, spec: RoundSpec) -> list[Wanted]:
        """The aggregate, if that cannot be had either: it is demanded with the updates, and not after them."""
        missing = self._aggregate_chunks(checkpoint, spec.shape.total) is None
        return [wanted_aggregate(checkpoint, spec.shape.total)] if missing else []

    def _aggregate_chunks(self, checkpoint: Checkpoint, coordinates: int) -> Sequence[bytes] | None:
        wanted = wanted_aggregate(checkpoint, coordinates)
        return self._chunks(checkpoint.aggregate_root, checkpoint.content_digest, coordinates, wanted)

    def _chunks(self, root: bytes, digest: bytes, coordinates: int, wanted: Wanted) -> Sequence[bytes] | None:
        """The chunks under a root, as they are stored or were shown; None when they cannot be had."""
        try:
            content = self.store.get(digest, plain_bytes(coordinates, MODEL_LANE_BITS))
        except ContentUnusable:
            content = b""
        return chunks_under(root, content, coordinates) or shown_chunks(self.ledger, wanted.parts)

    def _base_of(self, record: RoundRecord, coordinates: int) -> Content:
        """What the round's model builds on: from the store, or as the chain shows it to who demanded it."""
        try:
            return read_base(self.ledger, self.store, record.number)
        except (ContentUnusable, ModelRejected):
            base = self.ledger.beacon.round_at(record.base_round)  # of the genesis model nothing can be demanded
            shown = shown_chunks(self.ledger, wanted_model(base, coordinates).parts) if base.number else None
            if shown is None:
                raise
            before, shape = self.ledger.round(base.number).plan.base_root, self.ledger.beacon.shape()
            lanes = lanes_in(shown, MODEL_LANE_BITS, coordinates).astype(np.int32)
            return Content(ContentKind.MODEL, MODEL_LANE_BITS, base.number, 0, 0, 0, shape, before, lanes)

    def _shown_aggregates(self, record: RoundRecord, coordinates: int) -> Sequence[Evidence]:
        """Put those of the round's aggregates that only the chain shows where `recompute_model` finds them.

        Returns:
            A proof against one that is shown, and not what its digest says.

        Raises:
            Withheld: there are some that cannot be had at all.
        """
        wanted, shape = [], self.ledger.beacon.shape()
        for entry in self.ledger.round(record.number).accepted():
            checkpoint = entry.checkpoint
            chunks = self._aggregate_chunks(checkpoint, coordinates)
            if chunks is None:
                wanted.append(wanted_aggregate(checkpoint, coordinates))
                continue
            head = (ContentKind.AGGREGATE, MODEL_LANE_BITS, checkpoint.round, checkpoint.shard, checkpoint.count, 0)
            lanes = lanes_in(chunks, MODEL_LANE_BITS, coordinates).astype(np.int32)
            digest = self.store.remember(encode(Content(*head, shape, checkpoint.base_root, lanes)))
            if digest != checkpoint.content_digest or chunks_of(lanes, MODEL_LANE_BITS) != list(chunks):
                return [FalseAggregateContent(checkpoint, chunks)]
        if wanted:
            raise Withheld(wanted)
        return []

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
