"""`qfl verify` and the draw: honest rounds stand, and a seed, a link or a seat of somebody's choice is named."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests
from commands import require_one_line, run_command
from eth_utils.abi import event_abi_to_log_topic
from proxies import Result, doctored_proxy
from testnet import SHARD, Testnet, fresh_testnet, without

from qfl.auditor.draw import NOT_DRAWN, WRONG_BENCH, WRONG_LINK, WRONG_SEED, WRONG_WEIGHTS
from qfl.auditor.rounds import Auditor
from qfl.chain.abi import load_abi
from qfl.chain.contracts.beacon import Phase
from qfl.chain.ledger import Ledger
from qfl.protocol.draw import LAG
from qfl.protocol.types import RoundNumber
from qfl.simulation.driver import Network, run_round, run_until

pytestmark = pytest.mark.rest

VALIDATORS = range(1, 8)
Change = Callable[[list[dict[str, Any]]], list[dict[str, Any]]]

testnet = fresh_testnet("module", clients=1, validators=len(VALIDATORS))


@pytest.fixture(scope="module")
def rounds(testnet: Testnet) -> RoundNumber:
    """Rounds with all that moves a draw: a silent seat, a round without a link, one without a model, stakes that grow
    and leave. The last of them.
    """
    ledger, network = testnet.ledger, testnet.network([1], VALIDATORS)
    number = run_until(network, Phase.COMMIT)
    run_until(without(network, ledger.beacon.committee(number, SHARD)[0]), Phase.CHECKPOINT)
    run_until(network, Phase.IDLE)
    staking, (growing, leaving) = ledger.staking, map(testnet.join, ("validator-1", "validator-2"))
    testnet.owner.send(staking.top_up(growing, 3 * 10**18))
    run_round(network)
    record = staking.participant(leaving)
    signature = testnet.keys["validator-2"].sign(ledger.staking_domain.exit(leaving, record.nonce))
    testnet.owner.send(staking.request_exit(leaving, signature))
    end_without_a_model(testnet, network)
    for _ in range(LAG):
        number = run_round(network).round
    return number


def end_without_a_model(testnet: Testnet, network: Network) -> None:
    """Open a round in which nobody does anything."""
    run_until(network, Phase.COMMIT)
    while testnet.ledger.beacon.context().phase is not Phase.IDLE:
        testnet.end_phase()


def complaints(ledger: Ledger, testnet: Testnet) -> dict[int, list[str]]:
    return {int(v.round): v.complaints for v in Auditor(ledger, testnet.store).audit() if v.complaints}


def test_what_moves_a_draw_by_the_rules_is_no_fault(testnet: Testnet, rounds: RoundNumber) -> None:
    testnet.assert_everything_stands()
    drawn = {event.round for event in testnet.ledger.draw.drawn(0)}
    assert drawn == set(range(1, rounds + 1))
    assert drawn - testnet.ledger.draw.shown(0).keys(), "a round has no link"
    assert testnet.ledger.draw.benched(0)


# --- a node that lies ---


@contextmanager
def lying_node(testnet: Testnet, name: str, change: Change, contract: str = "Draw") -> Iterator[Ledger]:
    """The deployment behind a node that changes the logs of an event."""
    (entry,) = (entry for entry in load_abi(contract) if (entry["type"], entry.get("name")) == ("event", name))
    topic, url = "0x" + event_abi_to_log_topic(entry).hex(), testnet.devnet.rpc_url

    def doctor(call: dict[str, Any]) -> Result | None:
        if call["method"] != "eth_getLogs" or call["params"][0]["topics"][0] != topic:
            return None
        return Result(change(requests.post(url, json=call, timeout=20).json()["result"]))

    with doctored_proxy(url, doctor) as address:
        yield Ledger.connect(address, testnet.ledger.deployment)


def in_round(number: int, change: Callable[[dict[str, Any]], None]) -> Change:
    def treat(logs: list[dict[str, Any]]) -> list[dict[str, Any]]:
        for log in logs:
            if int(log["topics"][1], 16) == number:
                change(log)
        return logs

    return treat


def swap_last_words(log: dict[str, Any]) -> None:
    log["data"] = log["data"][:-128] + log["data"][-64:] + log["data"][-128:-64]


def flip_link(log: dict[str, Any]) -> None:
    link = bytearray.fromhex(log["data"][-64:])
    link[0] ^= 1
    log["data"] = log["data"][:-64] + link.hex()


def test_seats_that_the_seed_does_not_give_are_named_with_round_and_shard(
    testnet: Testnet, rounds: RoundNumber
) -> None:
    drawn = testnet.ledger.beacon.committee(rounds, SHARD)
    sit = [*drawn[:2], drawn[3], drawn[2]]
    with lying_node(testnet, "SeatsDrawn", in_round(rounds, swap_last_words)) as ledger:
        ((number, (said, *others)),) = complaints(ledger, testnet).items()
    assert (number, others) == (rounds, [])
    assert said.startswith(f"the committee of shard {SHARD} is not the one that seed and weights give: ")
    assert f"{', '.join(map(str, sit))} sit, {', '.join(map(str, drawn))} were to be drawn" in said


def test_a_link_of_no_chain_is_named_and_so_is_the_seed_that_does_not_follow_from_it(
    testnet: Testnet, rounds: RoundNumber
) -> None:
    number = rounds - 1
    validator = testnet.ledger.draw.shown(0)[number].validator
    with lying_node(testnet, "LinkShown", in_round(number, flip_link)) as ledger:
        found = complaints(ledger, testnet)
    assert found[number] == [WRONG_LINK.format(validator)]
    assert found[rounds][0] == WRONG_SEED.format(number)


def test_a_hidden_link_contradicts_the_next_seed(testnet: Testnet, rounds: RoundNumber) -> None:
    hidden = rounds - 1

    def hide(logs: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [log for log in logs if int(log["topics"][1], 16) != hidden]

    with lying_node(testnet, "LinkShown", hide) as ledger:
        assert WRONG_SEED.format(hidden) in complaints(ledger, testnet)[rounds]


def test_stakes_weights_benches_and_seats_that_are_hidden_are_missed(testnet: Testnet, rounds: RoundNumber) -> None:
    for event in ("Bonded", "ToppedUp"):
        with lying_node(testnet, event, lambda logs: logs[:-1], "Staking") as ledger:
            assert any(WRONG_WEIGHTS in said for said in complaints(ledger, testnet).values()), event
    with lying_node(testnet, "WeightCounted", lambda logs: logs[:-1]) as ledger:
        assert any(WRONG_WEIGHTS in said for said in complaints(ledger, testnet).values())
    with lying_node(testnet, "Benched", lambda _: []) as ledger:
        assert any(WRONG_BENCH.format(1) in said for said in complaints(ledger, testnet).values())
    with lying_node(testnet, "SeatsDrawn", lambda logs: logs[:-1]) as ledger:
        assert NOT_DRAWN.format(SHARD) in complaints(ledger, testnet)[rounds]


# --- a seed of somebody's choice ---


def test_a_chosen_seed_fails_the_command(
    testnet: Testnet, rounds: RoundNumber, capsys: pytest.CaptureFixture[str]
) -> None:
    """The chain's own storage says another seed than the links; everything else in the round is honest."""
    network = testnet.network([1], VALIDATORS)
    number = testnet.open_round(network, bool)
    run_until(network, Phase.IDLE)
    ended = run_command(capsys, "verify", *testnet.where)
    assert f"round {number}: FAILED: {WRONG_SEED.format(number - 1)}" in ended.output
    assert f"verification failed in round {number}" in require_one_line(ended, 6)
