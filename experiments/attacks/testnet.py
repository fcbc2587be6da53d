"""A test network: a deployment on a running devnet, and its people, each with a key and a folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Self

from eth_abi.abi import encode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from experiments.attacks.lying_node import LyingNode
from qfl.chain.clock import DevelopmentClock
from qfl.chain.contracts.beacon import Phase
from qfl.chain.contracts.staking import Role
from qfl.chain.deploy import Genesis, deploy
from qfl.chain.ledger import Ledger
from qfl.chain.parameters import load_parameters
from qfl.chain.rpc.accounts import development_account
from qfl.chain.rpc.connection import connect
from qfl.chain.rpc.sender import Sender
from qfl.client.client import Client
from qfl.client.signing import Signing
from qfl.client.update import NormProver
from qfl.crypto.keyfile import KeyFile
from qfl.crypto.norm.keys import VerifyingKey
from qfl.devnet import Devnet
from qfl.devnet.health import call_chain
from qfl.errors import ContentMissing, RoundNotCompleted
from qfl.node.context import NodeContext
from qfl.node.encryption import set_up_encryption
from qfl.node.journal import JOURNAL, Journal
from qfl.node.membership import first_anchor
from qfl.node.settlement import settle_due
from qfl.protocol.types import ParticipantId, RoundNumber, ShardIndex
from qfl.quorum.quorum import DEFAULT, SCHEMES, scheme_of
from qfl.simulation.driver import Network, run_until
from qfl.storage.ipfs import IpfsStore
from qfl.storage.pubsub import Pubsub
from qfl.storage.store import ContentStore
from qfl.training.job import JobDocument
from qfl.validator.validator import Validator

SHARD = ShardIndex(0)
FETCH_SECONDS = 1.0
"""How long a search for content may take: what nobody stores is not found any later on a network of one node."""
MOST_SEEDS = 1_000
"""Seeds to try until a draw suits: the rarest one asked for here comes in one of eighty."""
DRAWS_SLOT = 7
"""Where `Draw` has its rounds."""


class CountingStore(IpfsStore):
    """Counts the searches for content that nobody stores."""

    searches = 0

    def get(self, digest: bytes, max_bytes: int) -> bytes:
        """As `IpfsStore.get`."""
        try:
            return super().get(digest, max_bytes)
        except ContentMissing:
            self.searches += 1
            raise


class LocalTestnet:
    """Deployed with `parameters` over the defaults; close it, or use it as a context manager.

    Args:
        names: "client-1", ..., "validator-1", ...: everybody there will be. Keys are made now, bonds when asked for.
        genesis: the first model, and its content object.
        prover: makes the clients' proofs in a private deployment, whose verifying key is `verifying_key`.
        quorum: how committees sign: a scheme of `qfl.quorum`.
        marks: where the keys' leaf marks are kept, a folder in `folder`; the user's own folder unless given.
        mirrored: whether the shard is deployed with a mirror, as on a chain of its own; contracts see no difference.
        pubsub: how committees talk; without one, on chain.
        past: a testnet that is closed, on a chain that is as it was then: its deployment and its people are taken over,
            with a copy of all that they keep on disk, and nothing is deployed.
    """

    def __init__(
        self,
        devnet: Devnet,
        folder: Path,
        names: Sequence[str],
        job: JobDocument,
        genesis: tuple[Genesis, bytes],
        key_height: int = 5,
        marks: str | None = None,
        verifying_key: VerifyingKey | None = None,
        prover: NormProver | None = None,
        quorum: str = DEFAULT,
        mirrored: bool = False,
        past: LocalTestnet | None = None,
        pubsub: Pubsub | None = None,
        **parameters: int,
    ) -> None:
        self.devnet, self.folder, self.job, self.prover, self.pubsub = devnet, folder, job, prover, pubsub
        self.web3 = connect(devnet.rpc_url)
        self.store = CountingStore(devnet.ipfs_url, fetch_seconds=FETCH_SECONDS)
        self.clock = DevelopmentClock(self.web3)
        if past is not None:
            shutil.copytree(past.folder, folder, dirs_exist_ok=True)
        state = None if marks is None else folder / marks
        self.keys = {name: _keep_key(folder / name / "key.lms", key_height, state) for name in names}
        self.senders = {name: self.sender(1 + i) for i, name in enumerate(names)}
        self.owner = self.sender(0)
        for data in (job.to_json(), genesis[1]):
            self.store.put(data)
        self.deployment_path = folder / "deployment.json"
        if past is None:
            deployment = deploy(
                self.owner,
                load_parameters(**parameters),
                genesis=genesis[0],
                verifying_key=verifying_key,
                quorum=SCHEMES.find(quorum).contract,
                shard_senders=[self.owner] if mirrored else (),
            )
            deployment.save(self.deployment_path)
        else:
            deployment = past.ledger.deployment
        self.ledger: Ledger = Ledger(self.web3, deployment, shard_web3s=[self.web3] * len(deployment.chains))
        self._joined: dict[str, ParticipantId] = {} if past is None else dict(past._joined)
        self.chosen = set[RoundNumber]()
        self.running: dict[str, Client] = {}

    def close(self) -> None:
        """Let go of the keys, and end the lying node where there is one."""
        for key in self.keys.values():
            key.close()
        if "lying_node" in vars(self):
            self.lying_node.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def sender(self, index: int) -> Sender:
        """Development account `index`."""
        return Sender(self.web3, development_account(index))

    # --- people ----------------------------------------------------------------------------------------------

    def join(self, name: str) -> ParticipantId:
        """The participant called `name`, bonded if it was not."""
        if name not in self._joined:
            staking, role = self.ledger.staking, role_of(name)
            stake_wei = staking.minimum_stake_wei(role)
            key, folder = self.keys[name].public, self.folder / name
            anchor, first_round = first_anchor(self.ledger, role, key, folder)
            paid_to = self.withdrawal(name)
            self.senders[name].send(
                staking.bond(role, key, withdrawal=paid_to, stake_wei=stake_wei, anchor=anchor, first_round=first_round)
            )
            self._joined[name] = ParticipantId(staking.participant_count())
        return self._joined[name]

    def withdrawal(self, name: str) -> str:
        """Where the stake and the rewards of `name` go: an account that does nothing else, so it tells what came."""
        return str(to_checksum_address(keccak(text=f"{self.ledger.staking.address} {name}")[-20:]))

    def client(
        self,
        number: int,
        store: ContentStore | None = None,
        kind: type[Client] = Client,
        *,
        mode: str = "lms",
        confirmations: int | None = None,
        nodes: Sequence[str] = (),
    ) -> Client:
        """Client `number` (from 1), bonded if it was not: as it comes up after a restart.

        `mode` is one of `SIGNINGS`; `confirmations` are those of the deployment unless given. `nodes` are the addresses
        of those that it asks, in place of this machine's own: it speaks to the chain by the first.
        """
        name = f"client-{number}"
        participant, context = self.join(name), self.context(name, store)
        ledger, *others = [self._as_told_by(url) for url in nodes] or [self.ledger]
        if ledger is not self.ledger:
            own = Sender(ledger.web3, self.senders[name]._account)
            context = replace(context, ledger=ledger, sender=own)
        signing = Signing(ledger, participant, context.folder, mode=mode, others=others, confirmations=confirmations)
        self.running[name] = kind(context, participant, index=number - 1, seed=1, prover=self.prover, signing=signing)
        return self.running[name]

    @cached_property
    def lying_node(self) -> LyingNode:
        """Somebody's node, which may lie to who asks it."""
        return LyingNode(self.devnet.rpc_url, self.folder)

    def _as_told_by(self, url: str) -> Ledger:
        return Ledger(connect(url), self.ledger.deployment)

    def validator(self, number: int, kind: type[Validator] = Validator) -> Validator:
        """Validator `number` (from 1), bonded if it was not."""
        name = f"validator-{number}"
        participant, context = self.join(name), self.context(name)
        key, folder = context.key, context.folder
        kem = set_up_encryption(self.ledger, context.sender, self.store, participant, key, folder)
        scheme_of(self.ledger).set_up(context.sender, participant, key=key, folder=folder)
        return kind(context, participant, kem=kem)

    def context(self, name: str, store: ContentStore | None = None, sender: Sender | None = None) -> NodeContext:
        """What the role of `name` works with."""
        paying = sender or self.senders[name]
        key, folder = self.keys[name], self.folder / name
        return NodeContext(self.ledger, paying, store or self.store, key, folder, self.pubsub)

    def funds_wei(self, name: str) -> int:
        """All that `name` has in the protocol or took out of it: stake, rewards, and what was paid out."""
        participant, staking = self.join(name), self.ledger.staking
        inside = staking.participant(participant).stake_wei + staking.rewards_of(participant)
        return inside + int(self.web3.eth.get_balance(to_checksum_address(self.withdrawal(name))))

    def back_up(self, name: str) -> Path:
        """A copy of what `name` has on disk now."""
        return Path(shutil.copytree(self.folder / name, self.folder / f"{name}-backup"))

    def restore(self, name: str, backup: Path) -> None:
        """Have client `name` go on with an older copy of its folder, but for its LMS key, which refuses to be older."""
        folder, keys = self.folder / name, "*.lms"
        for path in set(folder.iterdir()) - set(folder.glob(keys)):
            path.unlink()
        shutil.copytree(backup, folder, ignore=shutil.ignore_patterns(keys), dirs_exist_ok=True)
        self.running[name]._journal = Journal(folder / JOURNAL)

    # --- time and chance -------------------------------------------------------------------------------------

    def open_round(self, network: Network, suits: Callable[[list[ParticipantId]], bool]) -> RoundNumber:
        """Open the next round with a seed whose draw `suits`, which is asked about all its seats while it is open.

        Chance brings one sooner or later; here it is written into the chain's storage, since nobody can choose it. So
        it follows from no link: `chosen` has the rounds of which that is so.

        Raises:
            RoundNotCompleted: none of many seeds does.
        """
        settle_due(self.ledger, self.owner)
        number, url = self.ledger.beacon.current_round() + 1, self.devnet.rpc_url
        place = keccak(encode(["uint256", "uint256"], [number, DRAWS_SLOT]))
        for attempt in range(MOST_SEEDS):
            seed = keccak(encode(["uint64", "uint64"], [number, attempt]))
            call_chain(url, "anvil_setStorageAt", self.ledger.draw.address, "0x" + place.hex(), "0x" + seed.hex())
            if self._would_suit(RoundNumber(number), suits):
                self.chosen.add(RoundNumber(number))
                return run_until(network, Phase.COMMIT)
        raise RoundNotCompleted(number, f"the draw of none of {MOST_SEEDS} seeds suits")

    def mine(self, blocks: int) -> None:
        """Have the chain make so many empty blocks."""
        for _ in range(blocks):
            call_chain(self.devnet.rpc_url, "evm_mine")

    def take_back_to(self, block: int) -> None:
        """Have the chain take back all blocks after this one, and its time with them."""
        url = self.devnet.rpc_url
        call_chain(url, "anvil_rollback", int(call_chain(url, "eth_blockNumber"), 16) - block)
        call_chain(url, "anvil_dropAllTransactions")

    def _would_suit(self, number: RoundNumber, suits: Callable[[list[ParticipantId]], bool]) -> bool:
        """Whether the next round would suit if it were opened now."""
        snapshot = call_chain(self.devnet.rpc_url, "evm_snapshot")
        self.owner.send(self.ledger.beacon.open_round())
        found = suits(self.ledger.draw.seats_of(number))
        revert_chain(self.devnet.rpc_url, snapshot)
        return found


def revert_chain(url: str, snapshot: str) -> None:
    """Put a chain back to a snapshot, and drop what was sent since: what nobody mined then could be mined now."""
    call_chain(url, "evm_revert", snapshot)
    call_chain(url, "anvil_dropAllTransactions")


def _keep_key(path: Path, height: int, state: Path | None) -> KeyFile:
    return KeyFile.open(path, state) if path.exists() else KeyFile.create(path, height, state)


def role_of(name: str) -> Role:
    """The role that a name speaks of."""
    return Role.CLIENT if name.startswith("client") else Role.VALIDATOR
