"""What a client sends until the model is good: lanes and hash keys beside float32 and signatures, or none.

Every way is the learning of the same job: the same first model, shares, steps and schedule. What differs is how an
update is written, and what says whose it is. All else that a client sends is counted alike for every way that is on a
chain: the calls that commit and reveal, encoded as a client sends them, their envelopes, the content object's header.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
from rich.table import Table

from experiments.figures import save, spread
from experiments.jobs import changed
from experiments.learning.federation import Federation, Published
from qfl.chain.contracts.base import encode_call
from qfl.crypto.hash_chain import LINK_BYTES
from qfl.crypto.lms import signature_bytes
from qfl.errors import InvalidInput
from qfl.protocol.compact import compress
from qfl.protocol.content import HEADER_BYTES
from qfl.protocol.lanes import packed_bytes
from qfl.protocol.recompute import model_content
from qfl.protocol.state import compute_delta, from_state, wrap_int32
from qfl.protocol.types import RoundNumber
from qfl.simulation.config import JobConfig
from qfl.simulation.prepare import prepare_job, with_exponents
from qfl.simulation.world import ENVELOPE_BYTES

NAME = "bytes.json"
KEYS, LMS, UNSIGNED = "keys", "LMS", "unsigned"
SIGNATURE_BYTES = {"ML-DSA-65": 3_309, "FN-DSA-512": 666}
"""FIPS 204, table 2; Falcon's specification 1.2, table 3.3, of which FIPS 206 is to be made."""
MODEL_LANE_BYTES = 4
FLOAT_BYTES = 4
WEIGHT_LIMITS = np.iinfo(np.int32)


@dataclass(frozen=True)
class Way:
    """How updates are written: what that changes in the job (see `changed`), and what they are `signed` with.

    Who sends them unsigned has no chain.
    """

    changes: Mapping[str, Any] = field(default_factory=dict)
    is_float: bool = False
    is_compact: bool = True
    signed: str = KEYS


BASELINE, BARE = "fp32, ML-DSA-65", "fp32, unsigned"
NARROW = {"lane_bits": 8}
NIBBLES = {"lane_bits": 4}
HALF, QUARTER = ({"training": {"sent_share": share}} for share in (0.5, 0.25))
WAYS: Mapping[str, Way] = {
    BARE: Way(is_float=True, signed=UNSIGNED),
    BASELINE: Way(is_float=True, signed="ML-DSA-65"),
    "fp32, FN-DSA-512": Way(is_float=True, signed="FN-DSA-512"),
    "int8, LMS": Way({"lane_bits": 8}, signed=LMS),
    "int16, plain": Way({"lane_bits": 16}, is_compact=False),
    "int16": Way({"lane_bits": 16}),
    "int8, plain": Way(NARROW, is_compact=False),
    "int8": Way(NARROW),
    "int8, largest half": Way({**NARROW, **HALF}),
    "int8, largest quarter": Way({**NARROW, **QUARTER}),
    "int4, plain": Way(NIBBLES, is_compact=False),
    "int4": Way(NIBBLES),
    "int4, largest half": Way({**NIBBLES, **HALF}),
    "int4, fitted": Way({**NIBBLES, "exponents": "auto"}),
}
"""Lanes are committed to by key unless it is said; `plain` ones are dense, the others compact where that is shorter.
Fitted: the exponents are chosen from data."""


@dataclass(frozen=True)
class Sent:
    """One run, until the model first reached the target.

    Attributes:
        rounds: how many that took; None where they all did not do.
        content: bytes of a client's content object by round, the mean of the clients.
        round_bytes: of a client in a round beside its content: calls with what signs them, envelopes.
        bare_bytes: the signature alone, or token and key.
        accuracy: in [0, 1], by round.
        down: bytes of the models that a client fetched.
    """

    way: str
    seed: int
    rounds: int | None
    content: Sequence[float]
    round_bytes: int
    bare_bytes: int
    accuracy: Sequence[float]
    down: int

    @property
    def total(self) -> float:
        """Everything that a client sent."""
        return sum(self.content) + len(self.content) * self.round_bytes

    @property
    def bare(self) -> float:
        """Updates and signatures by themselves, without calls and envelopes."""
        return sum(self.content) + len(self.content) * self.bare_bytes


