"""Many clients in one process: each takes part as it would alone, and one that fails does not stop the others."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from town import Nudger, Town

from qfl.chain.contracts.shard import ClientDuty
from qfl.devnet import Devnet
from qfl.errors import KeyExhausted
from qfl.keys.keyfile import KeyFile
from qfl.roles.host import ClientHost
from qfl.round import count_included, open_round, publish, verify


@pytest.fixture
def town(devnet: Devnet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with Town(devnet, tmp_path_factory.mktemp("town"), clients=6, validators=4, shards=2, seats=2) as built:
        yield built


@pytest.fixture
def host(town: Town) -> Iterator[ClientHost]:
    made = ClientHost([town.client(number) for number in range(1, 7)], Nudger(), town.ledger)
    yield made
    made.close()


def spend(key: KeyFile) -> None:
    """Sign until the key is worn out."""
    with pytest.raises(KeyExhausted):
        while True:
            key.sign(bytes(32))


def test_hosted_clients_take_part_in_every_shard_and_are_asked_for_in_one_go(town: Town, host: ClientHost) -> None:
    network = town.network()
    assert not host.step(), "no round is open"
    number = open_round(network)
    assert host.step()
    assert not host.step(), "all have committed"
    town.end_phase()
    assert host.step()
    town.end_phase()
    verify(network)
    publish(network)
    assert count_included(network, number) == 6
    town.assert_everything_stands()
    clients = [town.join(f"client-{n}") for n in range(1, 7)]
    assert [duty for duty, *_ in town.ledger.client_duties(clients)] == [ClientDuty.DONE] * 6
    assert [shard for *_, shard in town.ledger.client_duties(clients)] == [town.ledger.shard_of(c) for c in clients]


def test_a_client_whose_key_is_worn_out_is_given_up_and_the_others_go_on(town: Town, host: ClientHost) -> None:
    town.join("client-2")
    spend(town.keys["client-2"])
    network = town.network()
    number = open_round(network)
    assert host.step()
    town.end_phase()
    assert host.step()
    town.end_phase()
    verify(network)
    publish(network)
    assert count_included(network, number) == 5


def test_a_host_ends_with_its_last_client(town: Town) -> None:
    client = town.client(1)
    spend(town.keys["client-1"])
    lonely = ClientHost([client], Nudger(), town.ledger)
    open_round(town.network(clients=[2]))
    with pytest.raises(KeyExhausted):
        lonely.step()
    lonely.close()
