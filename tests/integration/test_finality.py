"""Rounds and finality: models become final while rounds go on, and a long challenge window slows them down at worst."""

from pathlib import Path

from testnet import Testnet

from qfl.devnet import Devnet
from qfl.node.settlement import unsettled_rounds
from qfl.simulation.driver import run_round

MAX_UNSETTLED = 32


def test_models_become_final_while_rounds_go_on(devnet: Devnet, tmp_path: Path) -> None:
    with Testnet(devnet, tmp_path, clients=1) as testnet:
        for _ in range(4):
            run_round(testnet.network(clients=[1]))
        assert testnet.ledger.beacon.final_round() >= 1


def test_when_too_many_models_wait_for_finality_the_next_round_waits_for_the_oldest(
    devnet: Devnet, tmp_path: Path
) -> None:
    with Testnet(devnet, tmp_path, clients=1, validators=1, key_height=10, seats=1, challengeSeconds=60_000) as testnet:
        network = testnet.network(clients=[1], validators=[1])
        for _ in range(MAX_UNSETTLED):
            run_round(network)
        assert len(list(unsettled_rounds(testnet.ledger))) == MAX_UNSETTLED
        assert run_round(network).round == MAX_UNSETTLED + 1
        assert testnet.ledger.beacon.final_round() >= 1
