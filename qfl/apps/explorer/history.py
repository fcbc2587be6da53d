"""Rounds and participants, as the contracts' events tell them."""

from dataclasses import dataclass, field
from typing import Any

from qfl.apps.explorer.index import Index
from qfl.chain.rpc.answers import ADDRESS, WORD
from qfl.errors import InvalidInput
from qfl.protocol.cid import cid_of, digest_of

Row = dict[str, Any]

SUMMARY = """
SELECT round AS number,
    sum(name = 'Committed') AS commits, sum(name = 'Revealed') AS reveals,
    sum(name = 'CheckpointAccepted') AS checkpoints, sum(name = 'FaultProven') AS faults,
    CASE WHEN max(name = 'ModelVoided') THEN 'void' WHEN max(name = 'ModelFinalized') THEN 'final'
        WHEN max(name = 'ModelPublished') THEN 'published' WHEN max(name = 'RoundFailed') THEN 'failed'
        ELSE 'open' END AS state,
    max(CASE WHEN name = 'ModelPublished' THEN digest END) AS digest,
    max(CASE WHEN name = 'ModelPublished' THEN participant END) AS publisher
FROM events WHERE round BETWEEN ? AND ? GROUP BY round HAVING max(name = 'RoundOpened') ORDER BY round DESC
"""
EVENTS = "SELECT * FROM timed_events WHERE round = ? ORDER BY chain, block, log LIMIT ?"
STAKING = "SELECT * FROM timed_events WHERE participant BETWEEN ? AND ? AND contract = 'Staking' ORDER BY block, log"
ROLES = ("nobody", "client", "validator")
MOST_EVENTS = 5000  # of a round on one page; of more, the page says that it leaves some out


@dataclass
class Participation:
    """What a client did in a round: the events of its commit and reveal, and whether it was included."""

    client: int
    commit: Row | None = None
    reveal: Row | None = None
    included: bool = False


@dataclass
class Seat:
    """A seat of a committee: what it announced, and whether its signature is in the accepted bundle."""

    number: int
    validator: int
    announcements: list[Row] = field(default_factory=list)
    signed: bool = False


@dataclass
class ShardPart:
    """A shard's part of a round.

    Attributes:
        checkpoint: the event that accepted its checkpoint, `voided` the one that undid that.
        added: the events of attestations that came after it.
        reward: the event that rewarded all included updates and all attesting seats.
    """

    index: int
    clients: dict[int, Participation] = field(default_factory=dict)
    seats: list[Seat] = field(default_factory=list)
    checkpoint: Row | None = None
    voided: Row | None = None
    added: list[Row] = field(default_factory=list)
    reward: Row | None = None

    def add(self, event: Row) -> bool:
        """Take an event; False where it says nothing of the shard's part."""
        said = event["arguments"]
        match event["name"]:
            case "Committed":
                self._client(event).commit = event
            case "Revealed":
                self._client(event).reveal = event
            case "Proposed" if self.seats:  # a proposal is its turn's seat's
                self.seats[said["turn"] % len(self.seats)].announcements.append(event)
            case "Attested" if 0 <= said["seat"] < len(self.seats):  # anybody may announce for any seat
                self.seats[said["seat"]].announcements.append(event)
            case "CheckpointAccepted":
                self.checkpoint = event
            case "CheckpointVoided":
                self.voided = event
            case "AttestationAdded":
                self.added.append(event)
            case "ShardRewarded":
                self.reward = event
            case name:
                return name in ("Proposed", "Attested")  # of a seat that there is not
        return True

    def mark_accepted(self) -> None:
        """Say who is in the accepted checkpoint: its bits are numbers of reveals, and of seats."""
        if self.checkpoint is None:
            return
        said = self.checkpoint["arguments"]
        for client in self.clients.values():
            index = client.reveal["arguments"]["index"] if client.reveal else None
            client.included = index is not None and bool(said["checkpoint"]["included"] >> index & 1)
        for seat in self.seats:
            late = any(event["arguments"]["seat"] == seat.number for event in self.added)
            seat.signed = late or bool(said["attested"] >> seat.number & 1)

    def _client(self, event: Row) -> Participation:
        return self.clients.setdefault(event["participant"], Participation(event["participant"]))


@dataclass
class RoundStory:
    """Everything that the contracts said of a round."""

    number: int
    is_complete: bool
    opening: Row | None = None
    link: Row | None = None
    shards: dict[int, ShardPart] = field(default_factory=dict)
    model: list[Row] = field(default_factory=list)
    faults: list[Row] = field(default_factory=list)
    slashes: list[Row] = field(default_factory=list)
    other: list[Row] = field(default_factory=list)

    def add(self, event: Row) -> None:
        """Take an event of the round."""
        match event["name"]:
            case "RoundOpened":
                self.opening = event
            case "LinkShown":
                self.link = event
            case "SeatsDrawn":
                said = event["arguments"]
                for place, validator in enumerate(said["validators"]):
                    shard = said["firstShard"] + place // said["seats"]
                    opened = self.shards.setdefault(shard, ShardPart(shard))
                    opened.seats.append(Seat(place % said["seats"], validator))
            case "ModelPublished" | "ModelFinalized" | "ModelVoided" | "RoundFailed":
                self.model.append(event)
            case "FaultProven":
                self.faults.append(event)
            case "Slashed":
                self.slashes.append(event)
            case _:
                shard = _shard_of(event)
                part = None if shard is None else self.shards.get(shard, ShardPart(shard))
                if part is not None and part.add(event):
                    self.shards[part.index] = part
                else:
                    self.other.append(event)