def bench_bytes(
    config: JobConfig,
    ways: Sequence[str],
    seeds: Iterable[int],
    target: float,
    folder: Path,
    announce: Callable[[str], None],
) -> list[Sent]:
    """Run every way with every seed, at most `config.rounds` rounds; `<folder>/bytes.json` grows run by run.

    Raises:
        InvalidInput: a way that is not in `WAYS`, or a target that is no share.
        NotFinite: training diverged.
    """
    if not 0 < target <= 1:
        raise InvalidInput("target", target, "an accuracy is above 0, at most 1")
    for way in ways:
        if way not in WAYS:
            raise InvalidInput("way", way, f"choose one of {'; '.join(WAYS)}")
    runs: list[Sent] = []
    for seed in seeds:
        for way in ways:
            announce(f"{way}, seed {seed}")
            runs.append(send(config, way, seed, target))
            save(folder / NAME, as_document(config, target, runs))
    return runs


def send(config: JobConfig, name: str, seed: int, target: float) -> Sent:
    """One run. Raises `NotFinite` when training diverged."""
    from qfl.training.training import evaluate

    way = WAYS[name]
    config = changed(config, {**way.changes, "seed": seed})
    job, dataset, shares = prepare_job(config)
    config = with_exponents(config, job, shares[0])
    federation = (UnquantisedFederation if way.is_float else Federation)(config, job, shares)
    content: list[float] = []
    accuracy: list[float] = []
    while len(accuracy) < config.rounds and not (accuracy and accuracy[-1] >= target):
        published = federation.step()
        content.append(content_bytes(way, config.lane_bits, published))
        parameters = from_state(published.model.lanes, published.model.shape)
        accuracy.append(evaluate(job.architecture, *parameters, dataset.test).accuracy)
    rounds = len(accuracy) if accuracy[-1] >= target else None
    down = len(accuracy) * (HEADER_BYTES + MODEL_LANE_BYTES * job.architecture.shape.total)
    return Sent(name, seed, rounds, content, *signed_bytes(way.signed, config.key_height), accuracy, down)


class UnquantisedFederation(Federation):
    """A job's rounds as plain federated averaging has them: float32 differences and their mean, no lanes."""

    def step(self) -> Published:
        """Train, average and publish one round, which has no updates in lanes.

        Raises:
            NotFinite: training diverged.
        """
        self._round = RoundNumber(self._round + 1)
        base, trained = self.model, self._train_all()
        changes = [compute_delta(result.angles, result.weights, base.lanes, base.shape) for result in trained]
        mean = np.mean(np.array(changes, np.float32), axis=0, dtype=np.float64)
        moved = base.lanes.astype(np.int64) + np.rint(mean).astype(np.int64)
        moved[base.shape.quantum :] = moved[base.shape.quantum :].clip(WEIGHT_LIMITS.min, WEIGHT_LIMITS.max)
        self._publish(model_content(self._round, wrap_int32(moved), base.shape))
        return Published(self._round, self.model, [], [])


def content_bytes(way: Way, lane_bits: int, published: Published) -> float:
    """Size of a client's content object in a round, the mean of the clients."""
    total = published.model.shape.total
    if way.is_float:
        return FLOAT_BYTES * total + (HEADER_BYTES if way.signed != UNSIGNED else 0)
    plain = packed_bytes(total, lane_bits)
    compact = [len(compress(update.lanes)) if way.is_compact else plain for update in published.updates]
    return HEADER_BYTES + mean(min(plain, length) for length in compact)


