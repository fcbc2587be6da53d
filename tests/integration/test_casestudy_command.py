"""The case study, so small that its figures mean nothing: it runs, and every figure has its place."""

import json
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from qfl.apps.cli.main import cli

pytestmark = pytest.mark.rest

PARTS = ("learning", "energy")
"""The others are nothing but benches that have tests of their own, and take a minute here."""


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("study")
    named = [word for part in PARTS for word in ("--part", part)]
    done = CliRunner().invoke(cli, ["casestudy", "--reduced", "--out", str(out), *named])
    assert done.exception is None
    return out


@pytest.fixture
def document(study: Path) -> dict[str, Any]:
    return dict(json.loads((study / "casestudy.json").read_text()))


def test_every_method_ran_calm_and_under_attack(document: dict[str, Any]) -> None:
    ran = [(run["method"], run["case"]) for run in document["learning"]]
    assert ran == list(product(("qflchain", "plain", "classical"), ("calm", "sign-flip")))
    assert all(0 <= run["accuracy"] <= 1 for run in document["learning"])


def test_attackers_are_left_out_by_the_committee_and_by_nobody_else(document: dict[str, Any]) -> None:
    left_out = {run["method"]: run["attackers_left_out"] for run in document["learning"] if run["case"] == "sign-flip"}
    assert left_out == {"qflchain": 1.0, "plain": 0.0, "classical": 0.0}


def test_agreeing_takes_a_committee_less_than_a_flat_vote(document: dict[str, Any]) -> None:
    joules = document["energy"]["joules_a_round"]
    assert joules["committee"]["without clients"]["low"] < joules["flat vote"]["without clients"]["low"]


def test_tables_and_figures_are_written(study: Path, document: dict[str, Any]) -> None:
    assert {path.name for path in study.iterdir()} >= {"casestudy.md", "casestudy.html", "accuracy.png", "energy.png"}
    text = (study / "casestudy.md").read_text()
    assert "Not measured yet: consensus, bytes, attacks." in text
    assert all(claim["what"] in text for claim in document["claims"])
    assert document["seconds"].keys() == set(PARTS)
