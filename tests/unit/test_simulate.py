"""The simulator: constants that fit what was measured, and a round worked out from them by hand."""

import json
from dataclasses import replace
from itertools import count

import pytest
from click.testing import CliRunner

from experiments.scale.calibrate import SIZES as CALIBRATED
from experiments.scale.calibrate import fit_constants
from experiments.scale.check import SIZES as CHECKED
from experiments.scale.check import check, compare
from experiments.scale.constants import (
    GAS,
    OPENING,
    STAGES,
    TRANSACTIONS,
    WORK,
    Constants,
    Costs,
    Pace,
    fit,
    opening_counts,
    total,
)
from experiments.scale.measure import summarise
from experiments.scale.odds import compute_odds
from experiments.scale.scenario import Chains, forecast
from experiments.scale.size import Size
from qfl.apps.cli.main import cli
from qfl.errors import InvalidInput
from qfl.simulation.faults.links import Link

INSTANT = Link("instant", "", 0.0, 1e12, 1e12, 0.0, {})


def synthetic(size: Size) -> Costs:
    """A round that follows the laws with every constant 1; openings as `OPENING` has them."""

    def follow(laws):
        return {name: total(dict.fromkeys(law, 1.0), size.counts) for name, law in laws.items()}

    gas = follow(TRANSACTIONS)
    gas["open_round"] = total(dict.fromkeys(OPENING, 1.0), opening_counts(size.validators, *size.parts))
    return Costs(size, follow(STAGES), follow(WORK), gas, follow(TRANSACTIONS), 700.0)


@pytest.fixture
def constants():
    return fit_constants([synthetic(size) for size in CALIBRATED], dict.fromkeys(OPENING, 1.0), {"command": "none"})


def test_constants_are_told_apart_by_the_sizes_that_are_run(constants):
    """Were clients and seats in one proportion in all sizes, no fit could say which of them costs what."""
    for laws in (constants.stages, constants.work, constants.gas, constants.sent):
        for coefficients in laws.values():
            assert coefficients == {name: pytest.approx(1.0) for name in coefficients}


def test_a_prediction_is_of_sizes_that_were_not_measured(constants):
    assert not set(CALIBRATED) & set(CHECKED)
    for size in CHECKED:
        assert all(
            entry.holds and abs(entry.error) < 1e-9 for entry in compare(synthetic(size), constants.costs_of(size))
        )


def test_a_model_that_is_off_is_seen(constants):
    """A tenth is near enough, a fifth is not."""
    measured = synthetic(CHECKED[0])
    slower = replace(measured, work={role: seconds * 1.25 for role, seconds in measured.work.items()})
    wrong = [entry.figure for entry in compare(slower, constants.costs_of(slower.size)) if not entry.holds]
    assert wrong == ["processor seconds"]


def test_a_machine_that_slows_down_meanwhile_is_not_the_models_fault(
    constants: Constants, monkeypatch: pytest.MonkeyPatch
) -> None:
    pace = count(1)

    def measure(size, _announce):
        slow = 1 + 0.1 * next(pace)
        return synthetic(size).times(Pace(slow, 2 * slow))

    monkeypatch.setattr("experiments.scale.measure.measure", measure)
    assert all(entry.holds and abs(entry.error) < 1e-9 for entry in check(constants, lambda _text: None))


def test_no_constant_is_negative():
    """Noise may make a round with more clients faster; a negative cost would run away at a million of them."""
    counts = [{"round": 1.0, "clients": 10.0}, {"round": 1.0, "clients": 20.0}]
    fitted = fit(("round", "clients"), counts, [2.0, 1.0])
    assert min(fitted.values()) >= 0
    assert fitted["clients"] == 0


def test_what_costs_nothing_has_no_constants():
    assert fit(("round",), [{"round": 1.0}], [0.0]) == {"round": 0.0}


