"""Recomputes one checkpoint, one committee's signatures or one model from chain and content store."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from qfl.chain.contracts.beacon import Accepted, RoundRecord
from qfl.chain.ledger import Ledger
from qfl.challenger.equivocation import Said, find_equivocations
from qfl.challenger.evidence import Evidence
from qfl.challenger.model import prove_false_model
from qfl.challenger.opening import open_lanes
from qfl.challenger.shard import find_false_updates, find_over_norm, is_right, prove_false_aggregate
from qfl.crypto.kem import KemKey
from qfl.errors import ContentUnusable, MalformedContent, ModelRejected, QflError, SealBroken, UpdateRejected
from qfl.node.encryption import read_opener
from qfl.node.models import fetch_aggregate, read_base
from qfl.node.round_spec import read_round_spec
from qfl.node.updates import IN_FLIGHT, fetchers
from qfl.protocol.content import content_digest, encode, lanes_root, most_update_bytes
from qfl.protocol.next_model import compute_next_model
from qfl.protocol.result import compute_result, included_in
from qfl.protocol.types import CheckpointData, Revealed, RoundSpec, ShardIndex, VerifiedUpdate
from qfl.quorum.attestor import attestor_of
from qfl.storage.cache import CachingStore

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

    def checkpoint(self, checkpoint: CheckpointData) -> Sequence[Evidence]:
        """The cheapest proof against an accepted checkpoint."""
        shard = ShardIndex(checkpoint.shard)
        if not self.ledger.beacon.checkpoint_at(checkpoint.round, shard).stands:
            return []
        spec = read_round_spec(self.ledger, checkpoint.round, shard)
        opened_in = self.ledger.shard_opened_in(shard, checkpoint.round)
        reveals = self.ledger.shards[shard].reveals(checkpoint.round, opened_in)
        if (listed := find_false_updates(checkpoint, reveals)) is not None:
            if self.ledger.mirrors:
                log.warning("%s; the shard is on another chain, so it cannot be proven", listed)
                return []
            return [listed]
        included = included_in(checkpoint, reveals)
        opened, unopened = self._open(included, spec)
        if (over := find_over_norm(checkpoint, spec, included, opened)) is not None:
            return [over]
        if unopened:
            raise unopened[0]
        result = compute_result(spec, checkpoint.turn, opened)
        if is_right(checkpoint, result):
            self.store.remember(result.content)
            return []
        claimed = self._fetch(checkpoint.content_digest, len(result.content))
        return [prove_false_aggregate(checkpoint, spec, included, opened, result, claimed)]

    def model(self, record: RoundRecord, accepted: Iterable[Accepted]) -> Sequence[Evidence]:
        """The cheapest proof against a published model."""
        base = read_base(self.ledger, self.store, record.number)
        checkpoints = [entry.checkpoint for entry in accepted]
        aggregates = [fetch_aggregate(self.store, checkpoint, base.shape) for checkpoint in checkpoints]
        lane_format = self.ledger.plan(record.number).parameters.format
        expected = compute_next_model(record.number, base, checkpoints, aggregates, lane_format)
        data = encode(expected)
        if (record.model_root, record.content_digest) == (lanes_root(expected), content_digest(data)):
            self.store.remember(data)
            return []
        claimed = self._fetch(record.content_digest, len(data))
        return [prove_false_model(record.model_root, expected, base, checkpoints, aggregates, claimed)]

    def signatures(self, record: RoundRecord, shard: ShardIndex, accepted: Iterable[Accepted]) -> Sequence[Evidence]:
        """A proof against each seat of a committee that signed two checkpoints in one turn and was not yet punished.

        Everything that was announced or accepted counts. Keys are asked for only where a turn has two checkpoints.
        """
        opened = self.ledger.shard_opened_in(shard, record.number)
        entries = [entry for entry in accepted if entry.checkpoint.shard == shard]
        proposals = self.ledger.shards[shard].proposals(record.number, opened)
        known = [proposal.checkpoint for proposal in proposals] + [entry.checkpoint for entry in entries]
        checkpoints = {self.ledger.beacon_domain.checkpoint(checkpoint): checkpoint for checkpoint in known}
        if max(Counter(checkpoint.turn for checkpoint in checkpoints.values()).values(), default=0) < 2:
            return []
        said = [
            Said(
                proposal.checkpoint.turn, self.ledger.beacon_domain.checkpoint(proposal.checkpoint), proposal.signature
            )
            for proposal in proposals
        ]
        for attested in self.ledger.shards[shard].attestations(record.number, opened):
            said.append(Said(attested.seat, attested.digest, attested.signature))
        for entry in entries:
            said += self._bundled(entry)
        committee = self.ledger.beacon.committee(record.number, shard)
        attestor = attestor_of(self.ledger)
        found = find_equivocations(
            attestor, said, checkpoints, lambda seat: attestor.keys_since(committee[seat], record.reveal_ends_at)
        )
        punished = 0 if self.ledger.disputes is None else self.ledger.disputes.equivocated(record.number, shard)
        return [proof for proof in found if not punished >> proof.one.seat & 1]

    def _open(self, included: Iterable[Revealed], spec: RoundSpec) -> tuple[list[VerifiedUpdate], list[QflError]]:
        """The included updates that can be opened, in order, and why the others cannot."""
        opener = read_opener(self.ledger, self.store, spec, self.keys)
        if opener is None:
            return [], [SealBroken("none of the keys given is of a seat of its committee")]
        most_bytes = opener.most_bytes(most_update_bytes(spec))

        def fetch(reveal: Revealed) -> VerifiedUpdate | QflError:
            with IN_FLIGHT.holding(most_bytes):
                try:
                    content, seed = opener.open(reveal, self.store.get(reveal.content_digest, most_bytes))
                    return open_lanes(reveal, content, seed, spec)
                except CANNOT_OPEN as error:
                    return error

        outcomes = list(fetchers().map(fetch, included))
        opened = [outcome for outcome in outcomes if isinstance(outcome, VerifiedUpdate)]
        return opened, [outcome for outcome in outcomes if isinstance(outcome, QflError)]

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
            signatures = attestor_of(self.ledger).signatures_in(arguments.get("bundle", bytes(8)))
        except MalformedContent:
            return []
        return [Said(seat, digest, signature) for seat, signature in signatures.items()]
