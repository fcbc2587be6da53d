"""`qfl bench`: measured comparisons. Here are their options and what they print; what measures has files of its own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from experiments.console import make_console, print_result
from experiments.figures import save
from qfl.apps.cli import options
from qfl.apps.cli.job import job
from qfl.errors import InvalidInput
from qfl.simulation.config import JobConfig

if TYPE_CHECKING:
    from qfl.simulation.display import Display

BENCH = Path("runs/bench")
MANY = click.IntRange(1, 10_000)
FEW_ROUNDS = 5
"""Height of keys that last for the few rounds measured: one takes a twentieth of a second to make."""
LONG_RUN = JobConfig(
    clients=20,
    validators=8,
    rounds=50,
    central_epochs=0,
    training={"steps": 1},
    protocol={"shards": 2},
)
"""Many rounds of little work: what is measured is what they leave."""
CHAOS = Path(__file__).parent / "consensus" / "chaos.toml"


def out(default: Path, text: str) -> options.Option:
    """Where a bench writes."""
    return click.option("--out", type=options.PATH, default=default, help=text)


def successive_seeds(default: int, text: str = "How many, from --seed on.") -> options.Option:
    """How many runs of each there are."""
    return click.option("--seeds", type=MANY, default=default, help=text)


overwrite = click.option("--overwrite", is_flag=True, help="Delete the runs in --out first.")


@click.group()
def bench() -> None:
    """Run a job in different ways, and compare."""


@bench.command()
@click.option("--clients", type=click.IntRange(1, 256), default=32, help="Updates of a round.")
@click.option("--validators", type=click.IntRange(16, 256), default=16, help="Number of validators.")
@click.option("--repetitions", type=click.IntRange(1, 5), default=3, help="Rounds of each variant.")
@click.option("--seed", type=options.SEED, default=1, help="Decides data and training.")
@out(BENCH, "Folder for consensus.json.")
@options.as_json
def consensus(clients: int, validators: int, repetitions: int, seed: int, out: Path, as_json: bool) -> None:
    """How a round is decided: flat, by a committee, by 4 shards on one chain and on 4."""
    from experiments.consensus.consensus import NAME, bench_consensus, consensus_table

    config = JobConfig(clients=clients, validators=validators, rounds=1, seed=seed, key_height=FEW_ROUNDS)
    with make_console(as_json).status("") as status:
        results = bench_consensus(config, out, repetitions, status.update)
    note = f"medians, less than flat in brackets; with their spread in {out / NAME}"
    print_result(results, as_json, consensus_table, note=note)


@bench.command()
@click.option("--updates", type=click.IntRange(1, 128), default=32, help="Of a shard in a round.")
@click.option("--repeats", type=MANY, default=40, help="Rounds in a measurement.")
@click.option("--repetitions", type=MANY, default=3, help="Measurements of each.")
@out(BENCH, "Folder for scale.json.")
@options.as_json
def scale(updates: int, repeats: int, repetitions: int, out: Path, as_json: bool) -> None:
    """1, 2, 4 and 8 shards, each on a chain of its own: updates a second, gas, processor seconds."""
    from experiments.consensus.scale import NAME, bench_scale, scale_table

    with make_console(as_json).status("") as status:
        results = bench_scale(out, updates, repeats, repetitions, status.update)
    print_result(results, as_json, scale_table, note=f"medians; these figures are in {out / NAME}")


@bench.command()
@click.option("--repetitions", type=MANY, default=15, help="Turns of each, of five steps.")
@click.option("--peer", "peers", multiple=True, help="NAME=PYTHON: pennylane or tensorcircuit, where it is installed.")
@out(BENCH, "Folder for engine.json.")
@options.as_json
def engine(repetitions: int, peers: tuple[str, ...], out: Path, as_json: bool) -> None:
    """The fused engine beside stock TorchQuantum and peers: a step, forward and backward, in one thread."""
    from experiments.learning.engine import CASES, NAME, PEERS, bench_engine, engine_table

    pythons = dict(peer.partition("=")[::2] for peer in peers)
    for name, python in pythons.items():
        if name not in PEERS or not python:
            raise InvalidInput("peer", f"{name}={python}", f"give NAME=PYTHON, a name of {', '.join(PEERS)}")
    with make_console(as_json).status("") as status:
        results = bench_engine(out, repetitions, pythons, CASES, status.update)
    note = f"medians, how many times the fused engine's in brackets; {out / NAME}"
    print_result(results, as_json, engine_table, note=note)


@bench.command()
@job(
    "dataset data_folder partition clients rounds seed",
    seed="The first one; decides data, training and rounding.  [default: {0.seed}]",
)
@successive_seeds(3)
@click.option("--model", "models", multiple=True, help="quantum, hybrid or classical; repeat.  [default: hybrid]")
@click.option(
    "--recipe",
    "recipes",
    multiple=True,
    help="job (the job's own), scaffold, fedavg, fedprox, fedavg-adam or centralised; repeat.  [default: all]",
)
@out(BENCH, "Folder for learning.json.")
@options.as_json
def learning(
    config: JobConfig, *, seeds: int, models: tuple[str, ...], recipes: tuple[str, ...], out: Path, as_json: bool
) -> None:
    """The job's recipe, SCAFFOLD, FedAvg, FedProx, and all data in one place: accuracy by seed."""
    from experiments.learning.learning import NAME, RECIPES, as_document, bench_learning, learning_table

    ways = models or ("hybrid",), recipes or tuple(RECIPES), range(config.seed, config.seed + seeds)
    with make_console(as_json).status("") as status:
        document = as_document(config, bench_learning(config, *ways, out, status.update))
    print_result(document, as_json, learning_table, note=f"means of the seeds; every run is in {out / NAME}")


