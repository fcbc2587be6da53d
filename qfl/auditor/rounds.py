"""`qfl verify`: every round recomputed from the chain's events and the store's bytes."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from qfl.auditor.draw import replay_draw
from qfl.chain.contracts.base import BoundContract
from qfl.chain.contracts.beacon import Accepted, RoundRecord, RoundState
from qfl.chain.contracts.disputes import Fault
from qfl.chain.contracts.shard import UNSIGNED
from qfl.chain.ledger import Ledger
from qfl.chain.mirroring import MirrorVerifier
from qfl.chain.roll import NO_ANCHOR
from qfl.chain.rounds import ShardRound
from qfl.crypto.hash_chain import LINK_BYTES, earlier_link, link_domain, next_link
from qfl.crypto.kem import KemKey
from qfl.crypto.lms import verify
from qfl.crypto.norm.statement import NormStatement, context_of
from qfl.errors import ContentMissing, ContentUnusable, MalformedContent, ModelRejected, ShardUnreachable, UpdateMissing
from qfl.node.recompute import fetch_aggregate, read_model, read_updates, recompute_model
from qfl.node.standing import published_rounds
from qfl.protocol.content import decode
from qfl.protocol.digests import checkpoints_hash, compute_commitment, reveals_hash
from qfl.protocol.quorum import quorum_of
from qfl.protocol.recompute import expected_checkpoint, has_revealed_list, included_in
from qfl.protocol.types import LmsPublicKey, ParticipantId, Reveal, RoundNumber, RoundSpec
from qfl.quorum.lms import LmsScheme
from qfl.quorum.quorum import scheme_of
from qfl.storage.store import ContentStore

Key = TypeVar("Key")

NOT_REVEALED = "the attested list of updates of shard {} is not the revealed one"
OTHER_REVEALS = "the checkpoint of shard {} is of other reveals, or of another order, than its chain has"
# What voids a round; the other faults slash a seat and leave the round as it is.
WHAT = {
    Fault.AGGREGATE: "the aggregate of shard {shard} was false",
    Fault.UPDATES: "the updates of shard {shard} were not the revealed ones",
    Fault.NORM: "an update of shard {shard} was over the norm bound",
    Fault.MODEL: "its model was false",
    Fault.WITHHELD: "it was not shown when it was demanded",
}


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


@dataclass(frozen=True)
class AuditedShard:
    """What a shard's accepted checkpoint claims, what it follows from, and the verdict on it."""

    part: ShardRound
    spec: RoundSpec
    reveals: Sequence[Reveal]
    entry: Accepted
    verdict: Verdict


