"""Joules: worked out by hand from a small round, and every constant with a source."""

import json
from dataclasses import replace

import pytest

from experiments.scale.energy import assumptions, energy_document, leaves, source_lines
from qfl.apps.report.energy import Range, Workload, compute_accounts, constant, load_constants, read_workload, summarise
from qfl.errors import InvalidInput
from qfl.quantum.architecture import Architecture

WORK = Workload(
    clients=4,
    validators=10,
    shards=2,
    seats=2,
    updates=4.0,
    checks=8.0,
    transactions=20.0,
    cpu={
        "client": {"train": 3.0, "commit": 1.0},
        "validator": {"verify": 8.0, "publish": 2.0},
        "chain": {"commit": 0.5},
        "shard-0": {"commit": 0.25},
        "shard-1": {"commit": 0.25},
        "ipfs": {"reveal": 1.0},
    },
    client_up=1_000.0,
    client_down=500.0,
    validator_up=2_000.0,
    validator_down=8_000.0,
    vote_bytes=100.0,
    vote_seconds=0.01,
    missing=(),
)


@pytest.fixture
def accounts():
    return {account.name: account for account in compute_accounts(WORK, "phone", "5g")}


def near(joules: Range, low: float, high: float) -> bool:
    return joules.low == pytest.approx(low, rel=1e-3) and joules.high == pytest.approx(high, rel=1e-3)


def test_a_committees_round_by_hand(accounts):
    parts = accounts["committee"].parts
    assert near(parts["clients compute"], 4 * 0.744, 4 * 1.812)
    assert near(parts["clients transfer"], 1_000 * 7.536e-8 + 500 * 1.277e-8, 1_000 * 2.332e-7 + 500 * 1.06e-7)
    assert near(parts["clients wake their radio"], 12 * 2.88, 12 * 12.64)
    assert near(parts["validators compute"], 10 * 3.75, 10 * 8.75)
    assert near(parts["validators transfer"], 10_000 * 6.75e-6, 10_000 * 2.16e-4)
    assert near(parts["chain nodes"], 3.75 * (0.5 * 10 + 0.5 * 2), 8.75 * (0.5 * 10 + 0.5 * 2))
    assert near(parts["IPFS nodes"], 3.75, 8.75)


def test_in_the_flat_vote_everybody_checks_everything_and_every_vote(accounts):
    """8 checks took 8 s; now there are 40, and 90 votes of 0.01 s and 100 bytes. The publication stays."""
    parts = accounts["flat vote"].parts
    assert near(parts["validators compute"], 3.75 * (2 + 40 + 0.9), 8.75 * (2 + 40 + 0.9))
    bytes_moved = 8_000 * 40 / 8 + 90 * 100
    assert near(parts["validators transfer"], 6.75e-6 * bytes_moved, 2.16e-4 * bytes_moved)


def test_proof_of_work_adds_the_mining_of_its_blocks(accounts):
    added = {name for name in accounts["proof of work"].parts if name not in accounts["committee"].parts}
    assert added == {"mining"}
    assert near(accounts["proof of work"].parts["mining"], 6 * 10 * 3.75 * 12, 6 * 10 * 3_500 * 600 * 6)


def test_what_clients_spend_is_the_same_and_left_out_of_the_comparison(accounts):
    committee, flat = accounts["committee"], accounts["flat vote"]
    for part in ("clients compute", "clients transfer", "clients wake their radio"):
        assert committee.parts[part] == flat.parts[part]
    assert committee.total.low - committee.agreement.low == pytest.approx(flat.total.low - flat.agreement.low)


def test_a_bitcoin_transaction_is_a_years_energy_over_a_years_transactions():
    """138 TWh a year, 7 and 3.3 transactions a second."""
    found = constant("bitcoin_transaction")
    assert near(found, *(138e12 * 3_600 / (365.25 * 86_400 * rate) for rate in (7, 3.3)))


@pytest.mark.parametrize(("name", "entry"), leaves(load_constants()))
def test_every_constant_has_a_range_and_a_source(name, entry):
    assert 0 < entry["low"] <= entry["high"], name
    assert entry["unit"] and len(entry["source"]) > 20, name


