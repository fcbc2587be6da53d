"""Many clients in one process: each takes part as it would alone, and one that fails does not stop the others."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from testnet import Nudger, Testnet

from qfl.chain.contracts.shard import ClientDuty
from qfl.client.host import ClientHost
from qfl.crypto.keyfile import KeyFile
from qfl.devnet import Devnet
from qfl.errors import KeyExhausted
from qfl.simulation.driver import count_included, open_round, publish, verify


@pytest.fixture
def testnet(devnet: Devnet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Testnet]:
    with Testnet(devnet, tmp_path_factory.mktemp("town"), clients=6, validators=4, shards=2, seats=2) as built:
        yield built


@pytest.fixture
def host(testnet: Testnet) -> Iterator[ClientHost]:
    made = ClientHost([testnet.client(number) for number in range(1, 7)], Nudger(), testnet.ledger)
    yield made
    made.close()


def spend(key: KeyFile) -> None:
    """Sign until the key is worn out."""
    with pytest.raises(KeyExhausted):
        while True:
            key.sign(bytes(32))


def test_hosted_clients_take_part_in_every_shard_and_are_asked_for_in_one_go(
    testnet: Testnet, host: ClientHost
) -> None:
    network = testnet.network()
    assert not host.step(), "no round is open"
    number = open_round(network)
    assert host.step()
    assert not host.step(), "all have committed"
    testnet.end_phase()
    assert host.step()
    testnet.end_phase()
    verify(network)
    publish(network)
    assert count_included(network, number) == 6
    testnet.assert_everything_stands()
    clients = [testnet.join(f"client-{n}") for n in range(1, 7)]
    assert [duty for duty, *_ in testnet.ledger.client_duties(clients)] == [ClientDuty.DONE] * 6
    assert [shard for *_, shard in testnet.ledger.client_duties(clients)] == [
        testnet.ledger.shard_of(c) for c in clients
    ]


def test_a_client_whose_key_is_worn_out_is_given_up_and_the_others_go_on(testnet: Testnet, host: ClientHost) -> None:
    testnet.join("client-2")
    spend(testnet.keys["client-2"])
    network = testnet.network()
    number = open_round(network)
    assert host.step()
    testnet.end_phase()
    assert host.step()
    testnet.end_phase()
    verify(network)
    publish(network)
    assert count_included(network, number) == 5


def test_a_host_ends_with_its_last_client(testnet: Testnet) -> None:
    client = testnet.client(1)
    spend(testnet.keys["client-1"])
    lonely = ClientHost([client], Nudger(), testnet.ledger)
    open_round(testnet.network(clients=[2]))
    with pytest.raises(KeyExhausted):
        lonely.step()
    lonely.close()
