"""`qfl export` and `qfl evaluate` as a person meets them, on a model that is on chain and IPFS."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from commands import Done, require_one_line, run_command
from qiskit import qpy
from testnet import Testnet

from qfl.devnet import Devnet
from qfl.quantum.architecture import Architecture
from qfl.training.job import JobDocument
from qfl.training.recipe import TrainingConfig

pytestmark = pytest.mark.rest

JOB = JobDocument(Architecture(qubits=6, layers=1, classes=3, head=False), TrainingConfig(steps=1), rounds=1)

Qfl = Callable[..., Done]


@pytest.fixture
def qfl(devnet: Devnet, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Qfl]:
    """Run a command on a testnet's model in this process."""
    with Testnet(devnet, tmp_path, job=JOB) as testnet:
        yield lambda command, *arguments: run_command(capsys, command, *testnet.where, *arguments)


def test_published_model_is_exported_in_both_forms(qfl: Qfl, tmp_path: Path) -> None:
    assert qfl("export", "--out", tmp_path / "model.qasm").exit_code == 0
    assert "round 0" in qfl("export", "--format", "qiskit", "--out", tmp_path / "model.qpy").output
    assert qfl("export", "--round", 7, "--out", tmp_path / "none.qasm").exit_code == 2
    assert (tmp_path / "model.qasm").read_text().startswith("OPENQASM 3.0;\n// {")
    with (tmp_path / "model.qpy").open("rb") as file:
        (circuit,) = qpy.load(file)
    assert circuit.num_qubits == JOB.architecture.qubits
    assert not (tmp_path / "none.qasm").exists()


def test_published_model_is_evaluated_exactly_and_on_a_device(qfl: Qfl, tmp_path: Path) -> None:
    rng, test = np.random.default_rng(1), tmp_path / "test.npz"
    np.savez(test, x=rng.random((40, 64)), y=rng.integers(0, 3, 40))
    exact = json.loads(qfl("evaluate", "--data", test, "--json").output)
    assert (exact["round"], exact["samples"], exact["device"]) == (0, 40, None)
    device = ["--shots", 200, "--depolarising", "0.001,0.01", "--readout", "0.02", "--repetitions", 3]
    noisy = json.loads(qfl("evaluate", "--data", test, *device, "--json").output)
    assert noisy | {"device": None} == exact
    rates = ("one_wire_error", "many_wire_error", "zero_as_one", "one_as_zero")
    assert [noisy["device"][name] for name in rates] == [0.001, 0.01, 0.02, 0.02]
    assert noisy["device"]["loss"]["mean"] == pytest.approx(exact["loss"], rel=0.3)
    assert noisy["device"]["loss"]["deviation"] > 0
    assert "(3 repetitions)" in qfl("evaluate", "--data", test, *device).output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "data = None: pass a file of test samples, or --run"),
        (["--shots", 0], "0 is not in the range 1<=x<=10000000"),
        (["--readout", "1.5"], "'1.5' is no probability: it goes from 0 to 1"),
        (["--readout", "often"], "'often' is neither a number nor two with a comma"),
        (["--depolarising", "0.1,0.1,0.1"], "is neither a number nor two"),
    ],
)
def test_what_cannot_be_evaluated_is_said(qfl: Qfl, arguments: list[object], message: str) -> None:
    assert message in require_one_line(qfl("evaluate", *arguments), 2)
