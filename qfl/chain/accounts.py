"""The Ethereum accounts that pay for gas. They speak for nobody: LMS keys do."""

from __future__ import annotations

import getpass
from pathlib import Path

from eth_account import Account
from eth_account.signers.local import LocalAccount

from qfl.errors import InvalidInput, KeyFileExposed

DEV_MNEMONIC = "test test test test test test test test test test test junk"
"""Anvil's and Hardhat's public mnemonic: its accounts are worth nothing outside a development chain."""


def development_account(index: int) -> LocalAccount:
    """Account `index` of the development chain."""
    Account.enable_unaudited_hdwallet_features()
    account: LocalAccount = Account.from_mnemonic(DEV_MNEMONIC, account_path=f"m/44'/60'/0'/0/{index}")
    return account


def load_account(source: str) -> LocalAccount:
    """An account from `dev:N`, an encrypted keystore file, or a file with a hex private key (mode 0600).

    Raises:
        InvalidInput: `source` is none of these, or the password is wrong.
        KeyFileExposed: others can read the file.
    """
    if source.startswith("dev:") and source[4:].isdigit():
        return development_account(int(source[4:]))
    path = Path(source)
    if not path.is_file():
        raise InvalidInput("account", source, "pass dev:N, a keystore file or a file with a private key")
    if (mode := path.stat().st_mode & 0o777) & 0o077:
        raise KeyFileExposed(path, mode)
    try:
        text = path.read_text().strip()
        secret = Account.decrypt(text, getpass.getpass(f"password of {path}: ")) if text.startswith("{") else text
        account: LocalAccount = Account.from_key(secret)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidInput("account", source, f"cannot be opened ({type(error).__name__}: {error})") from error
    return account
