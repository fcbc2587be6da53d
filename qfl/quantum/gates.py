"""The gates, each as three kinds of parts: one-wire unitaries, permutations with phases, and diagonal turns.

Every gate comes apart like that: a rotation about x is one about z between two Hadamards, and so on. So a compiler
needs to know three things instead of forty, and all that depends on an angle is diagonal. Matrices and conventions are
TorchQuantum's.
"""

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.complex128]


@dataclass(frozen=True, eq=False)
class Spin:
    """A unitary `[2, 2]` on one wire."""

    wires: tuple[int, ...]
    matrix: Matrix


@dataclass(frozen=True, eq=False)
class Move:
    """Basis state `j` of `wires` goes to `targets[j]`, times `phases[j]`."""

    wires: tuple[int, ...]
    targets: NDArray[np.int64]
    phases: Matrix

    @property
    def is_diagonal(self) -> bool:
        """Whether every basis state stays where it is."""
        return bool((self.targets == np.arange(len(self.targets))).all())


@dataclass(frozen=True, eq=False)
class Turn:
    """Basis state `j` of the gate's `wires` is multiplied by `exp(i * angle * generator[j])`; the gate's `angle`-th."""

    wires: tuple[int, ...]
    angle: int
    generator: NDArray[np.float64]


Part = Spin | Move | Turn


@dataclass(frozen=True)
class Gate:
    """How many wires and angles a gate takes, and its parts in the order of application."""

    wires: int
    angles: int
    parts: tuple[Part, ...]


def _matrix(rows: Any) -> Matrix:
    return np.array(rows, dtype=np.complex128)


_H = _matrix([[1, 1], [1, -1]]) / np.sqrt(2)
_S = np.diag(_matrix([1, 1j]))
_T = np.diag(_matrix([1, np.exp(0.25j * np.pi)]))
_SX = _H @ _S @ _H
_FROM_Z = {"x": _H, "y": _S @ _H}
"""B with B Z B^-1 = X, Y."""
_HALF = (-0.5, 0.5)


def _ry(angle: float) -> Matrix:
    cosine, sine = np.cos(angle / 2), np.sin(angle / 2)
    return _matrix([[cosine, -sine], [sine, cosine]])


def _turn(axes: str, generator: tuple[float, ...], angle: int = 0) -> tuple[Part, ...]:
    """A turn about `axes`, a letter for each wire: x, y, or z (also of a control, which is only looked at)."""
    turned = [((wire,), _FROM_Z[axis]) for wire, axis in enumerate(axes) if axis in _FROM_Z]
    return (
        *(Spin(wires, basis.conj().T) for wires, basis in turned),
        Turn(tuple(range(len(axes))), angle, np.array(generator)),
        *(Spin(wires, basis) for wires, basis in turned),
    )


def _move(wires: tuple[int, ...], targets: list[int], phases: Any = None) -> Move:
    ones = np.ones(len(targets), np.complex128)
    return Move(wires, np.array(targets), ones if phases is None else _matrix(phases))


def _diagonal(*phases: complex) -> tuple[Move]:
    wires = len(phases).bit_length() - 1
    return (_move(tuple(range(wires)), list(range(len(phases))), phases),)


def _controlled_not(controls: int) -> tuple[Part, ...]:
    size = 2 ** (controls + 1)
    return (_move(tuple(range(controls + 1)), [*range(size - 2), size - 1, size - 2]),)


