"""`qfl export` as a person meets it: the model on chain and IPFS becomes a file that Qiskit reads."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest
from qiskit import qpy
from town import Town

from qfl.cli.main import main
from qfl.devnet import Devnet
from qfl.job import JobDocument
from qfl.quantum.architecture import Architecture
from qfl.quantum.config import TrainingConfig

JOB = JobDocument(Architecture(qubits=6, layers=1, classes=3, head=False), TrainingConfig(steps=1), rounds=1)


def test_published_model_is_exported_in_both_forms(
    devnet: Devnet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Town(devnet, tmp_path, job=JOB) as town:
        where = ["--rpc", devnet.rpc_url, "--ipfs", devnet.ipfs_url, "--deployment", str(town.deployment_path)]

        def export(*arguments: str) -> int:
            monkeypatch.setattr(sys, "argv", ["qfl", "export", *where, *arguments])
            with pytest.raises(SystemExit) as ended:
                main()
            signal.signal(signal.SIGTERM, signal.SIG_DFL)  # the entry point's own stays in force otherwise
            return int(ended.value.code or 0)

        assert export("--out", str(tmp_path / "model.qasm")) == 0
        assert export("--format", "qiskit", "--out", str(tmp_path / "model.qpy")) == 0
        assert "round 0" in capsys.readouterr().out
        assert export("--round", "7", "--out", str(tmp_path / "none.qasm")) == 2
    assert (tmp_path / "model.qasm").read_text().startswith("OPENQASM 3.0;\n// {")
    with (tmp_path / "model.qpy").open("rb") as file:
        (circuit,) = qpy.load(file)
    assert circuit.num_qubits == JOB.architecture.qubits
    assert not (tmp_path / "none.qasm").exists()
