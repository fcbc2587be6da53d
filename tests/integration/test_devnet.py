"""The devnet with its real programs, above all how they end."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from waiting import PATIENCE_SECONDS, wait_until

import qfl.devnet.devnet
from qfl.apps.cli.devnet import devnet as devnet_command
from qfl.devnet import Devnet, DevnetConfig, health, process, programs
from qfl.devnet.config import ChainKind
from qfl.devnet.health import call_chain
from qfl.devnet.process import GuardedProcess
from qfl.errors import (
    DevnetPartEnded,
    DevnetRunning,
    DidNotStart,
    NoDevnet,
    PartNotConfigured,
    PortInUse,
    ProgramMissing,
)

ANVIL_ACCOUNT_0 = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266"
NOBODY = "0x00000000000000000000000000000000000000aa"


def chain_only(folder: Path, **settings: Any) -> DevnetConfig:
    return DevnetConfig(folder, with_ipfs=False, **settings)


def send_one_wei(url: str) -> None:
    """Returns once it is in a block."""
    sent = call_chain(url, "eth_sendTransaction", {"from": ANVIL_ACCOUNT_0, "to": NOBODY, "value": "0x1"})
    wait_until(lambda: call_chain(url, "eth_getTransactionReceipt", sent) is not None, f"{sent} is in no block")


def balance_of(url: str, account: str) -> int:
    return int(call_chain(url, "eth_getBalance", account, "latest"), 16)


def latest_block(url: str) -> tuple[int, int]:
    """Number and timestamp."""
    block = call_chain(url, "eth_getBlockByNumber", "latest", False)
    return int(block["number"], 16), int(block["timestamp"], 16)


def exists(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    try:
        os.kill(pid, 0)
        # In a container whose first process does not wait for orphans, the dead stay in the list.
        return not (stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] == "Z")
    except (ProcessLookupError, FileNotFoundError):  # gone, or gone between the two looks
        return False


def wait_until_gone(pids: list[int]) -> None:
    wait_until(lambda: not any(map(exists, pids)), f"of the processes {pids} some outlived their devnet")


def run_command(*arguments: str) -> Result:
    return CliRunner().invoke(devnet_command, arguments)


class Foreground:
    """`qfl devnet up` in a process of its own, as in a terminal."""

    def __init__(self, folder: Path) -> None:
        code = "from qfl.apps.cli.devnet import devnet; devnet()"
        options = ["up", "--folder", str(folder), "--rpc-port", "0", "--ipfs-port", "0"]
        self.process = subprocess.Popen([sys.executable, "-c", code, *options], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.lines = list(iter(self.process.stdout.readline, "Ctrl-C ends it.\n"))
        state = json.loads((folder / "devnet.json").read_text())
        self.pids: list[int] = [part["pid"] for part in state["parts"]]


@pytest.fixture
def foreground(tmp_path: Path) -> Iterator[Foreground]:
    running = Foreground(tmp_path)
    yield running
    running.process.kill()
    running.process.wait()
    assert running.process.stdout is not None
    running.process.stdout.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_up_ends_with_everything_it_started(foreground: Foreground, tmp_path: Path, number: int) -> None:
    assert any(line.startswith("chain     http://127.0.0.1:") for line in foreground.lines)
    assert any(line.startswith("ipfs      http://127.0.0.1:") for line in foreground.lines)
    foreground.process.send_signal(number)
    assert foreground.process.wait(PATIENCE_SECONDS) == 0
    assert not any(exists(pid) for pid in foreground.pids)
    assert not (tmp_path / "devnet.json").exists()


def test_kill_9_leaves_nothing_behind(foreground: Foreground, tmp_path: Path) -> None:
    foreground.process.kill()
    wait_until_gone(foreground.pids)
    # Nor does the state file that it could not remove mislead anybody.
    assert isinstance(run_command("status", "--folder", str(tmp_path)).exception, NoDevnet)
    with Devnet(chain_only(tmp_path)) as again:
        assert again.status().is_healthy


# The guard asks for it by prctl(2), which other systems do not have: there a killed parent leaves its programs behind.
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death: run it there")
def test_a_program_does_not_outlive_its_guard(tmp_path: Path) -> None:
    with Devnet(chain_only(tmp_path)) as devnet:
        pid = devnet.status().parts[0].part.pid
        guard = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
        os.kill(guard, signal.SIGKILL)
        wait_until_gone([pid])


SLOW = """
import pathlib, signal, sys, time
state, ready = map(pathlib.Path, sys.argv[1:])
def end(*_):
    time.sleep(6)
    state.write_text("whole")
    sys.exit()
