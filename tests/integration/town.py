"""A town: a deployment of the contracts on a running devnet, and its people, each with a key and a folder."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from qfl.aggregate.model import encode_model, model_content
from qfl.audit.rounds import Auditor
from qfl.chain.accounts import development_account
from qfl.chain.clock import DevelopmentClock
from qfl.chain.connection import connect
from qfl.chain.contracts.staking import Role
from qfl.chain.deploy import Genesis, deploy
from qfl.chain.digests import compute_commitment
from qfl.chain.ledger import Ledger
from qfl.chain.parameters import load_parameters
from qfl.chain.sender import Sender
from qfl.codec.content import content_digest, lanes_root
from qfl.codec.state import to_state
from qfl.devnet import Devnet
from qfl.job import JobDocument
from qfl.keys.keyfile import KeyFile
from qfl.quantum.architecture import Architecture
from qfl.quantum.config import TrainingConfig
from qfl.roles.client import Client, Trained, TrainingTask
from qfl.roles.membership import join
from qfl.roles.trainer import Trainer
from qfl.roles.validator import Validator
from qfl.round import Network
from qfl.storage.ipfs import IpfsStore
from qfl.storage.store import ContentStore
from qfl.types import ParticipantId, RoundNumber, ShardIndex

SMALL = JobDocument(
    Architecture(encoding="angle", qubits=2, layers=1, classes=2, head=False, features=4),
    TrainingConfig(steps=1, batch_size=4),
    rounds=3,
)
SHARD = ShardIndex(0)


class Nudger:
    """Stands in for training, which takes seconds to load: turns every angle a little, by the task's seed."""

    def warm_up(self) -> None: ...

    def train(self, tasks: Sequence[TrainingTask], clients: Sequence[int]) -> list[Trained]:
        turned = [np.random.default_rng(task.seed).normal(0, 0.05, task.angles.shape) for task in tasks]
        return [Trained(task.angles + turn, task.weights) for task, turn in zip(tasks, turned, strict=True)]


class Town:
    """Deployed with `parameters` over the defaults; close it, or use it as a context manager."""

    def __init__(
        self,
        devnet: Devnet,
        folder: Path,
        clients: int = 3,
        validators: int = 4,
        job: JobDocument = SMALL,
        key_height: int = 5,
        **parameters: int,
    ) -> None:
        self.devnet, self.folder, self.job = devnet, folder, job
        self.web3, self.store = connect(devnet.rpc_url), IpfsStore(devnet.ipfs_url, fetch_seconds=1.0)
        self.clock = DevelopmentClock(self.web3)
        names = [f"client-{i + 1}" for i in range(clients)] + [f"validator-{i + 1}" for i in range(validators)]
        self.keys = {name: KeyFile.create(folder / name / "key.lms", key_height) for name in names}
        self.senders = {name: self.sender(1 + i) for i, name in enumerate(names)}
        self.owner = self.sender(0)
        shape = job.architecture.shape
        content = model_content(RoundNumber(0), _first_state(shape.quantum, shape.classical), shape)
        model = encode_model(content)
        genesis = Genesis(lanes_root(content), content_digest(model), job.digest(), shape)
        for data in (job.to_json(), model):
            self.store.put(data)
        self.deployment_path = folder / "deployment.json"
        deployment = deploy(self.web3, self.owner, load_parameters(**parameters), genesis)
        deployment.save(self.deployment_path)
        self.ledger = Ledger(self.web3, deployment)

    def close(self) -> None:
        """Let go of the keys."""
        for key in self.keys.values():
            key.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def sender(self, index: int) -> Sender:
        """Development account `index`."""
        return Sender(self.web3, development_account(index))

    def client(self, number: int, store: ContentStore | None = None) -> Client:
        """Client `number` (from 1), bonded if it was not: as it comes up after a restart."""
        name = f"client-{number}"
        return Client(
            self.join(name),
            *(number - 1, 1, self.ledger, self.senders[name], store or self.store),
            *(self.keys[name], self.folder / name),
        )

    def validator(self, number: int) -> Validator:
        """Validator `number` (from 1), bonded if it was not."""
        name = f"validator-{number}"
        return Validator(
            self.join(name), self.ledger, self.senders[name], self.store, self.keys[name], self.folder / name
        )

    def join(self, name: str) -> ParticipantId:
        """The participant called `name`, bonded if it was not."""
        role = Role.CLIENT if name.startswith("client") else Role.VALIDATOR
        return join(self.ledger, self.senders[name], role, self.keys[name].public, self.folder / name)

    def network(
        self, clients: Iterable[int] = (), validators: Iterable[int] = (1, 2, 3, 4), trainer: Trainer | None = None
    ) -> Network:
        """Those clients and validators, fresh, in one process."""
        return Network(
            self.ledger,
            [self.client(number) for number in clients],
            [self.validator(number) for number in validators],
            trainer or Nudger(),
            self.clock,
        )

    def rogue(self, number: int) -> Rogue:
        """A bonded client that does not keep to the program."""
        return Rogue(self, f"client-{number}")

    def end_phase(self) -> None:
        """Move the clock to the end of the phase."""
        self.clock.reach(self.ledger.beacon.context().phase_ends_at)

    def accepted_turn(self, number: RoundNumber) -> int:
        """Whose proposal became the round's checkpoint."""
        (accepted,) = self.ledger.beacon.accepted(number, self.ledger.opened_in(number))
        return accepted.checkpoint.turn

    def assert_everything_stands(self) -> None:
        """Recompute every round."""
        complaints = {verdict.round: verdict.complaints for verdict in Auditor(self.ledger, self.store).audit()}
        assert complaints, "no round was published"
        assert not any(complaints.values()), complaints


class Rogue:
    """A bonded client that commits to bytes of its own choice."""

    def __init__(self, town: Town, name: str) -> None:
        self.town, self.name = town, name
        self.participant = town.join(name)
        self.salt = bytes(32)

    def commit(self, root: bytes, digest: bytes, sender: Sender | None = None) -> None:
        """Commit to an update root and a content digest in the current round."""
        context = self.town.ledger.beacon.context()
        commitment = compute_commitment(context.round, self.participant, root, digest, self.salt)
        signature = self.sign(context.round, context.base_root, commitment)
        self.send_commit(context.round, context.base_root, commitment, signature, sender)

    def sign(self, round_number: int, base_root: bytes, commitment: bytes) -> bytes:
        """A signature under a commitment."""
        domain = self.town.ledger.shard_domains[SHARD]
        return self.town.keys[self.name].sign(domain.commit(round_number, self.participant, base_root, commitment))

    def send_commit(
        self, round_number: int, base_root: bytes, commitment: bytes, signature: bytes, sender: Sender | None = None
    ) -> None:
        """Send a commitment as it is."""
        call = self.town.ledger.shards[SHARD].commit(
            RoundNumber(round_number), self.participant, base_root, commitment, signature
        )
        (sender or self.town.senders[self.name]).send(call)

    def reveal(self, root: bytes, digest: bytes) -> None:
        """Open the commitment; storing the content is left to others."""
        current = self.town.ledger.beacon.current_round()
        call = self.town.ledger.shards[SHARD].reveal(current, self.participant, root, digest, self.salt)
        self.town.senders[self.name].send(call)


def _first_state(quantum: int, classical: int) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    rng = np.random.default_rng(5)
    return to_state(rng.uniform(-3, 3, quantum), rng.normal(0, 0.4, classical))
