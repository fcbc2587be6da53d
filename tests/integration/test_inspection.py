"""What `qfl inspect` says of real rounds: of what went well, and of what was refused, by whom and why."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from click.testing import CliRunner
from liars import CLIENTS, collude, honest_result, lie_about_one_lane, make_challenger, until_checkpoint_phase
from town import SHARD, Town

from qfl.attacks.insistent import Insistent
from qfl.chain.sender import UnsentCall
from qfl.cli.main import cli
from qfl.codec.cid import cid_of
from qfl.committee.bundle import encode_bundle
from qfl.devnet import Devnet, DevnetConfig
from qfl.errors import ChainError, InvalidInput
from qfl.inspect.dispute import inspect_dispute, list_disputes
from qfl.inspect.model import inspect_model
from qfl.inspect.round import inspect_round
from qfl.inspect.shard import inspect_shard
from qfl.inspect.transaction import inspect_transaction
from qfl.inspect.update import inspect_update
from qfl.round import run_round
from qfl.storage.memory import MemoryStore
from qfl.types import RoundNumber

STRANGER = 14


def fail(town: Town, call: UnsentCall, gas: int | None = None) -> str:
    """The hash of a transaction that the contracts refused."""
    insistent = Insistent(town.sender(STRANGER))
    insistent.gas_limit = gas
    with pytest.raises(ChainError):
        insistent.send(call)
    block = town.web3.eth.get_block("latest")
    return str(block["transactions"][0].to_0x_hex())


def command(town: Town, *arguments: str) -> str:
    place = ["--rpc", town.devnet.rpc_url, "--deployment", str(town.deployment_path)]
    if arguments[0] in ("update", "model"):
        place += ["--ipfs", town.devnet.ipfs_url]
    done = CliRunner().invoke(cli, ["inspect", *arguments, *place])
    assert done.exception is None
    return done.output


# --- failed transactions ---


def test_a_refusal_by_the_called_contract(town: Town) -> None:
    tx_hash = fail(town, town.ledger.beacon.settle(RoundNumber(1)))
    failure = inspect_transaction(town.ledger, tx_hash)["failure"]
    assert failure["refused_by"] == {"contract": "Beacon", "function": "settle"}
    assert failure["error"] == "StillChallengeable"
    assert failure["found_by"] == "debug_traceTransaction"


def test_a_refusal_by_a_contract_that_the_called_one_asked(town: Town) -> None:
    """The beacon asks the quorum, and passes on what that says: who refused is not whom the transaction went to."""
    number = until_checkpoint_phase(town)
    checkpoint = honest_result(town, number).checkpoint
    bundle = encode_bundle({seat: bytes(1500) for seat in range(3)})
    tx_hash = fail(town, town.ledger.beacon.submit_checkpoint(checkpoint, bundle))
    failure = inspect_transaction(town.ledger, tx_hash)["failure"]
    assert [call["contract"] for call in failure["calls"]] == ["Beacon", "LmsQuorum"]
    assert failure["refused_by"]["function"] == "verify"
    assert failure["error"] == "BadAttestation"
    shown = command(town, "tx", tx_hash)
    assert f"rule: {failure['rule']}" in shown
    assert f"remedy: {failure['remedy']}" in shown
    run_round(town.network())


def test_a_lack_of_gas(town: Town) -> None:
    call = town.ledger.staking.top_up(town.join("validator-1"), 1)
    failure = inspect_transaction(town.ledger, fail(town, call, gas=24_000))["failure"]
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
def test_a_call_of_a_function_that_the_contract_does_not_have(town: Town, data: bytes, function: str) -> None:
    tx_hash = fail(town, UnsentCall("guess", town.ledger.beacon.address, data))
    assert inspect_transaction(town.ledger, tx_hash)["function"] == function
    assert f"function: {function}" in command(town, "tx", tx_hash)


@pytest.mark.parametrize("length", [4, 10, 4 + 31])
def test_a_call_whose_arguments_are_cut_short(town: Town, length: int) -> None:
    call = town.ledger.beacon.settle(RoundNumber(1))
    found = inspect_transaction(town.ledger, fail(town, replace(call, data=call.data[:length])))
    assert found["function"] == "settle"
    assert found["arguments"].startswith("unreadable")


def test_a_chain_that_makes_no_traces(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Ganache: its trace has another form, so the call is made again on the state before its block."""
    folder = tmp_path_factory.mktemp("ganache")
    with Devnet(DevnetConfig(folder / "devnet", "ganache")) as devnet, Town(devnet, folder / "town", clients=1) as town:
        tx_hash = fail(town, town.ledger.beacon.settle(RoundNumber(3)))
        failure = inspect_transaction(town.ledger, tx_hash)["failure"]
    assert failure["error"] == "WrongState"
    assert failure["found_by"] == "eth_call"


