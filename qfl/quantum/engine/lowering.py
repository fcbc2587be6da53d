"""A circuit's gates taken apart into parts on its own wires, what no observable sees left out."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from qfl.quantum.circuit import Circuit, Constant, Feature, Operation, Trainable
from qfl.quantum.gates import GATES, Move, Spin, Turn


@dataclass(frozen=True, eq=False)
class Phase:
    """Basis state `j` of `wires` is multiplied by `exp(i * source * generator[j])`; the source's scale is in it."""

    wires: tuple[int, ...]
    generator: NDArray[np.float64]
    source: Trainable | Feature


Lowered = Spin | Move | Phase


def lower(circuit: Circuit) -> list[Lowered]:
    """The circuit's gates as parts, in the order of application.

    Where only Z is measured, what is diagonal at the end is left out: the last RZ of a layered ansatz, say.
    """
    parts = list(_parts(circuit.operations))
    return list(_seen(parts, circuit.wires)) if circuit.is_diagonal else parts


def _parts(operations: Iterable[Operation]) -> Iterator[Lowered]:
    for operation in operations:
        for part in GATES[operation.gate].parts:
            wires = tuple(operation.wires[wire] for wire in part.wires)
            if not isinstance(part, Turn):
                yield replace(part, wires=wires)
                continue
            angle = operation.angles[part.angle]
            offset = angle.value if isinstance(angle, Constant) else angle.offset
            if offset:
                yield Move(wires, np.arange(len(part.generator)), np.exp(1j * offset * part.generator))
            if not isinstance(angle, Constant):
                yield Phase(wires, angle.scale * part.generator, angle)


def _seen(parts: list[Lowered], wires: int) -> Iterator[Lowered]:
    """Without the diagonal parts that only permutations follow, on every wire they could spread to."""
    open_wires = set(range(wires))
    kept: list[Lowered] = []
    for part in reversed(parts):
        is_open = open_wires.issuperset(part.wires)
        is_diagonal = isinstance(part, Phase) or (isinstance(part, Move) and part.is_diagonal)
        if is_open and is_diagonal:
            continue
        if isinstance(part, Spin) or not is_open:
            open_wires.difference_update(part.wires)
        kept.append(part)
    return reversed(kept)
