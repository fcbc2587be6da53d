"""Attacks with gates in the attacker's own circuit (CULT: Mathur et al. 2026, arXiv:2605.27416).

The paper has attackers put gates into their variational circuit, while they train or into what they have trained. Here
the gates come after the rotations of a layer, before its CNOT ring. There no simulator needs to know of them, because
a Pauli gate after RZ(c) RY(b) RZ(a) is again such a rotation, up to a phase: Z adds pi to c; Y turns c round and adds
pi to b; X does both. So `enter` gives the angles of the attacker's circuit, and `leave` takes the gates out again.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.poisoning.poison import Poison, Sight, Vector
from qfl.errors import InvalidInput
from qfl.quantum.architecture import Architecture

IDENTITY, X, Y, Z = range(4)
ANSATZ = "zyz-ring"


@dataclass(frozen=True)
class BitFlip(Poison):
    """Trains with an X on every qubit in the last layer: its angles suit a readout that is turned round."""

    def enter(self, angles: Vector, arch: Architecture) -> Vector:
        return with_paulis(angles, _bit_flips(arch))

    def leave(self, angles: Vector, arch: Architecture) -> Vector:
        return without_paulis(angles, _bit_flips(arch))


@dataclass(frozen=True)
class PhaseFlip(Poison):
    """Trains with a Z on every qubit in every layer: CULT's sign flip, a phase of -1 on every |1>."""

    def enter(self, angles: Vector, arch: Architecture) -> Vector:
        return with_paulis(angles, np.full(_gates(arch), Z))

    def leave(self, angles: Vector, arch: Architecture) -> Vector:
        return without_paulis(angles, np.full(_gates(arch), Z))


@dataclass(frozen=True)
class RandomPaulis(Poison):
    """Puts a random Pauli gate in `share` of all places of the circuit that it has trained, afresh in every round.

    Half a turn is further than a lane of an update reaches (1.57 rad): what is sent is the gate clipped to that, and
    error feedback brings the rest in later rounds.
    """

    share: float = 0.1

    def send(self, trained: Vector, sight: Sight, arch: Architecture) -> Vector:
        quantum = sight.shape.quantum
        before = sight.base[:quantum]
        places = _gates(arch)
        gates = np.where(sight.rng.random(places) < self.share, sight.rng.integers(X, Z + 1, places), IDENTITY)
        after = with_paulis(before + trained[:quantum], gates)
        return np.concatenate([after - before, trained[quantum:]])


def with_paulis(angles: Vector, gates: NDArray[np.integer]) -> Vector:
    """Angles `[quantum]` of a circuit with `gates` (`[layers, qubits]`, 0 for none) after each layer's rotations."""
    turned = angles.reshape(*gates.shape, -1).copy()
    turns_round, adds_phase = (gates == X) | (gates == Y), (gates == X) | (gates == Z)
    turned[..., 2] = np.where(turns_round, -turned[..., 2], turned[..., 2]) + np.pi * adds_phase
    turned[..., 1] += np.pi * turns_round
    return turned.ravel()


def without_paulis(angles: Vector, gates: NDArray[np.integer]) -> Vector:
    """Inverse of `with_paulis`."""
    turned = angles.reshape(*gates.shape, -1).copy()
    turns_round, adds_phase = (gates == X) | (gates == Y), (gates == X) | (gates == Z)
    turned[..., 1] -= np.pi * turns_round
    turned[..., 2] -= np.pi * adds_phase
    turned[..., 2] = np.where(turns_round, -turned[..., 2], turned[..., 2])
    return turned.ravel()


def _gates(arch: Architecture) -> tuple[int, int]:
    """Layers and qubits: the places for gates."""
    if arch.ansatz != ANSATZ:
        raise InvalidInput("ansatz", arch.ansatz, f"attacks with gates need {ANSATZ}, whose angles can stand for them")
    return arch.layers, arch.qubits


def _bit_flips(arch: Architecture) -> NDArray[np.integer]:
    gates = np.full(_gates(arch), IDENTITY)
    gates[-1] = X
    return gates
