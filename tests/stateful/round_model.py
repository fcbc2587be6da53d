"""The rounds as they should be, kept in Python: their phases, their bases, and what falls with what."""

from dataclasses import dataclass, field

from tests.contracts.dispute_testnet import Update, Vector
from tests.contracts.world import CHECKPOINT, COMMIT, FAILED, FINAL, IDLE, OPEN, PUBLISH, PUBLISHED, REVEAL, VOID
from tests.stateful.equivocators import Seated
from tests.stateful.lies import Claim

SECONDS = {"commit": 300, "reveal": 120, "checkpoint": 300, "publish": 240}
SLOT = 60
LINKERS = 4
CHALLENGE = 600
ROUND = sum(SECONDS.values())


@dataclass
class Entry(Seated):
    """One round in the book; its first shard's, as the other, if there is one, brings no checkpoint.

    `stand_ins`: who sits for a validator that left or fell, and has no slot to show a link in.
    `publishers`: who publishes in slots, in order; nobody where the only shard's checkpoint carries the model.
    `false_at`: where its model is false, -1 in its content digest only.
    """

    base: int = 0
    opened_at: int = 0
    publishers: list[int] = field(default_factory=list)
    stand_ins: set[int] = field(default_factory=set)
    state: int = OPEN
    committed: dict[int, Update] = field(default_factory=dict)
    revealed: list[Update] = field(default_factory=list)
    claim: Claim | None = None
    is_claim_void: bool = False
    is_shown: bool = False
    published_at: int = 0
    publisher: int = 0
    model: Vector | None = None
    false_at: int | None = None
    paid: set[tuple[str, int]] = field(default_factory=set)

    @property
    def is_model_liable(self) -> bool:
        """Whether its model can be disputed: one that a checkpoint carried also when its base fell."""
        fell_with_base = self.state == VOID and not self.publisher and not self.is_claim_void
        return self.state == PUBLISHED or fell_with_base

    def phase_at(self, time: int) -> int:
        elapsed = time - self.opened_at
        if self.state != OPEN or elapsed >= ROUND:
            return IDLE
        if elapsed < 420:
            return COMMIT if elapsed < 300 else REVEAL
        if elapsed < 720:
            return CHECKPOINT
        return IDLE if self.claim is None else PUBLISH

    def publisher_at(self, time: int) -> int:
        """Whose slot it is, in the publish phase."""
        return self.publishers[(time - self.ends_at("checkpoint")) // SLOT % len(self.publishers)]

    def ends_at(self, phase: str) -> int:
        """When a phase, or its model's challenge window, is over."""
        if phase == "challenge":
            return self.published_at + CHALLENGE
        names = list(SECONDS)
        return self.opened_at + sum(SECONDS[name] for name in names[: names.index(phase) + 1])

    @property
    def first_slot_ends_at(self) -> int:
        """When the first seat may no longer show its link."""
        return self.ends_at("commit") + SECONDS["reveal"] // min(LINKERS, len(self.publishers or self.committee))

    @property
    def is_false(self) -> bool:
        """Whether anybody lied in it."""
        return self.false_at is not None or (self.claim is not None and self.claim.is_false)


class RoundModel(list[Entry]):
    """All rounds by number, from the genesis model on."""

    def __init__(self, genesis: Vector) -> None:
        super().__init__([Entry([], 0, state=FINAL, model=genesis)])
        self.head = 0

    def in_state(self, state: int) -> list[int]:
        return [number for number, entry in enumerate(self) if entry.state == state]

    def recent(self, back: int, *preferred: int) -> int:
        """The latest round, the one before it, and so on; of the preferred ones, if there are any."""
        choice = preferred or range(len(self))
        return choice[max(len(choice) - 1 - back, 0)]

    def line_of(self, number: int) -> list[int]:
        """A round, the one whose model it builds on, and so on to genesis."""
        line = [number]
        while line[-1]:
            line.append(self[line[-1]].base)
        return line

    def roll_back(self, number: int) -> None:
        """Void every model that builds on `number`, wherever it is in the book."""
        lost = [later for later in range(len(self)) if number in self.line_of(later)]
        for each in lost:
            self[each].state = {PUBLISHED: VOID, OPEN: FAILED}.get(self[each].state, self[each].state)
        self.head = self[number].base