class Auditor:
    """Recomputes rounds; everything it says comes from `ledger` and `store`.

    In a private deployment `kem_keys` (of any seats) open the updates; without them, and without checking proofs, it
    says what it could not see.
    """

    def __init__(
        self, ledger: Ledger, store: ContentStore, *, kem_keys: Sequence[KemKey] = (), check_proofs: bool = True
    ) -> None:
        self._ledger, self._store, self._kem_keys, self._check_proofs = ledger, store, kem_keys, check_proofs
        self._scheme, self._mirror_verifier = scheme_of(ledger), MirrorVerifier(ledger)
        self._keys_at = key_history(LmsScheme(ledger).history())
        self._attesting_keys_at = key_history(self._scheme.history())
        self._publications = ledger.beacon.publications(ledger.from_block)
        self._redrawn = replay_draw(ledger)
        self._link_domain = link_domain(ledger.deployment.chain_id, ledger.staking.address)

    def audit(self) -> Iterator[Verdict]:
        """A verdict for each round whose model stands or was voided, or that was drawn wrongly, oldest first."""
        published, voided = set(published_rounds(self._ledger)), voided_rounds(self._ledger)
        for number in sorted(published | voided.keys() | self._redrawn.complaints.keys()):
            verdict = Verdict(number, void=voided.get(number, ""))
            verdict.complaints += self._redrawn.complaints.get(number, ())
            if number in published:
                for entry in self._ledger.round(number).accepted():
                    try:
                        self._audit_shard(entry, verdict)
                    except ShardUnreachable as fault:
                        verdict.unseen.append(f"shard {entry.checkpoint.shard}: {fault}")
                self._audit_model(verdict)
            yield verdict

    # --- one shard ---

    def _audit_shard(self, entry: Accepted, verdict: Verdict) -> None:
        part = self._ledger.round(verdict.round).shard(entry.checkpoint.shard)
        if (falsehood := self._mirror_verifier.find_falsehood(part.index)) is not None:
            verdict.complaints.append(falsehood)
        claim = AuditedShard(part, part.spec(), part.reveals(), entry, verdict)
        for audit in (self._audit_commits, self._audit_proofs, self._audit_bundle, self._audit_aggregate):
            audit(claim)

    def _audit_commits(self, claim: AuditedShard) -> None:
        """Every commitment signed by its client, or opened with the key of its token; every reveal opens the last one.

        That the token is of the client's chain is what the shard checked; of one on another chain it is checked again.
        """
        part, spec = claim.part, claim.spec
        # A shard on another chain knows the keys that clients had when the round opened.
        known_in = part.round.opened_in if self._ledger.mirrors else None
        commitments = {}
        for commit in part.commits():
            commitments[commit.client] = commit
            if commit.leaf == UNSIGNED:
                continue
            claim.verdict.signatures += 1
            digest = part.domain.commit(spec.round, commit.client, spec.base_root, commit.commitment)
            keys = self._keys_at(commit.client, known_in or self._ledger.block_of(commit.tx_hash))
            if not self._is_signed(part.contract, commit.tx_hash, digest=digest, keys=keys):
                claim.verdict.complaints.append(f"the commitment of client {commit.client} has no valid signature")
        proven = part.norm_proofs()
        for reveal in claim.reveals:
            salt = self._argument(part.contract, reveal.tx_hash, name="salt") or bytes(32)
            values = spec.round, reveal.client, reveal.update_root, reveal.content_digest, salt
            opened, said = compute_commitment(*values, proven.get(reveal.client)), commitments.get(reveal.client)
            if said is not None and said.leaf == UNSIGNED:
                claim.verdict.signatures += 1
                opened = part.domain.keyed(spec.base_root, opened)
                token = self._argument(part.contract, said.tx_hash, name="token")
                if token != next_link(salt[:LINK_BYTES], self._link_domain):
                    claim.verdict.complaints.append(f"the key of client {reveal.client} is not the one of its token")
                elif known_in is not None and not self._is_of_chain(token, reveal.client, spec.round, known_in):
                    claim.verdict.complaints.append(f"the token of client {reveal.client} is not of its hash chain")
            if said is None or said.commitment != opened:
                claim.verdict.complaints.append(f"the reveal of client {reveal.client} does not open its commitment")

    def _is_of_chain(self, token: bytes, client: ParticipantId, number: RoundNumber, block: int) -> bool:
        """Whether a token is the one of a round, of the hash chain that the client had at the end of a block."""
        anchor, first_round = self._ledger.roll.at(block).anchors.get(client, NO_ANCHOR)
        return (
            number >= first_round and earlier_link(token, self._link_domain, 2 * (number - first_round) + 1) == anchor
        )

    def _audit_proofs(self, claim: AuditedShard) -> None:
        """Every norm proof holds; in other code than the contract's, which checked it first."""
        part, spec, verdict = claim.part, claim.spec, claim.verdict
        verifier = self._ledger.norm_verifier(spec.shard)
        if verifier is None:
            return
        if not self._check_proofs:
            verdict.unseen.append(f"the norm proofs of shard {spec.shard} were not checked again")
            return
        from qfl.crypto.norm.verify import verify_norm_proof

        key, proven = verifier.verifying_key(), part.norm_proofs()
        for reveal in claim.reveals:
            context = context_of(part.domain.chain_id, part.contract.address, spec.round, reveal.client)
            statement = NormStatement(proven.get(reveal.client, 0), context, spec.norm_bound, spec.format.lane_bits)
            words = self._argument(part.contract, reveal.tx_hash, name="proof") or []
            verdict.proofs += 1
            if not verify_norm_proof(key, statement, b"".join(word.to_bytes(32) for word in words)):
                verdict.complaints.append(f"the norm proof of client {reveal.client} does not hold")

    def _audit_bundle(self, claim: AuditedShard) -> None:
        """A quorum of the committee signed the checkpoint, which is the one that had to be drawn."""
        shard, committee, verdict = claim.spec.shard, claim.part.committee(), claim.verdict
        intruders = self._redrawn.find_intruders(verdict.round, shard, committee)
        if intruders is not None and intruders not in verdict.complaints:
            verdict.complaints.append(intruders)
        digest = self._ledger.beacon_domain.checkpoint(claim.entry.checkpoint)
        bundle = self._argument(self._ledger.beacon, claim.entry.tx_hash, name="bundle") or b""
        block = self._ledger.block_of(claim.entry.tx_hash)
        try:
            attested = self._scheme.check(
                bundle,
                committee,
                digest=digest,
                keys_at=lambda validator: self._attesting_keys_at(validator, block),
                turn=self._ledger.beacon.turn_at(verdict.round, claim.entry.checkpoint.turn),
            )
        except MalformedContent as error:
            attested = {}
            verdict.complaints.append(f"the bundle of shard {shard}: {error.reason}")
        counted = [seat for seat in attested if claim.entry.attested >> seat & 1]  # another is carried for nothing
        verdict.signatures += len(counted)
        for seat in (seat for seat in counted if not attested[seat]):
            verdict.complaints.append(f"the attestation of seat {seat} in shard {shard} is not valid")
        if len(counted) < quorum_of(len(committee)):
            verdict.complaints.append(f"shard {shard} has {len(counted)} attestations, no quorum")

    def _audit_aggregate(self, claim: AuditedShard) -> None:
        """The attested aggregate is what the included updates come to."""
        checkpoint, spec, verdict = claim.entry.checkpoint, claim.spec, claim.verdict
        if checkpoint.reveals_hash != reveals_hash(claim.reveals):
            verdict.complaints.append(OTHER_REVEALS.format(spec.shard))
        included = included_in(checkpoint, claim.reveals)
        found = read_updates(claim.part, spec, self._store, included, self._kem_keys)
        if found is None:  # whose the updates are can be told without reading them, and that their aggregate can be had
            if not has_revealed_list(checkpoint, claim.reveals):
                verdict.complaints.append(NOT_REVEALED.format(spec.shard))
            verdict.unseen.append(
                f"the {len(included)} updates of shard {spec.shard} are sealed to its committee: that the aggregate "
                "follows from them was not recomputed"
            )
            self._audit_stored(claim)
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
        result = expected_checkpoint(spec, checkpoint.turn, updates, claim.reveals)
        if result.checkpoint.updates_root != checkpoint.updates_root:
            verdict.complaints.append(NOT_REVEALED.format(spec.shard))
        if result.checkpoint.aggregate_root != checkpoint.aggregate_root:
            verdict.complaints.append(
                f"the recomputed aggregate of shard {spec.shard} differs from the attested one"
                + self._first_difference(claim, result.content)
            )
        elif result.checkpoint.content_digest != checkpoint.content_digest:
            verdict.complaints.append(f"the attested aggregate of shard {spec.shard} has another header")
        self._audit_stored(claim)

    def _audit_stored(self, claim: AuditedShard) -> None:
        """The attested aggregate can be had."""
        spec, verdict = claim.spec, claim.verdict
        try:
            fetch_aggregate(self._store, claim.entry.checkpoint, spec.shape)
        except (ModelRejected, ContentUnusable) as error:
            if isinstance(error, ContentMissing) and self._may_be_released(spec.round):
                verdict.released.append(f"the aggregate of shard {spec.shard}")
            else:
                verdict.complaints.append(f"the stored aggregate of shard {spec.shard}: {error}")

    def _first_difference(self, claim: AuditedShard, expected: bytes) -> str:
        try:
            attested = fetch_aggregate(self._store, claim.entry.checkpoint, claim.spec.shape).lanes
        except (ModelRejected, ContentUnusable):
            return ""
        recomputed = decode(expected).lanes
        lane = int(np.argmax(attested != recomputed))
        return f": lane {lane} is {attested[lane]}, the updates come to {recomputed[lane]}"

    # --- the model ---

    def _audit_model(self, verdict: Verdict) -> None:
        """The published model is what base and aggregates come to, and its publisher signed it, if it has one: with one
        shard, its committee has."""
        number, record = verdict.round, self._ledger.round(verdict.round).record()
        if record.publisher:
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
        beacon, tx_hash = self._ledger.beacon, self._publications[record.number]
        accepted = self._ledger.round(record.number).accepted_in_order()
        digest = self._ledger.beacon_domain.publication(
            record.number,
            record.publisher,
            model_root=record.model_root,
            content_digest=record.content_digest,
            checkpoints=checkpoints_hash(self._ledger.beacon_domain.checkpoint(one.checkpoint) for one in accepted),
        )
        keys = self._keys_at(record.publisher, self._ledger.block_of(tx_hash))
        verdict.signatures += 1
        if not self._is_signed(beacon, tx_hash, digest=digest, keys=keys):
            verdict.complaints.append(f"the publication by validator {record.publisher} has no valid signature")

    def _may_be_released(self, number: RoundNumber) -> bool:
        """Whether a round is final: nobody has to store its content any longer."""
        return number <= self._ledger.beacon.final_round()

    def _is_signed(self, contract: BoundContract, tx_hash: str, *, digest: bytes, keys: Iterable[LmsPublicKey]) -> bool:
        """Whether the signature in a transaction is one of the keys' under `digest`."""
        signature = self._argument(contract, tx_hash, name="signature")
        return signature is not None and any(verify(key, digest, signature) for key in keys)

    def _argument(self, contract: BoundContract, tx_hash: str, *, name: str) -> Any:
        """An argument of the call in a transaction; None when it went another way (through a relaying contract)."""
        found = self._ledger.call_in(contract, tx_hash)
        return None if found is None else found.get(name)