def _around(wire: int, basis: Matrix, parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """`basis` on a wire, the inverse before."""
    return (Spin((wire,), basis.conj().T), *parts, Spin((wire,), basis))


def _parity(wires: int) -> tuple[float, ...]:
    return tuple(-0.5 * (-1) ** sum(bits) for bits in itertools.product((0, 1), repeat=wires))


def _spin(matrix: Matrix) -> Gate:
    return Gate(1, 0, (Spin((0,), matrix),))


def _diagonal_gate(*phases: complex) -> Gate:
    (move,) = parts = _diagonal(*phases)
    return Gate(len(move.wires), 0, parts)


_IF_HALF = (0.0, 0.0, *_HALF)
_IF_ONE = (0.0, 0.0, 0.0, 1.0)
"""Of controlled gates: nothing where the control is 0."""
_SWAP = _move((0, 1), [0, 2, 1, 3])
_CNOT, _CNOT_BACK = _move((0, 1), [0, 1, 3, 2]), _move((0, 1), [0, 3, 2, 1])
_CSX_BACK = _around(0, _H, _diagonal(1, 1, 1, 1j))

GATES: dict[str, Gate] = {
    "i": _diagonal_gate(1, 1),
    "h": _spin(_H),
    "sh": _spin(_ry(np.pi / 4)),
    "x": Gate(1, 0, _controlled_not(0)),
    "y": Gate(1, 0, (_move((0,), [1, 0], [1j, -1j]),)),
    "z": _diagonal_gate(1, -1),
    "s": _diagonal_gate(1, 1j),
    "sdg": _diagonal_gate(1, -1j),
    "t": _diagonal_gate(*np.diag(_T)),
    "tdg": _diagonal_gate(*np.diag(_T).conj()),
    "sx": _spin(_SX),
    "sxdg": _spin(_SX.conj().T),
    "rx": Gate(1, 1, _turn("x", _HALF)),
    "ry": Gate(1, 1, _turn("y", _HALF)),
    "rz": Gate(1, 1, _turn("z", _HALF)),
    "u1": Gate(1, 1, _turn("z", (0, 1))),
    "u2": Gate(1, 2, (*_turn("z", (0, 1), 1), Spin((0,), _ry(np.pi / 2)), *_turn("z", (0, 1)))),
    "u3": Gate(1, 3, (*_turn("z", (0, 1), 2), *_turn("y", _HALF), *_turn("z", (0, 1), 1))),
    "rot": Gate(1, 3, (*_turn("z", _HALF), *_turn("y", _HALF, 1), *_turn("z", _HALF, 2))),
    "cnot": Gate(2, 0, _controlled_not(1)),
    "cy": Gate(2, 0, (_move((0, 1), [0, 1, 3, 2], [1, 1, 1j, -1j]),)),
    "cz": _diagonal_gate(1, 1, 1, -1),
    "ch": Gate(2, 0, _around(1, _ry(np.pi / 4), _diagonal(1, 1, 1, -1))),
    "cs": _diagonal_gate(1, 1, 1, 1j),
    "csdg": _diagonal_gate(1, 1, 1, -1j),
    "csx": Gate(2, 0, _around(1, _H, _diagonal(1, 1, 1, 1j))),
    "dcx": Gate(2, 0, (_CNOT, _CNOT_BACK)),
    "swap": Gate(2, 0, (_SWAP,)),
    "sswap": Gate(2, 0, (_CNOT, *_CSX_BACK, _CNOT)),
    "iswap": Gate(2, 0, (_move((0, 1), [0, 2, 1, 3], [1, 1j, 1j, 1]),)),
    "crx": Gate(2, 1, _turn("zx", _IF_HALF)),
    "cry": Gate(2, 1, _turn("zy", _IF_HALF)),
    "crz": Gate(2, 1, _turn("zz", _IF_HALF)),
    "cu1": Gate(2, 1, _turn("zz", _IF_ONE)),
    "cu3": Gate(2, 3, (*_turn("zz", _IF_ONE, 2), *_turn("zy", _IF_HALF), *_turn("zz", _IF_ONE, 1))),
    "crot": Gate(2, 3, (*_turn("zz", _IF_HALF), *_turn("zy", _IF_HALF, 1), *_turn("zz", _IF_HALF, 2))),
    "rxx": Gate(2, 1, _turn("xx", _parity(2))),
    "ryy": Gate(2, 1, _turn("yy", _parity(2))),
    "rzz": Gate(2, 1, _turn("zz", _parity(2))),
    "rzx": Gate(2, 1, _turn("zx", _parity(2))),
    "toffoli": Gate(3, 0, _controlled_not(2)),
    "ccz": _diagonal_gate(*[1] * 7, -1),
    "cswap": Gate(3, 0, (_move((0, 1, 2), [0, 1, 2, 3, 4, 6, 5, 7]),)),
    "c3x": Gate(4, 0, _controlled_not(3)),
}
"""By TorchQuantum's functional names, the short one where it has several."""
