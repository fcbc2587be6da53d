"""Amplitude encoding of what differs: each sample's own mean is taken off it first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qfl.quantum.encoders.amplitude import Amplitude
from qfl.quantum.registry import ENCODERS

if TYPE_CHECKING:
    import torch


@ENCODERS.register("centred-amplitude")
class CentredAmplitude(Amplitude):
    """Sets images apart that are all non-negative; not for a handful of features."""

    def shift(self, features: torch.Tensor) -> torch.Tensor:
        return features - features.mean(dim=-1, keepdim=True)
