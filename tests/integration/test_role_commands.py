"""`qfl client run`, `qfl validator run`, `qfl stake` as a person meets them: exit codes, short errors, money back."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from commands import Done, require_one_line, run_command
from eth_account import Account
from eth_utils.address import to_checksum_address
from testnet import SHARD, SMALL, Testnet, fresh_testnet
from waiting import PATIENCE_SECONDS

from qfl.crypto.keyfile import KeyFile
from qfl.crypto.lms import verify
from qfl.devnet.health import call_chain
from qfl.quantum.architecture import Architecture
from qfl.simulation.driver import run_round
from qfl.training.job import JobDocument
from qfl.training.recipe import TrainingConfig

DIGITS = JobDocument(Architecture(qubits=6, layers=1, classes=3, head=False), TrainingConfig(steps=1), rounds=1)
NOBODY_LISTENS = "http://127.0.0.1:9"


testnet = fresh_testnet("function", job=DIGITS)


Qfl = Callable[..., Done]


@pytest.fixture
def qfl(capsys: pytest.CaptureFixture[str]) -> Qfl:
    """Run `qfl` in this process."""
    return partial(run_command, capsys)


def chain_options(testnet: Testnet) -> dict[str, object]:
    return {"--rpc": testnet.devnet.rpc_url, "--deployment": testnet.deployment_path, "--account": "dev:9"}


def role_options(testnet: Testnet, name: str) -> dict[str, object]:
    """Options of `run` for a role whose key is free."""
    testnet.keys[name].close()
    folder = testnet.folder / name
    ipfs = {"--ipfs": testnet.devnet.ipfs_url}
    return {**chain_options(testnet), **ipfs, "--key": folder / "key.lms", "--folder": folder / "state"}


def flat(options: dict[str, object]) -> list[object]:
    return [word for option in options.items() for word in option]


# --- what goes wrong before a role has begun ---------------------------------------------------------------


def fresh_account(testnet: Testnet, balance_wei: int) -> Path:
    """A file with the private key of a new account."""
    account = Account.create()
    path = testnet.folder / "account"
    path.touch(mode=0o600)
    path.write_text(account.key.hex())
    call_chain(testnet.devnet.rpc_url, "anvil_setBalance", account.address, hex(balance_wei))
    return path


def expose_key(testnet: Testnet) -> dict[str, object]:
    path = testnet.folder / "validator-1" / "key.lms"
    path.chmod(0o644)
    return {"--key": path}


def falsify_deployment(testnet: Testnet) -> dict[str, object]:
    document = json.loads(testnet.deployment_path.read_text())
    document["contracts"]["Beacon"]["codeHash"] = "0x" + "00" * 32
    path = testnet.folder / "other.json"
    path.write_text(json.dumps(document))
    return {"--deployment": path}


MISTAKES: dict[str, tuple[Callable[[Testnet], dict[str, object]], int, str]] = {
    "no chain": (lambda testnet: {"--rpc": NOBODY_LISTENS}, 3, f"no chain answers at {NOBODY_LISTENS}"),
    "an IPFS node for a chain": (lambda testnet: {"--rpc": testnet.devnet.ipfs_url}, 3, "no chain answers at"),
    "no IPFS node": (lambda testnet: {"--ipfs": NOBODY_LISTENS}, 4, f"no IPFS node at {NOBODY_LISTENS}"),
    "a chain for an IPFS node": (lambda testnet: {"--ipfs": testnet.devnet.rpc_url}, 4, "no IPFS node at"),
    "no deployment file": (lambda testnet: {"--deployment": "nowhere.json"}, 3, "no deployment file at nowhere.json"),
    "another deployment": (falsify_deployment, 3, "does not match the deployment file: the code of Beacon"),
    "too little stake": (lambda testnet: {"--stake": 0.01}, 3, "StakeTooLow"),
    "no money": (lambda testnet: {"--account": fresh_account(testnet, 0)}, 3, "has 0.000000 ETH"),
    "no money for gas": (
        lambda testnet: {"--account": fresh_account(testnet, 10**18), "--stake": 1},
        3,
        "has 1.000000 ETH, the transaction needs 1.00",
    ),
    "a key that others can read": (expose_key, 5, "has mode 0644"),
    "no key": (lambda testnet: {"--key": "nowhere.lms"}, 5, "no key file at nowhere.lms"),
    "no such account": (lambda testnet: {"--account": "nowhere"}, 2, "account = '***': pass dev:N"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.parametrize("role", ["client", "validator"])
def test_a_mistake_is_one_line_and_its_exit_code(testnet: Testnet, qfl: Qfl, mistake: str, role: str) -> None:
    make, code, message = MISTAKES[mistake]
    options = role_options(testnet, "client-1" if role == "client" else "validator-1")
    ended = qfl(role, "run", *flat({**options, **make(testnet)}))
    assert message in require_one_line(ended, code)
    assert testnet.ledger.staking.participant_count() == 0


def test_a_role_in_a_folder_of_another_role_is_told_so(testnet: Testnet, qfl: Qfl) -> None:
    testnet.join("client-1")
    options = role_options(testnet, "client-1") | {"--folder": testnet.folder / "client-1"}
    assert "belongs to a client" in require_one_line(qfl("validator", "run", *flat(options)), 2)


def test_an_exhausted_key_ends_with_its_exit_code(testnet: Testnet, qfl: Qfl) -> None:
    number, key = testnet.join("client-1"), testnet.keys["client-1"]
    for _ in range(32):
        key.sign(bytes(32))
    key.close()
    path = testnet.folder / "client-1" / "key.lms"
    ended = qfl("stake", "exit", number, "--key", path, *flat(chain_options(testnet)))
    assert "all 32 leaves have signed" in require_one_line(ended, 5)


def test_an_old_copy_of_a_key_beside_another_state_folder_ends_with_its_exit_code(
    testnet: Testnet, qfl: Qfl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing on the machine knows of the leaves that are used; the chain does, and nothing is sent."""
    names = ("client-1", *(f"validator-{number}" for number in range(1, 5)))
    backups = {name: (testnet.folder / name / "key.lms").read_bytes() for name in names}
    run_round(testnet.network(clients=[1]))
    signed = {name: testnet.keys[name].next_leaf for name in names}
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "elsewhere"))
    for account, name in [(1, "client-1"), *((3 + number, f"validator-{number}") for number in range(1, 5))]:
        path, number = testnet.folder / name / "key.lms", testnet.join(name)
        options = role_options(testnet, name) | {
            "--folder": testnet.folder / name,
            "--account": f"dev:{account}",
            "--rounds": 0,
        }
        path.write_bytes(backups[name])
        before = testnet.web3.eth.block_number
        if signed[name]:
            for command in (
                [name.split("-")[0], "run", *flat(options)],
                ["stake", "exit", number, "--key", path, *flat(chain_options(testnet))],
            ):
                line = require_one_line(qfl(*command), 5)
                assert f"{path} would sign with leaf 0, but " in line and "use the newest copy" in line
        assert testnet.web3.eth.block_number == before


