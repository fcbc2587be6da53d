"""The private mode on a real chain and a real IPFS node, with real proofs: the committee reads, nobody else does."""

import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from testnet import SHARD, Nudger, Rogue, Testnet, step_clients

from qfl.chain.contracts.beacon import Phase
from qfl.client.client import Client
from qfl.client.update import NormEvidence, conceal
from qfl.crypto.kem import KemKey
from qfl.crypto.norm.keys import NormKeys
from qfl.crypto.norm.prover import Prover
from qfl.crypto.norm.statement import context_of
from qfl.crypto.sealed import ENTRY_BYTES, HEADER, open_sealed
from qfl.devnet import Devnet
from qfl.errors import ContentMissing, ContractReverted, InvalidInput, NormKeysMismatch, SealBroken
from qfl.node.encryption import KEY_NAME, open_norm_keys, read_opener, read_recipients, require_norm_keys
from qfl.node.outcome import count_included
from qfl.node.updates import Sealed
from qfl.protocol.content import Content, ContentKind, content_digest, decode, encode, lanes_root
from qfl.protocol.digests import compute_commitment
from qfl.protocol.lanes import pack_lanes
from qfl.protocol.types import ParticipantId, PreparedUpdate, RoundNumber, TrainingResult, TrainingTask
from qfl.simulation.driver import run_round, run_until
from qfl.validator.validator import Validator

pytestmark = pytest.mark.rest


class Swayer(Nudger):
    """As `Nudger`, and a step of its own: updates that no other test makes."""

    def train(self, tasks: Sequence[TrainingTask], clients: Sequence[int]) -> list[TrainingResult]:
        return [replace(trained, angles=trained.angles + 0.11) for trained in super().train(tasks, clients)]


@pytest.fixture(scope="module")
def testnet(private_testnet: Testnet) -> Testnet:
    return private_testnet


@pytest.fixture(scope="module")
def rounds(testnet: Testnet) -> list[RoundNumber]:
    """Two rounds of three clients."""
    outcomes = [run_round(testnet.network(clients=[1, 2, 3], trainer=Swayer())) for _ in range(2)]
    assert [outcome.included for outcome in outcomes] == [3, 3]
    return [outcome.round for outcome in outcomes]


def kem_of(testnet: Testnet, validator: int) -> KemKey:
    return KemKey.open(testnet.folder / f"validator-{validator}" / KEY_NAME)


def abandon_round(testnet: Testnet) -> None:
    """Let the time of the current round pass."""
    while testnet.ledger.beacon.context().phase is not Phase.IDLE:
        testnet.end_phase()


def sealed_blocks(testnet: Testnet, number: RoundNumber) -> dict[ParticipantId, bytes]:
    """What clients have put on IPFS in a round."""
    reveals = testnet.ledger.round(number).shard(SHARD).reveals()
    return {found.client: testnet.store.get(found.content_digest, 2**20) for found in reveals}


def opened_blocks(testnet: Testnet, number: RoundNumber) -> dict[ParticipantId, bytes]:
    """The content objects in them, by a validator's key."""
    part = testnet.ledger.round(number).shard(SHARD)
    opener = read_opener(part, testnet.store, [kem_of(testnet, 1)])
    assert isinstance(opener, Sealed)
    return {r.client: opener.open(r, testnet.store.get(r.content_digest, 2**20))[0] for r in part.reveals()}


# --- who sees what ---


def test_an_outsider_opens_nothing(testnet: Testnet, rounds: list[RoundNumber]) -> None:
    recipients = read_recipients(testnet.ledger, testnet.store, rounds[0], SHARD)
    address = testnet.ledger.shards[SHARD].address
    for client, data in sealed_blocks(testnet, rounds[0]).items():
        context = context_of(testnet.ledger.deployment.chain_id, address, rounds[0], client).to_bytes(32)
        for seat in range(4):
            with pytest.raises(SealBroken):
                open_sealed(data, seat, KemKey(os.urandom(64)), recipients, context)


