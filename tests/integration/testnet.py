"""The tests' own test network, and what its clients and validators do wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from experiments.attacks.testnet import SHARD, LocalTestnet, role_of
from qfl.auditor.draw import WRONG_SEED
from qfl.auditor.rounds import Auditor
from qfl.chain.contracts.beacon import Phase
from qfl.chain.deploy import Genesis
from qfl.chain.rpc.sender import Sender
from qfl.crypto.keyfile import KeyFile
from qfl.crypto.norm.keys import VerifyingKey
from qfl.crypto.norm.prover import Prover
from qfl.devnet import Devnet
from qfl.node.membership import join
from qfl.protocol.content import content_digest, encode, lanes_root
from qfl.protocol.digests import compute_commitment
from qfl.protocol.recompute import model_content
from qfl.protocol.state import to_state
from qfl.protocol.types import ParticipantId, RoundNumber, TrainingResult, TrainingTask
from qfl.quantum.architecture import Architecture
from qfl.quorum.quorum import DEFAULT, scheme_of
from qfl.simulation.driver import Network, run_until
from qfl.storage.pubsub import Pubsub
from qfl.training.job import JobDocument
from qfl.training.recipe import TrainingConfig
from qfl.training.trainer import Trainer
from qfl.validator.validator import Validator

SMALL = JobDocument(
    Architecture(encoding="angle", qubits=2, layers=1, classes=2, head=False, features=4),
    TrainingConfig(steps=1, batch_size=4),
    rounds=3,
)


class Nudger:
    """Stands in for training, which takes seconds to load: turns every angle a little, by the task's seed."""

    def warm_up(self) -> None: ...

    def train(self, tasks: Sequence[TrainingTask], clients: Sequence[int]) -> list[TrainingResult]:
        turned = [np.random.default_rng(task.seed).normal(0, 0.05, task.angles.shape) for task in tasks]
        return [TrainingResult(task.angles + turn, task.weights) for task, turn in zip(tasks, turned, strict=True)]


class Testnet(LocalTestnet):
    """A local network for the tests' own small job; everybody is paid into the account that pays for them.

    It is private when it is given the keys of the norm proofs.
    """

    __test__ = False  # pytest takes it for tests by its name

    def __init__(
        self,
        devnet: Devnet,
        folder: Path,
        clients: int = 3,
        validators: int = 4,
        job: JobDocument = SMALL,
        key_height: int = 5,
        verifying_key: VerifyingKey | None = None,
        prover: Prover | None = None,
        quorum: str = DEFAULT,
        pubsub: Pubsub | None = None,
        **parameters: int,
    ) -> None:
        names = [f"client-{i + 1}" for i in range(clients)] + [f"validator-{i + 1}" for i in range(validators)]
        chosen = {"verifying_key": verifying_key, "prover": prover, "quorum": quorum, "pubsub": pubsub}
        super().__init__(devnet, folder, names, job, genesis_of(job), key_height, **chosen, **parameters)

    def join(self, name: str) -> ParticipantId:
        """The participant called `name`, bonded if it was not: found again as a restarted process finds it."""
        return join(self.ledger, self.senders[name], role_of(name), self.keys[name], self.folder / name)

    def network(
        self, clients: Iterable[int] = (), validators: Iterable[int] = (1, 2, 3, 4), trainer: Trainer | None = None
    ) -> Network:
        """Those clients and validators, fresh, in one process."""
        return Network(
            self.ledger,
            [self.client(number) for number in clients],
            validators=[self.validator(number) for number in validators],
            trainer=trainer or Nudger(),
            clock=self.clock,
            sender=self.owner,
        )

    @property
    def where(self) -> list[str]:
        """A command's options that name the chain, the IPFS node and the deployment."""
        services = ["--rpc", self.devnet.rpc_url, "--ipfs", self.devnet.ipfs_url]
        return [*services, "--deployment", str(self.deployment_path)]

    def name_of(self, participant: ParticipantId) -> str:
        """Who it is, by the key that the chain has of it."""
        public = self.ledger.staking.participant(participant).key
        return next(name for name, key in self.keys.items() if key.public == public)

    def key_of(self, participant: ParticipantId) -> KeyFile:
        """The key that it signs with."""
        return self.keys[self.name_of(participant)]

    def attest(self, digest: bytes, participant: ParticipantId, seat: int) -> bytes:
        """Its attestation of a digest, in a seat, by a signature."""
        scheme = scheme_of(self.ledger)
        return scheme.attestation(self.key_of(participant).sign(scheme.message(digest, participant, seat)))

    def rotate_key(self, participant: ParticipantId) -> None:
        """Replace its key."""
        name, staking = self.name_of(participant), self.ledger.staking
        new, nonce = KeyFile.create(self.folder / name / "new.lms", 5), staking.participant(participant).nonce
        signature = self.keys[name].sign(self.ledger.staking_domain.rotation(participant, new.public, nonce))
        self.owner.send(staking.rotate_key(participant, new.public, signature=signature))
        self.keys[name].close()
        self.keys[name] = new

    def rogue(self, number: int) -> Rogue:
        """A bonded client that does not keep to the program."""
        return Rogue(self, f"client-{number}")

    def end_phase(self) -> None:
        """Move the clock to the end of the phase."""
        self.clock.reach(self.ledger.beacon.context().phase_ends_at)

    def accepted_turn(self, number: RoundNumber) -> int:
        """Whose proposal became the round's checkpoint."""
        (accepted,) = self.ledger.round(number).accepted()
        return accepted.checkpoint.turn

    def assert_everything_stands(self) -> None:
        """Recompute every round; but for the seeds that were chosen for a test."""
        chosen = {number: WRONG_SEED.format(number - 1) for number in self.chosen}
        complaints = {
            verdict.round: [said for said in verdict.complaints if said != chosen.get(verdict.round)]
            for verdict in Auditor(self.ledger, self.store).audit()
        }
        assert complaints, "no round was published"
        assert not any(complaints.values()), complaints


