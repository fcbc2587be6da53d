"""The case study's figures, worked out by hand: what is a gain, against what, and which of them fall short."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from experiments.casestudy import study
from experiments.casestudy.claims import ENERGY, OVERHEAD, SCALE, SECURITY, Claim, compute_claims
from experiments.casestudy.methods import METHODS, REDUCED, Size
from experiments.casestudy.pages import make_page, to_markdown
from experiments.jobs import changed
from qfl.apps.cli.main import cli
from qfl.errors import InvalidInput

ACCURACY = {
    ("qflchain", "calm"): (0.93, 0.95),
    ("qflchain", "sign-flip"): (0.90, 0.92),
    ("qflchain", "label-flip"): (0.91, 0.93),
    ("plain", "calm"): (0.90, 0.96),
    ("plain", "sign-flip"): (0.10, 0.12),
    ("plain", "label-flip"): (0.81, 0.83),
    ("classical", "calm"): (0.83, 0.85),
    ("classical", "sign-flip"): (0.10, 0.12),
    ("classical", "label-flip"): (0.61, 0.63),
}
LEARNING = [
    {"method": method, "seed": seed, "case": case, "accuracy": values[seed - 1]}
    | dict.fromkeys(("honest_left_out", "attackers_left_out"), 0.0)
    for (method, case), values in ACCURACY.items()
    for seed in (1, 2)
]


def decided(**medians: float) -> dict[str, Any]:
    names = ("wall_seconds", "critical_seconds", "messages", "wire_bytes", "gas_beacon", "disk_bytes")
    names = (*names, "updates_verified", "updates_verified_most", "verify_cpu_seconds")
    values = {name: medians.get(name, medians["other"]) for name in names}
    return {"figures": {name: {"median": v, "least": 0.9 * v, "most": 1.1 * v} for name, v in values.items()}}


CONSENSUS = {
    "flat": decided(other=100.0),
    "flat-early": decided(other=100.0, wall_seconds=20.0),
    "committee": decided(other=25.0, wall_seconds=10.0, critical_seconds=60.0),
    "shards": decided(other=30.0),
}
BYTES = {
    "target": 0.9,
    "config": {"rounds": 10},
    "runs": [
        {"way": "fp32, ML-DSA-65", "seed": 1, "rounds": 4, "total": 20_000, "content": [1_500] * 4},
        {"way": "int8", "seed": 1, "rounds": 4, "total": 8_000, "content": [300] * 4},
    ],
    "summary": [
        {"way": "int8", "rounds": [4], "content_a_round": 300, "bytes_a_round": 2_000, "bytes": {"mean": 8_000}}
    ],
}
JOULES = {"validators compute": 4.0, "validators transfer": 1.0, "chain nodes": 5.0, "IPFS nodes": 0.0}


def account(factor: float, clients: float = 90.0) -> dict[str, dict[str, float]]:
    parts = {name: factor * joules for name, joules in JOULES.items()}
    whole = {"without clients": sum(parts.values()), "together": clients + sum(parts.values())}
    return {name: {"low": value, "high": 2 * value} for name, value in (parts | whole).items()}


DOCUMENT = {
    "size": {**vars(Size((1, 2), poisons=("sign-flip", "label-flip")))},
    "seconds": {"learning": 60.0},
    "learning": LEARNING,
    "consensus": CONSENSUS,
    "bytes": BYTES,
    "energy": {"joules_a_round": {"committee": account(1), "flat vote": account(4), "proof of work": account(100)}},
}


def find(what: str, against: str) -> Claim:
    (claim,) = (c for c in compute_claims(DOCUMENT) if c.what.startswith(what) and c.against.startswith(against))
    return claim


def test_accuracy_is_compared_seed_by_seed_in_points() -> None:
    calm = find("accuracy, calm", "plain QFL")
    assert calm.gain == pytest.approx((0.03 - 0.01) / 2)
    assert (calm.ours, calm.verdict, calm.spread) == ("+1.0 points", "falls short", "± 2.8, 2 seeds")


def test_under_attack_the_mean_of_the_poisons_counts_and_the_least_gain_stands_beside_it() -> None:
    assert find("accuracy, 30 % attackers, mean", "plain QFL").gain == pytest.approx((0.80 + 0.10) / 2)
    least = find("accuracy, 30 % attackers, the poison we gain least by (label-flip)", "plain QFL")
    assert (least.gain, least.verdict) == (pytest.approx(0.10), "falls short")


def test_what_a_committee_saves_of_a_flat_chain() -> None:
    wire = find("bytes on the wire", "a flat chain, every")
    assert (wire.gain, wire.theirs, wire.ours) == (0.75, "-38 %", "-75.0 %")
    assert wire.spread == "-69 to -80 %"  # 27.5 of 90, and 22.5 of 110
    assert find("consensus latency, one process", "a flat chain that verifies from").ours == "-50.0 %"
    assert find("consensus latency, one process", "a flat chain that verifies from").verdict == "falls short"
    assert find("consensus latency, a machine each", "a flat chain, every").gain == pytest.approx(0.4)


def test_a_client_sends_less_than_signed_floats_and_more_than_plain_ones() -> None:
    assert find("bytes a client sends until 90%", "float32").gain == pytest.approx(0.6)
    plain = find("bytes a client sends until 90%", "plain QFL")
    assert (plain.ours, plain.verdict) == ("+33.3 %", "falls short")


def test_energy_is_compared_with_and_without_clients() -> None:
    assert find("joules of agreeing", "flat vote").gain == pytest.approx(0.75)
    assert find("joules of a round", "flat vote").gain == pytest.approx(1 - 100 / 130, abs=0.1)


def test_every_pillar_has_a_figure_and_what_was_not_measured_is_said() -> None:
    assert {claim.pillar for claim in compute_claims(DOCUMENT)} == {OVERHEAD, SCALE, ENERGY, SECURITY}
    page = make_page(DOCUMENT, compute_claims(DOCUMENT))
    assert page.warnings == ["Not measured yet: attacks."]
    text = to_markdown(page)
    assert "| accuracy, calm | plain QFL | +12.7 % | +1.0 points | ± 2.8, 2 seeds | falls short |" in text
    assert "| plain QFL | 93.0 ± 4.2 | 11.0 ± 1.4 | 82.0 ± 1.4 |" in text
    assert "![Final test accuracy" in text


def test_parts_are_measured_apart_and_kept_while_the_size_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = []

    def measure(size: Size, out: Path, announce: object) -> Any:
        measured.append(size.seeds)
        return BYTES

    monkeypatch.setattr(study, "PARTS", {"bytes": measure})
    study.run_study(REDUCED, tmp_path, ["bytes"], lambda said: None)
    (tmp_path / "casestudy.md").unlink()
    kept = study.run_study(REDUCED, tmp_path, ["bytes"], lambda said: None)
    assert kept["bytes"] == BYTES
    assert (tmp_path / "casestudy.md").exists()
    document = json.loads((tmp_path / "casestudy.json").read_text())
    assert {claim["verdict"] for claim in document["claims"]} == {"reached", "falls short"}
    other = study.run_study(Size(seeds=(5,)), tmp_path, ["bytes"], lambda said: None)
    assert other["size"]["seeds"] == [5]
    assert len(measured) == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--seeds", "one"], "give whole numbers"),
        (["--seeds", ""], "give whole numbers"),
        (["--part", "charm"], "choose one of learning"),
    ],
)
def test_what_cannot_be_run_is_refused_at_once(tmp_path: Path, arguments: list[str], said: str) -> None:
    done = CliRunner().invoke(cli, ["casestudy", "--out", str(tmp_path / "study"), *arguments])
    assert isinstance(done.exception, InvalidInput)
    assert said in str(done.exception)
    assert not (tmp_path / "study").exists()


def test_classical_fl_is_of_the_same_size() -> None:
    """Its parameters are within a hidden unit of the quantum model's."""
    from qfl.simulation.prepare import prepare_job

    sizes = {
        name: prepare_job(changed(Size().job(1), METHODS[name].changes))[0].architecture.shape.total
        for name in ("plain", "classical")
    }
    assert abs(sizes["classical"] - sizes["plain"]) <= 64 + 10 + 1