def test_sources_of_what_was_used_are_printed():
    lines = source_lines("edge", "lte")
    assert any(line.startswith("device.edge:") and "Raspberry" in line for line in lines)
    assert any(line.startswith("radio.lte.up:") and "MobiSys" in line for line in lines)
    assert not any(line.startswith(("device.phone", "radio.5g")) for line in lines)


@pytest.mark.parametrize("wrong", [("toaster", "5g"), ("phone", "6g")])
def test_a_device_or_radio_without_figures_is_refused(wrong):
    with pytest.raises(InvalidInput, match="choose one of"):
        compute_accounts(WORK, *wrong)


def test_a_service_that_was_not_measured_is_said():
    work = replace(WORK, missing=("chain",))
    assert any("Not measured" in line and "chain" in line for line in assumptions(work))
    assert not any("Not measured" in line for line in assumptions(WORK))
    json.dumps(energy_document(WORK, compute_accounts(WORK, "phone", "5g"), "phone", "5g"))


CONFIG = {
    "clients": 2,
    "validators": 4,
    "lane_bits": 16,
    "protocol": {"shards": 1, "seats": 4},
    "architecture": Architecture().document,
}
ROUNDS = [
    {"round": 1, "included": 2, "cpu_seconds": {"client": {"train": 1.0}, "chain": {"commit": 0.1}}},
    {"round": 2, "included": 1, "cpu_seconds": {"client": {"train": 3.0}, "chain": {"commit": 0.3}}},
]
SENT = [
    {"event": "transaction", "round": number, "label": label, "size": size}
    for number in (1, 2)
    for label, size in (("commit", 1_700), ("commit", 1_700), ("attest", 1_800), ("propose", 1_900))
]


def test_a_workload_is_the_mean_round_of_a_run():
    """The default model has 358 coordinates: an update of 64 + 716 bytes, a model of 64 + 1432.

    Four seats fetch the base, and three of them store an aggregate and the model that their checkpoint carries.
    """
    work = summarise(CONFIG, ROUNDS, SENT, 0.001)
    assert work.cpu == {"client": {"train": 2.0}, "chain": {"commit": pytest.approx(0.2)}}
    assert (work.updates, work.checks, work.transactions, work.vote_bytes) == (1.5, 6.0, 4.0, 1_800)
    assert work.client_up == 3_400 + 1.5 * 780
    assert work.client_down == 2 * 1_496
    assert work.validator_up == 1_800 + 1_900 + 6 * 1_496
    assert work.validator_down == 6 * 780 + 4 * 1_496
    assert work.steps == 5
    assert work.missing == ("ipfs",)


def test_updates_count_as_large_as_they_were():
    known = [{**entry, "update_bytes": size} for entry, size in zip(ROUNDS, (300.0, 280.0), strict=True)]
    work = summarise(CONFIG, known, SENT, 0.001)
    assert work.client_up == 3_400 + 1.5 * 290
    assert work.validator_down == 6 * 290 + 4 * 1_496


def test_a_run_is_read_without_touching_it(tmp_path):
    log = "".join(json.dumps(event) + "\n" for event in [{"event": "round", "round": 1}, *SENT])
    (tmp_path / "events.jsonl").write_text(log)
    (tmp_path / "report.json").write_text(json.dumps({"config": CONFIG, "rounds": ROUNDS}))
    before = (tmp_path / "events.jsonl").stat().st_mtime_ns
    work = read_workload(tmp_path)
    assert 0 < work.vote_seconds < 1
    assert (tmp_path / "events.jsonl").stat().st_mtime_ns == before


@pytest.mark.parametrize("rounds", [None, [], [{"round": 1, "included": 1, "cpu_seconds": {}}]])
def test_a_folder_without_measured_work_is_refused(tmp_path, rounds):
    if rounds is not None:
        (tmp_path / "report.json").write_text(json.dumps({"config": CONFIG, "rounds": rounds}))
    with pytest.raises(InvalidInput, match="run"):
        read_workload(tmp_path)
