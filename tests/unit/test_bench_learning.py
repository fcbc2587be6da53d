"""`qfl bench learning` and `bytes`: each way is the one its name says, what is sent is counted to the byte for both
sides alike, and the figures are those of the seeds.
"""

import json
from dataclasses import replace

import numpy as np
import pytest

from experiments.jobs import changed
from experiments.learning import bytes as sizes
from experiments.learning.bytes import (
    BASELINE,
    WAYS,
    Sent,
    UnquantisedFederation,
    bench_bytes,
    bytes_table,
    content_bytes,
    message_bytes,
    send,
)
from experiments.learning.federation import Federation
from experiments.learning.learning import (
    MODELS,
    NAME,
    RECIPES,
    Learnt,
    as_document,
    bench_learning,
    learn,
    learning_table,
)
from qfl.errors import InvalidInput
from qfl.protocol.content import Content, ContentKind, encode, encode_briefly
from qfl.protocol.types import VerifiedUpdate
from qfl.simulation.config import JobConfig
from qfl.simulation.prepare import prepare_job
from qfl.training.job import training_config

TINY = JobConfig(
    clients=2,
    rounds=6,
    classes=(0, 1),
    limit=40,
    central_epochs=2,
    model={"qubits": 4, "layers": 2},
    training={"steps": 2, "batch_size": 4},
)
SHORT = changed(TINY, {"rounds": 3, "training": {"steps": 4}})
"""What bytes are counted of."""


def test_every_recipe_is_one_that_clients_can_follow():
    recipes = {name: training_config({**TINY.training, **changes}) for name, changes in RECIPES.items()}
    assert recipes["job"].control_variates
    assert recipes["scaffold"].control_variates
    assert not any(recipes[name].control_variates for name in ("fedavg", "fedprox", "fedavg-adam", "centralised"))
    assert [name for name, recipe in recipes.items() if recipe.proximal] == ["fedprox"]


def test_runs_are_written_down_one_by_one(tmp_path):
    told = []
    runs = bench_learning(TINY, ["quantum", "hybrid"], ["job", "centralised"], [1, 2], tmp_path, told.append)
    assert len(runs) == 8
    assert told[0] == "quantum, job, seed 1"
    document = json.loads((tmp_path / NAME).read_text())
    assert [line["seeds"] for line in document["summary"]] == [[1, 2]] * 4
    assert list(document["runs"][0]["by_round"]) == ["5", "6"]
    assert document["runs"][0]["accuracy"] == document["runs"][0]["by_round"]["6"]


def test_the_classical_control_learns_by_the_same_recipe():
    assert learn(TINY, "classical", "job", 1).by_round.keys() == {5, 6}


def test_a_run_is_a_function_of_its_seed():
    first, again, other = (learn(TINY, "hybrid", "job", seed) for seed in (3, 3, 4))
    assert first.loss == again.loss != other.loss


def test_summary_has_mean_and_spread_of_the_seeds():
    runs = [Learnt("quantum", "job", seed, value, 0.5, {9: value}, 10.0) for seed, value in ((1, 0.9), (2, 0.96))]
    [line] = as_document(TINY, runs)["summary"]
    assert line["accuracy"] == {"mean": pytest.approx(0.93), "least": 0.9, "most": 0.96}
    assert [list(column.cells) for column in learning_table(as_document(TINY, runs)).columns][2:4] == [
        ["93.0"],
        ["90.0 to 96.0"],
    ]


@pytest.mark.parametrize(
    ("models", "recipes", "name"), [(["tree"], ["job"], "model"), (["hybrid"], ["luck"], "recipe")]
)
def test_refuses_names_it_does_not_know(models, recipes, name, tmp_path):
    with pytest.raises(InvalidInput, match=f"^{name} = "):
        bench_learning(TINY, models, recipes, [1], tmp_path, print)


def test_a_purely_quantum_model_needs_a_qubit_for_each_class():
    assert MODELS["quantum"] == {"head": False}
    with pytest.raises(InvalidInput, match="each class needs a qubit"):
        learn(JobConfig(), "quantum", "job", 1)


def test_messages_are_counted_to_the_byte():
    # Two envelopes of 115; selectors; 6 words and 1,500 bytes, padded to 1,504, to commit; 5 words to reveal.
    assert message_bytes(1_500) == 2 * 115 + (4 + 6 * 32 + 1_504) + (4 + 5 * 32)
    assert message_bytes(3_309) - message_bytes(1_500) == 3_328 - 1_504
    # By key, both calls are of 5 words.
    assert message_bytes(None) == 2 * (115 + 4 + 5 * 32)


