"""Attacks on what seats tell each other: words for some ears only, and more words than anybody can hear."""

from typing import Any

from experiments.attacks.insistent import Insistent
from experiments.attacks.strategy import Outsider
from experiments.attacks.testnet import SHARD, LocalTestnet
from qfl.chain.rpc.sender import UnsentCall
from qfl.crypto.lms import signature_bytes
from qfl.protocol.types import Checkpoint, RoundNumber
from qfl.storage.pubsub import MOST_OF_SENDER, MOST_SENDERS, MemoryPubsub
from qfl.validator.gossip import CommitteeGossip, topic_of
from qfl.validator.seat import Seat

KEY_HEIGHT = 5


class Wire(MemoryPubsub):
    """Gossip over which who wants speaks to one listener alone, or as any peer."""

    def whisper(self, topic: str, data: bytes) -> None:
        """Tell who began to listen last."""
        self._mailboxes[topic][-1].put("", data)

    def shout(self, topic: str, data: bytes, peer: str) -> None:
        """Tell everybody, as a peer."""
        for mailbox in self._mailboxes.get(topic, ()):
            mailbox.put(peer, data)


class _Whisper(CommitteeGossip):
    def say(self, call: UnsentCall) -> bool:
        """Tell one of the others."""
        assert isinstance(self._pubsub, Wire)
        self._pubsub.whisper(self._topic, call.data)
        return True


class SelectiveSeat(Seat):
    """Signs as the first of its turn and tells one other seat alone, which leaves it to it to bring the quorum."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        wire = arguments[0].pubsub
        self._gossip = self._attestation_pool.gossip = _Whisper(wire, self._part, len(self._attestation_pool.committee))

    def _carry(self, _signatures: object) -> bool:
        return False

    def claim(self) -> bool:
        """Nothing."""
        return False


class Flooder(Outsider):
    """Says thousands of things in the seats' names, as more peers than anybody listens to."""

    def __init__(self, testnet: LocalTestnet, sender: Insistent) -> None:
        super().__init__(testnet, sender)
        assert isinstance(testnet.pubsub, Wire)
        self._wire = testnet.pubsub

    def during_reveals(self, number: RoundNumber) -> None:
        """Fill every mailbox with attestations that nobody has signed."""
        part = self._ledger.round(number).shard(SHARD)
        noise = Checkpoint(number, SHARD, 0, 1, bytes(32), 1, *[bytes(32)] * 3)
        for peer in range(MOST_SENDERS):
            for word in range(MOST_OF_SENDER):
                signature = (peer * MOST_OF_SENDER + word).to_bytes(signature_bytes(KEY_HEIGHT))
                call = part.contract.attest(
                    noise, word % 4, digest=bytes(32), signature=signature, validator=self.participant
                )
                self._wire.shout(topic_of(part.domain), call.data, f"peer {peer}")
