"""The next model against plain integers, and what is fetched against what the beacon says of it."""

from fractions import Fraction
from math import trunc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qfl.errors import ContentCorrupt, ContentMissing, ContentTooLarge, ModelRejected
from qfl.node.recompute import fetch_aggregate, fetch_model
from qfl.protocol.content import Content, ContentKind, content_digest, decode, encode, lanes_root
from qfl.protocol.recompute import NO_BASE, expected_model, model_content
from qfl.protocol.types import Checkpoint, LaneFormat, ModelShape, RoundNumber, ShardIndex
from qfl.storage.store import MemoryStore

SHAPE = ModelShape(quantum=3, classical=2)
ROUND = RoundNumber(4)
MODEL = model_content(ROUND, np.array([1, -2, 3, 2**31 - 1, -(2**31)], np.int32), SHAPE, b"p" * 32)


def base_model(values):
    return model_content(RoundNumber(3), np.array(values, np.int32), SHAPE)


def zeros(shape):
    return model_content(ROUND, np.zeros(shape.total, np.int32), shape)


def aggregate(shard, lanes, **changes):
    fields = {
        "kind": ContentKind.AGGREGATE,
        "lane_bits": 32,
        "round": ROUND,
        "shard": shard,
        "count": 1,
        "author": 0,
        "shape": SHAPE,
        "base_root": lanes_root(MODEL),
        "lanes": np.array(lanes, np.int32),
    }
    return Content(**{**fields, **changes})


def checkpoint(shard, count, content, base):
    return Checkpoint(
        ROUND,
        ShardIndex(shard),
        *(0, count, lanes_root(base), 1, bytes(32)),
        *(lanes_root(content), content_digest(encode(content))),
    )


def reference(base, means, counts, shape, fmt):
    """DESIGN section 5, one coordinate at a time in exact rationals."""
    model = []
    for i, value in enumerate(base):
        mean = trunc(Fraction(sum(count * m[i] for m, count in zip(means, counts, strict=True)), sum(counts)))
        exponent = fmt.quantum_exponent if i < shape.quantum else fmt.classical_exponent
        moved = value + trunc(Fraction(mean) * Fraction(2) ** (exponent - 8))
        wrapped = (moved + 2**31) % 2**32 - 2**31
        model.append(wrapped if i < shape.quantum else max(-(2**31), min(2**31 - 1, moved)))
    return model


int32s = st.integers(-(2**31), 2**31 - 1)
vectors = st.lists(int32s, min_size=5, max_size=5)


@given(
    vectors,
    st.lists(st.tuples(vectors, st.integers(1, 2**16 - 1)), min_size=1, max_size=4),
    st.integers(0, 31),
    st.integers(0, 31),
)
def test_model_is_that_of_plain_integers(base, shards, quantum_exponent, classical_exponent):
    """Wrap, saturation, truncation toward zero and shifts, over the whole range of each."""
    fmt = LaneFormat(16, quantum_exponent, classical_exponent)
    contents = [aggregate(shard, mean) for shard, (mean, _) in enumerate(shards)]
    checkpoints = [checkpoint(k, count, contents[k], base_model(base)) for k, (_, count) in enumerate(shards)]
    model = expected_model(ROUND, base_model(base), checkpoints, contents, fmt).model
    assert model.lanes.tolist() == reference(base, [m for m, _ in shards], [c for _, c in shards], SHAPE, fmt)


def test_worked_example():
    """One shard, exponent 8, so a step is the mean: 2^31-1 + 1 wraps as an angle, stays as a weight."""
    base = base_model([2**31 - 1, 0, 0, 2**31 - 1, 0])
    content = aggregate(0, [1, -1, 7, 1, -1])
    model = expected_model(ROUND, base, [checkpoint(0, 3, content, base)], [content], LaneFormat(16, 8, 8)).model
    assert model.lanes.tolist() == [-(2**31), -1, 7, 2**31 - 1, -1]
    assert (model.kind, model.round, model.base_root) == (ContentKind.MODEL, ROUND, lanes_root(base))


