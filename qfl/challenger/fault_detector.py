"""What a challenger looks at: everything accepted or published that is not final, each recomputed once.

It needs no memory of its own: after a restart, chain and content store say the same again.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
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


class FaultDetector:
    """Looks at checkpoints, signatures, models and messages to mirrors and says what is false; `keys` as in `Judge`."""

    def __init__(self, ledger: Ledger, store: ContentStore, keys: Sequence[KemKey] = ()) -> None:
        self._ledger = ledger
        self.store = CachingStore(store)
        self._judge, self._mirrors = Judge(ledger, self.store, keys), MirrorWatch(ledger)
        self._judged: set[str] = set()
        self._retry_at: dict[str, int] = {}
        self._closed: set[RoundNumber] = set()
        self._withheld: dict[str, Sequence[Wanted]] = {}
        self.demands = OpenDemands(ledger)

    @property
    def wanted(self) -> list[Wanted]:
        """What could not be had when it was last looked for: to be demanded."""
        return [vector for vectors in self._withheld.values() for vector in vectors]

    def faults(self) -> Iterator[Evidence]:
        """Everything that can be proven now and was not before, oldest round first.

        A finding counts as dealt with when the next one is asked for.
        """
        for value in range(self._ledger.beacon.final_round() + 1, self._ledger.beacon.current_round() + 1):
            if value not in self._closed:
                yield from self._faults_in(RoundNumber(value))
        for made in self.demands.read():
            if made.answer_by <= self._ledger.now() and stands(self._ledger, made.part):
                yield WithheldPart(made.part)
        yield from self._mirrors.faults()

    def _faults_in(self, number: RoundNumber) -> Iterator[Evidence]:
        round_ = self._ledger.round(number)
        accepted, parts = round_.accepted(), round_.shards()
        for entry in accepted:
            name = f"round {number}, checkpoint of shard {entry.checkpoint.shard}"
            yield from self._once(name, partial(self._judge.checkpoint, entry.checkpoint))
        # Read only now: what was just proven may have voided the round.
        record = round_.record()
        if record.state in OVER or record.checkpoints == len(parts):
            for part in parts:
                name = f"round {number}, signatures of shard {part.index}"
                yield from self._once(name, partial(self._judge.signatures, record, part.index, accepted))
        name = f"round {number}, model"
        if record.state is RoundState.PUBLISHED:
            yield from self._once(name, partial(self._judge.model, record))
        else:  # it fell, so nothing of it is wanted any more
            self._withheld.pop(name, None)
            self._retry_at.pop(name, None)
        if record.state in OVER and not any(name.startswith(f"round {number},") for name in self._retry_at):
            self._closed.add(number)

    def _once(self, name: str, judge: Callable[[], Sequence[Evidence]]) -> Iterator[Evidence]:
        if name in self._judged or not self._is_due(name):
            return
        wanted = self._withheld.pop(name, ())
        try:
            found = judge()
        except Withheld as reason:
            if not wanted:
                log.warning("%s: cannot be recomputed until this is shown: %s", name, reason)
            self._withheld[name] = reason.wanted
            self._retry_at[name] = self._ledger.now() + RETRY_SECONDS
            return
        except (*CANNOT_OPEN, ShardUnreachable) as reason:
            if name not in self._retry_at:
                log.warning("%s: cannot be recomputed, so nothing is proven against it: %s", name, reason)
            self._retry_at[name] = self._ledger.now() + RETRY_SECONDS
            return
        yield from found
        self._judged.add(name)
        self._retry_at.pop(name, None)

    def _is_due(self, name: str) -> bool:
        """Whether it was not looked at yet, or long ago, or what was missing then is shown on the chain now."""
        if name not in self._retry_at or self._ledger.now() >= self._retry_at[name]:
            return True
        wanted = self._withheld.get(name, ())
        return bool(wanted) and all(shown_chunks(self._ledger, vector.parts) is not None for vector in wanted)
