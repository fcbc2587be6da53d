"""A turn's votes in a committee, from casting to the bundle; one object for each checkpoint that a seat votes for.

A seat tells the others its vote, signed, for nobody can check one before it is opened. Whoever comes first of those who
voted posts the hash of their list within the turn's window. When that is final on the beacon's chain, seats show their
keys, which open the votes of the list, and the first brings a quorum of them to the beacon.

Whoever has a key before the window is over can vote in its owner's name. So a seat shows it only when a final block has
the list, its own vote in it, another final block is past the window, and so is its own clock.
"""

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from qfl.chain.clock import is_development_chain
from qfl.chain.contracts.shard import Attested
from qfl.chain.contracts.vote_quorum import VoteChain, VoteQuorum
from qfl.chain.finality import Finality, trusts_nodes
from qfl.chain.ledger import Ledger
from qfl.errors import NodeContradictsItself, RpcRefused
from qfl.protocol.quorum import quorum_of
from qfl.protocol.types import LmsPublicKey, ParticipantId, RoundNumber
from qfl.protocol.votes import (
    KEY,
    KEY_BYTES,
    LIST,
    VOTE,
    VOTE_BYTES,
    decode_list,
    encode_attestation,
    encode_list,
    encode_votes,
    list_hash,
    vote_of,
)
from qfl.quorum.quorum import scheme_of
from qfl.quorum.votes import OwnVotes, VoteScheme

UNTOLD = (RpcRefused, NodeContradictsItself)
"""Faults of a node that does not tell which blocks are final."""


@dataclass(frozen=True)
class Window:
    """A turn's times, unix seconds: lists count from its beginning until `ends_at`; from `fails_at` on seats sign."""

    began_at: int
    ends_at: int
    fails_at: int


