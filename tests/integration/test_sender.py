"""Sending through faults: every call happens once, none is lost, and no account is left with a gap in its nonces."""

import os
import shutil
import signal
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from eth_account import Account
from paying import PAYER, balance, payments, sender
from proxies import Loss, flaky_proxy

from qfl.chain.rpc.accounts import development_account
from qfl.chain.rpc.calls import Receipt
from qfl.chain.rpc.connection import connect
from qfl.chain.rpc.sender import Delivery, Sender, UnsentCall
from qfl.devnet import Devnet, DevnetConfig
from qfl.devnet.health import call_chain
from qfl.errors import ChainUnreachable, ContractReverted, InsufficientFunds, TransactionNotMined


def waiting(url: str) -> int:
    """Transactions at the node that no block can take, because one before them is missing, or none does.

    Not those that are in a block and were told the node once more while it made that: Anvil may keep them in its pool.
    """
    pool = call_chain(url, "txpool_content")
    return sum(
        int(nonce) >= int(call_chain(url, "eth_getTransactionCount", address, "latest"), 16)
        for kind in ("pending", "queued")
        for address, own in pool[kind].items()
        for nonce in own
    )


# --- batches -------------------------------------------------------------------------------------------------


def test_a_batch_is_answered_in_order_and_a_refused_call_does_not_stop_the_others(devnet: Devnet, payee: str) -> None:
    calls = payments(payee, 150)
    calls[70] = UnsentCall("refused", None, bytes.fromhex("60006000fd"))
    outcomes = sender(devnet.rpc_url).send_many(calls)
    assert isinstance(outcomes[70], ContractReverted)
    assert sum(isinstance(outcome, Receipt) for outcome in outcomes) == 149
    numbers = [
        int(call_chain(devnet.rpc_url, "eth_getTransactionByHash", outcome.tx_hash)["input"], 16)
        for outcome in outcomes
        if isinstance(outcome, Receipt)
    ]
    assert numbers == [number for number in range(150) if number != 70]
    assert balance(devnet.rpc_url, payee) == 149


def test_accounts_that_send_together_do_not_share_their_troubles(devnet: Devnet, payee: str) -> None:
    poor = sender(devnet.rpc_url, Account.create())
    rich = [sender(devnet.rpc_url, development_account(PAYER + offset)) for offset in (0, 1)]
    calls = payments(payee, 3)
    with ThreadPoolExecutor(3) as pool:
        sent = [pool.submit(account.send, call) for account, call in zip([rich[0], poor, rich[1]], calls, strict=True)]
        with pytest.raises(InsufficientFunds):
            sent[1].result()
        assert [sent[0].result().label, sent[2].result().label] == ["pay", "pay"]
    assert balance(devnet.rpc_url, payee) == 2


