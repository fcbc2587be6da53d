"""Amplitude encoding as gates: what a device needs in place of a state vector that it is simply given.

A tree of RY, each turning one wire by an angle for each basis state of the wires before it, taken apart into RY and
CNOT: the idea of Möttönen et al., Quantum Inf. Comput. 5, 467, 2005, without their Gray code, so with about twice as
many CNOTs. Its angles are numbers of a sample.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from qfl.quantum.circuit import Circuit, Feature, Operation
from qfl.quantum.registry import ENCODERS


def prepare_by_gates(circuit: Circuit) -> Circuit:
    """The circuit from |0...0>: after its own features it takes the `preparation_angles` of the sample."""
    if circuit.start == "ground":
        return circuit
    operations: list[Operation] = []
    angle = circuit.features
    for wire in range(circuit.wires):
        operations += _multiplexed(tuple(range(wire)), wire, angle)
        angle += 2**wire
    return replace(circuit, operations=(*operations, *circuit.operations), features=angle, start="ground")


def preparation_angles(circuit: Circuit, features: NDArray[np.float64]) -> NDArray[np.float64]:
    """Radians `[samples, 2**wires - 1]` that prepare samples `[samples, features]` as the circuit's `start` says."""
    vectors = ENCODERS.find(circuit.start)().amplitudes(torch.as_tensor(features), circuit.wires).numpy()
    angles = []
    for wire in range(circuit.wires):
        halves = vectors.reshape(len(vectors), 2**wire, 2, -1)
        # Signs are the last wire's affair; before it, the length of each half.
        halves = halves[..., 0] if wire == circuit.wires - 1 else np.linalg.norm(halves, axis=-1)
        turns = 2 * np.arctan2(halves[..., 1], halves[..., 0])
        angles.append(_spread(turns))
    return np.concatenate(angles, axis=1)


def _multiplexed(controls: tuple[int, ...], wire: int, first: int) -> Iterator[Operation]:
    """RY of `wire`; between two CNOTs it turns the other way, so sum and difference give any two angles."""
    if not controls:
        yield Operation("ry", (wire,), (Feature(first),))
        return
    half = 2 ** (len(controls) - 1)
    for start in (first, first + half):
        yield from _multiplexed(controls[1:], wire, start)
        if start == first:
            yield Operation("cnot", (controls[0], wire))
    yield Operation("cnot", (controls[0], wire))


def _spread(turns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Angles for `_multiplexed` that turn by `turns[:, j]` where the controls are in basis state j."""
    if turns.shape[1] == 1:
        return turns
    zero, one = np.split(turns, 2, axis=1)
    return np.concatenate([_spread((zero + one) / 2), _spread((zero - one) / 2)], axis=1)
