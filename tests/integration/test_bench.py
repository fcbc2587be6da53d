"""`qfl bench consensus`, `scale`, `explorer` and `engine` from end to end, as small as they get: times mean nothing."""

import json
from pathlib import Path

import pytest

from experiments.consensus.consensus import bench_consensus
from experiments.consensus.explorer import bench_explorer
from experiments.consensus.scale import bench_scale
from experiments.consensus.variants import SEATS, VARIANTS
from experiments.learning.engine import NAME, Case, bench_engine, engine_table
from qfl.errors import InvalidInput
from qfl.simulation.config import JobConfig

pytestmark = pytest.mark.rest

CLIENTS, VALIDATORS = 6, 16


def silent(_: str) -> None: ...


@pytest.fixture(scope="module")
def consensus(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, float]]:
    """The medians of every variant, from the file."""
    out: Path = tmp_path_factory.mktemp("consensus")
    bench_consensus(JobConfig(clients=CLIENTS, validators=VALIDATORS, rounds=1, key_height=5), out, 1, silent)
    variants = json.loads((out / "consensus.json").read_text())["variants"]
    return {
        name: {figure: values["median"] for figure, values in found["figures"].items()}
        | {f"gas_{label}": gas for label, gas in found["gas"].items()}
        for name, found in variants.items()
    }


def test_every_variant_comes_to_a_decision(consensus):
    """All in one run: a variant that was left out, or measured elsewhere, would be compared with nothing."""
    assert list(consensus) == [variant.name for variant in VARIANTS]
    assert all(found["wall_seconds"] > 0 and found["critical_seconds"] > 0 for found in consensus.values())


def test_flat_validators_verify_everything_and_seats_their_shard(consensus):
    """A baseline that is handicapped, or a seat that fetches twice, would show here first."""
    flat = {"flat", "flat-early"}
    for name in flat:
        assert consensus[name]["updates_verified"] == consensus[name]["updates_verified_most"] == CLIENTS
    for name in set(consensus) - flat:
        # A seat that the quorum does not need has not looked at the last update.
        most = CLIENTS * SEATS / VALIDATORS
        assert CLIENTS * (SEATS - 1) / VALIDATORS <= consensus[name]["updates_verified"] <= most, name


def test_every_byte_is_of_a_kind(consensus):
    for name, found in consensus.items():
        kinds = (found[f"{kind}_bytes"] for kind in ("content", "transaction", "event"))
        assert found["wire_bytes"] == sum(kinds), name
        assert found["rpc_bytes"] > found["transaction_bytes"], name


def test_same_updates_are_committed_and_revealed_in_every_variant(consensus):
    """Gas of a commit varies by its signature and its shard, by a few per cent; half the updates would be half."""
    for name, found in consensus.items():
        assert found["gas_commit"] == pytest.approx(consensus["flat"]["gas_commit"], rel=0.15), name
        assert found["gas_reveal"] == pytest.approx(consensus["flat"]["gas_reveal"], rel=0.3), name


def test_shards_multiply_what_the_beacon_can_take(tmp_path):
    """Twice the shards, twice the updates, by gas; the beacon pays for shards, and nothing for clients."""
    results = bench_scale(tmp_path, 3, 1, 1, silent, numbers=(1, 2))
    assert json.loads((tmp_path / "scale.json").read_text()) == results
    one, two = results["shards"]["1"], results["shards"]["2"]
    assert two["updates"] == 2 * one["updates"] > 0
    assert two["growth"]["by_gas"] == pytest.approx(1.0, abs=0.1)
    assert 1.3 * one["beacon_gas"] < two["beacon_gas"] < 2 * one["beacon_gas"]
    for found in (one, two):
        assert found["beacon_gas_with_twice_the_clients"] == pytest.approx(found["beacon_gas"], rel=0.08)


def test_explorer_shows_its_first_page_while_it_reads_a_long_history(tmp_path: Path) -> None:
    figures = bench_explorer(tmp_path, rounds=10, transactions=400, say=silent)
    assert figures["transactions"] >= 400 and figures["empty"] < figures["full"]
    assert figures["first_page"] < 1 and figures["slowest"] < 1


def test_both_engines_step_in_every_case(tmp_path):
    cases = (Case(2, 1, 2), Case(2, 1, 2, clients=2))
    announced: list[str] = []
    results = bench_engine(tmp_path, 1, {}, cases, announced.append)
    assert announced == list(results) == ["2 x 1 x 2", "2 clients, 2 x 1 x 2"]
    for result in results.values():
        assert set(result["milliseconds"]) == {"torchquantum", "fused"}
        assert all(taken["least"] > 0 for taken in result["milliseconds"].values())
        assert result["times_fused"]["fused"] == 1
    assert json.loads((tmp_path / NAME).read_text()) == results
    assert engine_table(results).row_count == len(cases)


def test_peer_that_cannot_run_is_named(tmp_path):
    with pytest.raises(InvalidInput, match="peer = 'pennylane=/bin/false'"):
        bench_engine(tmp_path, 1, {"pennylane": "/bin/false"}, (Case(2, 1, 2),), lambda _: None)
