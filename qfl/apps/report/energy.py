"""Joules of one round, by who spends them, in four ways of agreeing on the same updates.

    committee      as it ran: each shard's seats verify its updates, and sign once
    flat vote      every validator verifies every update, and every validator's vote: n (n - 1) of them
    proof of work  as the committee, on a chain that the n validators mine, at full power while its blocks are found
    bitcoin        as many transactions as the round sent, at what one costs on Bitcoin: a reference, no variant

Joules are measured processor seconds times the watts of a core, and counted bytes times J/byte. Seconds are this
machine's: a slower core takes longer, and what that costs is not in the range.
"""

from __future__ import annotations

import hashlib
import time
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import mean
from typing import Any

from qfl.chain.parameters import load_parameters
from qfl.crypto.lms import LmsSecret, verify
from qfl.errors import InvalidInput
from qfl.files import read_json, read_json_lines
from qfl.protocol.content import HEADER_BYTES, plain_bytes
from qfl.protocol.quorum import quorum_of
from qfl.quantum.architecture import Architecture

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


def constant(*path: str) -> Range:
    """A constant by its place in the file, which has its unit and source too. Raises InvalidInput: there is none."""
    found: Any = load_constants()
    for name in path:
        if name not in found:
            raise InvalidInput(path[0], name, f"choose one of {', '.join(found)}")
        found = found[name]
    return Range(found["low"], found["high"])


@cache
def load_constants() -> Mapping[str, Any]:
    return tomllib.loads(FILE.read_text())


WAKES = 3
"""A client's radio wakes to fetch the base model, to commit, and to reveal: each is a phase of its own."""


@dataclass(frozen=True)
class Account:
    """What one way of agreeing spends in a round: joules by part."""

    name: str
    parts: Mapping[str, Range]

    @property
    def total(self) -> Range:
        return sum(self.parts.values(), NOTHING)

    @property
    def agreement(self) -> Range:
        """Without what clients spend, which is the same in all of them."""
        return sum((joules for part, joules in self.parts.items() if not part.startswith("clients")), NOTHING)


def compute_accounts(work: Workload, device: str, radio: str) -> list[Account]:
    """The four accounts of a round, with clients of this kind.

    Raises InvalidInput: no such device or radio in `energy.toml`.
    """
    core, wire = constant("device", "server"), constant("wire")
    clients = _clients(work, constant("device", device), radio)
    of_shard_chains = sum(work.seconds(role) for role in work.cpu if role.startswith("shard-"))
    nodes = {
        # Every validator runs a node of the chain, and a shard's seats one of its own chain, if it has one; each does
        # what the one that was measured did. The IPFS node served everybody: its work is what theirs do together.
        "chain nodes": core * (work.seconds("chain") * work.validators + of_shard_chains * work.seats),
        "IPFS nodes": core * work.seconds("ipfs"),
    }
    committee = {
        **clients,
        "validators compute": core * (work.seconds("validator") + work.seconds("challenger")),
        "validators transfer": wire * (work.validator_up + work.validator_down),
        **nodes,
    }
    mining = constant("miner") * constant("block_interval") * constant("confirmations")
    return [
        Account("committee", committee),
        Account("flat vote", {**clients, **_flat(work, core, wire), **nodes}),
        Account("proof of work", {**committee, "mining": mining * float(work.steps * work.validators)}),
        Account("bitcoin", {"transactions": constant("bitcoin_transaction") * work.transactions}),
    ]


def _clients(work: Workload, core: Range, radio: str) -> dict[str, Range]:
    up, down, wake = (constant("radio", radio, part) for part in ("up", "down", "wake"))
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


SERVICES = ("chain", "ipfs")
CLIENT_KINDS = ("commit", "reveal", "reveal_private")
VOTES_TIMED = 50


