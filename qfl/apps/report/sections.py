"""The sections of one run's page."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean, median

from qfl.apps.report.circuit import draw_circuit
from qfl.apps.report.energy import Range
from qfl.apps.report.figures import (
    accuracy_figure,
    draw_bars,
    draw_matrix,
    draw_stack,
    gas_figure,
    seconds_figure,
    stages_of,
)
from qfl.apps.report.finished import FinishedRun, confusion, energy_of, job_toml, repeat_command
from qfl.apps.report.page import Page, Section, Table
from qfl.errors import QflError
from qfl.simulation.display import bytes_rows, gas_rows, protocol_seconds

OUTSIDE = ("train", "prove", "evaluate")  # stages that are not the protocol's


def run_page(run: FinishedRun, data_folder: Path | None = None) -> Page:
    job, report = run.job, run.report
    intro = (
        f"{job.clients} clients, {job.validators} validators and {len(report['rounds'])} rounds on {job.dataset}, "
        f"{job.mode} mode: {report['final']['accuracy']:.1%} test accuracy at the end."
    )
    after = (_time, _gas, _bytes, _agreement, _energy, _faults, _circuit, _repeat)
    short = Table("The run in short", ("figure", "value"), summary_rows(run), is_text=True)
    sections = [
        Section("In short", tables=[short]),
        _accuracy(run),
        _confusion(run, data_folder),
        *(tell(run) for tell in after),
    ]
    return Page(f"Run {run.name}", intro, sections, unfinished(run))


def unfinished(run: FinishedRun) -> list[str]:
    """A warning for a run that was stopped."""
    if run.report.get("complete"):
        return []
    done, whole = len(run.report["rounds"]), run.job.rounds
    return [f"{run.name} is unfinished: {done} of {whole} rounds. `qfl run --out {run.folder} --resume` goes on."]


def summary_rows(run: FinishedRun) -> list[tuple[str, str]]:
    """What one would ask first."""
    report, final = run.report, run.report["final"]
    gas = sum(map(sum, report["gas"].values()))
    rounds = report["rounds"]
    protocol = mean(protocol_seconds(entry["seconds"], OUTSIDE) for entry in rounds)
    privacy = report.get("privacy")
    rows = [
        ("final test accuracy", f"{final['accuracy']:.1%}"),
        ("best round", f"{max(entry['accuracy'] for entry in rounds):.1%}"),
        ("rounds", f"{len(rounds)} of {run.job.rounds}"),
        ("parameters", f"{run.architecture.shape.quantum} angles, {run.architecture.shape.classical} weights"),
        ("transactions", f"{report['transactions']:,}"),
        ("gas, everything", f"{gas:,}"),
        ("most bytes a client sent in a round", f"{report['bytes']['client_up_per_round']:,}"),
        ("seconds a round, training", f"{mean(entry['seconds'].get('train', 0.0) for entry in rounds):.2f}"),
        ("seconds a round, protocol", f"{protocol:.2f}"),
        ("faults proven", str(len(report["disputes"]))),
        ("model", f"{final['cid']} ({final['state']})"),
    ]
    if privacy is not None:
        rows.append(("differential privacy", f"epsilon {privacy['epsilon']:.2f}, delta {privacy['delta']:g}"))
    return rows


def _accuracy(run: FinishedRun) -> Section:
    rows = [
        (str(entry["round"]), f"{entry['accuracy']:.2%}", f"{entry['loss']:.4f}", str(entry["included"]))
        for entry in run.report["rounds"]
    ]
    texts = []
    if run.report["central"]:
        central = run.report["central"]["accuracy"]
        texts.append(
            f"Central: the same model and recipe with all data in one place, {len(central)} epochs spread over the "
            f"rounds; it ends at {central[-1]:.1%}."
        )
    table = Table("Test accuracy and loss by round", ("round", "accuracy", "loss", "updates included"), rows)
    return Section("Accuracy", texts, [accuracy_figure({"federated, on chain": run.report})], [table])


def _confusion(run: FinishedRun, data_folder: Path | None) -> Section:
    try:
        matrix = confusion(run, data_folder)
    except QflError as error:
        return Section("Confusion", [f"Not shown: {error}"])
    labels = [str(label) for label in run.job.classes or range(len(matrix))]
    recall = [row[i] / max(1, sum(row)) for i, row in enumerate(matrix)]
    worst = min(range(len(matrix)), key=lambda label: recall[label])
    text = f"Class {labels[worst]} is recognised least: {recall[worst]:.1%} of its {sum(matrix[worst])} test samples."
    picture = draw_matrix("confusion", f"Confusion matrix. {text}", ("taken for", "class"), matrix)
    rows = [(label, *map(str, row), f"{found:.1%}") for label, row, found in zip(labels, matrix, recall, strict=True)]
    table = Table("Test samples by class (rows) and what the model takes them for", ("class", *labels, "right"), rows)
    return Section("Confusion", [text], [picture], [table])


def _time(run: FinishedRun) -> Section:
    rounds = run.report["rounds"]
    spent = {stage: [entry["seconds"].get(stage, 0.0) for entry in rounds] for stage in stages_of(run.report)}
    rows = [
        (stage, *(f"{value:.3f}" for value in (mean(values), median(values), max(values))))
        for stage, values in spent.items()
    ]
    table = Table("Seconds by stage, over the rounds", ("stage", "mean", "median", "most"), rows)
    text = "Wall-clock time with every role in one process; a deployment's roles work at the same time."
    return Section("Time by stage", [text], [seconds_figure(run.report)], [table])


def _gas(run: FinishedRun) -> Section:
    headings = ("function", "count", "lowest", "median", "highest")
    table = Table("Gas by function, from receipts", headings, gas_rows(run.report))
    text = "The figure leaves deployments out, the table has them."
    return Section("Gas", [text], [gas_figure(run.report)], [table])


def _bytes(run: FinishedRun) -> Section:
    counts = run.report["bytes"]
    if not counts["client_up"]:
        return Section("Bytes", ["No client sent anything."])
    most = counts["client_up_per_round"]
    picture = draw_bars(
        "bytes",
        f"Mean bytes each client sent and received in a round; the most that any sent is {most:,}.",
        "bytes a round",
        [f"client {client}" for client in counts["client_up"]],
        {
            "sent": [mean(values) for values in counts["client_up"].values()],
            "received": [mean(values) for values in counts["client_down"].values()],
        },
    )
    text = "Whole signed transactions, and content on IPFS, by client and round it took part in."
    table = Table(
        "Bytes a round by client", ("client", "sent, mean", "sent, most", "received, mean"), bytes_rows(run.report)
    )
    return Section("Bytes", [text], [picture], [table])


def _agreement(run: FinishedRun) -> Section:
    entries = [(entry["round"], found) for entry in run.report["rounds"] for found in entry.get("agreement", [])]
    if not entries:
        return Section("Committee agreement", ["Not recorded by the version that ran."])
    rows = [
        (
            f"{number}, shard {found['shard']}",
            f"{found['signed']} of {found['seats']}",
            "not seen" if found["agreed"] is None else f"{found['agreed']} of {found['seats']}",
            "not seen" if found["others"] is None else str(found["others"]),
            str(found["turn"]),
        )
        for number, found in entries
    ]
    alike = sum(found["others"] == 0 and found["turn"] == 0 for _, found in entries)
    signed = {"signatures on chain": [float(found["signed"]) for _, found in entries]}
    picture = draw_stack(
        "agreement",
        f"Seats whose signatures came with each checkpoint; {alike} of {len(entries)} were agreed in the first turn.",
        ("round", "seats"),
        [str(number) for number, _ in entries],
        signed,
    )
    text = (
        f"{alike} of {len(entries)} checkpoints were agreed in the first turn, with no other result announced. "
        "Two thirds of the seats have to sign, and no more signatures than that are brought to the chain."
    )
    headings = ("round", "signatures on chain", "agreed", "other results", "turn")
    return Section("Committee agreement", [text], [picture], [Table("Committees by round", headings, rows)])


def _energy(run: FinishedRun) -> Section:
    accounts = energy_of(run)
    if isinstance(accounts, str):
        return Section("Energy", [f"Not shown: {accounts}"])
    parts = list(dict.fromkeys(part for account in accounts for part in account.parts))
    rows = [(part, *(range_text(account.parts.get(part)) for account in accounts)) for part in parts]
    rows.append(("together", *(range_text(account.total) for account in accounts)))
    own = accounts[0].parts
    picture = draw_bars(
        "energy",
        f"Joules of a round by part, middle of the range; together {range_text(accounts[0].total)} J.",
        "joules a round",
        list(own),
        {"as it ran": [(joules.low + joules.high) / 2 for joules in own.values()]},
        {"as it ran": [(joules.high - joules.low) / 2 for joules in own.values()]},
    )
    text = (
        "Measured processor seconds and counted bytes, times constants from the literature (`qfl bench energy` lists "
        "them with their sources); clients are phones on 5G. The other columns say what other ways of agreeing take."
    )
    headings = ("joules a round, low to high", *(account.name for account in accounts))
    return Section("Energy", [text], [picture], [Table("Energy of the mean round", headings, rows)])


def range_text(joules: Range | None) -> str:
    if joules is None:
        return ""
    return f"{joules.low:,.3g}" if joules.low == joules.high else f"{joules.low:,.3g} to {joules.high:,.3g}"


def _faults(run: FinishedRun) -> Section:
    report = run.report
    proven = [
        (
            str(entry["evidence"]),
            ", ".join(map(str, entry["guilty"])),
            f"{entry['taken_wei'] / 1e18:g}",
            f"{entry['bounty_wei'] / 1e18:g}",
            f"{entry['gas']:,}",
        )
        for entry in report["disputes"]
    ]
    lost = [(str(entry["round"]), entry["reason"]) for entry in report["failed_rounds"]]
    missed = [
        (f"{entry['round']}, shard {found['shard']}", found["reason"])
        for entry in report["rounds"]
        for found in entry.get("missed", [])
    ]
    of_proofs = ("what was proven", "guilty validators", "ETH slashed", "ETH earned", "gas")
    tables = [
        Table("Faults proven", of_proofs, proven, is_text=True),
        Table("Rounds that came to nothing", ("round", "why"), lost, is_text=True),
        Table("Shards without a part in a round", ("round", "why"), missed, is_text=True),
    ]
    tables = [table for table in tables if table.rows]
    return Section("Faults and disputes", [] if tables else ["None: every round stood at once."], tables=tables)


def _circuit(run: FinishedRun) -> Section:
    """The first layer of the model's circuit, drawn."""
    from qfl.quantum.circuit import build_circuit

    model = run.architecture
    if model.is_classical:
        return Section("Model", [f"The classical control: one hidden layer of {model.hidden} units, no circuit."])
    head = "a linear layer makes the logits of the expectations" if model.head else "the expectations are the logits"
    text = (
        f"One of {model.layers} equal layers ({model.ansatz}) on {model.qubits} qubits, after the encoding "
        f"({model.encoding}); {head}. `qfl export` writes the whole circuit."
    )
    drawing = draw_circuit(build_circuit(replace(model, layers=1)), f"Circuit with the first layer. {text}")
    return Section("Circuit", [text], drawing=drawing)


def _repeat(run: FinishedRun) -> Section:
    digest = run.report["final"]["model_digest"]
    text = f"Save the job as {run.name}.toml. The same seed gives the same model on the same kind of machine: {digest}."
    listings = [job_toml(run.job) or "# every value is the default\n", repeat_command(f"{run.name}.toml")]
    return Section("Repeat it", [text], listings=listings)


def all_settings(run: FinishedRun) -> Sequence[tuple[str, str]]:
    """Every setting of a run's job, flat, by name."""
    flat: list[tuple[str, str]] = []
    for name, value in sorted(run.report["config"].items()):
        if isinstance(value, dict):
            flat += [(f"{name}.{inner}", str(entry)) for inner, entry in sorted(value.items())]
        else:
            flat.append((name, str(value)))
    return flat
