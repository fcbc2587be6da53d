"""The challenger as a role: in a round, as a command, beside a rival, and what others can see of what it did."""

import json
import logging
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from click.testing import CliRunner, Result
from dishonest import CHALLENGER, CLIENTS, attest_a_lie, make_challenger
from testnet import SHARD, Testnet

from qfl.apps.cli.main import cli
from qfl.apps.inspect.state import inspect_participant, inspect_round
from qfl.apps.inspect.transaction import inspect_transaction
from qfl.chain.contracts.beacon import Phase
from qfl.chain.contracts.draw import ValidatorDuty
from qfl.chain.ledger import Ledger
from qfl.challenger.challenger import Challenger
from qfl.challenger.evidence import Evidence
from qfl.challenger.fault_detector import FaultDetector
from qfl.daemon import Daemon
from qfl.errors import NoDisputes, RoundNotCompleted
from qfl.simulation.driver import run_round, run_until

RIVAL = 16


def test_honest_rounds_cost_the_challenger_nothing(testnet: Testnet) -> None:
    challenger, sender = make_challenger(testnet), testnet.sender(CHALLENGER)
    before = sender.balance_wei()
    network = replace(testnet.network(clients=CLIENTS), challenger=challenger)
    for _ in range(2):
        assert "challenge" in run_round(network).seconds
    assert sender.balance_wei() == before


def test_a_round_in_one_process_that_builds_on_a_lie_ends_with_the_proof_and_says_why(testnet: Testnet) -> None:
    number, _ = attest_a_lie(testnet)
    network = replace(testnet.network(clients=CLIENTS), challenger=make_challenger(testnet))
    why = f"round {number + 1} ended without a model: its model was proven false, or builds on one that was"
    with pytest.raises(RoundNotCompleted, match=why):
        run_until(network, Phase.IDLE)


def test_who_comes_second_is_overtaken_and_not_an_error(testnet: Testnet, caplog: pytest.LogCaptureFixture) -> None:
    attest_a_lie(testnet)

    class Slow(FaultDetector):
        def faults(self) -> Iterator[Evidence]:
            for evidence in super().faults():
                assert make_challenger(testnet).step()
                yield evidence

    rival = Challenger(testnet.ledger, testnet.sender(RIVAL), Slow(testnet.ledger, testnet.store))
    with caplog.at_level(logging.INFO, logger="qfl"):
        assert rival.step() == []
    assert [record.levelname for record in caplog.records if "proven by somebody else" in record.message] == ["INFO"]


def test_the_loop_finds_a_fault_and_ends_when_told_to(testnet: Testnet) -> None:
    number, _ = attest_a_lie(testnet)
    stop = threading.Event()
    watch = FaultDetector(testnet.ledger, testnet.store)
    challenger = Challenger(testnet.ledger, testnet.sender(CHALLENGER), watch, lambda _dispute: stop.set())
    Daemon(0.05, stop).run_challenger(challenger)
    assert testnet.ledger.beacon.checkpoint_at(number, SHARD).voided


def test_a_deployment_without_disputes_is_refused_at_once(testnet: Testnet) -> None:
    """Else the challenger would recompute for ever, and could prove nothing."""
    contracts = {name: found for name, found in testnet.ledger.deployment.contracts.items() if name != "Disputes"}
    ledger = Ledger(testnet.web3, replace(testnet.ledger.deployment, contracts=contracts))
    with pytest.raises(NoDisputes, match="deploy anew"):
        Challenger(ledger, testnet.sender(CHALLENGER), FaultDetector(ledger, testnet.store))


def run_command(testnet: Testnet, *options: str) -> Result:
    return CliRunner().invoke(cli, ["challenger", "run", *testnet.where, "--account", f"dev:{CHALLENGER}", *options])


def test_dry_run_shows_proof_and_gas_and_sends_nothing(testnet: Testnet) -> None:
    number, _ = attest_a_lie(testnet)
    block = testnet.web3.eth.block_number
    shown, plain = run_command(testnet, "--dry-run"), run_command(testnet, "--dry-run", "--json")
    assert testnet.web3.eth.block_number == block
    assert f"round {number}, checkpoint of shard 0: coordinate 2 is" in shown.output
    assert "disputeAggregate(checkpoint = {round: " in shown.output
    proof = json.loads(plain.output)
    assert f"{proof['calldata_bytes']:,} bytes of calldata, about {proof['gas']:,} gas (an estimate)" in shown.output
    assert proof["arguments"]["coordinate"] == 2
    assert make_challenger(testnet).step(), "it is still there to be proven"


def test_the_command_takes_the_bounty_and_says_what_it_cost(testnet: Testnet) -> None:
    attest_a_lie(testnet)
    before = testnet.sender(CHALLENGER).balance_wei()
    done = run_command(testnet, "--once")
    assert done.exception is None
    assert "1 faults proven, 0.375 ETH earned" in done.output
    assert 0.37 * 10**18 < testnet.sender(CHALLENGER).balance_wei() - before < 0.375 * 10**18
    assert run_command(testnet, "--dry-run").output == "nothing was found false\n"


def test_a_slashed_validator_is_drawn_again_when_its_stake_is_made_up(testnet: Testnet) -> None:
    _, (liar, *_) = attest_a_lie(testnet)
    assert make_challenger(testnet).step()
    assert testnet.ledger.draw.validator_duty(liar).kind is ValidatorDuty.NOT_ACTIVE
    place = ["--rpc", testnet.devnet.rpc_url, "--deployment", str(testnet.deployment_path)]
    done = CliRunner().invoke(cli, ["stake", "top-up", str(liar), "--stake", "0.5", *place])
    assert done.output == f"participant {liar} has 1 ETH at stake\n"
    assert testnet.ledger.draw.validator_duty(liar).kind is not ValidatorDuty.NOT_ACTIVE


def test_inspection_shows_the_dispute_and_who_was_slashed(testnet: Testnet) -> None:
    number, dishonest = attest_a_lie(testnet)
    (dispute,) = make_challenger(testnet).step()
    (shown,) = inspect_round(testnet.ledger, number)["disputes"]
    assert (shown["fault"], shown["guilty"], shown["tx_hash"]) == ("aggregate", dishonest, dispute.tx_hash)
    slashed = inspect_participant(testnet.ledger, dishonest[0])["slashed"]
    assert slashed[-1]["tx_hash"] == dispute.tx_hash
    transaction = inspect_transaction(testnet.ledger, dispute.tx_hash)
    assert (transaction["contract"], transaction["function"]) == ("Disputes", "disputeAggregate")
    assert [event["event"] for event in transaction["events"]][-1] == "FaultProven"
