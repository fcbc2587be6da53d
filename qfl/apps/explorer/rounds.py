"""Rounds, as the contracts' events tell them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from qfl.apps.explorer.index import Index

Row = dict[str, Any]

SUMMARY = """
SELECT round AS number,
    sum(name = 'Committed') AS commits, sum(name = 'Revealed') AS reveals,
    sum(name = 'CheckpointAccepted') AS checkpoints, sum(name = 'FaultProven') AS faults,
    CASE WHEN max(name = 'ModelVoided') THEN 'void' WHEN max(name = 'ModelFinalised') THEN 'final'
        WHEN max(name = 'ModelPublished') THEN 'published' WHEN max(name = 'RoundFailed') THEN 'failed'
        ELSE 'open' END AS state,
    max(CASE WHEN name = 'ModelPublished' THEN digest END) AS digest,
    max(CASE WHEN name = 'ModelPublished' THEN participant END) AS publisher
FROM events WHERE round BETWEEN ? AND ? GROUP BY round HAVING max(name = 'RoundOpened') ORDER BY round DESC
"""
EVENTS = """
SELECT events.*, blocks.time FROM events
LEFT JOIN blocks ON blocks.chain = events.chain AND blocks.number = events.block
WHERE round = ? ORDER BY events.chain, block, log LIMIT ?
"""
MOST_EVENTS = 5000
"""Of a round on one page; of more, the page says that it leaves some out."""
MODEL_EVENTS = ("ModelPublished", "ModelFinalised", "ModelVoided", "RoundFailed")


@dataclass
class Participation:
    """What a client did in a round: the events of its commit, reveal and reward, and whether it was included."""

    client: int
    commit: Row | None = None
    reveal: Row | None = None
    reward: Row | None = None
    included: bool = False


@dataclass
class Seat:
    """A seat of a committee: what it announced, and whether its signature is in the accepted bundle."""

    number: int
    validator: int
    announcements: list[Row] = field(default_factory=list)
    signed: bool = False
    reward: Row | None = None


@dataclass
class ShardPart:
    """A shard's part of a round; `checkpoint` is the event that accepted it, `voided` the one that undid that."""

    index: int
    clients: dict[int, Participation] = field(default_factory=dict)
    seats: list[Seat] = field(default_factory=list)
    noise: list[Row] = field(default_factory=list)
    checkpoint: Row | None = None
    voided: Row | None = None

    def client(self, number: int) -> Participation:
        """The client's part, which begins with its first event."""
        return self.clients.setdefault(number, Participation(number))


@dataclass
class RoundStory:
    """Everything that the contracts said of a round."""

    number: int
    opening: Row | None = None
    shards: dict[int, ShardPart] = field(default_factory=dict)
    model: list[Row] = field(default_factory=list)
    faults: list[Row] = field(default_factory=list)
    slashes: list[Row] = field(default_factory=list)
    other: list[Row] = field(default_factory=list)
    is_complete: bool = True

    @property
    def published(self) -> Row | None:
        """The event that published the round's model."""
        return next((event for event in self.model if event["name"] == "ModelPublished"), None)

    def shard(self, index: int) -> ShardPart:
        """The shard's part."""
        return self.shards.setdefault(index, ShardPart(index))


def last_round(index: Index) -> int:
    """The last round that was opened; 0 for none."""
    return int(index.rows("SELECT max(round) AS n FROM events WHERE name = 'RoundOpened'")[0]["n"] or 0)


def summarise_rounds(index: Index, first: int, last: int) -> list[Row]:
    """A line for each of these rounds, newest first."""
    return index.rows(SUMMARY, first, last)


def tell_round(index: Index, number: int, seats: int) -> RoundStory:
    """What happened in a round; its committees have `seats` seats each."""
    events = index.rows(EVENTS, number, MOST_EVENTS + 1)
    story = RoundStory(number, is_complete=len(events) <= MOST_EVENTS)
    for event in events[:MOST_EVENTS]:
        _place(story, event, seats)
    for part in story.shards.values():
        _mark_accepted(part)
    return story


def _place(story: RoundStory, event: Row, seats: int) -> None:
    name, said = event["name"], event["arguments"]
    if name == "RoundOpened":
        story.opening = event
        for position, validator in enumerate(said["committees"]):
            story.shard(position // seats).seats.append(Seat(position % seats, validator))
    elif name in MODEL_EVENTS:
        story.model.append(event)
    elif name in ("FaultProven", "Slashed"):
        (story.faults if name == "FaultProven" else story.slashes).append(event)
    elif (shard := _shard_of(event)) is not None and name in _SHARDS:
        _SHARDS[name](story.shard(shard), event)
    else:
        story.other.append(event)


def _shard_of(event: Row) -> int | None:
    """The shard that an event names, or is from."""
    said, (kind, _, index) = event["arguments"], (event["contract"] or "").partition(" ")
    if kind == "Shard":
        return int(index)
    named: int | None = said.get("shard")
    return named


def _commit(part: ShardPart, event: Row) -> None:
    part.client(event["participant"]).commit = event


def _reveal(part: ShardPart, event: Row) -> None:
    part.client(event["participant"]).reveal = event


def _announce(part: ShardPart, event: Row) -> None:
    """A proposal is its turn's seat's; anybody may announce for any seat, and that is noise until it is accepted."""
    said = event["arguments"]
    seat = said["turn"] % len(part.seats) if event["name"] == "Proposed" and part.seats else said.get("seat", -1)
    if 0 <= seat < len(part.seats):
        part.seats[seat].announcements.append(event)
    else:
        part.noise.append(event)


def _accept(part: ShardPart, event: Row) -> None:
    part.checkpoint = event


def _void(part: ShardPart, event: Row) -> None:
    part.voided = event


def _reward_client(part: ShardPart, event: Row) -> None:
    part.client(event["participant"]).reward = event


def _reward_seat(part: ShardPart, event: Row) -> None:
    for seat in _numbered(part.seats, event["arguments"]["seat"]):
        seat.reward = event


_SHARDS = {
    "Committed": _commit,
    "Revealed": _reveal,
    "Proposed": _announce,
    "Attested": _announce,
    "CheckpointAccepted": _accept,
    "CheckpointVoided": _void,
    "UpdateRewarded": _reward_client,
    "SeatRewarded": _reward_seat,
}


def _mark_accepted(part: ShardPart) -> None:
    """Say who is in the accepted checkpoint: its bits are numbers of reveals, and of seats."""
    if part.checkpoint is None:
        return
    said = part.checkpoint["arguments"]
    for client in part.clients.values():
        index = client.reveal["arguments"]["index"] if client.reveal else None
        client.included = index is not None and bool(said["checkpoint"]["included"] >> index & 1)
    for seat in part.seats:
        seat.signed = bool(said["attested"] >> seat.number & 1)


def _numbered(seats: Sequence[Seat], number: int) -> Iterable[Seat]:
    return (seat for seat in seats if seat.number == number)
