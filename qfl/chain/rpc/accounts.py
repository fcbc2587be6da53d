"""The Ethereum accounts that pay for gas. They speak for nobody: LMS keys do."""

import getpass
import re
from pathlib import Path

from eth_account import Account
from eth_account.signers.local import LocalAccount

from qfl.errors import InvalidInput, KeyFileExposed
from qfl.errors.text import HIDDEN

DEV_MNEMONIC = "test test test test test test test test test test test junk"
"""Anvil's and Hardhat's public mnemonic: its accounts are worth nothing outside a development chain."""
LAST_DEVELOPMENT_ACCOUNT = 2**31 - 1
"""Of BIP-32's numbers: those from 2^31 on are for hardened keys."""
LONGEST_BYTES = 2**16
"""Of a keystore."""

KNOWN_ACCOUNTS = 100
"""How many accounts of the mnemonic are looked through for one; each takes some milliseconds to derive."""


def development_account(index: int) -> LocalAccount:
    """Account `index` of the development chain."""
    Account.enable_unaudited_hdwallet_features()
    account: LocalAccount = Account.from_mnemonic(DEV_MNEMONIC, account_path=f"m/44'/60'/0'/0/{index}")
    return account


def is_development_account(address: str) -> bool:
    """Whether everybody has the key of `address`: it is one of the first of the public mnemonic."""
    return any(development_account(index).address == address for index in range(KNOWN_ACCOUNTS))


def load_account(source: str) -> LocalAccount:
    """An account from `dev:N`, an encrypted keystore file, or a file with a hex private key (mode 0600).

    Raises:
        InvalidInput: `source` is none of these, or the password is wrong.
        KeyFileExposed: others can read the file.
    """
    if re.fullmatch(r"dev:[0-9]{1,10}", source) and int(source[4:]) <= LAST_DEVELOPMENT_ACCOUNT:
        return development_account(int(source[4:]))
    path = Path(source)
    if not _is_file(path):
        # Somebody may have passed the key itself, or a password: only what cannot be either is shown.
        number = re.fullmatch(r"dev:-?[0-9]+", source)
        said = source if number else f"dev:{HIDDEN}" if source.startswith("dev:") else HIDDEN
        raise InvalidInput("account", said, "pass dev:N, a keystore file or a file with a private key")
    if (mode := path.stat().st_mode & 0o777) & 0o077:
        raise KeyFileExposed(path, mode)
    try:
        text = path.read_bytes()[:LONGEST_BYTES].decode().strip()
        secret = Account.decrypt(text, getpass.getpass(f"password of {path}: ")) if text.startswith("{") else text
        account: LocalAccount = Account.from_key(secret)
    except Exception as error:
        # Whatever the libraries raise: what they say of it may hold the secret.
        kind = type(error).__name__
        reason = f"cannot be opened ({kind}): it is no private key, no keystore, or has another password"
        raise InvalidInput("account", source, reason) from None
    return account


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # too long for a name
        return False
