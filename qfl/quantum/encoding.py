"""Features on their way into the register: what both engines share."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from qfl.quantum.architecture import ANGLE_AXES

BLANK_NORM = 1e-5
"""Length of a sample, relative to its largest feature, below which it is all rounding errors."""


def amplitudes(features: torch.Tensor, qubits: int, centred: bool) -> torch.Tensor:
    """Amplitude encoding: `[..., features]` -> unit vectors `[..., 2**qubits]`, zero-padded.

    A sample without a direction (all zero, or constant and then centred) becomes |0...0>; normalising it would
    give NaN.
    """
    peak = features.abs().amax(dim=-1, keepdim=True)
    # Features of any size: the squares of very large or small ones would not be finite, or zero.
    scaled = features / torch.where(peak > 0, peak, 1.0)
    if centred:
        scaled = scaled - scaled.mean(dim=-1, keepdim=True)
    padded = torch.nn.functional.pad(scaled, (0, 2**qubits - features.shape[-1]))
    length = padded.norm(dim=-1, keepdim=True)
    ground = torch.zeros_like(padded)
    ground[..., 0] = 1
    return torch.where(length > BLANK_NORM, padded / length.clamp_min(BLANK_NORM), ground)


def axis_passes(features: torch.Tensor, qubits: int) -> Iterator[tuple[str, torch.Tensor]]:
    """Angle encoding: for each pass over the register its axis and the radians `[..., qubits]`, pi times features.

    Feature `i` turns qubit `i % qubits` in pass `i // qubits`; missing features of the last pass turn nothing.
    """
    passes = -(-features.shape[-1] // qubits)
    padded = torch.nn.functional.pad(features, (0, passes * qubits - features.shape[-1]))
    turns = torch.pi * padded.view(*padded.shape[:-1], passes, qubits)
    for number in range(passes):
        yield ANGLE_AXES[number], turns[..., number, :]
