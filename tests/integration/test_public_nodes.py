"""Nodes that are not one's own: busy ones, ones with limits, ones whose answers are none, ones that keep a transaction.

What passes is waited out, what never will is a chain error of one line, and no call happens twice.
"""

import json
import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from eth_account import Account
from eth_account.typed_transactions import TypedTransaction
from hexbytes import HexBytes
from paying import PAYER, balance, payments, sender
from proxies import Doctor, Error, Result, doctored_proxy
from testnet import SHARD, Testnet

from experiments.attacks.proxy import Whole
from qfl.chain.clock import DevelopmentClock
from qfl.chain.contracts.staking import Role
from qfl.chain.deployment import Deployment
from qfl.chain.ledger import Ledger
from qfl.chain.rpc.accounts import development_account
from qfl.chain.rpc.calls import Receipt
from qfl.chain.rpc.connection import connect
from qfl.chain.rpc.rpc import rpc_at
from qfl.chain.rpc.sender import Sender
from qfl.daemon import Daemon
from qfl.devnet import Devnet
from qfl.devnet.health import call_chain
from qfl.errors import ChainError, ChainUnreachable, ClockNotMovable, NodeBusy, RpcRefused, TransactionRefused
from qfl.node.context import NodeContext
from qfl.protocol.types import RoundNumber
from qfl.validator.validator import Validator

pytestmark = pytest.mark.rest

GWEI = 10**9
DAY = 86_400

DEEP: list[Any] = []
for _ in range(900):
    DEEP = [DEEP]

BUSY = [
    Error({"code": -32005, "message": "daily request count exceeded, request rate limited"}),
    Error({"code": -32005, "message": "limit exceeded", "data": {"see": "https://example.org/limits"}}),
    Error({"code": 429, "message": "Your app has exceeded its compute units per second capacity"}),
    Error({"code": -32016, "message": "over rate limit"}),
    Error({"code": -32000, "message": "transaction indexing is in progress"}),
    Whole(b"slow down", 429, {"Retry-After": "0"}),
    Whole(b"", 429),
    Whole(b"<html>no upstream</html>", 502),
    Whole(b"", 503, {"Retry-After": "0"}),
]
NO_ANSWERS = [
    Whole(b""),
    Whole(b"null"),
    Whole(b"[]"),
    Whole(b"{}"),
    Whole(b"[null, 7]"),
    Whole(b'"ok"'),
    Whole(b"[" * 100_000),
    Whole(b"\xff\xfe\x00"),
    Whole(b"<html>Sign in</html>"),
    Whole(b"<html>Sign in</html>", 404),
    Whole(b"", 413),
    Whole(b"", 301, {"Location": "http://127.0.0.1:9/"}),
    Whole(b'[{"jsonrpc": "2.0", "id": 0, "result": "0x1"}]'),
    Result(None),
    Result("0x"),
    Result("0xzz"),
    Result({}),
    Result([]),
    Result(["0x1"]),
    Result(17),
    Result({"number": None, "timestamp": "soon", "hash": 4}),
    Result(DEEP),
]


@pytest.fixture(scope="module")
def testnet(devnet: Devnet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Testnet]:
    with Testnet(devnet, tmp_path_factory.mktemp("testnet"), clients=1) as built:
        built.join("client-1")
        for number in range(1, 5):
            built.join(f"validator-{number}")
        yield built


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qfl.chain.rpc.rpc.BUSY_SECONDS", (0.01,) * 4)
    monkeypatch.setattr("qfl.chain.rpc.rpc.RETRY_SECONDS", (0.01,) * 4)


