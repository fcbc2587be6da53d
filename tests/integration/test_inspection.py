"""What `qfl inspect` says of real rounds: of what went well, and of what was refused, by whom and why."""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from click.testing import CliRunner
from dishonest import CLIENTS, collude, honest_result, lie_about_one_lane, make_challenger, until_checkpoint_phase
from testnet import SHARD, Testnet

from experiments.attacks.insistent import Insistent
from qfl.apps.cli.main import cli
from qfl.apps.inspect.content import inspect_model, inspect_update
from qfl.apps.inspect.state import inspect_round, inspect_shard
from qfl.apps.inspect.transaction import inspect_dispute, inspect_transaction
from qfl.chain.rpc.sender import UnsentCall
from qfl.devnet import Devnet, DevnetConfig
from qfl.errors import ChainError, InvalidInput
from qfl.protocol.cid import cid_of
from qfl.protocol.types import RoundNumber
from qfl.quorum.quorum import scheme_of
from qfl.simulation.driver import run_round
from qfl.storage.store import MemoryStore

STRANGER = 14


def fail(testnet: Testnet, call: UnsentCall, gas: int | None = None) -> str:
    """The hash of a transaction that the contracts refused."""
    insistent = Insistent(testnet.sender(STRANGER))
    insistent.gas_limit = gas
    with pytest.raises(ChainError):
        insistent.send(call)
    block = testnet.web3.eth.get_block("latest")
    return str(block["transactions"][0].to_0x_hex())


def command(testnet: Testnet, *arguments: str) -> str:
    place = ["--rpc", testnet.devnet.rpc_url, "--deployment", str(testnet.deployment_path)]
    if arguments[0] in ("update", "model"):
        place += ["--ipfs", testnet.devnet.ipfs_url]
    done = CliRunner().invoke(cli, ["inspect", *arguments, *place])
    assert done.exception is None
    return done.output


# --- failed transactions ---


def test_a_refusal_by_the_called_contract(testnet: Testnet) -> None:
    tx_hash = fail(testnet, testnet.ledger.beacon.settle(RoundNumber(1)))
    failure = inspect_transaction(testnet.ledger, tx_hash)["failure"]
    assert failure["refused_by"] == {"contract": "Beacon", "function": "settle"}
    assert failure["error"] == "StillChallengeable"
    assert failure["found_by"] == "debug_traceTransaction"


def test_a_refusal_by_a_contract_that_the_called_one_asked(testnet: Testnet) -> None:
    """The beacon asks the quorum, and passes on what that says: who refused is not whom the transaction went to."""
    number = until_checkpoint_phase(testnet)
    checkpoint = honest_result(testnet, number).checkpoint
    scheme, committee = scheme_of(testnet.ledger), testnet.ledger.beacon.committee(number, SHARD)
    bundle = scheme.bundle(committee, dict.fromkeys(range(3), scheme.attestation(bytes(1500)))) + b"\0"
    tx_hash = fail(testnet, testnet.ledger.beacon.submit_checkpoint(checkpoint, bundle))
    failure = inspect_transaction(testnet.ledger, tx_hash)["failure"]
    assert [call["contract"] for call in failure["calls"]] == ["Beacon", scheme.contract.name]
    assert failure["refused_by"]["function"] == "verify"
    assert failure["error"] == "MalformedBundle"
    shown = command(testnet, "tx", tx_hash)
    assert f"rule: {failure['rule']}" in shown
    assert f"remedy: {failure['remedy']}" in shown
    run_round(testnet.network())


def test_a_lack_of_gas(testnet: Testnet) -> None:
    call = testnet.ledger.staking.top_up(testnet.join("validator-1"), 1)
    failure = inspect_transaction(testnet.ledger, fail(testnet, call, gas=24_000))["failure"]
    assert failure["error"] == "OutOfGas"
    assert "higher gas limit" in failure["remedy"]


@pytest.mark.parametrize(
    ("data", "function"),
    [
        (b"\xde\xad\xbe\xef", "unknown: Beacon has none with the selector 0xdeadbeef"),
        (b"\xde\xad\xbe\xef" + bytes(64), "unknown: Beacon has none with the selector 0xdeadbeef"),
        (b"\xde", "unknown: Beacon has none with the selector 0xde"),
    ],
    ids=["selector", "with arguments", "half a selector"],
)
def test_a_call_of_a_function_that_the_contract_does_not_have(testnet: Testnet, data: bytes, function: str) -> None:
    tx_hash = fail(testnet, UnsentCall("guess", testnet.ledger.beacon.address, data))
    assert inspect_transaction(testnet.ledger, tx_hash)["function"] == function
    assert f"function: {function}" in command(testnet, "tx", tx_hash)


