"""What a committee's seats tell each other by gossip: the very calls that they would send to their shard's contract.

So what is heard here and what is read there mean the same, and are checked alike. Gossip costs nothing, and promises
nothing: what matters is said on chain when it was not heard.
"""

import logging

from eth_abi.exceptions import DecodingError

from qfl.chain.contracts.shard import Attested, Proposed
from qfl.chain.rounds import ShardRound
from qfl.chain.rpc.coding import record
from qfl.chain.rpc.sender import UnsentCall
from qfl.storage.pubsub import Pubsub

log = logging.getLogger(__name__)

MOST_HEARD = 64
"""Messages of the round that are taken in at a time: each may take a millisecond to verify."""
MOST_OF_ROUND = 4096
"""After so many it hears no more in this round: what is said on chain costs its sender something."""

MOST_REPEATS = 16


class CommitteeGossip:
    """One seat's ear and mouth, in one round of its shard; `proposals` and `attestations` are all it has heard."""

    def __init__(self, pubsub: Pubsub, part: ShardRound, seats: int) -> None:
        self._pubsub, self._shard, self._round, self._seats = pubsub, part.contract, part.round.number, seats
        self._topic = topic_of(part)
        self._mailbox = pubsub.listen(self._topic)
        self._heard, self._said, self._repeats_left = set[bytes](), list[bytes](), MOST_REPEATS
        self.proposals, self.attestations = list[Proposed](), list[Attested]()

    def say(self, call: UnsentCall) -> bool:
        """Tell the others; False where there is no gossip."""
        self._said.append(call.data)
        return self._pubsub.publish(self._topic, call.data)

    def repeat(self) -> None:
        """Tell them again all that was said, for who came late; a few times and no more."""
        if self._said and self._repeats_left:
            self._repeats_left -= 1
            for data in self._said:
                self._pubsub.publish(self._topic, data)

    def hear(self, seconds: float = 0.0) -> bool:
        """Take in what has come, or comes within `seconds`; whether there was anything."""
        messages = self._mailbox.take(MOST_HEARD) if self._mailbox.wait(seconds) else []
        for data in messages:
            if data not in self._heard and len(self._heard) < MOST_OF_ROUND and self._take_in(data):
                self._heard.add(data)
        return bool(messages)

    def close(self) -> None:
        """Stop listening."""
        self._pubsub.leave(self._topic, self._mailbox)

    def _take_in(self, data: bytes) -> bool:
        """Whether it is something that a seat may say in this round."""
        try:
            name, arguments = self._shard.arguments_of(data)
            if name == "propose":
                proposal = record(Proposed, arguments)
                if proposal.checkpoint.round == self._round and proposal.checkpoint.turn < self._seats:
                    self.proposals.append(proposal)
                    return True
            elif name == "attest" and arguments["round"] == self._round:
                attested = record(Attested, arguments)
                if max(attested.seat, attested.turn) < self._seats:
                    self.attestations.append(attested)
                    return True
        except (DecodingError, KeyError, TypeError, ValueError, OverflowError) as fault:
            log.debug("gossip that nobody of a committee says: %s", fault)
        return False


def topic_of(part: ShardRound) -> str:
    """Where the seats of a shard talk, in every round."""
    return f"/qfl/{part.domain.chain_id}/{part.domain.contract}"