@pytest.fixture
def replacing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Senders that soon tell a node again, and offer more."""
    monkeypatch.setattr("qfl.chain.rpc.sender.REPLACE_SECONDS", 0.2)
    monkeypatch.setattr("qfl.chain.rpc.sender.RESEND_SECONDS", 0.1)


def pay_once(devnet: Devnet, doctor: Doctor) -> Receipt:
    """The receipt of a payment through a node that answers so; it happens once."""
    payee = str(Account.create().address)
    with doctored_proxy(devnet.rpc_url, doctor) as url:
        receipt = sender(url).send(payments(payee, 1)[0])
    assert balance(devnet.rpc_url, payee) == 1
    return receipt


def to(method: str, said: Error | Whole | Result) -> Doctor:
    """A node that says this to one method."""
    return lambda call: said if call["method"] == method else None


@contextmanager
def ledger_behind(testnet: Testnet, doctor: Doctor) -> Iterator[Ledger]:
    """The deployment as a node shows it that answers so."""
    with doctored_proxy(testnet.devnet.rpc_url, doctor) as url:
        yield Ledger.connect(url, Deployment.load(testnet.deployment_path))


def every(times: int, said: Error | Whole | Result) -> Doctor:
    """Of each method the first `times` calls are answered so."""
    left: dict[str, int] = {}

    def doctor(call: dict[str, Any]) -> Error | Whole | Result | None:
        left[call["method"]] = left.get(call["method"], times) - 1
        return said if left[call["method"]] >= 0 else None

    return doctor


# --- what passes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", BUSY, ids=repr)
def test_a_call_that_is_put_off_is_made_again_and_counts_once(devnet: Devnet, said: Error | Whole) -> None:
    pay_once(devnet, every(2, said))


@pytest.mark.parametrize("said", BUSY, ids=repr)
def test_a_node_that_always_puts_off_is_a_chain_error(devnet: Devnet, said: Error | Whole) -> None:
    with doctored_proxy(devnet.rpc_url, lambda _: said) as url, pytest.raises(ChainUnreachable) as raised:
        connect(url)
    assert raised.value.exit_code == 3
    assert "\n" not in str(raised.value)


class Trouble(logging.Handler):
    """Tells when a role has met a fault that it waits out."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.met = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        if "trying again" in record.getMessage():
            self.met.set()


@pytest.mark.parametrize(
    "said",
    [
        Error({"code": -32005, "message": "rate limited"}),
        Error({"code": -32603, "message": "internal error"}),
        Error("overloaded"),
        Whole(b"<html>maintenance</html>", 503),
        Whole(b"", 429),
        Whole(b"null"),
        Result(None),
    ],
    ids=repr,
)
def test_a_role_waits_until_its_node_answers_again(testnet: Testnet, said: Error | Whole | Result) -> None:
    """Nothing that a validator asks is answered; when it is again, it goes on: here, it opens a round."""
    answers = threading.Event()
    answers.set()
    before = testnet.ledger.beacon.current_round()
    if before:  # of the case before this one
        testnet.clock.reach(testnet.ledger.beacon.context().phase_ends_at + 2 * DAY)
    with doctored_proxy(testnet.devnet.rpc_url, lambda _: None if answers.is_set() else said) as url:
        ledger = Ledger.connect(url, Deployment.load(testnet.deployment_path))
        name, stop, trouble = "validator-1", threading.Event(), Trouble()
        payer = Sender(connect(url), development_account(PAYER))
        context = NodeContext(ledger, payer, testnet.store, testnet.keys[name], testnet.folder / name)
        validator = Validator(context, testnet.join(name))
        answers.clear()
        logging.getLogger("qfl").addHandler(trouble)
        role = threading.Thread(target=Daemon(0.02, stop).run_validator, args=[validator])
        role.start()
        try:
            while not trouble.met.wait(0.05):
                assert role.is_alive(), "the role ended"
            answers.set()
            while testnet.ledger.beacon.current_round() == before:
                assert role.is_alive(), "the role ended"
        finally:
            answers.set()
            stop.set()
            role.join()
            logging.getLogger("qfl").removeHandler(trouble)


# --- what is no answer ---------------------------------------------------------------------------------------


def readings(testnet: Testnet, ledger: Ledger) -> dict[str, Callable[[], object]]:
    """What roles and commands ask a node, by what it is."""
    web3, client = ledger.web3, testnet.join("client-1")
    payer = Sender(web3, development_account(PAYER), chain_id=ledger.deployment.chain_id)
    return {
        "the time": ledger.now,
        "a view": ledger.beacon.current_round,
        "a view of a struct": lambda: ledger.beacon.round_at(RoundNumber(0)),
        "several views": lambda: ledger.client_duties([client, client]),
        "events": lambda: ledger.staking.bondings(ledger.from_block),
        "when a round opened": lambda: ledger.beacon.opened_in(RoundNumber(1), ledger.from_block),
        "block times": lambda: ledger.shards[SHARD].committed_at(RoundNumber(1), ledger.from_block),
        "the code": lambda: ledger.deployment.check(web3),
        "a balance": payer.balance_wei,
        "an estimate": lambda: payer.dry_run(ledger.beacon.open_round()),
        "a transaction": lambda: payer.send(payments(testnet.withdrawal("client-1"), 1)[0]),
        "the clock": lambda: DevelopmentClock(web3).reach(ledger.now() + 1),
    }


