"""The draw replayed from the chain's events: what each round's seed follows from, and who has to sit in it."""

from collections import defaultdict
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field

from qfl.chain.contracts.draw import Benched, Counted, Drawn, Shown
from qfl.chain.contracts.staking import Anchor, Weight
from qfl.chain.ledger import Ledger
from qfl.crypto.hash_chain import link_domain, next_link
from qfl.errors import InvalidInput
from qfl.protocol import draw as rule
from qfl.protocol.types import ParticipantId, RoundNumber, ShardIndex

WRONG_SEED = "its seed does not follow from round {} and the link shown there"
WRONG_WEIGHTS = "the weights that it was drawn with are not those that stakes and queue give"
WRONG_BENCH = "who is benched in it is not who was silent in round {} and before"
WRONG_COMMITTEE = "the committee of shard {} is not the one that seed and weights give: {} sit, {} were to be drawn"
WRONG_LINK = "the link that validator {} showed does not hash to the last one of its chain"
WRONG_SHOWER = "a link was shown for seat {} by validator {}, who has no slot there"
NOT_DRAWN = "no committee of shard {} was drawn"

Event = Weight | Anchor | Counted | Benched | Shown | Drawn


@dataclass(frozen=True)
class Redrawn:
    """What the replay came to: every complaint by round, and who has to sit in each committee."""

    complaints: Mapping[RoundNumber, Sequence[str]]
    committees: Mapping[tuple[RoundNumber, ShardIndex], Sequence[ParticipantId]]

    def find_intruders(self, number: RoundNumber, shard: ShardIndex, committee: Sequence[ParticipantId]) -> str | None:
        """What is wrong with a committee that the chain names; None for the one that has to sit."""
        due = self.committees.get((number, shard))
        if due is None:
            return NOT_DRAWN.format(shard)
        return None if list(committee) == due else WRONG_COMMITTEE.format(shard, listed(committee), listed(due))


def replay_draw(ledger: Ledger) -> Redrawn:
    """Replay every draw from bonds, stakes, anchors and links. Raises ChainUnreachable.

    Round 1's seed is the chain's own. A validator that bonded through another contract has the anchor that its first
    link hashes to.
    """
    draw, staking, since = ledger.draw, ledger.staking, ledger.from_block
    events: list[Event] = [*staking.weights(since), *staking.anchors(since), *draw.counted(since), *draw.benched(since)]
    drawn = draw.drawn(since)
    events += [*draw.shown(since).values(), *drawn]
    replay = _Replay(ledger, {part.tx_hash for part in drawn})
    for event in sorted(events, key=lambda event: (event.block, event.log)):
        replay.take(event)
    found = {number: complaints for number, complaints in replay.complaints.items() if complaints}
    return Redrawn(found, replay.committees)


def listed(validators: Sequence[int]) -> str:
    """Validators for a message."""
    return ", ".join(map(str, validators))


