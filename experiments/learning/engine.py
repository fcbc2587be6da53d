"""How long a training step's circuit takes, forward and backward: stock, fused, and peers in processes of their own.

All run in one thread on the same circuits, RZ RY RZ on each qubit and a ring of CNOTs, amplitude-encoded, Z of every
qubit; in turns, a few steps of each after those of another, as in training, so that a busy moment of the machine is
everybody's.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rich.table import Table

from experiments.figures import save, spread
from experiments.peer import Peer
from qfl.quantum.architecture import Architecture

NAME = "engine.json"
PEERS = ("pennylane", "tensorcircuit")
STEPS_A_TURN = 5
"""A single step between another engine's would be measured with that one's caches."""
PEER_PROGRAM = Path(__file__).with_name("engine_peer.py")


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


class Steps:
    """Steps of a case's clients with different angles, on random samples, on one engine.

    Args:
        together: all clients in one batch; else one after the other.
    """

    def __init__(self, engine: str, case: Case, together: bool) -> None:
        import torch

        from qfl.quantum.engine.engine import make_engine

        architecture = Architecture("amplitude", case.qubits, case.layers, 2, features=2**case.qubits)
        random = torch.Generator().manual_seed(1)
        features = torch.rand(case.clients, case.batch, architecture.features, generator=random)
        angles = torch.rand(case.clients, architecture.shape.quantum, generator=random)
        size = case.clients if together else 1
        self._engine = make_engine(engine, architecture)
        self._parts = list(zip(torch.split(features, size), torch.split(angles, size), strict=True))

    def step(self) -> float:
        """Seconds of a step of all clients."""
        from torch.autograd import backward

        started = time.perf_counter()
        for features, angles in self._parts:
            trainable = angles.clone().requires_grad_()
            backward(self._engine.expectations(features, trainable).sum())
        return time.perf_counter() - started


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
    with ExitStack() as stack:
        steps: dict[str, Callable[[], float]] = {
            "torchquantum": Steps("torchquantum", case, together=False).step,
            "fused": Steps("fused", case, together=True).step,
        }
        for name, python in peers.items():
            peer = stack.enter_context(
                Peer(name, python, "it", PEER_PROGRAM, name, case.qubits, case.layers, case.batch)
            )
            steps[name] = partial(_step, peer)
        first = {name: step() for name, step in steps.items()}  # with whatever is compiled
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
        "first_step_seconds": {name: first[name] for name in peers},
    }


def _step(peer: Peer) -> float:
    """Seconds of a peer's step: a line in, a step of it, a line out."""
    return float(peer.ask(b"\n"))


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
