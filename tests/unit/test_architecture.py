"""The architecture document: its shape, its bytes, and what it refuses."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from qfl.errors import InvalidInput, MalformedContent
from qfl.protocol.types import ModelShape
from qfl.quantum.architecture import Architecture, canonical


def test_default_has_358_parameters() -> None:
    # 16 layers * 6 qubits * 3 angles; 10 * 6 weights and 10 biases.
    assert Architecture().shape == ModelShape(quantum=288, classical=70)


@pytest.mark.parametrize(
    ("ansatz", "angles"), [("zyz-ring", 288), ("hardware-efficient", 192), ("strongly-entangling", 288), ("u3", 576)]
)
def test_ansatz_decides_how_many_angles(ansatz: str, angles: int) -> None:
    assert Architecture(ansatz=ansatz).shape.quantum == angles


def test_classical_control_has_about_as_many_parameters() -> None:
    # 5 units of 64 inputs and 10 outputs: 5 * 75 + 10, beside 358; 4 would be 310.
    assert Architecture(ansatz="classical").shape == ModelShape(quantum=0, classical=385)


def test_without_head_all_parameters_are_angles() -> None:
    assert Architecture(layers=8, classes=6, head=False).shape == ModelShape(quantum=144, classical=0)


def test_document_has_every_field_but_the_default_task() -> None:
    architecture = Architecture(encoding="amplitude", qubits=4, layers=2, classes=3, head=False, features=16)
    assert canonical(architecture.document) == (
        b'{"ansatz":"zyz-ring","classes":3,"encoding":"amplitude","features":16,"head":false,"layers":2,"qubits":4,'
        b'"version":2}'
    )


def test_document_survives_the_way_there_and_back() -> None:
    architecture = Architecture(encoding="angle", qubits=3, layers=5, classes=7, features=12)
    assert Architecture.from_document(json.loads(canonical(architecture.document))) == architecture


@pytest.mark.parametrize(
    "document",
    [
        [],
        {},
        {**Architecture().document, "version": 1},
        {**Architecture().document, "version": 2.0},
        {**Architecture().document, "shots": 100},
        {**Architecture().document, "task": "classification"},
    ],
    ids=["no object", "empty", "version", "second form of a number", "unknown field", "second form of one document"],
)
def test_from_document_refuses_other_documents(document: object) -> None:
    with pytest.raises(MalformedContent):
        Architecture.from_document(document)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("encoding", "basis"),
        ("ansatz", "qaoa"),
        ("qubits", 1),
        ("qubits", 13),
        ("qubits", 6.0),
        ("layers", 0),
        ("layers", True),
        ("classes", 1),
        ("features", 0),
        ("features", 65),
        ("head", 1),
    ],
)
def test_refuses_values_out_of_range(field: str, value: object) -> None:
    with pytest.raises(InvalidInput, match=f"^{field} = "):
        Architecture.from_document({**Architecture().document, field: value})


def test_refuses_more_classes_than_qubits_without_a_head() -> None:
    with pytest.raises(InvalidInput, match="there are 6"):
        Architecture(classes=7, head=False)


def test_angle_encoding_takes_four_features_per_qubit() -> None:
    Architecture(encoding="angle", qubits=4, features=16)
    with pytest.raises(InvalidInput, match="1 to 16"):
        Architecture(encoding="angle", qubits=4, features=17)


def test_settings_and_data_import_without_torch() -> None:
    code = (
        "import sys, qfl.quantum.architecture, qfl.quantum.config;"
        "import qfl.training.data.datasets, qfl.training.data.partition;"
        "sys.exit(bool({'torch', 'torchquantum', 'torchvision', 'sklearn'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