@dataclass
class _Replay:
    """The state after the events so far. What the chain did is taken on, so that each fault is named once.

    Attributes:
        drawing: the transactions that drew seats: what is taken from the queue there is taken by the draw itself.
    """

    ledger: Ledger
    drawing: Container[str]
    complaints: dict[RoundNumber, list[str]] = field(default_factory=lambda: defaultdict(list))
    committees: dict[tuple[RoundNumber, ShardIndex], list[ParticipantId]] = field(default_factory=dict)
    _draw: rule.Draw = field(default_factory=rule.Draw)
    _counted: dict[int, int] = field(default_factory=dict)
    _benched: dict[int, int] = field(default_factory=dict)
    _shown: Shown | None = None
    _tips: dict[int, bytes] = field(default_factory=dict)
    _next_anchors: dict[int, tuple[int, bytes]] = field(default_factory=dict)

    def take(self, event: Event) -> None:
        match event:
            case Weight():
                self._draw.weigh(event.id, event.wei)
            case Anchor():
                self._renew(event.id, self._draw.round)
                self._next_anchors[event.id] = self._draw.round + rule.LAG, event.anchor
            case Counted():
                self._counted[event.id] = event.weight_wei
                if self._draw.round and self._draw.has_waiting and event.tx_hash not in self.drawing:
                    self._draw.take_change()  # brought about by `takeChanges`
            case Benched():
                self._benched[event.id] = event.until_round
            case Shown():
                self._show(event)
            case Drawn():
                self._seat(event)

    def _show(self, shown: Shown) -> None:
        self._shown = shown
        complaints, draw = self.complaints[shown.round], self._draw
        if shown.seat not in draw.linkers or draw.seats[shown.seat] != shown.validator:
            complaints.append(WRONG_SHOWER.format(shown.seat, shown.validator))
        self._renew(shown.validator, shown.round)
        domain = link_domain(self.ledger.deployment.chain_id, self.ledger.staking.address)
        hashed = next_link(shown.link, domain)
        if hashed != (self._tips.get(shown.validator) or self._first_anchor(shown.validator) or hashed):
            complaints.append(WRONG_LINK.format(shown.validator))
        self._tips[shown.validator] = shown.link

    def _renew(self, validator: int, number: int) -> None:
        """Go over to the anchor that a validator has named, once it counts."""
        since, anchor = self._next_anchors.get(validator, (number + 1, b""))
        if since <= number:
            self._tips[validator] = anchor
            del self._next_anchors[validator]

    def _first_anchor(self, validator: ParticipantId) -> bytes | None:
        """What it bonded with; None where it bonded through another contract."""
        staking, tx_hash = self.ledger.staking, self.ledger.staking.bonded_by(validator, self.ledger.from_block)
        call = None if tx_hash is None else self.ledger.call_in(staking, tx_hash)
        return None if call is None else call["anchor"]

    def _seat(self, drawn: Drawn) -> None:
        """Draw this part of the seats as the rules say, and go on from what the chain drew."""
        draw, number, complaints = self._draw, drawn.round, self.complaints[drawn.round]
        parameters = self.ledger.round(number).plan.parameters
        size = parameters.shards, parameters.seats
        try:
            is_first = drawn.first_shard == 0
            due = self._open(number, *size) if is_first else draw.draw_part(drawn.part, *size)
        except InvalidInput as error:  # too few validators are left, or too many idle ones count
            due = []
            complaints.append(str(error))
        if list(draw.counted.items()) != list(self._counted.items()):
            complaints.append(WRONG_WEIGHTS)
            draw.counted, draw.weights = dict(self._counted), self._counted | draw.weights
        if draw.benched_until != self._benched:
            complaints.append(WRONG_BENCH.format(number - 1))
            draw.benched_until = dict(self._benched)
        for first in range(0, len(drawn.validators), drawn.seats):
            shard = ShardIndex(drawn.first_shard + first // drawn.seats)
            ours, chains = due[first : first + drawn.seats], drawn.validators[first : first + drawn.seats]
            self.committees[number, shard] = [ParticipantId(validator) for validator in ours]
            if ours != chains:
                complaints.append(WRONG_COMMITTEE.format(shard, listed(chains), listed(ours)))
        draw.seats[len(draw.seats) - len(due) :] = drawn.validators

    def _open(self, number: RoundNumber, shards: int, seats: int) -> list[int]:
        """Open the round with the chain's seed, and draw the first part of its seats."""
        draw, before = self._draw, RoundNumber(number - 1)
        seed, shown, silent = self.ledger.round(number).record().seed, self._shown, list[int]()
        if shown is not None and shown.round != before:
            shown = None
        if before:
            last, linkers = self.ledger.round(before).record(), len(draw.seats[: rule.LINKERS])
            link, is_cut_short = None if shown is None else shown.link, last.published_at < last.reveal_ends_at
            if seed != rule.next_seed(draw.seed, number, link, is_cut_short=is_cut_short):
                self.complaints[number].append(WRONG_SEED.format(before))
            shown_by = None if shown is None else shown.seat
            phase, until = (last.commit_ends_at, last.reveal_ends_at), last.published_at
            silent = rule.silent_seats(
                *phase, linkers=linkers, stand_ins=draw.stand_ins, shown_by=shown_by, until=until
            )
        draw.round = before
        return draw.begin(seed, shards, seats, silent=silent)