@bench.command("bytes")
@job(
    "dataset data_folder partition clients rounds key_height seed",
    rounds="Most rounds; the schedule of the learning rate is over them.  [default: {0.rounds}]",
    seed="The first one; decides data, training and rounding.  [default: {0.seed}]",
)
@click.option("--target", type=options.SHARE, default=0.9, help="Accuracy to reach.")
@successive_seeds(5)
@click.option("--way", "ways", multiple=True, help="One of the table's; repeat.  [default: all]")
@out(BENCH, "Folder for bytes.json.")
@options.as_json
def bytes_sent(
    config: JobConfig, *, target: float, seeds: int, ways: tuple[str, ...], out: Path, as_json: bool
) -> None:
    """Lanes and hash keys beside float32, unsigned or with ML-DSA-65: bytes until the model reaches --target."""
    from experiments.learning.bytes import NAME, WAYS, as_document, bench_bytes, bytes_table

    sides = ways or tuple(WAYS), range(config.seed, config.seed + seeds)
    with make_console(as_json).status("") as status:
        document = as_document(config, target, bench_bytes(config, *sides, target, out, status.update))
    print_result(document, as_json, bytes_table, note=f"means of the seeds; every run is in {out / NAME}")


@bench.command()
@click.option("--clients", type=click.IntRange(2, 256), default=10, help="Number of clients.")
@click.option("--rounds", type=options.ROUNDS, default=10, help="Rounds of each run.")
@click.option("--partition", "partitions", multiple=True, default=("dirichlet:0.5", "iid"))
@click.option(
    "--percent",
    "percents",
    type=click.IntRange(1, 50),
    multiple=True,
    default=(10, 20, 30, 40),
    help="Share of attackers.",
)
@click.option("--poison", "poisons", multiple=True, help="An attack, by its name in docs/results/robustness.md; all.")
@successive_seeds(3, "Runs of each, with successive seeds.")
@click.option("--seed", type=options.SEED, default=1, help="The first seed.")
@click.option(
    "--validation-percent",
    type=click.IntRange(1, 50),
    default=20,
    help="Share of the training data that the four validators hold.",
)
@click.option("--brief", is_flag=True, help="Averaging and the judgement only.")
@click.option("--peer", help="flower=PYTHON, an environment with flwr: adds its Multi-Krum, compares its other rules.")
@out(BENCH, "Folder for attack.json.")
@options.as_json
def attack(
    *,
    partitions: tuple[str, ...],
    percents: tuple[int, ...],
    poisons: tuple[str, ...],
    seeds: int,
    brief: bool,
    peer: str | None,
    out: Path,
    as_json: bool,
    **of_the_job: Any,
) -> None:
    """Poisoning clients behind averaging, trimmed mean, median and a committee that judges, on the digits.

    All of it takes hours on one processor; name a --percent and a --partition for a part.
    """
    from experiments.poisoning.flower import Flower
    from experiments.poisoning.poisons import POISONS
    from experiments.poisoning.sweep import NAME, attack_tables, bench_attack

    config = JobConfig(**of_the_job)
    name, _, python = (peer or "").partition("=")
    if peer is not None and (name != "flower" or not python):
        raise InvalidInput("peer", peer, "give flower=PYTHON")
    console = make_console(as_json)
    with console.status("") as status, Flower(python) if peer else nullcontext() as flower:
        chosen = poisons or tuple(POISONS)
        results = bench_attack(config, out, partitions, percents, chosen, seeds, status.update, flower, brief)
    if as_json:
        options.print_json(results)
        return
    for table in attack_tables(results):
        console.print(table)
    if flower is not None:
        apart = results["flower"]
        console.print(
            f"Flower's trimmed mean and median of a round's updates: {apart['trimmed']:.4f} and "
            f"{apart['median']:.4f} lanes from ours at most (ours are rounded to 1/256)"
        )
    console.print(f"means and standard deviations over seeds; more is in {out / NAME}", highlight=False)