def test_count_that_weighs_is_the_attested_one():
    """The count inside a stored aggregate is its proposer's word; the checkpoint's was signed by the committee."""
    base = base_model([0] * 5)
    heavy, light = aggregate(0, [100] * 5, count=60_000), aggregate(1, [-20] * 5)
    checkpoints = [checkpoint(0, 1, heavy, base), checkpoint(1, 3, light, base)]
    model = expected_model(ROUND, base, checkpoints, [heavy, light], LaneFormat(16, 8, 8)).model
    assert model.lanes.tolist() == [10] * 5  # (1 * 100 - 3 * 20) / 4


def test_no_model_follows_from_checkpoints_that_are_based_on_another():
    """A reorganization may have exchanged the base: who published then would publish a false model."""
    content, base = aggregate(0, [1] * 5), base_model([0] * 5)
    of_another = checkpoint(0, 1, content, base_model([1] * 5))
    with pytest.raises(ModelRejected, match="based on another model"):
        expected_model(ROUND, base, [of_another], [content], LaneFormat(16, 8, 8))


def test_genesis_model_has_no_base():
    assert model_content(RoundNumber(0), np.zeros(5, np.int32), SHAPE).base_root == NO_BASE == bytes(32)


@pytest.fixture
def store():
    return MemoryStore()


def test_published_model_is_fetched(store):
    digest = store.put(encode(MODEL))
    fetched = fetch_model(store, ROUND, lanes_root(MODEL), digest, SHAPE)
    assert fetched.lanes.tolist() == MODEL.lanes.tolist()
    assert fetched.base_root == MODEL.base_root


@pytest.mark.parametrize(
    ("data", "root", "reason"),
    [
        # Digest and root are published side by side; a publisher could make them disagree.
        (encode(MODEL), b"x" * 32, r"round 4 .* do not have the published root"),
        (encode(aggregate(0, [0] * 5)), None, "its kind is aggregate"),
        # Angles read as weights would be trained on without anybody noticing.
        (encode(zeros(ModelShape(2, 3))), None, r"its shape ModelShape\(quantum=2"),
        (encode(zeros(ModelShape(3, 1))), None, r"its shape ModelShape\(quantum=3, classical=1"),
        (b"\x80\x04 a pickle", b"x" * 32, "less than a header"),
    ],
    ids=["other lanes", "aggregate", "blocks shifted", "shorter", "no content"],
)
def test_what_is_not_the_published_model_of_this_shape_is_refused(store, data, root, reason):
    digest = store.put(data)
    with pytest.raises(ModelRejected, match=reason):
        fetch_model(store, ROUND, root or lanes_root(decode(data)), digest, SHAPE)


def test_model_that_cannot_be_had_is_a_fault_of_the_store(store):
    with pytest.raises(ContentMissing):
        fetch_model(store, ROUND, lanes_root(MODEL), b"d" * 32, SHAPE)
    digest = store.put(encode(MODEL))
    with pytest.raises(ContentTooLarge):
        fetch_model(store, ROUND, lanes_root(MODEL), digest, ModelShape(1, 1))
    store.blocks[digest] = encode(aggregate(0, [0] * 5))
    with pytest.raises(ContentCorrupt):
        fetch_model(store, ROUND, lanes_root(MODEL), digest, SHAPE)


def test_attested_aggregate_is_fetched(store):
    content = aggregate(1, [1, 2, 3, 4, 5])
    store.put(encode(content))
    assert fetch_aggregate(store, checkpoint(1, 1, content, MODEL), SHAPE).lanes.tolist() == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("content", "root", "reason"),
    [
        (aggregate(1, [0] * 5), b"x" * 32, "the aggregate of shard 1 has another root"),
        (MODEL, lanes_root(MODEL), "shard 1 has the kind model"),
        (aggregate(1, [0] * 5, shape=ModelShape(2, 3)), None, "shape ModelShape"),
    ],
    ids=["other lanes", "a model", "blocks shifted"],
)
def test_aggregate_that_is_not_the_attested_one_is_refused(store, content, root, reason):
    digest = store.put(encode(content))
    attested = Checkpoint(ROUND, ShardIndex(1), *(0, 1, bytes(32), 1, bytes(32)), root or lanes_root(content), digest)
    with pytest.raises(ModelRejected, match=reason):
        fetch_aggregate(store, attested, SHAPE)
