"""Accounts that pay: from a development chain's number, a key file, a keystore; secrets that others see are refused."""

import json

import pytest
from eth_account import Account

from qfl.chain.rpc.accounts import load_account
from qfl.errors import InvalidInput, KeyFileExposed

FIRST_OF_ANVIL = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
ITS_KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"


@pytest.fixture
def secret(tmp_path):
    """Write a private file and return its path as text."""

    def write(text: str | bytes, mode: int = 0o600) -> str:
        path = tmp_path / "account"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        path.chmod(mode)
        return str(path)

    return write


def test_development_accounts_are_those_that_the_chain_funds():
    """Another derivation path would give accounts without a wei."""
    assert load_account("dev:0").address == FIRST_OF_ANVIL
    assert load_account("dev:1").address != FIRST_OF_ANVIL


@pytest.mark.parametrize("text", [ITS_KEY, ITS_KEY[2:], f"{ITS_KEY}\n"])
def test_private_key_with_or_without_prefix_and_newline(secret, text):
    assert load_account(secret(text)).address == FIRST_OF_ANVIL


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o602])
def test_secret_that_others_can_read_is_refused(secret, mode):
    with pytest.raises(KeyFileExposed, match="chmod 600"):
        load_account(secret(ITS_KEY, mode))


def test_keystore_opens_with_its_password_only(secret, monkeypatch):
    keystore = json.dumps(Account.encrypt(ITS_KEY, "right", kdf="pbkdf2", iterations=2))
    path = secret(keystore)
    monkeypatch.setattr("getpass.getpass", lambda _prompt: "right")
    assert load_account(path).address == FIRST_OF_ANVIL
    monkeypatch.setattr("getpass.getpass", lambda _prompt: "wrong")
    with pytest.raises(InvalidInput, match="cannot be opened"):
        load_account(path)


@pytest.mark.parametrize(
    "content",
    ["", "0x1234", "not hex", "{", "{}", '{"version": 3}', b"\xff\xfe"],
    ids=["empty", "short", "text", "torn keystore", "other JSON", "half a keystore", "no UTF-8"],
)
def test_file_that_is_neither_says_so(secret, content, monkeypatch):
    monkeypatch.setattr("getpass.getpass", lambda _prompt: "any")
    with pytest.raises(InvalidInput, match=r"account = .*cannot be opened"):
        load_account(secret(content))


@pytest.mark.parametrize("source", ["dev:", "dev:x", "dev:-1", "nowhere", ITS_KEY])
def test_anything_else_is_refused_with_what_to_pass(source):
    with pytest.raises(InvalidInput, match="pass dev:N, a keystore file or a file with a private key"):
        load_account(source)
