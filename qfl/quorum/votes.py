"""Attestations by votes whose keys are shown later: post-quantum, for committees of any size; else as LMS signatures.

A validator names chains of vote keys beside the LMS key that it bonded with, which speaks where votes cannot: in later
turns, where no list was posted in time, and where a node cannot be trusted with what is final.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

from qfl.chain.contracts.beacon import TurnTime
from qfl.chain.contracts.vote_quorum import VoteChain, VoteQuorum
from qfl.chain.deploy import QuorumContract
from qfl.chain.rpc.sender import TransactionSender
from qfl.crypto.hash_chain import HashChain, LinkSeed, link_domain, next_link
from qfl.crypto.keyfile import KeyFile
from qfl.crypto.lms import verify
from qfl.errors import MalformedContent
from qfl.protocol.digests import Domain
from qfl.protocol.types import LmsPublicKey, ParticipantId
from qfl.protocol.votes import (
    CAST,
    KEY_BYTES,
    MASK_BYTES,
    REGISTRATION,
    SIGNATURES,
    TURNS,
    VOTE,
    VOTE_BYTES,
    VOTES,
    list_hash,
    vote_of,
)
from qfl.quorum.lms import LmsScheme
from qfl.quorum.quorum import SCHEMES, KeysAt

MOST_LINKS = 4096
"""Rounds between a key and what is known of its chain: `VoteKeys.MAX_LINKS`."""
SPENT = 16
"""With keys for fewer rounds than these left, a validator names other chains when it starts."""


@SCHEMES.register("votes")
class VoteScheme(LmsScheme):
    """Votes by `VoteQuorum`, which takes LMS signatures too."""

    contract = QuorumContract(
        "VoteQuorum", arguments=lambda parameters: [parameters.rounds["turnSeconds"] // 4 or 1] * 2
    )
    registration_gas = 250_000
    signature_gas = 300_000

    @cached_property
    def quorum(self) -> VoteQuorum:
        """The deployment's contract."""
        found = self._ledger.contract(VoteQuorum)
        assert found is not None, "the scheme is that of the deployment"
        return found

    @cached_property
    def vote_seconds(self) -> int:
        """How long lists may be posted in a turn."""
        return self.quorum.vote_seconds()

    def set_up(self, sender: TransactionSender, validator: ParticipantId, *, key: KeyFile, folder: Path) -> None:
        """Name chains of vote keys of the folder's seed, unless some stand that have keys left."""
        ledger = self._ledger
        current = ledger.beacon.current_round()
        if (own := self.own_chains(validator, folder)) is not None and current + SPENT <= own.last_round:
            return
        first, nonce = current + 1, self.quorum.chain_count(validator)
        anchors = [chain.anchor for chain in self._chains(key.public, folder, first)]
        domain = Domain(ledger.deployment.chain_id, self.quorum.address)
        signature = key.sign(domain.digest(REGISTRATION, validator, *anchors, first, nonce))
        sender.send(self.quorum.register(validator, anchors, first_round=first, signature=signature))

    def signed_by(self, validator: ParticipantId) -> list[tuple[bytes, bytes]]:
        """The chains that it named."""
        ledger = self._ledger
        domain, signed = Domain(ledger.deployment.chain_id, self.quorum.address), []
        for made in self.quorum.registrations(ledger.from_block, validator):
            if (call := ledger.call_in(self.quorum, made.tx_hash)) is not None:
                digest = domain.digest(REGISTRATION, validator, *made.anchors, made.first_round, made.key_index)
                signed.append((digest, bytes(call["signature"])))
        return signed

    def own_chains(self, validator: ParticipantId, folder: Path) -> "OwnVotes | None":
        """The chains that stand for a validator, if they are of the folder's seed, for a key that the validator had."""
        (standing,) = self.quorum.chains_of([validator], 0)
        if standing is None:
            return None
        staking = self._ledger.staking
        for index in range(staking.participant(validator).key_index, -1, -1):
            chains = self._chains(staking.key_at(validator, index), folder, standing.first_round)
            shown = standing.round + 1 - standing.first_round
            if shown <= chains[0].length and chains[0].tip(shown) == standing.tip:
                return OwnVotes(chains, standing.first_round)
        return None

    def is_key(self, chain: VoteChain, key: bytes, round_number: int) -> bool:
        """Whether `key` is the one of a round in a validator's chain, as the contract judges it."""
        if not 0 < chain.first_round <= round_number or abs(round_number - chain.round) > MOST_LINKS:
            return False
        later, earlier = (key, chain.tip) if round_number > chain.round else (chain.tip, key)
        for _ in range(abs(round_number - chain.round)):
            later = next_link(later, self._link_domain)
        return later == earlier

    def cast_digest(self, digest: bytes, *, validator: ParticipantId, seat: int, vote: bytes) -> bytes:
        """What a validator's LMS key signs to tell the others its vote."""
        return self._ledger.beacon_domain.digest(CAST, digest, validator, seat, vote)

    def is_vote(self, key: LmsPublicKey, digest: bytes, *, validator: ParticipantId, seat: int, said: bytes) -> bool:
        """A vote, signed by its seat."""
        vote, signature = said[1 : 1 + VOTE_BYTES], said[1 + VOTE_BYTES :]
        if said[:1] != VOTE or len(vote) != VOTE_BYTES:
            return False
        return verify(key, self.cast_digest(digest, validator=validator, seat=seat, vote=vote), signature)

    # --- LMS signatures, as the contract tells them from votes ---

    def attestation(self, signature: bytes) -> bytes:
        """With the sign of a signature."""
        return SIGNATURES + signature

    def bare(self, attestation: bytes) -> bytes:
        """Without it."""
        return attestation[1:]

    def valid(
        self,
        keys: Mapping[int, LmsPublicKey],
        digest: bytes,
        *,
        committee: Sequence[ParticipantId],
        signatures: Mapping[int, bytes],
    ) -> set[int]:
        """One by one; what is no signature is none."""
        bare = {seat: signed[1:] for seat, signed in signatures.items() if signed[:1] == SIGNATURES}
        return super().valid(keys, digest, committee=committee, signatures=bare)

    def bundle(self, committee: Sequence[ParticipantId], signatures: Mapping[int, bytes]) -> bytes:
        """No more than the quorum needs."""
        return SIGNATURES + super().bundle(committee, {seat: signed[1:] for seat, signed in signatures.items()})

    def signatures_in(self, bundle: bytes) -> dict[int, bytes]:
        """Of a bundle of signatures all; none of votes, which are attested by a list that is not in the bundle."""
        if bundle[:1] == VOTES:
            return {}
        return {seat: SIGNATURES + signature for seat, signature in super().signatures_in(bundle[1:]).items()}

    def check(
        self,
        bundle: bytes,
        committee: Sequence[ParticipantId],
        *,
        digest: bytes,
        keys_at: KeysAt[LmsPublicKey],
        turn: TurnTime,
    ) -> dict[int, bool]:
        """A seat voted when its key opens its vote in a list that was posted in time, and is of its chain."""
        if bundle[:1] == SIGNATURES:
            return super().check(bundle[1:], committee, digest=digest, keys_at=keys_at, turn=turn)
        votes, keys = _votes_in(bundle, digest)
        posted_at = self.quorum.posted_at(list_hash(votes))
        is_in_time = 0 < posted_at < turn.began_at + self.vote_seconds and turn.number < TURNS

        def is_cast(seat: int, key: bytes) -> bool:
            if not is_in_time or seat >= len(committee):
                return False
            validator = committee[seat]
            numbers = range(self.quorum.chain_count(validator))
            chains = (self.quorum.chain_at(validator, index, turn.number) for index in numbers)
            return any(self.is_key(chain, key, turn.round) for chain in chains)

        return {seat: is_cast(seat, key) for seat, key in keys.items()}

    @cached_property
    def _link_domain(self) -> bytes:
        return link_domain(self._ledger.deployment.chain_id, self.quorum.address)

    def _chains(self, key: LmsPublicKey, folder: Path, first_round: int) -> list[HashChain]:
        """By turn."""
        place = self._ledger.deployment.chain_id, self.quorum.address, key.identifier
        seed = LinkSeed.of(folder)
        return [seed.chain(*place, TURNS * first_round + turn) for turn in range(TURNS)]


