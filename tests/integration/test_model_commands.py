"""`qfl export` and `qfl evaluate` as a person meets them, on a model that is on chain and IPFS."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from qiskit import qpy
from testnet import Testnet

from qfl.apps.cli.main import main
from qfl.devnet import Devnet
from qfl.quantum.architecture import Architecture
from qfl.training.job import JobDocument
from qfl.training.recipe import TrainingConfig

pytestmark = pytest.mark.rest

JOB = JobDocument(Architecture(qubits=6, layers=1, classes=3, head=False), TrainingConfig(steps=1), rounds=1)

Qfl = Callable[..., int]


@pytest.fixture
def qfl(devnet: Devnet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Qfl]:
    """Run a command on a town's model in this process, as its entry point does; returns the exit code."""
    with Testnet(devnet, tmp_path, job=JOB) as testnet:
        where = ["--rpc", devnet.rpc_url, "--ipfs", devnet.ipfs_url, "--deployment", str(testnet.deployment_path)]

        def run(command: str, *arguments: object) -> int:
            monkeypatch.setattr(sys, "argv", ["qfl", command, *where, *map(str, arguments)])
            with pytest.raises(SystemExit) as ended:
                main()
            signal.signal(signal.SIGTERM, signal.SIG_DFL)  # the entry point's own stays in force otherwise
            return int(ended.value.code or 0)

        yield run


def test_published_model_is_exported_in_both_forms(
    qfl: Qfl, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert qfl("export", "--out", tmp_path / "model.qasm") == 0
    assert qfl("export", "--format", "qiskit", "--out", tmp_path / "model.qpy") == 0
    assert "round 0" in capsys.readouterr().out
    assert qfl("export", "--round", 7, "--out", tmp_path / "none.qasm") == 2
    assert (tmp_path / "model.qasm").read_text().startswith("OPENQASM 3.0;\n// {")
    with (tmp_path / "model.qpy").open("rb") as file:
        (circuit,) = qpy.load(file)
    assert circuit.num_qubits == JOB.architecture.qubits
    assert not (tmp_path / "none.qasm").exists()


def test_published_model_is_evaluated_exactly_and_on_a_device(
    qfl: Qfl, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng, test = np.random.default_rng(1), tmp_path / "test.npz"
    np.savez(test, x=rng.random((40, 64)), y=rng.integers(0, 3, 40))
    assert qfl("evaluate", "--data", test, "--json") == 0
    exact = json.loads(capsys.readouterr().out)
    assert (exact["round"], exact["samples"], exact["device"]) == (0, 40, None)
    device = ["--shots", 200, "--depolarising", "0.001,0.01", "--readout", "0.02", "--repetitions", 3]
    assert qfl("evaluate", "--data", test, *device, "--json") == 0
    noisy = json.loads(capsys.readouterr().out)
    assert noisy | {"device": None} == exact
    rates = ("one_wire_error", "many_wire_error", "zero_as_one", "one_as_zero")
    assert [noisy["device"][name] for name in rates] == [0.001, 0.01, 0.02, 0.02]
    assert noisy["device"]["loss"]["mean"] == pytest.approx(exact["loss"], rel=0.3)
    assert noisy["device"]["loss"]["deviation"] > 0
    assert qfl("evaluate", "--data", test, *device) == 0
    assert "(3 repetitions)" in capsys.readouterr().out


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
def test_what_cannot_be_evaluated_is_said(
    qfl: Qfl, capsys: pytest.CaptureFixture[str], arguments: list[object], message: str
) -> None:
    assert qfl("evaluate", *arguments) == 2
    assert message in capsys.readouterr().err.replace("\n", " ")
