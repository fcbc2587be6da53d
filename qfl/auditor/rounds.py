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
from qfl.chain.rounds import ShardRound
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
from qfl.node.recompute import fetch_aggregate, read_model, read_updates, recompute_model
from qfl.node.standing import published_rounds
from qfl.protocol.content import decode
from qfl.protocol.digests import compute_commitment, compute_private_commitment
from qfl.protocol.quorum import quorum_of
from qfl.protocol.recompute import expected_checkpoint, has_revealed_list, included_in
from qfl.protocol.types import Checkpoint, LmsPublicKey, Reveal, RoundNumber, RoundSpec
from qfl.quorum.lms import LmsScheme
from qfl.quorum.quorum import scheme_of
from qfl.storage.store import ContentStore
from qfl.validator.mirror_verifier import MirrorVerifier

NOT_REVEALED = "the attested list of updates of shard {} is not the revealed one"


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
        self._keys, self._mirror_verifier = KeyHistory(LmsScheme(ledger).history()), MirrorVerifier(ledger)
        self._scheme = scheme_of(ledger)
        self._attesting_keys = KeyHistory(self._scheme.history())
        self._publications = ledger.beacon.publications(ledger.from_block)

    def audit(self) -> Iterator[Verdict]:
        """A verdict for each round whose model stands or was voided, oldest first."""
        voided = voided_rounds(self._ledger)
        for number in sorted([*published_rounds(self._ledger), *voided]):
            verdict = Verdict(number, void=voided.get(number, ""))
            if verdict.void:
                yield verdict
                continue
            for entry in self._ledger.round(number).accepted():
                try:
                    self._audit_shard(entry, verdict)
                except ChainUnreachable as fault:
                    if not self._ledger.is_of_a_shard(fault):
                        raise
                    verdict.unseen.append(f"shard {entry.checkpoint.shard}: {fault}")
            self._audit_model(verdict)
            yield verdict

    # --- one shard ---

    def _audit_shard(self, entry: Accepted, verdict: Verdict) -> None:
        part = self._ledger.round(verdict.round).shard(entry.checkpoint.shard)
        if (falsehood := self._mirror_verifier.find_falsehood(part.index)) is not None:
            verdict.complaints.append(falsehood)
        spec, reveals = part.spec(), part.reveals()
        self._audit_commits(part, spec, reveals, verdict)
        self._audit_proofs(part, spec, reveals, verdict)
        self._audit_bundle(part, entry, verdict)
        self._audit_aggregate(part, entry, spec, reveals, verdict)

    def _audit_commits(self, part: ShardRound, spec: RoundSpec, reveals: Sequence[Reveal], verdict: Verdict) -> None:
        """Every commitment signed by its client; every reveal opens its client's commitment."""
        commitments = {}
        for commit in part.commits():
            commitments[commit.client] = commit.commitment
            digest = part.domain.commit(spec.round, commit.client, spec.base_root, commit.commitment)
            what = f"the commitment of client {commit.client}"
            # A shard on another chain knows the keys that clients had when the round opened.
            known_in = part.round.opened_in if self._ledger.mirrors else None
            self._check_signature(part.contract, commit.tx_hash, commit.client, digest, what, verdict, known_in)
        proven = part.norm_proofs()
        for reveal in reveals:
            salt = self._argument(part.contract, reveal.tx_hash, "salt") or bytes(32)
            values = spec.round, reveal.client, reveal.update_root, reveal.content_digest, salt
            if reveal.client in proven:
                opening = compute_private_commitment(*values, proven[reveal.client])
            else:
                opening = compute_commitment(*values)
            if commitments.get(reveal.client) != opening:
                verdict.complaints.append(f"the reveal of client {reveal.client} does not open its commitment")

    def _audit_proofs(self, part: ShardRound, spec: RoundSpec, reveals: Sequence[Reveal], verdict: Verdict) -> None:
        """Every norm proof holds; in other code than the contract's, which checked it first."""
        verifier = self._ledger.norm_verifier(spec.shard)
        if verifier is None:
            return
        if not self._check_proofs:
            verdict.unseen.append(f"the norm proofs of shard {spec.shard} were not checked again")
            return
        key, proven = verifier.verifying_key(), part.norm_proofs()
        for reveal in reveals:
            context = context_of(part.domain.chain_id, part.contract.address, spec.round, reveal.client)
            statement = NormStatement(proven.get(reveal.client, 0), context, spec.norm_bound, spec.format.lane_bits)
            words = self._argument(part.contract, reveal.tx_hash, "proof") or []
            verdict.proofs += 1
            if not verify_norm_proof(key, statement, b"".join(word.to_bytes(32) for word in words)):
                verdict.complaints.append(f"the norm proof of client {reveal.client} does not hold")

    def _audit_bundle(self, part: ShardRound, entry: Accepted, verdict: Verdict) -> None:
        """A quorum of the drawn committee signed the checkpoint."""
        checkpoint, committee = entry.checkpoint, part.committee()
        digest = self._ledger.beacon_domain.checkpoint(checkpoint)
        bundle = self._argument(self._ledger.beacon, entry.tx_hash, "bundle")
        block = self._ledger.block_of(entry.tx_hash)
        try:
            attested = self._scheme.check(
                bundle or b"", committee, digest, lambda validator: self._attesting_keys.at(validator, block)
            )
        except MalformedContent as error:
            attested = {}
            verdict.complaints.append(f"the bundle of shard {checkpoint.shard}: {error.reason}")
        counted = [seat for seat in attested if entry.attested >> seat & 1]  # another was carried along for nothing
        for seat in counted:
            verdict.signatures += 1
            if not attested[seat]:
                verdict.complaints.append(f"the attestation of seat {seat} in shard {checkpoint.shard} is not valid")
        if len(counted) < quorum_of(len(committee)):
            verdict.complaints.append(f"shard {checkpoint.shard} has {len(counted)} attestations, no quorum")

    def _audit_aggregate(
        self, part: ShardRound, entry: Accepted, spec: RoundSpec, reveals: Sequence[Reveal], verdict: Verdict
    ) -> None:
        """The attested aggregate is what the included updates come to."""
        checkpoint = entry.checkpoint
        included = included_in(checkpoint, reveals)
        found = read_updates(part, spec, self._store, included, self._kem_keys)
        if found is None:  # whose the updates are can be told without reading them, and that their aggregate can be had
            if not has_revealed_list(checkpoint, reveals):
                verdict.complaints.append(NOT_REVEALED.format(spec.shard))
            verdict.unseen.append(
                f"the {len(included)} updates of shard {spec.shard} are sealed to its committee: that the aggregate "
                "follows from them was not recomputed"
            )
            self._audit_stored(checkpoint, spec, verdict)
            return
        updates, rejected = found
        verdict.updates += len(updates)
        if rejected and all(isinstance(r, UpdateMissing) for r in rejected) and self._may_be_released(spec.round):
            verdict.released.append(f"{len(rejected)} updates of shard {spec.shard}, so its aggregate")
            return
        if rejected or len(included) != checkpoint.count or not updates:
            verdict.complaints += [str(rejection) for rejection in rejected]
            verdict.complaints.append(f"the aggregate of shard {spec.shard} cannot be recomputed")
            return
        result = expected_checkpoint(spec, checkpoint.turn, updates)
        if result.checkpoint.updates_root != checkpoint.updates_root:
            verdict.complaints.append(NOT_REVEALED.format(spec.shard))
        if result.checkpoint.aggregate_root != checkpoint.aggregate_root:
            verdict.complaints.append(
                f"the recomputed aggregate of shard {spec.shard} differs from the attested one"
                + self._first_difference(entry, spec, result.content)
            )
        elif result.checkpoint.content_digest != checkpoint.content_digest:
            verdict.complaints.append(f"the attested aggregate of shard {spec.shard} has another header")
        self._audit_stored(checkpoint, spec, verdict)

    def _audit_stored(self, checkpoint: Checkpoint, spec: RoundSpec, verdict: Verdict) -> None:
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

    def _audit_model(self, verdict: Verdict) -> None:
        """The published model is what base and aggregates come to, and its publisher signed it."""
        number, record = verdict.round, self._ledger.round(verdict.round).record()
        self._audit_publication(record, verdict)
        try:
            expected = recompute_model(self._ledger, self._store, number)
            read_model(self._ledger, self._store, number)
        except (ModelRejected, ContentUnusable) as error:
            if isinstance(error, ContentMissing) and self._may_be_released(number):
                verdict.released.append("what its model follows from")
                return
            verdict.complaints.append(f"the model cannot be recomputed: {error}")
            return
        if not expected.is_published_as(record.model_root, record.content_digest):
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