def signed_bytes(signed: str, key_height: int) -> tuple[int, int]:
    """Bytes of a client's transactions in a round, and of what in them says that the update is its own."""
    if signed == UNSIGNED:
        return 0, 0
    if signed == KEYS:
        return message_bytes(None), 2 * LINK_BYTES
    signature = signature_bytes(key_height) if signed == LMS else SIGNATURE_BYTES[signed]
    return message_bytes(signature), signature


def message_bytes(signature: int | None) -> int:
    """Bytes of a client's two transactions in a round, with a signature of so many bytes; None: by key."""
    word = bytes(32)
    commit = encode_call("Shard", "commitByKey", [1, 1, word, word, bytes(LINK_BYTES)])
    if signature is not None:
        commit = encode_call("Shard", "commit", [1, 1, word, word, bytes(signature)])
    reveal = encode_call("Shard", "reveal", [1, 1, word, word, word])
    return len(commit) + len(reveal) + 2 * ENVELOPE_BYTES


def as_document(config: JobConfig, target: float, runs: Sequence[Sent]) -> dict[str, Any]:
    """The job, what each way came to, and every run."""
    found = {way: [run for run in runs if run.way == way] for way in dict.fromkeys(run.way for run in runs)}
    return {
        "config": asdict(config),
        "target": target,
        "summary": [
            summarise(way, of_way, found.get(BASELINE, []), found.get(BARE, [])) for way, of_way in found.items()
        ],
        "runs": [{**asdict(run), "total": run.total, "bare": run.bare} for run in runs],
    }


def summarise(way: str, runs: Sequence[Sent], baseline: Sequence[Sent], bare: Sequence[Sent]) -> dict[str, Any]:
    """Means of the seeds, least and most, and the share saved of the baseline where all runs reached the target.

    `fewer_a_round` is the saving where both sides need as many rounds, `fewer_than_bare` that of unsigned floats.
    """
    totals, a_round = [run.total for run in runs], mean(run.total / len(run.content) for run in runs)
    line = {
        "way": way,
        "seeds": [run.seed for run in runs],
        "rounds": [run.rounds for run in runs],
        "content_a_round": mean(mean(run.content) for run in runs),
        "bytes_a_round": a_round,
        "bytes": spread(totals, mean),
        "down": mean(run.down for run in runs),
    }
    if baseline and all(run.rounds for run in (*runs, *baseline)):
        line["fewer"] = 1 - mean(totals) / mean(run.total for run in baseline)
        line["fewer_a_round"] = 1 - a_round / mean(run.total / len(run.content) for run in baseline)
        line["fewer_bare"] = 1 - mean(run.bare for run in runs) / mean(run.bare for run in baseline)
    if bare and all(run.rounds for run in (*runs, *bare)):
        line["fewer_than_bare"] = 1 - mean(totals) / mean(run.total for run in bare)
    return line


def bytes_table(document: Mapping[str, Any]) -> Table:
    """A line for each way."""
    config = document["config"]
    savings = {"fewer": "fewer, %", "fewer_a_round": "a round, %", "fewer_bare": "bare, %"}
    savings["fewer_than_bare"] = "than unsigned, %"
    table = Table("updates", "rounds", "content", "a round", "in all", "least to most", *savings.values())
    table.title = (
        f"Bytes a client sends until {document['target']:.0%} on {config['dataset']}, {config['partition']}, "
        f"{config['clients']} clients, LMS keys of height {config['key_height']}"
    )
    table.caption = (
        "fewer than fp32 with ML-DSA-65: in all, in a round, and updates with signatures but without calls; "
        "than fp32 without signature and chain: in all"
    )
    for line in document["summary"]:
        rounds = ", ".join("-" if count is None else str(count) for count in line["rounds"])
        sizes = [f"{line[name]:,.0f}" for name in ("content_a_round", "bytes_a_round")]
        total = {name: f"{value:,.0f}" for name, value in line["bytes"].items()}
        saved = [f"{line[name]:.1%}".rstrip("%") if name in line else "" for name in savings]
        table.add_row(line["way"], rounds, *sizes, total["mean"], f"{total['least']} to {total['most']}", *saved)
    return table
