"""What the committees in a mirror have said under the messages for one round: by gossip, and on the mirror's chain."""

from collections.abc import Iterator, Mapping, Sequence

from qfl.chain.contracts.mirror import Countersigned
from qfl.chain.ledger import Ledger
from qfl.protocol.types import MirrorSeat, RoundNumber, ShardIndex
from qfl.quorum.lms import LmsScheme
from qfl.storage.pubsub import Pubsub
from qfl.validator.attestation_pool import Tally
from qfl.validator.gossip import MirrorGossip


class CountersignaturePool:
    """One round of one mirror. A signature is verified once, and what is forged counts for nothing.

    Attributes:
        gossip: None where all is said on chain.
        has_waited: whether a step has passed in which there was nothing to do.
        is_waiting: whether this validator has spoken by gossip, and others are to follow.
    """

    def __init__(self, ledger: Ledger, shard: ShardIndex, number: RoundNumber, pubsub: Pubsub | None) -> None:
        self.round, self._mirror, self._since = number, ledger.mirrors[shard], ledger.deployment.chains[shard].block
        self.has_waited = self.is_waiting = False
        self._scheme, self._posted = LmsScheme(ledger), list[Countersigned]()
        self._tallies: dict[tuple[bytes, tuple[MirrorSeat, ...]], Tally] = {}
        self.gossip: MirrorGossip | None = None
        if pubsub is not None:
            self.gossip = MirrorGossip(pubsub, self._mirror, ledger.mirror_domains[shard], round_number=number)

    def read(self) -> None:
        """Take in what has come by gossip, and what is on chain now. Raises ShardUnreachable."""
        if self.gossip is not None:
            self.gossip.hear()
        self._posted = self._mirror.countersignatures(self.round, self._since)

    def signatures(self, digest: bytes, seats: Sequence[MirrorSeat]) -> dict[int, bytes]:
        """The valid signatures of a committee under a message, by seat; one's own may be put there."""
        if (key := (digest, tuple(seats))) not in self._tallies:
            keys, committee = {place: seat.key for place, seat in enumerate(seats)}, [one.validator for one in seats]
            self._tallies[key] = Tally(self._scheme, keys, digest=digest, committee=committee)
        tally = self._tallies[key]
        tally.add((one.seat, one.signature) for one in (*self._heard(digest), *self._under(digest)))
        return tally.signatures

    def is_posted(self, digest: bytes, seat: int, signature: bytes) -> bool:
        """Whether a seat has said that on chain."""
        return any((one.seat, one.signature) == (seat, signature) for one in self._under(digest))

    def speakers(self, digest: bytes, signatures: Mapping[int, bytes]) -> set[int]:
        """The seats that have said by gossip what is among these signatures."""
        return {one.seat for one in self._heard(digest) if signatures.get(one.seat) == one.signature}

    def hears_others(self, seconds: float) -> bool:
        """Whether something came, now or within `seconds`, where it is waited for."""
        return self.is_waiting and self.gossip is not None and seconds > 0 and self.gossip.hear(seconds)

    def rest(self) -> None:
        """Nothing is to do: what was said by gossip is said again, for who came late."""
        self.has_waited = True
        if self.gossip is not None:
            self.gossip.repeat()

    def do_without_gossip(self) -> None:
        """Do without gossip from now on."""
        if self.gossip is not None:
            self.gossip.close()
            self.gossip = None

    def _heard(self, digest: bytes) -> Iterator[Countersigned]:
        heard = [] if self.gossip is None else self.gossip.countersigned
        return (one for one in heard if one.digest == digest)

    def _under(self, digest: bytes) -> Iterator[Countersigned]:
        return (one for one in self._posted if one.digest == digest)
