"""What validators do one after the other in one process, seen from outside, and how long it took had none waited.

An *act* is what a validator does until it lets the next one go on: work of its own, and transactions. What counts as
own time is everything between; the chain's time is from handing a transaction to the node until its receipt is there.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from qfl.chain.rpc.calls import Receipt
from qfl.chain.rpc.rpc import Exchange, listening
from qfl.protocol.content import HEADER, ContentKind
from qfl.protocol.types import ParticipantId, ShardIndex
from qfl.storage.pubsub import Mailbox, Pubsub
from qfl.storage.store import ContentStore

ARRIVAL_SECONDS = 5.0
MOST_WORDS = 64
KIND = 2
"""Place of a content's kind in its header."""
GOSSIP = "gossip"
"""Where a word goes that is not for the chain: no queue, and nobody else's words are in its way."""
WAITS_FOR = {"checkpoint": ("propose", "attest")}
"""Which transactions of its shard, those recorded before it, have to be in a block before one can be made."""


@dataclass(frozen=True)
class Sent:
    """A transaction: its validator's own seconds before it, the chain's for it, when that ended, and its bytes."""

    label: str
    chain: str
    own_seconds: float
    chain_seconds: float
    mined_at: float
    size: int


@dataclass
class Act:
    """What one validator did at a stretch; sizes in bytes; `updates` are how many of the contents fetched are such."""

    validator: ParticipantId
    shard: ShardIndex
    own_seconds: float = 0.0
    sent: list[Sent] = field(default_factory=list)
    fetched: list[int] = field(default_factory=list)
    updates: int = 0
    stored: list[int] = field(default_factory=list)
    read: list[int] = field(default_factory=list)
    rpc_calls: int = 0
    rpc_bytes: int = 0


class RecordingPubsub:
    """`Pubsub` that tells a recorder what passes, and how long it took to come back.

    What is said is heard from the next `deliver` on: everybody speaks at once, each on a machine of its own.
    """

    def __init__(self, pubsub: Pubsub, recorder: Recorder) -> None:
        self._pubsub, self._recorder = pubsub, recorder
        self._ears: dict[str, Mailbox] = {}
        self._mailboxes: dict[str, list[Mailbox]] = {}
        self._held: list[tuple[str, bytes]] = []

    def publish(self, topic: str, data: bytes) -> bool:
        """Send it, and wait until it has come back, which takes its time and none of the sender's."""
        if not self._pubsub.publish(topic, data):
            return False
        handed_over = time.perf_counter()
        ear = self._ears[topic]
        while ear.wait(ARRIVAL_SECONDS) and data not in ear.take(MOST_WORDS):
            pass
        self._held.append((topic, data))
        self._recorder.say(handed_over, len(data))
        return True

    def listen(self, topic: str) -> Mailbox:
        """A mailbox whose reader is told on."""
        if topic not in self._ears:
            self._ears[topic] = self._pubsub.listen(topic)
        mailbox = _RecordingMailbox(self._recorder)
        self._mailboxes.setdefault(topic, []).append(mailbox)
        return mailbox

    def leave(self, topic: str, mailbox: Mailbox) -> None:
        """As `Pubsub`; the topic itself is listened to as long as the bench runs."""
        self._mailboxes[topic].remove(mailbox)

    def deliver(self) -> None:
        """Let everybody hear what was said."""
        for topic, data in self._held:
            for mailbox in self._mailboxes[topic]:
                mailbox.put("", data)
        self._held.clear()


class _RecordingMailbox(Mailbox):
    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self._recorder = recorder

    def take(self, most: int) -> list[bytes]:
        taken = super().take(most)
        if self._recorder.act is not None:
            self._recorder.act.read += [len(data) for data in taken]
        return taken


class Recorder:
    """Watches the validators of this process; `acting` says whose turn it is, and `act` is what they do then."""

    def __init__(self) -> None:
        self.acts: list[Act] = []
        self.act: Act | None = None
        self._exchanges: list[Exchange] = []
        self._since = self._handed_over = 0.0
        self._chain = ""

    @contextmanager
    def acting(self, validator: ParticipantId, shard: ShardIndex) -> Iterator[None]:
        """Record what happens inside as one act of `validator`."""
        act = self.act = Act(validator, shard)
        self._exchanges.clear()
        self._since = time.perf_counter()
        try:
            with listening(self._exchanged):
                yield
        finally:
            act.own_seconds = time.perf_counter() - self._since
            self.act = None
            for exchange in self._exchanges:  # only now: reading them takes time
                _count(exchange, act)
            self.acts.append(act)

    def receive(self, receipt: Receipt) -> None:
        """A `ReceiptListener`: a transaction of who acts is in a block."""
        if self.act is not None:
            now = time.perf_counter()
            own, chain = self._handed_over - self._since, now - self._handed_over
            self.act.sent.append(Sent(receipt.label, self._chain, own, chain, now, receipt.size))
            self._since = now

    def say(self, handed_over: float, size: int) -> None:
        """A word of who acts has been handed to its node, which took until then, and has come back now."""
        if self.act is not None:
            now = time.perf_counter()
            self.act.sent.append(Sent(GOSSIP, GOSSIP, handed_over - self._since, now - handed_over, now, size))
            self._since = now

    def _exchanged(self, exchange: Exchange) -> None:
        self._exchanges.append(exchange)
        if b"eth_sendRawTransaction" in exchange.request:
            self._handed_over, self._chain = exchange.started, exchange.url


