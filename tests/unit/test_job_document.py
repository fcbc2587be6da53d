"""The job document and its architecture: what a client that joins learns, and what it must not swallow."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from qfl.errors import ContentMissing, ContentTooLarge, InvalidInput, MalformedContent
from qfl.protocol.types import ModelShape
from qfl.quantum.architecture import Architecture, canonical
from qfl.storage.store import MemoryStore
from qfl.training.job import LONGEST_BYTES, JobDocument, fetch_job, training_config
from qfl.training.recipe import TrainingConfig

JOB = JobDocument(Architecture(), TrainingConfig(learning_rate=0.1), rounds=10)


def changed(**values: object) -> bytes:
    return json.dumps({**json.loads(JOB.to_json()), **values}).encode()


def test_job_comes_back_from_the_store():
    store = MemoryStore()
    assert store.put(JOB.to_json()) == JOB.digest()
    assert fetch_job(store, JOB.digest()) == JOB


def test_every_setting_is_in_the_digest():
    """Two clients that read one digest must train alike."""
    others = [
        replace(JOB, rounds=11),
        replace(JOB, training=TrainingConfig(learning_rate=0.2)),
        replace(JOB, architecture=Architecture(layers=3)),
        replace(JOB, mode="private"),
    ]
    assert len({job.digest() for job in [JOB, *others]}) == 5


def test_learning_rate_falls_and_stays_down_after_the_last_planned_round():
    """Rounds that fail are repeated under new numbers, so a run goes past the number it planned."""
    rates = [replace(JOB, rounds=100).training_in(number).learning_rate for number in (1, 50, 100, 101, 500)]
    assert rates[0] == 0.1
    assert rates[0] > rates[1] > rates[2] == rates[3] == rates[4] == pytest.approx(0.005, rel=0.01)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"[]", id="list"),
        pytest.param(b"{}", id="nothing in it"),
        pytest.param(b"\xff\xfe", id="no UTF-8"),
        pytest.param(b"[" * LONGEST_BYTES, id="deep"),
        pytest.param(changed(version=1), id="version"),
        pytest.param(changed(architecture=5), id="architecture"),
        pytest.param(changed(training={"epochs": 3}), id="unknown training field"),
        pytest.param(changed(training=[]), id="training"),
    ],
)
def test_what_is_no_job_is_refused(data):
    """The deployer puts these bytes there; every client reads them."""
    with pytest.raises(MalformedContent):
        JobDocument.from_json(data)


def test_what_only_some_would_read_is_refused():
    """Left out by those who do not know it, it would not be in the digest that they compute."""
    with pytest.raises(MalformedContent, match="job document has unknown fields: epochs, seed"):
        JobDocument.from_json(changed(seed=1, epochs=3))


@pytest.mark.parametrize("rounds", [0, -1, True, "10", 2.5, float("inf"), None, 10**12, 10**400])
def test_number_of_rounds_that_cannot_be_planned_for_is_refused(rounds):
    """The learning rate of a round divides by it."""
    with pytest.raises(InvalidInput, match="rounds = "):
        JobDocument.from_json(changed(rounds=rounds))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("steps", 10**12),
        ("steps", 10**400),
        ("batch_size", 10**12),
        ("learning_rate", 10**400),
        ("learning_rate", float("inf")),
        ("momentum", float("nan")),
        ("proximal", 10**400),
        ("sent_share", 10**400),
        ("privacy_clip", 10**400),
        ("privacy_clip", float("inf")),
        ("privacy_noise", 10**400),
        ("privacy_noise", 5e-324),
    ],
)
def test_recipe_that_nobody_could_follow_is_refused(name, value):
    """Its author is anybody: a client that joined would compute for ever, or end with a traceback."""
    recipe = {**json.loads(JOB.to_json())["training"], "privacy_clip": 1.0, "privacy_noise": 1.0, name: value}
    with pytest.raises(InvalidInput, match=f"^{name} = "):
        JobDocument.from_json(changed(training=recipe))


def test_recipe_of_too_many_samples_in_all_is_refused():
    """All of a round's sample numbers are drawn before its first step."""
    with pytest.raises(InvalidInput, match="163,840,000 samples in 10000 steps"):
        TrainingConfig(steps=10_000, batch_size=2**14)


@pytest.mark.parametrize("name", ["qubits", "layers", "classes", "features"])
def test_architecture_without_end_is_refused(name):
    architecture = {**json.loads(JOB.to_json())["architecture"], name: 10**400}
    with pytest.raises(InvalidInput, match=f"^{name} = about 10\\^400"):
        JobDocument.from_json(changed(architecture=architecture))


@pytest.mark.parametrize("mode", ["", "Private", None, 1])
def test_unknown_mode_is_refused(mode):
    with pytest.raises(InvalidInput, match=r"mode = .*: choose one of transparent, private"):
        JobDocument.from_json(changed(mode=mode))


def test_endless_document_is_not_read():
    store = MemoryStore()
    digest = store.put(b" " * (LONGEST_BYTES + 1))
    with pytest.raises(ContentTooLarge):
        fetch_job(store, digest)
    with pytest.raises(ContentMissing):
        fetch_job(store, b"d" * 32)


def test_unknown_training_setting_of_a_config_file_is_named():
    with pytest.raises(InvalidInput, match="epochs"):
        training_config({"epochs": 3})


# --- the architecture ---


@pytest.mark.parametrize(
    ("architecture", "angles", "weights"),
    [
        (Architecture(), 16 * 6 * 3, 10 * 6 + 10),  # layers, qubits, angles; weights and biases
        (Architecture(ansatz="hardware-efficient"), 192, 70),
        (Architecture(ansatz="strongly-entangling"), 288, 70),
        (Architecture(ansatz="u3"), 576, 70),
        (Architecture(layers=8, classes=6, head=False), 144, 0),
        # About as many: 5 units of 64 inputs and 10 outputs, 5 * 75 + 10, beside 358; 4 would be 310.
        (Architecture(ansatz="classical"), 0, 385),
    ],
)
def test_shape_is_what_circuit_and_head_take(architecture: Architecture, angles: int, weights: int) -> None:
    assert architecture.shape == ModelShape(angles, weights)


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
