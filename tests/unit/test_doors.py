"""What others add: one file each, in a package of their own or beside their job, and what a job document may name.

The package is examples/qfl_example: installed, as far as Python can tell, for what runs in a process of its own here.
"""

import json
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from qfl.doors import Door
from qfl.errors import DoorBroken, InvalidInput, NotInstalled
from qfl.quantum.architecture import Architecture
from qfl.quantum.registry import ENCODERS, TASKS, Encoder
from qfl.simulation.config import JobConfig, load_config
from qfl.training.data.datasets import DATASETS
from qfl.training.data.partition import own_partition
from qfl.training.job import JobDocument
from qfl.training.recipe import TrainingConfig
from qfl.training.trainer import EXECUTORS

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
JOB = """
clients = 2
rounds = 2
dataset = "{0}iris{1}load_iris"
[model]
qubits = 4
layers = 2
encoding = "{0}phase{1}Phase"
ansatz = "{0}brickwork{1}Brickwork"
task = "{0}ordinal{1}Ordinal"
[training]
steps = 15
learning_rate = 0.03
control_variates = false
optimiser = "{0}signs{1}Signs"
"""
REFERENCES = JOB.format("qfl_example.", ":")
NAMES = re.sub(r"qfl_example\.(\w+):\w+", r"\1", REFERENCES)
"""The same job, by what is installed and by what is beside it."""
LEARN = """
import sys
from pathlib import Path
from qfl.simulation.config import load_config
from experiments.learning.federation import Federation
from qfl.simulation.prepare import prepare_job
from qfl.protocol.state import from_state
from qfl.training.training import evaluate

config = load_config(Path(sys.argv[1]))
job, dataset, shares = prepare_job(config)
federation = Federation(config, job, shares)

def loss():
    model = federation.model
    return evaluate(job.architecture, *from_state(model.lanes, model.shape), dataset.test)

before = loss()
for _ in range(config.rounds):
    federation.step()
after = loss()
assert after.loss < 0.8 * before.loss, (before.loss, after.loss)
assert after.accuracy > 0.7, after.accuracy
print(job.to_json().decode())
"""


def run(*arguments: object, path: list[Path]) -> subprocess.CompletedProcess[str]:
    """Python with those arguments, and those folders on its search path."""
    found = os.pathsep.join(map(str, [ROOT, *path]))
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, env={**os.environ, "PYTHONPATH": found}, capture_output=True, text=True, check=False)


@pytest.fixture
def installed(tmp_path: Path) -> list[Path]:
    """The folders of the example package and of what an installer writes about it."""
    groups = tomllib.loads((EXAMPLES / "pyproject.toml").read_text())["project"]["entry-points"]
    lines = [f"[{group}]\n" + "".join(f"{name} = {of}\n" for name, of in own.items()) for group, own in groups.items()]
    folder = tmp_path / "site" / "qfl_example-1.0.0.dist-info"
    folder.mkdir(parents=True)
    (folder / "entry_points.txt").write_text("\n".join(lines))
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: qfl-example\nVersion: 1.0.0\n")
    return [EXAMPLES, folder.parent]


def learn(job: Path, path: list[Path]) -> dict[str, Any]:
    """Train the job's federation, without a chain; its job document."""
    done = run("-c", LEARN, job, path=path)
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def test_a_strangers_entries_train_a_federation(installed: list[Path], tmp_path: Path) -> None:
    """An encoder, an ansatz, a data set, a task and a recipe, by the names they are installed under."""
    path = tmp_path / "job.toml"
    path.write_text(NAMES)
    document = learn(path, installed)
    chosen = {name: document["architecture"][name] for name in ("encoding", "ansatz", "task")}
    assert chosen == {"encoding": "phase", "ansatz": "brickwork", "task": "ordinal"}
    assert document["training"]["optimiser"] == "signs"


def test_files_beside_a_job_make_the_same_job(installed: list[Path], tmp_path: Path) -> None:
    """`package.module:Name` in a person's own job file; the document has the names, for others to look up."""
    path = tmp_path / "job.toml"
    path.write_text(NAMES)
    (tmp_path / "qfl_example").symlink_to(EXAMPLES / "qfl_example")
    (tmp_path / "own.toml").write_text(REFERENCES)
    assert learn(tmp_path / "own.toml", []) == learn(path, installed)


