"""What a model is, without its parameters: a small JSON document, part of the job document."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from qfl.bounds import check_whole
from qfl.errors import InvalidInput, MalformedContent
from qfl.protocol.types import ModelShape
from qfl.quantum.registry import ANSAETZE, ENCODERS, TASKS, Ansatz, Encoder, Task

VERSION = 2
MIN_QUBITS, MAX_QUBITS = 2, 12
MAX_LAYERS, MAX_CLASSES = 256, 1000


@dataclass(frozen=True)
class Architecture:
    """A quantum model: encoding, `layers` of an ansatz, then Z of every qubit, read out for a task.

    Encoders, ansätze and tasks are found by name (`qfl.quantum.registry`): those of this package and of installed ones.

    Attributes:
        encoding: "amplitude", "centred-amplitude", "angle", "reuploading", or another encoder's name: see
            `qfl/quantum/encoders/`.
        qubits: 2 to 12.
        layers: 1 to 256.
        classes: 2 to 1000; without a head at most `qubits`.
        head: whether a linear layer maps the `qubits` expectations to `classes` logits. Without one the first
            `classes` expectations, scaled, are the logits.
        features: length of a feature vector; as many as the encoder can put into the qubits.
        ansatz: "zyz-ring", "hardware-efficient", "strongly-entangling", "u3", or another one's name: see
            `qfl/quantum/ansatz/`. "classical": no circuit but a perceptron with one hidden layer and as near as
            possible the parameters of "zyz-ring".
        task: what the model is for: "classification" (`qfl.training.classification`), or another task's name.

    Raises:
        InvalidInput: a value outside these ranges.
        NotInstalled: an encoder, an ansatz or a task that nobody has here.
        DoorBroken: the package that has it cannot be loaded.
    """

    encoding: str = "centred-amplitude"
    qubits: int = 6
    layers: int = 16
    classes: int = 10
    head: bool = True
    features: int = 64
    ansatz: str = "zyz-ring"
    task: str = "classification"

    def __post_init__(self) -> None:
        ANSAETZE.find(self.ansatz, "ansatz")
        room = most_features(self.encoding, self.qubits)
        check_whole("layers", self.layers, 1, MAX_LAYERS)
        check_whole("classes", self.classes, 2, MAX_CLASSES)
        check_whole("features", self.features, 1, room)
        if not isinstance(self.head, bool):
            raise InvalidInput("head", self.head, "must be true or false")
        TASKS.find(self.task, "task")().check(self)
        if self.is_classical and self.task != Architecture.task:
            raise InvalidInput("task", self.task, "the classical control has no qubits to read out: it classifies")

    @property
    def encoder(self) -> Encoder:
        """How a sample gets into the register."""
        return ENCODERS.find(self.encoding)()

    @property
    def layer(self) -> Ansatz:
        """The ansatz's gates."""
        return ANSAETZE.find(self.ansatz)()

    @property
    def purpose(self) -> Task:
        """The task: read-out, loss, metric."""
        return TASKS.find(self.task)()

    @property
    def shape(self) -> ModelShape:
        """Angles, by layer as the ansatz takes them, then weights as the task takes them.

        Of the classical control: no angles; weights `[hidden, feature]`, `[hidden]`, `[class, hidden]`, `[class]`.
        """
        if self.is_classical:
            return ModelShape(0, self.hidden * (self.features + self.classes + 1) + self.classes)
        return ModelShape(self.layers * self.layer.angles(self.qubits), self.purpose.weights(self))

    @property
    def is_classical(self) -> bool:
        """Whether this is the control, without a circuit."""
        return not self.layer.has_circuit

    @property
    def hidden(self) -> int:
        """Hidden units of the classical control: those that bring it nearest to the quantum model's parameters."""
        quantum = replace(self, ansatz="zyz-ring").shape
        wanted = quantum.quantum + quantum.classical - self.classes
        return max(1, round(wanted / (self.features + self.classes + 1)))

    @property
    def document(self) -> dict[str, Any]:
        """As JSON: every field, but not the task where it is the default."""
        document = {"version": VERSION, **asdict(self)}
        if self.task == Architecture.task:
            del document["task"]
        return document

    @classmethod
    def from_document(cls, document: object) -> Architecture:
        """Inverse of `document`; takes no other form, so that one architecture has one digest.

        Raises:
            MalformedContent: not such a document.
            InvalidInput: a value out of range.
        """
        if not isinstance(document, dict):
            raise MalformedContent("architecture is not a JSON object")
        if document.get("version") != VERSION:
            raise MalformedContent(f"architecture version is not {VERSION}")
        given = {name: value for name, value in document.items() if name != "version"}
        if set(given) | {"task"} != {field.name for field in fields(cls)}:
            raise MalformedContent(f"architecture has the fields {sorted(given)}")
        architecture = cls(**given)
        if canonical(architecture.document) != canonical(document):
            raise MalformedContent("architecture is not in canonical form")
        return architecture


def canonical(document: Mapping[str, Any]) -> bytes:
    """JSON with sorted keys, without blanks, in ASCII: equal documents have equal bytes."""
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode("ascii")


def most_features(encoding: str, qubits: int) -> int:
    """Longest feature vector that an encoding can put into so many qubits. Raises InvalidInput: no such one."""
    encoder = ENCODERS.find(encoding, "encoding")()
    check_whole("qubits", qubits, MIN_QUBITS, MAX_QUBITS)
    return encoder.most_features(qubits)


def require_circuit(architecture: Architecture) -> None:
    """Raise InvalidInput for the classical control, whose exact result would pass for that of a device."""
    if architecture.is_classical:
        raise InvalidInput("ansatz", architecture.ansatz, "has no circuit for a device: leave the device out")