@pytest.mark.parametrize("said", NO_ANSWERS, ids=lambda said: repr(said)[:60])
def test_what_is_no_answer_is_a_chain_error_whatever_was_asked(testnet: Testnet, said: Result | Whole) -> None:
    honest = threading.Event()
    honest.set()
    with ledger_behind(testnet, lambda _: None if honest.is_set() else said) as ledger:
        asked = readings(testnet, ledger)
        honest.clear()
        for what, ask in asked.items():
            # An empty list is a true answer where events are asked for, and what a number may be a result as well.
            with suppress(ChainError):
                found = ask()
                assert what in ("events", "block times", "a view", "the time", "a balance", "an estimate"), (
                    what,
                    found,
                )


# --- refused for good ----------------------------------------------------------------------------------------


def test_a_chain_without_development_calls_says_that_its_time_cannot_be_moved(devnet: Devnet) -> None:
    def doctor(call: dict[str, Any]) -> Error | None:
        unknown = call["method"].startswith(("evm_", "anvil_"))
        return Error({"code": -32601, "message": "the method does not exist/is not available"}) if unknown else None

    with doctored_proxy(devnet.rpc_url, doctor) as url, pytest.raises(ClockNotMovable):
        DevelopmentClock(connect(url)).reach(2**40)


# --- fees ----------------------------------------------------------------------------------------------------


def decoded(call: dict[str, Any]) -> dict[str, Any]:
    return dict(TypedTransaction.from_bytes(HexBytes(call["params"][0])).as_dict())


@pytest.mark.parametrize("tells", [True, False])
def test_the_tip_is_what_the_node_wants(devnet: Devnet, tells: bool) -> None:
    """It takes 25 gwei and more; whether it says so or only refuses less."""

    def doctor(call: dict[str, Any]) -> Error | Result | None:
        if call["method"] == "eth_maxPriorityFeePerGas":
            return Result(hex(25 * GWEI)) if tells else Error({"code": -32601, "message": "no such method"})
        if call["method"] == "eth_sendRawTransaction" and decoded(call)["maxPriorityFeePerGas"] < 25 * GWEI:
            return Error({"code": -32000, "message": "transaction underpriced: gas tip cap 1, minimum needed 25"})
        return None

    receipt = pay_once(devnet, doctor)
    tip = int(call_chain(devnet.rpc_url, "eth_getTransactionByHash", receipt.tx_hash)["maxPriorityFeePerGas"], 16)
    assert tip == 25 * GWEI if tells else 25 * GWEI <= tip < 50 * GWEI


def test_a_node_that_wants_more_than_anybody_pays_is_told_of_in_its_own_words(devnet: Devnet, payee: str) -> None:
    refusing = to("eth_sendRawTransaction", Error({"code": -32000, "message": "transaction underpriced"}))
    with doctored_proxy(devnet.rpc_url, refusing) as url, pytest.raises(TransactionRefused, match="underpriced"):
        sender(url).send(payments(payee, 1)[0])
    assert balance(devnet.rpc_url, payee) == 0


# --- transactions that no block takes ------------------------------------------------------------------------


@pytest.mark.usefixtures("replacing")
@pytest.mark.parametrize("again", [Error({"code": -32000, "message": "already known"}), Result(None)], ids=repr)
def test_a_transaction_that_the_node_keeps_to_itself_is_replaced_by_a_dearer_one(
    devnet: Devnet, again: Error | Result
) -> None:
    """The node takes the first version, says that it knows it whenever asked, and never mines it."""
    kept: dict[str, str] = {}

    def doctor(call: dict[str, Any]) -> Error | Result | None:
        if call["method"] == "eth_sendRawTransaction":
            raw = call["params"][0]
            if not kept:
                kept.update(raw=raw, hash=TypedTransaction.from_bytes(HexBytes(raw)).hash().hex())
                return Result("0x" + kept["hash"])
            if raw == kept["raw"]:
                return again if isinstance(again, Error) else Result("0x" + kept["hash"])
        if call["method"] == "eth_getTransactionByHash" and call["params"][0] == "0x" + kept.get("hash", ""):
            return Result({"hash": call["params"][0], "blockNumber": None})
        return None

    assert pay_once(devnet, doctor).tx_hash.removeprefix("0x") != kept["hash"]