def key_history(changes: Iterable[tuple[ParticipantId, Key, int]]) -> Callable[[int, int], list[Key]]:
    """The keys that could have spoken for a participant in a block: the last before it, and any that changed in it.

    `changes` are participants, new keys and the blocks they became valid in, oldest first.
    """
    keys: dict[int, list[tuple[int, Key]]] = defaultdict(list)
    for changing, key, block in changes:
        keys[changing].append((block, key))

    def keys_at(participant: int, block: int) -> list[Key]:
        before = [key for since, key in keys[participant] if since < block][-1:]
        return before + [key for since, key in keys[participant] if since == block]

    return keys_at


def voided_rounds(ledger: Ledger) -> dict[RoundNumber, str]:
    """Every voided round, and why, oldest first."""
    reasons: dict[RoundNumber, str] = {}
    for proven in ledger.disputes.proven(ledger.from_block) if ledger.disputes is not None else []:
        if proven.fault in WHAT:
            guilty = ", ".join(str(validator) for validator in proven.guilty)
            what = WHAT[proven.fault].format(shard=proven.shard)
            reasons.setdefault(proven.round, f"{what}, for which validators {guilty} were slashed")
    if reasons:
        for value in range(min(reasons), ledger.beacon.current_round() + 1):
            number = RoundNumber(value)
            if number not in reasons and ledger.beacon.round_at(number).state is RoundState.VOID:
                reasons[number] = f"it builds on round {ledger.round(number).plan.base_round}, which is void"
    return dict(sorted(reasons.items()))