def test_a_measured_round_is_the_median_of_each_stage():
    rounds = [
        {
            "update_bytes": 300,
            "seconds": {"open": 1.0, "commit": 5.0},
            "cpu_seconds": {"client": {"commit": 2.0, "train": 1.0}},
        },
        {
            "update_bytes": 280,
            "seconds": {"open": 2.0, "commit": 4.0},
            "cpu_seconds": {"client": {"commit": 1.0, "train": 1.5}},
        },
        {
            "update_bytes": 290,
            "seconds": {"open": 90.0, "commit": 90.0},
            "cpu_seconds": {"client": {"commit": 0.5, "train": 0.5}},
        },
    ]
    sent = [{"label": "commit", "gas": 100, "size": 10}] * 6 + [{"label": "bond_client", "gas": 9, "size": 9}]
    measured = summarise(Size(2, 4, 1), rounds, sent)
    assert (measured.seconds["open"], measured.seconds["commit"], measured.work) == (2.0, 5.0, {"client": 2.5})
    assert (measured.gas, measured.sent) == ({"commit": pytest.approx(200.0)}, {"commit": pytest.approx(20.0)})
    assert measured.update_bytes == 290


def test_constants_survive_their_file(constants, tmp_path):
    constants.save(tmp_path / "constants.json")
    loaded = Constants.load(tmp_path / "constants.json")
    for part in ("seconds", "gas"):
        assert getattr(loaded.costs_of(CHECKED[2]), part) == pytest.approx(
            getattr(constants.costs_of(CHECKED[2]), part)
        )
    with pytest.raises(InvalidInput, match="--calibrate"):
        Constants.load(tmp_path / "none.json")


def test_committed_constants_are_there_and_say_how_they_were_made():
    known = Constants.load()
    assert known.made["command"] == "qfl simulate --calibrate"
    assert known.made["sizes"] == [str(size) for size in CALIBRATED]
    assert set(known.stages) >= set(STAGES) and set(known.gas) >= set(GAS)


CLIENTS_LINK = Link("slow", "", 0.5, 8_000.0, 4_000.0, 0.0, {})


def test_a_round_by_hand(constants):
    """16 clients in 2 shards of 4 seats, all constants 1: 1 + 16 clients' reveals come to 9 gas a shard, and so on."""
    size = Size(16, 8, 2)
    result = forecast(size, constants, CLIENTS_LINK, INSTANT, Chains(10.0, 9), 3)
    phases = {phase.name: phase for phase in result.phases}
    # 4 Mbit/s would be 1 s for 500 bytes: commits are (2 shards + 16 clients) / 16 bytes each, one after rounding.
    assert phases["commit"].transfer == pytest.approx(CLIENTS_LINK.up_seconds(1))
    assert phases["commit"].blocks == 10.0
    assert phases["train"].compute == 1.0
    # A seat: 1 for itself, and 8 updates of its shard.
    assert phases["announce"].compute == pytest.approx(9.0)
    # 2 checkpoints: 2 shards + 6 signatures.
    assert result.beacon_gas["checkpoint"] == pytest.approx(8.0)
    nodes = {node.name: node for node in result.nodes}
    assert nodes["client"].up_bytes == pytest.approx(2 * 18 / 16 + constants.update_bytes)
    assert nodes["seat"].down_bytes == 8 * constants.update_bytes + constants.model_bytes
    assert nodes["seat"].kept_bytes == 3 * (8 * constants.update_bytes + 2 * constants.model_bytes)
    assert result.seconds == pytest.approx(sum(p.compute + p.transfer + p.blocks for p in result.phases))