class OwnVotes:
    """A validator's own chains of vote keys, one for each turn that has votes, from their first round on."""

    def __init__(self, chains: Sequence[HashChain], first_round: int) -> None:
        self._chains, self._first_round = chains, first_round

    @property
    def last_round(self) -> int:
        """The last round that they have keys for."""
        return self._first_round + self._chains[0].length - 1

    def key(self, round_number: int, turn: int) -> bytes | None:
        """The key of a turn; None where it has none."""
        if turn >= TURNS or not self._first_round <= round_number <= self.last_round:
            return None
        return self._chains[turn].tip(round_number + 1 - self._first_round)


def _votes_in(bundle: bytes, digest: bytes) -> tuple[dict[int, bytes], dict[int, bytes]]:
    """The votes of a bundle, and the keys that are shown, by seat. Raises MalformedContent."""
    listed, shown = (int.from_bytes(bundle[at : at + MASK_BYTES]) for at in (1, 1 + MASK_BYTES))
    votes, keys, cursor = dict[int, bytes](), dict[int, bytes](), 1 + 2 * MASK_BYTES
    for seat in (seat for seat in range(8 * MASK_BYTES) if listed >> seat & 1):
        size = KEY_BYTES if shown >> seat & 1 else VOTE_BYTES
        given, cursor = bundle[cursor : cursor + size], cursor + size
        if size == KEY_BYTES:
            keys[seat] = given
        votes[seat] = vote_of(digest, seat, given) if size == KEY_BYTES else given
    if cursor != len(bundle) or shown & ~listed:
        raise MalformedContent(f"votes of {len(bundle)} bytes, its seats add up to {cursor}")
    return votes, keys
