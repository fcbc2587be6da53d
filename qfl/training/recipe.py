"""How clients train in a round: the settings, and recipes that make steps of gradients, by momentum or Adam.

A validator reads the settings and trains nothing, so torch is imported in what computes alone.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING

from qfl.bounds import check_choice, check_number, check_whole
from qfl.doors import Door
from qfl.errors import InvalidInput
from qfl.quantum.config import DTYPES, ENGINES

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from qfl.training.controls import Controls
    from qfl.training.model import QuantumClassifier

MAX_STEPS = 10_000
MAX_BATCH = 2**14
MAX_SAMPLES = 10**7
"""Of all steps of a round together: who joins a job lets its author decide how long it computes."""
MAX_RATE = 10.0
MAX_PROXIMAL = 100.0
MIN_NOISE, MAX_NOISE = 1e-3, 1e4
"""Below the first there is no privacy left to speak of, and the accountant's numbers overflow."""
MAX_CLIP = 1e6
LAST_RATE = 0.05
"""Share of the learning rate that is left at the end of the cosine schedule."""
EPSILON = 1e-5
"""Above the rounding noise of a gradient: the last layer's RZ acts on nothing that is measured, and Adam's usual
1e-8 would blow the noise of its gradient up to full steps."""


@dataclass(frozen=True)
class TrainingConfig:
    """How a client trains in one round.

    The defaults are tuned for the digits, 10 rounds, 5 clients, whatever classes each of them has;
    `docs/results/learning.md` tells what else was tried. See `scale_rate` for the schedule.

    Attributes:
        steps: optimiser steps, up to 10,000; the same for every client however much data it has, so that the
            unweighted mean of their updates weighs each client's objective alike.
        batch_size: samples per step, up to 16,384, and 10 million in all steps of a round.
        optimiser: the recipe's name in `RECIPES`: "momentum" (gradient descent with momentum), "adam", or one that
            somebody adds; afresh in every round.
        learning_rate: in the first round, up to 10. With momentum, radians for a gradient of 1 per radian; with Adam
            about the most radians an angle moves in a step: 0.03 is a good one.
        momentum: share of the last step's direction that goes into the next one, from 0, below 1.
        control_variates: whether a client corrects its gradients by what it and the others did in the last round
            (`qfl.training.controls`); it keeps one vector for it between rounds, and sends nothing more.
        proximal: pull back to the round's base, times the distance (FedProx, Li et al. 2020, arXiv:1812.06127,
            equation 2: its mu); 0 for none.
        sent_share: share of an update's lanes, the largest ones, that a client sends, above 0, up to 1; what it holds
            back goes into its next update (error feedback), so that it takes longer rather than getting lost.
        privacy_clip: most that a round's training may change the model, as the length of all radians and weights
            together, up to a million; 0 for no differential privacy.
        privacy_noise: standard deviation of the noise on every coordinate, in lengths of `privacy_clip`, 0.001 to
            10,000 or 0; whatever the seed, no two runs have the same.
        engine: "fused" or "torchquantum" (stock, gate by gate: slow).
        dtype: "float32" or, with the fused engine, "float64".

    Raises:
        InvalidInput: a value that is none of these, or control variates with a recipe that has none.
        NotInstalled: a recipe that nobody has here.
        DoorBroken: the package that has it cannot be loaded.
    """

    steps: int = 45
    batch_size: int = 32
    optimiser: str = "momentum"
    learning_rate: float = 0.25
    momentum: float = 0.9
    control_variates: bool = True
    proximal: float = 0.0
    sent_share: float = 1.0
    privacy_clip: float = 0.0
    privacy_noise: float = 0.0
    engine: str = "fused"
    dtype: str = "float32"

    def __post_init__(self) -> None:
        check_whole("steps", self.steps, 1, MAX_STEPS)
        check_whole("batch_size", self.batch_size, 1, MAX_BATCH)
        if (samples := self.steps * self.batch_size) > MAX_SAMPLES:
            remedy = f"{samples:,} samples in {self.steps} steps: take at most {MAX_SAMPLES:,} in all"
            raise InvalidInput("batch_size", self.batch_size, remedy)
        check_number("learning_rate", self.learning_rate, 0, MAX_RATE, above=True)
        check_number("momentum", self.momentum, 0, 1, below=True)
        check_number("proximal", self.proximal, 0, MAX_PROXIMAL)
        check_number("sent_share", self.sent_share, 0, 1, above=True)
        check_number("privacy_clip", self.privacy_clip, 0, MAX_CLIP)
        if self.privacy_noise != 0:
            check_number("privacy_noise", self.privacy_noise, MIN_NOISE, MAX_NOISE)
        if self.privacy_noise and not self.privacy_clip:
            remedy = "noise hides a change of bounded length only: give one"
            raise InvalidInput("privacy_clip", self.privacy_clip, remedy)
        if self.privacy_clip and not self.privacy_noise:
            raise InvalidInput("privacy_noise", self.privacy_noise, "a bound alone keeps nothing private: give noise")
        if not isinstance(self.control_variates, bool):
            raise InvalidInput("control_variates", self.control_variates, "must be true or false")
        check_choice("engine", self.engine, ENGINES)
        check_choice("dtype", self.dtype, DTYPES)
        if self.control_variates and self.recipe.reach(self) is None:
            remedy = f'{self.optimiser} has none: set it to false, or optimiser to "momentum"'
            raise InvalidInput("control_variates", True, remedy)

    @property
    def recipe(self) -> type[Recipe]:
        """What makes steps of gradients."""
        return RECIPES.find(self.optimiser, "optimiser")

    @property
    def reach(self) -> float:
        """`Recipe.reach` in this round; 0 where that is unknown."""
        return self.recipe.reach(self) or 0.0

    def in_round(self, number: int, rounds: int) -> TrainingConfig:
        """This configuration with the learning rate of round `number` (from 1) of a run of `rounds`."""
        return replace(self, learning_rate=self.learning_rate * scale_rate((number - 1) / rounds))


