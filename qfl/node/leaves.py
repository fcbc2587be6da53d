"""Whether a key is as new as what the contracts have seen of it: an old copy of its file signs with used leaves.

`KeyFile` notices the old copies on its own machine. What is on chain tells of all the others: a contract that verifies
a signature keeps the next leaf, and a seat's announcements are in events, where their signatures count only if the key
made them. A key takes its leaves in order, so that the last announcement tells of those before it.
"""

from collections.abc import Iterable, Iterator

from qfl.chain.contracts.draw import Sitting
from qfl.chain.contracts.staking import Role
from qfl.chain.ledger import Ledger, tolerating_shard
from qfl.crypto.keyfile import KeyFile
from qfl.crypto.lms import leaf_of, verify
from qfl.protocol.digests import seat_digest
from qfl.protocol.types import ParticipantId, ShardIndex
from qfl.quorum.lms import decode_bundle
from qfl.quorum.quorum import scheme_of


class LeafCheck:
    """Compares a participant's current key with what each contract has seen of it: once, before it signs."""

    def __init__(self, ledger: Ledger, participant: ParticipantId, role: Role, key: KeyFile) -> None:
        self._ledger, self._participant, self._role, self._key = ledger, participant, role, key
        self._checked: set[ShardIndex] = set()

    def everywhere(self) -> None:
        """Ask `Staking`, the quorum and every shard. One whose own chain does not answer is left to `in_shard`.

        Raises KeyFileBehind, ChainUnreachable.
        """
        self._key.require_unseen(self._ledger.staking.participant(self._participant).next_leaf, "Staking")
        if self._role is Role.VALIDATOR:
            scheme = scheme_of(self._ledger)
            self._key.require_unseen(self._after(scheme.signed_by(self._participant)), scheme.contract.name)
        for shard in self._ledger.all_shards():
            with tolerating_shard(shard):
                self.in_shard(shard)

    def in_shard(self, shard: ShardIndex) -> None:
        """Ask one shard, unless it was asked before: to be called before a signature that is meant for it.

        Raises KeyFileBehind, ChainUnreachable.
        """
        if shard in self._checked:
            return
        lowest = self._after_commits(shard) if self._role is Role.CLIENT else self._after_announcements(shard)
        self._key.require_unseen(lowest, f"shard {shard}")
        self._checked.add(shard)

    def _after(self, signed: Iterable[tuple[bytes, bytes]]) -> int:
        """One more than the highest leaf of the key's own among signatures of these digests."""
        return max((leaf_of(one) + 1 for digest, one in signed if verify(self._key.public, digest, one)), default=0)

    def _after_commits(self, shard: ShardIndex) -> int:
        """The client's next leaf in a shard; 0 where a mirror still shows another key of it."""
        mirrors = self._ledger.mirrors
        if mirrors and mirrors[shard].client_key(self._participant) != self._key.public:
            return 0
        return self._ledger.shards[shard].next_leaf(self._participant)

    def _after_announcements(self, shard: ShardIndex) -> int:
        """One more than the highest leaf in what the validator said last in a shard, and to its mirror."""
        said = [*self._countersignatures(shard), *self._last_carried(shard), *self._last_announcements(shard)]
        return max((leaf_of(signature) + 1 for signature in said), default=0)

    def _countersignatures(self, shard: ShardIndex) -> list[bytes]:
        if not self._ledger.mirrors:
            return []
        since = self._ledger.deployment.chains[shard].block
        said = self._ledger.mirrors[shard].countersignatures_by(self._participant, since)
        return [one.signature for one in said if self._is_own(one.digest, one.seat, one.signature)]

    def _last_carried(self, shard: ShardIndex) -> list[bytes]:
        """What the key signed in the last bundle that the mirror took of it: what is said by gossip is there alone."""
        if not self._ledger.mirrors:
            return []
        sittings = self._ledger.draw.sittings(self._participant, self._ledger.from_block)
        seats = {sitting.round: sitting.seat for sitting in sittings if sitting.shard == shard}
        for taken in reversed(self._ledger.mirrors[shard].mirrorings(self._ledger.deployment.chains[shard].block)):
            if (seat := seats.get(taken.signers)) is not None:
                signature = decode_bundle(taken.bundle).get(seat)
                if signature is not None and self._is_own(taken.digest, seat, signature):
                    return [signature]
        return []

    def _last_announcements(self, shard: ShardIndex) -> list[bytes]:
        """What the key signed in the last round in which it spoke in the shard.

        The search ends with the rounds that were open when the key became the validator's.
        """
        blocks = self._ledger.staking.key_blocks(self._participant, self._ledger.from_block)
        for sitting in reversed(self._ledger.draw.sittings(self._participant, blocks[0])):
            if sitting.shard != shard:
                continue
            said = [signed for digest, signed in self._said(sitting) if self._is_own(digest, sitting.seat, signed)]
            if said or sitting.block < blocks[-1]:
                return said
        return []

    def _is_own(self, digest: bytes, seat: int, signature: bytes) -> bool:
        return verify(self._key.public, seat_digest(digest, self._participant, seat), signature)

    def _said(self, sitting: Sitting) -> Iterator[tuple[bytes, bytes]]:
        """Digest and attestation of all that is announced in the name of a seat; not all of it need be its own."""
        ledger, digest_of = self._ledger, self._ledger.beacon_domain.checkpoint
        bare = scheme_of(ledger).bare
        part = ledger.round(sitting.round).shard(sitting.shard)
        for proposal in part.proposals():
            if proposal.checkpoint.turn == sitting.seat:
                yield digest_of(proposal.checkpoint), bare(proposal.signature)
        for attested in part.attestations():
            if attested.seat == sitting.seat:
                yield attested.digest, bare(attested.signature)
        # Who completes a quorum says so in the bundle alone.
        for accepted in ledger.beacon.accepted(sitting.round, sitting.block):
            call = ledger.call_in(ledger.beacon, accepted.tx_hash)
            if accepted.checkpoint.shard == sitting.shard and call is not None:
                signatures = scheme_of(ledger).signatures_in(call["bundle"])
                if sitting.seat in signatures:
                    yield digest_of(accepted.checkpoint), bare(signatures[sitting.seat])
