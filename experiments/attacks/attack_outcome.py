"""What stopped an attack, read from the chain afterwards.

Besides the names of contract errors that attackers ran into, there are:

    not included        an attacking client committed, and no checkpoint has its update
    not attested        an attacker proposed, and another proposal became the checkpoint
    others' quorum      an attacker had a seat, and the checkpoint came about without its signature
    fresh committee     a round was lost, and the next one had a model that stands
    X dispute           a fault of kind X was proven, and none but attackers paid for it
"""

from experiments.attacks.adversary import Adversary
from experiments.attacks.testnet import SHARD, LocalTestnet
from qfl.node.standing import published_rounds
from qfl.protocol.types import ParticipantId, RoundNumber

NOT_INCLUDED, NOT_ATTESTED = "not included", "not attested"
OTHERS_QUORUM, FRESH_COMMITTEE = "others' quorum", "fresh committee"


class AttackOutcome:
    """Reads a trial that is over."""

    def __init__(self, testnet: LocalTestnet, adversary: Adversary) -> None:
        self._ledger, self._adversary = testnet.ledger, adversary
        last = self._ledger.beacon.current_round()
        self._rounds = [RoundNumber(number) for number in range(1, last + 1)]
        self._stand = set(published_rounds(self._ledger))

    def all(self) -> frozenset[str]:
        """Everything that was seen."""
        seen = {refusal for sender in self._adversary.senders for refusal in sender.refusals}
        seen |= {f"{fault} dispute" for fault in self._faults()}
        for number in self._rounds:
            seen |= self._in_round(number)
        return frozenset(seen)

    def lost_rounds(self) -> tuple[int, ...]:
        """Rounds without a model that stands."""
        return tuple(number for number in self._rounds if number not in self._stand)

    def lost_seconds(self) -> int:
        """Time of the chain that went into lost rounds, and into turns that attackers let pass in others."""
        seconds = sum(
            self._opened_at(RoundNumber(number + 1)) - self._opened_at(RoundNumber(number))
            for number in self.lost_rounds()
            if number < len(self._rounds)
        )
        attack = self._adversary.attack
        for number in self._stand & set(attack.rounds if attack.seated else ()):
            parameters = self._ledger.round(number).plan.parameters
            seconds += len(self._turns_let_pass(number)) * parameters.turn_seconds
        return seconds

    def _in_round(self, number: RoundNumber) -> set[str]:
        seen = set()
        round_ = self._ledger.round(number)
        part = round_.shard(SHARD)
        entries = [entry for entry in round_.accepted() if entry.checkpoint.shard == SHARD]
        accepted = {entry.checkpoint for entry in entries}
        included = [
            reveal.client
            for reveal in part.reveals()
            if any(checkpoint.included >> reveal.index & 1 for checkpoint in accepted)
        ]
        committed = {commit.client for commit in part.commits()}
        if committed & self._adversary.participants - set(included):
            seen.add(NOT_INCLUDED)
        committee = part.committee()
        proposed = {entry.checkpoint for entry in part.proposals()}
        if any(committee[checkpoint.turn] in self._adversary.participants for checkpoint in proposed - accepted):
            seen.add(NOT_ATTESTED)
        seated = [seat for seat, member in enumerate(committee) if member in self._adversary.participants]
        if number in self._stand and any(not entry.attested >> seat & 1 for entry in entries for seat in seated):
            seen.add(OTHERS_QUORUM)
        if number not in self._stand and number + 1 in self._stand:
            seen.add(FRESH_COMMITTEE)
        return seen

    def _turns_let_pass(self, number: RoundNumber) -> list[ParticipantId]:
        """Attackers whose turns passed before the one that counted."""
        committee = self._ledger.beacon.committee(number, SHARD)
        turns = [e.checkpoint.turn for e in self._ledger.round(number).accepted() if e.checkpoint.shard == SHARD]
        return [member for member in committee[: max(turns, default=0)] if member in self._adversary.participants]

    def _faults(self) -> list[str]:
        disputes = self._ledger.disputes
        proven = disputes.proven(self._ledger.from_block) if disputes is not None else []
        return [fault.fault.name.lower() for fault in proven if set(fault.guilty) <= self._adversary.participants]

    def _opened_at(self, number: RoundNumber) -> int:
        block = self._ledger.web3.eth.get_block(self._ledger.round(number).opened_in)
        return int(block["timestamp"])