class RecordingStore:
    """`ContentStore` that tells a recorder what passes."""

    def __init__(self, store: ContentStore, recorder: Recorder) -> None:
        self._store, self._recorder = store, recorder

    def put(self, data: bytes) -> bytes:
        if self._recorder.act is not None:
            self._recorder.act.stored.append(len(data))
        return self._store.put(data)

    def get(self, digest: bytes, max_bytes: int) -> bytes:
        data = self._store.get(digest, max_bytes)
        if self._recorder.act is not None:
            self._recorder.act.fetched.append(len(data))
            self._recorder.act.updates += HEADER.unpack_from(data)[KIND] == ContentKind.UPDATE
        return data

    def pin(self, digest: bytes) -> None:
        self._store.pin(digest)

    def unpin(self, digest: bytes) -> None:
        self._store.unpin(digest)


@dataclass(eq=False)
class Awaited:
    """A transaction in `critical_path`: what its validator does before it, and what has to be in a block by then."""

    sent: Sent
    lead_seconds: float
    waits_for: list[Awaited]
    words: list[Awaited]
    ended: float | None = None

    def ready_at(self, free_at: float, words_needed: int = 0) -> float:
        """When its validator, free at `free_at`, hands it over; infinite while what it waits for is open.

        Of the others' `words` the first `words_needed` are enough.
        """
        heard = sorted(_ended(word) for word in self.words)[:words_needed]
        return max(free_at + self.lead_seconds, *map(_ended, self.waits_for), *heard, 0.0) + self.sent.own_seconds


def _ended(awaited: Awaited) -> float:
    return math.inf if awaited.ended is None else awaited.ended


def critical_path(
    acts: Sequence[Act], last: str, needed: int, *, words: int = 0, block_at: Callable[[float], float] | None = None
) -> float:
    """Seconds from the start until the `needed`-th transaction called `last` is in a block, had all worked at once.

    Every validator has a machine of its own: its acts follow one another, but wait for nobody else's, save for the
    transactions they answer to (`WAITS_FOR`), and for the first `words` of what others say by gossip. A chain takes one
    transaction after the other, as they come; or, where `block_at` says when the next block is made, all at once then.
    There are at least `needed` of those.
    """
    queues = _queues(acts)
    free_at, chain_free_at = dict.fromkeys(queues, 0.0), dict[str, float]()
    ends = []
    while any(queues.values()):
        heads = {name: queue[0].ready_at(free_at[name], words) for name, queue in queues.items() if queue}
        validator = min(heads, key=lambda member: heads[member])
        head = queues[validator].pop(0)
        if head.sent.chain == GOSSIP:
            free_at[validator], head.ended = heads[validator], heads[validator] + head.sent.chain_seconds
            continue
        if block_at is None:
            begun = max(heads[validator], chain_free_at.get(head.sent.chain, 0.0))
            head.ended = chain_free_at[head.sent.chain] = begun + head.sent.chain_seconds
        else:
            head.ended = block_at(heads[validator])
        free_at[validator] = head.ended
        if head.sent.label == last:
            ends.append(head.ended)
    return sorted(ends)[needed - 1]


def _queues(acts: Sequence[Act]) -> dict[ParticipantId, list[Awaited]]:
    """Every validator's transactions in order."""
    queues: dict[ParticipantId, list[Awaited]] = {}
    known: dict[tuple[ShardIndex, str], list[Awaited]] = {}
    lead = dict[ParticipantId, float]()
    for act in acts:
        for sent in act.sent:
            awaited = WAITS_FOR.get(sent.label, ())
            waits_for = [entry for label in awaited for entry in known.get((act.shard, label), ())]
            words = [] if sent.label == GOSSIP else known.get((act.shard, GOSSIP), [])
            others = [word for word in words if word not in queues.get(act.validator, ())]
            entry = Awaited(sent, lead.pop(act.validator, 0.0), waits_for, others)
            queues.setdefault(act.validator, []).append(entry)
            known.setdefault((act.shard, sent.label), []).append(entry)
        lead[act.validator] = lead.get(act.validator, 0.0) + act.own_seconds
    return queues


def _count(exchange: Exchange, act: Act) -> None:
    """Add an exchange with a chain to the act that it was part of."""
    methods = {call["id"]: call["method"] for call in as_list(exchange.request)}
    act.rpc_calls += len(methods)
    act.rpc_bytes += len(exchange.request) + len(exchange.answer)
    for answer in as_list(exchange.answer):
        if methods.get(answer["id"]) == "eth_getLogs":
            act.read.extend(log_bytes(entry) for entry in answer.get("result") or [])


def as_list(body: bytes) -> list[dict[str, Any]]:
    """The calls or answers in a JSON-RPC body, which holds one or a batch."""
    document = json.loads(body)
    return document if isinstance(document, list) else [document]


def log_bytes(entry: dict[str, Any]) -> int:
    """What a log entry says: its topics and its data."""
    return sum(len(part) // 2 - 1 for part in (*entry["topics"], entry["data"]))
