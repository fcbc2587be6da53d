"""Runs on chains of somebody else's: in real time where time cannot be moved, and what cannot be done costs nothing.

Which bug each would catch is in its name; the sharpest: gas and stakes that are spent before a run is refused.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from eth_account import Account
from proxies import Gate, gate_before

from qfl.apps.cli.main import cli
from qfl.chain.rpc.accounts import development_account
from qfl.devnet import Devnet, DevnetConfig
from qfl.devnet.health import call_chain
from qfl.errors import ChainUnfit, InvalidInput, NodeBusy, QflError, RunNotAffordable
from qfl.simulation.folder import hold_folder

pytestmark = pytest.mark.rest

GETH = "Geth/v1.16.4-stable/linux-amd64/go1.25.1"
HOSTED_ANVIL = "Gateway/2.0 (anvil/v1.7.1)"
JOB = """
clients = 2
rounds = 1
limit = 60
classes = [0, 1, 2]
key_height = 5
central_epochs = 0
model = { qubits = 2, layers = 1 }
training = { steps = 2 }
protocol = { commitSeconds = 10, revealSeconds = 6, turnSeconds = 5, challengeSeconds = 4 }
"""


def run(folder: Path, rpc_url: str, *options: str) -> Result:
    config = folder / "job.toml"
    config.write_text(JOB)
    command = ["run", "--config", str(config), "--out", str(folder / "run"), "--no-plots", "--rpc", rpc_url, *options]
    return CliRunner().invoke(cli, command)


@pytest.fixture(scope="module")
def ticking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devnet]:
    """A chain with a block every second, whose id says nothing about it."""
    folder = tmp_path_factory.mktemp("ticking")
    with Devnet(DevnetConfig(folder, block_time=1, chain_id=4242)) as running:
        yield running


def keystore(folder: Path, rpc_url: str, ether: int) -> str:
    """The file of a new account's key, with so much to spend."""
    account = Account.create()
    call_chain(rpc_url, "anvil_setBalance", account.address, hex(ether * 10**18))
    path = folder / "account.key"
    path.write_text(account.key.hex())
    path.chmod(0o600)
    return str(path)


# --- real time ---


@pytest.mark.parametrize("blocks", ["ticking", "devnet"], ids=["a block every second", "a block for a transaction"])
def test_a_run_on_a_chain_that_keeps_its_own_time_is_done_in_real_time(
    blocks: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It spent gas and stakes, and then asked for a clock that it could not have."""
    monkeypatch.setattr("qfl.chain.clock.QUIET_SECONDS", 2.0)
    chain: Devnet = request.getfixturevalue(blocks)
    payer = keystore(tmp_path, chain.rpc_url, 100)
    with gate_before(chain.rpc_url, HOSTED_ANVIL) as gate:
        done = run(tmp_path, gate.url, "--ipfs", chain.ipfs_url, "--account", payer)
    assert done.exception is None, done.output
    assert "the chain's time cannot be moved, so this waits for deadlines: a round takes 16 s" in done.output
    assert "2 updates included" in done.output


# --- what cannot be done costs nothing ---


def assert_refused(done: Result, kind: type[QflError], said: str, gate: Gate) -> None:
    assert isinstance(done.exception, kind), done.output
    assert said in str(done.exception)
    assert "eth_sendRawTransaction" not in gate.asked


def test_accounts_of_the_public_mnemonic_do_not_pay_on_a_real_chain(ticking: Devnet, tmp_path: Path) -> None:
    with gate_before(ticking.rpc_url, GETH) as gate:
        done = run(tmp_path, gate.url, "--ipfs", ticking.ipfs_url)
        assert_refused(done, InvalidInput, "everybody has its key", gate)
        named = run(tmp_path, gate.url, "--ipfs", ticking.ipfs_url, "--account", "dev:3")
        assert_refused(named, InvalidInput, development_account(3).address, gate)


def test_the_public_mnemonic_deploys_nothing_on_a_real_chain(ticking: Devnet, tmp_path: Path) -> None:
    with gate_before(ticking.rpc_url, GETH) as gate:
        where = ["--rpc", gate.url, "--ipfs", ticking.ipfs_url, "--deployment", str(tmp_path / "deployment.json")]
        assert_refused(CliRunner().invoke(cli, ["deploy", *where]), InvalidInput, "everybody has its key", gate)


def test_nothing_is_begun_and_nothing_deleted_for_a_run_that_nobody_can_pay(ticking: Devnet, tmp_path: Path) -> None:
    """Deployment and reward pool are 5 ether, the stakes of two clients and four validators 4.2."""
    with hold_folder(tmp_path / "run"):
        pass
    (tmp_path / "run" / "report.json").write_text("{}")
    payer = keystore(tmp_path, ticking.rpc_url, 9)
    with gate_before(ticking.rpc_url, GETH) as gate:
        done = run(tmp_path, gate.url, "--ipfs", ticking.ipfs_url, "--account", payer, "--overwrite")
    assert_refused(done, RunNotAffordable, "4.2 ETH of stakes, 5 ETH of reward pool, ", gate)
    assert (tmp_path / "run" / "report.json").read_text() == "{}"


def test_a_deployer_who_cannot_fill_the_reward_pool_does_not_begin(ticking: Devnet, tmp_path: Path) -> None:
    payer = keystore(tmp_path, ticking.rpc_url, 5)
    with gate_before(ticking.rpc_url, GETH) as gate:
        where = ["--rpc", gate.url, "--ipfs", ticking.ipfs_url, "--deployment", str(tmp_path / "deployment.json")]
        done = CliRunner().invoke(cli, ["deploy", *where, "--account", payer])
    assert_refused(done, RunNotAffordable, "5 ETH of reward pool", gate)


def test_a_chain_whose_blocks_are_too_small_is_told_before_the_first_contract(ticking: Devnet, tmp_path: Path) -> None:
    payer = keystore(tmp_path, ticking.rpc_url, 100)
    call_chain(ticking.rpc_url, "evm_setBlockGasLimit", hex(5_000_000))
    with ExitStack() as stack:
        stack.callback(call_chain, ticking.rpc_url, "evm_setBlockGasLimit", hex(30_000_000))
        gate = stack.enter_context(gate_before(ticking.rpc_url, GETH))
        while int(call_chain(ticking.rpc_url, "eth_getBlockByNumber", "latest", False)["gasLimit"], 16) > 5_000_000:
            pass  # until the next block, in a second
        done = run(tmp_path, gate.url, "--ipfs", ticking.ipfs_url, "--account", payer)
    assert_refused(done, ChainUnfit, "a block takes 5,000,000 gas, and creating Beacon needs", gate)


@pytest.mark.parametrize("method", ["web3_clientVersion", "evm_increaseTime"])
def test_a_node_that_has_too_much_to_do_is_not_taken_for_one_that_says_no(
    method: str, ticking: Devnet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run of minutes would become one of hours, unasked."""
    monkeypatch.setattr("qfl.chain.rpc.rpc.BUSY_SECONDS", (0.01,) * 4)
    busy = {method: {"code": -32005, "message": "daily request count exceeded, request rate limited"}}
    with gate_before(ticking.rpc_url, HOSTED_ANVIL, busy) as gate:
        done = run(tmp_path, gate.url, "--ipfs", ticking.ipfs_url)
    assert_refused(done, NodeBusy, "request rate limited", gate)
    assert gate.asked.count(method) == 5
