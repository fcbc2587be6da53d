"""The page of a run: one file that asks nobody for anything and runs nothing that a run may hold."""

import base64
import hashlib
import json
import os
import re
from dataclasses import asdict, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from commands import require_one_line, run_command

from qfl.apps.cli.main import cli
from qfl.apps.report.circuit import draw_circuit
from qfl.apps.report.comparison import read_attacks
from qfl.apps.report.finished import job_toml, name_apart, read_run
from qfl.apps.report.page import render_page
from qfl.apps.report.sections import run_page
from qfl.errors import InvalidInput
from qfl.quantum.architecture import Architecture
from qfl.quantum.circuit import build_circuit
from qfl.simulation.config import JobConfig, load_config

HOSTILE = "<script>alert(1)</script>\"'&"
VOID = {"meta", "img", "source", "link", "br"}
JOB = JobConfig(rounds=2, seed=7, classes=(0, 1), dynamics={"churn": 0.3, "links": ["leo"]}, protocol={"seats": 4})
AGREED = {"shard": 0, "seats": 4, "turn": 0, "signed": 3, "agreed": 3, "others": 0}


def a_report(job: JobConfig = JOB, rounds: int = 2) -> dict[str, Any]:
    entries = [
        {
            "round": number,
            "accuracy": 0.5 + number / 10,
            "loss": 1.0,
            "included": 5,
            "seconds": {"train": 1.0, "verify": 0.5},
            "agreement": [AGREED],
        }
        for number in range(1, rounds + 1)
    ]
    dispute = {"evidence": HOSTILE, "guilty": [6], "taken_wei": 10**18, "bounty_wei": 25 * 10**16, "gas": 400_000}
    return {
        "config": {**asdict(job), "architecture": Architecture(classes=2).document},
        "complete": rounds >= job.rounds,
        "rounds": entries,
        "failed_rounds": [],
        "disputes": [dispute],
        "central": None,
        "gas": {"commit": [230_000, 240_000], HOSTILE: [1]},
        "bytes": {"client_up_per_round": 2_500, "client_up": {"5": [2_400, 2_500]}, "client_down": {"5": [900, 900]}},
        "transactions": 40,
        "final": {"accuracy": 0.7, "cid": HOSTILE, "state": "final", "model_digest": "0x01"} if rounds else None,
    }


def make_run(folder: Path, report: dict[str, Any]) -> Path:
    folder.mkdir()
    (folder / "report.json").write_text(json.dumps(report))
    return folder


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    return render_page(run_page(read_run(make_run(tmp_path_factory.mktemp("runs") / "mine", a_report()))))