def test_nobody_publishes_where_one_checkpoint_carries_the_model(constants):
    """Its seats fetch the base and store the next model, beside the aggregate."""
    link = Link("even", "", 0.0, 8_000.0, 8_000.0, 0.0, {})
    alone, two = (forecast(Size(8 * shards, 8, shards), constants, link, link, Chains(), 3) for shards in (1, 2))
    assert [phase.name for phase in two.phases] == [*(phase.name for phase in alone.phases), "publish"]
    assert (alone.beacon_gas["publish"], two.beacon_gas["publish"]) == (0, pytest.approx(1.0))
    assert alone.beacon_gas["checkpoint"] == pytest.approx(1 + 3 + 1)
    assert {node.name for node in two.nodes} - {node.name for node in alone.nodes} == {"publisher"}
    seats = [next(node for node in found.nodes if node.name == "seat") for found in (alone, two)]
    assert seats[0].up_bytes - seats[1].up_bytes == pytest.approx(constants.model_bytes, abs=2)
    assert seats[0].down_bytes == seats[1].down_bytes
    announced = [next(phase for phase in found.phases if phase.name == "announce") for found in (alone, two)]
    moved = link.up_seconds(constants.model_bytes) + link.down_seconds(constants.model_bytes)
    assert announced[0].transfer - announced[1].transfer >= moved


def test_a_seats_load_follows_its_shard_and_not_the_network(constants):
    """The point of shards: twice the clients on twice the shards change nothing for a client or a seat."""
    links = CLIENTS_LINK, INSTANT
    small = forecast(Size(1_000, 64, 8), constants, *links, Chains(), 3)
    large = forecast(Size(2_000, 128, 16), constants, *links, Chains(), 3)
    for before, after in zip(small.nodes[:2], large.nodes[:2], strict=True):
        assert after == before
    assert large.shard_gas == pytest.approx(small.shard_gas)
    assert large.beacon_gas["checkpoint"] == pytest.approx(2 * small.beacon_gas["checkpoint"])


def test_seats_are_drawn_in_parts_of_whole_committees(constants):
    assert Size(1, 300, 100, 7).parts == [252, 252, 196]
    one, four = (forecast(Size(1, 256, n, 4), constants, INSTANT, INSTANT, Chains(), 3) for n in (64, 256))
    assert four.beacon_gas["open_round"] == pytest.approx(4 * one.beacon_gas["open_round"])


def test_odds_are_told_with_what_they_mean():
    stalled, captured, beyond = compute_odds(Size(60, 60, 3, 6), 0.3, 1e-3, 1.5)
    assert (stalled.fewest_bad, captured.fewest_bad, beyond.fewest_bad) == (3, 4, 5)
    assert stalled.probability > captured.probability > beyond.probability > 0
    assert captured.bound >= captured.probability
    assert compute_odds(Size(60, 60, 3, 6), 0.3, 1e-3, None)[0].bound is None


@pytest.mark.parametrize("wrong", [(1, 3, 1, 4), (257, 8, 1, 4), (1, 80, 1, 65), (1, 4, 1, 0)])
def test_a_network_that_the_contracts_would_refuse_is_refused(wrong):
    with pytest.raises(InvalidInput):
        Size(*wrong)


def run(*arguments: str):
    return CliRunner().invoke(cli, ["simulate", *arguments])


def test_the_command_gives_programs_all_of_it():
    result = run("--clients", "1000", "--validators", "200", "--shards", "8", "--seats", "8", "--json")
    document = json.loads(result.stdout)
    assert document["size"] == {"clients": 1_000, "validators": 200, "shards": 8, "seats": 8}
    assert [phase["name"] for phase in document["phases"]][:2] == ["open", "train"]
    assert 0 < document["odds"][1]["probability"] < 1
    assert document["client_link"]["sources"] and document["constants"]["processor"]


@pytest.mark.parametrize("wrong", [("--link", "7g"), ("--seats", "65"), ("--target", "0"), ("--stake-ratio", "0.5")])
def test_bad_options_are_refused_by_name(wrong):
    refusal = run("--clients", "10", "--validators", "400", "--shards", "4", *wrong).exception
    assert isinstance(refusal, InvalidInput)
    assert wrong[1] in str(refusal)