@pytest.mark.usefixtures("replacing")
def test_a_batch_behind_a_kept_transaction_arrives_too_and_each_of_it_once(devnet: Devnet, payee: str) -> None:
    kept = set[str]()

    def doctor(call: dict[str, Any]) -> Result | None:
        if call["method"] == "eth_sendRawTransaction" and (not kept or call["params"][0] in kept):
            kept.add(call["params"][0])
            return Result("0x" + TypedTransaction.from_bytes(HexBytes(call["params"][0])).hash().hex())
        return None

    with doctored_proxy(devnet.rpc_url, doctor) as url:
        outcomes = sender(url).send_many(payments(payee, 20))
    assert all(isinstance(outcome, Receipt) for outcome in outcomes), outcomes
    assert balance(devnet.rpc_url, payee) == 20
    assert len(kept) == 1


@pytest.mark.usefixtures("replacing")
def test_a_transaction_that_became_too_cheap_is_replaced(devnet: Devnet) -> None:
    """Anvil itself keeps it: the base fee has risen above what it offers."""
    cheap = threading.Event()
    cheap.set()

    def doctor(call: dict[str, Any]) -> Result | None:
        if call["method"] != "eth_getBlockByNumber" or not cheap.is_set():
            return None
        cheap.clear()
        block = call_chain(devnet.rpc_url, "eth_getBlockByNumber", "latest", False)
        call_chain(devnet.rpc_url, "anvil_setNextBlockBaseFeePerGas", hex(50 * GWEI))
        call_chain(devnet.rpc_url, "evm_mine")
        return Result({**block, "baseFeePerGas": hex(GWEI)})

    pay_once(devnet, doctor)