def last_round(index: Index) -> int:
    """The last round that was opened; 0 for none."""
    return int(index.rows("SELECT max(round) AS n FROM events WHERE name = 'RoundOpened'")[0]["n"] or 0)


def summarise_rounds(index: Index, first: int, last: int) -> list[Row]:
    """A line for each of these rounds, newest first."""
    return index.rows(SUMMARY, first, last)


def tell_round(index: Index, number: int) -> RoundStory:
    """What happened in a round."""
    events = index.rows(EVENTS, number, MOST_EVENTS + 1)
    story = RoundStory(number, is_complete=len(events) <= MOST_EVENTS)
    for event in events[:MOST_EVENTS]:
        story.add(event)
    for part in story.shards.values():
        part.mark_accepted()
    return story


def _shard_of(event: Row) -> int | None:
    kind, _, index = (event["contract"] or "").partition(" ")
    named: int | None = int(index) if kind == "Shard" else event["arguments"].get("shard")
    return named


@dataclass
class Member:
    """A participant: its stake now, in wei, what it lost and earned, its keys (oldest first), and how it stands."""

    id: int
    role: str
    withdrawal: str
    stake_wei: int
    joined: Row
    keys: list[Row]
    slashed_wei: int = 0
    earned_wei: int = 0
    standing: str = "bonded"


def member_count(index: Index) -> int:
    """How many ids were given out; they run from 1."""
    return int(index.rows("SELECT max(participant) AS n FROM events WHERE name = 'Bonded'")[0]["n"] or 0)


def list_members(index: Index, first: int, last: int) -> list[Member]:
    members: dict[int, Member] = {}
    for event in index.rows(STAKING, first, last):
        said = event["arguments"]
        if event["name"] == "Bonded":
            role, keys = ROLES[said["role"] % len(ROLES)], [{"index": 0, **said["key"], "event": event}]
            members[said["id"]] = Member(said["id"], role, said["withdrawal"], said["stakeWei"], event, keys)
        elif (member := members.get(event["participant"])) is not None:
            _apply(member, event)
    return list(members.values())


def _apply(member: Member, event: Row) -> None:
    said = event["arguments"]
    match event["name"]:
        case "ToppedUp":
            member.stake_wei = said["stakeWei"]
        case "Slashed":
            member.stake_wei -= said["amountWei"]
            member.slashed_wei += said["amountWei"]
        case "RewardCredited":
            member.earned_wei += said["amountWei"]
        case "KeyRotated":
            member.keys.append({"index": said["keyIndex"], **said["key"], "event": event})
        case "WithdrawalChanged":
            member.withdrawal = said["withdrawal"]
        case "ExitRequested":
            member.standing = "leaving"
        case "Withdrawn":
            member.standing, member.stake_wei = "left", 0


FORMS = "a hash (0x and 64 digits), an address (0x and 40), a CID, or the number of a round, participant or block"
MOST_DIGITS = 15


@dataclass(frozen=True)
class Hit:
    """Something that was found, and its page."""

    what: str
    path: str


def search(index: Index, query: str) -> list[Hit]:
    """Everything that `query` can mean here, likeliest first."""
    text = query.strip().lower()
    if WORD.fullmatch(text):
        return _by_word(index, text)
    if ADDRESS.fullmatch(text):
        return [Hit(f"address {text}", f"/addresses/{text}")]
    if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS:
        return _by_number(index, int(text))
    try:
        return [Hit(f"content {text}", f"/content/{cid_of(digest_of(text))}")]
    except (InvalidInput, UnicodeEncodeError):
        return []


def _by_word(index: Index, word: str) -> list[Hit]:
    """32 bytes are a transaction, a block, a content object's digest, or the root of one."""
    hits = []
    if index.count("transactions", "hash = ?", word):
        hits.append(Hit(f"transaction {word}", f"/transactions/{word}"))
    hits += [_block(row["number"]) for row in index.rows("SELECT number FROM blocks WHERE hash = ?", word)]
    if index.count("events", "digest = ?", word):
        hits.append(_content(word))
    roots = index.rows("SELECT DISTINCT digest FROM events WHERE root = ? AND digest IS NOT NULL LIMIT 20", word)
    return hits + [_content(row["digest"]) for row in roots]


def _by_number(index: Index, number: int) -> list[Hit]:
    hits = []
    if 1 <= number <= last_round(index):
        hits.append(Hit(f"round {number}", f"/rounds/{number}"))
    if 1 <= number <= member_count(index):
        hits.append(Hit(f"participant {number}", f"/participants/{number}"))
    return [*hits, _block(number)] if index.count("transactions", "block = ?", number) else hits


def _content(digest: str) -> Hit:
    cid = cid_of(bytes.fromhex(digest[2:]))
    return Hit(f"content {cid}", f"/content/{cid}")


def _block(number: int) -> Hit:
    return Hit(f"transactions of block {number}", f"/transactions?block={number}")
