"""How long a training step's circuit takes, forward and backward: stock, fused, and peers in processes of their own.

All run in one thread on the same circuits, RZ RY RZ on each qubit and a ring of CNOTs, amplitude-encoded, Z of every
qubit; in turns, a few steps of each after those of another, as in training, so that a busy moment of the machine is
everybody's.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from experiments.figures import save, spread
from qfl.errors import InvalidInput
from qfl.quantum.architecture import Architecture

NAME = "engine.json"
PEERS = ("pennylane", "tensorcircuit")
STEPS_A_TURN = 5
"""A single step between another engine's would be measured with that one's caches."""
_PEER_PROGRAM = Path(__file__).with_name("engine_peer.py")


@dataclass(frozen=True)
class Case:
    """A circuit's size; `clients` with different angles run in one batch, and stock one after the other."""

    qubits: int
    layers: int
    batch: int
    clients: int = 1

    @property
    def name(self) -> str:
        """Qubits x layers x batch."""
        clients = f"{self.clients} clients, " if self.clients > 1 else ""
        return f"{clients}{self.qubits} x {self.layers} x {self.batch}"


CASES = (Case(4, 3, 32), Case(8, 4, 32), Case(8, 4, 256), Case(10, 4, 64), Case(4, 3, 32, clients=32))

Results = dict[str, dict[str, Any]]


class _Peer:
    """A peer's process: a line in, a step of it, a line out."""

    def __init__(self, name: str, python: str, case: Case, stack: ExitStack) -> None:
        process = subprocess.Popen(
            [python, str(_PEER_PROGRAM), name, str(case.qubits), str(case.layers), str(case.batch)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        stack.callback(process.wait)
        stack.callback(process.kill)
        self._name, self._python, self._process = name, python, process
        self.first_seconds = self.step()

    def step(self) -> float:
        """Seconds of one step; of the first one with whatever is compiled."""
        assert self._process.stdin is not None and self._process.stdout is not None
        with suppress(BrokenPipeError):  # it has ended, and says nothing either
            self._process.stdin.write("\n")
            self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise InvalidInput("peer", f"{self._name}={self._python}", "give the Python of an environment that has it")
        return float(line)


def bench_engine(
    out: Path, repetitions: int, peers: Mapping[str, str], cases: Sequence[Case], announce: Callable[[str], None]
) -> Results:
    """Measure every case and write `<out>/engine.json`; the results by the case's name.

    Args:
        peers: Python of an environment that has it, by the peer's name.

    Raises:
        InvalidInput: a peer that does not run.
    """
    from qfl.training.training import one_thread

    results = {}
    with one_thread():
        for case in cases:
            announce(case.name)
            results[case.name] = _measure(case, repetitions, peers if case.clients == 1 else {})
    save(out / NAME, results)
    return results


def _measure(case: Case, repetitions: int, peers: Mapping[str, str]) -> dict[str, Any]:
    from experiments.learning.steps import Steps

    architecture = Architecture("amplitude", case.qubits, case.layers, 2, features=2**case.qubits)
    stock = Steps("torchquantum", architecture, case.batch, case.clients, together=False)
    fused = Steps("fused", architecture, case.batch, case.clients, together=True)
    with ExitStack() as stack:
        running = {name: _Peer(name, python, case, stack) for name, python in peers.items()}
        steps: dict[str, Callable[[], float]] = {
            "torchquantum": stock.step,
            "fused": fused.step,
            **{name: peer.step for name, peer in running.items()},
        }
        for step in steps.values():
            step()
        taken: dict[str, list[float]] = {name: [] for name in steps}
        for _ in range(repetitions):
            for name, step in steps.items():
                taken[name] += [1000 * step() for _ in range(STEPS_A_TURN)]
    milliseconds = {name: spread(values) for name, values in taken.items()}
    fused_median = milliseconds["fused"]["median"]
    return {
        "milliseconds": milliseconds,
        "times_fused": {name: found["median"] / fused_median for name, found in milliseconds.items()},
        "first_step_seconds": {name: peer.first_seconds for name, peer in running.items()},
    }


def engine_table(results: Results) -> Table:
    """A line for each case: milliseconds of a step, and in brackets how many times the fused engine's."""
    names = list(dict.fromkeys(name for result in results.values() for name in result["milliseconds"]))
    table = Table("qubits x layers x batch", *names, title="A step, forward and backward, ms")
    for case, result in results.items():
        cells = []
        for name in names:
            if name not in result["milliseconds"]:
                cells.append("")
                continue
            first = result["first_step_seconds"].get(name)
            compiled = f", first step {first:.0f} s" if first is not None and first > 1 else ""
            times = "" if name == "fused" else f" ({result['times_fused'][name]:.1f}x{compiled})"
            cells.append(f"{result['milliseconds'][name]['median']:.2f}{times}")
        table.add_row(case, *cells)
    return table