def test_a_call_that_no_block_takes_says_what_the_node_says_and_is_taken_up(
    devnet: Devnet, payee: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qfl.chain.rpc.sender.MINING_TIMEOUT_SECONDS", 0.5)
    own, (call,) = sender(devnet.rpc_url), payments(payee, 1)
    call_chain(devnet.rpc_url, "evm_setAutomine", False)
    try:
        with pytest.raises(TransactionNotMined, match=r"the node has it; it is number \d+ of the account"):
            own.send(call)
    finally:
        call_chain(devnet.rpc_url, "evm_setAutomine", True)
    call_chain(devnet.rpc_url, "evm_mine")
    own.send(call)
    assert balance(devnet.rpc_url, payee) == 1


# --- lost answers --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", [Loss.QUESTION, Loss.ANSWER])
def test_a_lost_message_to_the_node_is_sent_again_and_counts_once(devnet: Devnet, payee: str, loss: Loss) -> None:
    """Of every request that carries transactions, the first two tries are lost."""
    tries: Counter[bytes] = Counter()

    def lose(body: bytes) -> Loss:
        tries[body] += b"eth_sendRawTransaction" in body
        return loss if tries[body] in (1, 2) else Loss.NONE

    with flaky_proxy(devnet.rpc_url, lose) as url:
        outcomes = sender(url).send_many(payments(payee, 40))
    assert all(isinstance(outcome, Receipt) for outcome in outcomes)
    assert balance(devnet.rpc_url, payee) == 40
    assert waiting(devnet.rpc_url) == 0


def test_a_node_that_drops_what_it_had_taken_is_told_all_of_it_at_once(
    devnet: Devnet, payee: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One at a time, each a `RESEND_SECONDS` after the other, the last ones would be given up."""
    monkeypatch.setattr("qfl.chain.rpc.sender.MINING_TIMEOUT_SECONDS", 20.0)
    count, own = 40, sender(devnet.rpc_url)
    call_chain(devnet.rpc_url, "evm_setAutomine", False)
    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(own.send_many, payments(payee, count))
        while waiting(devnet.rpc_url) < count:
            assert not sent.done()
        call_chain(devnet.rpc_url, "anvil_dropAllTransactions")
        call_chain(devnet.rpc_url, "evm_setAutomine", True)
        assert all(isinstance(outcome, Receipt) for outcome in sent.result())
    assert balance(devnet.rpc_url, payee) == count


def test_a_call_in_doubt_is_taken_up_and_does_not_happen_twice(devnet: Devnet, payee: str) -> None:
    """The node mined it and then never answered again: who repeats the call later must not pay twice."""
    lost = True

    def lose(body: bytes) -> Loss:
        return Loss.ANSWER if lost and b"eth_sendRawTransaction" in body else Loss.NONE

    with flaky_proxy(devnet.rpc_url, lose) as url:
        (call,), payer = payments(payee, 1), sender(url)
        with pytest.raises(ChainUnreachable):
            payer.send(call)
        lost = False
        first = payer.send(call)
        assert balance(devnet.rpc_url, payee) == 1
        assert payer.send(call).tx_hash != first.tx_hash, "asked for again after its receipt, it is another payment"
    assert balance(devnet.rpc_url, payee) == 2


# --- nonces --------------------------------------------------------------------------------------------------


def test_two_processes_that_pay_from_one_account_lose_nothing(devnet: Devnet, payee: str) -> None:
    """Both read the same next nonce, and one of them finds it taken."""
    senders = [sender(devnet.rpc_url) for _ in range(2)]
    halves = [payments(payee, 40)[:20], payments(payee, 40)[20:]]
    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(Sender.send_many, senders, halves))
    assert all(isinstance(outcome, Receipt) for half in outcomes for outcome in half), outcomes
    assert balance(devnet.rpc_url, payee) == 40
    assert waiting(devnet.rpc_url) == 0


class PowerCut(Exception):
    pass


class DyingSender(Sender):
    """Its process ends when it has signed, and has sent half of a batch."""

    async def _submit(self, delivery: Delivery) -> None:
        if delivery.call.data >= (3).to_bytes(2):
            raise PowerCut
        await super()._submit(delivery)


def test_a_process_that_ended_between_signing_and_sending_leaves_no_gap(devnet: Devnet, payee: str) -> None:
    with pytest.raises(PowerCut):
        DyingSender(connect(devnet.rpc_url), development_account(PAYER)).send_many(payments(payee, 6))
    outcomes = sender(devnet.rpc_url).send_many(payments(payee, 6)[3:])
    assert all(isinstance(outcome, Receipt) for outcome in outcomes)
    assert balance(devnet.rpc_url, payee) == 6
    assert waiting(devnet.rpc_url) == 0


# --- a node that dies ----------------------------------------------------------------------------------------


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[Devnet]:
    """A chain of one's own, to be killed."""
    with Devnet(DevnetConfig(tmp_path, with_ipfs=False)) as running:
        yield running


def test_a_node_that_was_killed_and_restarted_far_behind_gets_everything_again(mortal: Devnet, payee: str) -> None:
    """It lost two blocks and what waited in its pool; the waiting one alone would have to wait for ever."""
    state = mortal.config.folder / "anvil-state.json"
    first, *others, last = payments(payee, 4)
    payer = sender(mortal.rpc_url)
    payer.send(first)
    mortal.restart()
    behind = shutil.copy(state, state.with_suffix(".old"))
    for call in others:
        payer.send(call)
    call_chain(mortal.rpc_url, "evm_setAutomine", False)
    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(payer.send, last)
        while waiting(mortal.rpc_url) == 0:
            assert not sent.done(), sent.exception()
        os.kill(mortal.status().parts[0].part.pid, signal.SIGKILL)
        shutil.copy(behind, state)
        mortal.restart()
        try:
            receipt = sent.result()
        except ChainUnreachable:  # the restart took longer than a sender's patience, so its role tries again
            receipt = payer.send(last)
    assert int(call_chain(mortal.rpc_url, "eth_getTransactionByHash", receipt.tx_hash)["nonce"], 16) == 3
    assert balance(mortal.rpc_url, payee) == 4
    assert waiting(mortal.rpc_url) == 0
