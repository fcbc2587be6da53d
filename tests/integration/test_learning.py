"""One model, wherever training runs: on a chain, in a federation without one, on Ray, whatever the workers do.

Catches learning code that only one of them has, and batches that depend on the machine.
"""

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
from jobs import run

from experiments.learning.federation import Federation
from qfl.devnet.process import choose_port
from qfl.errors import WorkersFailed
from qfl.protocol.content import content_digest, encode
from qfl.protocol.types import RoundNumber, TrainingTask
from qfl.simulation.config import JobConfig, load_config
from qfl.simulation.prepare import prepare_job
from qfl.training.ray_trainer import RayTrainer
from qfl.training.trainer import LocalTrainer
from qfl.training.training import initial_parameters

pytestmark = pytest.mark.rest

JOB = JobConfig(
    clients=4,
    rounds=3,
    key_height=5,
    central_epochs=0,
    challenger=False,
    seed=5,
    partition="dirichlet:0.5",
    model={"qubits": 4, "layers": 2},
    training={"steps": 5},
)


RECIPES = [
    pytest.param({}, id="momentum and control variates"),
    pytest.param({"optimiser": "adam", "learning_rate": 0.03, "control_variates": False}, id="adam"),
]


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_models_are_those_of_a_run_on_a_chain(recipe: dict[str, object], tmp_path: Path) -> None:
    """From the second round on, what a client kept on disk and what the chain published decide its steps too."""
    config = replace(JOB, training={**JOB.training, **recipe})
    document = run(config, tmp_path / "run")
    job, _, shares = prepare_job(config)
    federation = Federation(config, job, shares)
    published = [federation.step() for _ in range(config.rounds)]
    assert document["final"]["model_digest"] == "0x" + content_digest(encode(published[-1].model)).hex()


# --- on Ray ---


MANY_CLIENTS = replace(JOB, clients=18, rounds=1)
"""More clients than one batch holds, so that Ray trains them apart."""


needs_ray = pytest.mark.skipif(find_spec("ray") is None, reason="ray missing: pip install -e '.[ray]'")


@needs_ray
def test_a_cluster_that_is_not_there_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    job, _, shares = prepare_job(MANY_CLIENTS)
    monkeypatch.setenv("RAY_ADDRESS", f"127.0.0.1:{choose_port(0, 'nobody')}")
    with pytest.raises(WorkersFailed, match="Connection refused"), RayTrainer(job, shares):
        pytest.fail("there is no cluster")


@needs_ray
def test_ray_and_one_process_give_the_same_model(tmp_path: Path) -> None:
    local = run(MANY_CLIENTS, tmp_path / "local")
    ray = run(replace(MANY_CLIENTS, executor="ray"), tmp_path / "ray")
    assert ray["rounds"][0]["included"] == 18
    assert ray["final"]["model_digest"] == local["final"]["model_digest"]


OWN = """
from qfl.quantum.encoders.angle import Angle
from qfl.quantum.registry import ENCODERS

@ENCODERS.register("angle-elsewhere")
class Mine(Angle): ...
"""


@needs_ray
def test_workers_know_what_a_job_file_names(tmp_path: Path) -> None:
    """`package.module:Name`, of a module beside the file, which no worker has imported."""
    (tmp_path / "elsewhere.py").write_text(OWN)
    path = tmp_path / "job.toml"
    path.write_text(
        'clients = 2\n[model]\nqubits = 4\nlayers = 1\nencoding = "elsewhere:Mine"\n[training]\nsteps = 2\n'
    )
    job, _, shares = prepare_job(load_config(path))
    model = initial_parameters(job.architecture, 1)
    tasks = [TrainingTask(*model, seed, RoundNumber(1)) for seed in (1, 2)]
    expected = LocalTrainer(job, shares).train(tasks, [0, 1])
    with RayTrainer(job, shares) as trainer:
        found = trainer.train(tasks, [0, 1])
    for one, other in zip(expected, found, strict=True):
        assert one.angles.tolist() == other.angles.tolist()