signal.signal(signal.SIGTERM, end)
ready.touch()
signal.pause()
"""
"""A chain whose state takes six seconds to write: a large one, or on a machine with much else to do."""


def test_a_program_that_takes_its_time_to_write_its_state_is_not_cut_short(tmp_path: Path) -> None:
    state, ready = tmp_path / "state", tmp_path / "ready"
    program = GuardedProcess("slow", [sys.executable, "-c", SLOW, str(state), str(ready)], tmp_path / "log")
    wait_until(ready.exists, program.last_lines)
    program.stop()
    assert state.read_text() == "whole"


def test_detached_up_status_and_down(tmp_path: Path) -> None:
    folder = ("--folder", str(tmp_path))
    time_stands_still = ("--block-time", "0")
    up = run_command("up", *folder, *time_stands_still, "--detach", "--json", "--rpc-port", "0", "--ipfs-port", "0")
    assert up.exit_code == 0, up.output
    started = json.loads(up.output)
    try:
        status = run_command("status", *folder, "--json")
        assert (status.exit_code, json.loads(status.output)) == (0, started)
        assert started["chain"]["detail"] == "block 0"
        assert started["ipfs"]["detail"].startswith("/ip4/127.0.0.1/tcp/")
        assert isinstance(run_command("up", *folder, "--detach").exception, DevnetRunning)
    finally:
        down = run_command("down", *folder)
    assert down.exit_code == 0
    assert not any(exists(pid) for pid in (started["chain"]["pid"], started["ipfs"]["pid"]))
    assert isinstance(run_command("down", *folder).exception, NoDevnet)


def stop(pid: int) -> None:
    """Returns once every thread of the process stands still: that comes a moment after the signal."""
    os.kill(pid, signal.SIGSTOP)
    threads = list(Path(f"/proc/{pid}/task").glob("*/stat"))
    wait_until(
        lambda: all(stat.read_text().rpartition(")")[2].split()[0] == "T" for stat in threads), f"process {pid} goes on"
    )


def test_status_says_which_part_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Devnet(chain_only(tmp_path)) as devnet:
        monkeypatch.setattr(health, "ANSWER_SECONDS", 0.2)
        pid = devnet.status().parts[0].part.pid
        stop(pid)
        try:
            status = run_command("status", "--folder", str(tmp_path))
        finally:
            os.kill(pid, signal.SIGCONT)
    assert status.exit_code == 7
    assert "NOT ANSWERING: it has not answered in full within 0.2 s" in status.output


@pytest.mark.parametrize("option", ["--rpc-port", "--ipfs-port"])
def test_up_names_the_port_that_is_taken(tmp_path: Path, option: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        ports = {"--rpc-port": "0", "--ipfs-port": "0", option: str(port)}
        result = run_command("up", "--folder", str(tmp_path), *(word for pair in ports.items() for word in pair))
    assert isinstance(result.exception, PortInUse)
    assert f"port {port} for" in str(result.exception)


def test_detached_up_reports_why_it_did_not_start(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        result = run_command("up", "--folder", str(tmp_path), "--detach", "--rpc-port", str(port))
    assert isinstance(result.exception, DidNotStart)
    assert f"port {port} for the chain is in use" in str(result.exception)


@pytest.mark.parametrize("chain", ["anvil", "ganache"])
def test_a_restarted_chain_goes_on_where_it_stopped(tmp_path: Path, chain: ChainKind) -> None:
    with Devnet(chain_only(tmp_path, chain=chain, accounts=3)) as devnet:
        url = devnet.rpc_url
        assert int(call_chain(url, "eth_chainId"), 16) == 31337
        assert int(call_chain(url, "eth_getBlockByNumber", "latest", False)["gasLimit"], 16) == 30_000_000
        accounts = call_chain(url, "eth_accounts")
        assert (len(accounts), accounts[0]) == (3, ANVIL_ACCOUNT_0)
        assert balance_of(url, accounts[2]) == 10_000 * 10**18

        send_one_wei(url)
        call_chain(url, "evm_increaseTime", 100_000)
        call_chain(url, "evm_mine")
        before = latest_block(url)
        devnet.restart()
        assert devnet.rpc_url == url
        assert latest_block(url) == before
        assert balance_of(url, NOBODY) == 1

        # Anvil's clock would be 100,000 s behind its own blocks now.
        send_one_wei(url)
        number, timestamp = latest_block(url)
        assert number == before[0] + 1
        assert timestamp >= before[1]


def test_a_killed_chain_is_noticed_and_started_again(tmp_path: Path) -> None:
    with Devnet(chain_only(tmp_path)) as devnet:
        pid = devnet.status().parts[0].part.pid
        os.kill(pid, signal.SIGKILL)
        wait_until_gone([pid])
        assert not devnet.status().is_healthy
        with pytest.raises(DevnetPartEnded, match="anvil has ended"):
            wait_until(devnet.require_all_running, "nobody noticed")
        devnet.restart()
        assert devnet.status().is_healthy


def test_a_chain_of_a_shard_that_is_killed_while_it_writes_its_state_comes_back(tmp_path: Path) -> None:
    with Devnet(chain_only(tmp_path, shard_chains=1)) as devnet:
        state = tmp_path / "anvil-state-shard-0.json"
        send_one_wei(devnet.shard_rpc_urls[0])
        wait_until(lambda: state.exists() and NOBODY in state.read_text(), f"{state} was not written")
        os.truncate(state, state.stat().st_size // 2)
        devnet.kill_shard_chain(0)
        devnet.restart_ended_shard_chains()
        assert devnet.status().is_healthy
        assert balance_of(devnet.shard_rpc_urls[0], NOBODY) == 1


def test_a_killed_chain_of_a_shard_is_no_end_and_comes_back_with_its_state_at_the_others_time(tmp_path: Path) -> None:
    with Devnet(chain_only(tmp_path, shard_chains=2)) as devnet:
        url = devnet.shard_rpc_urls[1]
        ids = [int(call_chain(at, "eth_chainId"), 16) for at in (devnet.rpc_url, *devnet.shard_rpc_urls)]
        assert ids == [31_337, 31_338, 31_339]
        send_one_wei(url)
        call_chain(devnet.rpc_url, "evm_increaseTime", 100_000)
        call_chain(devnet.rpc_url, "evm_mine")
        devnet.kill_shard_chain(1)
        devnet.require_all_running()
        assert [part.is_healthy for part in devnet.status().parts] == [True, True, False]
        devnet.restart_ended_shard_chains()
        assert devnet.status().is_healthy
        assert balance_of(url, NOBODY) == 1
        send_one_wei(url)
        assert latest_block(url)[1] >= latest_block(devnet.rpc_url)[1]


def test_with_a_block_time_blocks_come_by_themselves(tmp_path: Path) -> None:
    with Devnet(chain_only(tmp_path, block_time=1)) as devnet:
        wait_until(lambda: latest_block(devnet.rpc_url)[0] > 0, "no block came")


def test_with_a_block_time_a_transaction_does_not_wait_for_it(tmp_path: Path) -> None:
    with Devnet(chain_only(tmp_path, block_time=1_000)) as devnet:
        send_one_wei(devnet.rpc_url)
        assert latest_block(devnet.rpc_url)[0] == 1


@pytest.mark.parametrize("chain", ["anvil", "ganache"])
def test_a_port_taken_between_choice_and_start_is_chosen_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chain: ChainKind
) -> None:
    honest, taken = process.choose_port, socket.create_server(("127.0.0.1", 0))
    choices = iter([taken.getsockname()[1]])
    monkeypatch.setattr(qfl.devnet.devnet, "choose_port", lambda wanted, what: next(choices, honest(wanted, what)))
    with taken, Devnet(chain_only(tmp_path, chain=chain)) as devnet:
        assert devnet.rpc_url.rpartition(":")[2] != str(taken.getsockname()[1])
        assert balance_of(devnet.rpc_url, ANVIL_ACCOUNT_0) > 0


def test_one_devnet_per_folder(tmp_path: Path) -> None:
    with Devnet(chain_only(tmp_path)) as devnet:
        with pytest.raises(DevnetRunning, match=f"process {os.getpid()} runs a devnet"):
            Devnet(chain_only(tmp_path)).start()
        assert devnet.status().is_healthy


def test_a_part_that_is_not_run_has_no_address(tmp_path: Path) -> None:
    with Devnet(chain_only(tmp_path)) as devnet:
        with pytest.raises(PartNotConfigured):
            _ = devnet.ipfs_url
        with pytest.raises(PartNotConfigured):
            devnet.restart("ipfs")


def test_a_missing_program_is_named_with_its_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "REPOSITORY", tmp_path)
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    with pytest.raises(ProgramMissing, match="anvil is not installed: the package qflchain is without it"):
        Devnet(chain_only(tmp_path)).start()
    (tmp_path / "package.json").touch()
    with pytest.raises(ProgramMissing, match="anvil is not installed: run `npm ci"):
        Devnet(chain_only(tmp_path)).start()
