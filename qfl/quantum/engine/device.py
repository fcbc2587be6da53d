"""A circuit as a real device would run it: finite shots, gates and readout that fail, gradients by shifted runs.

Noise is stochastic: after each gate a random Pauli string, X or Z on each wire being RX or RZ by pi or by 0, so that
trajectories are slots like any others and run side by side in the fused engine. Assumed: errors are independent and
depolarising, state preparation from amplitudes is perfect, and all samples of a batch see the same trajectories.

Gradients are by parameter-shift rules, from runs of the same circuit at other angles. Every occurrence of a trainable
number is shifted by itself: a number that turns two gates has no rule of its own.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch.autograd.function import once_differentiable

from qfl.quantum.circuit import Circuit, Operation, Trainable, every_z, value_of
from qfl.quantum.config import DeviceConfig
from qfl.quantum.engine.program import Program
from qfl.quantum.gates import GATES, Turn

_TO_Z = {"X": ("h",), "Y": ("sdg", "h")}
"""Gates after which Z reads X, Y."""
RUNS_AT_ONCE = 64
"""Shifted runs in one batch: bounds the memory."""

Term = tuple[float, float]
"""Coefficient, shift in radians: a rule is the sum of coefficient * f(angle + shift)."""

_HALF_PI = math.pi / 2
TWO_TERMS: tuple[Term, ...] = ((0.5, _HALF_PI), (-0.5, -_HALF_PI))
"""For a generator with one gap, 1 (Schuld et al., Phys. Rev. A 99, 032331, 2019)."""
_PLUS, _MINUS = ((math.sqrt(2) + sign) / (4 * math.sqrt(2)) for sign in (1, -1))
FOUR_TERMS: tuple[Term, ...] = (
    (_PLUS, _HALF_PI),
    (-_PLUS, -_HALF_PI),
    (-_MINUS, 3 * _HALF_PI),
    (_MINUS, -3 * _HALF_PI),
)
"""For gaps 1/2 and 1, of controlled rotations (Anselmetti et al., New J. Phys. 23, 113010, 2021)."""


@dataclass(frozen=True)
class Occurrence:
    """A place where a trainable number is an angle: `source` says how, `spec` how to differentiate by the angle."""

    source: Trainable
    spec: tuple[Term, ...]


class DeviceEngine:
    """An `Engine` (see `engine.py`) of estimates: unbiased, differentiable in angles but not in features."""

    def __init__(self, circuit: Circuit, config: DeviceConfig, seed: int = 0) -> None:
        """`seed` decides all shots and errors."""
        self._observables = len(circuit.observables)
        generator = torch.Generator().manual_seed(seed)
        split, self.occurrences = split_occurrences(circuit)
        self._settings = [
            _Setting(split, letters, numbers, config, generator)
            for letters, numbers in group_settings(circuit.observables)
        ]

    def expectations(self, features: torch.Tensor, slots: torch.Tensor) -> torch.Tensor:
        if torch.is_grad_enabled() and slots.requires_grad:
            output: torch.Tensor = _Shifted.apply(self, features, slots)
            return output
        return self.estimate(features, self.turns(slots))

    def turns(self, slots: torch.Tensor) -> torch.Tensor:
        """Radians `[clients, occurrences]` of every occurrence of a trainable number."""
        turned = [value_of(one.source, slots.T, ()) for one in self.occurrences]
        return torch.stack(turned, dim=1) if turned else slots.new_zeros(len(slots), 0)

    @torch.no_grad()
    def estimate(self, features: torch.Tensor, turns: torch.Tensor) -> torch.Tensor:
        """Measure every setting: `[clients, batch, observables]`."""
        clients, batch, _ = features.shape
        output = turns.new_empty(clients, batch, self._observables)
        for setting in self._settings:
            output[..., setting.numbers] = setting.measure(features, turns)
        return output


class _Setting:
    """Pauli strings that one basis change makes readable together."""

    def __init__(
        self, circuit: Circuit, letters: str, numbers: Sequence[int], config: DeviceConfig, generator: torch.Generator
    ) -> None:
        self.numbers = list(numbers)
        self._config, self._generator = config, generator
        change = [Operation(gate, (wire,)) for wire, letter in enumerate(letters) for gate in _TO_Z.get(letter, ())]
        operations = [*circuit.operations, *change]
        one, many = config.one_wire_error, config.many_wire_error
        self._gates = [number for number, operation in enumerate(operations) for _ in operation.wires for _ in "xz"]
        self._rates = [one if len(operations[number].wires) == 1 else many for number in self._gates]
        errors = len(self._rates) if config.is_noisy else 0
        noisy = tuple(_with_errors(operations, circuit.slots)) if config.is_noisy else tuple(operations)
        wires = circuit.wires
        self._program = Program(
            replace(circuit, operations=noisy, observables=every_z(wires), slots=circuit.slots + errors)
        )
        self._read = torch.tensor([[letter != "I" for letter in circuit.observables[number]] for number in numbers])

    def measure(self, features: torch.Tensor, turns: torch.Tensor) -> torch.Tensor:
        """Estimates `[clients, batch, strings]`."""
        clients, draws = len(turns), self._config.draws
        slots = turns.repeat_interleave(draws, dim=0)
        if self._config.is_noisy:
            slots = torch.cat([slots, self._draw_errors(len(slots)).to(slots.dtype)], dim=1)
        probabilities = self._program.probabilities(features.repeat_interleave(draws, dim=0), slots)
        probabilities = probabilities.transpose(1, 2)
        estimates = self._mean(probabilities) if self._config.shots is None else self._sample(probabilities)
        return estimates.view(clients, draws, -1, len(self.numbers)).mean(1)

    def _draw_errors(self, runs: int) -> torch.Tensor:
        """0 or 1 `[runs, errors]`, X then Z of every wire of every gate."""
        gates = torch.tensor(self._gates)
        failed = torch.rand(runs, self._gates[-1] + 1, generator=self._generator)[:, gates] < torch.tensor(self._rates)
        return failed & (torch.rand(failed.shape, generator=self._generator) < 0.5)

    def _mean(self, probabilities: torch.Tensor) -> torch.Tensor:
        """Expectations `[runs, batch, strings]` of infinitely many shots."""
        signs = self._signs(probabilities)
        # What a wire reads on average, where it is 0 and where it is 1; wires fail each by itself.
        zero, one = 1 - 2 * self._config.zero_as_one, 2 * self._config.one_as_zero - 1
        read = torch.where(signs > 0, zero, one).to(signs.dtype)
        return probabilities @ _products(read, self._read)

    def _sample(self, probabilities: torch.Tensor) -> torch.Tensor:
        """Sums `[runs, batch, strings]` of a trajectory's shots, in shares of a trajectory's mean number of them."""
        runs, batch, size = probabilities.shape
        total, draws = self._config.shots or 1, self._config.draws
        shots = math.ceil(total / draws)
        drawn = torch.multinomial(probabilities.reshape(-1, size), shots, replacement=True, generator=self._generator)
        outcomes = self._signs(probabilities)[drawn]
        wrong = torch.where(outcomes > 0, self._config.zero_as_one, self._config.one_as_zero)
        flipped = torch.rand(outcomes.shape, generator=self._generator) < wrong
        outcomes = torch.where(flipped, -outcomes, outcomes)
        found = _products(outcomes, self._read).view(-1, draws, batch, shots, len(self.numbers))
        if surplus := draws * shots - total:
            found[:, -surplus:, :, -1] = 0  # the last trajectories have one shot less
        return found.sum(3).view(runs, batch, -1) * (draws / total)

    def _signs(self, like: torch.Tensor) -> torch.Tensor:
        """+1 where a wire is 0, -1 where it is 1: `[2**wires, wires]`."""
        return torch.as_tensor(self._program.signs.T.copy(), dtype=like.dtype)


class _Shifted(torch.autograd.Function):
    """An estimate, and its gradient by the parameter-shift rules."""

    @staticmethod
    def forward(ctx: Any, engine: DeviceEngine, features: torch.Tensor, slots: torch.Tensor) -> torch.Tensor:
        ctx.engine = engine
        ctx.save_for_backward(features, slots)
        return engine.estimate(features, engine.turns(slots))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[None, None, torch.Tensor]:
        features, slots = ctx.saved_tensors
        engine: DeviceEngine = ctx.engine
        turns, of_slots = engine.turns(slots), torch.zeros_like(slots)
        runs = [(number, *term) for number, one in enumerate(engine.occurrences) for term in one.spec]
        for first in range(0, len(runs), RUNS_AT_ONCE):
            part = runs[first : first + RUNS_AT_ONCE]
            shifted = turns.repeat(len(part), 1, 1)
            for run, (number, _, shift) in enumerate(part):
                shifted[run, :, number] += shift
            outputs = engine.estimate(features.repeat(len(part), 1, 1), shifted.flatten(0, 1))
            slopes = (outputs.view(len(part), *gradients[0].shape) * gradients[0]).sum((2, 3))
            for slope, (number, coefficient, _) in zip(slopes, part, strict=True):
                source = engine.occurrences[number].source
                of_slots[:, source.slot] += source.scale * coefficient * slope
        return None, None, of_slots


def split_occurrences(circuit: Circuit) -> tuple[Circuit, Sequence[Occurrence]]:
    """The circuit with a slot of its own, the angle in radians, for each occurrence of a trainable number."""
    occurrences: list[Occurrence] = []
    operations = []
    for operation in circuit.operations:
        angles = list(operation.angles)
        for position, angle in enumerate(angles):
            if isinstance(angle, Trainable):
                angles[position] = Trainable(len(occurrences))
                occurrences.append(Occurrence(angle, _spec(operation.gate, position)))
        operations.append(replace(operation, angles=tuple(angles)))
    return replace(circuit, operations=tuple(operations), slots=len(occurrences)), occurrences


def _spec(gate: str, position: int) -> tuple[Term, ...]:
    (turn,) = (part for part in GATES[gate].parts if isinstance(part, Turn) and part.angle == position)
    gaps = {abs(float(one - other)) for one in turn.generator for other in turn.generator}
    return TWO_TERMS if gaps == {0.0, 1.0} else FOUR_TERMS


def group_settings(strings: Sequence[str]) -> list[tuple[str, list[int]]]:
    """Strings, by number, that can be read together: each goes to the first setting whose letters do not contradict."""
    settings: list[tuple[str, list[int]]] = []
    for number, string in enumerate(strings):
        for place, (letters, numbers) in enumerate(settings):
            pairs = list(zip(letters, string, strict=True))
            if all("I" in pair or pair[0] == pair[1] for pair in pairs):
                joined = "".join(one if one != "I" else other for one, other in pairs)
                settings[place] = (joined, [*numbers, number])
                break
        else:
            settings.append((string, [number]))
    return settings


def _with_errors(operations: Sequence[Operation], first: int) -> Iterator[Operation]:
    """Each operation, then a Pauli on each of its wires, from the slots after `first`: X if 1, Z if 1."""
    for operation in operations:
        yield operation
        for wire in operation.wires:
            for gate in ("rx", "rz"):
                yield Operation(gate, (wire,), (Trainable(first, math.pi),))
                first += 1


def _products(outcomes: torch.Tensor, read: torch.Tensor) -> torch.Tensor:
    """Products over the wires that each string reads: `[..., wires]` by `[strings, wires]` -> `[..., strings]`."""
    return torch.stack([outcomes[..., wires].prod(-1) for wires in read], dim=-1)
