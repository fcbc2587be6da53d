"""Short messages from node to node by libp2p gossip, over the Kubo RPC of the IPFS node that keeps the content.

Nothing that comes is trusted but the sender's peer id, which libp2p signs: who listens checks what was said, and gets
by without. Nothing that is sent is sure to arrive.
"""

import logging
import threading
import time
from collections import deque
from typing import Protocol

from qfl.errors import StoreUnreachable
from qfl.storage.ipfs import IpfsStore

log = logging.getLogger(__name__)

MOST_BYTES = 8 * 1024
"""Of a message: the largest signature, and what it signs, have half of that."""
MOST_OF_SENDER = 256
"""Messages of one peer that wait to be read: a node may serve a whole committee."""
MOST_SENDERS = 64
RETRY_SECONDS = 1.0
LIVE_SECONDS = 2.0
"""How long who begins to listen waits until the node does."""
DEAF_SECONDS = 60.0
"""How long a node that has no gossip is not asked again."""
DEAF = "no gossip by the IPFS node, so what is said in committees goes on chain (Kubo has it with %s): %s"
KUBO_OPTION = "--enable-pubsub-experiment"


class Mailbox:
    """What came on one topic and was not read yet. A flood displaces nobody's messages but its own sender's."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[bytes]] = {}
        self._changed = threading.Condition()

    def put(self, sender: str, data: bytes) -> None:
        """Keep a message unless it is too long, or there are too many of its sender's, or too many senders."""
        with self._changed:
            own = self._waiting.get(sender, deque())
            has_room = len(own) < MOST_OF_SENDER and (own or len(self._waiting) < MOST_SENDERS)
            if has_room and len(data) <= MOST_BYTES:
                own.append(data)
                self._waiting[sender] = own
                self._changed.notify_all()

    def take(self, most: int) -> list[bytes]:
        """Up to `most` messages, the oldest of every sender before anybody's second."""
        taken: list[bytes] = []
        with self._changed:
            while self._waiting and len(taken) < most:
                for sender in list(self._waiting)[: most - len(taken)]:
                    taken.append(self._waiting[sender].popleft())
                    if not self._waiting[sender]:
                        del self._waiting[sender]
        return taken

    def wait(self, seconds: float) -> bool:
        """Whether there is something to take, now or within `seconds`."""
        with self._changed:
            return self._changed.wait_for(lambda: bool(self._waiting), seconds)


class Pubsub(Protocol):
    """A way to say something to everybody who listens to a topic."""

    def publish(self, topic: str, data: bytes) -> bool:
        """Send up to 8 KiB; False where nobody can be reached this way, now or ever. Who sends it may hear it too."""

    def listen(self, topic: str) -> Mailbox:
        """Where everything is put that comes on a topic from now on, until `leave`."""

    def leave(self, topic: str, mailbox: Mailbox) -> None:
        """Let go of a mailbox."""


class MemoryPubsub:
    """`Pubsub` in this process."""

    def __init__(self) -> None:
        self._mailboxes: dict[str, list[Mailbox]] = {}

    def publish(self, topic: str, data: bytes) -> bool:
        for mailbox in self._mailboxes.get(topic, ()):
            mailbox.put("", data)
        return True

    def listen(self, topic: str) -> Mailbox:
        mailbox = Mailbox()
        self._mailboxes.setdefault(topic, []).append(mailbox)
        return mailbox

    def leave(self, topic: str, mailbox: Mailbox) -> None:
        if mailbox in self._mailboxes[topic]:
            self._mailboxes[topic].remove(mailbox)


class IpfsPubsub:
    """`Pubsub` by an IPFS node. Safe to use from several threads; a thread listens to each topic."""

    def __init__(self, store: IpfsStore) -> None:
        self._store, self._lock = store, threading.Lock()
        self._topics: dict[str, _Topic] = {}
        self._asks_again_at = 0.0

    def publish(self, topic: str, data: bytes) -> bool:
        if time.monotonic() < self._asks_again_at:
            return False
        try:
            self._store.publish(topic, data)
        except StoreUnreachable as fault:
            self._asks_again_at = time.monotonic() + DEAF_SECONDS
            log.warning(DEAF, KUBO_OPTION, fault)
            return False
        return True

    def listen(self, topic: str) -> Mailbox:
        mailbox = Mailbox()
        with self._lock:
            if topic not in self._topics:
                self._topics[topic] = _Topic(self._store, topic)
            self._topics[topic].mailboxes.append(mailbox)
        return mailbox

    def leave(self, topic: str, mailbox: Mailbox) -> None:
        with self._lock:
            if topic not in self._topics or mailbox not in self._topics[topic].mailboxes:
                return
            self._topics[topic].mailboxes.remove(mailbox)
            if not self._topics[topic].mailboxes:
                self._topics.pop(topic).close()

    def close(self) -> None:
        """Listen to nothing any more."""
        with self._lock:
            while self._topics:
                self._topics.popitem()[1].close()


class _Topic:
    """What listens to one topic, and begins again when the node has been away."""

    def __init__(self, store: IpfsStore, topic: str) -> None:
        self.mailboxes: list[Mailbox] = []
        self._store, self._topic = store, topic
        self._is_closed, self._subscription = threading.Event(), store.subscription(topic)
        self._is_live = threading.Event()
        threading.Thread(target=self._listen, name=f"gossip {topic}", daemon=True).start()
        self._is_live.wait(LIVE_SECONDS)

    def close(self) -> None:
        self._is_closed.set()
        self._subscription.close()

    def _listen(self) -> None:
        while not self._is_closed.is_set():
            try:
                for sender, data in self._subscription.messages(self._is_live.set):
                    for mailbox in list(self.mailboxes):
                        mailbox.put(sender, data)
            except StoreUnreachable as fault:
                log.debug("gossip on %s: %s", self._topic, fault)
            self._is_live.set()
            self._is_closed.wait(RETRY_SECONDS)
