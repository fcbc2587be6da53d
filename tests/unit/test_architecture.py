"""The architecture document: its shape, its bytes, and what it refuses."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys

import pytest

from qfl.errors import InvalidInput, MalformedContent
from qfl.protocol.types import ModelShape
from qfl.quantum.architecture import Architecture


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


def test_json_is_canonical_and_its_digest_is_sha256() -> None:
    data = Architecture(encoding="amplitude", qubits=4, layers=2, classes=3, head=False, features=16).to_json()
    assert data == (
        b'{"ansatz":"zyz-ring","classes":3,"encoding":"amplitude","features":16,"head":false,"layers":2,"qubits":4,'
        b'"version":2}'
    )
    assert Architecture.from_json(data).digest() == hashlib.sha256(data).digest()


def _document(**changes: object) -> bytes:
    document = {**json.loads(Architecture().to_json()), **changes}
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"[]",
        b"[" * 100_000,
        b" " + Architecture().to_json(),
        _document(version=1),
        _document(shots=100),
    ],
    ids=["empty", "not text", "no object", "deep", "second form of one document", "version", "unknown field"],
)
def test_from_json_refuses_other_documents(data: bytes) -> None:
    with pytest.raises(MalformedContent):
        Architecture.from_json(data)


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
        Architecture.from_json(_document(**{field: value}))


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
