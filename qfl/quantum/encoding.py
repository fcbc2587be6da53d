"""Features on their way into the register: what both engines share."""

from __future__ import annotations

import torch

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
