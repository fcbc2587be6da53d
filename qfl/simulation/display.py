"""What a run shows in a terminal: the live view, plain lines where there is none, and the tables at the end.

In a browser it shows the explorer, for as long as it lasts.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import mean, median
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from qfl.devnet.process import HOST, GuardedProcess, choose_port, is_free

if TYPE_CHECKING:  # a report needs no chain
    from qfl.challenger.challenger import Dispute
    from qfl.simulation.driver import RoundOutcome

OUTSIDE = ("train", "evaluate")  # stages that are not the protocol's
COUNTS = ("present", "joined", "returned", "left", "straggled", "moved")
SIMULATED = ("deadline, simulated s", "last commit, simulated s", "transfer, simulated s")
MEASURED = ("train, measured s", "protocol, measured s")


class Display:
    """A progress bar over the rounds, and a line for each finished one."""

    def __init__(self, console: Console, rounds: int) -> None:
        self._console = console
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("[progress.description]{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task("starting", total=rounds)

    def __enter__(self) -> Display:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def stage(self, text: str) -> None:
        """Say what is going on outside the rounds."""
        self._progress.update(self._task, description=text)
        if not self._console.is_terminal:
            self._console.print(text)

    def note(self, text: str) -> None:
        """Say something that stays on the screen."""
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def round(self, number: int, rounds: int, stage: str) -> None:
        """Say which stage of which round is going on."""
        self._progress.update(self._task, description=f"round {number} of {rounds}: {stage}", completed=number - 1)

    def finished(self, outcome: RoundOutcome, accuracy: float) -> None:
        """Say what a round came to."""
        chain = protocol_seconds(outcome.seconds)
        self._console.print(
            f"round {outcome.round:>3}  accuracy [bold]{accuracy:6.1%}[/]  {outcome.included} updates included  "
            f"training {outcome.seconds.get('train', 0.0):.1f} s, protocol {chain:.1f} s"
        )
        for shard, reason in outcome.missed.items():
            self._console.print(
                f"round {outcome.round:>3}  without shard {shard}: {reason}", style="yellow", markup=False
            )
        self._progress.advance(self._task)

    def disputed(self, dispute: Dispute) -> None:
        """Say which fault was proven, and what it cost whom."""
        self._console.print(str(dispute), style="red", highlight=False, markup=False)


def print_tables(console: Console, report: dict[str, Any]) -> None:
    """Accuracy by round beside the central run, what befell whom, gas by function, bytes by client."""
    if report["rounds"]:
        console.print(_accuracy_table(report))
        if any(entry["dynamics"] is not None for entry in report["rounds"]):
            console.print(_dynamics_table(report))
        headings = ("client", "up, mean", "up, most", "down, mean")
        console.print(_table("Bytes for each round", headings, bytes_rows(report)))
    console.print(_table("Gas, from receipts", ("function", "count", "lowest", "median", "highest"), gas_rows(report)))
    if disputes := report["disputes"]:
        taken, earned = (sum(dispute[name] for dispute in disputes) / 1e18 for name in ("taken_wei", "bounty_wei"))
        console.print(f"{len(disputes)} faults proven: {taken:g} ETH slashed, {earned:g} ETH earned")
    if (privacy := report.get("privacy")) is not None:
        console.print(
            f"differential privacy of all of a client's data: "
            f"epsilon {privacy['epsilon']:.2f}, delta {privacy['delta']:g}"
        )
    if (final := report["final"]) is not None:
        console.print(
            f"final test accuracy [bold]{final['accuracy']:.1%}[/] after {len(report['rounds'])} rounds, "
            f"{report['transactions']} transactions; the model is {final['state']}: {final['cid']}"
        )


def gas_rows(report: dict[str, Any]) -> list[tuple[str, ...]]:
    """For each function how often it was called, and the lowest, the median and the highest gas."""
    return [
        (name, str(len(values)), *(f"{number:,}" for number in (min(values), round(median(values)), max(values))))
        for name, values in sorted(report["gas"].items())
    ]


def bytes_rows(report: dict[str, Any]) -> list[tuple[str, ...]]:
    """For each client the mean and the most bytes that it sent in a round, and the mean of what it received."""
    counts = report["bytes"]
    return [
        (client, f"{mean(up):,.0f}", f"{max(up):,}", f"{mean(counts['client_down'][client]):,.0f}")
        for client, up in counts["client_up"].items()
    ]


def protocol_seconds(seconds: dict[str, float], outside: Sequence[str] = OUTSIDE) -> float:
    """Seconds of a round in the stages that are the protocol's."""
    return sum(value for stage, value in seconds.items() if stage not in outside)