@dataclass(frozen=True)
class Workload:
    """One round. `cpu` is in seconds by role and stage, all participants of the role together.

    Attributes:
        seats: of each shard's committee.
        checks: verifications of an update by a seat.
        transactions: all that were sent.
        client_up, client_down, validator_up, validator_down: bytes of all of them together.
        vote_bytes: an attestation's transaction.
        vote_seconds: processor time to verify one signature, measured now.
        missing: services whose processor time is not known, because they were not this machine's own.
    """

    clients: int
    validators: int
    shards: int
    seats: int
    updates: float
    checks: float
    transactions: float
    cpu: Mapping[str, Mapping[str, float]]
    client_up: float
    client_down: float
    validator_up: float
    validator_down: float
    vote_bytes: float
    vote_seconds: float
    missing: tuple[str, ...]

    @property
    def steps(self) -> int:
        """Steps of a round that wait for a block: open, commit, reveal, announce, checkpoint; publish if it has several
        shards.
        """
        return 5 if self.shards == 1 else 6

    def seconds(self, role: str) -> float:
        """Processor seconds of a role over all stages."""
        return sum(self.cpu.get(role, {}).values())


def read_workload(folder: Path) -> Workload:
    """The mean round of the run in `folder`.

    Raises InvalidInput: it holds no report, no round, or one of a version that did not measure work.
    """
    try:
        report = read_json(folder / "report.json")
        rounds = report["rounds"]
        if not rounds or not all(entry.get("cpu_seconds") for entry in rounds):
            raise InvalidInput("run", str(folder), "its report has no processor seconds: run it again")
        numbers = {entry["round"] for entry in rounds}
        events = read_json_lines(folder / "events.jsonl")
        sent = [event for event in events if event["event"] == "transaction" and event["round"] in numbers]
        return summarise(report["config"], rounds, sent, _measure_vote())
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidInput("run", str(folder), f"no report of a run: {error!r}") from error


def summarise(
    config: Mapping[str, Any], rounds: list[dict[str, Any]], transactions: list[dict[str, Any]], vote_seconds: float
) -> Workload:
    """The mean of `rounds` of a run with `config` that sent `transactions` in them."""
    protocol = load_parameters(**config["protocol"]).rounds
    shape, count = Architecture.from_document(config["architecture"]).shape, len(rounds)
    # Missing from a round that an older version ran: counted with plain lanes then, the most it can be.
    plain = plain_bytes(shape.total, config["lane_bits"])
    update = mean(entry.get("update_bytes") or plain for entry in rounds)
    model = HEADER_BYTES + 4 * shape.total
    seats, shards = protocol["seats"], protocol["shards"]
    updates, quorum = mean(entry["included"] for entry in rounds), quorum_of(seats)
    # With one shard every seat fetches the base, and who attests the checkpoint stores aggregate and model.
    stored, fetched = (2 * quorum, seats) if shards == 1 else (quorum * shards + 1, shards)

    in_the_round = [entry for entry in transactions if not entry["label"].startswith("reward")]  # those come after it
    from_clients = sum(entry["size"] for entry in in_the_round if entry["label"] in CLIENT_KINDS) / count
    from_validators = sum(entry["size"] for entry in in_the_round if entry["label"] not in CLIENT_KINDS) / count
    votes = [entry["size"] for entry in transactions if entry["label"] == "attest"]
    cpu = _mean_by_stage([entry["cpu_seconds"] for entry in rounds])
    return Workload(
        clients=config["clients"],
        validators=config["validators"],
        shards=shards,
        seats=seats,
        updates=updates,
        checks=updates * seats,
        transactions=len(transactions) / count,
        cpu=cpu,
        client_up=from_clients + updates * update,
        client_down=config["clients"] * model,
        validator_up=from_validators + stored * model,
        validator_down=updates * seats * update + fetched * model,
        vote_bytes=mean(votes) if votes else 0.0,
        vote_seconds=vote_seconds,
        missing=tuple(name for name in SERVICES if name not in cpu),
    )


def _mean_by_stage(rounds: list[dict[str, dict[str, float]]]) -> dict[str, dict[str, float]]:
    """The mean of seconds by role and stage; what a round lacks counts as 0."""
    roles = sorted({role for entry in rounds for role in entry})
    stages = {role: {stage for entry in rounds for stage in entry.get(role, {})} for role in roles}
    return {
        role: {stage: mean(entry.get(role, {}).get(stage, 0.0) for entry in rounds) for stage in stages[role]}
        for role in roles
    }


def _measure_vote() -> float:
    """Processor seconds to verify one attestation, the mean of some."""
    secret = LmsSecret.generate(5)
    digest = hashlib.sha256(b"attestation").digest()
    signature = secret.sign(0, digest)
    start = time.process_time()
    for _ in range(VOTES_TIMED):
        verify(secret.public, digest, signature)
    return (time.process_time() - start) / VOTES_TIMED
