"""The draw in a running network: validators show their links by themselves, and who does not is benched and unpaid."""

from pathlib import Path

import pytest
from testnet import SHARD, Testnet, without

from qfl.apps.inspect.state import inspect_participant, inspect_round
from qfl.chain.contracts.beacon import Phase, RoundState
from qfl.chain.contracts.staking import Role
from qfl.chain.parameters import load_parameters
from qfl.crypto.hash_chain import LENGTH, SEED_NAME
from qfl.devnet import Devnet
from qfl.node.relay import send_every
from qfl.node.settlement import rewards_due, settle_due
from qfl.protocol.draw import BENCH, LAG, next_seed
from qfl.protocol.types import RoundNumber
from qfl.simulation.driver import run_until


@pytest.fixture
def testnet(devnet: Devnet, tmp_path: Path) -> Testnet:
    with Testnet(devnet, tmp_path, clients=1, validators=6) as built:
        yield built


def test_a_silent_seat_is_benched_and_unpaid_and_the_run_goes_on(testnet: Testnet) -> None:
    ledger, network = testnet.ledger, testnet.network(clients=[1], validators=range(1, 7))
    number = run_until(network, Phase.COMMIT)
    silent, second, *_ = ledger.beacon.committee(number, SHARD)
    run_until(without(network, silent), Phase.CHECKPOINT)
    run_until(network, Phase.IDLE)  # it attests with the others
    shown = ledger.draw.shown(0)[number]
    assert (shown.validator, shown.seat) == (second, 1)
    assert ledger.draw.silent_seats(number) == [0]

    for _ in range(2):
        following = run_until(network, Phase.COMMIT)
        assert ledger.draw.standing_of(silent).benched_until == number + 1 + BENCH
        assert silent not in ledger.beacon.committee(following, SHARD)
        run_until(network, Phase.IDLE)
        assert ledger.beacon.round_at(following).state is RoundState.PUBLISHED
    assert ledger.beacon.round_at(RoundNumber(number + 1)).seed == next_seed(
        ledger.beacon.round_at(number).seed, number + 1, shown.link
    )

    testnet.clock.reach(ledger.now() + ledger.beacon.parameters_at(1).challenge_seconds)
    settle_due(ledger, testnet.owner)
    publisher = ledger.beacon.round_at(number).publisher
    for call in rewards_due(ledger, [number]):
        testnet.owner.send(call)
    paid = {seat for seat in ledger.beacon.committee(number, SHARD) if ledger.staking.rewards_of(seat)}
    assert second in paid
    assert silent not in paid - {publisher}


def test_a_validator_restored_from_a_backup_shows_the_right_link(testnet: Testnet) -> None:
    """Its seed is all that it keeps: where its chain stands the contract says."""
    network = testnet.network(clients=[1])
    backup = {path: path.read_bytes() for path in testnet.folder.glob(f"*/{SEED_NAME}")}
    for _ in range(2):
        run_until(network, Phase.IDLE)
    for path, data in backup.items():
        path.write_bytes(data)
    number = run_until(testnet.network(clients=[1]), Phase.CHECKPOINT)
    shown = testnet.ledger.draw.shown(0)
    assert set(shown) == set(range(1, number + 1))
    assert testnet.ledger.draw.silent_seats(number) == []


def test_who_stands_in_for_a_validator_that_left_shows_no_link_and_is_not_benched(testnet: Testnet) -> None:
    ledger, network = testnet.ledger, testnet.network(clients=[1], validators=range(1, 7))
    last = run_until(network, Phase.IDLE)
    seed = ledger.draw.draw_of(RoundNumber(last + 1)).seed
    first, second, *_, stand_in = ledger.draw.sample(seed, 5)
    nonce = ledger.staking.participant(first).nonce
    signature = testnet.key_of(first).sign(ledger.staking_domain.exit(first, nonce))
    testnet.owner.send(ledger.staking.request_exit(first, signature))

    number = run_until(without(network, first), Phase.IDLE)
    assert ledger.beacon.committee(number, SHARD)[:2] == [stand_in, second]
    shown = ledger.draw.shown(0)[number]
    assert (shown.validator, shown.seat) == (second, 1)
    assert ledger.draw.silent_seats(number) == []
    run_until(without(network, first), Phase.IDLE)
    assert ledger.draw.standing_of(stand_in).benched_until == 0
    testnet.assert_everything_stands()


def test_inspection_tells_who_was_silent_and_what_waits(testnet: Testnet) -> None:
    ledger, network = testnet.ledger, testnet.network(clients=[1], validators=range(1, 7))
    number = run_until(network, Phase.COMMIT)
    silent, second, *_ = ledger.beacon.committee(number, SHARD)
    assert inspect_round(ledger, number)["draw"] == {"link": None, "silent": [], "benched": [], "next_seed": None}
    run_until(without(network, silent), Phase.CHECKPOINT)
    run_until(network, Phase.IDLE)
    of_round = inspect_round(ledger, number)["draw"]
    assert (of_round["link"]["seat"], of_round["link"]["validator"]) == (1, second)
    assert of_round["silent"] == [{"seat": 0, "validator": silent}]

    stake, added = ledger.staking.participant(second).stake_wei, 10**18
    for _ in range(2):  # the second change follows the first
        testnet.owner.send(ledger.staking.top_up(second, added))
    waiting = {"weight_wei": stake + added, "from_round": number + LAG}
    of_second = inspect_participant(ledger, second)["draw"]
    assert (of_second["weight_wei"], of_second["waiting"]) == (stake, waiting)
    assert (of_second["links_left"], of_second["next_anchor_from"]) == (LENGTH - 1, None)

    following = run_until(network, Phase.COMMIT)
    assert inspect_round(ledger, following)["seed"] == of_round["next_seed"]
    assert inspect_round(ledger, following)["draw"]["benched"] == [
        {"validator": silent, "until_round": following + BENCH}
    ]
    assert inspect_participant(ledger, silent)["draw"]["benched_until"] == following + BENCH
    run_until(network, Phase.IDLE)
    while number + LAG > ledger.beacon.current_round():
        run_until(network, Phase.IDLE)
    of_second = inspect_participant(ledger, second)["draw"]
    waiting = {"weight_wei": stake + 2 * added, "from_round": number + 2 * LAG}
    assert (of_second["weight_wei"], of_second["waiting"]) == (stake + added, waiting)


def test_a_validator_opens_a_round_that_needs_more_waiting_stakes_than_an_opening_takes(testnet: Testnet) -> None:
    """40 seats for 6 validators, and 40 that wait: 32 count before the opening, and the rest in it."""
    ledger, network = testnet.ledger, testnet.network(clients=[1], validators=range(1, 7))
    number = run_until(network, Phase.IDLE)
    stake = ledger.staking.participant(testnet.join("validator-1")).stake_wei
    key = testnet.keys["validator-1"].public
    receiver = testnet.withdrawal("validator-1")
    bonds = [
        ledger.staking.bond(Role.VALIDATOR, key, withdrawal=receiver, stake_wei=stake, anchor=bytes([1 + i]) * 28)
        for i in range(40)
    ]
    send_every(testnet.owner, bonds)
    testnet.owner.send(ledger.beacon.set_parameters({**load_parameters().rounds, "seats": 40}))
    validator = testnet.validator(1)
    assert "stakes that waited" in validator.step([Phase.IDLE]).note
    assert "opened" in validator.step([Phase.IDLE]).note
    assert len(ledger.draw.seats_of(RoundNumber(number + 1))) == 40
    assert ledger.draw.queue_length() == 6
    testnet.assert_everything_stands()
