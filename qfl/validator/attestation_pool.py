"""What a committee's seats have announced: proposals and attestations, and who has validly signed which checkpoint."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from qfl.chain.contracts.shard import Attested, Proposed
from qfl.chain.rounds import ShardRound
from qfl.protocol.quorum import quorum_of
from qfl.protocol.types import Checkpoint, ParticipantId
from qfl.quorum.quorum import QuorumScheme, scheme_of
from qfl.validator.gossip import CommitteeGossip

CHECKPOINT_GAS = 600_000
"""The most that a checkpoint takes beside its bundle, with a committee of 64 seats and the model that it carries."""

TRANSACTION_GAS = 2**24
"""The most that a transaction may take (EIP-7825)."""


class AttestationPool:
    """One committee's round. A signature is verified once, and what is forged counts for nothing.

    Its seat puts a new `part` here before it acts, and says whether what was said on chain is read (`reads_chain`)
    beside what came by `gossip`. `committee` are the validators in the seats; a checkpoint needs the signatures of
    `quorum` of them.
    """

    def __init__(self, part: ShardRound, gossip: CommitteeGossip | None = None) -> None:
        self.part, self.committee, self.gossip, self.reads_chain = part, part.committee(), gossip, True
        self._domain, self._scheme = part.ledger.beacon_domain, scheme_of(part.ledger)
        self.quorum = quorum_of(len(self.committee))
        self.renew_keys()

    def renew_keys(self) -> None:
        """Take the seats' keys as they are now, and verify everything against them."""
        self._keys = self._scheme.keys_of(self.committee)
        self._tallies: dict[bytes, Tally] = {}
        self._votes: dict[Proposed, bool] = {}

    def proposed(self, turn: int) -> dict[int, Checkpoint]:
        """The first properly signed proposal of every turn up to this one."""
        found: dict[int, Checkpoint] = {}
        heard = [] if self.gossip is None else self.gossip.proposals
        for proposal in [*heard, *(self.part.proposals() if self.reads_chain else ())]:
            proposer = proposal.checkpoint.turn
            if proposer <= turn and proposer not in found:
                tally = self._tally(proposal.checkpoint)
                tally.add([(proposer, proposal.signature)])
                if proposer in tally.signatures or self._is_vote(proposal):
                    found[proposer] = proposal.checkpoint
        return found

    def announced(self, checkpoints: Iterable[Checkpoint]) -> dict[Checkpoint, dict[int, bytes]]:
        """Valid signatures of each checkpoint by seat; a proposal's own is its proposer's."""
        tallies = {checkpoint: self._tally(checkpoint) for checkpoint in checkpoints}
        said = self._attestations() if tallies else []
        for checkpoint, tally in tallies.items():
            named = checkpoint.turn, self._domain.checkpoint(checkpoint)
            tally.add([(one.seat, one.signature) for one in said if (one.turn, one.digest) == named])
        return {checkpoint: dict(tally.signatures) for checkpoint, tally in tallies.items()}

    def bundle(self, signatures: Mapping[int, bytes]) -> bytes:
        """Signatures of one checkpoint by seat, as the beacon's quorum takes them."""
        return self._scheme.bundle(self.committee, signatures)

    def is_on_chain(self, checkpoint: Checkpoint, seat: int, signature: bytes) -> bool:
        """Whether a seat has said that where everybody can read it."""
        if checkpoint.turn == seat:
            return Proposed(checkpoint, signature) in self.part.proposals()
        digest = self._domain.checkpoint(checkpoint)
        return Attested(checkpoint.turn, seat, digest, signature) in self.part.attestations()

    def checkpoint_gas(self, signatures: Mapping[int, bytes]) -> int | None:
        """The most that it takes to bring a checkpoint with these signatures to the beacon; None: that is not known."""
        if not self._scheme.signature_gas:
            return None
        return min(CHECKPOINT_GAS + len(signatures) * self._scheme.signature_gas, TRANSACTION_GAS)

    def _is_vote(self, proposal: Proposed) -> bool:
        """Whether its proposer votes for it; looked into once."""
        if proposal not in self._votes:
            checkpoint, seat = proposal.checkpoint, proposal.checkpoint.turn
            self._votes[proposal] = seat in self._keys and self._scheme.is_vote(
                self._keys[seat],
                self._domain.checkpoint(checkpoint),
                validator=self.committee[seat],
                seat=seat,
                said=proposal.signature,
            )
        return self._votes[proposal]

    def _attestations(self) -> list[Attested]:
        heard = [] if self.gossip is None else self.gossip.attestations
        return [*heard, *(self.part.attestations() if self.reads_chain else ())]

    def _tally(self, checkpoint: Checkpoint) -> Tally:
        digest = self._domain.checkpoint(checkpoint)
        if digest not in self._tallies:
            self._tallies[digest] = Tally(self._scheme, self._keys, digest=digest, committee=self.committee)
        return self._tallies[digest]


class Tally:
    """The valid attestations of one digest by seat, each verified once.

    Anybody can announce noise in a seat's name; what counts is the first signature that is valid.
    """

    def __init__(
        self,
        scheme: QuorumScheme[Any],
        keys: Mapping[int, Any],
        *,
        digest: bytes,
        committee: Sequence[ParticipantId],
    ) -> None:
        self._scheme, self._keys, self._digest, self._committee = scheme, keys, digest, committee
        self._seen: set[tuple[int, bytes]] = set()
        self.signatures: dict[int, bytes] = {}

    def add(self, said: Iterable[tuple[int, bytes]]) -> None:
        """Take in what was announced, seat and signature."""
        waiting = [entry for entry in dict.fromkeys(said) if entry not in self._seen and entry[0] in self._keys]
        self._seen.update(waiting)
        while waiting := [entry for entry in waiting if entry[0] not in self.signatures]:
            batch = dict(reversed(waiting))  # of each seat, the first
            valid = self._scheme.valid(self._keys, self._digest, committee=self._committee, signatures=batch)
            self.signatures.update({seat: batch[seat] for seat in valid})
            waiting = [entry for entry in waiting if batch[entry[0]] != entry[1]]
