"""A compiled circuit run in torch: one pass over all samples of all clients, and its gradient by hand.

The state is `[clients, 2**wires, batch]`: with the batch last, a block unitary is a matrix product on a view and a
permutation copies whole rows. Autograd would spend more time on its bookkeeping than such small products take, so the
pass is a single operation to it. Going back, what is carried is h = conj(dL/dpsi), dL = Re(h dpsi): products with
transposes, nothing conjugated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.autograd.function import once_differentiable

from qfl.errors import InvalidInput
from qfl.quantum.circuit import Circuit
from qfl.quantum.engine.blocks import Blocks, BlockTape, Diagonals, Spins
from qfl.quantum.engine.observables import PauliStrings, ZStrings
from qfl.quantum.engine.plan import Moment, Plan, compile_circuit
from qfl.quantum.registry import ENCODERS


class Program:
    """The fused engine of a circuit; keeps its constants in each precision and on each device it has run with."""

    def __init__(self, circuit: Circuit) -> None:
        self.circuit = circuit
        self._plan = compile_circuit(circuit)
        self._loaded: dict[tuple[torch.dtype, torch.device], _Loaded] = {}

    def expectations(self, features: torch.Tensor, slots: torch.Tensor) -> torch.Tensor:
        """As `Engine.expectations`, in the precision and on the device of `slots`; differentiable in both arguments."""
        loaded = self._load(slots)
        features = features.to(slots.dtype)
        state = loaded.start(features)
        if torch.is_grad_enabled() and (slots.requires_grad or state.requires_grad or features.requires_grad):
            output: torch.Tensor = _Pass.apply(loaded, state, features, slots)
            return output
        return loaded.observables.read(loaded.forward(state, _Tape(features, slots, keeps=False)))

    def probabilities(self, features: torch.Tensor, slots: torch.Tensor) -> torch.Tensor:
        """Probabilities `[clients, 2**wires, batch]` of what is measured, without a gradient.

        In the order of the columns of `signs`, which need not be that of the basis states.
        """
        loaded = self._load(slots)
        features = features.to(slots.dtype)
        with torch.no_grad():
            state = loaded.forward(loaded.start(features), _Tape(features, slots, keeps=False))
            return torch.view_as_real(state).square().sum(-1)

    @property
    def signs(self) -> NDArray[np.float64]:
        """Eigenvalues `[observables, 2**wires]`, +-1, at each outcome. Raises InvalidInput: an X or Y is observed."""
        if self._plan.signs is None:
            raise InvalidInput("observables", self.circuit.observables, "only strings of I and Z have joint outcomes")
        return self._plan.signs

    def _load(self, like: torch.Tensor) -> _Loaded:
        key = (like.dtype, like.device)
        if key not in self._loaded:
            self._loaded[key] = _Loaded(self._plan, *key)
        return self._loaded[key]


class _Tape:
    """What a pass is given, and what the way back needs of the way there, if it `keeps` that.

    Attributes:
        samples, numbers: features of all samples `[features, clients * batch]`; trainable ones `[slots, clients]`.
        unitaries, blocks: by their rows, and how they came about.
        entered: states before each block unitary of each moment.
        factors: phases of each moment.
        turned: state after each moment that turns by trainable numbers or features.
    """

    def __init__(self, features: torch.Tensor, slots: torch.Tensor, keeps: bool) -> None:
        self.samples, self.numbers, self.keeps = features.permute(2, 0, 1).flatten(1), slots.T, keeps
        self.unitaries: dict[int, torch.Tensor] = {}
        self.blocks: dict[int, BlockTape] = {}
        self.entered: list[list[torch.Tensor]] = []
        self.factors: list[torch.Tensor | None] = []
        self.turned: list[torch.Tensor | None] = []


@dataclass
class _Slopes:
    """dL/d unitaries, from the last block to the first, dL/d samples and dL/d numbers, as they are found."""

    blocks: dict[int, list[torch.Tensor]]
    samples: torch.Tensor
    numbers: torch.Tensor


class _Loaded:
    """A plan's constants as tensors."""

    def __init__(self, plan: Plan, dtype: torch.dtype, device: torch.device) -> None:
        circuit = plan.circuit
        self._start, self._wires = circuit.start, circuit.wires
        self._spins = Spins(plan.spins, dtype, device) if plan.spins is not None else None
        self._blocks = {rows: Blocks(bank, dtype, device) for rows, bank in plan.banks.items()}
        self._moments = [_LoadedMoment(moment, plan.groups, dtype, device) for moment in plan.moments]
        strings, signs = circuit.observables, plan.signs
        self.observables: ZStrings | PauliStrings = (
            PauliStrings(strings, dtype, device) if signs is None else ZStrings(signs, dtype, device)
        )

    def start(self, features: torch.Tensor) -> torch.Tensor:
        """The state before the first moment, `[clients, 2**wires, batch]` complex."""
        if self._spins is not None:
            return self._spins.state(features)
        vectors = ENCODERS.find(self._start)().amplitudes(features, self._wires)
        return vectors.transpose(1, 2).to(features.dtype.to_complex(), memory_format=torch.contiguous_format)

    def forward(self, state: torch.Tensor, tape: _Tape) -> torch.Tensor:
        """The state after the last moment."""
        for rows, blocks in self._blocks.items():
            built = blocks.build(tape.numbers)
            tape.unitaries[rows] = built.unitaries()
            if tape.keeps:
                tape.blocks[rows] = built
        for moment in self._moments:
            state = moment.forward(state, tape)
        return state

    def backward(
        self, pulled: torch.Tensor, tape: _Tape, wants_state: bool
    ) -> tuple[torch.Tensor | None, torch.Tensor, torch.Tensor]:
        """From conj(dL/d state) after the last moment: before the first one, dL/d features, dL/d slots."""
        clients, _, batch = pulled.shape
        numbers = torch.zeros_like(tape.numbers, memory_format=torch.contiguous_format)
        slopes = _Slopes({rows: [] for rows in self._blocks}, torch.zeros_like(tape.samples), numbers)
        for number in reversed(range(len(self._moments))):
            pulled = self._moments[number].backward(pulled, tape, number, slopes, wants_state=number > 0 or wants_state)
        for rows, pieces in slopes.blocks.items():
            self._blocks[rows].backward(torch.stack(pieces[::-1]), tape.blocks[rows], numbers)
        of_features = slopes.samples.view(-1, clients, batch).permute(1, 2, 0)
        return pulled if wants_state else None, of_features, numbers.T


