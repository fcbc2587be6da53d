"""What a challenger looks at: everything accepted or published that is not final, each recomputed once.

It needs no memory of its own: after a restart, chain and content store say the same again.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from qfl.chain.contracts.beacon import RoundState
from qfl.chain.ledger import Ledger
from qfl.challenger.evidence import Evidence, WithheldPart
from qfl.challenger.judge import CANNOT_OPEN, Judge
from qfl.challenger.mirrors import MirrorWatch
from qfl.challenger.withheld import Wanted, Withheld
from qfl.crypto.kem import KemKey
from qfl.errors import ShardUnreachable
from qfl.node.demands import OpenDemands, shown_chunks, stands
from qfl.protocol.types import RoundNumber
from qfl.storage.store import CachingStore, ContentStore

log = logging.getLogger(__name__)

RETRY_SECONDS = 60
"""Chain time after which content that could not be had is asked for again: who withholds it may show it yet."""
OVER = (RoundState.PUBLISHED, RoundState.FAILED, RoundState.VOID)


@dataclass(frozen=True)
class Subject:
    """What is judged: its name, and the digests that tell it from what a reorganization puts in its place."""

    name: str
    digests: tuple[bytes, ...]


class FaultDetector:
    """Looks at checkpoints, signatures, models and messages to mirrors and says what is false; `keys` as in `Judge`."""

    def __init__(self, ledger: Ledger, store: ContentStore, keys: Sequence[KemKey] = ()) -> None:
        self._ledger = ledger
        self.store = CachingStore(store)
        self._judge, self._mirrors = Judge(ledger, self.store, keys), MirrorWatch(ledger)
        self._judged: set[Subject] = set()
        self._retry_at: dict[Subject, int] = {}
        self._withheld: dict[Subject, Sequence[Wanted]] = {}
        self.demands = OpenDemands(ledger)

    @property
    def wanted(self) -> list[Wanted]:
        """What could not be had when it was last looked for: to be demanded."""
        return [vector for vectors in self._withheld.values() for vector in vectors]

    def faults(self) -> Iterator[Evidence]:
        """Everything that can be proven now, oldest round first.

        What was found right is not looked at again; what was not is, a while later, as long as it stands: its proof may
        have been refused, or dropped by a reorganization.
        """
        for value in range(self._ledger.beacon.final_round() + 1, self._ledger.beacon.current_round() + 1):
            yield from self._faults_in(RoundNumber(value))
        for made in self.demands.read():
            if made.answer_by <= self._ledger.now() and stands(self._ledger, made.part):
                yield WithheldPart(made.part)
        yield from self._mirrors.faults()

    def _faults_in(self, number: RoundNumber) -> Iterator[Evidence]:
        round_, digest_of = self._ledger.round(number), self._ledger.beacon_domain.checkpoint
        accepted, parts = round_.accepted(), round_.shards()
        digests = tuple(digest_of(entry.checkpoint) for entry in accepted)
        for entry, digest in zip(accepted, digests, strict=True):
            shard = entry.checkpoint.shard
            subject = Subject(f"round {number}, checkpoint of shard {shard}", (digest,))
            if round_.shard(shard).checkpoint().stands:
                yield from self._once(subject, partial(self._judge.checkpoint, entry.checkpoint))
        # Read only now: what was just proven may have voided the round.
        record = round_.record()
        if record.state in OVER or record.checkpoints == len(parts):
            for part in parts:
                subject = Subject(f"round {number}, signatures of shard {part.index}", digests)
                yield from self._once(subject, partial(self._judge.signatures, record, part.index, accepted))
        if round_.is_model_liable():
            subject = Subject(f"round {number}, model", (record.model_root, record.content_digest, *digests))
            yield from self._once(subject, partial(self._judge.model, record))
        else:  # nobody is liable, so nothing of it is wanted any more
            for subject in [known for known in self._retry_at if known.name == f"round {number}, model"]:
                self._withheld.pop(subject, None)
                self._retry_at.pop(subject, None)

    def _once(self, subject: Subject, judge: Callable[[], Sequence[Evidence]]) -> Iterator[Evidence]:
        if subject in self._judged or not self._is_due(subject):
            return
        wanted = self._withheld.pop(subject, ())
        try:
            found = judge()
        except Withheld as reason:
            if not wanted:
                log.warning("%s: cannot be recomputed until this is shown: %s", subject.name, reason)
            self._withheld[subject] = reason.wanted
            self._retry_at[subject] = self._ledger.now() + RETRY_SECONDS
            return
        except (*CANNOT_OPEN, ShardUnreachable) as reason:
            if subject not in self._retry_at:
                what = "%s: cannot be recomputed, so nothing is proven against it: %s"
                log.warning(what, subject.name, reason)
            self._retry_at[subject] = self._ledger.now() + RETRY_SECONDS
            return
        yield from found
        if found:
            self._retry_at[subject] = self._ledger.now() + RETRY_SECONDS
        else:
            self._judged.add(subject)
            self._retry_at.pop(subject, None)

    def _is_due(self, subject: Subject) -> bool:
        """Whether it was not looked at yet, or long ago, or what was missing then is shown on the chain now."""
        if subject not in self._retry_at or self._ledger.now() >= self._retry_at[subject]:
            return True
        wanted = self._withheld.get(subject, ())
        return bool(wanted) and all(shown_chunks(self._ledger, vector.parts) is not None for vector in wanted)