class Elements(HTMLParser):
    """Every element with its attributes; those left open at the end."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_well_formed_and_holds_no_script(page: str) -> None:
    elements = Elements(page)
    assert not elements.open
    tags = {tag for tag, _ in elements.found}
    assert not tags & {"script", "iframe", "object", "link", "form"}
    assert HOSTILE not in page
    assert not [name for _, attributes in elements.found for name in attributes if name.startswith("on")]


def test_the_page_fetches_nothing(page: str) -> None:
    sources = [value for _, attributes in Elements(page).found for name, value in attributes.items() if "src" in name]
    assert sources
    assert all(value is not None and value.startswith("data:image/png;base64,") for value in sources)
    assert "//" not in re.sub(r"data:[^\"]+", "", page)


def test_the_pages_policy_allows_its_own_style_and_no_other(page: str) -> None:
    style = re.search(r"<style>(.*)</style>", page, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest.replace('+', '&#43;')}'" in page or f"style-src 'sha256-{digest}'" in page
    assert "default-src 'none'" in page


def test_every_image_has_words_and_every_table_a_caption_and_headings(page: str) -> None:
    elements = Elements(page).found
    assert all(len(attributes["alt"] or "") > 20 for tag, attributes in elements if tag == "img")
    tags = [tag for tag, _ in elements]
    assert tags.count("caption") == tags.count("table") > 5
    assert all("scope" in attributes for tag, attributes in elements if tag == "th")
    assert "></th>" not in page


def test_the_page_says_what_was_agreed_and_who_lost_what(page: str) -> None:
    assert "2 of 2 checkpoints were agreed in the first turn" in page
    assert "<td>3 of 4</td>" in page
    assert "Faults proven" in page


def test_a_page_without_model_or_processor_seconds_says_so_and_shows_the_rest(page: str) -> None:
    assert "has no model to evaluate" in page
    assert "has no processor seconds" in page


@pytest.mark.parametrize(
    "job", [JobConfig(), JOB, JobConfig(training={"privacy_noise": 0.5, "dtype": 'a"b'}, lane_bits=8, mode="private")]
)
def test_the_job_on_the_page_is_the_job_that_ran(tmp_path: Path, job: JobConfig) -> None:
    path = tmp_path / "job.toml"
    path.write_text(job_toml(job))
    loaded = load_config(path)
    assert replace(loaded, dynamics=dict(loaded.dynamics)) == job


# --- what is no run ---


@pytest.mark.parametrize(
    ("files", "said"),
    [
        pytest.param({}, "is no run folder", id="empty folder"),
        pytest.param({"events.jsonl": ""}, "has written no report yet", id="just begun"),
        pytest.param({"report.json": "{"}, "is not that of a run", id="no JSON"),
        pytest.param({"report.json": "[]"}, "is not that of a run", id="another JSON"),
        pytest.param({"report.json": '{"config": {}}'}, "of another version", id="another version"),
        pytest.param({"report.json": json.dumps(a_report(rounds=0))}, "has no round yet", id="no round"),
    ],
)
def test_a_folder_that_is_no_finished_run_is_refused_with_a_remedy(
    tmp_path: Path, files: dict[str, str], said: str
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(InvalidInput, match=said):
        read_run(tmp_path)


def test_an_unfinished_run_is_shown_with_a_warning(tmp_path: Path) -> None:
    page = run_page(read_run(make_run(tmp_path / "half", a_report(rounds=1))))
    assert page.warnings[0].startswith("half is unfinished: 1 of 2 rounds")


# --- several ---


def test_runs_are_compared_by_what_differs(tmp_path: Path) -> None:
    make_run(tmp_path / "one", a_report())
    make_run(tmp_path / "two", a_report(replace(JOB, seed=8)))
    out = tmp_path / "page"
    done = CliRunner().invoke(cli, ["report", str(tmp_path / "one"), str(tmp_path / "two"), "--out", str(out)])
    assert done.exception is None
    text = (out / "report.html").read_text()
    assert '<th scope="row">seed</th><td>7</td><td>8</td>' in text
    assert '<th scope="row">rounds</th><td>2' not in text.split("What differs")[2].split("</section>")[0]
    assert {path.name for path in out.iterdir()} > {"accuracy.png", "gas.png", "one.toml", "two.toml"}
    assert load_config(out / "two.toml").seed == 8


def test_runs_of_one_name_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    runs = [read_run(make_run(tmp_path / parent / "run", a_report())) for parent in "ab"]
    assert [run.name for run in name_apart(runs)] == ["run (1)", "run (2)"]


# --- attacks ---


def test_attacks_are_shown_with_what_stopped_them_and_an_open_one_as_open(tmp_path: Path) -> None:
    row = {"attack": "over-norm", "tries": HOSTILE, "stopped_by": ["NotIncluded"], "stake_lost_eth": 0.5}
    row |= {"rounds_lost": 1, "honest_funds_unchanged": True, "model_unchanged": False, "is_open": False}
    path = tmp_path / "rows.json"
    path.write_text(json.dumps([row, row | {"attack": "hidden-update", "is_open": True}]))
    run = make_run(tmp_path / "run", a_report())
    done = CliRunner().invoke(cli, ["report", str(run), "--attacks", str(path), "--out", str(tmp_path / "page.html")])
    assert done.exception is None
    text = (tmp_path / "page.html").read_text()
    assert "<td>NotIncluded</td><td>0.5</td><td>1</td><td>yes</td><td>no</td>" in text
    assert "<td>nothing yet</td>" in text
    assert HOSTILE not in text


def test_a_file_that_holds_no_attacks_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text('[{"attack": "over-norm"}]')
    with pytest.raises(InvalidInput, match="is not what `qfl attack --out FILE` writes"):
        read_attacks(path)


# --- the drawing ---


def test_every_gate_of_a_layer_is_drawn() -> None:
    """3 qubits: 9 turns and 3 measurements in boxes, 3 CNOTs with a dot and a ring each, and one box for the start."""
    drawing = draw_circuit(build_circuit(Architecture(qubits=3, layers=1, classes=2, features=8)), "a & b")
    assert drawing.count("<rect") == 9 + 3 + 1
    assert drawing.count("<circle") == 3 * 2
    assert [drawing.count(f">{name}<") for name in ("RZ", "RY", "Z")] == [6, 3, 3]
    assert "<title>a &amp; b</title>" in drawing


def test_a_page_does_not_replace_what_is_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = [make_run(tmp_path / name, a_report()) for name in ("one", "two")]
    out = tmp_path / "page.html"
    os.mkfifo(out)
    line = require_one_line(run_command(capsys, "report", *map(str, runs), "--out", str(out)), 2)
    assert "page.html: it is not a regular file: name a file" in line
    assert out.is_fifo()