def test_nobodys_lanes_are_anywhere_on_ipfs_in_the_clear(testnet: Testnet, rounds: list[RoundNumber]) -> None:
    for number in rounds:
        stored = b"".join(sealed_blocks(testnet, number).values())
        for content in opened_blocks(testnet, number).values():
            lanes = decode(content)
            assert pack_lanes(lanes.lanes, lanes.lane_bits) not in stored
        with pytest.raises(ContentMissing):
            testnet.store.get(content_digest(content), 2**20)


def test_the_root_on_chain_does_not_let_lanes_be_guessed(testnet: Testnet, rounds: list[RoundNumber]) -> None:
    contents = opened_blocks(testnet, rounds[0])
    for found in testnet.ledger.round(rounds[0]).shard(SHARD).reveals():
        assert lanes_root(decode(contents[found.client])) != found.update_root


# --- clients that do not keep to the program ---


class PrivateRogue(Rogue):
    """A bonded client that seals, proves and reveals what it likes."""

    def __init__(self, testnet: Testnet, number: int, prover: Prover) -> None:
        super().__init__(testnet, f"client-{number}")
        self.prover, self.round = prover, testnet.ledger.beacon.current_round()
        self.spec = testnet.ledger.round(self.round).shard(SHARD).spec()
        self.recipients = read_recipients(testnet.ledger, testnet.store, self.round, SHARD)
        address = testnet.ledger.shards[SHARD].address
        self.context = context_of(testnet.ledger.deployment.chain_id, address, self.round, self.participant)

    def update(self, value: int) -> PreparedUpdate:
        """An update whose lanes are all `value`, in the clear."""
        lanes = np.full(self.spec.shape.total, value, np.int16)
        content = Content(
            *(ContentKind.UPDATE, 16, self.round, SHARD, 0, self.participant),
            *(self.spec.shape, self.spec.base_root, lanes),
        )
        data = encode(content)
        return PreparedUpdate(data, lanes_root(content), content_digest(data), bytes(32), np.zeros(0))

    def conceal(self, value: int) -> tuple[PreparedUpdate, NormEvidence]:
        """The same, as an honest client conceals it."""
        return conceal(
            self.update(value), self.spec, recipients=self.recipients, context=self.context, prover=self.prover
        )

    def commit_to(self, update: PreparedUpdate, evidence: NormEvidence) -> None:
        commitment = compute_commitment(
            *(self.round, self.participant, update.update_root, update.content_digest, update.salt),
            evidence.vector_commitment,
        )
        signature = self.sign(self.round, self.spec.base_root, commitment)
        self.send_commit(self.round, self.spec.base_root, commitment, signature)

    def open(self, update: PreparedUpdate, evidence: NormEvidence) -> None:
        self.testnet.store.put(update.content)
        call = self.testnet.ledger.shards[SHARD].reveal_private(
            self.round,
            self.participant,
            update_root=update.update_root,
            content_digest=update.content_digest,
            salt=update.salt,
            vector_commitment=evidence.vector_commitment,
            proof=evidence.proof,
        )
        self.testnet.senders[self.name].send(call)


def other_lanes_than_proven(rogue: PrivateRogue) -> tuple[PreparedUpdate, NormEvidence]:
    return rogue.conceal(5)[0], rogue.conceal(3)[1]


def noise_for_one_seat(rogue: PrivateRogue) -> tuple[PreparedUpdate, NormEvidence]:
    update, evidence = rogue.conceal(5)
    start = HEADER.size + ENTRY_BYTES
    data = update.content[:start] + os.urandom(ENTRY_BYTES) + update.content[start + ENTRY_BYTES :]
    return replace(update, content=data, content_digest=content_digest(data)), evidence


