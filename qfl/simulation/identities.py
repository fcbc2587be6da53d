"""Sets up the roles of one process: keys, accounts, bonds."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from eth_account.signers.local import LocalAccount
from web3 import Web3

from qfl.chain.clock import Clock, DevelopmentClock, WaitingClock, can_follow_time, can_move_time
from qfl.chain.contracts.staking import Role
from qfl.chain.ledger import Ledger
from qfl.chain.rpc.accounts import development_account
from qfl.chain.rpc.calls import ChainRouter, ReceiptListener
from qfl.chain.rpc.sender import Sender, TransactionSender
from qfl.client.client import Client
from qfl.client.update import NormProver
from qfl.crypto.kem import KemKey
from qfl.crypto.keyfile import KeyFile
from qfl.node.context import NodeContext
from qfl.node.encryption import KEY_NAME, set_up_encryption
from qfl.node.membership import join
from qfl.quorum.quorum import scheme_of
from qfl.storage.store import ContentStore
from qfl.validator.selection import Scorer
from qfl.validator.validator import Validator


class LocalIdentities:
    """Keys and folders of a process's clients and validators: `<folder>/client-1`, ..., `<folder>/validator-1`, ..."""

    def __init__(self, folder: Path, clients: int, validators: int, key_height: int) -> None:
        """Make the keys that are missing, one process for each processor, and open them all.

        Raises:
            KeyFileError: a key is in use, exposed or damaged.
        """
        self.client_folders = [folder / f"client-{i + 1}" for i in range(clients)]
        self.validator_folders = [folder / f"validator-{i + 1}" for i in range(validators)]
        folders = [*self.client_folders, *self.validator_folders]
        self.keys = open_keys(folders, key_height)

    def close(self) -> None:
        """Release the keys."""
        close_keys(self.keys.values())

    def client(
        self,
        index: int,
        *,
        ledger: Ledger,
        senders: Sequence[TransactionSender],
        store: ContentStore,
        seed: int,
        prover: NormProver | None = None,
    ) -> Client:
        """Bond one client, if it is not, and return it; `senders` pay for all of them, which share a `prover`."""
        folder, sender = self.client_folders[index], senders[index]
        participant = join(ledger, sender, Role.CLIENT, self.keys[folder], folder)
        context = NodeContext(ledger, sender, store, self.keys[folder], folder)
        return Client(context, participant, index=index, seed=seed, prover=prover)

    def validators(
        self,
        ledger: Ledger,
        senders: Sequence[TransactionSender],
        *,
        store: ContentStore,
        scorers: Sequence[Scorer | None] = (),
    ) -> list[Validator]:
        """Bond the validators that are not, and return them all; `scorers` are what each judges updates by."""
        folders = self.validator_folders
        contexts = [
            NodeContext(ledger, sender, store, self.keys[folder], folder)
            for folder, sender in zip(folders, senders, strict=True)
        ]
        judging = zip(contexts, scorers or [None] * len(folders), strict=True)
        validators = [self._validator(context, scorer) for context, scorer in judging]
        scheme_of(ledger).maintain(senders[0])
        return validators

    def decryption_keys(self) -> list[KemKey]:
        """Those of the validators here; none in the transparent mode."""
        paths = [folder / KEY_NAME for folder in self.validator_folders]
        return [KemKey.open(path) for path in paths if path.exists()]

    def _validator(self, context: NodeContext, scorer: Scorer | None) -> Validator:
        ledger, sender, key, folder = context.ledger, context.sender, context.key, context.folder
        participant = join(ledger, sender, Role.VALIDATOR, key, folder)
        kem = set_up_encryption(ledger, sender, context.store, participant, key, folder)
        attesting = scheme_of(ledger).set_up(sender, participant, key=key, folder=folder)
        return Validator(context, participant, kem=kem, attesting=attesting, scorer=scorer)


def open_keys(folders: Sequence[Path], key_height: int) -> dict[Path, KeyFile]:
    """The key in each of the folders; those that are missing are made, one process for each processor.

    Raises:
        KeyFileError: a key is in use, exposed or damaged.
    """
    missing = [path / "key.lms" for path in folders if not (path / "key.lms").exists()]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(_make_key, missing, [key_height] * len(missing)))
    keys: dict[Path, KeyFile] = {}
    try:
        for path in folders:
            keys[path] = KeyFile.open(path / "key.lms")
    except BaseException:
        close_keys(keys.values())
        raise
    return keys


def close_keys(keys: Iterable[KeyFile]) -> None:
    """Release them."""
    for key in keys:
        key.close()


def make_senders(
    web3: Web3, account: LocalAccount | None, count: int, listener: ReceiptListener | None = None
) -> list[Sender]:
    """The paying accounts: the given one for everybody, or a development account each (the deployer's is first)."""
    if account is not None:
        shared = Sender(web3, account, listener=listener)
        return [shared] * count
    return [Sender(web3, development_account(index), listener=listener) for index in range(count)]


def make_transaction_senders(
    senders: Sequence[Sender], shard_senders: Sequence[Sequence[Sender]]
) -> Sequence[TransactionSender]:
    """Each of `senders` with its account on every shard's own chain; `shard_senders` has as many for each of those."""
    if not shard_senders:
        return senders
    routers = {
        id(sender): ChainRouter({found.chain_id: found for found in (sender, *own)})
        for sender, *own in zip(senders, *shard_senders, strict=True)
    }
    return [routers[id(sender)] for sender in senders]


def make_clock(sender: Sender, real_time: bool, followers: Sequence[Sender] = ()) -> Clock:
    """The development chains' movable clock, or the patient one; `followers` are of the shards' own chains.

    Raises:
        ChainUnreachable: also where a node is too busy to say whether its time can be moved.
    """
    web3s = [follower.web3 for follower in followers]
    if not real_time and can_move_time(sender.web3) and all(map(can_follow_time, web3s)):
        return DevelopmentClock(sender.web3, *web3s)
    return WaitingClock(sender, *followers)


def _make_key(path: Path, height: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-m", "qfl.crypto", str(path), str(height)], check=True)
