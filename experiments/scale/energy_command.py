"""`qfl bench energy`: the joules of a round, beside a flat vote and proof of work."""

from __future__ import annotations

from pathlib import Path

import click

from experiments.console import make_console
from experiments.figures import save
from qfl.apps.cli import numbers, options


@click.command()
@click.option("--run", "run", type=options.PATH, help="Take a run that is there, instead of a new one.")
@click.option("--clients", type=numbers.PARTICIPANTS, default=32, help="Clients of the new run.")
@click.option("--validators", type=numbers.PARTICIPANTS, default=16, help="Its validators.")
@click.option("--shards", type=click.IntRange(1, 64), default=4, help="Its shards.")
@click.option("--shard-chains", is_flag=True, help="A chain of its own for each shard.")
@click.option("--rounds", type=numbers.ROUNDS, default=3, help="Its rounds.")
@click.option("--device", default="phone", help="What clients compute on: phone, edge or server.")
@click.option("--radio", default="5g", help="What they transfer with: 5g or lte.")
@click.option("--out", type=options.PATH, default=Path("runs/bench-energy"), help="Folder of the new run.")
@options.overwrite
@options.as_json
def energy(
    run: Path | None,
    clients: int,
    validators: int,
    shards: int,
    shard_chains: bool,
    rounds: int,
    device: str,
    radio: str,
    out: Path,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Joules by role and round, with the source of every constant; also written to energy.json in the run's folder."""
    from experiments.scale.energy_tables import assumptions, energy_document, energy_table, source_lines
    from qfl.apps.report.energy import compute_accounts, read_workload
    from qfl.simulation.config import JobConfig
    from qfl.simulation.display import Display
    from qfl.simulation.run import Place, run_job

    console = make_console(as_json)
    folder = run or out
    if run is None:
        job = JobConfig(
            clients,
            validators,
            rounds,
            shard_chains=shard_chains,
            central_epochs=0,
            protocol={"shards": shards},
        )
        with Display(console, rounds) as display:
            run_job(job, Place(out, overwrite=overwrite), display)
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
