"""`qfl bench modes`: one small job in both modes, compared, and what `qfl verify` says of the private one."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from jobs import verify

from qfl.apps.cli.main import cli
from qfl.crypto.norm.keys import NormKeys
from qfl.errors import KemKeyUnusable

JOB = """
clients = 3
rounds = 2
classes = [0, 1, 2]
key_height = 5
seed = 7
model = { qubits = 4, layers = 2 }
training = { steps = 10 }
"""


@pytest.fixture(scope="module")
def both(norm_keys: NormKeys, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of both runs."""
    folder = tmp_path_factory.mktemp("bench")
    (folder / "job.toml").write_text(JOB)
    options = ["--config", str(folder / "job.toml"), "--out", str(folder), "--zk-keys", str(norm_keys.folder)]
    result = CliRunner().invoke(cli, ["bench", "modes", *options], catch_exceptions=False)
    assert "One job in both modes" in result.output
    return folder


@pytest.fixture
def results(both: Path) -> dict[str, Any]:
    return dict(json.loads((both / "modes.json").read_text()))


@pytest.fixture
def report(both: Path) -> dict[str, Any]:
    return dict(json.loads((both / "private" / "report.json").read_text()))


def test_both_modes_end_with_the_same_model(results: dict[str, Any]) -> None:
    assert results["private"]["model_digest"] == results["transparent"]["model_digest"]
    assert results["private"]["accuracy"] == results["transparent"]["accuracy"] > 0.5


def test_every_private_update_was_proven_and_its_reveal_is_within_the_budget(report: dict[str, Any]) -> None:
    assert report["config"]["mode"] == "private"
    assert [entry["included"] for entry in report["rounds"]] == [3, 3]
    assert len(report["gas"]["reveal_private"]) == len(report["proof_seconds"]) == 6
    assert max(report["gas"]["reveal_private"]) <= 330_000
    assert "reveal" not in report["gas"]


def test_bytes_that_a_client_sends_are_those_of_its_transactions_and_files(both: Path, report: dict[str, Any]) -> None:
    """Counted as in the transparent mode, a sealed object would pass for a quarter of its size."""
    events = [json.loads(line) for line in (both / "private" / "events.jsonl").read_text().splitlines()]
    sent = [
        event["size"]
        for event in events
        if event.get("label") in {"commit", "reveal_private"} and (event["participant"], event["round"]) == (1, 2)
    ]
    stored = (both / "private" / "roles" / "client-1" / "update-2.bin").stat().st_size
    assert len(sent) == 2
    assert report["bytes"]["client_up"]["1"][1] == sum(sent) + stored


def test_verify_checks_signatures_proofs_and_models_without_any_key(both: Path) -> None:
    done = verify(both / "private")
    assert done.exit_code == 0
    assert done.output.count("recomputed model equals the published one, every signature valid") == 2
    assert done.output.count(", 3 proofs)") == 2
    assert done.output.count("not seen: the 3 updates of shard 0 are sealed to its committee") == 2
    assert "recomputed aggregate" not in done.output


def test_verify_with_a_seats_key_recomputes_the_aggregates_too(both: Path) -> None:
    key = both / "private" / "roles" / "validator-3" / "kem.key"
    output = verify(both / "private", "--skip-proofs", "--kem-key", str(key)).output
    assert output.count("recomputed aggregate equals the attested one") == 2
    assert "sealed" not in output
    assert output.count("the norm proofs of shard 0 were not checked again") == 2
    assert isinstance(verify(both / "private", "--kem-key", str(both / "modes.json")).exception, KemKeyUnusable)


def test_transparent_run_needs_neither_keys_nor_proofs(both: Path) -> None:
    output = verify(both / "transparent").output
    assert output.count("recomputed aggregate equals the attested one") == 2
    assert "not seen" not in output
    assert "proofs" not in output
