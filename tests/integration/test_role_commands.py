"""`qfl client run`, `qfl validator run`, `qfl stake` as a person meets them: exit codes, short errors, money back."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from eth_account import Account
from eth_utils.address import to_checksum_address
from town import SHARD, Town

from qfl.cli.main import main
from qfl.devnet import Devnet
from qfl.devnet.health import call_chain
from qfl.job import JobDocument
from qfl.keys.keyfile import KeyFile
from qfl.keys.lms import verify
from qfl.quantum.architecture import Architecture
from qfl.quantum.config import TrainingConfig
from qfl.round import run_round

DIGITS = JobDocument(Architecture(qubits=6, layers=1, classes=3, head=False), TrainingConfig(steps=1), rounds=1)
NOBODY_LISTENS = "http://127.0.0.1:9"
PATIENCE_SECONDS = 30.0


@pytest.fixture
def town(devnet: Devnet, tmp_path: Path) -> Iterator[Town]:
    with Town(devnet, tmp_path, job=DIGITS) as built:
        yield built


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


Qfl = Callable[..., Ended]


@pytest.fixture
def qfl(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Qfl:
    """Run `qfl` in this process, as its entry point does."""

    def run(*arguments: object) -> Ended:
        monkeypatch.setattr(sys, "argv", ["qfl", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # the entry point's own stays in force otherwise
        printed = capsys.readouterr()
        return Ended(int(ended.value.code or 0), printed.out, printed.err)

    return run


def chain_options(town: Town) -> dict[str, object]:
    return {"--rpc": town.devnet.rpc_url, "--deployment": town.deployment_path, "--account": "dev:9"}


def role_options(town: Town, name: str) -> dict[str, object]:
    """Options of `run` for a role whose key is free."""
    town.keys[name].close()
    folder = town.folder / name
    ipfs = {"--ipfs": town.devnet.ipfs_url}
    return {**chain_options(town), **ipfs, "--key": folder / "key.lms", "--folder": folder / "state"}


def flat(options: dict[str, object]) -> list[object]:
    return [word for option in options.items() for word in option]


# --- what goes wrong before a role has begun ---------------------------------------------------------------


def fresh_account(town: Town, balance_wei: int) -> Path:
    """A file with the private key of a new account."""
    account = Account.create()
    path = town.folder / "account"
    path.touch(mode=0o600)
    path.write_text(account.key.hex())
    call_chain(town.devnet.rpc_url, "anvil_setBalance", account.address, hex(balance_wei))
    return path


def expose_key(town: Town) -> dict[str, object]:
    path = town.folder / "validator-1" / "key.lms"
    path.chmod(0o644)
    return {"--key": path}


def falsify_deployment(town: Town) -> dict[str, object]:
    document = json.loads(town.deployment_path.read_text())
    document["contracts"]["Beacon"]["codeHash"] = "0x" + "00" * 32
    path = town.folder / "other.json"
    path.write_text(json.dumps(document))
    return {"--deployment": path}


MISTAKES: dict[str, tuple[Callable[[Town], dict[str, object]], int, str]] = {
    "no chain": (lambda town: {"--rpc": NOBODY_LISTENS}, 3, f"no chain answers at {NOBODY_LISTENS}"),
    "an IPFS node for a chain": (lambda town: {"--rpc": town.devnet.ipfs_url}, 3, "no chain answers at"),
    "no IPFS node": (lambda town: {"--ipfs": NOBODY_LISTENS}, 4, f"no IPFS node at {NOBODY_LISTENS}"),
    "a chain for an IPFS node": (lambda town: {"--ipfs": town.devnet.rpc_url}, 4, "no IPFS node at"),
    "no deployment file": (lambda town: {"--deployment": "nowhere.json"}, 3, "no deployment file at nowhere.json"),
    "another deployment": (falsify_deployment, 3, "does not match the deployment file: the code of Beacon"),
    "too little stake": (lambda town: {"--stake": 0.01}, 3, "StakeTooLow"),
    "no money": (lambda town: {"--account": fresh_account(town, 0)}, 3, "has 0.000000 ETH"),
    "no money for gas": (
        lambda town: {"--account": fresh_account(town, 10**18), "--stake": 1},
        3,
        "has 1.000000 ETH, the transaction needs 1.00",
    ),
    "a key that others can read": (expose_key, 5, "has mode 0644"),
    "no key": (lambda town: {"--key": "nowhere.lms"}, 5, "no key file at nowhere.lms"),
    "no such account": (lambda town: {"--account": "nowhere"}, 2, "account = '***': pass dev:N"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.parametrize("role", ["client", "validator"])
def test_a_mistake_is_one_line_and_its_exit_code(town: Town, qfl: Qfl, mistake: str, role: str) -> None:
    make, code, message = MISTAKES[mistake]
    options = role_options(town, "client-1" if role == "client" else "validator-1")
    ended = qfl(role, "run", *flat({**options, **make(town)}))
    assert ended.code == code, ended
    assert message in ended.err
    assert len(ended.err.strip().splitlines()) == 1
    assert town.ledger.staking.participant_count() == 0


def test_a_role_in_a_folder_of_another_role_is_told_so(town: Town, qfl: Qfl) -> None:
    town.join("client-1")
    options = role_options(town, "client-1") | {"--folder": town.folder / "client-1"}
    ended = qfl("validator", "run", *flat(options))
    assert ended.code == 2
    assert "belongs to a client" in ended.err


def test_an_exhausted_key_ends_with_its_exit_code(town: Town, qfl: Qfl) -> None:
    number, key = town.join("client-1"), town.keys["client-1"]
    for _ in range(32):
        key.sign(bytes(32))
    key.close()
    path = town.folder / "client-1" / "key.lms"
    ended = qfl("stake", "exit", number, "--key", path, *flat(chain_options(town)))
    assert ended.code == 5
    assert "all 32 leaves have signed" in ended.err


def test_an_old_copy_of_a_key_beside_another_state_folder_ends_with_its_exit_code(
    town: Town, qfl: Qfl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing on the machine knows of the leaves that are used; the chain does, and nothing is sent."""
    names = ("client-1", *(f"validator-{number}" for number in range(1, 5)))
    backups = {name: (town.folder / name / "key.lms").read_bytes() for name in names}
    run_round(town.network(clients=[1]))
    signed = {name: town.keys[name].next_leaf for name in names}
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "elsewhere"))
    for account, name in [(1, "client-1"), *((3 + number, f"validator-{number}") for number in range(1, 5))]:
        path, number = town.folder / name / "key.lms", town.join(name)
        options = role_options(town, name) | {
            "--folder": town.folder / name,
            "--account": f"dev:{account}",
            "--rounds": 0,
        }
        path.write_bytes(backups[name])
        before = town.web3.eth.block_number
        if signed[name]:
            for command in (
                [name.split("-")[0], "run", *flat(options)],
                ["stake", "exit", number, "--key", path, *flat(chain_options(town))],
            ):
                ended = qfl(*command)
                assert ended.code == 5, ended
                assert f"{path} would sign with leaf 0, but " in ended.err
                assert "use the newest copy" in ended.err
        assert town.web3.eth.block_number == before


