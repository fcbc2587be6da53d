"""Expectations of Pauli strings from a state `[clients, 2**wires, batch]`, and their gradients."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray


class ZStrings:
    """Strings of I and Z by their eigenvalues `[observables, 2**wires]`: probabilities say everything."""

    def __init__(self, signs: NDArray[np.float64], dtype: torch.dtype, device: torch.device) -> None:
        self._signs = torch.as_tensor(signs, dtype=dtype, device=device)
        # conj(d|psi|^2 / d psi) by real and imaginary part.
        self._slopes = torch.tensor([2.0, -2.0], dtype=dtype, device=device)

    def read(self, state: torch.Tensor) -> torch.Tensor:
        """Expectations `[clients, batch, observables]`."""
        clients, _, batch = state.shape
        squares = torch.view_as_real(state).square().flatten(2)
        return self._signs.expand(clients, -1, -1).bmm(squares).view(clients, -1, batch, 2).sum(-1).transpose(1, 2)

    def pull_back(self, state: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
        """conj(dL/d state) of `gradient` = dL/d expectations."""
        wanted = (gradient.transpose(1, 2).unsqueeze(-1) * self._slopes).flatten(2)
        weights = self._signs.T.expand(len(state), -1, -1).bmm(wanted)
        return torch.view_as_complex(torch.view_as_real(state) * weights.view(*state.shape, 2))


class PauliStrings:
    """Any strings, as `ZStrings`: P|j> = phase[j] |j with the bits of X, Y flipped>; those that flip alike together."""

    def __init__(self, strings: Sequence[str], dtype: torch.dtype, device: torch.device) -> None:
        by_flip: defaultdict[tuple[bool, ...], list[int]] = defaultdict(list)
        for number, string in enumerate(strings):
            by_flip[tuple(letter in "XY" for letter in string)].append(number)
        self._count = len(strings)
        self._groups = []
        for numbers in by_flip.values():
            flipped, _ = _act(strings[numbers[0]])
            phases = np.stack([_act(strings[number])[1] for number in numbers])
            factors = torch.as_tensor(phases, dtype=dtype.to_complex(), device=device)
            self._groups.append(
                (torch.tensor(numbers, device=device), torch.as_tensor(flipped, device=device), factors)
            )

    def read(self, state: torch.Tensor) -> torch.Tensor:
        clients, _, batch = state.shape
        output = torch.empty(clients, self._count, batch, dtype=state.real.dtype, device=state.device)
        for numbers, flipped, phases in self._groups:
            overlaps = state.index_select(1, flipped).conj() * state
            output.index_copy_(1, numbers, (phases @ overlaps).real)
        return output.transpose(1, 2)

    def pull_back(self, state: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
        wanted = gradient.transpose(1, 2)
        pulled = torch.zeros_like(state)
        for numbers, flipped, phases in self._groups:
            weights = phases.T @ wanted.index_select(1, numbers).to(phases.dtype)
            pulled += 2 * weights * state.index_select(1, flipped).conj()
        return pulled


def _act(string: str) -> tuple[NDArray[np.int64], NDArray[np.complex128]]:
    """Where a Pauli string takes each basis state, and times what."""
    states = np.arange(2 ** len(string))
    flipped, phases = states, np.ones(len(states), np.complex128)
    for wire, letter in enumerate(string):
        bit = states >> (len(string) - 1 - wire) & 1
        if letter in "XY":
            flipped = flipped ^ (1 << (len(string) - 1 - wire))
        if letter in "YZ":
            phases = phases * (1 - 2 * bit) * (1j if letter == "Y" else 1)
    return flipped, phases
