"""Sets up the roles of one process: keys, accounts, bonds."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from eth_account.signers.local import LocalAccount
from web3 import Web3

from qfl.chain.accounts import development_account
from qfl.chain.clock import Clock, DevelopmentClock, WaitingClock
from qfl.chain.contracts.staking import Role
from qfl.chain.ledger import Ledger
from qfl.chain.receipts import ReceiptListener
from qfl.chain.sender import Sender
from qfl.client.concealed import NormProver
from qfl.keys.keyfile import KeyFile
from qfl.privacy.kem import KemKey
from qfl.roles.client import Client
from qfl.roles.encryption import KEY_NAME, set_up_encryption
from qfl.roles.membership import join
from qfl.roles.validator import Validator
from qfl.storage.store import ContentStore


class Roster:
    """Keys and folders of a process's clients and validators: `<folder>/client-1`, ..., `<folder>/validator-1`, ..."""

    def __init__(self, folder: Path, clients: int, validators: int, key_height: int) -> None:
        """Make the keys that are missing, one process for each processor, and open them all.

        Raises:
            KeyFileError: a key is in use, exposed or damaged.
        """
        self.client_folders = [folder / f"client-{i + 1}" for i in range(clients)]
        self.validator_folders = [folder / f"validator-{i + 1}" for i in range(validators)]
        folders = [*self.client_folders, *self.validator_folders]
        missing = [path / "key.lms" for path in folders if not (path / "key.lms").exists()]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(_make_key, missing, [key_height] * len(missing)))
        self.keys: dict[Path, KeyFile] = {}
        try:
            for path in folders:
                self.keys[path] = KeyFile.open(path / "key.lms")
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Release the keys."""
        for key in self.keys.values():
            key.close()

    def clients(
        self,
        ledger: Ledger,
        senders: Sequence[Sender],
        store: ContentStore,
        seed: int,
        prover: NormProver | None = None,
    ) -> list[Client]:
        """Bond the clients that are not, and return them all; those of a private deployment share a `prover`."""
        roles = zip(self.client_folders, senders, strict=True)
        return [
            Client(
                join(ledger, sender, Role.CLIENT, self.keys[folder].public, folder),
                *(index, seed, ledger, sender, store, self.keys[folder], folder, prover),
            )
            for index, (folder, sender) in enumerate(roles)
        ]

    def validators(self, ledger: Ledger, senders: Sequence[Sender], store: ContentStore) -> list[Validator]:
        """Bond the validators that are not, and return them all."""
        roles = zip(self.validator_folders, senders, strict=True)
        return [self._validator(ledger, sender, store, folder) for folder, sender in roles]

    def decryption_keys(self) -> list[KemKey]:
        """Those of the validators here; none in the transparent mode."""
        paths = [folder / KEY_NAME for folder in self.validator_folders]
        return [KemKey.open(path) for path in paths if path.exists()]

    def _validator(self, ledger: Ledger, sender: Sender, store: ContentStore, folder: Path) -> Validator:
        key = self.keys[folder]
        participant = join(ledger, sender, Role.VALIDATOR, key.public, folder)
        kem = set_up_encryption(ledger, sender, store, participant, key, folder)
        return Validator(participant, ledger, sender, store, key, folder, kem)


def make_senders(web3: Web3, account: LocalAccount | None, count: int, listener: ReceiptListener) -> list[Sender]:
    """The paying accounts: the given one for everybody, or a development account each (the deployer's is first)."""
    if account is not None:
        shared = Sender(web3, account, listener)
        return [shared] * count
    return [Sender(web3, development_account(index), listener) for index in range(count)]


def make_clock(web3: Web3, real_time: bool) -> Clock:
    """The development chain's movable clock, or the patient one."""
    version = web3.client_version.lower()
    movable = any(name in version for name in ("anvil", "ganache", "hardhat", "ethereumjs"))
    return DevelopmentClock(web3) if movable and not real_time else WaitingClock(web3)


def _make_key(path: Path, height: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-m", "qfl.keys", str(path), str(height)], check=True)