FAULTS = {
    other_lanes_than_proven: "not the ones whose norm it has proven",
    noise_for_one_seat: "the entry of seat 1",
}
"""What a client does, and what the validators' log says of it."""


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_update_that_not_everybody_reads_alike_is_left_out_and_costs_no_turn(
    testnet: Testnet,
    rounds: list[RoundNumber],
    prover: Prover,
    caplog: pytest.LogCaptureFixture,
    fault: Callable[[PrivateRogue], tuple[PreparedUpdate, NormEvidence]],
) -> None:
    network = testnet.network(clients=[1, 2])
    number = run_until(network, Phase.COMMIT)
    rogue = PrivateRogue(testnet, 3, prover)
    sent = fault(rogue)
    rogue.commit_to(*sent)
    run_until(network, Phase.REVEAL)
    rogue.open(*sent)
    with caplog.at_level(logging.WARNING):
        run_until(network, Phase.IDLE)
    assert count_included(network.ledger, number) == 2
    assert testnet.accepted_turn(number) == 0
    said = [line for line in caplog.messages if f"the update of client {rogue.participant} is not included" in line]
    assert len(said) >= 3, "a quorum"
    assert all(FAULTS[fault] in line for line in said)


def test_proof_of_another_client_is_refused_by_the_contract(testnet: Testnet, prover: Prover) -> None:
    network = testnet.network(clients=[1])
    run_until(network, Phase.COMMIT)
    rogue, victim = PrivateRogue(testnet, 3, prover), PrivateRogue(testnet, 2, prover)
    update, evidence = rogue.conceal(5)[0], victim.conceal(5)[1]
    rogue.commit_to(update, evidence)
    testnet.end_phase()
    with pytest.raises(ContractReverted, match="BadNormProof"):
        rogue.open(update, evidence)
    abandon_round(testnet)


# --- restarts and misconfigurations ---


def without_prover(testnet: Testnet) -> Client:
    """The first client, started from its folder by somebody who knows of no proofs."""
    return Client(testnet.context("client-1"), testnet.join("client-1"), index=0, seed=1)


def test_client_killed_after_it_promised_says_the_same_without_proving_again(testnet: Testnet) -> None:
    network = testnet.network(clients=[1])
    number = run_until(network, Phase.COMMIT)
    step_clients(network)
    restarted = without_prover(testnet)
    assert restarted.has_prepared(number)
    run_until(replace(network, clients=[restarted]), Phase.IDLE)
    assert count_included(testnet.ledger, number) == 1


def test_client_that_takes_the_deployment_for_transparent_publishes_nothing(testnet: Testnet) -> None:
    """Its config is not asked: it would show its update to everybody before the contract refused it."""
    network = testnet.network(clients=[])
    number = run_until(network, Phase.COMMIT)
    careless = without_prover(testnet)
    task = careless.training_task(number, SHARD)
    with pytest.raises(InvalidInput, match="this deployment is private"):
        careless.prepare(TrainingResult(task.angles + 0.1, task.weights))
    assert not careless.has_prepared(number)
    abandon_round(testnet)


def test_validator_that_starts_again_keeps_its_key_and_sends_nothing(testnet: Testnet) -> None:
    before = kem_of(testnet, 1).public, testnet.web3.eth.block_number
    testnet.validator(1)
    assert (kem_of(testnet, 1).public, testnet.web3.eth.block_number) == before


def test_keys_of_another_verifier_are_refused_before_anything_is_proven(testnet: Testnet, norm_keys: NormKeys) -> None:
    found = open_norm_keys(testnet.ledger, norm_keys.folder)
    assert found is not None
    assert found.digest == norm_keys.digest
    other = replace(norm_keys, verifying_key=replace(norm_keys.verifying_key, capacity=256))
    with pytest.raises(NormKeysMismatch, match="on chain it is"):
        require_norm_keys(testnet.ledger, other)


def test_round_goes_on_with_a_seat_that_has_named_no_key(
    devnet: Devnet, norm_keys: NormKeys, prover: Prover, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("keyless")
    with Testnet(devnet, folder, clients=2, prover=prover, verifying_key=norm_keys.verifying_key) as testnet:
        name = "validator-4"
        keyless = Validator(testnet.context(name), testnet.join(name))
        network = testnet.network(clients=[1, 2], validators=[1, 2, 3])
        outcome = run_round(replace(network, validators=[*network.validators, keyless]))
        assert outcome.included == 2
        assert read_recipients(testnet.ledger, testnet.store, outcome.round, SHARD).count(b"") == 1
