"""Whatever is wrong on a command line or in a file: one line on standard error, the right exit code, no traceback."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from commands import require_one_line, run_command

from qfl.devnet.state import lock_folder
from qfl.simulation.config import JobConfig

HUGE = "9" * 400
LONG = "9" * 5_000
"""More digits than Python reads."""
DEEP = "[" * 100_000
NETWORK = ("--rpc", "http://127.0.0.1:9", "--deployment", "deployment.json")
"""Where nobody is asked: what is wrong is seen before."""

CONTRACT = {"address": f"0x{1:040x}", "codeHash": "0x"}
DEPLOYMENT = {
    "version": 2,
    "chainId": 31_337,
    "block": 1,
    "contracts": dict.fromkeys(("Staking", "Draw", "Beacon", "Rewards"), CONTRACT),
    "shards": [CONTRACT],
}
CHAIN = {"chainId": 2, "block": 0, "rpc": "http://shard", "mirror": CONTRACT}

BAD_VALUES = {
    "run --clients": f"0 -1 65537 2.5 {HUGE} {LONG}",
    "run --validators": "65537",
    "run --rounds": "0 1000001",
    "run --seed": f"-1 4294967296 {HUGE}",
    "run --validation-percent": "-1 51",
    "run --churn": "nan 1e400 -0.1",
    "run --stragglers": "inf",
    "run --newcomers": f"-1 65537 {HUGE}",
    "run --link": "morse",
    "run --shards": "-1 0 65536",
    "run --seats": f"256 {HUGE}",
    "run --keep-rounds": f"-1 {HUGE}",
    "run --partition": f"dirichlet:nan dirichlet:1e400 classes:{LONG} classes:0",
    "run --dataset mnist --data-folder": "file",
    "run --explorer": "-1 65536",
    "run --config": "folder file/inside",
    "run --account": f"dev:-1 dev:2147483648 dev:{LONG} dev:² {'a' * 300} folder deep binary",
    "run --out": "file",
    "run --mode private --zk-keys": "file",
    f"deploy {' '.join(NETWORK)} --ipfs http://127.0.0.1:9 --seats": "-1",
    f"deploy {' '.join(NETWORK)} --ipfs http://127.0.0.1:9 --shards": HUGE,
    "devnet up --rpc-port": "65536",
    "devnet up --block-time": HUGE,
    "devnet up --accounts": "0",
    "devnet up --folder": "file",
    "evaluate --run folder --shots": f"0 {HUGE}",
    "evaluate --run folder --trajectories": "0",
    "evaluate --run folder --repetitions": "0",
    "evaluate --run folder --seed": "4294967296",
    "evaluate --run folder --readout": "nan",
    "evaluate --run folder --depolarising": "0.1,1e400",
    "evaluate --run folder --round": "-1",
    "explorer --run folder --port": "65536",
    "inspect round": f"-1 {HUGE}",
    "inspect shard": HUGE,
    "inspect shard 0 --round": "-1",
    "inspect participant": "0 4294967296",
    "inspect update 1": "4294967296",
    "inspect update 18446744073709551616": "1",
    "inspect model": f"1.5 {HUGE}",
    "stake withdraw": "4294967296",
    "stake top-up 1 --stake": "nan inf -1 1e30",
    "client run --poll": "nan inf -1",
    "client run --rounds": "-1",
    "client run --stake": "inf",
    "client run --seed": "-1",
    "client run --class": HUGE,
    "client run --keep-rounds": HUGE,
    "client host --seed": HUGE,
    "deadlines run --margin": "nan",
    "deadlines run --growth": "1",
    "deadlines run --rpc http://127.0.0.1:9 --quantile": "0",
    "deadlines run --floor": "4294967296",
    "deadlines run --ceiling": HUGE,
    "key new": "file/inside",
    "key new key --height": "4",
    "key show": "folder file binary",
    "report": "folder file",
    "report run --out": "file/inside",
    "simulate --clients": f"0 {HUGE}",
    "simulate --validators": HUGE,
    "simulate --seats": HUGE,
    "simulate --bad": "nan",
    "simulate --target": "nan 0",
    "simulate --stake-ratio": "nan inf",
    "simulate --block-seconds": "0 inf",
    "simulate --block-gas": "0",
    "simulate --keep-rounds": "-1",
    "simulate --constants": "folder binary deep",
    "zk setup --lanes": f"0 {HUGE}",
    "zk verify": "folder",
    "zk import file --lanes": "0",
    "zk bench folder --times": "0",
    "casestudy --seeds": f"4294967296 {LONG}",
    "bench learning --seeds": "0",
    "bench learning --seed": HUGE,
    "bench bytes --target": "nan",
    "bench energy --rounds": "0",
    "bench energy --shards": "65",
    "bench energy --run": "folder file",
    "bench energy --device": "toaster",
    "bench energy --radio": "6g",
    "bench storage --keep-rounds": "0",
    "bench explorer --rounds": "0",
    "bench explorer --out": "file",
    "bench attack --rounds": "0",
    "bench consensus --seed": "4294967296",
    "bench engine --peer": "pennylane",
    "bench chaos --config": "folder",
    "attack": "nothing",
}
"""What cannot be meant, by what stands before it."""
COMMAND_LINES = [
    *("nothing", "run --nothing", "run --resume --overwrite"),
    "devnet up --rpc-port 65535 --shard-chains 2 --ipfs-port 0 --folder new",
    *(f"{start} {value}" for start, values in BAD_VALUES.items() for value in values.split()),
]

CODES = {"key show": 5, "key new file/inside": 2, "zk verify": 5}
"""Commands whose faults are not bad input, by how they begin."""

JOBS = {
    "empty keys": "= 1",
    "not TOML": "clients: 5",
    "cut short": 'dataset = "dig',
    "byte-order mark": "\ufeffclients = 5",
    "deep": f"classes = {'[' * 5_000}",
    "long number": f"clients = {LONG}",
    "long hexadecimal number": f"clients = 0x{'f' * 5_000}",
    "infinity": "clients = inf",
    "dotted": f"a{'.a' * 2_000} = 1",
    "unknown": "nothing = 1",
    "seed": "seed = 4294967296",
    "limit": "limit = 1000000001",
    "little limit": "limit = 1",
    "epochs": "central_epochs = 100001",
    "classes": f"classes = [{HUGE}, 1]",
    "clip": f"[training]\nprivacy_clip = {'1' + '0' * 400}\nprivacy_noise = 1",
    "noise": "[training]\nprivacy_clip = 1\nprivacy_noise = 1e-300",
    "unknown training": "[training]\nepochs = 1",
    "qubits": "[model]\nqubits = 1000000000",
    "qubits as text": '[model]\nqubits = "six"',
    "features": f"[model]\nfeatures = {HUGE}",
    "features as text": '[model]\nfeatures = "all"',
    "encoding": "[model]\nencoding = [1]",
    "ansatz": "[model]\nansatz = {}",
    "device": f"[device]\nshots = {HUGE}",
    "trajectories": "[device]\ntrajectories = 1000000000000",
    "rate of errors": "[device]\nzero_as_one = nan",
    "absence": f"[dynamics]\nlongest_absence = {HUGE}",
    "spread": "[dynamics]\nspread = 11",
    "newcomers as text": '[dynamics]\nnewcomers = "few"',
    "outages": f'[dynamics]\noutages = ["{LONG}:1"]',
    "margin": f"[dynamics.deadlines]\nmargin = {HUGE}",
    "ceiling": "[dynamics.deadlines]\nceiling = 4294967296",
    "commit deadline": "[protocol]\ncommitSeconds = 4294967296",
    "norm bound": "[protocol]\nnormBound = 18446744073709551616",
    "stake": f"[protocol]\nminClientStakeWei = {2**96}",
    "pool": f"[protocol]\nrewardPoolWei = {2**256}",
    "negative": "[protocol]\nslashBps = -1",
    "unknown parameter": "[protocol]\nfee = 1",
}

DEPLOYMENTS = {
    "empty": "",
    "cut short": json.dumps(DEPLOYMENT)[:-20],
    "deep": DEEP,
    "byte-order mark": "\ufeff{}",
    "list": "[]",
    "infinite chain": json.dumps({**DEPLOYMENT, "chainId": 0}).replace('"chainId": 0', '"chainId": 1e400'),
    "long chain": json.dumps({**DEPLOYMENT, "chainId": 10**30}),
    "negative block": json.dumps({**DEPLOYMENT, "block": -1}),
    "block as text": json.dumps({**DEPLOYMENT, "block": "1"}),
    "parameters": json.dumps({**DEPLOYMENT, "parameters": 5}),
    "code": json.dumps({**DEPLOYMENT, "shards": [{**CONTRACT, "codeHash": 5}]}),
    "shard": json.dumps({**DEPLOYMENT, "shards": [5]}),
    "shard's chain": json.dumps({**DEPLOYMENT, "shards": [{**CONTRACT, "chain": {**CHAIN, "rpc": 5}}]}),
    "shard's block": json.dumps({**DEPLOYMENT, "shards": [{**CONTRACT, "chain": {**CHAIN, "block": 1.5}}]}),
}

REPORT = json.dumps({"config": asdict(JobConfig()), "rounds": [{}]})
RUNS = {
    "report cut short": ("bench energy --run run", {"report.json": REPORT[:-9]}),
    "report of nothing": ("bench energy --run run", {"report.json": "[]"}),
    "report without rounds": ("bench energy --run run", {"report.json": '{"config": {}}'}),
    "deep report": ("bench energy --run run", {"report.json": DEEP}),
    "folder for a report": ("bench energy --run run", {"report.json/x": ""}),
    "round of nothing": ("bench energy --run run", {"report.json": '{"rounds": [5]}'}),
    "page of a report cut short": ("report run", {"report.json": REPORT[:-9]}),
    "page of a deep report": ("report run", {"report.json": DEEP}),
    "page of a folder": ("report run", {"report.json/x": ""}),
    "page of a config that is none": ("report run", {"report.json": '{"config": 5}'}),
    "page of a config of other kinds": ("report run", {"report.json": '{"config": {"classes": 5}}'}),
    "attacks cut short": ("report run --attacks run/attacks.json", {"report.json": "{", "attacks.json": "["}),
    "chain cut short": ("verify --run run", {"deployment.json": json.dumps(DEPLOYMENT), "chain.json": '{"chain": "an'}),
    "chain of another kind": (
        "verify --run run",
        {"deployment.json": "{}", "chain.json": '{"chain": "geth", "accounts": 1, "shardChains": 0}'},
    ),
    "accounts without end": (
        "inspect round 1 --run run",
        {"deployment.json": "{}", "chain.json": f'{{"chain": "anvil", "accounts": {HUGE}, "shardChains": 0}}'},
    ),
    "no chain": ("explorer --run run", {"deployment.json": "{}"}),
    "folder for a chain": ("verify --run run", {"deployment.json": "{}", "chain.json/x": ""}),
}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place with a file, a folder and a few things that are not what they are taken for."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for name in ("QFL_RPC", "QFL_IPFS", "QFL_DEPLOYMENT", "QFL_ACCOUNT"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    (tmp_path / "deep").write_text('{"a":' * 100_000)
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00\x01")
    for name in ("file", "deep", "binary"):
        (tmp_path / name).chmod(0o600)
    monkeypatch.setattr("getpass.getpass", lambda _prompt: "password")
    return tmp_path


def code_of(command: str) -> int:
    return next((code for start, code in CODES.items() if command.startswith(start)), 2)


@pytest.mark.parametrize("command", COMMAND_LINES, ids=lambda command: command[:60])
def test_a_command_line_that_cannot_be_meant_ends_in_one_line(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    needed = {
        "inspect": [*NETWORK],
        "stake": [*NETWORK],
        "client": [*NETWORK, "--ipfs", "http://127.0.0.1:9", "--key", "key", "--folder", "role"],
        "deadlines": [*NETWORK],
    }
    words = command.split()
    line = require_one_line(run_command(capsys, *words, *needed.get(words[0], [])), code_of(command))
    assert len(line) < 1_000


@pytest.mark.parametrize("text", JOBS.values(), ids=JOBS)
def test_a_job_file_that_cannot_be_meant_ends_in_one_line(
    text: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "job.toml").write_text(text)
    line = require_one_line(run_command(capsys, "run", "--config", "job.toml"), 2)
    assert len(line) < 1_000
    assert not (here / "runs").exists()


@pytest.mark.parametrize("text", DEPLOYMENTS.values(), ids=DEPLOYMENTS)
def test_a_deployment_file_that_is_damaged_ends_in_one_line(
    text: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "deployment.json").write_text(text)
    line = require_one_line(run_command(capsys, "inspect", "round", "1", *NETWORK), 3)
    assert "deployment.json is not a deployment file" in line


@pytest.mark.parametrize("address", ["http://[::1", "http://[zz]:1", "http://h:99999", "http://", "nobody", ""])
@pytest.mark.parametrize("command", ["deploy", "explorer"])
def test_an_address_of_a_chain_that_cannot_be_one_ends_in_one_line(
    command: str, address: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "deployment.json").write_text(json.dumps(DEPLOYMENT))
    place = ["--deployment", "new.json" if command == "deploy" else "deployment.json"]
    line = require_one_line(run_command(capsys, command, *place, "--ipfs", "http://h", "--rpc", address), 2)
    assert "pass a URL such as http://127.0.0.1:8545" in line


@pytest.mark.parametrize("address", ["http://[::1", "http://[zz]:1", "http://h:99999", "http://", "nobody", ""])
def test_an_address_of_an_ipfs_node_that_cannot_be_one_ends_in_one_line(
    address: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "deployment.json").write_text(json.dumps(DEPLOYMENT))
    line = require_one_line(run_command(capsys, "explorer", "--ipfs", address, *NETWORK), 2)
    assert "pass" in line or "multiaddress" in line


@pytest.mark.parametrize(("command", "files"), RUNS.values(), ids=RUNS)
def test_a_run_that_is_damaged_ends_in_one_line(
    command: str, files: dict[str, str], here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text in files.items():
        path = here / "run" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    require_one_line(run_command(capsys, *command.split()), 2)


@pytest.fixture
def locked(here: Path) -> Iterator[Path]:
    """The folder of a devnet that is up."""
    folder = here / "devnet"
    with lock_folder(folder):
        yield folder


@pytest.mark.parametrize(
    "text",
    [
        '{"format": 1, "pid": 12, "par',
        "",
        "[]",
        "5",
        DEEP,
        '{"format": 1, "pid": 1, "parts": 5}',
        '{"format": 1, "pid": 1, "parts": [{}]}',
        '{"format": 1, "pid": 1e400, "parts": []}',
    ],
    ids=["cut short", "empty", "list", "number", "deep", "parts", "part", "infinite"],
)
def test_a_devnets_file_that_is_damaged_ends_in_one_line(
    text: str, locked: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (locked / "devnet.json").write_text(text)
    line = require_one_line(run_command(capsys, "devnet", "status", "--folder", str(locked)), 7)
    assert "`qfl devnet down" in line


def test_a_devnets_lock_that_is_damaged_ends_in_one_line(locked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (locked / "devnet.lock").write_text("12;")
    for command in ("status", "down"):
        require_one_line(run_command(capsys, "devnet", command, "--folder", str(locked)), 7)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here: run it on Linux")
def test_a_full_disk_ends_in_one_line() -> None:
    """Any command can meet with it."""
    code = "import sys; sys.argv = ['qfl', 'simulate', '--json']; from qfl.apps.cli.main import main; main()"
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([sys.executable, "-c", code], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
