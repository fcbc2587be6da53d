"""What a model is, without its parameters: a small JSON document, named on chain by its digest."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from qfl.bounds import check_choice, check_whole
from qfl.errors import InvalidInput, MalformedContent
from qfl.protocol.types import ModelShape

VERSION = 2
ENCODINGS = ("amplitude", "centred-amplitude", "angle", "reuploading")
ANGULAR = ("angle", "reuploading")
"""Encodings that make angles of features, which have to be in [0, 1]."""
ANGLES_PER_QUBIT = {"zyz-ring": 3, "hardware-efficient": 2, "strongly-entangling": 3, "u3": 6}
"""Of a layer of each quantum ansatz; `qfl.quantum.ansatz` has their gates."""
CLASSICAL = "classical"
"""In place of an ansatz: no circuit, a perceptron of as many parameters, to compare with."""
ANSAETZE = (*ANGLES_PER_QUBIT, CLASSICAL)
ANGLE_AXES = ("ry", "rz", "rx", "ry")
"""Axes of angle encoding, one pass over the qubits each: TorchQuantum's encoder "4x4_ryzxy"."""
MIN_QUBITS, MAX_QUBITS = 2, 12
MAX_LAYERS, MAX_CLASSES = 256, 1000


@dataclass(frozen=True)
class Architecture:
    """A quantum classifier: encoding, `layers` of an ansatz, then Z of every qubit; or its classical control.

    Attributes:
        encoding: "amplitude": the feature vector, zero-padded and normalised, is the state; up to `2**qubits`
            features. "centred-amplitude": the same after its own mean is taken off it, which sets images apart
            that are all non-negative; not for a handful of features. "angle": a feature x in [0, 1] turns a qubit
            by pi*x; up to `4*qubits` features, one pass over the qubits along each axis of `ANGLE_AXES`. "reuploading":
            the same before every layer (Perez-Salinas et al., Quantum 4, 226, 2020).
        qubits: 2 to 12.
        layers: 1 to 256.
        classes: 2 to 1000; without a head at most `qubits`.
        head: whether a linear layer maps the `qubits` expectations to `classes` logits. Without one the first
            `classes` expectations, scaled, are the logits.
        features: length of a feature vector.
        ansatz: "zyz-ring": RZ RY RZ on each qubit, and a ring of CNOTs. "hardware-efficient": RY RZ, and a chain of
            CNOTs (Kandala et al., Nature 549, 242, 2017). "strongly-entangling": RZ RY RZ, and CNOTs whose range
            grows from layer to layer (Schuld et al., Phys. Rev. A 101, 032308, 2020; PennyLane's
            `StronglyEntanglingLayers`). "u3": U3 on each qubit, and a ring of controlled U3. "classical": no circuit
            but a perceptron with one hidden layer and as near as possible the parameters of "zyz-ring".

    Raises:
        InvalidInput: a value outside these ranges.
    """

    encoding: str = "centred-amplitude"
    qubits: int = 6
    layers: int = 16
    classes: int = 10
    head: bool = True
    features: int = 64
    ansatz: str = "zyz-ring"

    def __post_init__(self) -> None:
        check_choice("ansatz", self.ansatz, ANSAETZE)
        room = most_features(self.encoding, self.qubits)
        check_whole("layers", self.layers, 1, MAX_LAYERS)
        check_whole("classes", self.classes, 2, MAX_CLASSES)
        check_whole("features", self.features, 1, room)
        if not isinstance(self.head, bool):
            raise InvalidInput("head", self.head, "must be true or false")
        if not self.head and self.classes > self.qubits:
            raise InvalidInput(
                "classes",
                self.classes,
                f"without a head each class needs a qubit, and there are {self.qubits}",
            )

    @property
    def shape(self) -> ModelShape:
        """Angles, by layer as the ansatz takes them, then weights: `[class, qubit]` matrix, `[class]` bias.

        Of the classical control: no angles; weights `[hidden, feature]`, `[hidden]`, `[class, hidden]`, `[class]`.
        """
        if self.is_classical:
            return ModelShape(0, self.hidden * (self.features + self.classes + 1) + self.classes)
        quantum = self.layers * self.qubits * ANGLES_PER_QUBIT[self.ansatz]
        return ModelShape(quantum, self.classes * (self.qubits + 1) if self.head else 0)

    @property
    def is_classical(self) -> bool:
        """Whether this is the control, without a circuit."""
        return self.ansatz == CLASSICAL

    @property
    def is_angular(self) -> bool:
        """Whether features become angles, so that they have to be in [0, 1]."""
        return self.encoding in ANGULAR

    @property
    def hidden(self) -> int:
        """Hidden units of the classical control: those that bring it nearest to the quantum model's parameters."""
        quantum = replace(self, ansatz="zyz-ring").shape
        wanted = quantum.quantum + quantum.classical - self.classes
        return max(1, round(wanted / (self.features + self.classes + 1)))

    def to_json(self) -> bytes:
        """Canonical form: sorted keys, no blanks, ASCII. Equal architectures have equal bytes."""
        document = {"version": VERSION, **asdict(self)}
        return json.dumps(document, sort_keys=True, separators=(",", ":")).encode("ascii")

    @classmethod
    def from_json(cls, data: bytes) -> Architecture:
        """Inverse of `to_json`; takes the canonical form only, so that one architecture has one digest.

        Raises:
            MalformedContent: not such a document.
            InvalidInput: a value out of range.
        """
        document = _parse(data)
        if document.pop("version", None) != VERSION:
            raise MalformedContent(f"architecture version is not {VERSION}")
        if set(document) != {field.name for field in fields(cls)}:
            raise MalformedContent(f"architecture has the fields {sorted(document)}")
        architecture = cls(**document)
        if architecture.to_json() != data:
            raise MalformedContent("architecture is not in canonical form")
        return architecture

    def digest(self) -> bytes:
        """sha256 of `to_json()`, 32 bytes: its content digest on IPFS and in `Beacon`."""
        return hashlib.sha256(self.to_json()).digest()


def most_features(encoding: str, qubits: int) -> int:
    """Longest feature vector that an encoding can put into so many qubits.

    Raises:
        InvalidInput: there is no such encoding, or no register of so many.
    """
    check_choice("encoding", encoding, ENCODINGS)
    check_whole("qubits", qubits, MIN_QUBITS, MAX_QUBITS)
    return len(ANGLE_AXES) * qubits if encoding in ANGULAR else int(2**qubits)


def require_circuit(architecture: Architecture) -> None:
    """Refuse the classical control where a device is to run it: an exact result would pass for the device's.

    Raises:
        InvalidInput.
    """
    if architecture.is_classical:
        raise InvalidInput("ansatz", architecture.ansatz, "has no circuit for a device: leave the device out")


def _parse(data: bytes) -> dict[str, Any]:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise MalformedContent("architecture is not JSON") from error
    if not isinstance(document, dict):
        raise MalformedContent("architecture is not a JSON object")
    return document
