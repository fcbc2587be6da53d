"""The roles of one process: their keys, accounts and bonds, and the clients that join and leave in mid-run."""

import logging
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
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
from qfl.client.signing import Signing
from qfl.client.update import NormProver
from qfl.crypto.kem import KemKey
from qfl.crypto.keyfile import KeyFile
from qfl.node.context import NodeContext
from qfl.node.encryption import KEY_NAME, set_up_encryption
from qfl.node.membership import has_left, join
from qfl.protocol.types import ParticipantId
from qfl.quorum.quorum import scheme_of
from qfl.storage.pubsub import Pubsub
from qfl.storage.store import ContentStore
from qfl.validator.selection import Scorer
from qfl.validator.validator import Validator

log = logging.getLogger(__name__)


class LocalIdentities:
    """Keys and folders of a process's clients and validators: `<folder>/client-1`, ..., `<folder>/validator-1`, ..."""

    def __init__(self, folder: Path, clients: int, validators: int, key_height: int) -> None:
        """Make the keys that are missing, one process for each processor, and open them all.

        Raises KeyFileError: a key is in use, exposed or damaged.
        """
        self.client_folders = [folder / f"client-{i + 1}" for i in range(clients)]
        self.validator_folders = [folder / f"validator-{i + 1}" for i in range(validators)]
        self._opened = ExitStack()
        self.keys = self._opened.enter_context(open_keys([*self.client_folders, *self.validator_folders], key_height))

    def close(self) -> None:
        self._opened.close()

    def validators(
        self,
        ledger: Ledger,
        senders: Sequence[TransactionSender],
        *,
        store: ContentStore,
        pubsub: Pubsub | None = None,
        scorers: Sequence[Scorer | None] = (),
    ) -> list[Validator]:
        """Bond the validators that are not, and return them all; `scorers` are what each judges updates by."""
        validators, folders = [], self.validator_folders
        for folder, sender, scorer in zip(folders, senders, scorers or [None] * len(folders), strict=True):
            key = self.keys[folder]
            participant = join(ledger, sender, Role.VALIDATOR, key, folder)
            kem = set_up_encryption(ledger, sender, store, participant, key, folder)
            scheme_of(ledger).set_up(sender, participant, key=key, folder=folder)
            context = NodeContext(ledger, sender, store, key, folder, pubsub)
            validators.append(Validator(context, participant, kem=kem, scorer=scorer))
        return validators

    def decryption_keys(self) -> list[KemKey]:
        """Those of the validators here; none in the transparent mode."""
        paths = [folder / KEY_NAME for folder in self.validator_folders]
        return [KemKey.open(path) for path in paths if path.exists()]


@contextmanager
def open_keys(folders: Sequence[Path], key_height: int) -> Iterator[dict[Path, KeyFile]]:
    """The key in each of the folders, while this lasts; those missing are made, one process for each processor.

    Raises KeyFileError: a key is in use, exposed or damaged.
    """
    missing = [path / "key.lms" for path in folders if not (path / "key.lms").exists()]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(_make_key, missing, [key_height] * len(missing)))
    with ExitStack() as opened:
        yield {path: opened.enter_context(KeyFile.open(path / "key.lms")) for path in folders}


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

    Raises ChainUnreachable: also where a node is too busy to say whether its time can be moved.
    """
    web3s = [follower.web3 for follower in followers]
    if not real_time and can_move_time(sender.web3) and all(map(can_follow_time, web3s)):
        return DevelopmentClock(sender.web3, *web3s)
    return WaitingClock(sender, *followers)


class Clients:
    """The clients of this process that have joined, by now: `all`, to which those are added that join later."""

    def __init__(
        self,
        identities: LocalIdentities,
        ledger: Ledger,
        senders: Sequence[TransactionSender],
        *,
        store: ContentStore,
        seed: int,
        prover: NormProver | None = None,
        signing: str = "auto",
    ) -> None:
        """`senders` pay for the clients, by number, also for those still to come; all of them share a `prover`.

        `signing` is one of `SIGNINGS`.
        """
        self.all: list[Client] = []
        self._identities, self._ledger, self._senders = identities, ledger, senders
        self._store, self._seed, self._prover, self._mode = store, seed, prover, signing

    def join(self, client: int) -> ParticipantId:
        """Bond a client unless it is, and let it take part."""
        for known in self.all:
            if known.index == client:
                return known.participant
        folder, sender = self._identities.client_folders[client], self._senders[client]
        key = self._identities.keys[folder]
        participant = join(self._ledger, sender, Role.CLIENT, key, folder)
        context = NodeContext(self._ledger, sender, self._store, key, folder)
        signing = Signing(self._ledger, participant, folder, mode=self._mode)
        role = Client(context, participant, index=client, seed=self._seed, prover=self._prover, signing=signing)
        self.all.append(role)
        return participant

    def leave(self, client: int) -> None:
        """Ask for a client's stake back unless that was done."""
        folder = self._identities.client_folders[client]
        if has_left(self._ledger, folder):
            return
        participant = self.join(client)
        record = self._ledger.staking.participant(participant)
        if record.role is Role.CLIENT and not record.exitable_at:
            signature = self._identities.keys[folder].sign(self._ledger.staking_domain.exit(participant, record.nonce))
            self._senders[client].send(self._ledger.staking.request_exit(participant, signature))

    def withdraw(self, clock: Clock) -> None:
        """Pay out those who have left; nothing more can be credited to them afterwards.

        On a chain whose time cannot be moved, a stake that is still liable is left to `qfl stake withdraw`.
        """
        for client in self.all:
            record = self._ledger.staking.participant(client.participant)
            if record.role is not Role.CLIENT or not record.exitable_at:
                continue
            if isinstance(clock, DevelopmentClock):
                clock.reach(record.exitable_at)
            if self._ledger.now() >= record.exitable_at:
                self._senders[client.index].send(self._ledger.staking.withdraw(client.participant))
            else:
                log.info("participant %d can withdraw from unix second %d on", client.participant, record.exitable_at)


def _make_key(path: Path, height: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-m", "qfl.crypto", str(path), str(height)], check=True)