# --- rounds and what is in them ---


@pytest.fixture(scope="module")
def number(built: Town) -> Iterator[RoundNumber]:
    return run_round(built.network(clients=CLIENTS)).round


def test_an_included_update(town: Town, number: RoundNumber) -> None:
    client = town.join("client-2")
    found = inspect_update(town.ledger, number, client, town.store)
    assert (found["fate"], found["check"]) == ("included", "passes every check")
    assert found["content"]["digest_matches"]
    assert (found["content"]["author"], found["content"]["round"]) == (client, number)
    assert found["content"]["root"] == found["reveal"]["update_root"]
    assert 0 < found["content"]["lanes"]["squared_norm"] <= found["norm_bound"]
    assert json.loads(command(town, "update", str(number), str(client), "--json")) == found


def test_a_tampered_update(town: Town, number: RoundNumber) -> None:
    """The node's bytes do not hash to what was revealed: that is said, and nothing of them is shown."""
    honest = inspect_update(town.ledger, number, town.join("client-2"))
    digest = bytes.fromhex(honest["reveal"]["content_digest"][2:])
    lying = MemoryStore()
    lying.blocks = {digest: b"other bytes"}
    found = inspect_update(town.ledger, number, town.join("client-2"), lying)
    assert found["content"].keys() == {"cid", "problem"}
    assert cid_of(digest) in found["content"]["problem"]
    assert found["check"] != "passes every check"


def test_a_client_that_took_no_part(town: Town, number: RoundNumber) -> None:
    with pytest.raises(InvalidInput, match="committed nothing in round"):
        inspect_update(town.ledger, number, 999)


def test_the_model_of_a_round(town: Town, number: RoundNumber) -> None:
    found = inspect_model(town.ledger, number, town.store)
    assert found["content"]["root"] == found["model_root"] == inspect_round(town.ledger, number)["model_root"]
    assert 0 < found["moved_radians"] < 1
    assert found["parameters"]["angles"] == town.ledger.beacon.shape().quantum
    shown = command(town, "model", str(number))
    assert f"cid: {found['cid']}" in shown


def test_genesis_moved_from_nowhere(town: Town) -> None:
    assert inspect_model(town.ledger, 0, town.store)["moved_radians"] == 0


def test_a_shard_in_a_round_is_what_the_round_says_of_it(town: Town, number: RoundNumber) -> None:
    found = inspect_shard(town.ledger, SHARD, number)
    (of_round,) = inspect_round(town.ledger, number)["shards"]
    assert of_round.items() <= found.items()
    assert (found["mode"], found["has_own_chain"]) == ("transparent", False)
    with pytest.raises(InvalidInput, match="the deployment has 1"):
        inspect_shard(town.ledger, 1)


def test_a_dispute(town: Town) -> None:
    number = until_checkpoint_phase(town)
    liars = collude(town, lie_about_one_lane(town, honest_result(town, number)))
    (proven,) = make_challenger(town).step()
    found = inspect_dispute(town.ledger, proven.tx_hash)
    assert (found["fault"], found["round"], found["round_is"]) == ("aggregate", number, "failed")
    assert [entry["validator"] for entry in found["slashed"]] == liars
    assert found["bounty_wei"] + found["burned_wei"] == found["taken_wei"]
    assert found["arguments"]["coordinate"] == 2
    assert list_disputes(town.ledger)[-1]["tx_hash"] == proven.tx_hash
    with pytest.raises(InvalidInput, match="proved no fault"):
        inspect_dispute(town.ledger, "0x" + "00" * 32)