class VotingBooth:
    """What one seat votes with in a round: its chains of keys, the others', and what it waits for."""

    def __init__(
        self,
        ledger: Ledger,
        committee: Sequence[ParticipantId],
        *,
        seat: int,
        own: OwnVotes,
        scheme: VoteScheme,
        round_number: RoundNumber,
    ) -> None:
        self.ledger, self.committee, self.seat, self.own, self.scheme = ledger, committee, seat, own, scheme
        self._opened_in = ledger.round(round_number).opened_in
        self._chains = {0: scheme.quorum.chains_of(committee, 0)}
        self.keys: Mapping[int, LmsPublicKey] = scheme.keys_of(committee)
        self._finality = Finality(ledger.web3, ledger.deployment.confirmations)
        self._moves_time = is_development_chain(ledger.web3)

    def chains(self, turn: int, *, anew: bool = False) -> list[VoteChain | None]:
        """The committee's chains for a turn, by seat; None of a seat that has none. Read once unless `anew`."""
        if anew or turn not in self._chains:
            self._chains[turn] = self.scheme.quorum.chains_of(self.committee, turn)
        return self._chains[turn]

    def window(self, turn: int) -> Window:
        """The times of a turn of the round that is open."""
        context = self.ledger.beacon.context()
        began_at = context.reveal_ends_at + turn * context.turn_seconds
        return Window(began_at, began_at + self.scheme.vote_seconds, began_at + 3 * context.turn_seconds // 4)

    def now(self) -> float:
        """The own clock; where a development chain's time is moved, that is the clock."""
        return self.ledger.now() if self._moves_time else time.time()

    def is_in_time(self, window: Window) -> bool:
        """Whether keys could be shown before the turn's votes fail, as far behind as final blocks are now."""
        try:
            return window.ends_at + self._finality.lag_seconds() < window.fails_at
        except UNTOLD:
            return False

    def posted_lists(self, lists: Collection[bytes], window: Window, block: str = "latest") -> set[bytes]:
        """Which of these hashes were posted in time, as a block has it.

        Anybody can tell a seat lists, and posting them costs something: so it is those on chain that are looked at.
        """
        if not lists:
            return set()
        known = [one.list for one in self.scheme.quorum.postings(self._opened_in) if one.list in lists]
        posted = self.scheme.quorum.posted_by(block, known)
        return {one for one, at in zip(known, posted, strict=True) if 0 < at < window.ends_at}

    def final_lists(self, lists: Collection[bytes], window: Window) -> set[bytes]:
        """Which of these hashes were posted in time, for good; none before that can be told for good."""
        try:
            return set() if self.is_open(window) else self.posted_lists(lists, window, self._finality.block())
        except UNTOLD:
            return set()

    def is_open(self, window: Window) -> bool:
        """Whether final blocks do not tell yet which lists were posted in time. Raises one of `UNTOLD`."""
        return self.now() < window.ends_at or self._finality.time() < window.ends_at


class Ballot:
    """The votes for one checkpoint's digest. `_lists` by hash are those heard of that have the own vote in them."""

    def __init__(self, booth: VotingBooth, digest: bytes, round_number: int, turn: int) -> None:
        self._booth, self._digest, self._turn = booth, digest, turn
        self._round, self.window = round_number, booth.window(turn)
        key = booth.own.key(round_number, turn)
        assert key is not None, "the booth has keys of this round"
        self._key, self.vote = key, vote_of(digest, booth.seat, key)
        self.votes, self.keys = dict[int, bytes](), dict[int, bytes]()
        self._lists: dict[bytes, dict[int, bytes]] = {}
        self._posted: dict[bytes, dict[int, bytes]] = {}
        self._seen = set[tuple[int, bytes]]()
        self.is_cast = self.has_posted = self._is_shown = False

    @property
    def quorum(self) -> VoteQuorum:
        """Where lists are posted."""
        return self._booth.scheme.quorum

    @property
    def _needed(self) -> int:
        return quorum_of(len(self._booth.committee))

    @property
    def cast_digest(self) -> bytes:
        """What this seat signs to tell its vote."""
        booth = self._booth
        validator = booth.committee[booth.seat]
        return booth.scheme.cast_digest(self._digest, validator=validator, seat=booth.seat, vote=self.vote)

    def cast(self, sign: Callable[[bytes], bytes | None]) -> bytes | None:
        """What tells the others this seat's vote; None where something else was voted for in this turn."""
        if (signature := sign(self.cast_digest)) is None:
            return None
        self.is_cast, self.votes[self._booth.seat] = True, self.vote
        return VOTE + self.vote + signature

    def hear(self, said: Iterable[Attested]) -> None:
        """Take in what others say of this turn: votes, lists, keys."""
        news = [one for one in said if (one.turn, one.digest) == (self._turn, self._digest)]
        news = [one for one in news if (one.seat, one.signature) not in self._seen]
        for one in news:
            if one.signature[:1] == VOTE:
                self._hear_vote(one.seat, one.signature)
            elif one.signature[:1] == LIST:
                self._hear_list(one.signature)
        # Keys open votes of lists, so they are listened to once there is one, whatever came first.
        for one in news:
            if one.signature[:1] == KEY and len(one.signature) == 1 + KEY_BYTES:
                self._hear_key(one.seat, one.signature[1:])
        if self._lists:
            self._seen.update((one.seat, one.signature) for one in news)
        else:
            self._seen.update((one.seat, one.signature) for one in news if one.signature[:1] != KEY)

    def has_failed(self) -> bool:
        """Whether its seat is to sign in place of it: no list with its vote was posted in time, or keys are late."""
        now = self._booth.now()
        if now < self.window.ends_at:
            return False
        return not self.is_cast or now >= self.window.fails_at or not self._has_posted_list()

    def waits_for_time(self) -> bool:
        """Whether what others say is of no use before the window is over: all have voted, or its list is posted."""
        if not self.is_cast or self._booth.now() >= self.window.ends_at:
            return False
        return len(self.votes) == len(self._booth.committee) or self._has_posted_list()

    def list_to_post(self, is_asked_again: bool) -> dict[int, bytes] | None:
        """The list that is this seat's to post now, if it is the first of those who voted.

        It waits for everybody's vote; for a quorum where it `is_asked_again`.
        """
        booth = self._booth
        if self.has_posted or len(self.votes) < self._needed or booth.now() >= self.window.ends_at:
            return None
        places = [(seat - self._turn) % len(booth.committee) for seat in self.votes]
        is_first = min(places) == (booth.seat - self._turn) % len(booth.committee)
        is_complete = len(self.votes) == len(booth.committee)
        return dict(self.votes) if is_first and (is_complete or is_asked_again) else None

    def propose(self, votes: dict[int, bytes]) -> bytes:
        """Keep a list that is about to be posted, and return what tells the others."""
        self._lists[list_hash(votes)] = votes
        return encode_list(votes)

    def key_to_show(self) -> bytes | None:
        """What tells the others this seat's key, once, as soon as it is of no use to anybody else."""
        if self._is_shown and self.bundle() is not None:
            return None
        is_settled = self._settle()  # also once it is shown: another list may have been heard since
        if self._is_shown or not is_settled:
            return None
        self._is_shown, self.keys[self._booth.seat] = True, self._key
        return KEY + self._key

    def bundle(self) -> bytes | None:
        """A posted list with a quorum of its keys, as the beacon takes it; None before there is one."""
        for votes in self._posted.values():
            opened = {
                seat: key for seat, key in self.keys.items() if votes.get(seat) == vote_of(self._digest, seat, key)
            }
            if len(opened) >= self._needed:
                return encode_votes(votes, opened)
        return None

    @property
    def is_opened(self) -> bool:
        """Whether every vote of a posted list has its key."""
        return any(votes.keys() <= self.keys.keys() for votes in self._posted.values())

    def renew(self) -> None:
        """Forget the keys that are of no chain any more: their validator has named another."""
        self._booth.chains(self._turn, anew=True)
        self.keys = {seat: key for seat, key in self.keys.items() if self._is_of_chain(seat, key)}

    def may_open_later(self) -> bool:
        """Whether `attestation` may be there once more blocks are final."""
        try:
            return self.is_cast and self._booth.is_open(self.window)
        except UNTOLD:
            return False

    def attestation(self) -> bytes | None:
        """The own vote, opened, as the contract takes it alone; None before its key may be shown."""
        if not self._posted:
            self._settle()
        for votes in self._posted.values():
            return encode_attestation(
                self._key, sorted(votes).index(self._booth.seat), [votes[seat] for seat in sorted(votes)]
            )
        return None

    def _settle(self) -> bool:
        """Whether the own key may be shown; `_posted` are the lists that make it so."""
        final = self._booth.final_lists(self._lists.keys(), self.window)
        self._posted |= {one: self._lists[one] for one in final}
        return bool(self._posted)

    def _has_posted_list(self) -> bool:
        """Whether a list with the own vote was posted in time, as the chain is now."""
        return bool(self._booth.posted_lists(self._lists.keys(), self.window))

    def _hear_vote(self, seat: int, said: bytes) -> None:
        booth = self._booth
        if seat in self.votes or seat not in booth.keys:
            return
        validator = booth.committee[seat]
        if booth.scheme.is_vote(booth.keys[seat], self._digest, validator=validator, seat=seat, said=said):
            self.votes[seat] = said[1 : 1 + VOTE_BYTES]

    def _hear_list(self, said: bytes) -> None:
        try:
            votes = decode_list(said)
        except ValueError:
            return
        own = votes.get(self._booth.seat) == self.vote and max(votes) < len(self._booth.committee)
        if own and len(votes) >= self._needed:
            self._lists.setdefault(list_hash(votes), votes)

    def _hear_key(self, seat: int, key: bytes) -> None:
        if seat in self.keys or seat >= len(self._booth.committee):
            return
        vote = vote_of(self._digest, seat, key)
        is_listed = any(votes.get(seat) == vote for votes in self._lists.values())
        if is_listed and self._is_of_chain(seat, key):
            self.keys[seat] = key

    def _is_of_chain(self, seat: int, key: bytes) -> bool:
        chain = self._booth.chains(self._turn)[seat]
        return chain is not None and self._booth.scheme.is_key(chain, key, self._round)


def booth_for(
    ledger: Ledger,
    committee: Sequence[ParticipantId],
    *,
    validator: ParticipantId,
    folder: Path,
    round_number: RoundNumber,
) -> VotingBooth | None:
    """What a validator votes with in a round; None where it signs.

    It does where the deployment has no votes, its chain no keys of the round, or its node might lie about finality.
    """
    scheme = scheme_of(ledger)
    if not isinstance(scheme, VoteScheme) or not trusts_nodes([ledger.web3]):
        return None
    own = scheme.own_chains(validator, folder)
    if own is None or own.key(round_number, 0) is None:
        return None
    seat = committee.index(validator)
    return VotingBooth(ledger, committee, seat=seat, own=own, scheme=scheme, round_number=round_number)