class _LoadedMoment:
    """A `Moment` as tensors."""

    def __init__(self, moment: Moment, groups: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> None:
        self._blocks = []
        self._size, before = 2 ** sum(groups), 1
        for size, block in zip(groups, moment.blocks, strict=True):
            if block is not None:
                self._blocks.append((*block, before))
            before *= 2**size
        self._moved = None if moment.moved is None else torch.as_tensor(moment.moved, device=device)
        self._moved_back = None if self._moved is None else torch.argsort(self._moved)
        phases = None if moment.phases is None else torch.as_tensor(moment.phases, device=device)
        self._phases = None if phases is None else phases.to(dtype.to_complex()).unsqueeze(1)
        self._turns = None if moment.turns is None else Diagonals(moment.turns, dtype, device)
        self._encoding = None if moment.encoding is None else Diagonals(moment.encoding, dtype, device)

    def forward(self, state: torch.Tensor, tape: _Tape) -> torch.Tensor:
        clients, size, batch = state.shape
        entered = []
        for rows, number, before in self._blocks:
            entered.append(state)
            state = _spread(tape.unitaries[rows][number], before).bmm(state.view(clients * before, rows, -1))
            state = state.view(clients, size, batch)
        if self._moved is not None:
            state = state.index_select(1, self._moved)
        factor = self._factor(tape, clients)
        if factor is not None:
            state = state * factor
        if tape.keeps:
            tape.entered.append(entered)
            tape.factors.append(factor)
            tape.turned.append(state if self._turns or self._encoding else None)
        return state

    def _factor(self, tape: _Tape, clients: int) -> torch.Tensor | None:
        """Phases `[clients or 1, 2**wires, batch or 1]` of the second half."""
        angle = None
        if self._turns is not None:
            angle = self._turns.angles(tape.numbers).T.unsqueeze(2)
        if self._encoding is not None:
            encoded = self._encoding.angles(tape.samples).view(self._size, clients, -1).transpose(0, 1)
            angle = encoded if angle is None else angle + encoded
        if angle is None:
            return self._phases
        factor = torch.polar(torch.ones_like(angle), angle)
        return factor if self._phases is None else factor * self._phases

    def backward(
        self, pulled: torch.Tensor, tape: _Tape, number: int, slopes: _Slopes, *, wants_state: bool
    ) -> torch.Tensor:
        clients, size, batch = pulled.shape
        turned, factor = tape.turned[number], tape.factors[number]
        if turned is not None:
            slope = -(pulled * turned).imag
            if self._turns is not None:
                self._turns.backward(slope.sum(2).T, slopes.numbers)
            if self._encoding is not None:
                self._encoding.backward(slope.transpose(0, 1).flatten(1), slopes.samples)
        if factor is not None:
            pulled = pulled * factor
        if self._moved_back is not None:
            pulled = pulled.index_select(1, self._moved_back)
        for position, (rows, block, before) in reversed(list(enumerate(self._blocks))):
            entered = tape.entered[number][position].view(clients * before, rows, -1)
            pulled = pulled.view(clients * before, rows, -1)
            of_block = pulled.bmm(entered.transpose(1, 2))
            slopes.blocks[rows].append(of_block if before == 1 else of_block.view(clients, before, rows, rows).sum(1))
            if position or wants_state:
                pulled = _spread(tape.unitaries[rows][block].transpose(1, 2), before).bmm(pulled)
        return pulled.view(clients, size, batch)


def _spread(unitary: torch.Tensor, before: int) -> torch.Tensor:
    """`[clients, rows, rows]` for each basis state of the groups before: `[clients * before, rows, rows]`."""
    if before == 1:
        return unitary
    return unitary.unsqueeze(1).expand(-1, before, -1, -1).flatten(0, 1)


class _Pass(torch.autograd.Function):
    """All moments and the reading, one operation to autograd."""

    @staticmethod
    def forward(
        ctx: Any, loaded: _Loaded, state: torch.Tensor, features: torch.Tensor, slots: torch.Tensor
    ) -> torch.Tensor:
        ctx.loaded, ctx.tape = loaded, _Tape(features, slots, keeps=True)
        ctx.final = loaded.forward(state, ctx.tape)
        observed: torch.Tensor = loaded.observables.read(ctx.final)
        return observed

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[None, torch.Tensor | None, torch.Tensor, torch.Tensor]:
        loaded: _Loaded = ctx.loaded
        pulled = loaded.observables.pull_back(ctx.final, gradients[0])
        of_state, of_features, of_slots = loaded.backward(pulled, ctx.tape, ctx.needs_input_grad[1])
        # Torch's convention for complex gradients is the conjugate of what is carried here.
        return None, None if of_state is None else of_state.conj(), of_features, of_slots