# --- a running role ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_waiting_validator_cleanly(testnet: Testnet, number: signal.Signals) -> None:
    code = "from qfl.apps.cli.main import main; main()"
    options = [str(word) for word in flat(role_options(testnet, "validator-1"))]
    command = [sys.executable, "-c", code, "validator", "run", *options, "--poll", "0.1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        said = process.stderr.readline()
        process.send_signal(number)
        out, rest = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0, rest
    assert b"round 1 cannot be opened yet: open_round was refused: TooFewValidators(" in said
    assert rest == b"", "it says so once"
    assert out.startswith(b"validator 1, 31 signatures left"), "one has named its chain of vote keys"


# --- leaving, and changing the key ---------------------------------------------------------------------------


def test_everybody_leaves_with_stake_and_rewards(testnet: Testnet, qfl: Qfl) -> None:
    outcome = run_round(testnet.network(clients=[1, 2, 3]))
    assert outcome.included == 3
    staking, names = testnet.ledger.staking, list(testnet.keys)
    ids = {name: testnet.join(name) for name in names}
    stakes = {name: staking.participant(ids[name]).stake_wei for name in names}
    before = {name: testnet.senders[name].balance_wei() for name in names}
    testnet.close()
    for name in names:
        key = testnet.folder / name / "key.lms"
        ended = qfl("stake", "exit", ids[name], "--key", key, *flat(chain_options(testnet)))
        assert ended.exit_code == 0, ended
        assert f"participant {ids[name]} can withdraw from 20" in ended.output
    too_early = qfl("stake", "withdraw", ids[names[0]], *flat(chain_options(testnet)))
    assert (too_early.exit_code, "StillUnbonding" in too_early.errors) == (3, True)
    testnet.clock.reach(max(staking.participant(i).exitable_at for i in ids.values()))
    for name in names:
        assert qfl("stake", "withdraw", ids[name], *flat(chain_options(testnet))).exit_code == 0
    gained = {name: testnet.senders[name].balance_wei() - before[name] - stakes[name] for name in names}
    per_update, per_seat = 10**15, 5 * 10**14
    clients = [gained[name] for name in names if name.startswith("client")]
    validators = [gained[name] for name in names if name.startswith("validator")]
    assert clients == [per_update] * 3
    assert sum(validators) == 3 * per_seat
    assert staking.totals_wei()[:2] == (0, 0)
    assert testnet.web3.eth.get_balance(to_checksum_address(staking.address)) == staking.totals_wei()[2]


def test_after_a_rotation_the_new_key_signs(testnet: Testnet, qfl: Qfl) -> None:
    run_round(testnet.network(clients=[1]))
    number = testnet.join("client-1")
    testnet.keys["client-1"].close()
    old, new = testnet.folder / "client-1" / "key.lms", testnet.folder / "new.lms"
    KeyFile.create(new, 5).close()
    ended = qfl("stake", "rotate", number, "--key", old, "--new-key", new, *flat(chain_options(testnet)))
    assert ended.exit_code == 0, ended
    testnet.keys["client-1"] = KeyFile.open(new)
    outcome = run_round(testnet.network(clients=[1]))
    assert outcome.included == 1
    shard = testnet.ledger.shards[SHARD]
    (commit,) = shard.commits(outcome.round, 0)
    call = testnet.ledger.call_in(shard, commit.tx_hash) or {}
    base_root = testnet.ledger.beacon.round_at(testnet.ledger.beacon.round_at(outcome.round).base_round).model_root
    digest = testnet.ledger.shard_domains[SHARD].commit(outcome.round, number, base_root, commit.commitment)
    assert verify(testnet.keys["client-1"].public, digest, call["signature"])
    again = qfl("stake", "exit", number, "--key", old, *flat(chain_options(testnet)))
    assert (again.exit_code, "is not the key of participant" in again.errors) == (2, True)


# --- a job that needs what is not installed here ---


class Foreign(JobDocument):
    """A job document as somebody writes it who has an encoder called "elsewhere"."""

    def to_json(self) -> bytes:
        return super().to_json().replace(b'"encoding":"angle"', b'"encoding":"elsewhere"')


foreign_testnet = fresh_testnet("function", job=Foreign(SMALL.architecture, SMALL.training, SMALL.rounds))


@pytest.mark.parametrize("command", ["client run", "client host", "validator run"])
def test_no_role_bonds_for_a_job_that_it_cannot_do(foreign_testnet: Testnet, qfl: Qfl, command: str) -> None:
    """Its stake would be locked, and slashed in the private mode for every round that it does not reveal in."""
    options = role_options(foreign_testnet, "validator-1" if command == "validator run" else "client-1")
    if command == "client host":
        options = {**options, "--shares": "1/2"}
        del options["--key"]
    line = require_one_line(qfl(*command.split(), *flat(options)), 2)
    assert "encoding = 'elsewhere': no such encoder is installed; here are amplitude, angle" in line
    assert foreign_testnet.ledger.staking.participant_count() == 0
