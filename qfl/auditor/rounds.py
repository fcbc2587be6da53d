"""`qfl verify`: every round recomputed from the chain's events and the store's bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from qfl.auditor.keys import KeyHistory
from qfl.auditor.voided import voided_rounds
from qfl.chain.contracts.base import BoundContract
from qfl.chain.contracts.beacon import Accepted, RoundRecord
from qfl.chain.ledger import Ledger
from qfl.crypto.kem import KemKey
from qfl.crypto.lms import verify
from qfl.crypto.norm.statement import NormStatement, context_of
from qfl.crypto.norm.verify import verify_norm_proof
from qfl.errors import (
    ChainUnreachable,
    ContentMissing,
    ContentUnusable,
    MalformedContent,
    ModelRejected,
    UpdateMissing,
)
from qfl.node.encryption import read_opener
from qfl.node.models import fetch_aggregate, read_base, read_model
from qfl.node.round_spec import read_round_spec
from qfl.node.standing import published_rounds
from qfl.node.updates import fetch_updates
from qfl.protocol.chunks import merkle_root
from qfl.protocol.content import Content, content_digest, decode, encode, lanes_root
from qfl.protocol.digests import compute_commitment, compute_private_commitment
from qfl.protocol.next_model import compute_next_model
from qfl.protocol.quorum import quorum_of
from qfl.protocol.result import compute_result, update_leaves
from qfl.protocol.types import CheckpointData, LmsPublicKey, Revealed, RoundNumber, RoundSpec, ShardIndex
from qfl.quorum.attestor import attestor_of
from qfl.quorum.lms import LmsAttestor
from qfl.storage.store import ContentStore
from qfl.validator.mirror_verifier import MirrorVerifier


@dataclass
class Verdict:
    """What a round's recomputation came to: how much was checked, every complaint, and what could not be seen.

    `void` says why a proven fault took the round away; nothing of it is checked then. `released` names what could not
    be recomputed because its content is no longer stored: of a final round, that is nobody's fault.
    """

    round: RoundNumber
    signatures: int = 0
    updates: int = 0
    proofs: int = 0
    complaints: list[str] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
    released: list[str] = field(default_factory=list)
    void: str = ""

    @property
    def stands(self) -> bool:
        """True when nothing was found against the round, and it was not voided."""
        return not self.complaints and not self.void


class Auditor:
    """Recomputes rounds; everything it says comes from `ledger` and `store`.

    In a private deployment `kem_keys` (of any seats) open the updates; without them, and without checking proofs, it
    says what it could not see.
    """

    def __init__(
        self,
        ledger: Ledger,
        store: ContentStore,
        kem_keys: Sequence[KemKey] = (),
        check_proofs: bool = True,
    ) -> None:
        self._ledger, self._store, self._kem_keys, self._check_proofs = ledger, store, kem_keys, check_proofs
        self._keys, self._mirror_verifier = KeyHistory(LmsAttestor(ledger).history()), MirrorVerifier(ledger)
        self._attestor = attestor_of(ledger)
        self._attesting_keys = KeyHistory(self._attestor.history())
        self._publications = ledger.beacon.publications(ledger.from_block)

    def audit(self) -> Iterator[Verdict]:
        """A verdict for each round whose model stands or was voided, oldest first."""
        voided = voided_rounds(self._ledger)
        for number in sorted([*published_rounds(self._ledger), *voided]):
            verdict = Verdict(number, void=voided.get(number, ""))
            if verdict.void:
                yield verdict
                continue
            accepted = self._ledger.beacon.accepted(number, self._ledger.opened_in(number))
            for entry in accepted:
                try:
                    self._audit_shard(entry, verdict)
                except ChainUnreachable as fault:
                    if not self._ledger.is_of_a_shard(fault):
                        raise
                    verdict.unseen.append(f"shard {entry.checkpoint.shard}: {fault}")
            self._audit_model(number, accepted, verdict)
            yield verdict

    # --- one shard ---

    def _audit_shard(self, entry: Accepted, verdict: Verdict) -> None:
        spec = read_round_spec(self._ledger, verdict.round, ShardIndex(entry.checkpoint.shard))
        if (falsehood := self._mirror_verifier.find_falsehood(spec.shard)) is not None:
            verdict.complaints.append(falsehood)
        self._audit_commits(spec, verdict)
        self._audit_proofs(spec, verdict)
        self._audit_bundle(entry, verdict)
        self._audit_aggregate(entry, spec, verdict)

    def _audit_commits(self, spec: RoundSpec, verdict: Verdict) -> None:
        """Every commitment signed by its client; every reveal opens its client's commitment."""
        shard, domain = self._ledger.shards[spec.shard], self._ledger.shard_domains[spec.shard]
        opened = self._ledger.shard_opened_in(spec.shard, spec.round)
        commitments = {}
        for commit in shard.commits(spec.round, opened):
            commitments[commit.client] = commit.commitment
            digest = domain.commit(spec.round, commit.client, spec.base_root, commit.commitment)
            what = f"the commitment of client {commit.client}"
            # A shard on another chain knows the keys that clients had when the round opened.
            known_in = self._ledger.opened_in(spec.round) if self._ledger.mirrors else None
            self._check_signature(shard, commit.tx_hash, commit.client, digest, what, verdict, known_in)
        proven = shard.norm_proofs(spec.round, opened)
        for reveal in shard.reveals(spec.round, opened):
            salt = self._argument(shard, reveal.tx_hash, "salt") or bytes(32)
            values = spec.round, reveal.client, reveal.update_root, reveal.content_digest, salt
            if reveal.client in proven:
                opening = compute_private_commitment(*values, proven[reveal.client])
            else:
                opening = compute_commitment(*values)
            if commitments.get(reveal.client) != opening:
                verdict.complaints.append(f"the reveal of client {reveal.client} does not open its commitment")

    def _audit_proofs(self, spec: RoundSpec, verdict: Verdict) -> None:
        """Every norm proof holds; in other code than the contract's, which checked it first."""
        shard, domain = self._ledger.shards[spec.shard], self._ledger.shard_domains[spec.shard]
        verifier = self._ledger.norm_verifier(spec.shard)
        if verifier is None:
            return
        if not self._check_proofs:
            verdict.unseen.append(f"the norm proofs of shard {spec.shard} were not checked again")
            return
        key, opened = verifier.verifying_key(), self._ledger.shard_opened_in(spec.shard, spec.round)
        proven = shard.norm_proofs(spec.round, opened)
        for reveal in shard.reveals(spec.round, opened):
            context = context_of(domain.chain_id, shard.address, spec.round, reveal.client)
            statement = NormStatement(proven.get(reveal.client, 0), context, spec.norm_bound, spec.format.lane_bits)
            words = self._argument(shard, reveal.tx_hash, "proof") or []
            verdict.proofs += 1
            if not verify_norm_proof(key, statement, b"".join(word.to_bytes(32) for word in words)):
                verdict.complaints.append(f"the norm proof of client {reveal.client} does not hold")

    def _audit_bundle(self, entry: Accepted, verdict: Verdict) -> None:
        """A quorum of the drawn committee signed the checkpoint."""
        checkpoint = entry.checkpoint
        committee = self._ledger.beacon.committee(checkpoint.round, checkpoint.shard)
        digest = self._ledger.beacon_domain.checkpoint(checkpoint)
        bundle = self._argument(self._ledger.beacon, entry.tx_hash, "bundle")
        block = self._ledger.block_of(entry.tx_hash)
        try:
            attested = self._attestor.check(
                bundle or b"", committee, digest, lambda validator: self._attesting_keys.at(validator, block)
            )
        except MalformedContent as error:
            attested = {}
            verdict.complaints.append(f"the bundle of shard {checkpoint.shard}: {error.reason}")
        for seat, is_valid in attested.items():
            verdict.signatures += 1
            if not is_valid:
                verdict.complaints.append(f"the attestation of seat {seat} in shard {checkpoint.shard} is not valid")
        if len(attested) < quorum_of(len(committee)):
            verdict.complaints.append(f"shard {checkpoint.shard} has {len(attested)} attestations, no quorum")

    def _audit_aggregate(self, entry: Accepted, spec: RoundSpec, verdict: Verdict) -> None:
        """The attested aggregate is what the included updates come to."""
        checkpoint = entry.checkpoint
        opened = self._ledger.shard_opened_in(spec.shard, spec.round)
        reveals = self._ledger.shards[spec.shard].reveals(spec.round, opened)
        included = [reveal for reveal in reveals if checkpoint.included >> reveal.index & 1]
        opener = read_opener(self._ledger, self._store, spec, self._kem_keys)
        if opener is None:
            self._audit_sealed(checkpoint, spec, included, verdict)
            return
        updates, rejected = fetch_updates(included, self._store, spec, opener)
        verdict.updates += len(updates)
        if rejected and all(isinstance(r, UpdateMissing) for r in rejected) and self._may_be_released(spec.round):
            verdict.released.append(f"{len(rejected)} updates of shard {spec.shard}, so its aggregate")
            return
        if rejected or len(included) != checkpoint.count or not updates:
            verdict.complaints += [str(rejection) for rejection in rejected]
            verdict.complaints.append(f"the aggregate of shard {spec.shard} cannot be recomputed")
            return
        result = compute_result(spec, checkpoint.turn, updates)
        if result.checkpoint.updates_root != checkpoint.updates_root:
            verdict.complaints.append(f"the attested list of updates of shard {spec.shard} is not the revealed one")
        if result.checkpoint.aggregate_root != checkpoint.aggregate_root:
            verdict.complaints.append(
                f"the recomputed aggregate of shard {spec.shard} differs from the attested one"
                + self._first_difference(entry, spec, result.content)
            )
        elif result.checkpoint.content_digest != checkpoint.content_digest:
            verdict.complaints.append(f"the attested aggregate of shard {spec.shard} has another header")
        self._audit_stored(checkpoint, spec, verdict)

    def _audit_sealed(
        self, checkpoint: CheckpointData, spec: RoundSpec, included: list[Revealed], verdict: Verdict
    ) -> None:
        """What can be told of an aggregate without reading the updates: whose they are, and that it can be had."""
        if len(included) != checkpoint.count or merkle_root(update_leaves(included)) != checkpoint.updates_root:
            verdict.complaints.append(f"the attested list of updates of shard {spec.shard} is not the revealed one")
        verdict.unseen.append(
            f"the {len(included)} updates of shard {spec.shard} are sealed to its committee: that the aggregate "
            "follows from them was not recomputed"
        )
        self._audit_stored(checkpoint, spec, verdict)

    def _audit_stored(self, checkpoint: CheckpointData, spec: RoundSpec, verdict: Verdict) -> None:
        """The attested aggregate can be had."""
        try:
            fetch_aggregate(self._store, checkpoint, spec.shape)
        except ContentMissing as error:
            if self._may_be_released(spec.round):
                verdict.released.append(f"the aggregate of shard {spec.shard}")
            else:
                verdict.complaints.append(f"the stored aggregate of shard {spec.shard}: {error}")
        except (ModelRejected, ContentUnusable) as error:
            verdict.complaints.append(f"the stored aggregate of shard {spec.shard}: {error}")

    def _first_difference(self, entry: Accepted, spec: RoundSpec, expected: bytes) -> str:
        try:
            attested = fetch_aggregate(self._store, entry.checkpoint, spec.shape).lanes
        except (ModelRejected, ContentUnusable):
            return ""
        recomputed = decode(expected).lanes
        lane = int(np.argmax(attested != recomputed))
        return f": lane {lane} is {attested[lane]}, the updates come to {recomputed[lane]}"

    # --- the model ---

    def _audit_model(self, number: RoundNumber, accepted: Iterable[Accepted], verdict: Verdict) -> None:
        """The published model is what base and aggregates come to, and its publisher signed it."""
        beacon, record = self._ledger.beacon, self._ledger.beacon.round_at(number)
        self._audit_publication(record, verdict)
        try:
            base = read_base(self._ledger, self._store, number)
            checkpoints = [entry.checkpoint for entry in accepted]
            aggregates = [fetch_aggregate(self._store, c, base.shape) for c in checkpoints]
            read_model(self._ledger, self._store, number)
        except (ModelRejected, ContentUnusable) as error:
            if isinstance(error, ContentMissing) and self._may_be_released(number):
                verdict.released.append("what its model follows from")
                return
            verdict.complaints.append(f"the model cannot be recomputed: {error}")
            return
        lane_format = beacon.parameters_at(record.parameters_version).format
        model = compute_next_model(number, base, checkpoints, aggregates, lane_format)
        if not _is_published(model, record):
            verdict.complaints.append("the recomputed model differs from the published one")

    def _audit_publication(self, record: RoundRecord, verdict: Verdict) -> None:
        digest = self._ledger.beacon_domain.publication(
            record.number, record.publisher, record.model_root, record.content_digest
        )
        tx_hash, what = self._publications[record.number], f"the publication by validator {record.publisher}"
        self._check_signature(self._ledger.beacon, tx_hash, record.publisher, digest, what, verdict)

    def _may_be_released(self, number: RoundNumber) -> bool:
        """Whether a round is final: nobody has to store its content any longer."""
        return number <= self._ledger.beacon.final_round()

    # --- signatures ---

    def _check_signature(
        self,
        contract: BoundContract,
        tx_hash: str,
        participant: int,
        digest: bytes,
        what: str,
        verdict: Verdict,
        known_in: int | None = None,
    ) -> None:
        """The participant's key at the beacon's block `known_in`, the transaction's own unless given, signed it."""
        verdict.signatures += 1
        signature = self._argument(contract, tx_hash, "signature")
        keys = self._keys.at(participant, self._ledger.block_of(tx_hash) if known_in is None else known_in)
        if signature is None or not _signed(keys, digest, signature):
            verdict.complaints.append(f"{what} has no valid signature")

    def _argument(self, contract: BoundContract, tx_hash: str, name: str) -> Any:
        """An argument of the call in a transaction; None when it went another way (through a relaying contract)."""
        found = self._ledger.call_in(contract, tx_hash)
        return None if found is None else found.get(name)


def _signed(keys: Iterable[LmsPublicKey], digest: bytes, signature: bytes) -> bool:
    return any(verify(key, digest, signature) for key in keys)


def _is_published(model: Content, record: RoundRecord) -> bool:
    return lanes_root(model) == record.model_root and content_digest(encode(model)) == record.content_digest
