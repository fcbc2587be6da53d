"""The case study from its measurements, each by the code of its own bench, to its files.

Parts that were measured before are kept.
"""

import json
import logging
import multiprocessing
import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console

from experiments.attacks.registry import find_attacks
from experiments.attacks.suite import Suite
from experiments.casestudy.claims import OURS, compute_claims
from experiments.casestudy.methods import ATTACKERS_PERCENT, CALM, METHODS, Size
from experiments.casestudy.pages import make_page, to_markdown
from experiments.consensus.consensus import bench_consensus
from experiments.figures import save
from experiments.jobs import changed
from experiments.learning.bytes import BASELINE, as_document, bench_bytes
from experiments.poisoning.poisons import find_poison
from experiments.poisoning.trial import DEFENCES, NOBODY, Field
from experiments.scale.energy import energy_document
from qfl.apps.report.energy import compute_accounts, read_workload
from qfl.apps.report.figures import write_pictures
from qfl.apps.report.page import render_page
from qfl.errors import InvalidInput
from qfl.files import read_json, write_atomically
from qfl.simulation.config import JobConfig
from qfl.simulation.display import Display
from qfl.simulation.run import Place, run_job

NAME = "casestudy.json"
Announce = Callable[[str], None]
Part = Callable[[Size, Path, Announce], Any]

KEY_HEIGHT = 5
DEVICE, RADIO = "phone", "5g"
SHARDS = 4


def measure_learning(size: Size, out: Path, announce: Announce) -> list[dict[str, Any]]:
    """Every method with every seed, calm and under each poison: a run each, without a chain.

    Methods and seeds are dealt out over the processors, one thread each.

    Raises:
        InvalidInput: no such poison.
        NotFinite: training diverged.
    """
    for name in size.poisons:
        find_poison(name)
    tasks = [(method, seed) for seed in size.seeds for method in METHODS]
    workers = min(os.cpu_count() or 1, len(tasks))
    spawning = multiprocessing.get_context("spawn")  # a fork of a process with torch's threads may hang
    found: list[dict[str, Any]] = []
    with ProcessPoolExecutor(workers, spawning, initializer=_be_quiet) as pool:
        futures = {pool.submit(learn, method, seed, size): (method, seed) for method, seed in tasks}
        try:
            for future in as_completed(futures):
                found += future.result()
                method, seed = futures[future]
                announce(f"learning: {METHODS[method].title}, seed {seed} is done")
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    order = list(METHODS)
    return sorted(found, key=lambda run: (run["seed"], order.index(run["method"])))


def learn(name: str, seed: int, size: Size) -> list[dict[str, Any]]:
    """One method's runs with one seed: calm, then each poison."""
    method = METHODS[name]
    field = Field.prepare(changed(size.job(seed), method.changes))
    (defence,) = (defence for defence in DEFENCES if defence.name == method.defence)
    return [
        {
            "method": name,
            "seed": seed,
            "case": case,
            **asdict(
                field.run(NOBODY, [], defence)
                if case == CALM
                else field.run(find_poison(case), field.attackers(ATTACKERS_PERCENT), defence)
            ),
        }
        for case in (CALM, *size.poisons)
    ]


def measure_bytes(size: Size, out: Path, announce: Announce) -> dict[str, Any]:
    """What a client sends until the model is good: our updates beside float32 with a signature of the same kind."""
    config = JobConfig(rounds=max(size.rounds, 2))
    runs = bench_bytes(config, (BASELINE, OURS), size.seeds, size.target, out, lambda said: announce(f"bytes: {said}"))
    return as_document(config, size.target, runs)


def measure_consensus(size: Size, out: Path, announce: Announce) -> dict[str, Any]:
    """One round's decision: flat, by committee, by shards."""
    config = JobConfig(size.deciding_clients, size.validators, rounds=1, key_height=KEY_HEIGHT)
    return bench_consensus(config, out, size.repetitions, lambda said: announce(f"consensus: {said}"))


def measure_energy(size: Size, out: Path, announce: Announce) -> dict[str, Any]:
    """Joules of a round of a job on chain, with as many shards as the seats allow, beside a flat vote."""
    config = JobConfig(
        *(size.deciding_clients, size.validators, size.energy_rounds),
        central_epochs=0,
        key_height=KEY_HEIGHT,
        protocol={"shards": SHARDS},
    )
    announce("energy: running a job on chain")
    with TemporaryDirectory(prefix="qfl-energy-") as folder:
        with Display(Console(quiet=True), config.rounds) as display:
            report = run_job(config, Place(Path(folder)), display)
        work = read_workload(Path(folder))
    document = energy_document(work, compute_accounts(work, DEVICE, RADIO), DEVICE, RADIO)
    del document["constants"]  # they are in the program, with their sources
    return document | {"seconds": [entry["seconds"] for entry in report["rounds"]]}


def measure_attacks(size: Size, out: Path, announce: Announce) -> list[dict[str, Any]]:
    """Attacks on the protocol itself, each on a chain, beside the same run without it."""
    rows = []
    with TemporaryDirectory(prefix="qfl-attacks-") as folder, Suite(Path(folder)) as suite:
        for attack in find_attacks(size.attacks, False):
            announce(f"attacks: {attack.name}")
            rows.append(asdict(suite.run(attack)))
    return rows


def _be_quiet() -> None:
    """In a process of its own: poisoned updates do not fit their lanes, which is no news here."""
    logging.basicConfig(level=logging.ERROR)


PARTS: Mapping[str, Part] = {
    "learning": measure_learning,
    "bytes": measure_bytes,
    "consensus": measure_consensus,
    "energy": measure_energy,
    "attacks": measure_attacks,
}
"""By name, in the order they are measured."""


def run_study(size: Size, out: Path, parts: Sequence[str], announce: Announce) -> dict[str, Any]:
    """Measure `parts` (all if none are named) and write `casestudy.json`, `.md`, `.html` and figures into `out`.

    The document grows part by part. Parts that `out` holds of the same size stay; those of another one are dropped.

    Raises:
        InvalidInput: no such part.
        QflError: a measurement failed; what was measured before it is in `out`.
    """
    for part in parts:
        if part not in PARTS:
            raise InvalidInput("part", part, f"choose one of {', '.join(PARTS)}")
    document = _begun(size, out)
    for part in parts or PARTS:
        started = time.perf_counter()
        document[part] = PARTS[part](size, out / "benches", announce)
        document["seconds"][part] = round(time.perf_counter() - started, 1)
        write_study(document, out)
    return document


def write_study(document: dict[str, Any], out: Path) -> None:
    """Write what the document has: the figures as JSON, tables as Markdown and HTML, pictures as PNG."""
    claims = compute_claims(document)
    page = make_page(document, claims)
    shown = [asdict(claim) | {"verdict": claim.verdict} for claim in claims]
    save(out / NAME, document | {"claims": shown})
    write_atomically(out / "casestudy.md", to_markdown(page).encode())
    write_atomically(out / "casestudy.html", render_page(page).encode())
    write_pictures(out, page.pictures)


def _begun(size: Size, out: Path) -> dict[str, Any]:
    """What `out` holds of a study of this size; an empty one otherwise."""
    plain = json.loads(json.dumps(asdict(size)))
    try:
        found = read_json(out / NAME)
    except (OSError, ValueError):
        found = {}
    if not isinstance(found, dict) or found.get("size") != plain or not isinstance(found.get("seconds"), dict):
        return {"size": plain, "seconds": {}}
    return found
