"""The live view of a run in a terminal; plain lines where there is none."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from qfl.challenger.challenger import Dispute
from qfl.simulation.driver import RoundOutcome
from qfl.simulation.tables import protocol_seconds


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

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
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
