"""What both machines share: seats that sign two checkpoints for one turn, and are accused of it, rightly or not."""

from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from qfl.protocol.digests import seat_digest
from qfl.protocol.types import Checkpoint, RoundNumber, ShardIndex
from tests.contracts.world import as_tuple, key_of, word
from tests.stateful.members import Members

BACK = st.integers(0, 4)
SEATS = 3


@dataclass
class Seated:
    """A round's committee, the ids in seat order, and when its reveals end."""

    committee: list[int]
    reveal_ends_at: int


@dataclass(frozen=True)
class Evidence:
    """Two checkpoints of `round` that differ, and what key number `key_index` of a seat's validator signed of them."""

    round: int
    seat: int
    validator: int
    key_index: int
    checkpoints: tuple[Checkpoint, Checkpoint]
    signatures: tuple[bytes, bytes]


class Equivocators(Members):
    """`round_model` has the rounds by number; round 0 has no committee: there must be another before the first rule."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.round_model: list[Any] = [Seated([], 0)]
        self.evidence: list[Evidence] = []
        self.punished: set[tuple[int, int]] = set()

    @rule(back=BACK, seat=st.integers(0, SEATS - 1))
    def sign_twice(self, back: int, seat: int) -> None:
        self.replace_worn_keys()
        number = max(len(self.round_model) - 1 - back, 1)
        validator = self.round_model[number].committee[seat]
        account = self.ledger.accounts[validator]
        if account.has_left:
            return
        one = Checkpoint(
            *(RoundNumber(number), ShardIndex(0), 0, 1, word("base"), 1),
            *(word("updates"), word("aggregate"), word("content")),
        )
        pair = one, replace(one, content_digest=word("other content"))
        domain = self.court.domain(self.court.beacon)
        first, second = (account.member.attest(domain.checkpoint(checkpoint), seat) for checkpoint in pair)
        self.evidence.append(Evidence(number, seat, validator, account.key_index, pair, (first, second)))

    @rule(back=BACK, twist=st.sampled_from(["", "", "", "turn", "forged", "same"]))
    def accuse(self, back: int, twist: str) -> None:
        """Of a recent equivocation: as it was, or so that it proves nothing. Again and again, in whatever state."""
        if not self.evidence:
            return
        found = self.evidence[max(len(self.evidence) - 1 - back, 0)]
        (one, other), (first, second) = found.checkpoints, found.signatures
        if twist == "turn":
            other = replace(other, turn=1)
        if twist == "forged":
            digest = self.court.domain(self.court.beacon).checkpoint(other)
            second = key_of("mallory").sign(0, seat_digest(digest, found.validator, found.seat))
        if twist == "same":
            other, second = one, first
        index, error = found.key_index, self.why_not(found, twist)
        proof = as_tuple(one), as_tuple(other), found.seat, index, first, index, second
        dispute = self.court.disputes.disputeEquivocation
        if self.prove(error, "equivocation", [found.validator], dispute, *proof):
            self.punished.add((found.round, found.seat))

    def why_not(self, found: Evidence, twist: str) -> str | None:
        """Why this accusation is refused; None if it is right."""
        retired = self.ledger.accounts[found.validator].retired
        if twist == "turn":
            return "NotEquivocation"
        if (found.round, found.seat) in self.punished:
            return "AlreadyProven"
        if found.key_index < len(retired):
            until = retired[found.key_index]
            if until < self.round_model[found.round].reveal_ends_at or self.next_second >= until + self.unbonding:
                return "KeyRetired"
        return {"forged": "BadAttestation", "same": "NotEquivocation"}.get(twist)
