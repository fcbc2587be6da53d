"""Nothing that may be a key, a mnemonic or a login is said: not in errors, not in logs, not in files for others."""

import json
import logging
import pickle
import threading
from pathlib import Path

import click
import pytest
from commands import require_one_line, run_command

from qfl.apps.cli.main import ConcealingFormatter, cli, print_unforeseen_of_thread
from qfl.chain.deployment import DeployedContract, Deployment, ShardChain
from qfl.chain.ledger import Ledger
from qfl.errors import (
    ChainUnreachable,
    ClockNotMovable,
    DeploymentMismatch,
    InvalidInput,
    NodeContradictsItself,
    PeerUnreachable,
    QflError,
    RpcRefused,
    StoreUnreachable,
    TransactionFailed,
)
from qfl.errors.text import conceal, conceal_address

DIGITS = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
KEYS = [f"0x{DIGITS}", DIGITS, DIGITS.upper(), f"0x{DIGITS[:-1]}", f"{DIGITS}00"]
MNEMONIC = "legal winner thank year wave sausage worth useful legal winner thank yellow"
LOGIN = "https://somebody:hunter2@chain.example:8545/v3/t0ken?key=s3same"
LOGINS = [
    LOGIN,
    "https://chain.example:8545/v3/t0ken?key=s3same",
    "http://hunter2@chain.example:8545",
    "https://somebody:hun/ter2@chain.example:8545",
    "https://somebody:hunt'er2@chain.example:8545",
    "https://somebody:hunter2",
    "wss://somebody:hunter2@chain.example:8545#t0ken",
    "somebody:hunter2@chain.example:8545",
    "chain.example:8545/v3/t0ken",
]
SPACED = [
    "http://user:hunter2 s3same@127.0.0.1:1",
    "user:hunter2 s3same@127.0.0.1:1",
    "https://user:hunter2@ s3same t0ken@chain.example",
    "user:hunter2 @s3same t0ken@chain.example",
]
"""What a shell passes on where somebody quotes a password with a space."""
GIVEN = [
    *SPACED,
    "http://hunter2 s3same@127.0.0.1:1",
    "hunter2 s3same@127.0.0.1:1",
    "http://user:hunter2\n s3same@127.0.0.1:1",
    "http://user:1 hunter2@127.0.0.1:1",
    "user:1 hunter2@127.0.0.1:1",
    "user:'hunter2' s3same@127.0.0.1:1",
    "/dns4/user:hunter2 s3same@127.0.0.1/tcp/1",
    "http://127.0.0.1:1/t0ken s3same",
    "hunter2 s3same",
]
JOINTS = [" ", "  ", ",", ", ", "-", "_", ":", ";", "\n", "\t", "\\n"]
SECRETS = ["hunter2", "hun/ter2", "hunt", "er2", "t0ken", "s3same", "winner", "sausage", DIGITS[:-1]]

NOTHING = "nothing-here"


def hides(text: str) -> bool:
    return not any(secret.lower() in text.lower() for secret in SECRETS)


@pytest.mark.parametrize("secret", [*KEYS, MNEMONIC, MNEMONIC.upper(), " ".join(MNEMONIC.split()[1:])])
@pytest.mark.parametrize("around", ["{}", "account = '{}': pass another", "unexpected arguments ({})", "a={}, b"])
def test_keys_and_mnemonics_are_hidden_wherever_they_stand(secret: str, around: str) -> None:
    shown = conceal(around.format(secret))
    assert hides(shown)
    assert shown == around.format("***")


@pytest.mark.parametrize("address", LOGINS)
@pytest.mark.parametrize("around", ["{}", "no chain answers at {} (refused): start one", "rpc = ['{}', 'x']"])
def test_logins_and_tokens_of_addresses_are_hidden(address: str, around: str) -> None:
    assert hides(around.format(conceal_address(address)))
    if "://" in address or "@" in address:
        assert hides(conceal(around.format(address)))


@pytest.mark.parametrize("address", GIVEN)
def test_what_was_given_as_an_address_is_one_whole(address: str) -> None:
    shown = conceal_address(address)
    assert hides(shown)
    assert hides(str(ChainUnreachable(address, "refused")))
    assert hides(str(StoreUnreachable(address, "refused")))
    assert not address.endswith("@127.0.0.1:1") or shown.endswith("***@127.0.0.1:1")


@pytest.mark.parametrize("address", SPACED)
@pytest.mark.parametrize("around", ["{}", "cannot connect to {} (refused)", "rpc = ['{}', 'x']"])
def test_a_space_in_a_login_ends_it_in_no_text(address: str, around: str) -> None:
    assert hides(conceal(around.format(address)))


