"""`qfl attack` as a person meets it, and a role that is started with a strategy in a process of its own."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from testnet import SHARD, Testnet, step_clients

from experiments.attacks.registry import ALL, BY_NAME
from qfl.apps.cli.main import main
from qfl.chain.contracts.beacon import Phase
from qfl.devnet import Devnet
from qfl.node.outcome import count_included
from qfl.quantum.architecture import Architecture
from qfl.simulation.driver import run_until
from qfl.training.job import JobDocument
from qfl.training.recipe import TrainingConfig

pytestmark = pytest.mark.rest

DIGITS = JobDocument(Architecture(qubits=6, layers=1, classes=3, head=False), TrainingConfig(steps=1), rounds=1)
PATIENCE_SECONDS = 300.0
"""When a wait is given up: long, for a machine that is busy with other things."""

Qfl = Callable[..., int]


@pytest.fixture
def qfl(monkeypatch: pytest.MonkeyPatch) -> Qfl:
    """Run `qfl` in this process; its exit code."""

    def run(*arguments: object) -> int:
        monkeypatch.setattr(sys, "argv", ["qfl", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # the entry point's own stays in force otherwise
        return int(ended.value.code or 0)

    return run


def test_the_list_names_every_attack(qfl: Qfl, capsys: pytest.CaptureFixture[str]) -> None:
    assert qfl("attack", "--list", "--json") == 0
    assert [entry["attack"] for entry in json.loads(capsys.readouterr().out)] == [attack.name for attack in ALL]


@pytest.mark.parametrize("arguments", [(), ("no-such-attack",)])
def test_an_unknown_attack_or_none_is_bad_input(
    qfl: Qfl, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    assert qfl("attack", *arguments) == 2
    assert "--list" in capsys.readouterr().err


def test_an_attack_that_is_stopped_ends_well_and_one_that_is_not_with_code_6(
    qfl: Qfl, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert qfl("attack", "replay-client", "--out", tmp_path / "rows.json") == 0
    assert "BadSignature" in capsys.readouterr().out
    (row,) = json.loads((tmp_path / "rows.json").read_text())
    assert (row["attack"], row["stopped_by"], row["complaints"]) == ("replay-client", ["BadSignature"], [])
    assert row["gas"] > 0
    unstopped = replace(BY_NAME["replay-client"], stopped_by=("NobodyAtAll",))
    monkeypatch.setitem(BY_NAME, "replay-client", unstopped)
    assert qfl("attack", "replay-client") == 6
    assert "not seen: NobodyAtAll" in capsys.readouterr().err


def test_a_strategy_of_another_role_is_refused(qfl: Qfl, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    options = ("--rpc", "http://127.0.0.1:9", "--ipfs", "http://127.0.0.1:9", "--key", tmp_path, "--folder", tmp_path)
    assert qfl("validator", "run", *options, "--attack", "over-norm") == 2
    assert "is for a client, not for this role" in capsys.readouterr().err


def test_a_client_started_with_an_attack_is_stopped_like_the_one_in_the_arena(devnet: Devnet, tmp_path: Path) -> None:
    with Testnet(devnet, tmp_path, job=DIGITS) as testnet:
        network = testnet.network(clients=[1, 2])
        copier, folder = testnet.join("client-3"), tmp_path / "client-3"
        number = run_until(network, Phase.COMMIT)
        testnet.keys["client-3"].close()
        step_clients(network)
        command = [
            *(sys.executable, "-c", "from qfl.apps.cli.main import main; main()", "client", "run"),
            *("--attack", "copied-commitment", "--account", "dev:3", "--share", "3/3", "--poll", "0.2"),
            *("--rpc", devnet.rpc_url, "--ipfs", devnet.ipfs_url, "--deployment", str(testnet.deployment_path)),
            *("--key", str(folder / "key.lms"), "--folder", str(folder)),
        ]
        with (tmp_path / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
            try:
                for client in network.clients:
                    assert client.commit(number)
                said = testnet.ledger.shards[SHARD].commits
                wait_for(process, lambda: copier in {one.client for one in said(number, 0)})
                run_until(network, Phase.REVEAL)
                for client in network.clients:
                    assert client.reveal(number)
                wait_for(process, lambda: "CommitmentMismatch" in (tmp_path / "log").read_text())
            finally:
                process.terminate()
        run_until(network, Phase.IDLE)
        assert count_included(network.ledger, number) == 2


def wait_for(process: subprocess.Popen[bytes], happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        assert process.poll() is None, "it has ended"
        assert time.monotonic() < deadline
        time.sleep(0.05)