# --- a running role ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_waiting_validator_cleanly(town: Town, number: signal.Signals) -> None:
    code = "from qfl.cli.main import main; main()"
    options = [str(word) for word in flat(role_options(town, "validator-1"))]
    command = [sys.executable, "-c", code, "validator", "run", *options, "--poll", "0.1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        said = process.stderr.readline()
        process.send_signal(number)
        out, rest = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0, rest
    assert b"round 1 cannot be opened yet: open_round was refused: TooFewValidators(" in said
    assert rest == b"", "it says so once"
    assert out.startswith(b"validator 1, 32 signatures left")


# --- leaving, and changing the key ---------------------------------------------------------------------------


def test_everybody_leaves_with_stake_and_rewards(town: Town, qfl: Qfl) -> None:
    outcome = run_round(town.network(clients=[1, 2, 3]))
    assert outcome.included == 3
    staking, names = town.ledger.staking, list(town.keys)
    ids = {name: town.join(name) for name in names}
    stakes = {name: staking.participant(ids[name]).stake_wei for name in names}
    before = {name: town.senders[name].balance_wei() for name in names}
    town.close()
    for name in names:
        key = town.folder / name / "key.lms"
        ended = qfl("stake", "exit", ids[name], "--key", key, *flat(chain_options(town)))
        assert ended.code == 0, ended
        assert f"participant {ids[name]} can withdraw from 20" in ended.out
    too_early = qfl("stake", "withdraw", ids[names[0]], *flat(chain_options(town)))
    assert (too_early.code, "StillUnbonding" in too_early.err) == (3, True)
    town.clock.reach(max(staking.participant(i).exitable_at for i in ids.values()))
    for name in names:
        assert qfl("stake", "withdraw", ids[name], *flat(chain_options(town))).code == 0
    gained = {name: town.senders[name].balance_wei() - before[name] - stakes[name] for name in names}
    per_update, per_seat, for_publisher = 10**15, 5 * 10**14, 10**15
    clients = [gained[name] for name in names if name.startswith("client")]
    validators = [gained[name] for name in names if name.startswith("validator")]
    assert clients == [per_update] * 3
    assert sum(validators) == 3 * per_seat + for_publisher
    assert staking.totals_wei()[:2] == (0, 0)
    assert town.web3.eth.get_balance(to_checksum_address(staking.address)) == staking.totals_wei()[2]


def test_after_a_rotation_the_new_key_signs(town: Town, qfl: Qfl) -> None:
    run_round(town.network(clients=[1]))
    number = town.join("client-1")
    town.keys["client-1"].close()
    old, new = town.folder / "client-1" / "key.lms", town.folder / "new.lms"
    KeyFile.create(new, 5).close()
    ended = qfl("stake", "rotate", number, "--key", old, "--new-key", new, *flat(chain_options(town)))
    assert ended.code == 0, ended
    town.keys["client-1"] = KeyFile.open(new)
    outcome = run_round(town.network(clients=[1]))
    assert outcome.included == 1
    shard = town.ledger.shards[SHARD]
    (commit,) = shard.commits(outcome.round, 0)
    call = town.ledger.call_in(shard, commit.tx_hash) or {}
    base_root = town.ledger.beacon.round_at(town.ledger.beacon.round_at(outcome.round).base_round).model_root
    digest = town.ledger.shard_domains[SHARD].commit(outcome.round, number, base_root, commit.commitment)
    assert verify(town.keys["client-1"].public, digest, call["signature"])
    again = qfl("stake", "exit", number, "--key", old, *flat(chain_options(town)))
    assert (again.code, "is not the key of participant" in again.err) == (2, True)