class Rogue:
    """A bonded client that commits to bytes of its own choice."""

    def __init__(self, testnet: Testnet, name: str) -> None:
        self.testnet, self.name = testnet, name
        self.participant = testnet.join(name)
        self.salt = bytes(32)

    def commit(self, root: bytes, digest: bytes, sender: Sender | None = None) -> None:
        """Commit to an update root and a content digest in the current round."""
        context = self.testnet.ledger.beacon.context()
        commitment = compute_commitment(context.round, self.participant, root, digest, self.salt)
        signature = self.sign(context.round, context.base_root, commitment)
        self.send_commit(context.round, context.base_root, commitment, signature, sender)

    def sign(self, round_number: int, base_root: bytes, commitment: bytes) -> bytes:
        """A signature under a commitment."""
        domain = self.testnet.ledger.shard_domains[SHARD]
        return self.testnet.keys[self.name].sign(domain.commit(round_number, self.participant, base_root, commitment))

    def send_commit(
        self, round_number: int, base_root: bytes, commitment: bytes, signature: bytes, sender: Sender | None = None
    ) -> None:
        """Send a commitment as it is."""
        call = self.testnet.ledger.shards[SHARD].commit(
            RoundNumber(round_number),
            self.participant,
            base_root=base_root,
            commitment=commitment,
            signature=signature,
        )
        (sender or self.testnet.senders[self.name]).send(call)

    def reveal(self, root: bytes, digest: bytes) -> None:
        """Open the commitment; storing the content is left to others."""
        current = self.testnet.ledger.beacon.current_round()
        call = self.testnet.ledger.shards[SHARD].reveal(
            current, self.participant, update_root=root, content_digest=digest, salt=self.salt
        )
        self.testnet.senders[self.name].send(call)


def genesis_of(job: JobDocument) -> tuple[Genesis, bytes]:
    shape, rng = job.architecture.shape, np.random.default_rng(5)
    state = to_state(rng.uniform(-3, 3, shape.quantum), rng.normal(0, 0.4, shape.classical))
    content = model_content(RoundNumber(0), state, shape)
    data = encode(content)
    return Genesis(lanes_root(content), content_digest(data), job.digest(), shape), data


def reach_checkpoint_phase(network: Network) -> RoundNumber:
    """Open a round, let clients commit and reveal, and the first seat show its link; nobody has verified anything."""
    run_until(network, Phase.REVEAL)
    for validator in network.validators:
        validator.keep_draw({Phase.REVEAL})
    return run_until(replace(network, validators=()), Phase.CHECKPOINT)


def step_clients(network: Network) -> None:
    """One step of every client: it trains, commits or reveals; the phase goes on."""
    network.scheduler.step_clients(network.clients, network.trainer)


def in_seat(network: Network, number: RoundNumber, seat: int) -> Validator:
    """The validator that sits there."""
    drawn = network.ledger.beacon.committee(number, SHARD)[seat]
    return next(validator for validator in network.validators if validator.participant == drawn)


def without(network: Network, absent: ParticipantId) -> Network:
    """The network, in which one validator does nothing."""
    return replace(network, validators=[each for each in network.validators if each.participant != absent])


def fresh_testnet(scope: Literal["function", "module"], audited: bool = False, **settings: Any) -> Any:
    """A fixture: a testnet with these settings for each test, or for all of a module; `audited` in the end."""

    @pytest.fixture(scope=scope)
    def made(devnet: Devnet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Testnet]:
        with Testnet(devnet, tmp_path_factory.mktemp("testnet"), **settings) as built:
            yield built
            if audited:
                built.assert_everything_stands()

    return made
