"""What seats tell each other by gossip: the very calls that they would send to a contract of their shard.

So what is heard here and what is read there mean the same, and are checked alike. Gossip costs nothing, and promises
nothing: what matters is said on chain when it was not heard.
"""

import logging
from abc import ABC, abstractmethod
from typing import Any

from eth_abi.exceptions import DecodingError

from qfl.chain.contracts.base import BoundContract
from qfl.chain.contracts.mirror import Countersigned, Mirror
from qfl.chain.contracts.shard import Attested, Proposed
from qfl.chain.rounds import ShardRound
from qfl.chain.rpc.coding import record
from qfl.chain.rpc.sender import UnsentCall
from qfl.protocol.digests import Domain
from qfl.protocol.types import RoundNumber
from qfl.storage.pubsub import Pubsub

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 0.5
"""How long a step waits for what others say."""
MOST_HEARD = 64
"""Messages of the round that are taken in at a time: each may take a millisecond to verify."""
MOST_OF_ROUND = 4096
"""After so many it hears no more in this round: what is said on chain costs its sender something."""

MOST_REPEATS = 16


class Gossip(ABC):
    """One seat's ear and mouth, in one round, where those talk who send calls to one contract."""

    def __init__(self, pubsub: Pubsub, contract: BoundContract, domain: Domain) -> None:
        """`domain` is the contract's."""
        self._pubsub, self._contract, self._topic = pubsub, contract, topic_of(domain)
        self._mailbox = pubsub.listen(self._topic)
        self._heard, self._said, self._repeats_left = set[bytes](), list[bytes](), MOST_REPEATS

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
            return self._keep(*self._contract.arguments_of(data))
        except (DecodingError, KeyError, TypeError, ValueError, OverflowError) as fault:
            log.debug("gossip that nobody of a committee says: %s", fault)
            return False

    @abstractmethod
    def _keep(self, name: str, arguments: dict[str, Any]) -> bool:
        """Keep a call to the contract if a seat may make it in this round; whether it may. Raises as `record`."""


class CommitteeGossip(Gossip):
    """What a committee says of its round; `proposals` and `attestations` are all that was heard."""

    def __init__(self, pubsub: Pubsub, part: ShardRound, seats: int) -> None:
        super().__init__(pubsub, part.contract, part.domain)
        self._round, self._seats = part.round.number, seats
        self.proposals, self.attestations = list[Proposed](), list[Attested]()

    def _keep(self, name: str, arguments: dict[str, Any]) -> bool:
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
        return False


class MirrorGossip(Gossip):
    """What the committees in a mirror say under the message for a round; `countersigned` is all that was heard."""

    def __init__(self, pubsub: Pubsub, mirror: Mirror, domain: Domain, *, round_number: RoundNumber) -> None:
        super().__init__(pubsub, mirror, domain)
        self._round, self.countersigned = round_number, list[Countersigned]()

    def _keep(self, name: str, arguments: dict[str, Any]) -> bool:
        if name != "countersign" or arguments["round"] != self._round:
            return False
        self.countersigned.append(record(Countersigned, arguments))
        return True


def topic_of(domain: Domain) -> str:
    """Where those talk who send calls to a contract, in every round."""
    return f"/qfl/{domain.chain_id}/{domain.contract}"