def test_a_strangers_command_is_one_of_qfl(installed: list[Path]) -> None:
    """It lists what its package has installed, and runs none of it."""
    main = "from qfl.apps.cli.main import main; main()"
    assert "entries " in run("-c", main, "--help", path=installed).stdout
    listed = run("-c", main, "entries", path=installed).stdout
    assert "encoder: amplitude, angle, centred-amplitude, phase, reuploading" in listed
    assert "data set: digits, fashion-mnist, iris, mnist" in listed


def changed(table: str, **values: object) -> bytes:
    """The bytes of a job document with other values in one of its tables."""
    document = json.loads(JobDocument(Architecture(), TrainingConfig(), 1).to_json())
    document[table] |= values
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("table", "setting", "name", "kind"),
    [
        ("architecture", "encoding", "phase", "encoder"),
        ("architecture", "ansatz", "brickwork", "ansatz"),
        ("architecture", "task", "ordinal", "task"),
        ("training", "optimiser", "signs", "recipe"),
    ],
)
def test_a_job_that_names_what_is_not_installed_is_refused(table: str, setting: str, name: str, kind: str) -> None:
    """The error names the setting, the kind and the remedy."""
    text = f"{setting} = '{name}': no such {kind} is installed; here are .*: install the package that has it"
    with pytest.raises(NotInstalled, match=text):
        JobDocument.from_json(changed(table, **{setting: name}))


def test_a_job_document_makes_nobody_import_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its author is anybody: a module's name in it is a name like any other."""
    (tmp_path / "trap.py").write_text("raise SystemExit('sprung')")
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("encoding", "ansatz", "task"):
        with pytest.raises(NotInstalled):
            JobDocument.from_json(changed("architecture", **{name: "trap:Trap"}))
    with pytest.raises(NotInstalled):
        TrainingConfig(optimiser="trap:Trap")
    with pytest.raises(NotInstalled):
        JobConfig(executor="trap:Trap")
    assert "trap" not in sys.modules


def test_a_default_task_is_not_in_the_document() -> None:
    """So the documents of before have the digests of before; and there is one form for each."""
    document = Architecture().document
    assert "task" not in document
    with pytest.raises(Exception, match="canonical"):
        Architecture.from_document({**document, "task": "classification"})


def test_the_classical_control_has_no_task_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its outputs are logits, whatever a task would read out of a circuit."""
    monkeypatch.setattr(
        TASKS, "_own", {name: TASKS.find(name) for name in TASKS} | {"other": TASKS.find("classification")}
    )
    with pytest.raises(InvalidInput, match="task = 'other': the classical control has no qubits"):
        Architecture(ansatz="classical", task="other")


def write_module(folder: Path, text: str) -> Path:
    """A module, and a job file beside it that names an encoder in it."""
    name = f"own_{folder.name.replace('-', '_')}"
    (folder / f"{name}.py").write_text(text)
    (folder / "job.toml").write_text(f'[model]\nencoding = "{name}:Mine"\n')
    return folder / "job.toml"


def test_an_entry_without_a_name_is_refused(tmp_path: Path) -> None:
    """Nobody else could say in his own installation what the job means."""
    job = write_module(tmp_path, "from qfl.quantum.encoders.angle import Angle\nclass Mine(Angle): ...\n")
    with pytest.raises(InvalidInput, match=r"encoding = 'own_.*:Mine': is no encoder with a name: register it"):
        load_config(job)


def test_nobody_takes_anothers_name() -> None:
    """Everybody's job would mean something else without a word."""
    with pytest.raises(DoorBroken, match=r"the encoder angle .* two of this name"):
        ENCODERS.register("angle")(Encoder)


def test_an_installed_entry_of_another_kind_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(vars(ENCODERS), "_installed", {"bogus": [EntryPoint("bogus", "os:system", ENCODERS.group)]})
    with pytest.raises(DoorBroken, match=r"the encoder os:system .* it is no Encoder"):
        ENCODERS.find("bogus")


