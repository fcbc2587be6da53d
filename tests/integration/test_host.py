"""Many clients in one process: each takes part as it would alone, and one that fails does not stop the others."""

import pytest
from testnet import Nudger, Testnet, fresh_testnet

from qfl.chain.contracts.beacon import Phase
from qfl.chain.contracts.shard import ClientDuty
from qfl.crypto.keyfile import KeyFile
from qfl.errors import KeyExhausted
from qfl.node.context import QUIET
from qfl.node.outcome import count_included
from qfl.scheduler import ClientHost
from qfl.simulation.driver import run_until

testnet = fresh_testnet("function", clients=6, shards=2, seats=2)


@pytest.fixture
def host(testnet: Testnet) -> ClientHost:
    return ClientHost(testnet.ledger, [testnet.client(number) for number in range(1, 7)], trainer=Nudger())


def until_quiet(host: ClientHost) -> list[str]:
    """Step until nothing is to be done any more; what each step came to."""
    return [step.note for step in iter(host.step, QUIET)]


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
    number = run_until(network, Phase.COMMIT)
    notes = until_quiet(host)
    assert notes == ["", "committed, revealed or admitted: 6 of 6 clients"], "they train together, and commit"
    testnet.end_phase()
    until_quiet(host)
    testnet.end_phase()
    run_until(network, Phase.IDLE)
    assert count_included(network.ledger, number) == 6
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
    number = run_until(network, Phase.COMMIT)
    until_quiet(host)
    testnet.end_phase()
    until_quiet(host)
    testnet.end_phase()
    run_until(network, Phase.IDLE)
    assert count_included(network.ledger, number) == 5


def test_a_host_ends_with_its_last_client(testnet: Testnet) -> None:
    client = testnet.client(1)
    spend(testnet.keys["client-1"])
    lonely = ClientHost(testnet.ledger, [client], trainer=Nudger())
    run_until(testnet.network(clients=[2]), Phase.COMMIT)
    with pytest.raises(KeyExhausted):
        lonely.step()