@pytest.mark.parametrize("way", ["int16", "int8", "int8, largest quarter", "int4", "int4, plain"])
def test_content_is_counted_as_clients_store_it(way):
    config = changed(SHORT, WAYS[way].changes)
    job, _, shares = prepare_job(config)
    published = Federation(config, job, shares).step()

    def stored(update: VerifiedUpdate) -> int:
        kind, root, shape = ContentKind.UPDATE, bytes(32), job.architecture.shape
        content = Content(kind, config.lane_bits, 1, 0, 0, update.client, shape, root, update.lanes)
        return len(encode_briefly(content) if WAYS[way].is_compact else encode(content))

    assert content_bytes(WAYS[way], config.lane_bits, published) == np.mean([stored(u) for u in published.updates])


def test_float_updates_learn_what_wide_lanes_do():
    config = replace(SHORT, lane_bits=16)
    job, _, shares = prepare_job(config)
    ours, floats = Federation(config, job, shares), UnquantisedFederation(config, job, shares)
    first = ours.model.lanes.astype(np.int64)
    for _ in range(2):
        ours.step()
        floats.step()
    learnt = floats.model.lanes - first
    assert np.linalg.norm(ours.model.lanes - floats.model.lanes.astype(np.int64)) < 0.02 * np.linalg.norm(learnt)


def test_a_run_ends_at_the_target():
    run = send(SHORT, "int8", 1, target=0.3)
    assert run.rounds == len(run.content) == len(run.accuracy)
    assert run.accuracy[-1] >= 0.3 > max(run.accuracy[:-1], default=0)
    assert run.total == sum(run.content) + run.rounds * message_bytes(None)


@pytest.mark.parametrize(
    ("way", "beside", "signed"),
    [
        ("fp32, unsigned", 0, 0),
        (BASELINE, message_bytes(3_309), 3_309),
        ("fp32, FN-DSA-512", message_bytes(666), 666),
        ("int8, LMS", message_bytes(1_500), 1_500),
        ("int8", message_bytes(None), 56),
    ],
)
def test_a_way_is_signed_as_it_says(way, beside, signed):
    assert sizes.signed_bytes(WAYS[way].signed, SHORT.key_height) == (beside, signed)


def test_a_target_that_is_not_reached_is_no_saving(tmp_path):
    runs = bench_bytes(SHORT, [BASELINE, "int8"], [1], 1.0, tmp_path, str)
    document = json.loads((tmp_path / sizes.NAME).read_text())
    assert [run.rounds for run in runs] == [None, None]
    assert not any("fewer" in line for line in document["summary"])


def test_savings_are_of_all_bytes_of_the_same_seeds():
    def sent(way: str, seed: int, rounds: int, content: int, signature: int) -> Sent:
        return Sent(way, seed, rounds, [content] * rounds, signature + 500, signature, [0.9] * rounds, 100)

    runs = [sent(BASELINE, 1, 2, 1_500, 3_000), sent(BASELINE, 2, 2, 1_500, 3_000)]
    runs += [sent("int8", 1, 2, 500, 1_500), sent("int8", 2, 4, 500, 1_500)]
    [_, line] = sizes.as_document(SHORT, 0.9, runs)["summary"]
    assert line["bytes"] == {"mean": 7_500, "least": 5_000, "most": 10_000}
    assert line["fewer"] == pytest.approx(0.25)
    assert line["fewer_a_round"] == pytest.approx(0.5)
    assert line["fewer_bare"] == pytest.approx(1 - 6_000 / 9_000)
    assert list(bytes_table(sizes.as_document(SHORT, 0.9, runs)).columns[1].cells) == ["2, 2", "2, 4"]


@pytest.mark.parametrize(("ways", "target", "name"), [(["telegraph"], 0.9, "way"), (["int8"], 90.0, "target")])
def test_a_way_or_target_that_cannot_be_is_refused(ways, target, name, tmp_path):
    with pytest.raises(InvalidInput, match=f"^{name} = "):
        bench_bytes(SHORT, ways, [1], target, tmp_path, str)


def test_every_way_is_a_job():
    assert all(changed(SHORT, way.changes).parameters() for way in WAYS.values())