@pytest.mark.parametrize("joint", JOINTS)
@pytest.mark.parametrize("around", ["{}", "account = '{}': pass another", "unexpected arguments ({})"])
def test_a_secret_in_pieces_is_hidden(joint: str, around: str) -> None:
    words = joint.join(MNEMONIC.split())
    for size in (2, 4, 8, 16, 32):
        groups = joint.join(DIGITS[start : start + size] for start in range(0, len(DIGITS), size))
        for secret in (groups, groups.upper(), f"0x{groups}", groups[:-1]):
            assert conceal(around.format(secret)) == around.format("***")
    assert conceal(around.format(words)) == around.format("***")


@pytest.mark.parametrize("before", range(0, 230, 7))
@pytest.mark.parametrize("secret", [f"0x{DIGITS}", MNEMONIC, LOGIN], ids=["key", "mnemonic", "login"])
def test_a_value_that_is_cut_short_holds_no_part_of_a_secret(before: int, secret: str) -> None:
    said = str(InvalidInput("account", f"{'.' * before} {secret} {'.' * 300}", "pass a file"))
    assert hides(said)
    assert DIGITS[:6] not in said
    assert "legal" not in said
    assert len(said) < 250


@pytest.mark.parametrize(
    "text",
    [
        "no chain answers at http://127.0.0.1:8545 (refused): start one with `qfl devnet up`, or pass --rpc",
        "at https://chain.example: and http://[::1]:8545/, too",
        "/ip4/127.0.0.1/tcp/5001/http",
        "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266 has 0.5 ETH",
        "content bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy cannot be fetched",
        "runs/latest: a file is in its place",
        "at http://127.0.0.1:8545 (refused) since 12:30, write to me@chain.example",
        "steps = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27]",
        "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266 added 2 at 2026-11-29 20:04:17",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert conceal(text) == text


@pytest.mark.parametrize(
    "error",
    [
        ChainUnreachable(LOGIN, f"cannot connect to {LOGIN}"),
        NodeContradictsItself(LOGIN, "what it says"),
        RpcRefused(LOGIN, "eth_call", f"upstream {LOGIN} failed", None),
        ClockNotMovable(LOGIN),
        DeploymentMismatch(f"the chain id at {LOGIN}", 1, 2),
        StoreUnreachable(LOGIN, f"cannot connect to {LOGIN}"),
        PeerUnreachable("/ip4/127.0.0.1/tcp/4001", LOGIN, "no"),
        InvalidInput("shard-rpc", [LOGIN, LOGIN], "pass one"),
        InvalidInput("account", f"0x{DIGITS}", "pass a file"),
        ChainUnreachable("chain.example:8545/v3/t0ken", "no scheme"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_tell_no_secret_and_keep_what_was_given(error: QflError) -> None:
    """`fault.url` is compared with connections' URLs: only the text is without the login."""
    assert hides(str(error))
    assert hides(str(pickle.loads(pickle.dumps(error))))
    assert getattr(error, "url", LOGIN) in (LOGIN, "chain.example:8545/v3/t0ken")


def test_errors_that_name_hashes_of_the_chain_name_them_whole() -> None:
    """Whoever reads them copies the hash into the next command."""
    assert f"`qfl inspect tx 0x{DIGITS}`" in str(TransactionFailed("commit", f"0x{DIGITS}"))


def test_logs_are_without_logins_tracebacks_included() -> None:
    try:
        raise OSError(f"cannot connect to {LOGIN}")
    except OSError as error:
        fault = error
    record = logging.LogRecord("aiohttp", logging.ERROR, "", 1, "lost %s", (LOGIN,), (OSError, fault, None))
    line = ConcealingFormatter("%(message)s").format(record)
    assert hides(line)
    assert "lost https://***@chain.example:8545/***" in line


def deployment_at(url: str) -> Deployment:
    contract = DeployedContract(f"0x{1:040x}", "0x")
    chain = ShardChain(2, 0, url, contract)
    return Deployment(
        1, 0, dict.fromkeys(("Staking", "Draw", "Beacon", "Rewards"), contract), [contract], chains=[chain]
    )


def test_a_deployment_file_holds_no_login_and_says_so_to_who_would_need_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "deployment.json"
    deployment_at(LOGIN).save(path)
    assert hides(path.read_text())
    assert json.loads(path.read_text())["shards"][0]["chain"]["rpc"] == "https://***@chain.example:8545/***"
    monkeypatch.setattr("qfl.chain.ledger.connect", lambda _url: None)
    monkeypatch.setattr(Deployment, "check", lambda *_: None)
    with pytest.raises(InvalidInput, match="pass --shard-rpc"):
        Ledger.connect("http://beacon", Deployment.load(path))


def test_a_deployment_file_keeps_addresses_without_secrets(tmp_path: Path) -> None:
    path = tmp_path / "deployment.json"
    deployment_at("http://127.0.0.1:8546").save(path)
    assert Deployment.load(path).chains[0].rpc == "http://127.0.0.1:8546"


OPTIONS_OF_SECRETS = [
    ["stake", "withdraw", "1", "--rpc", "http://x", "--deployment", "{}"],
    ["stake", "withdraw", "{}", "--rpc", "http://x"],
    ["stake", "exit", "1", "--rpc", "http://x", "--deployment", NOTHING, "--key", "x", "--account", "dev:0", "{}"],
    ["run", "--account", "{}"],
    ["run", "--config", "{}"],
    ["run", "--rounds", "{}"],
    ["run", "--dataset", "{}"],
    ["run", "--chain", "{}"],
    ["run", "{}"],
    ["run", "--{}"],
    ["{}"],
    ["deploy", "--rpc", "{}", "--ipfs", "{}", "--deployment", NOTHING, "--seats", "0"],
    ["verify", "--run", "{}"],
    ["verify", "--kem-key", "{}", "--run", NOTHING],
    ["report", "{}"],
    ["key", "show", "{}"],
    ["attack", "{}"],
    ["explorer", "--rpc", "http://x", "--ipfs", "{}", "--deployment", NOTHING],
    ["inspect", "tx", "{}", "--rpc", "http://x", "--deployment", NOTHING],
    ["zk", "verify", "{}"],
    ["simulate", "--link", "{}"],
]


@pytest.mark.parametrize("secret", [f"0x{DIGITS}", MNEMONIC, LOGIN], ids=["key", "mnemonic", "login"])
@pytest.mark.parametrize("command", OPTIONS_OF_SECRETS, ids=" ".join)
def test_a_secret_in_the_wrong_place_is_not_repeated(
    command: list[str], secret: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run_command(capsys, *(word.replace("{}", secret) for word in command))
    assert done.exit_code not in (0, 1)
    require_one_line(done, done.exit_code)
    assert hides(done.errors + done.output)


@pytest.mark.parametrize(
    ("account", "shown"),
    [
        ("Tr0ub4dor", "***"),  # no file has that name, so nobody can say that it is not the password itself
        *((f"dev:{secret}", "dev:***") for secret in ("hunter2", "0hunter2", "7 hunter2", f"0x{DIGITS}")),
    ],
)
def test_of_an_account_that_is_none_only_its_form_is_shown(
    account: str, shown: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    done = run_command(capsys, "run", "--out", str(tmp_path / "run"), "--account", account)
    assert f"account = '{shown}': pass dev:N" in require_one_line(done, 2)


def test_an_account_file_is_not_quoted(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Libraries quote what they could not read."""
    path = tmp_path / "account"
    path.write_text("hunter2 is the password")
    path.chmod(0o600)
    line = require_one_line(run_command(capsys, "run", "--out", str(tmp_path / "run"), "--account", str(path)), 2)
    assert "hunter2" not in line
    assert str(path) in line


def test_the_traceback_of_an_unforeseen_fault_tells_no_secret(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_options: object) -> None:
        try:
            raise ValueError(f"cannot parse {LOGIN}")
        except ValueError as error:
            raise RuntimeError(f"key 0x{DIGITS}, {MNEMONIC}") from error

    monkeypatch.setitem(cli.commands, "fail", click.Command("fail", callback=fail))
    done = run_command(capsys, "fail")
    assert done.exit_code == 1
    assert "RuntimeError: key ***, ***" in done.errors
    assert hides(done.errors)


def test_a_thread_that_fails_tells_no_secret(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise ValueError(f"cannot parse {LOGIN}")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threading, "excepthook", print_unforeseen_of_thread)
        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()
    said = capsys.readouterr().err
    assert "ValueError: cannot parse https://***@chain.example:8545/***" in said
    assert hides(said)


@pytest.mark.parametrize(
    "prose",
    [
        "its report is of another version, which does not say how many clients there were, nor their transactions",
        "attacks with gates need zyz-ring, whose angles can stand for them, and not those of any other circuit here",
        "would sign with leaf 0: it is an old copy and would give the key away; use the newest copy, or join again",
    ],
)
def test_prose_is_not_taken_for_a_mnemonic(prose: str) -> None:
    assert conceal(prose) == prose
