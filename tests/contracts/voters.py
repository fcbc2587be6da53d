"""Validators that vote: their chains of keys, the lists of their votes, and what opens them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from brownie import chain

from qfl.chain.deploy import QuorumContract
from qfl.crypto.hash_chain import HashChain, link_domain
from qfl.protocol.digests import Domain
from qfl.protocol.types import Checkpoint
from qfl.protocol.votes import (
    REGISTRATION,
    SIGNATURES,
    TURNS,
    encode_attestation,
    encode_votes,
    list_hash,
    vote_of,
)
from tests.contracts.world import Member, World, build, bundle_of, word

VOTE_SECONDS, SHOW_SECONDS = 20, 30
VOTE_QUORUM = QuorumContract("VoteQuorum", arguments=lambda _parameters: (VOTE_SECONDS, SHOW_SECONDS))


def build_voting(**changed: Any) -> World:
    """A world whose committees vote; every validator has named its first chain, from round 1 on, with leaf 0."""
    world = build(quorum=VOTE_QUORUM, **changed)
    for member in world.members.values():
        if world.staking.participant(member.id)["role"] == 2:
            name_chain(world, member)
    return world


@cache
def _chain(quorum: str, name: str, number: int, turn: int) -> HashChain:
    secret = word(f"{name}'s votes, chain {number} of turn {turn}")
    return HashChain(secret, link_domain(chain.id, quorum), length=128)


def chain_of(quorum: Any, name: str, number: int = 0, turn: int = 0) -> HashChain:
    """A validator's chain of vote keys by its number and turn: always the same one, for 128 rounds."""
    return _chain(quorum.address, name, number, turn)


def anchors_of(quorum: Any, name: str, number: int = 0) -> list[bytes]:
    """What a validator names to begin its chains of that number."""
    return [chain_of(quorum, name, number, turn).anchor for turn in range(TURNS)]


def registration(
    domain: Domain, member: Member, anchors: Sequence[bytes], *, first_round: int = 1, nonce: int = 0
) -> bytes:
    """What a validator signs to name its chains."""
    return domain.digest(REGISTRATION, member.id, *anchors, first_round, nonce)


def name_chain(world: World, member: Member, number: int = 0, first_round: int = 1, **changed: Any) -> Any:
    """Name a validator's chains of that number; `changed` replaces single arguments after signing."""
    quorum = world.contracts.quorum
    anchors = changed.pop("signed_anchors", None) or anchors_of(quorum, member.name, number)
    digest = registration(world.domain(quorum), member, anchors, first_round=first_round, nonce=number)
    call = {"validator": member.id, "anchors": anchors, "firstRound": first_round}
    call |= {"signature": changed["signature"] if "signature" in changed else member.sign(digest)} | changed
    return quorum.register(*call.values(), {"from": world.relayer})


@dataclass(frozen=True)
class Poll:
    """A committee that votes on a digest in a turn; `numbers` are of the chains that are not a validator's first."""

    world: World
    digest: bytes
    turn: tuple[int, int, int]
    seats: Sequence[Member]
    numbers: dict[str, int] = field(default_factory=dict)
    first_round: int = 1

    @property
    def quorum(self) -> Any:
        return self.world.contracts.quorum

    def key(self, seat: int) -> bytes:
        """The key of the turn, of who sits there."""
        name, (round_number, turn, _) = self.seats[seat].name, self.turn
        links = chain_of(self.quorum, name, self.numbers.get(name, 0), min(turn, TURNS - 1))
        return links.tip(round_number + 1 - self.first_round)

    def keys(self, seats: Iterable[int]) -> dict[int, bytes]:
        return {seat: self.key(seat) for seat in seats}

    def votes(self, seats: Iterable[int] | None = None) -> dict[int, bytes]:
        """The votes of these seats; of all unless they are given."""
        voting = range(len(self.seats)) if seats is None else seats
        return {seat: vote_of(self.digest, seat, self.key(seat)) for seat in voting}

    def post(self, votes: dict[int, bytes] | None = None) -> Any:
        """Post the list of these votes; of all seats' unless they are given."""
        listed = self.votes() if votes is None else votes
        return self.quorum.postList(list_hash(listed), {"from": self.world.mallory})

    def bundle(self, shown: Iterable[int], votes: dict[int, bytes] | None = None) -> bytes:
        """The list of these votes, or of all seats', with the keys of `shown`."""
        return encode_votes(self.votes() if votes is None else votes, self.keys(shown))

    def verify(self, bundle: bytes) -> int:
        """What the quorum says to a bundle; nothing is kept of it."""
        committee = [member.id for member in self.seats]
        return int(self.quorum.verify.call(self.digest, self.turn, committee, bundle, {"from": self.world.mallory}))

    def show(self, bundle: bytes) -> Any:
        """Have the quorum keep what it learns from a bundle."""
        committee = [member.id for member in self.seats]
        return self.quorum.verify(self.digest, self.turn, committee, bundle, {"from": self.world.mallory})

    def evidence(self, seat: int, votes: dict[int, bytes] | None = None, key: bytes | None = None) -> bytes:
        """A seat's attestation, from a list."""
        listed = self.votes() if votes is None else votes
        place = sorted(listed).index(seat)
        return encode_attestation(key or self.key(seat), place, [listed[one] for one in sorted(listed)])

    def is_attestation(self, seat: int, evidence: bytes | None = None, *, number: int = 0) -> bool:
        """Whether the quorum takes this for the attestation of who sits there, under its chain of that number."""
        given = self.evidence(seat) if evidence is None else evidence
        return bool(self.quorum.isAttestation(self.seats[seat].id, seat, number, self.digest, self.turn, given))

    def on(self, **changed: Any) -> Poll:
        """The same with something changed."""
        return replace(self, **changed)


def poll_on(world: World, checkpoint: Checkpoint, **changed: Any) -> Poll:
    """The vote on a checkpoint, in its turn."""
    digest = world.domain(world.beacon).checkpoint(checkpoint)
    turn = tuple(world.beacon.turnAt(checkpoint.round, checkpoint.turn))
    return Poll(world, digest, turn, world.seats(checkpoint.round, checkpoint.shard), **changed)


def signed_bundle(signatures: dict[int, bytes]) -> bytes:
    """A bundle of LMS signatures, as the vote quorum takes one."""
    return SIGNATURES + bundle_of(signatures)
