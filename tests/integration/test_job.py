"""The main job on a real chain and a real IPFS node, small: what it reports, what can be checked of it afterwards.

Which bug each would catch is in its name: a report that does not follow from receipts, a verification that a changed
byte passes, a run that cannot be taken up again, a chain that is not Anvil.
"""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from jobs import run, verify
from rich.console import Console

import qfl.validator.seat
from qfl.apps.cli.main import cli
from qfl.apps.report.finished import confusion, read_run
from qfl.chain.deployment import Deployment
from qfl.chain.ledger import Ledger
from qfl.chain.rpc.accounts import development_account
from qfl.chain.rpc.connection import prepare_connection
from qfl.chain.rpc.sender import Sender
from qfl.devnet.config import CHAIN_ID
from qfl.devnet.devnet import Devnet
from qfl.errors import InvalidInput, VerificationFailed
from qfl.protocol.cid import digest_of
from qfl.protocol.content import content_digest, decode, encode, lanes_root
from qfl.protocol.recompute import ShardResult, expected_model
from qfl.protocol.types import RoundNumber, ShardIndex
from qfl.simulation.config import JobConfig, load_config
from qfl.simulation.display import Display
from qfl.simulation.folder import kept_devnet
from qfl.simulation.preflight import estimate_run

JOB = JobConfig(
    clients=3,
    rounds=2,
    classes=(0, 1, 2),
    key_height=5,
    central_epochs=1,
    seed=7,
    model={"qubits": 4, "layers": 2},
    training={"steps": 10},
)
BUDGETS = {
    "bond_client": 145_000,  # the first fills the slot of the totals
    "bond_validator": 260_000,
    "commit": 125_000,  # the client's and the round's first
    "reveal": 60_000,
    "checkpoint": 700_000,
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("job") / "run"
    run(JOB, folder)
    return folder


@pytest.fixture
def report(finished: Path) -> dict[str, Any]:
    return dict(json.loads((finished / "report.json").read_text()))


# --- the report ---


def test_every_round_includes_every_client_and_is_final(report: dict[str, Any]) -> None:
    assert report["complete"]
    assert [entry["round"] for entry in report["rounds"]] == [1, 2]
    assert [entry["included"] for entry in report["rounds"]] == [3, 3]
    assert report["final"]["state"] == "final"


def test_gas_stays_within_the_budgets(report: dict[str, Any]) -> None:
    over = {name: max(report["gas"][name]) for name, most in BUDGETS.items() if max(report["gas"][name]) > most}
    assert not over


def test_the_gas_that_a_run_has_to_afford_is_enough_and_not_much_more(report: dict[str, Any]) -> None:
    """Less would begin what cannot be ended; much more would refuse who can pay."""
    one = Sender(prepare_connection("http://chain"), development_account(0), chain_id=CHAIN_ID)
    (outlay,) = estimate_run(JOB, [one] * (1 + JOB.clients + JOB.validators), has_shard_chains=False).values()
    spent = sum(map(sum, report["gas"].values()))
    assert spent < outlay.gas < 1.2 * spent
    assert outlay.stakes_wei == 3 * 10**17 + 4 * 10**18


def test_gas_and_transactions_are_those_of_the_chain(finished: Path, report: dict[str, Any]) -> None:
    with Devnet(kept_devnet(finished, with_ipfs=False)) as devnet:
        ledger = Ledger.connect(devnet.rpc_url, Deployment.load(finished / "deployment.json"))
        last = ledger.web3.eth.block_number
        blocks = [ledger.web3.eth.get_block(number) for number in range(1, last + 1)]
    assert sum(len(block["transactions"]) for block in blocks) == report["transactions"]
    assert sum(block["gasUsed"] for block in blocks) == sum(map(sum, report["gas"].values()))


def test_processor_time_of_every_role_and_service_is_reported(report: dict[str, Any]) -> None:
    """What a role does in helper threads counts, and so does the work of chain and IPFS node, which are not ours."""
    spent = dict.fromkeys(("client", "validator", "challenger", "chain", "ipfs"), 0.0)
    for entry in report["rounds"]:
        for role, stages in entry["cpu_seconds"].items():
            spent[role] += sum(stages.values())
    assert min(spent.values()) > 0


def test_energy_of_a_run_follows_from_its_folder_alone(finished: Path) -> None:
    """Its chain and node are gone by then: all that is needed has to be in the report and the event log."""
    result = CliRunner().invoke(cli, ["bench", "energy", "--run", str(finished), "--json"])
    document = json.loads(result.stdout)
    joules = document["joules_a_round"]
    assert document["workload"]["missing"] == []
    assert 0 < joules["committee"]["validators compute"]["low"] < joules["flat vote"]["validators compute"]["low"]
    assert joules["committee"]["together"]["high"] < joules["proof of work"]["together"]["low"]
    assert json.loads((finished / "energy.json").read_text()) == document


def test_the_model_file_is_what_the_cid_names(finished: Path, report: dict[str, Any]) -> None:
    model = (finished / "model.qfl").read_bytes()
    assert content_digest(model) == digest_of(report["final"]["cid"])
    assert "0x" + lanes_root(decode(model)).hex() == report["final"]["model_root"]


def test_rewards_are_paid_out_of_the_pool_and_the_books_balance(finished: Path, report: dict[str, Any]) -> None:
    with Devnet(kept_devnet(finished, with_ipfs=False)) as devnet:
        ledger = Ledger.connect(devnet.rpc_url, Deployment.load(finished / "deployment.json"))
        stakes, owed, pool = ledger.staking.totals_wei()
        balance = ledger.web3.eth.get_balance(ledger.staking.address)
        records = [ledger.beacon.checkpoint_at(RoundNumber(number), ShardIndex(0)) for number in (1, 2)]
    assert owed == 0
    assert balance == stakes + pool
    # Two rounds of three updates, and three attesting seats or four, from a pool of 5 ether.
    seats = [record.attested.bit_count() for record in records]
    assert min(seats) >= 3
    assert pool == 5 * 10**18 - 2 * 3 * 10**15 - sum(seats) * 5 * 10**14


@pytest.mark.rest
@pytest.mark.parametrize(("lane_bits", "most"), [(8, 2_450), (16, 2_600)])
def test_a_client_with_144_angles_sends_no_more_than_the_budget(lane_bits: int, most: int, tmp_path: Path) -> None:
    job = load_config(Path(__file__).parents[2] / "scripts" / "jobs" / "angles-144.toml")
    small = replace(job, clients=2, rounds=1, central_epochs=0, lane_bits=lane_bits, training={"steps": 1})
    report = run(small, tmp_path / "run")
    assert report["config"]["key_height"] == 10
    assert 144 * lane_bits // 8 < report["bytes"]["client_up_per_round"] <= most


# --- what others can check ---


def test_verify_rebuilds_every_round(finished: Path) -> None:
    done = verify(finished)
    assert done.exception is None
    assert done.output.count("recomputed aggregate equals the attested one") == 2
    assert done.output.count("every signature valid") == 2


def test_verify_notices_one_changed_byte_of_a_stored_update(finished: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(finished, folder)
    update = (finished / "roles" / "client-2" / "update-2.bin").read_bytes()
    (block,) = [
        path for path in (folder / "devnet" / "ipfs").rglob("*") if path.is_file() and path.read_bytes() == update
    ]
    block.write_bytes(update[:70] + bytes([update[70] ^ 1]) + update[71:])
    done = verify(folder)
    assert isinstance(done.exception, VerificationFailed)
    assert done.exception.rounds == [2]
    assert "round 2: FAILED: the update of client 2 is not included" in done.output
    assert "came back as" in done.output
    assert "round 1: recomputed aggregate equals the attested one" in done.output


@pytest.fixture
def lying_committee(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every seat of round 1 adds one to lane 5."""
    honest = qfl.validator.seat.expected_checkpoint

    def lying(*arguments: Any) -> ShardResult:
        result = honest(*arguments)
        if result.checkpoint.round != 1:
            return result
        content = decode(result.content)
        lanes = content.lanes.copy()
        lanes[5] += 1
        false = replace(content, lanes=lanes)
        data = encode(false)
        checkpoint = replace(result.checkpoint, aggregate_root=lanes_root(false), content_digest=content_digest(data))
        spec, base = arguments[0], arguments[-1]
        model = expected_model(spec.round, base, [checkpoint], [false], spec.format).model
        checkpoint = replace(checkpoint, model_root=lanes_root(model), model_digest=content_digest(encode(model)))
        return ShardResult(checkpoint, data, model)

    monkeypatch.setattr(qfl.validator.seat, "expected_checkpoint", lying)


@pytest.mark.usefixtures("lying_committee")
def test_verify_names_the_lane_that_a_lying_committee_altered(tmp_path: Path) -> None:
    run(replace(JOB, rounds=1, central_epochs=0, challenger=False), tmp_path / "run")
    done = verify(tmp_path / "run")
    assert isinstance(done.exception, VerificationFailed)
    assert "the recomputed aggregate of shard 0 differs from the attested one: lane 5 is" in done.output


def test_committees_agreed_at_the_first_proposal(report: dict[str, Any]) -> None:
    for entry in report["rounds"]:
        (shard,) = entry["agreement"]
        assert shard.pop("signed") == shard.pop("agreed") >= 3
        assert shard == {"shard": 0, "seats": 4, "turn": 0, "others": 0}


def test_the_page_of_a_run_counts_every_test_sample(finished: Path, report: dict[str, Any], tmp_path: Path) -> None:
    matrix = np.array(confusion(read_run(finished)))
    assert matrix.shape == (3, 3)
    assert matrix.trace() / matrix.sum() == pytest.approx(report["final"]["accuracy"])
    done = CliRunner().invoke(cli, ["report", str(finished), "--out", str(tmp_path / "run.html")])
    assert done.exception is None
    text = (tmp_path / "run.html").read_text()
    assert "Not shown" not in text
    assert report["final"]["cid"] in text


@pytest.mark.usefixtures("lying_committee")
def test_the_run_repeats_a_round_whose_committee_lied_and_reports_who_paid(tmp_path: Path) -> None:
    """Eight validators: four are left to be drawn when those who lied have lost half of their stake."""
    report = run(replace(JOB, rounds=1, validators=8, central_epochs=0), tmp_path / "run")
    assert report["complete"]
    assert [entry["round"] for entry in report["rounds"]] == [2]
    assert report["failed_rounds"] == [{"round": 1, "reason": "its checkpoint was proven false"}]
    (dispute,) = report["disputes"]
    assert dispute["evidence"].startswith("round 1, checkpoint of shard 0: coordinate 5 is ")
    guilty = len(dispute["guilty"])
    assert (dispute["fault"], guilty >= 3) == ("aggregate", True)
    assert (dispute["taken_wei"], dispute["bounty_wei"]) == (guilty * 5 * 10**17, guilty * 125 * 10**15)
    assert report["gas"]["dispute_aggregate"] == [dispute["gas"]]
    done = verify(tmp_path / "run")
    assert done.exception is None
    assert "round 1: void: the aggregate of shard 0 was false, for which validators" in done.output
    assert "round 2: recomputed aggregate equals the attested one" in done.output


def test_inspect_decodes_a_commit_a_round_and_a_participant(finished: Path) -> None:
    events = [json.loads(line) for line in (finished / "events.jsonl").read_text().splitlines()]
    commit = next(event for event in events if event.get("label") == "commit")

    def inspected(*arguments: str) -> dict[str, Any]:
        result = CliRunner().invoke(cli, ["inspect", *arguments, "--run", str(finished), "--json"])
        assert result.exception is None
        return dict(json.loads(result.output))

    transaction = inspected("tx", commit["tx_hash"])
    assert (transaction["contract"], transaction["function"]) == ("Shard 0", "commitByKey")
    assert transaction["gas"] == commit["gas"]
    assert [event["event"] for event in transaction["events"]] == ["Committed"]
    assert len(inspected("round", "2")["shards"][0]["reveals"]) == 3
    chain = inspected("participant", "1")["hash_chain"]
    assert (chain["first_round"], chain["rounds_left"]) == (1, 2_048 - 2)
    participant = inspected("participant", "4")
    assert (participant["role"], participant["stake_wei"]) == ("validator", 10**18)


# --- starting, stopping, going on ---


def test_a_run_folder_is_not_overwritten_by_accident(finished: Path) -> None:
    with pytest.raises(InvalidInput, match="--resume"):
        run(JOB, finished)


class Interrupting(Display):
    """A user who presses Ctrl-C when the first round commits, and never again."""

    def round(self, number: int, rounds: int, stage: str) -> None:
        if stage == "reveal":
            raise KeyboardInterrupt


def test_an_interrupted_run_goes_on_and_ends_with_the_same_model(finished: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        run(JOB, folder, Interrupting(Console(quiet=True), JOB.rounds))
    assert not json.loads((folder / "report.json").read_text())["complete"]
    resumed = run(JOB, folder, resume=True)
    uninterrupted = json.loads((finished / "report.json").read_text())
    assert resumed["complete"]
    assert resumed["final"]["model_digest"] == uninterrupted["final"]["model_digest"]


def test_a_round_published_by_a_process_that_died_before_saying_so_is_in_the_report(
    finished: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(finished, folder)
    log = folder / "events.jsonl"
    lines = [line for line in log.read_text().splitlines() if json.loads(line)["event"] != "round"]
    log.write_text("".join(line + "\n" for line in lines))
    report, before = run(JOB, folder, resume=True), json.loads((finished / "report.json").read_text())
    assert report["complete"]
    assert [entry["accuracy"] for entry in report["rounds"]] == [entry["accuracy"] for entry in before["rounds"]]


def test_too_few_validators_are_refused_before_anything_is_deployed(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="each round seats 4"):
        run(replace(JOB, validators=3), tmp_path / "run")
    assert not (tmp_path / "run" / "devnet").exists()


@pytest.mark.rest
def test_the_same_job_on_ganache_gives_the_same_model(finished: Path, tmp_path: Path) -> None:
    report = run(replace(JOB, chain="ganache", central_epochs=0), tmp_path / "run")
    anvil = json.loads((finished / "report.json").read_text())
    assert report["final"]["model_digest"] == anvil["final"]["model_digest"]
    assert verify(tmp_path / "run").exception is None


@pytest.mark.rest
def test_the_same_job_on_a_chain_of_the_shards_own_gives_the_same_model(finished: Path, tmp_path: Path) -> None:
    """The beacon's chain must have less to do: no commit, reveal, proposal or attestation."""
    report = run(replace(JOB, shard_chains=True, central_epochs=0), tmp_path / "run")
    on_one_chain = json.loads((finished / "report.json").read_text())
    assert report["final"]["model_digest"] == on_one_chain["final"]["model_digest"]
    events = [json.loads(line) for line in (tmp_path / "run" / "events.jsonl").read_text().splitlines()]
    labels = {event["label"] for event in events if event.get("chain_id") == CHAIN_ID}
    assert "checkpoint" in labels
    assert not labels & {"commit", "reveal", "propose", "attest"}
    assert max(event["gas"] for event in events if event.get("label") == "commit") < 150_000  # by key
    done = verify(tmp_path / "run")
    assert done.exception is None
    assert done.output.count("recomputed aggregate equals the attested one") == 2


def test_accuracy_in_the_report_is_that_of_the_model_file(finished: Path, report: dict[str, Any]) -> None:
    from qfl.protocol.state import from_state
    from qfl.simulation.prepare import prepare_job
    from qfl.training.training import evaluate

    job, dataset, _ = prepare_job(JOB)
    model = decode((finished / "model.qfl").read_bytes())
    evaluation = evaluate(job.architecture, *from_state(model.lanes.astype(np.int32), model.shape), dataset.test)
    assert evaluation.accuracy == report["final"]["accuracy"]