@pytest.mark.parametrize("length", [4, 10, 4 + 31])
def test_a_call_whose_arguments_are_cut_short(testnet: Testnet, length: int) -> None:
    call = testnet.ledger.beacon.settle(RoundNumber(1))
    found = inspect_transaction(testnet.ledger, fail(testnet, replace(call, data=call.data[:length])))
    assert found["function"] == "settle"
    assert found["arguments"].startswith("unreadable")


def test_a_chain_that_makes_no_traces(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Ganache: its trace has another form, so the call is made again on the state before its block."""
    folder = tmp_path_factory.mktemp("ganache")
    with (
        Devnet(DevnetConfig(folder / "devnet", "ganache")) as devnet,
        Testnet(devnet, folder / "testnet", clients=1) as testnet,
    ):
        tx_hash = fail(testnet, testnet.ledger.beacon.settle(RoundNumber(3)))
        failure = inspect_transaction(testnet.ledger, tx_hash)["failure"]
    assert failure["error"] == "WrongState"
    assert failure["found_by"] == "eth_call"


# --- rounds and what is in them ---


@pytest.fixture(scope="module")
def number(built: Testnet) -> Iterator[RoundNumber]:
    return run_round(built.network(clients=CLIENTS)).round


def test_an_included_update(testnet: Testnet, number: RoundNumber) -> None:
    client = testnet.join("client-2")
    found = inspect_update(testnet.ledger, number, client, testnet.store)
    assert (found["fate"], found["check"]) == ("included", "passes every check")
    assert found["content"]["digest_matches"]
    assert (found["content"]["author"], found["content"]["round"]) == (client, number)
    assert found["content"]["root"] == found["reveal"]["update_root"]
    assert 0 < found["content"]["lanes"]["squared_norm"] <= found["norm_bound"]
    assert json.loads(command(testnet, "update", str(number), str(client), "--json")) == found


def test_a_tampered_update(testnet: Testnet, number: RoundNumber) -> None:
    """The node's bytes do not hash to what was revealed: that is said, and nothing of them is shown."""
    honest = inspect_update(testnet.ledger, number, testnet.join("client-2"))
    digest = bytes.fromhex(honest["reveal"]["content_digest"][2:])
    lying = MemoryStore()
    lying.blocks = {digest: b"other bytes"}
    found = inspect_update(testnet.ledger, number, testnet.join("client-2"), lying)
    assert found["content"].keys() == {"cid", "problem"}
    assert cid_of(digest) in found["content"]["problem"]
    assert found["check"] != "passes every check"


def test_a_client_that_took_no_part(testnet: Testnet, number: RoundNumber) -> None:
    with pytest.raises(InvalidInput, match="committed nothing in round"):
        inspect_update(testnet.ledger, number, 999)


def test_the_model_of_a_round(testnet: Testnet, number: RoundNumber) -> None:
    found = inspect_model(testnet.ledger, number, testnet.store)
    assert found["content"]["root"] == found["model_root"] == inspect_round(testnet.ledger, number)["model_root"]
    assert 0 < found["moved_radians"] < 1
    assert found["parameters"]["angles"] == testnet.ledger.beacon.shape().quantum
    shown = command(testnet, "model", str(number))
    assert f"cid: {found['cid']}" in shown


def test_genesis_moved_from_nowhere(testnet: Testnet) -> None:
    assert inspect_model(testnet.ledger, 0, testnet.store)["moved_radians"] == 0


def test_a_shard_in_a_round_is_what_the_round_says_of_it(testnet: Testnet, number: RoundNumber) -> None:
    found = inspect_shard(testnet.ledger, SHARD, number)
    (of_round,) = inspect_round(testnet.ledger, number)["shards"]
    assert of_round.items() <= found.items()
    assert (found["mode"], found["has_own_chain"]) == ("transparent", False)
    with pytest.raises(InvalidInput, match="the deployment has 1"):
        inspect_shard(testnet.ledger, 1)


def test_a_dispute(testnet: Testnet) -> None:
    number = until_checkpoint_phase(testnet)
    dishonest = collude(testnet, lie_about_one_lane(testnet, honest_result(testnet, number)))
    (proven,) = make_challenger(testnet).step()
    found = inspect_dispute(testnet.ledger, proven.tx_hash)
    assert (found["fault"], found["round"], found["round_is"]) == ("aggregate", number, "void")
    assert [entry["validator"] for entry in found["slashed"]] == dishonest
    assert found["bounty_wei"] + found["burned_wei"] == found["taken_wei"]
    assert found["arguments"]["coordinate"] == 2
    assert inspect_dispute(testnet.ledger)[-1]["tx_hash"] == proven.tx_hash
    with pytest.raises(InvalidInput, match="proved no fault"):
        inspect_dispute(testnet.ledger, "0x" + "00" * 32)
