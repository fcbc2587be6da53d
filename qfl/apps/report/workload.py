"""What a run has done in a round, on average: processor seconds by role, bytes by who sends and receives them."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
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

SERVICES = ("chain", "ipfs")
CLIENT_KINDS = ("commit", "reveal", "reveal_private")
"""Transactions that clients send in a round."""
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

    def seconds(self, role: str) -> float:
        """Processor seconds of a role over all stages."""
        return sum(self.cpu.get(role, {}).values())


def read_workload(folder: Path) -> Workload:
    """The mean round of the run in `folder`.

    Raises:
        InvalidInput: it holds no report, no round, or one of a version that did not measure work.
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
    updates = mean(entry["included"] for entry in rounds)

    from_clients = sum(entry["size"] for entry in transactions if entry["label"] in CLIENT_KINDS) / count
    from_validators = sum(entry["size"] for entry in transactions if _is_validators(entry["label"])) / count
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
        validator_up=from_validators + (quorum_of(seats) * shards + 1) * model,
        validator_down=updates * seats * update + shards * model,
        vote_bytes=mean(votes) if votes else 0.0,
        vote_seconds=vote_seconds,
        missing=tuple(name for name in SERVICES if name not in cpu),
    )


def _is_validators(kind: str) -> bool:
    """Whether validators send such transactions in a round; rewards are credited after it."""
    return kind not in CLIENT_KINDS and not kind.startswith("reward")


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
