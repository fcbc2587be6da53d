"""A circuit as data: its gates, where each angle comes from, and what is measured. Every engine runs this form."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from qfl.errors import InvalidInput
from qfl.quantum.architecture import Architecture
from qfl.quantum.gates import GATES
from qfl.quantum.registry import ENCODERS


@dataclass(frozen=True)
class Trainable:
    """The angle `scale * slots[slot] + offset`, radians; `slot` counts the circuit's trainable numbers."""

    slot: int
    scale: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True)
class Feature:
    """The angle `scale * sample[index] + offset`, radians: data, another value for each sample."""

    index: int
    scale: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True)
class Constant:
    """An angle that never changes, radians."""

    value: float


Angle = Trainable | Feature | Constant


def value_of(angle: Angle, slots: Any, features: Any) -> Any:
    """Radians of an angle, of whatever kind the numbers in `slots` and `features` are."""
    if isinstance(angle, Constant):
        return angle.value
    number = slots[angle.slot] if isinstance(angle, Trainable) else features[angle.index]
    return angle.scale * number + angle.offset


@dataclass(frozen=True)
class Operation:
    """One gate. `gate` is a name of `qfl.quantum.gates.GATES`; of controlled gates the controls come first.

    Raises:
        InvalidInput: no such gate, or another number of wires or angles than it takes.
    """

    gate: str
    wires: tuple[int, ...]
    angles: tuple[Angle, ...] = ()

    def __post_init__(self) -> None:
        if self.gate not in GATES:
            raise InvalidInput("gate", self.gate, f"choose one of {', '.join(sorted(GATES))}")
        takes = GATES[self.gate]
        if len(self.wires) != takes.wires or len(set(self.wires)) != takes.wires:
            raise InvalidInput("wires", self.wires, f"{self.gate} takes {takes.wires} different ones")
        if len(self.angles) != takes.angles:
            raise InvalidInput("angles", len(self.angles), f"{self.gate} takes {takes.angles}")


@dataclass(frozen=True)
class Circuit:
    """Gates on a register, and the Pauli strings whose expectations are its outputs.

    Attributes:
        wires: qubits; wire 0 is the most significant bit of a basis state.
        operations: gates in the order of application.
        observables: Pauli strings of I, X, Y and Z, a letter for each wire: "ZII" is Z of wire 0.
        slots: trainable numbers.
        features: numbers of a sample.
        start: "ground", or the name of the encoder that makes amplitudes of the features ("amplitude",
            "centred-amplitude"); gates may read the features either way.

    Raises:
        InvalidInput: a wire, a slot, a feature or a letter that there is not.
    """

    wires: int
    operations: tuple[Operation, ...]
    observables: tuple[str, ...]
    slots: int
    features: int = 0
    start: str = "ground"

    def __post_init__(self) -> None:
        if self.start != "ground" and not ENCODERS.find(self.start, "start").sets_amplitudes:
            raise InvalidInput("start", self.start, 'sets no amplitudes: start in "ground"')
        for observable in self.observables:
            if len(observable) != self.wires or set(observable) - set("IXYZ"):
                raise InvalidInput("observable", observable, f"give {self.wires} letters of I, X, Y, Z")
        for operation in self.operations:
            for wire in operation.wires:
                _check_index("wire", wire, self.wires)
            for angle in operation.angles:
                if isinstance(angle, Trainable):
                    _check_index("slot", angle.slot, self.slots)
                elif isinstance(angle, Feature):
                    _check_index("feature", angle.index, self.features)

    @property
    def is_diagonal(self) -> bool:
        """Whether all observables are of I and Z: then basis-state probabilities say everything."""
        return all(set(observable) <= set("IZ") for observable in self.observables)


def build_circuit(architecture: Architecture) -> Circuit:
    """Encoding, layers, and Z of every qubit; slots are ordered layer by layer."""
    qubits, features = architecture.qubits, architecture.features
    encoder, ansatz = architecture.encoder, architecture.layer
    operations: list[Operation] = []
    for layer in range(architecture.layers):
        operations += encoder.gates(features, qubits, layer)
        operations += ansatz.gates(qubits, layer, layer * ansatz.angles(qubits))
    start = architecture.encoding if encoder.sets_amplitudes else "ground"
    return Circuit(qubits, tuple(operations), every_z(qubits), architecture.shape.quantum, features, start)


def every_z(wires: int) -> tuple[str, ...]:
    """Z of each wire: "ZI", "IZ" of two."""
    return tuple("I" * wire + "Z" + "I" * (wires - wire - 1) for wire in range(wires))


def turn_each(qubits: int, first: int, gates: tuple[str, ...]) -> Iterator[Operation]:
    """Each qubit by one angle for each of the `gates`, from slot `first` on: qubit by qubit."""
    for qubit in range(qubits):
        for number, gate in enumerate(gates):
            yield Operation(gate, (qubit,), (Trainable(first + len(gates) * qubit + number),))


def _check_index(name: str, index: int, count: int) -> None:
    if not 0 <= index < count:
        raise InvalidInput(name, index, f"the circuit has {count}, counted from 0")
