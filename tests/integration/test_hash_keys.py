"""Clients that commit by key, on a chain: what they show, to whom, and when; whoever looks into the mempool."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from testnet import SHARD, Nudger, Testnet

from qfl.chain.contracts.beacon import Phase
from qfl.chain.contracts.shard import UNSIGNED
from qfl.chain.rpc.sender import UnsentCall
from qfl.client.client import Client
from qfl.crypto.hash_chain import RoundKeys
from qfl.devnet import Devnet
from qfl.devnet.health import call_chain
from qfl.errors import ContractReverted
from qfl.node.journal import JOURNAL, Journal
from qfl.protocol.types import RoundNumber
from qfl.simulation.driver import run_round, run_until

KEYED = (1, 2)
DEPTH = 8
"""Confirmations: more blocks than there are between two phases."""
OTHERS = b"\7" * 32
"""What somebody else commits to."""


@pytest.fixture(scope="module")
def testnet(devnet: Devnet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Testnet]:
    with Testnet(devnet, tmp_path_factory.mktemp("testnet")) as built:
        for number in KEYED:
            built.join(f"client-{number}")
        yield built


@pytest.fixture
def network(testnet: Testnet):
    """Two clients that commit by key, in no round yet."""
    network = testnet.network()
    if current := testnet.ledger.beacon.current_round():
        testnet.clock.reach(testnet.ledger.beacon.round_at(current).publish_ends_at)
    return replace(network, clients=[testnet.client(number, mode="keys") for number in KEYED])


def take_part(client: Client) -> None:
    """Train, and commit."""
    step = client.step()
    assert step.task is not None
    client.prepare(Nudger().train([step.task], [client.index])[0])
    assert client.step().note.endswith("committed")


def mine(testnet: Testnet, blocks: int) -> None:
    call_chain(testnet.devnet.rpc_url, "anvil_mine", hex(blocks))


def leaves_in(testnet: Testnet, number: RoundNumber) -> list[int]:
    return [commit.leaf for commit in testnet.ledger.round(number).shard(SHARD).commits()]


def keys_of(testnet: Testnet, client: Client, number: RoundNumber) -> RoundKeys:
    keys = client._signing.keys_of(SHARD, number)
    assert keys is not None
    return keys


def another_commit(testnet: Testnet, client: Client, number: RoundNumber, commitment: bytes = OTHERS) -> UnsentCall:
    """What somebody who sees the client's token can send."""
    base_root, token = testnet.ledger.beacon.context().base_root, keys_of(testnet, client, number).token
    place = testnet.ledger.shards[SHARD], (number, client.participant)
    return place[0].commit_by_key(*place[1], base_root=base_root, commitment=commitment, token=token)


def test_rounds_by_keys_spend_no_leaf_and_verify(testnet: Testnet, network) -> None:
    spent = [testnet.keys[f"client-{number}"].next_leaf for number in KEYED]
    for _ in range(2):
        outcome = run_round(network)
        assert outcome.included == len(KEYED)
        assert leaves_in(testnet, outcome.round) == [UNSIGNED] * len(KEYED)
    assert [testnet.keys[f"client-{number}"].next_leaf for number in KEYED] == spent
    testnet.assert_everything_stands()


def test_a_client_that_is_killed_in_every_phase_says_the_same_again(testnet: Testnet, network) -> None:
    number = run_until(replace(network, clients=[]), Phase.COMMIT)
    client = testnet.client(1, mode="keys")
    step = client.step()
    client.prepare(Nudger().train([step.task], [client.index])[0])
    assert testnet.client(1, mode="keys").step().note.endswith("committed")
    assert not testnet.client(1, mode="keys").step()
    testnet.end_phase()
    assert testnet.client(1, mode="lms").step().note.endswith("revealed")
    assert not testnet.client(1, mode="keys").step()
    assert len(testnet.ledger.shards[SHARD].reveals(number, 0)) == 1


