"""`qfl bench bytes`: both sides are counted alike, to the byte, and the figures are those of the seeds."""

from __future__ import annotations

import json

import numpy as np
import pytest

from experiments.learning.bytes import (
    BASELINE,
    NAME,
    WAYS,
    Sent,
    UnquantisedFederation,
    as_document,
    bench_bytes,
    bytes_table,
    content_bytes,
    message_bytes,
    send,
)
from qfl.errors import InvalidInput
from qfl.protocol.content import Content, ContentKind, encode, encode_briefly
from qfl.protocol.types import VerifiedUpdate
from qfl.simulation.config import JobConfig
from qfl.simulation.federation import Federation
from qfl.simulation.prepare import prepare_job

TINY = JobConfig(
    clients=2,
    rounds=3,
    classes=(0, 1),
    limit=40,
    model={"qubits": 4, "layers": 2},
    training={"steps": 4, "batch_size": 4},
)


def test_messages_are_counted_to_the_byte():
    # Two envelopes of 115; selectors; 6 words and 1,500 bytes, padded to 1,504, to commit; 5 words to reveal.
    assert message_bytes(1_500) == 2 * 115 + (4 + 6 * 32 + 1_504) + (4 + 5 * 32)
    assert message_bytes(3_309) - message_bytes(1_500) == 3_328 - 1_504


@pytest.mark.parametrize("way", ["int16", "int8", "int8, largest quarter", "int4", "int4, plain"])
def test_content_is_counted_as_clients_store_it(way):
    config = WAYS[way].applied_to(TINY)
    job, _, shares = prepare_job(config)
    published = Federation(config, job, shares).step()

    def stored(update: VerifiedUpdate) -> int:
        kind, root, shape = ContentKind.UPDATE, bytes(32), job.architecture.shape
        content = Content(kind, config.lane_bits, 1, 0, 0, update.client, shape, root, update.lanes)
        return len(encode_briefly(content) if WAYS[way].is_compact else encode(content))

    assert content_bytes(WAYS[way], config.lane_bits, published) == np.mean([stored(u) for u in published.updates])


def test_float_updates_learn_what_wide_lanes_do():
    config = JobConfig(**{**vars(TINY), "lane_bits": 16})
    job, _, shares = prepare_job(config)
    ours, floats = Federation(config, job, shares), UnquantisedFederation(config, job, shares)
    first = ours.model.lanes.astype(np.int64)
    for _ in range(2):
        ours.step()
        floats.step()
    learnt = floats.model.lanes - first
    assert np.linalg.norm(ours.model.lanes - floats.model.lanes.astype(np.int64)) < 0.02 * np.linalg.norm(learnt)


def test_a_run_ends_at_the_target():
    run = send(TINY, "int8", 1, target=0.3)
    assert run.rounds == len(run.content) == len(run.accuracy)
    assert run.accuracy[-1] >= 0.3 > max(run.accuracy[:-1], default=0)
    assert run.total == sum(run.content) + run.rounds * message_bytes(1_500)


def test_a_target_that_is_not_reached_is_no_saving(tmp_path):
    runs = bench_bytes(TINY, [BASELINE, "int8"], [1], 1.0, tmp_path, str)
    document = json.loads((tmp_path / NAME).read_text())
    assert [run.rounds for run in runs] == [None, None]
    assert not any("fewer" in line for line in document["summary"])


def test_savings_are_of_all_bytes_of_the_same_seeds():
    def sent(way: str, seed: int, rounds: int, content: int, signature: int) -> Sent:
        return Sent(way, seed, rounds, [content] * rounds, signature + 500, signature, [0.9] * rounds, 100)

    runs = [sent(BASELINE, 1, 2, 1_500, 3_000), sent(BASELINE, 2, 2, 1_500, 3_000)]
    runs += [sent("int8", 1, 2, 500, 1_500), sent("int8", 2, 4, 500, 1_500)]
    [_, line] = as_document(TINY, 0.9, runs)["summary"]
    assert line["bytes"] == {"mean": 7_500, "least": 5_000, "most": 10_000}
    assert line["fewer"] == pytest.approx(0.25)
    assert line["fewer_a_round"] == pytest.approx(0.5)
    assert line["fewer_bare"] == pytest.approx(1 - 6_000 / 9_000)
    assert list(bytes_table(as_document(TINY, 0.9, runs)).columns[1].cells) == ["2, 2", "2, 4"]


@pytest.mark.parametrize(("ways", "target", "name"), [(["telegraph"], 0.9, "way"), (["int8"], 90.0, "target")])
def test_refuses_what_it_cannot_measure(ways, target, name, tmp_path):
    with pytest.raises(InvalidInput, match=f"^{name} = "):
        bench_bytes(TINY, ways, [1], target, tmp_path, str)


def test_every_way_is_a_job():
    assert all(way.applied_to(TINY).parameters() for way in WAYS.values())
