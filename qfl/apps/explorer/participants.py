"""Clients and validators, as the staking contract's events tell them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from qfl.apps.explorer.index import Index

Row = dict[str, Any]

EVENTS = """
SELECT events.*, blocks.time FROM events
LEFT JOIN blocks ON blocks.chain = events.chain AND blocks.number = events.block
WHERE participant BETWEEN ? AND ? AND contract = 'Staking' ORDER BY block, log
"""
HISTORY = """
SELECT events.*, blocks.time FROM events
LEFT JOIN blocks ON blocks.chain = events.chain AND blocks.number = events.block
WHERE participant = ? ORDER BY block DESC, log DESC LIMIT ? OFFSET ?
"""
SEATS = """
SELECT DISTINCT events.round FROM events, json_each(events.arguments, '$.committees')
WHERE name = 'RoundOpened' AND json_each.value = ? ORDER BY events.round DESC LIMIT ?
"""
ROLES = ("nobody", "client", "validator")


@dataclass
class Member:
    """A participant: its stake now, in wei, what it lost and earned, its keys (oldest first), and how it stands."""

    id: int
    role: str
    withdrawal: str
    stake_wei: int
    joined: Row
    slashed_wei: int = 0
    earned_wei: int = 0
    standing: str = "bonded"
    keys: list[Row] = field(default_factory=list)


def member_count(index: Index) -> int:
    """How many ids were given out; they run from 1."""
    return int(index.rows("SELECT max(participant) AS n FROM events WHERE name = 'Bonded'")[0]["n"] or 0)


def list_members(index: Index, first: int, last: int) -> list[Member]:
    """The participants with these ids."""
    members: dict[int, Member] = {}
    for event in index.rows(EVENTS, first, last):
        said = event["arguments"]
        if event["name"] == "Bonded":
            role = ROLES[said["role"] % len(ROLES)]
            members[said["id"]] = Member(said["id"], role, said["withdrawal"], said["stakeWei"], event)
            members[said["id"]].keys.append({"index": 0, **said["key"], "event": event})
        elif (member := members.get(event["participant"])) is not None:
            _apply(member, event)
    return list(members.values())


def member_history(index: Index, number: int, limit: int, offset: int) -> list[Row]:
    """Every event about a participant, newest first."""
    return index.rows(HISTORY, number, limit, offset)


def rounds_seated(index: Index, validator: int, limit: int) -> list[int]:
    """The rounds in which a validator was drawn into a committee, newest first."""
    return [int(row["round"]) for row in index.rows(SEATS, validator, limit)]


def _apply(member: Member, event: Row) -> None:
    name, said = event["name"], event["arguments"]
    if name == "ToppedUp":
        member.stake_wei = said["stakeWei"]
    elif name == "Slashed":
        member.stake_wei -= said["amountWei"]
        member.slashed_wei += said["amountWei"]
    elif name == "RewardCredited":
        member.earned_wei += said["amountWei"]
    elif name == "KeyRotated":
        member.keys.append({"index": said["keyIndex"], **said["key"], "event": event})
    elif name == "WithdrawalChanged":
        member.withdrawal = said["withdrawal"]
    elif name == "ExitRequested":
        member.standing = "leaving"
    elif name == "Withdrawn":
        member.standing, member.stake_wei = "left", 0
