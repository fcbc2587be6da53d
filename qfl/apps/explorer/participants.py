"""Clients and validators, as the staking contract's events tell them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from qfl.apps.explorer.index import Index

Row = dict[str, Any]

EVENTS = "SELECT * FROM timed_events WHERE participant BETWEEN ? AND ? AND contract = 'Staking' ORDER BY block, log"
ROLES = ("nobody", "client", "validator")


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
    """The participants with these ids."""
    members: dict[int, Member] = {}
    for event in index.rows(EVENTS, first, last):
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
