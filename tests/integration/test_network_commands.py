"""Commands on a real chain: what becomes of its model, arguments that nobody can mean, addresses that hold a login."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from commands import Done, require_one_line, run_command
from qiskit import qpy
from testnet import Testnet, fresh_testnet

from qfl.devnet import Devnet, DevnetConfig
from qfl.devnet.process import choose_port
from qfl.quantum.architecture import Architecture
from qfl.training.job import JobDocument
from qfl.training.recipe import TrainingConfig

pytestmark = pytest.mark.rest

LOGIN, SECRET = "somebody:hunter2", "hunter2"


def with_login(url: str) -> str:
    return url.replace("http://", f"http://{LOGIN}@")


testnet = fresh_testnet("module", clients=1)


@pytest.mark.parametrize(
    ("command", "exit_code"),
    [
        ("inspect round 9223372036854775807", 2),
        ("inspect shard 65535", 2),
        ("inspect shard 0 --round 9223372036854775807", 2),
        ("inspect participant 4294967295", 2),
        ("inspect update 1 1", 2),
        ("inspect model 9223372036854775807", 2),
        ("inspect tx 0x12", 2),
        ("inspect tx nothing", 2),
        (f"inspect tx 0x{'0' * 64}", 2),
        (f"inspect dispute 0x{'0' * 64}", 2),
        ("stake withdraw 4294967295", 3),
        ("stake top-up 4294967295 --stake 1", 3),
        ("export --ipfs http://127.0.0.1:9 --out model.qasm", 4),
    ],
)
def test_arguments_that_name_nothing_end_in_one_line(
    testnet: Testnet, command: str, exit_code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    place = ["--rpc", testnet.devnet.rpc_url, "--deployment", str(testnet.deployment_path)]
    require_one_line(run_command(capsys, *command.split(), *place), exit_code)


def test_a_node_that_does_not_answer_is_named_without_the_login(
    testnet: Testnet, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = with_login(f"http://127.0.0.1:{choose_port(0, 'nobody')}")
    monkeypatch.setenv("QFL_RPC", silent)
    deployment = ["--deployment", str(testnet.deployment_path)]
    line = require_one_line(run_command(capsys, "inspect", "round", "1", *deployment), 3)
    assert SECRET not in line
    assert "no chain answers at http://***@127.0.0.1:" in line
    network = ["--rpc", testnet.devnet.rpc_url, *deployment, "--ipfs", silent]
    line = require_one_line(run_command(capsys, "export", "--out", "model.qasm", *network), 4)
    assert SECRET not in line


def test_a_node_with_a_login_is_shown_without_it(testnet: Testnet, capsys: pytest.CaptureFixture[str]) -> None:
    rpc = with_login(testnet.devnet.rpc_url)
    done = run_command(capsys, "inspect", "shard", "0", "--rpc", rpc, "--deployment", str(testnet.deployment_path))
    assert done.exit_code == 0, done.errors
    assert SECRET not in done.output + done.errors
    assert f"rpc: {testnet.devnet.rpc_url.replace('http://', 'http://***@')}" in done.output


def texts(folder: Path) -> Iterator[tuple[Path, bytes]]:
    return ((path, path.read_bytes()) for path in folder.rglob("*") if path.is_file())


def test_a_run_leaves_no_login_in_its_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """People publish run folders, and send reports and deployment files around."""
    job = tmp_path / "job.toml"
    job.write_text("key_height = 5\ncentral_epochs = 0\n[model]\nqubits = 6\nlayers = 1\n[training]\nsteps = 1\n")
    with Devnet(DevnetConfig(tmp_path / "net", shard_chains=1)) as net:
        (shard,) = map(with_login, net.shard_rpc_urls)
        network = ["--rpc", with_login(net.rpc_url), "--shard-rpc", shard, "--ipfs", with_login(net.ipfs_url)]
        out = tmp_path / "run"

        def run(*arguments: str) -> Done:
            size = ["--clients", "2", "--rounds", "1", "--shard-chains", "--no-plots"]
            return run_command(capsys, "run", "--config", str(job), "--out", str(out), *size, *network, *arguments)

        done = run()
        assert done.exit_code == 0, done.errors
        assert SECRET not in done.output + done.errors
        assert not [path for path, data in texts(out) if SECRET.encode() in data]
        # The file has the shard's address without its login, and says so to whoever would need it.
        deployment = ["--deployment", str(out / "deployment.json"), "--rpc", net.rpc_url]
        line = require_one_line(run_command(capsys, "mirror", "status", *deployment), 2)
        assert "pass --shard-rpc" in line
        assert run_command(capsys, "mirror", "status", *deployment, "--shard-rpc", shard).exit_code == 0
        # A run that cannot begin, since its node is gone, deletes nothing; one that can begins anew.
        before = dict(texts(out))
        network[1] = "http://127.0.0.1:9"
        require_one_line(run("--overwrite"), 3)
        assert dict(texts(out)) == before


# --- qfl export and qfl evaluate ---


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