def _accuracy_table(report: dict[str, Any]) -> Table:
    """A line for each round; the central column is the same model after as many epochs over all the data."""
    central = (report["central"] or {}).get("accuracy", [])
    rows = []
    for position, entry in enumerate(report["rounds"], start=1):
        row = [str(entry["round"]), f"{entry['accuracy']:.1%}", f"{entry['loss']:.3f}", str(entry["included"])]
        row += _times(entry)
        if central:
            epoch = max(1, round(position * len(central) / len(report["rounds"])))
            row.append(f"{central[epoch - 1]:.1%} (epoch {epoch})")
        rows.append(row)
    headings = ["round", "accuracy", "loss", "included", "train s", "protocol s", *(["central"] if central else [])]
    return _table("Accuracy on the test set", headings, rows)


def _dynamics_table(report: dict[str, Any]) -> Table:
    """What befell the participants: simulated seconds beside measured ones, never added to them."""
    headings = ("round", *COUNTS, "included", "shards missed", *SIMULATED, *MEASURED)
    rows = []
    for entry in report["rounds"]:
        if (dynamics := entry["dynamics"]) is not None:
            simulated = dynamics["simulated_seconds"]
            rows.append(
                [
                    str(entry["round"]),
                    *(str(dynamics[name]) for name in COUNTS),
                    str(entry["included"]),
                    ", ".join(str(missed["shard"]) for missed in entry["missed"]) or "none",
                    str(dynamics["deadlines"]["commit"]),
                    f"{simulated['last_commit']:.1f}",
                    f"{simulated['transfer']:.3f}",
                    *_times(entry),
                ]
            )
    return _table("Who was there, and how long it took", headings, rows, figures=SIMULATED + MEASURED)


def _times(entry: dict[str, Any]) -> tuple[str, str]:
    """Seconds of a round's training, and of its protocol."""
    return f"{entry['seconds'].get('train', 0.0):.1f}", f"{protocol_seconds(entry['seconds']):.2f}"


def _table(title: str, headings: Sequence[str], rows: Iterable[Sequence[str]], *, figures: Sequence[str] = ()) -> Table:
    """A table; the columns in `figures` are set to the right."""
    table = Table(title=title)
    for heading in headings:
        table.add_column(heading, justify="right" if heading in figures else "left")
    for row in rows:
        table.add_row(*row)
    return table


QFL = (sys.executable, "-c", "from qfl.apps.cli.main import main; main()")
"""The program itself, which is above this: its name need not be on the path."""


@contextmanager
def explorer_beside(folder: Path, port: int, urls: Sequence[str], ipfs: str) -> Iterator[tuple[GuardedProcess, str]]:
    """Show the run in `folder` while this lasts; yields the process, and the page's address, which answers soon.

    `port` is taken if it is free, any free one if not, or for 0; `urls` are the beacon's chain, then the shards' own.
    """
    chosen = port if port and is_free(port) else choose_port(0, "the explorer")
    place = ["--run", str(folder), "--port", str(chosen), "--rpc", urls[0], "--ipfs", ipfs]
    place += [word for url in urls[1:] for word in ("--shard-rpc", url)]
    process = GuardedProcess("explorer", [*QFL, "explorer", *place], folder / "explorer.log")
    try:
        yield process, f"http://{HOST}:{chosen}"
    finally:
        process.stop()
