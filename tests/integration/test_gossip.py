"""Committees that talk by gossip: a decision is one transaction, and a turn is the most that gossip costs."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from flooding import Flood
from testnet import SHARD, Testnet, in_seat, reach_checkpoint_phase, without

from qfl.chain.contracts.beacon import Phase
from qfl.crypto.lms import signature_bytes
from qfl.devnet import Devnet
from qfl.devnet.config import DevnetConfig
from qfl.protocol.types import Checkpoint, RoundNumber
from qfl.simulation.driver import Network, run_round, run_until
from qfl.storage.ipfs import IpfsStore
from qfl.storage.pubsub import MOST_BYTES, IpfsPubsub, MemoryPubsub
from qfl.validator.gossip import topic_of


@pytest.fixture
def testnet(devnet: Devnet, tmp_path: Path) -> Iterator[Testnet]:
    with Testnet(devnet, tmp_path, clients=2, pubsub=MemoryPubsub()) as built:
        yield built
        built.assert_everything_stands()


def together(network: Network, other: Network) -> Network:
    """One network with the validators of two."""
    return replace(network, validators=[*network.validators, *other.validators])


def words_on_chain(testnet: Testnet, number: RoundNumber) -> int:
    """How much the committee has said there."""
    part = testnet.ledger.round(number).shard(SHARD)
    return len(part.proposals()) + len(part.attestations())


def test_a_decision_is_one_transaction(testnet: Testnet) -> None:
    network = testnet.network(clients=[1, 2])
    number = run_round(network).round
    assert words_on_chain(testnet, number) == 0
    assert testnet.accepted_turn(number) == 0
    (last,) = (v for v in network.validators if v.participant == testnet.ledger.beacon.committee(number, SHARD)[3])
    assert not last._signer.has_signed_other(f"round {number} shard 0 turn 0", bytes(32)), "three suffice"


@pytest.mark.parametrize("place", range(4))
def test_whoever_is_away_the_others_decide_without_the_chain(testnet: Testnet, place: int) -> None:
    network = testnet.network(clients=[1, 2])
    number = reach_checkpoint_phase(network)
    run_until(without(network, in_seat(network, number, place).participant), Phase.IDLE)
    assert (words_on_chain(testnet, number), testnet.accepted_turn(number)) == (0, 0)


def test_who_has_spoken_and_ends_before_it_carries_the_quorum_keeps_nobody_waiting(testnet: Testnet) -> None:
    network = testnet.network(clients=[1, 2])
    number = reach_checkpoint_phase(network)
    first = in_seat(network, number, 0)
    assert first.step().has_acted
    run_until(without(network, first.participant), Phase.IDLE)
    assert (words_on_chain(testnet, number), testnet.accepted_turn(number)) == (0, 0)


def test_a_restarted_seat_says_the_same_again(testnet: Testnet) -> None:
    network = testnet.network(clients=[1, 2])
    number = reach_checkpoint_phase(network)
    for place in range(3):
        assert in_seat(network, number, place).step().has_acted
    run_until(testnet.network(clients=[1, 2]), Phase.IDLE)
    assert (words_on_chain(testnet, number), testnet.accepted_turn(number)) == (0, 0)


class Nowhere(MemoryPubsub):
    """Takes every message and brings it to nobody."""

    def publish(self, topic: str, data: bytes) -> bool:
        return True


class NoGossip(MemoryPubsub):
    """A node that does not do such things."""

    def publish(self, topic: str, data: bytes) -> bool:
        return False


@pytest.mark.parametrize("pubsub", [Nowhere, NoGossip])
def test_what_gossip_does_not_bring_is_said_on_chain_in_the_same_turn(
    testnet: Testnet, pubsub: type[MemoryPubsub]
) -> None:
    testnet.pubsub = pubsub()
    number = run_round(testnet.network(clients=[1, 2])).round
    assert words_on_chain(testnet, number) == 2, "the third signature is in the bundle alone"
    assert testnet.accepted_turn(number) == 0


def test_who_has_no_gossip_decides_together_with_those_who_have(testnet: Testnet) -> None:
    network = testnet.network(clients=[1, 2], validators=[1, 2])
    testnet.pubsub = None
    apart = testnet.network(validators=[3, 4])
    number = run_round(together(network, apart)).round
    assert testnet.accepted_turn(number) == 0


def test_forged_words_and_noise_decide_nothing_and_delay_nothing(testnet: Testnet) -> None:
    network = testnet.network(clients=[1, 2])
    number = run_until(network, Phase.COMMIT)
    forged, shard = bytes(signature_bytes(5)), testnet.ledger.shards[SHARD]
    noise = Checkpoint(number, SHARD, 0, 1, bytes(32), 1, *[bytes(32)] * 3)
    calls = [shard.propose(noise, forged, validator=testnet.join("validator-1"))]
    calls += [
        shard.attest(noise, seat, digest=bytes(32), signature=forged, validator=testnet.join("validator-1"))
        for seat in (0, 3, 63, 255)
    ]
    testnet.pubsub = Flood((*(call.data for call in calls), b"", b"noise", calls[0].data[:40]))
    run_until(testnet.network(clients=[1, 2]), Phase.IDLE)
    assert (words_on_chain(testnet, number), testnet.accepted_turn(number)) == (0, 0)


def test_words_of_another_round_or_shard_count_for_nothing(testnet: Testnet) -> None:
    """The same seats, the same topic, the round before."""
    assert testnet.pubsub is not None
    heard = testnet.pubsub.listen(topic_of(testnet.ledger.round(RoundNumber(0)).shard(SHARD).domain))
    network = testnet.network(clients=[1, 2])
    run_round(network)
    old = heard.take(100)
    assert old
    testnet.pubsub = Flood(old)
    number = run_round(testnet.network(clients=[1, 2])).round
    assert (words_on_chain(testnet, number), testnet.accepted_turn(number)) == (0, 0)


# --- on IPFS nodes -------------------------------------------------------------------------------------------


def test_a_committee_over_two_ipfs_nodes_decides_by_gossip(testnet: Testnet, tmp_path: Path) -> None:
    with Devnet(DevnetConfig(tmp_path / "elsewhere", with_chain=False)) as elsewhere:
        far = IpfsStore(elsewhere.ipfs_url)
        far.connect_peer(testnet.store.peer_addresses()[0])
        with closing(IpfsPubsub(testnet.store)) as here, closing(IpfsPubsub(far)) as there:
            testnet.pubsub = here
            network = testnet.network(clients=[1, 2], validators=[1, 2])
            testnet.pubsub = there
            number = run_round(together(network, testnet.network(validators=[3, 4]))).round
    assert testnet.accepted_turn(number) == 0


def test_a_message_that_is_too_long_costs_nobody_the_next_one(tmp_path: Path) -> None:
    with Devnet(DevnetConfig(tmp_path, with_chain=False)) as node:
        store = IpfsStore(node.ipfs_url)
        with closing(IpfsPubsub(store)) as pubsub:
            mailbox = pubsub.listen("topic")
            for data in (bytes(60_000), bytes(MOST_BYTES + 1), b"word"):
                store.publish("topic", data)
            assert mailbox.wait(10)
            assert mailbox.take(9) == [b"word"]


def test_a_restarted_node_is_listened_to_again(tmp_path: Path) -> None:
    with (
        Devnet(DevnetConfig(tmp_path, with_chain=False)) as node,
        closing(IpfsPubsub(IpfsStore(node.ipfs_url))) as pubsub,
    ):
        mailbox = pubsub.listen("topic")
        node.restart("ipfs")
        for attempt in range(100):
            pubsub.publish("topic", attempt.to_bytes(1))
            if mailbox.wait(0.2):
                return
    pytest.fail("nothing came")


def test_a_node_without_gossip_is_asked_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with Devnet(DevnetConfig(tmp_path, with_chain=False)) as node:
        pubsub = IpfsPubsub(IpfsStore(node.ipfs_url))
        node.stop()
        assert [pubsub.publish("topic", b"word") for _ in range(3)] == [False] * 3
    assert len(caplog.records) == 1
