"""Banks of blocks in torch, all at once: unitaries by trainable numbers with their gradients, spins by features."""

from dataclasses import dataclass

import torch

from qfl.quantum.engine.plan import Bank, Turns


class Diagonals:
    """`Turns` as tensors: angles linear in the numbers `[sources, columns]` they turn by."""

    def __init__(self, turns: Turns, dtype: torch.dtype, device: torch.device) -> None:
        *self._leading, rows, taken = turns.generators.shape
        self._generators = torch.as_tensor(turns.generators, dtype=dtype, device=device).reshape(-1, rows, taken)
        self._sources = torch.as_tensor(turns.sources.reshape(-1), device=device)

    def angles(self, numbers: torch.Tensor) -> torch.Tensor:
        """Radians `[..., rows, columns]`."""
        count, rows, taken = self._generators.shape
        taken_numbers = numbers.index_select(0, self._sources).view(count, taken, -1)
        return self._generators.bmm(taken_numbers).view(*self._leading, rows, -1)

    def backward(self, slopes: torch.Tensor, gradient: torch.Tensor) -> None:
        """Add what `slopes` = dL/d angles come to in the numbers to `gradient` `[sources, columns]`."""
        count, rows, _ = self._generators.shape
        of_taken = self._generators.transpose(1, 2).bmm(slopes.reshape(count, rows, -1))
        gradient.index_add_(0, self._sources, of_taken.flatten(0, 1))


@dataclass(frozen=True)
class BlockTape:
    """A bank built: `product` `[blocks, rows, clients, rows]`, and the diagonals and partial products behind it."""

    product: torch.Tensor
    diagonals: torch.Tensor | None
    partials: torch.Tensor | None

    def unitaries(self) -> torch.Tensor:
        """The unitaries `[blocks, clients, rows, rows]`."""
        return self.product.transpose(1, 2).contiguous()


class _LoadedBank:
    """A `Bank` as tensors."""

    def __init__(self, bank: Bank, dtype: torch.dtype, device: torch.device) -> None:
        self._diagonals = Diagonals(bank.turns, dtype, device)
        self._depth, self._blocks, self._rows, _ = bank.turns.generators.shape
        self._constants = [
            None if level is None else torch.as_tensor(level, dtype=dtype.to_complex(), device=device)
            for level in bank.constants
        ]


class Blocks(_LoadedBank):
    """Unitaries by trainable numbers."""

    def __init__(self, bank: Bank, dtype: torch.dtype, device: torch.device) -> None:
        super().__init__(bank, dtype, device)
        # -Im of a row's sum as a product: quicker than a sum over so few.
        self._minus_imaginary = torch.tensor([0.0, -1.0], dtype=dtype, device=device).repeat(self._rows)
        identity = torch.eye(self._rows, dtype=dtype.to_complex(), device=device)
        first = self._constants[0]
        self._first = (identity.expand(self._blocks, -1, -1) if first is None else first).unsqueeze(2)

    def build(self, numbers: torch.Tensor) -> BlockTape:
        """All blocks of all clients, from `numbers` `[slots, clients]`."""
        clients = numbers.shape[1]
        shape = (self._blocks, self._rows, clients, self._rows)
        if not self._depth:
            return BlockTape(self._first.expand(shape), None, None)
        angles = self._diagonals.angles(numbers)
        diagonals = torch.polar(torch.ones_like(angles), angles).unsqueeze(-1)
        partials = diagonals.new_empty(self._depth, *shape)
        product = self._first
        for level, constant in enumerate(self._constants[1:]):
            product = torch.mul(diagonals[level], product, out=partials[level])
            if constant is not None:
                product = constant.bmm(product.view(self._blocks, self._rows, -1)).view(shape)
        return BlockTape(product, diagonals, partials)

    def backward(self, pulled: torch.Tensor, tape: BlockTape, gradient: torch.Tensor) -> None:
        """Add dL/d numbers to `gradient` `[slots, clients]`; `pulled` is conj(dL/d unitaries), of their shape."""
        if tape.diagonals is None or tape.partials is None:
            return
        pulled = pulled.transpose(1, 2).contiguous()
        shape = pulled.shape
        slopes = torch.empty_like(tape.partials)
        for level in reversed(range(self._depth)):
            constant = self._constants[level + 1]
            if constant is not None:
                pulled = constant.transpose(1, 2).bmm(pulled.view(self._blocks, self._rows, -1)).view(shape)
            torch.mul(pulled, tape.partials[level], out=slopes[level])
            if level:
                pulled = pulled * tape.diagonals[level]
        summed = torch.view_as_real(slopes).view(-1, 2 * self._rows).mv(self._minus_imaginary)
        self._diagonals.backward(summed, gradient)


class Spins(_LoadedBank):
    """A block of two rows for each wire, by features, applied to the ground state: a product of spins."""

    def __init__(self, bank: Bank, dtype: torch.dtype, device: torch.device) -> None:
        super().__init__(bank, dtype, device)
        ground = torch.eye(2, dtype=dtype.to_complex(), device=device)[:, :1]
        first = self._constants[0]
        self._first = ground.expand(self._blocks, 2, 1) if first is None else first @ ground

    def state(self, features: torch.Tensor) -> torch.Tensor:
        """States `[clients, 2**wires, batch]` of `features` `[clients, batch, features]`, differentiable in them."""
        clients, batch, _ = features.shape
        spins = self._first
        if self._depth:
            angles = self._diagonals.angles(features.permute(2, 0, 1).flatten(1))
            diagonals = torch.polar(torch.ones_like(angles), angles)
            for level, constant in enumerate(self._constants[1:]):
                spins = diagonals[level] * spins
                if constant is not None:
                    spins = constant @ spins
        state = spins[0]
        for wire in range(1, self._blocks):
            state = (state.unsqueeze(1) * spins[wire]).flatten(0, 1)
        if not self._depth:
            return state.expand(clients, -1, batch).contiguous()
        return state.view(-1, clients, batch).transpose(0, 1).contiguous()
