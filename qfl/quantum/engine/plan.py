"""A circuit compiled: which parts become block unitaries, which move or turn basis states, and in which order.

The register is cut into groups of neighbouring wires. A moment is one unitary on each group, a permutation of all
basis states, and a phase on each; a circuit is a row of moments. Since every gate comes apart into one-wire unitaries,
permutations and diagonal turns (`qfl.quantum.gates`), whatever ties two groups together is in a moment's second half,
and any circuit fits this form. A block unitary is built of few factors too: constants and diagonals in turn.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qfl.quantum.circuit import Circuit, Feature, Trainable
from qfl.quantum.engine.lowering import Lowered, Phase, lower
from qfl.quantum.gates import Matrix, Move, Spin

WHOLE_REGISTER = 5
"""Wires up to which one group holds them all: its unitary is smaller than a batch of states."""
WIDEST_GROUP = 4
"""Of larger registers: a block of `r` rows costs `r` multiplications for each amplitude."""


@dataclass(frozen=True, eq=False)
class Turns:
    """Diagonals `exp(i * generators @ numbers[sources])`: `generators` `[..., rows, k]`, `sources` `[..., k]`."""

    generators: NDArray[np.float64]
    sources: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Bank:
    """Block unitaries of one size, built side by side: C[m] D[m-1] ... D[0] C[0].

    Attributes:
        constants: C, `m + 1` arrays `[blocks, rows, rows]`; None is the identity.
        turns: D, generators `[m, blocks, rows, k]`.
    """

    constants: tuple[Matrix | None, ...]
    turns: Turns


@dataclass(frozen=True, eq=False)
class Moment:
    """One step of the program.

    Attributes:
        blocks: for each group the bank (its rows) and the number of its unitary in there; None is the identity.
        moved: amplitude `moved[i]` goes to `i`, `[2**wires]`; None where all stay.
        phases: then times these, `[2**wires]`; None is 1.
        turns: then these trainable turns, generators `[2**wires, k]`; None is none.
        encoding: then these turns by features of the sample.
    """

    blocks: tuple[tuple[int, int] | None, ...]
    moved: NDArray[np.int64] | None = None
    phases: Matrix | None = None
    turns: Turns | None = None
    encoding: Turns | None = None


@dataclass(frozen=True, eq=False)
class Plan:
    """A compiled circuit.

    Attributes:
        groups: wires of each group, first wires first.
        spins: what is done to the ground state before anything ties wires together: a bank of one block of two rows
            for each wire, turned by features only. None where the start is not the ground state.
        banks: of block unitaries, by their rows.
        moments: in the order of application.
        signs: eigenvalues `[observables, 2**wires]`, a last permutation already in them; None unless all are of I, Z.
    """

    circuit: Circuit
    groups: tuple[int, ...]
    spins: Bank | None
    banks: dict[int, Bank]
    moments: tuple[Moment, ...]
    signs: NDArray[np.float64] | None


@lru_cache(maxsize=16)
def compile_circuit(circuit: Circuit) -> Plan:
    """The cheaper of two plans: what ties wires of one group together within its block, or between blocks too."""
    return min((_compile(circuit, blocked) for blocked in (False, True)), key=_cost)


def cut(wires: int) -> tuple[int, ...]:
    """Sizes of the groups: one up to `WHOLE_REGISTER`, else as few and as even as `WIDEST_GROUP` allows."""
    if wires <= WHOLE_REGISTER:
        return (wires,)
    count = -(-wires // WIDEST_GROUP)
    return tuple(wires // count + (group < wires % count) for group in range(count))


def _cost(plan: Plan) -> float:
    """Roughly what a pass takes: building each factor, and walking over the state in each moment."""
    factors = sum(len(bank.constants) for bank in plan.banks.values())
    return factors + len(plan.moments) * (1 + 2.0**plan.circuit.wires / 64)


def _compile(circuit: Circuit, blocked: bool) -> Plan:
    groups = cut(circuit.wires)
    parts = lower(circuit)
    spins = None
    if circuit.start == "ground":
        prefix, parts = _split_prefix(parts, circuit.wires)
        spins = _bank([[_local(part, wire) for part in of] for wire, of in enumerate(prefix)], 1)
    schedule = _Schedule(groups, blocked)
    for part in parts:
        schedule.add(part)
    moments, banks = schedule.finish()
    signs = None
    if circuit.is_diagonal:
        signs = np.array([_eigenvalues(string) for string in circuit.observables])
        if moments:  # phases are seen by no Z, and a permutation is as well read backwards
            last = moments[-1]
            signs = signs if last.moved is None else signs[:, np.argsort(last.moved)]
            moments[-1] = Moment(last.blocks)
    return Plan(circuit, groups, spins, banks, tuple(moments), signs)


def _split_prefix(parts: Sequence[Lowered], wires: int) -> tuple[list[list[Lowered]], list[Lowered]]:
    """What happens to each wire alone, without trainable numbers, before anything else does; and the rest."""
    prefix: list[list[Lowered]] = [[] for _ in range(wires)]
    closed: set[int] = set()
    rest = []
    for part in parts:
        is_trainable = isinstance(part, Phase) and isinstance(part.source, Trainable)
        if len(part.wires) == 1 and part.wires[0] not in closed and not is_trainable:
            prefix[part.wires[0]].append(part)
        else:
            closed.update(part.wires)
            rest.append(part)
    return prefix, rest


class _Schedule:
    """Puts each part into the first moment it can go to, later than all before it on its wires."""

    def __init__(self, groups: Sequence[int], blocked: bool) -> None:
        self._groups, self._blocked = groups, blocked
        self._group_of = [group for group, size in enumerate(groups) for _ in range(size)]
        self._first = np.cumsum([0, *groups[:-1]])
        # A wire's place: twice the moment, and one more in its second half.
        self._place = [0] * len(self._group_of)
        self._blocks: defaultdict[tuple[int, int], list[Lowered]] = defaultdict(list)
        self._between: defaultdict[int, list[Lowered]] = defaultdict(list)

    def add(self, part: Lowered) -> None:
        """Schedule `part`."""
        place = max(self._place[wire] for wire in part.wires)
        groups = {self._group_of[wire] for wire in part.wires}
        if len(groups) == 1 and self._is_of_block(part, place):
            place += place % 2
            group = groups.pop()
            self._blocks[place // 2, group].append(_local(part, int(self._first[group])))
        else:
            place += 1 - place % 2
            self._between[place // 2].append(part)
        for wire in part.wires:
            self._place[wire] = place

    def _is_of_block(self, part: Lowered, place: int) -> bool:
        if isinstance(part, Spin):
            return True
        if isinstance(part, Phase) and isinstance(part.source, Feature):
            return False
        if len(part.wires) > 1 and not self._blocked:
            return False
        return isinstance(part, Phase) or not place % 2

    def finish(self) -> tuple[list[Moment], dict[int, Bank]]:
        """The moments, and the banks their blocks are in."""
        count = 1 + max([-1, *self._between, *(moment for moment, _ in self._blocks)])
        members: defaultdict[int, list[list[Lowered]]] = defaultdict(list)
        moments = []
        for moment in range(count):
            numbers: list[tuple[int, int] | None] = []
            for group, size in enumerate(self._groups):
                parts = self._blocks.get((moment, group))
                if parts is not None:
                    members[size].append(parts)
                numbers.append(None if parts is None else (2**size, len(members[size]) - 1))
            moments.append(_moment(tuple(numbers), self._between[moment], len(self._group_of)))
        return moments, {2**size: _bank(blocks, size) for size, blocks in members.items()}


def _moment(blocks: tuple[tuple[int, int] | None, ...], parts: Sequence[Lowered], wires: int) -> Moment:
    size = 2**wires
    targets, phases = np.arange(size), np.ones(size, np.complex128)
    turns: list[tuple[NDArray[np.float64], Trainable | Feature]] = []
    for part in parts:
        index = _local_index(targets, part.wires, wires)
        if isinstance(part, Phase):
            turns.append((part.generator[index], part.source))
        elif isinstance(part, Move):
            phases = phases * part.phases[index]
            targets = _moved(targets, part, wires)
    # So far by where a basis state comes from; the moment is applied by where it goes.
    moved = np.argsort(targets)
    of_slots = [(column[moved], source.slot) for column, source in turns if isinstance(source, Trainable)]
    of_features = [(column[moved], source.index) for column, source in turns if isinstance(source, Feature)]
    return Moment(
        blocks,
        None if (moved == np.arange(size)).all() else moved,
        None if np.allclose(phases, 1) else phases[moved],
        _turns(of_slots),
        _turns(of_features),
    )


def _turns(columns: Sequence[tuple[NDArray[np.float64], int]]) -> Turns | None:
    """One column for each source: several turns by the same number add up."""
    summed: dict[int, Any] = {}
    for column, source in columns:
        summed[source] = summed.get(source, 0.0) + column
    return Turns(np.stack(list(summed.values()), axis=-1), np.array(list(summed))) if summed else None


def _bank(blocks: Sequence[Sequence[Lowered]], wires: int) -> Bank:
    """All `blocks`, each of parts on `wires` local wires, as constants and diagonals in turn, padded to the longest."""
    rows = 2**wires
    layered = [_layers(parts, wires) for parts in blocks]
    depth = max(len(turns) for _, turns in layered)
    widest = max([1, *(len(turn) for _, turns in layered for turn in turns)])
    constants = np.tile(np.eye(rows, dtype=np.complex128), (depth + 1, len(blocks), 1, 1))
    generators = np.zeros((depth, len(blocks), rows, widest))
    sources = np.zeros((depth, len(blocks), widest), np.int64)
    for number, (matrices, turns) in enumerate(layered):
        for level, matrix in enumerate(matrices):
            constants[level, number] = matrix
        for level, turn in enumerate(turns):
            for column, (source, generator) in enumerate(turn.items()):
                generators[level, number, :, column] = generator
                sources[level, number, column] = source
    return Bank(
        tuple(None if np.allclose(level, np.eye(rows)) else level for level in constants), Turns(generators, sources)
    )


def _layers(parts: Sequence[Lowered], wires: int) -> tuple[list[Matrix], list[dict[int, NDArray[np.float64]]]]:
    """A block's constants C[0], C[1], ... and the turns between them, by the number that turns.

    Each part goes to the first level it can: what acts on different wires is done at once, in whatever order it was
    written down.
    """
    rows = 2**wires
    matrices = [np.eye(rows, dtype=np.complex128)]
    turns: list[dict[int, NDArray[np.float64]]] = []
    # A wire's place: C[k] is 2 k, the turns after it 2 k + 1.
    place = [0] * wires
    for part in parts:
        at = max(place[wire] for wire in part.wires)
        at += (1 - at % 2) if isinstance(part, Phase) else at % 2
        while len(turns) < (at + 1) // 2:
            turns.append({})
            matrices.append(np.eye(rows, dtype=np.complex128))
        if isinstance(part, Phase):
            source = part.source.slot if isinstance(part.source, Trainable) else part.source.index
            spread = part.generator[_local_index(np.arange(rows), part.wires, wires)]
            turns[at // 2][source] = turns[at // 2].get(source, 0.0) + spread
        else:
            matrices[at // 2] = _spread(part, wires) @ matrices[at // 2]
        for wire in part.wires:
            place[wire] = at
    return matrices, turns


def _local(part: Lowered, first: int) -> Lowered:
    """`part` with its wires counted from wire `first`."""
    return replace(part, wires=tuple(wire - first for wire in part.wires))


def _spread(part: Spin | Move, wires: int) -> Matrix:
    """A constant part as a matrix on `wires` wires."""
    if isinstance(part, Spin):
        (wire,) = part.wires
        spread = np.kron(np.kron(np.eye(2**wire), part.matrix), np.eye(2 ** (wires - wire - 1)))
        return spread.astype(np.complex128)
    states = np.arange(2**wires)
    matrix = np.zeros((2**wires, 2**wires), np.complex128)
    matrix[_moved(states, part, wires), states] = part.phases[_local_index(states, part.wires, wires)]
    return matrix


def _local_index(states: NDArray[np.int64], of: Sequence[int], wires: int) -> NDArray[np.int64]:
    """What basis states of the register are on the wires `of`, the first of them most significant."""
    index = np.zeros_like(states)
    for wire in of:
        index = 2 * index + (states >> (wires - 1 - wire) & 1)
    return index


def _moved(states: NDArray[np.int64], part: Move, wires: int) -> NDArray[np.int64]:
    """Where `part` takes basis states of the register."""
    local = part.targets[_local_index(states, part.wires, wires)]
    for number, wire in enumerate(reversed(part.wires)):
        bit = 1 << (wires - 1 - wire)
        states = np.where(local >> number & 1, states | bit, states & ~bit)
    return states


def _eigenvalues(string: str) -> NDArray[np.float64]:
    """Of a Pauli string of I and Z, for each basis state."""
    values: NDArray[np.float64] = np.ones(1)
    for letter in string:
        values = np.kron(values, np.array([1.0, 1.0 if letter == "I" else -1.0]))
    return values