def test_nobody_offers_without_end_on_a_chain_that_stands_still(
    devnet: Devnet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes nothing into a block until it was told often."""
    monkeypatch.setattr("qfl.chain.rpc.sender.REPLACE_SECONDS", 0.0)
    monkeypatch.setattr("qfl.chain.rpc.sender.RESEND_SECONDS", 0.0)
    offered = list[int]()

    def doctor(call: dict[str, Any]) -> Result | None:
        if call["method"] != "eth_sendRawTransaction" or len(offered) > 25:
            return None
        transaction = TypedTransaction.from_bytes(HexBytes(call["params"][0]))
        offered.append(transaction.as_dict()["maxFeePerGas"])
        return Result("0x" + transaction.hash().hex())

    pay_once(devnet, doctor)
    assert len(set(offered)) > 1
    assert max(offered) <= 13 * min(offered)


@pytest.mark.parametrize(
    "late", [("eth_getTransactionReceipt",), ("eth_getTransactionReceipt", "eth_getTransactionByHash")]
)
def test_a_node_that_is_late_with_receipts_has_nobody_pay_twice(
    devnet: Devnet, monkeypatch: pytest.MonkeyPatch, late: tuple[str, ...]
) -> None:
    """Its nonces say that a transaction is in a block, while it does not know the transaction."""
    monkeypatch.setattr("qfl.chain.rpc.sender.RESEND_SECONDS", 0.02)
    asked = Counter[str]()

    def doctor(call: dict[str, Any]) -> Result | None:
        asked[call["method"]] += 1
        return Result(None) if call["method"] in late and asked["eth_getTransactionReceipt"] < 15 else None

    pay_once(devnet, doctor)


def test_a_taken_transaction_whose_answer_is_that_its_number_is_used_counts_once(devnet: Devnet) -> None:
    """As when an answer is lost, and the repeated message meets the transaction in a block."""
    asked = Counter[str]()

    def doctor(call: dict[str, Any]) -> Error | Result | None:
        asked[call["method"]] += 1
        if call["method"] == "eth_sendRawTransaction" and asked[call["method"]] == 1:
            call_chain(devnet.rpc_url, call["method"], *call["params"])
            return Error({"code": -32000, "message": "nonce too low"})
        return Result(None) if call["method"] == "eth_getTransactionByHash" and asked[call["method"]] == 1 else None

    pay_once(devnet, doctor)


def test_a_number_that_is_used_in_a_block_that_the_node_does_not_show_yet_is_waited_for(devnet: Devnet) -> None:
    """Behind one address, the node that is asked for the count may be behind the one that refuses."""
    asked, payer = Counter[str](), sender(devnet.rpc_url).address
    counted = call_chain(devnet.rpc_url, "eth_getTransactionCount", payer, "latest")

    def doctor(call: dict[str, Any]) -> Error | Result | None:
        asked[call["method"]] += 1
        if call["method"] == "eth_sendRawTransaction" and asked[call["method"]] == 1:
            call_chain(devnet.rpc_url, call["method"], *call["params"])
            return Error({"code": -32000, "message": "nonce too low"})
        if call["method"] == "eth_getTransactionByHash" and asked[call["method"]] == 1:
            return Result(None)
        is_count = call["method"] == "eth_getTransactionCount" and call["params"][1] == "latest"
        return Result(counted) if is_count and asked["eth_getTransactionReceipt"] < 3 else None

    pay_once(devnet, doctor)


def test_requests_shrink_to_what_a_node_takes(devnet: Devnet, payee: str) -> None:
    longest = list[int]()

    def whole(calls: list[dict[str, Any]]) -> Whole | None:
        longest.append(len(calls))
        refused = {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "batch too large"}}
        return Whole(json.dumps(refused).encode()) if len(calls) > 3 else None

    with doctored_proxy(devnet.rpc_url, lambda _: None, whole) as url:
        outcomes = sender(url).send_many(payments(payee, 20))
    assert all(isinstance(outcome, Receipt) for outcome in outcomes), outcomes
    assert max(longest) > 3
    assert balance(devnet.rpc_url, payee) == 20


# --- logs in ranges ------------------------------------------------------------------------------------------

RANGE_REFUSALS = [
    {"code": -32000, "message": "block range is too wide"},
    {"code": -32614, "message": "exceed maximum block range: 10"},
    {"code": -32000, "message": "query timeout exceeded"},
    {"code": 35, "message": "ranges over 10 blocks are not supported"},
    {"code": -32005, "message": "limit exceeded"},
]


@pytest.mark.parametrize(
    ("refusal", "most"), [(RANGE_REFUSALS[0], 1), *((refusal, 10) for refusal in RANGE_REFUSALS)], ids=repr
)
def test_events_are_complete_behind_a_node_that_takes_few_blocks_at_once(
    testnet: Testnet, refusal: dict[str, Any], most: int
) -> None:
    asked = list[int]()

    def doctor(call: dict[str, Any]) -> Error | None:
        if call["method"] != "eth_getLogs":
            return None
        wanted = call["params"][0]
        head = int(call_chain(testnet.devnet.rpc_url, "eth_blockNumber"), 16)
        last = head if wanted["toBlock"] == "latest" else int(wanted["toBlock"], 16)
        asked.append(last - int(wanted["fromBlock"], 16) + 1)
        return Error(refusal) if asked[-1] > most else None

    with ledger_behind(testnet, doctor) as ledger:
        found = ledger.staking.bondings(ledger.from_block)
        assert found == testnet.ledger.staking.bondings(testnet.ledger.from_block)
        assert [bonding.role for bonding in found] == [Role.CLIENT] + [Role.VALIDATOR] * 4
        asked.clear()
        ledger.staking.bondings(ledger.from_block)
        assert max(asked) <= most, "what a node takes is remembered"


def test_a_node_that_has_no_logs_at_all_is_a_chain_error(testnet: Testnet) -> None:
    refused = Error({"code": -32601, "message": "eth_getLogs is not available"})
    with ledger_behind(testnet, to("eth_getLogs", refused)) as ledger:
        with pytest.raises(RpcRefused, match="not available"):
            ledger.staking.bondings(ledger.from_block)
        assert rpc_at(ledger.web3.provider.endpoint_uri).log_span is None


# --- proof of authority --------------------------------------------------------------------------------------


def test_blocks_with_a_signature_in_their_extra_data_are_read(testnet: Testnet) -> None:
    def doctor(call: dict[str, Any]) -> Result | None:
        if call["method"] != "eth_getBlockByNumber":
            return None
        block = call_chain(testnet.devnet.rpc_url, "eth_getBlockByNumber", *call["params"])
        return Result({**block, "extraData": "0x" + "ab" * 97})

    with ledger_behind(testnet, doctor) as ledger:
        assert ledger.now() > 0


def test_nothing_that_is_put_off_is_taken_for_a_contracts_refusal(testnet: Testnet) -> None:
    """Else a role would believe that its participant may not act."""
    busy = to("eth_call", Error({"code": -32005, "message": "rate limited"}))
    with ledger_behind(testnet, busy) as ledger, pytest.raises(NodeBusy):
        ledger.beacon.current_round()
