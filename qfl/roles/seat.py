"""A validator's seat in a committee: propose in its turn, attest what equals its own result, carry the bundle."""

from __future__ import annotations

import logging

from qfl.chain.contracts.beacon import Duty
from qfl.chain.contracts.shard import Proposed
from qfl.chain.ledger import Ledger
from qfl.chain.sender import Carrier
from qfl.committee.attestor import attestor_of
from qfl.committee.bundle import quorum_of
from qfl.committee.opening import PLAIN
from qfl.committee.result import ShardResult, compute_result
from qfl.committee.tally import Tally
from qfl.committee.updates import VerifiedUpdate, fetch_updates
from qfl.errors import ContractReverted, UpdateRejected
from qfl.privacy.kem import KemKey
from qfl.roles.encryption import read_opener
from qfl.roles.relay import send_unless_overtaken
from qfl.roles.signer import Signer
from qfl.roles.terms import read_terms
from qfl.storage.store import ContentStore
from qfl.types import CheckpointData, ParticipantId, Revealed

log = logging.getLogger(__name__)

KEY_CHANGED = frozenset({"BadAggregate", "BadAttestation", "NotCurrentKey"})
"""Refusals of a bundle that was good: a seat has replaced its key since."""


class Seat:
    """One validator's seat in one round. Every call of `step` reads the chain afresh; only what was fetched is kept."""

    def __init__(
        self,
        validator: ParticipantId,
        duty: Duty,
        ledger: Ledger,
        sender: Carrier,
        store: ContentStore,
        signer: Signer,
        kem: KemKey | None = None,
    ) -> None:
        self._validator, self._seat, self._round = validator, duty.seat, duty.round
        self._kem = [] if kem is None else [kem]
        self._ledger, self._sender, self._store, self._signer = ledger, sender, store, signer
        self._shard = ledger.shards[duty.shard]
        self._terms = read_terms(ledger, duty.round, duty.shard)
        self._opened = ledger.shard_opened_in(duty.shard, duty.round)
        self._context = ledger.beacon.context()
        self._committee = ledger.beacon.committee(duty.round, duty.shard)
        self._attestor = attestor_of(ledger)
        self._keys = self._attestor.keys_of(self._committee)
        self._tallies: dict[bytes, Tally] = {}
        self._reveals: list[Revealed] = []
        self._updates: dict[int, VerifiedUpdate] = {}
        self._attempts: dict[int, tuple[int, int]] = {}
        self._complaints: set[str] = set()

    def step(self) -> bool:
        """Do what can be done now; True when something was sent."""
        turn = self._turn()
        proposals = self._proposals(turn)
        updates = self._fetch(turn, proposals)
        if not updates:
            return False
        sent = False
        if turn == self._seat and turn not in proposals:
            sent = self._propose(turn, updates, proposals)
        signatures = self._attestations(proposals)
        for proposal in proposals.values():
            if self._seat not in signatures[proposal.checkpoint.turn]:
                sent |= self._attest(proposal.checkpoint, updates, signatures)
        return self._carry(proposals, signatures) or sent

    def _fetch(self, turn: int, proposals: dict[int, Proposed]) -> list[VerifiedUpdate]:
        """The updates that pass every check, in reveal order.

        The store may search for a missing one for seconds, so it is asked again only in another turn, or when another
        seat proposes to include it.
        """
        reveals = self._read_reveals()
        included = [proposal.checkpoint.included for proposal in proposals.values()]
        attempts = {r.index: (turn, sum(mask >> r.index & 1 for mask in included)) for r in reveals}
        missing = [r for r in reveals if r.index not in self._updates]
        due = [r for r in missing if self._attempts.get(r.index) != attempts[r.index]]
        verified, rejected = self._read(due)
        self._attempts = attempts
        self._updates.update({update.index: update for update in verified})
        for rejection in rejected:
            self._complain(str(rejection))
        return [self._updates[index] for index in sorted(self._updates)]

    def _read_reveals(self) -> list[Revealed]:
        """The round's reveals; read again only where there are more: a shard's chain may be behind the beacon's."""
        if len(self._reveals) != self._shard.reveals_in(self._round):
            self._reveals = self._shard.reveals(self._round, self._opened)
        return self._reveals

    def _read(self, reveals: list[Revealed]) -> tuple[list[VerifiedUpdate], list[UpdateRejected]]:
        """Fetch, open and check updates; none when they are sealed, and this seat had named no key in time."""
        opener = read_opener(self._ledger, self._store, self._terms, self._kem) if reveals else PLAIN
        if opener is None:
            self._complain("the updates are sealed, and no key of this seat was on chain when the round was opened")
            return [], []
        return fetch_updates(reveals, self._store, self._terms, opener)

    def _turn(self) -> int:
        """Whose turn it is to propose; the last seat's lasts to the end of the phase."""
        begun = (self._ledger.now() - self._context.reveal_ends_at) // self._context.turn_seconds
        return max(0, min(begun, len(self._committee) - 1))

    def _proposals(self, turn: int) -> dict[int, Proposed]:
        """The first properly signed proposal of every turn that has begun; forged ones are dropped here."""
        found: dict[int, Proposed] = {}
        for proposal in self._shard.proposals(self._round, self._opened):
            proposer = proposal.checkpoint.turn
            if proposer <= turn and proposer not in found:
                tally = self._tally(proposal.checkpoint)
                tally.add([(proposer, proposal.signature)])
                if proposer in tally.signatures:
                    found[proposer] = proposal
        return found

    def _attestations(self, proposals: dict[int, Proposed]) -> dict[int, dict[int, bytes]]:
        """Valid signatures of each proposal, by turn and seat; the proposal's own is its proposer's."""
        digests = {turn: self._ledger.beacon_domain.checkpoint(p.checkpoint) for turn, p in proposals.items()}
        attestations = self._shard.attestations(self._round, self._opened) if proposals else []
        for turn, proposal in proposals.items():
            said = [
                (one.seat, one.signature) for one in attestations if (one.turn, one.digest) == (turn, digests[turn])
            ]
            self._tally(proposal.checkpoint).add(said)
        return {turn: dict(self._tally(proposal.checkpoint).signatures) for turn, proposal in proposals.items()}

    def _tally(self, checkpoint: CheckpointData) -> Tally:
        digest = self._ledger.beacon_domain.checkpoint(checkpoint)
        if digest not in self._tallies:
            self._tallies[digest] = Tally(self._attestor, self._keys, digest)
        return self._tallies[digest]

    def _propose(self, turn: int, updates: list[VerifiedUpdate], proposals: dict[int, Proposed]) -> bool:
        result = self._result(turn, updates)
        signature = self._sign(result.checkpoint)
        if signature is None:  # another checkpoint was signed for this turn before a restart: the turn is lost
            return False
        self._store.put(result.content)
        call = self._shard.propose(result.checkpoint, signature, self._validator)
        if send_unless_overtaken(self._sender, call) is None:
            return False
        proposals[turn] = Proposed(result.checkpoint, signature)
        self._tally(result.checkpoint).add([(turn, signature)])  # it is this seat's attestation
        return True

    def _attest(
        self,
        checkpoint: CheckpointData,
        updates: list[VerifiedUpdate],
        signatures: dict[int, dict[int, bytes]],
    ) -> bool:
        """Attest a checkpoint that equals this seat's own result, bit for bit."""
        expected = self._result(checkpoint.turn, updates)
        if expected.checkpoint != checkpoint:
            self._complain(f"what seat {checkpoint.turn} proposes is not the result of the revealed updates")
            return False
        signature = self._sign(checkpoint)
        if signature is None:
            return False
        self._store.put(expected.content)
        digest = self._ledger.beacon_domain.checkpoint(checkpoint)
        call = self._shard.attest(checkpoint, self._seat, digest, signature, self._validator)
        if send_unless_overtaken(self._sender, call) is None:
            return False
        signatures[checkpoint.turn][self._seat] = signature
        return True

    def _result(self, turn: int, updates: list[VerifiedUpdate]) -> ShardResult:
        """What this seat proposes in `turn`, and all it attests there."""
        return compute_result(self._terms, turn, updates)

    def _sign(self, checkpoint: CheckpointData) -> bytes | None:
        name = f"round {self._round} shard {self._terms.shard} turn {checkpoint.turn}"
        return self._signer.sign_once(name, self._round, self._ledger.beacon_domain.checkpoint(checkpoint))

    def _carry(self, proposals: dict[int, Proposed], signatures: dict[int, dict[int, bytes]]) -> bool:
        """Bring the first checkpoint with a quorum to the beacon; somebody else may be quicker."""
        needed = quorum_of(len(self._committee))
        for turn in sorted(proposals):
            if len(signatures[turn]) < needed:
                continue
            bundle = self._attestor.bundle(self._committee, signatures[turn])
            call = self._ledger.beacon.submit_checkpoint(proposals[turn].checkpoint, bundle)
            try:
                return send_unless_overtaken(self._sender, call) is not None
            except ContractReverted as refusal:
                if refusal.name not in KEY_CHANGED:
                    raise
                # The next step does without the signatures of keys that are no longer current.
                self._keys, self._tallies = self._attestor.keys_of(self._committee), {}
                return False
        return False

    def _complain(self, complaint: str) -> None:
        """Log it once: every step finds the same fault again."""
        if complaint not in self._complaints:
            self._complaints.add(complaint)
            log.warning("validator %d, round %d: %s", self._validator, self._round, complaint)
