"""From a trained model to an update: nothing is lost, nothing is out of bounds, and time evens the rounding out."""

from dataclasses import replace

import numpy as np
import pytest
from honest import TERMS
from hypothesis import given, settings
from hypothesis import strategies as st

from qfl.client.update import prepare_update
from qfl.errors import NotFinite
from qfl.node.updates import verify_update
from qfl.protocol.content import content_digest, decode, lanes_root
from qfl.protocol.recompute import model_content
from qfl.protocol.rule import squared_norm
from qfl.protocol.state import compute_delta, from_state
from qfl.protocol.types import LaneFormat, ModelShape, ParticipantId, Reveal, RoundNumber, TrainingResult

CLIENT = ParticipantId(5)
BASE = model_content(
    RoundNumber(6),
    np.random.default_rng(0).integers(-(2**31), 2**31, TERMS.shape.total).astype(np.int32),
    TERMS.shape,
)
UNIT = np.repeat([2.0**13, 2.0**9], [TERMS.shape.quantum, TERMS.shape.classical])
NO_RESIDUAL = np.zeros(TERMS.shape.total)


def trained(seed, scale=0.05):
    """Angles and weights some way from the base."""
    rng = np.random.default_rng(seed)
    angles, weights = from_state(BASE.lanes, BASE.shape)
    turned, moved = rng.standard_normal(angles.shape), rng.standard_normal(weights.shape)
    return TrainingResult(angles + scale * turned, weights + scale * moved)


def prepare_from(result, residual=NO_RESIDUAL, spec=TERMS, rounding=2, base=BASE):
    rng = np.random.default_rng(rounding)
    return prepare_update(CLIENT, spec, base=base, trained=result, residual=residual, rng=rng)


def prepare(seed=1, residual=NO_RESIDUAL, spec=TERMS, rounding=2, scale=0.05):
    return prepare_from(trained(seed, scale), residual, spec, rounding)


@settings(max_examples=30)
@given(st.integers(0, 2**32), st.integers(0, 2**32), st.floats(0, 3))
def test_what_is_sent_and_what_is_kept_add_up_to_what_was_learnt(seed, rounding, scale):
    """Clipping, norm bound and rounding may delay a change; none may swallow it."""
    residual = np.random.default_rng(seed).uniform(-1, 1, TERMS.shape.total) * UNIT
    update = prepare(seed, residual, rounding=rounding, scale=scale)
    sent = decode(update.content).lanes * UNIT
    result = trained(seed, scale)
    learnt = compute_delta(result.angles, result.weights, BASE.lanes, BASE.shape)
    assert sent + update.residual == pytest.approx(learnt + residual, rel=1e-12, abs=1e-3)


@pytest.mark.parametrize("lane_bits", [4, 8, 16])
@pytest.mark.parametrize("scale", [0.0, 0.05, 3.0])
def test_every_validator_accepts_it(lane_bits, scale):
    """However far training went: an update over the bound would be refused, and the client's round wasted."""
    spec = replace(TERMS, format=LaneFormat(lane_bits, 13, 9), norm_bound=100_000)
    update = prepare(spec=spec, scale=scale)
    reveal = Reveal(CLIENT, 0, update.update_root, update.content_digest, "0x")
    lanes = verify_update(reveal, update.content, spec).lanes
    assert squared_norm(lanes) <= 100_000
    assert np.abs(lanes.astype(int)).max() <= 2 ** (lane_bits - 1) - 1


def test_commitment_names_the_content():
    update = prepare()
    content = decode(update.content)
    assert update.update_root == lanes_root(content)
    assert update.content_digest == content_digest(update.content)
    assert (content.round, content.shard, content.author) == (TERMS.round, TERMS.shard, CLIENT)
    assert content.base_root == TERMS.base_root


def test_seed_decides_everything_but_the_salt():
    """A client that restarts before its commit prepares the same update; a guessable salt would reveal it early."""
    first, second = prepare(), prepare()
    assert first.content == second.content
    assert first.residual.tolist() == second.residual.tolist()
    assert first.salt != second.salt
    assert len(first.salt) == 32


def test_another_seed_rounds_otherwise():
    assert prepare(rounding=2).content != prepare(rounding=3).content


def test_error_feedback_brings_the_mean_to_what_is_learnt():
    """The same change, a third of a lane, in 200 rounds: without the residual's return each would round alone."""
    shape = ModelShape(2, 2)
    spec = replace(TERMS, shape=shape)
    base = model_content(RoundNumber(6), np.zeros(4, np.int32), shape)
    unit, rng, residual, applied = UNIT[[0, 1, -2, -1]], np.random.default_rng(4), np.zeros(4), np.zeros(4)
    result = TrainingResult(*from_state((unit / 3).astype(np.int32), shape))
    for _ in range(200):
        update = prepare_update(CLIENT, spec, base=base, trained=result, residual=residual, rng=rng)
        residual = update.residual
        applied += decode(update.content).lanes
    assert applied / 200 == pytest.approx(np.full(4, 1 / 3), abs=0.006)
    assert (np.abs(residual) <= unit).all()


def test_diverged_training_sends_nothing():
    result = trained(1)
    result.angles[3] = np.nan
    with pytest.raises(NotFinite, match="index 3"):
        prepare_from(result)


def test_a_client_whose_lanes_are_too_narrow_is_told(caplog):
    """Nothing is lost, but it takes rounds to get through: somebody should choose a larger exponent."""
    prepare(spec=replace(TERMS, format=LaneFormat(8, 13, 9)), scale=0.05)
    assert "quantumExponent 13: choose" in caplog.text
    assert "client 5, round 7" in caplog.text


def test_sparse_updates_are_accepted_and_shorter():
    dense, sparse = (prepare_from(replace(trained(1), sent_share=share)) for share in (1.0, 0.25))
    assert len(sparse.content) < len(dense.content)
    reveal = Reveal(CLIENT, 0, sparse.update_root, sparse.content_digest, "0x")
    lanes = verify_update(reveal, sparse.content, TERMS).lanes
    assert np.count_nonzero(lanes) == -(-TERMS.shape.total // 4)
