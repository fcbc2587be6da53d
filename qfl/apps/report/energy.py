"""Joules of one round, by who spends them, in four ways of agreeing on the same updates.

    committee      as it ran: each shard's seats verify its updates, and sign once
    flat vote      every validator verifies every update, and every validator's vote: n (n - 1) of them
    proof of work  as the committee, on a chain that the n validators mine, at full power while its blocks are found
    bitcoin        as many transactions as the round sent, at what one costs on Bitcoin: a reference, no variant

Joules are measured processor seconds times the watts of a core, and counted bytes times J/byte. Seconds are this
machine's: a slower core takes longer, and what that costs is not in the range.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from qfl.apps.report.workload import Workload
from qfl.errors import InvalidInput

FILE = Path(__file__).with_name("energy.toml")


@dataclass(frozen=True)
class Range:
    """A figure that is only known to lie between two; neither is negative."""

    low: float
    high: float

    def __add__(self, other: Range) -> Range:
        return Range(self.low + other.low, self.high + other.high)

    def __mul__(self, factor: Range | float) -> Range:
        other = factor if isinstance(factor, Range) else Range(factor, factor)
        return Range(self.low * other.low, self.high * other.high)


NOTHING = Range(0.0, 0.0)


@dataclass(frozen=True)
class Constant:
    """A range, its unit, and where it is from."""

    range: Range
    unit: str
    source: str


def constant(*path: str) -> Constant:
    """A constant by its place in the file.

    Raises:
        InvalidInput: there is none.
    """
    found: Any = load_constants()
    for name in path:
        if name not in found:
            raise InvalidInput(path[0], name, f"choose one of {', '.join(found)}")
        found = found[name]
    return Constant(Range(found["low"], found["high"]), found["unit"], found["source"])


@cache
def load_constants() -> Mapping[str, Any]:
    """The whole file."""
    return tomllib.loads(FILE.read_text())


WAKES = 3
"""A client's radio wakes to fetch the base model, to commit, and to reveal: each is a phase of its own."""
STEPS = 6
"""Steps of a round that wait for a block: open, commit, reveal, announce, checkpoint, publish."""


@dataclass(frozen=True)
class Account:
    """What one way of agreeing spends in a round: joules by part."""

    name: str
    parts: Mapping[str, Range]

    @property
    def total(self) -> Range:
        """All parts together."""
        return sum(self.parts.values(), NOTHING)

    @property
    def agreement(self) -> Range:
        """Without what clients spend, which is the same in all of them."""
        return sum((joules for part, joules in self.parts.items() if not part.startswith("clients")), NOTHING)


def compute_accounts(work: Workload, device: str, radio: str) -> list[Account]:
    """The four accounts of a round, with clients of this kind.

    Raises:
        InvalidInput: no such device or radio in `constants.toml`.
    """
    core, wire = constant("device", "server").range, constant("wire").range
    clients = _clients(work, constant("device", device).range, radio)
    nodes = {
        # Every validator runs a node of the chain, and a shard's seats one of its own chain, if it has one; each does
        # what the one that was measured did. The IPFS node served everybody: its work is what theirs do together.
        "chain nodes": core * (work.seconds("chain") * work.validators + _shard_chain_seconds(work) * work.seats),
        "IPFS nodes": core * work.seconds("ipfs"),
    }
    committee = {
        **clients,
        "validators compute": core * (work.seconds("validator") + work.seconds("challenger")),
        "validators transfer": wire * (work.validator_up + work.validator_down),
        **nodes,
    }
    mining = constant("miner").range * constant("block_interval").range * constant("confirmations").range
    return [
        Account("committee", committee),
        Account("flat vote", {**clients, **_flat(work, core, wire), **nodes}),
        Account("proof of work", {**committee, "mining": mining * float(STEPS * work.validators)}),
        Account("bitcoin", {"transactions": constant("bitcoin_transaction").range * work.transactions}),
    ]


def _clients(work: Workload, core: Range, radio: str) -> dict[str, Range]:
    up, down, wake = (constant("radio", radio, part).range for part in ("up", "down", "wake"))
    return {
        "clients compute": core * work.seconds("client"),
        "clients transfer": up * work.client_up + down * work.client_down,
        "clients wake their radio": wake * float(WAKES * work.clients),
    }


def _flat(work: Workload, core: Range, wire: Range) -> dict[str, Range]:
    """What validators do in the all-to-all vote, at the measured cost of a check and of a signature."""
    verifying = work.cpu.get("validator", {}).get("verify", 0.0)
    others = work.seconds("validator") - verifying + work.seconds("challenger")
    checks, votes = work.updates * work.validators, float(work.validators * (work.validators - 1))
    a_check = verifying / work.checks if work.checks else 0.0
    fetched = work.validator_down * (checks / work.checks if work.checks else 0.0)
    return {
        "validators compute": core * (others + a_check * checks + work.vote_seconds * votes),
        "validators transfer": wire * (fetched + votes * work.vote_bytes),
    }


def _shard_chain_seconds(work: Workload) -> float:
    """Processor seconds of the shards' own chains."""
    return sum(work.seconds(role) for role in work.cpu if role.startswith("shard-"))
