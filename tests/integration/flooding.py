"""Gossip that somebody drowns in words of his own."""

from collections.abc import Sequence

from qfl.storage.pubsub import Mailbox, MemoryPubsub


class Flood(MemoryPubsub):
    """Everybody who listens is told hundreds of things first: each of `words`, so many times, with another end."""

    def __init__(self, words: Sequence[bytes], times: int = 100) -> None:
        super().__init__()
        self._words, self._times = words, times

    def listen(self, topic: str) -> Mailbox:
        mailbox = super().listen(topic)
        for number in range(self._times):
            for word in self._words:
                mailbox.put("flooder", word + number.to_bytes(2))
        return mailbox