@bench.command()
@job("clients validators rounds seed")
@out(Path("runs/bench-modes"), "Folder of both runs.")
@overwrite
@options.zk_keys
@options.as_json
def modes(config: JobConfig, out: Path, *, overwrite: bool, zk_keys: Path | None, as_json: bool) -> None:
    """The transparent and the private mode side by side: accuracy, seconds, bytes, gas."""
    from experiments.consensus.two_runs import bench_modes, modes_table

    results = bench_modes(config, out, zk_keys, _displays("{} mode", config, as_json), overwrite)
    print_result(results, as_json, modes_table, note=_both_in(out))


@bench.command()
@job(
    "rounds seed",
    base=CHAOS,
    config_path="TOML file with [dynamics].",
    rounds="Number of rounds; the file's unless given.",
    seed="Decides data, training and what befalls whom; the file's unless given.",
)
@out(Path("runs/bench-chaos"), "Folder of both runs.")
@overwrite
@options.as_json
def chaos(config: JobConfig, out: Path, *, overwrite: bool, as_json: bool) -> None:
    """A calm run beside one with churn, stragglers, silence and outages: accuracy, rounds, stakes."""
    from experiments.consensus.two_runs import bench_chaos, chaos_table

    results = bench_chaos(config, out, _displays("{} run", config, as_json), overwrite)
    print_result(results, as_json, chaos_table, note=_both_in(out))


@bench.command()
@job("clients rounds seed", base=LONG_RUN)
@click.option("--keep-rounds", type=options.ROUNDS, default=3, help="Final rounds whose content the one run keeps.")
@out(Path("runs/bench-storage"), "Folder of both runs.")
@overwrite
@options.as_json
def storage(config: JobConfig, keep_rounds: int, *, out: Path, overwrite: bool, as_json: bool) -> None:
    """Disk of every node, round by round, keeping everything and keeping a window of final rounds."""
    from experiments.consensus.storage import as_document, bench_storage, storage_table

    found = bench_storage(config, keep_rounds, out, make_console(as_json), overwrite)
    print_result(as_document(found), as_json, lambda _: storage_table(found), note=_both_in(out))


