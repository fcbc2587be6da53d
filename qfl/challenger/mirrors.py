"""Seats that told their shard's mirror what the beacon does not say, where shards have chains of their own."""

import logging
from collections.abc import Iterator

from qfl.chain.contracts.mirror import Mirroring
from qfl.chain.contracts.mirror_faults import MirrorFaults
from qfl.chain.ledger import Ledger
from qfl.chain.mirroring import MirrorReader, is_beacons
from qfl.challenger.evidence import FalseMirrorMessage
from qfl.errors import ContractReverted, ShardUnreachable
from qfl.protocol.types import ParticipantId, ShardIndex
from qfl.quorum.lms import LmsScheme, decode_bundle

log = logging.getLogger(__name__)


class MirrorWatch:
    """Compares every message that a mirror took with the beacon, and finds who signed it."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger, self._reader, self._lms = ledger, MirrorReader(ledger), LmsScheme(ledger)
        self._unseen: set[ShardIndex] = set()
        self._undecided: dict[tuple[ShardIndex, bytes], Mirroring] = {}
        """What the beacon could not judge yet: it has still to draw the committee that the message names."""

    def faults(self) -> Iterator[FalseMirrorMessage]:
        """A proof against each seat that signed something false and was not punished for it yet."""
        if (judge := self._ledger.mirror_faults) is None:
            return
        for shard, taken in self._messages():
            try:
                found = list(self._find(judge, shard, taken))
            except ContractReverted as refusal:
                log.info("mirror of shard %d: what it was told cannot be judged yet: %s", shard, refusal)
                self._undecided[shard, taken.digest] = taken
                continue
            yield from found
            self._undecided.pop((shard, taken.digest), None)

    def _messages(self) -> Iterator[tuple[ShardIndex, Mirroring]]:
        """Those that are new, or were not judged yet; a chain that does not answer is named once."""
        yield from [(shard, taken) for (shard, _), taken in self._undecided.items()]
        for shard in self._ledger.all_shards():
            try:
                for taken in self._reader.unread(shard):
                    yield shard, taken
                self._unseen.discard(shard)
            except ShardUnreachable as fault:
                if shard not in self._unseen:
                    log.warning("mirror of shard %d: nothing is proven of what it is told: %s", shard, fault)
                self._unseen.add(shard)

    def _find(self, judge: MirrorFaults, shard: ShardIndex, taken: Mirroring) -> Iterator[FalseMirrorMessage]:
        if not judge.is_false(taken.message):
            if not is_beacons(self._ledger, shard, taken):
                what = "mirror of shard %d: it was told of other clients than round %d has, which cannot be proven"
                log.warning(what, shard, taken.round)
            return
        if not taken.signers:
            log.warning("mirror of shard %d: its first message, the deployer's, is false", shard)
            return
        committee = self._ledger.beacon.committee(taken.signers, shard)
        digest = self._ledger.mirror_domains[shard].mirror_message(taken.message)
        found: set[int] = set()
        for seat, signature in self._signatures(shard, taken):
            if seat >= len(committee) or seat in found or judge.proven(taken.message, committee[seat]):
                continue
            index = self._key_of(committee, seat, digest, signature)
            if index is not None:
                found.add(seat)
                yield FalseMirrorMessage(judge, taken.message, taken.signers, seat, index, signature)

    def _signatures(self, shard: ShardIndex, taken: Mirroring) -> list[tuple[int, bytes]]:
        """Signatures under a message, by seat: those that it was carried with, and those that were announced."""
        mirror, since = self._ledger.mirrors[shard], self._ledger.deployment.chains[shard].block
        announced = mirror.countersignatures(taken.round, since)
        carried = decode_bundle(taken.bundle).items()  # the mirror takes no other
        return [*carried, *((one.seat, one.signature) for one in announced if one.digest == taken.digest)]

    def _key_of(self, committee: list[ParticipantId], seat: int, digest: bytes, signature: bytes) -> int | None:
        """The number of the validator's key that signed; None where it is none that a stake is liable for."""
        liable_since = self._ledger.now() - self._ledger.staking.unbonding_seconds() + 1
        for index, key in self._lms.keys_since(committee[seat], liable_since).items():
            if self._lms.valid({seat: key}, digest, committee=committee, signatures={seat: signature}):
                return index
        return None
