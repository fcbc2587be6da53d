"""`qfl bench engine` from end to end, as small as it gets, without peers: milliseconds mean nothing here."""

from __future__ import annotations

import json

import pytest

from experiments.learning.engine import NAME, Case, bench_engine, engine_table
from qfl.errors import InvalidInput

pytestmark = pytest.mark.rest


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