class Recipe(ABC):
    """Steps all clients of a model at once in one round, each along the gradient of its own loss.

    What it adds to a gradient is in `corrected`, what it makes of that in `optimiser`; one that needs more than one
    gradient for a step has a `step` of its own.
    """

    @classmethod
    def reach(cls, config: TrainingConfig) -> float | None:
        """How far a gradient of 1 that never changes moves a coordinate in a round.

        Control variates are made of it: None where it depends on anything else, and then there are none.
        """
        return None

    def __init__(
        self, model: QuantumClassifier, config: TrainingConfig, controls: Sequence[Controls] | None = None
    ) -> None:
        """`model` is where the round starts; `controls`, if any, are one per client."""
        self.blocks = [block for block in (model.angles, model.weights) if block.numel()]
        self.start = [block.detach().clone() for block in self.blocks]
        self.config = config
        self._pulls = [block.new_zeros(()) for block in self.start]
        if controls is not None:
            self._pulls = self._split([control.common - control.own for control in controls])
        self._optimiser = self.optimiser(self.blocks, config)

    @abstractmethod
    def optimiser(self, blocks: Sequence[torch.Tensor], config: TrainingConfig) -> torch.optim.Optimizer:
        """What turns the `grad` of the parameters `[clients, ...]` into a step."""

    def set_rate(self, learning_rate: float) -> None:
        """Change the learning rate; what the optimiser remembers stays."""
        self._optimiser.param_groups[0]["lr"] = learning_rate

    def step(self, losses: Callable[[], torch.Tensor]) -> None:
        """One step for every client; `losses` computes theirs (`[clients]`), differentiably."""
        for block, gradient in zip(self.blocks, self.corrected(self.gradients(losses())), strict=True):
            block.grad = gradient
        self._optimiser.step()

    def gradients(self, losses: torch.Tensor) -> Sequence[torch.Tensor]:
        """Each client's own, in the shapes of `blocks`."""
        import torch

        # A sum, not a mean: each client's gradient is that of its own loss, however many there are.
        return torch.autograd.grad(losses.sum(), self.blocks)

    def corrected(self, gradients: Sequence[torch.Tensor]) -> Sequence[torch.Tensor]:
        """Gradients with the control variates and the proximal pull."""
        return [
            gradient + pull + self.config.proximal * (block.detach() - start)
            for block, gradient, pull, start in zip(self.blocks, gradients, self._pulls, self.start, strict=True)
        ]

    def _split(self, rows: Sequence[NDArray[np.float64]]) -> list[torch.Tensor]:
        """Rows `[d]`, one per client, in the shapes of the parameter blocks."""
        import torch

        table = torch.stack([torch.from_numpy(row) for row in rows])
        ends = list(accumulate(block[0].numel() for block in self.blocks))[:-1]
        parts = torch.tensor_split(table, ends, dim=1)
        return [part.to(block.dtype).view_as(block) for part, block in zip(parts, self.blocks, strict=True)]


RECIPES: Door[type[Recipe]] = Door("recipe", "qfl.training.recipe", base=Recipe)


@RECIPES.register("momentum")
class Momentum(Recipe):
    """A step is the learning rate times a running mean of gradients that begins at zero in every round."""

    @classmethod
    def reach(cls, config: TrainingConfig) -> float:
        """From rest, so that the first steps are short."""
        begun = config.momentum * (1 - config.momentum**config.steps) / (1 - config.momentum)
        return config.learning_rate * (config.steps - begun)

    def optimiser(self, blocks: Sequence[torch.Tensor], config: TrainingConfig) -> torch.optim.Optimizer:
        import torch

        # Dampened, a steady gradient moves a coordinate by the learning rate a step, whatever the momentum.
        made = torch.optim.SGD(blocks, config.learning_rate, momentum=config.momentum, dampening=config.momentum)
        for block in blocks:
            # Left to itself torch would begin with the whole first gradient: one batch would weigh as much as ten.
            made.state[block]["momentum_buffer"] = torch.zeros_like(block)
        return made


@RECIPES.register("adam")
class Adam(Recipe):
    """Steps of about the learning rate, whatever the size of a gradient.

    Each client's gradients are divided by a scale of its own, so their mean is not in anybody's steps: no `reach`.
    """

    def optimiser(self, blocks: Sequence[torch.Tensor], config: TrainingConfig) -> torch.optim.Optimizer:
        import torch

        return torch.optim.Adam(blocks, lr=config.learning_rate, eps=EPSILON)


def scale_rate(progress: float) -> float:
    """Share of the learning rate at `progress` in [0, 1): half a cosine, from 1 down to `LAST_RATE`.

    Small steps in late rounds keep clients with different labels from undoing each other's work.
    """
    return LAST_RATE + (1 - LAST_RATE) * 0.5 * (1 + math.cos(math.pi * progress))