def test_an_executor_that_is_no_trainer_is_refused(tmp_path: Path) -> None:
    """Before the deployment, not when its first round is to be trained."""
    text = (
        "from qfl.training.trainer import EXECUTORS, Trainer\n\n"
        "@EXECUTORS.register('idle')\nclass Idle(Trainer): ...\n\n"
        "@EXECUTORS.register('strange')\nclass Strange: ...\n"
    )
    (tmp_path / "own_executors.py").write_text(text)
    with pytest.raises(DoorBroken, match=r"the executor own_executors:Idle .* it lacks train"):
        EXECUTORS.own_name("own_executors:Idle", beside=tmp_path)
    with pytest.raises(DoorBroken, match=r"the executor own_executors:Strange .* it is no Trainer"):
        EXECUTORS.own_name("own_executors:Strange", beside=tmp_path)


@pytest.mark.parametrize(
    ("entry", "reason"),
    [("def load(): ...", "too many"), ("def load(a, b): ...", "missing"), ("load = 3", "not a callable")],
)
def test_a_data_set_that_takes_no_source_is_refused(tmp_path: Path, entry: str, reason: str) -> None:
    name = f"own_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(
        f"from qfl.training.data.datasets import DATASETS\n{entry}\nDATASETS.register({name!r})(load)\n"
    )
    with pytest.raises(DoorBroken, match=f"the data set {name}:load .*{reason}"):
        DATASETS.own_name(f"{name}:load", beside=tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "from qfl.quantum.registry import *\n@ENCODERS.register('bare')\nclass Mine(Encoder): ...\n",
            "it lacks most_features",
        ),
        ("import asyncio\nraise asyncio.CancelledError\n", r"cannot be loaded \(CancelledError"),
        ("1 / 0\n", r"the encoder own_.*:Mine cannot be loaded \(ZeroDivisionError: division"),
    ],
    ids=["lacks methods", "cancelled", "fails"],
)
def test_a_module_that_fails_in_any_way_is_one_error(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DoorBroken, match=said):
        load_config(write_module(tmp_path, text))


def test_an_installed_entry_does_not_replace_one_of_the_house(installed: list[Path]) -> None:
    entries = installed[1] / "qfl_example-1.0.0.dist-info" / "entry_points.txt"
    entries.write_text(entries.read_text().replace("phase =", "angle ="))
    code = "from qfl.quantum.registry import ENCODERS; print(ENCODERS.find('angle').__module__)"
    assert run("-c", code, path=installed).stdout.strip() == "qfl.quantum.encoders.angle"


def test_two_packages_with_one_name_are_named(installed: list[Path]) -> None:
    """Which of them is meant depends on no order of installation."""
    twin = installed[1] / "twin-1.0.dist-info"
    twin.mkdir()
    (twin / "entry_points.txt").write_text("[qfl.encoders]\nphase = os:system\n")
    (twin / "METADATA").write_text("Metadata-Version: 2.1\nName: twin\nVersion: 1.0\n")
    code = "from qfl.quantum.registry import ENCODERS; print(ENCODERS.find('angle').__name__); ENCODERS.find('phase')"
    done = run("-c", code, path=installed)
    assert done.stdout.strip() == "Angle"
    assert "the encoder phase cannot be loaded (qfl-example and twin each bring one of this name)" in done.stderr


def test_a_partition_of_ones_own_keeps_its_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`package.module:Name:value`, beside `name:value`."""
    text = (
        "from qfl.training.data.partition import PARTITIONS\n\n"
        '@PARTITIONS.register("own-halves")\nclass Halves(PARTITIONS.find("iid")):\n    form = "own-halves:1"\n'
    )
    (tmp_path / "own_halves.py").write_text(text)
    assert own_partition("own_halves:Halves:0.5", tmp_path) == "own-halves:0.5"
    for plain in ("iid", "dirichlet:0.5", "classes:two", "own-halves:0.5"):
        assert own_partition(plain) == plain


def test_a_door_reads_its_home_once_it_is_asked() -> None:
    door: Door[type[Encoder]] = Door("thing", "json")
    assert door.names() == []
    with pytest.raises(NotInstalled, match="no such thing is installed; here is none"):
        door.find("anything")


def test_the_guide_shows_the_example_as_it_is() -> None:
    shown = re.findall(r"```python\n(.*?)```", (ROOT / "docs/guides/doors.md").read_text(), re.DOTALL)
    files = [file.read_text() for file in (EXAMPLES / "qfl_example").glob("*.py") if file.name != "__init__.py"]
    assert sorted(shown) == sorted(files)