@bench.command("draw")
@click.option("--rounds", type=MANY, default=10_000, help="Rounds of each case.")
@click.option("--seed", type=options.SEED, default=1, help="Decides the links.")
@out(BENCH, "Folder for draw.json.")
@options.as_json
def draw_bench(rounds: int, seed: int, out: Path, as_json: bool) -> None:
    """How often attackers hold a committee that withhold links and move stakes, by the draw's own code."""
    from experiments.consensus.draw import NAME, as_document, bench_draw, draw_table

    with make_console(as_json).status("") as status:
        found = bench_draw(out, rounds, seed, status.update)
    print_result(as_document(found), as_json, lambda _: draw_table(found), note=f"these figures are in {out / NAME}")


@bench.command("explorer")
@click.option("--rounds", type=options.ROUNDS, default=500, help="Rounds of the history.")
@click.option("--transactions", type=options.COUNT, default=20_000, help="All of them together.")
@out(Path("runs/bench-explorer"), "Folder of the chain.")
@click.option("--overwrite", is_flag=True, help="Delete the chain in --out first.")
@options.as_json
def explorer_bench(rounds: int, transactions: int, out: Path, overwrite: bool, as_json: bool) -> None:
    """The explorer over a long history: its first page, the time to read everything, its memory."""
    from experiments.consensus.explorer import bench_explorer, explorer_table

    with make_console(as_json).status("") as status:
        figures = bench_explorer(out, rounds, transactions, status.update, overwrite)
    print_result(figures, as_json, explorer_table, note=f"these figures are in {out}")


@bench.command()
@click.option("--run", "run", type=options.PATH, help="Take a run that is there, instead of a new one.")
@click.option("--clients", type=options.PARTICIPANTS, default=32, help="Clients of the new run.")
@click.option("--validators", type=options.PARTICIPANTS, default=16, help="Its validators.")
@click.option("--shards", type=click.IntRange(1, 64), default=4, help="Its shards.")
@click.option("--shard-chains", is_flag=True, help="A chain of its own for each shard.")
@click.option("--rounds", type=options.ROUNDS, default=3, help="Its rounds.")
@click.option("--device", default="phone", help="What clients compute on: phone, edge or server.")
@click.option("--radio", default="5g", help="What they transfer with: 5g or lte.")
@out(Path("runs/bench-energy"), "Folder of the new run.")
@options.overwrite
@options.as_json
def energy(
    *,
    run: Path | None,
    shards: int,
    device: str,
    radio: str,
    out: Path,
    overwrite: bool,
    as_json: bool,
    **of_the_job: Any,
) -> None:
    """Joules by role and round, with the source of every constant; also written to energy.json in the run's folder."""
    from experiments.scale.energy import assumptions, energy_document, energy_table, source_lines
    from qfl.apps.report.energy import compute_accounts, constant, read_workload
    from qfl.simulation.display import Display
    from qfl.simulation.run import Place, run_job

    for path in (("device", device), ("radio", radio, "up")):
        constant(*path)  # what it has no figures for it refuses now, and not after minutes
    console, folder = make_console(as_json), run or out
    if run is None:
        config = JobConfig(**of_the_job, central_epochs=0, protocol={"shards": shards})
        with Display(console, config.rounds) as display:
            run_job(config, Place(out, overwrite=overwrite), display)
    work = read_workload(folder)
    accounts = compute_accounts(work, device, radio)
    document = energy_document(work, accounts, device, radio)
    save(folder / "energy.json", document)
    if as_json:
        options.print_json(document)
        return
    console.print(energy_table(accounts))
    for line in (*assumptions(work), "", *source_lines(device, radio)):
        console.print(line, highlight=False, soft_wrap=True)


def _displays(title: str, config: JobConfig, as_json: bool) -> Callable[[str], Display]:
    """What makes the display of a run by the run's name."""
    from qfl.simulation.display import Display

    console = make_console(as_json)

    def make(name: str) -> Display:
        console.print(title.format(name), highlight=False)
        return Display(console, config.rounds)

    return make


def _both_in(out: Path) -> str:
    return f"both runs, and these figures as JSON, are in {out}"
