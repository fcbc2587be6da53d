"""What the chain accepts of a client, from whom, and when; who pays for a transaction does not matter."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import pytest
from testnet import SHARD, Rogue, Testnet
from web3.types import TxParams

from experiments.attacks.insistent import Insistent
from qfl.chain.contracts.beacon import Phase
from qfl.chain.rpc.sender import UnsentCall
from qfl.crypto.keyfile import KeyFile
from qfl.devnet import Devnet
from qfl.devnet.health import call_chain
from qfl.errors import ContractReverted
from qfl.protocol.digests import compute_commitment
from qfl.simulation.driver import run_until

ROOT, DIGEST, OTHER = b"\1" * 32, b"\2" * 32, b"\3" * 32


@pytest.fixture(scope="module")
def testnet(devnet: Devnet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Testnet]:
    with Testnet(devnet, tmp_path_factory.mktemp("testnet")) as built:
        yield built


@pytest.fixture
def rogue(testnet: Testnet) -> Rogue:
    """A client in a round of its own that is open for commits."""
    network = testnet.network()
    if testnet.ledger.beacon.current_round():
        testnet.clock.reach(testnet.ledger.beacon.round_at(testnet.ledger.beacon.current_round()).publish_ends_at)
    testnet.join("client-2")  # who bonds after the opening has no place in the round
    rogue = testnet.rogue(1)
    run_until(network, Phase.COMMIT)
    return rogue


def force(testnet: Testnet, call: UnsentCall, account: str) -> int:
    """Put a call into a block without the dry run that would stop it; its status."""
    transaction = {"from": account, "to": call.to, "data": call.data, "gas": 1_000_000}
    tx_hash = testnet.web3.eth.send_transaction(cast(TxParams, transaction))
    return int(testnet.web3.eth.wait_for_transaction_receipt(tx_hash)["status"])


def wait_for_pending(testnet: Testnet, count: int) -> None:
    """Wait until so many transactions wait for a block."""
    deadline = time.monotonic() + 20
    while int(call_chain(testnet.devnet.rpc_url, "txpool_status")["pending"], 16) < count:
        assert time.monotonic() < deadline


def test_a_forged_commit_from_the_clients_own_account_changes_nothing(rogue: Rogue, testnet: Testnet) -> None:
    beacon, shard = testnet.ledger.beacon, testnet.ledger.shards[SHARD]
    number, base_root = beacon.current_round(), beacon.context().base_root
    commitment = compute_commitment(number, rogue.participant, ROOT, DIGEST, rogue.salt)
    with KeyFile.create(testnet.folder / f"stolen-{number}.lms", 5) as other:
        digest = testnet.ledger.shard_domains[SHARD].commit(number, rogue.participant, base_root, commitment)
        forged = shard.commit(
            number, rogue.participant, base_root=base_root, commitment=commitment, signature=other.sign(digest)
        )
    leaf_before = shard.next_leaf(rogue.participant)
    own_account = testnet.senders[rogue.name]
    with pytest.raises(ContractReverted) as refusal:
        own_account.send(forged)
    assert (refusal.value.name, *refusal.value.values.values()) == ("BadSignature", rogue.participant)
    assert force(testnet, forged, own_account.address) == 0
    assert not any(shard.update_of(number, rogue.participant))
    assert shard.next_leaf(rogue.participant) == leaf_before
    rogue.commit(ROOT, DIGEST, sender=testnet.sender(18))  # its place in the round is still free, whoever carries it
    assert any(shard.update_of(number, rogue.participant))
    assert shard.next_leaf(rogue.participant) == leaf_before + 1


def commit_late(rogue: Rogue) -> None:
    rogue.testnet.end_phase()
    rogue.commit(ROOT, DIGEST)


def commit_twice(rogue: Rogue) -> None:
    rogue.commit(ROOT, DIGEST)
    rogue.commit(ROOT, OTHER)


def commit_to_another_base(rogue: Rogue) -> None:
    number = rogue.testnet.ledger.beacon.current_round()
    rogue.send_commit(number, OTHER, DIGEST, rogue.sign(number, OTHER, DIGEST))


def commit_to_another_round(rogue: Rogue) -> None:
    context = rogue.testnet.ledger.beacon.context()
    number = context.round + 1
    rogue.send_commit(number, context.base_root, DIGEST, rogue.sign(number, context.base_root, DIGEST))


def commit_with_an_old_leaf(rogue: Rogue) -> None:
    """What a thief could do with a signature made and never sent."""
    first = rogue.testnet.ledger.beacon.context()
    early = rogue.sign(first.round, first.base_root, DIGEST)
    rogue.commit(ROOT, DIGEST)
    rogue.testnet.clock.reach(rogue.testnet.ledger.beacon.round_at(first.round).publish_ends_at)
    run_until(rogue.testnet.network(), Phase.COMMIT)
    rogue.send_commit(first.round + 1, first.base_root, DIGEST, early)


def reveal_without_commit(rogue: Rogue) -> None:
    rogue.testnet.end_phase()
    rogue.reveal(ROOT, DIGEST)


def reveal_too_early(rogue: Rogue) -> None:
    rogue.commit(ROOT, DIGEST)
    rogue.reveal(ROOT, DIGEST)


def reveal_something_else(rogue: Rogue) -> None:
    rogue.commit(ROOT, DIGEST)
    rogue.testnet.end_phase()
    rogue.reveal(ROOT, OTHER)


def reveal_twice(rogue: Rogue) -> None:
    rogue.commit(ROOT, DIGEST)
    rogue.testnet.end_phase()
    rogue.reveal(ROOT, DIGEST)
    rogue.reveal(ROOT, DIGEST)


def open_anothers_commitment(rogue: Rogue) -> None:
    """A commitment copied from the chain cannot be opened: it is bound to who made it."""
    rogue.commit(ROOT, DIGEST)
    shard, number = rogue.testnet.ledger.shards[SHARD], rogue.testnet.ledger.beacon.current_round()
    (copied,) = shard.commits(number, 0)
    thief = rogue.testnet.rogue(2)
    base_root = rogue.testnet.ledger.beacon.context().base_root
    thief.send_commit(number, base_root, copied.commitment, thief.sign(number, base_root, copied.commitment))
    rogue.testnet.end_phase()
    thief.reveal(ROOT, DIGEST)


REFUSED: list[tuple[Callable[[Rogue], None], str]] = [
    (commit_late, "WrongPhase"),
    (commit_twice, "AlreadyCommitted"),
    (commit_to_another_base, "WrongBase"),
    (commit_to_another_round, "NotCurrentRound"),
    (commit_with_an_old_leaf, "LeafReused"),
    (reveal_without_commit, "NotCommitted"),
    (reveal_too_early, "WrongPhase"),
    (reveal_something_else, "CommitmentMismatch"),
    (reveal_twice, "AlreadyRevealed"),
    (open_anothers_commitment, "CommitmentMismatch"),
]


@pytest.mark.parametrize(("misuse", "error"), REFUSED, ids=[misuse.__name__ for misuse, _ in REFUSED])
def test_misuse_is_refused_by_name(rogue: Rogue, misuse: Callable[[Rogue], None], error: str) -> None:
    with pytest.raises(ContractReverted) as refusal:
        misuse(rogue)
    assert refusal.value.name == error


def test_of_two_that_carry_the_same_message_in_one_block_the_second_learns_why_it_failed(
    rogue: Rogue, testnet: Testnet
) -> None:
    """The dry run of the slower one succeeds; then somebody pays more for a place before it."""
    context = testnet.ledger.beacon.context()
    signature = rogue.sign(context.round, context.base_root, DIGEST)
    call = testnet.ledger.shards[SHARD].commit(
        context.round, rogue.participant, base_root=context.base_root, commitment=DIGEST, signature=signature
    )
    quicker = Insistent(testnet.sender(17))
    quicker.gas_limit, quicker.tip_wei = 1_000_000, 50 * 10**9
    call_chain(testnet.devnet.rpc_url, "evm_setAutomine", False)
    try:
        with ThreadPoolExecutor(2) as pool:
            slower = pool.submit(testnet.sender(16).send, call)
            wait_for_pending(testnet, 1)
            taken = pool.submit(quicker.send, call)
            wait_for_pending(testnet, 2)
            call_chain(testnet.devnet.rpc_url, "evm_mine")
    finally:
        call_chain(testnet.devnet.rpc_url, "evm_setAutomine", True)
    assert taken.exception() is None
    failure = slower.exception()
    assert isinstance(failure, ContractReverted)
    assert failure.name == "AlreadyCommitted"
