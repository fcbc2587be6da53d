"""Amplitude encoding: the feature vector, zero-padded and normalised, is the state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qfl.quantum.registry import ENCODERS, Encoder

if TYPE_CHECKING:
    import torch

BLANK_NORM = 1e-5
"""Length of a sample, relative to its largest feature, below which it is all rounding errors."""


@ENCODERS.register("amplitude")
class Amplitude(Encoder):
    """Up to `2**qubits` features, of any size.

    A sample without a direction (all zero, or constant and then centred) becomes |0...0>; normalising it would
    give NaN.
    """

    sets_amplitudes = True

    def most_features(self, qubits: int) -> int:
        return int(2**qubits)

    def amplitudes(self, features: torch.Tensor, qubits: int) -> torch.Tensor:
        import torch

        peak = features.abs().amax(dim=-1, keepdim=True)
        # Features of any size: the squares of very large or small ones would not be finite, or zero.
        scaled = self.shift(features / torch.where(peak > 0, peak, 1.0))
        padded = torch.nn.functional.pad(scaled, (0, 2**qubits - features.shape[-1]))
        length = padded.norm(dim=-1, keepdim=True)
        ground = torch.zeros_like(padded)
        ground[..., 0] = 1
        return torch.where(length > BLANK_NORM, padded / length.clamp_min(BLANK_NORM), ground)

    def shift(self, features: torch.Tensor) -> torch.Tensor:
        """What is done to features in [-1, 1] before they are normalised."""
        return features


@ENCODERS.register("centred-amplitude")
class CentredAmplitude(Amplitude):
    """Of what differs: each sample's own mean is taken off. Sets non-negative images apart; not for few features."""

    def shift(self, features: torch.Tensor) -> torch.Tensor:
        return features - features.mean(dim=-1, keepdim=True)