def test_a_client_whose_token_somebody_else_uses_first_signs_and_keeps_its_key(testnet: Testnet, network) -> None:
    number = run_until(replace(network, clients=[]), Phase.COMMIT)
    client, other = testnet.client(1, mode="keys"), testnet.sender(18)
    step = client.step()
    client.prepare(Nudger().train([step.task], [client.index])[0])
    other.send(another_commit(testnet, client, number))
    assert "signed instead" in client.step().note
    with pytest.raises(ContractReverted, match="AlreadyCommitted"):
        other.send(another_commit(testnet, client, number, bytes(32)))
    key = keys_of(testnet, client, number).key
    outcome = run_round(replace(network, clients=[testnet.client(1, mode="keys")]))
    assert outcome.included == 1
    leaves = leaves_in(testnet, number)
    assert (leaves[0], len(leaves), leaves[1] < UNSIGNED) == (UNSIGNED, 2, True)
    (reveal,) = testnet.ledger.round(number).shard(SHARD).reveals()
    shown = testnet.ledger.call_in(testnet.ledger.shards[SHARD], reveal.tx_hash)
    assert shown is not None and key not in shown["salt"]
    testnet.assert_everything_stands()


def test_a_key_waits_for_confirmations_and_a_reorganisation_meanwhile_harvests_nothing(
    testnet: Testnet, network
) -> None:
    """The chain takes the commitment back and puts another in its place: the client signs, nobody forges."""
    number = run_until(replace(network, clients=[]), Phase.COMMIT)
    mine(testnet, DEPTH)
    client = testnet.client(1, mode="keys", confirmations=DEPTH)
    before = call_chain(testnet.devnet.rpc_url, "evm_snapshot")
    take_part(client)
    testnet.end_phase()
    step = client.step()
    assert (step.has_acted, "waits" in step.note) == (False, True)

    call_chain(testnet.devnet.rpc_url, "evm_revert", before)
    testnet.sender(18).send(another_commit(testnet, client, number))
    assert "signed instead" in testnet.client(1, mode="keys", confirmations=DEPTH).step().note
    testnet.end_phase()
    assert testnet.client(1, mode="keys", confirmations=DEPTH).step().note.endswith("revealed")
    assert len(testnet.ledger.shards[SHARD].reveals(number, 0)) == 1


def test_a_key_is_shown_once_its_commitment_is_deep_enough(testnet: Testnet, network) -> None:
    number = run_until(replace(network, clients=[]), Phase.COMMIT)
    mine(testnet, DEPTH)
    client = testnet.client(1, mode="keys", confirmations=DEPTH)
    take_part(client)
    testnet.end_phase()
    assert not client.step()
    mine(testnet, DEPTH)
    assert client.step().note.endswith("revealed")
    assert len(testnet.ledger.shards[SHARD].reveals(number, 0)) == 1


def test_where_a_key_could_not_be_shown_in_time_the_commitment_is_signed(testnet: Testnet, network) -> None:
    """Final 300 blocks later, which is after the round: with the key, the update would be lost and charged."""
    number = run_until(replace(network, clients=[]), Phase.COMMIT)
    take_part(testnet.client(1, mode="keys", confirmations=300))
    assert all(leaf < UNSIGNED for leaf in leaves_in(testnet, number))


def test_a_client_without_links_names_another_chain_and_goes_on_with_it(testnet: Testnet, network) -> None:
    """Its seed is lost: the first round is signed, the next is by key again."""
    (testnet.folder / "client-2" / "links.seed").unlink()
    for expected in (False, True):
        outcome = run_round(replace(network, clients=[testnet.client(2, mode="keys")]))
        assert [leaf == UNSIGNED for leaf in leaves_in(testnet, outcome.round)] == [expected]


def test_a_journal_that_was_lost_costs_a_signature_at_most(testnet: Testnet, network) -> None:
    """The client has committed and forgot to what: it signs another update while it may."""
    number = run_until(replace(network, clients=[]), Phase.COMMIT)
    client = testnet.client(1, mode="keys")
    take_part(client)
    Journal(client._folder / JOURNAL).keep(set())
    again = testnet.client(1, mode="keys")
    task = again.training_task(number, SHARD)
    again.prepare(Nudger().train([task], [again.index])[0])
    assert "signed instead" in again.step().note
    outcome = run_round(replace(network, clients=[again]))
    assert outcome.included == 1
