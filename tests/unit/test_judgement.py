"""Scores of updates, what a seat leaves out by them, and which proposals of others it takes all the same."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from qfl.protocol.history import HISTORY_ROUNDS, History, count_histories
from qfl.protocol.types import ParticipantId, VerifiedUpdate
from qfl.quantum.architecture import Architecture
from qfl.training.data.datasets import LabelledData, load_dataset
from qfl.training.recipe import TrainingConfig
from qfl.training.training import Quality, assess_updates, evaluate, initial_parameters, train_clients
from qfl.validator.selection import LENIENT, WORST_AGREEMENT, WORST_GAIN, Scored, score_updates

COORDINATES = 400
"""So many that chance alone does not turn an update away by `WORST_AGREEMENT`."""


def updates(count: int, coordinates: int = COORDINATES) -> list[VerifiedUpdate]:
    lanes = np.zeros(coordinates, np.int16)
    return [VerifiedUpdate(index, ParticipantId(10 + index), b"", b"", lanes) for index in range(count)]


def indexes(chosen: list[VerifiedUpdate]) -> list[int]:
    return [update.index for update in chosen]


def test_no_opinion_takes_all_and_attests_nothing_else():
    assert indexes(LENIENT.choose(updates(3))) == [0, 1, 2]
    assert not LENIENT.accepts(updates(3), 0b011, turn=3)


def test_harmful_updates_are_left_out():
    assert indexes(Scored({0: 0.5, 1: -1.01, 2: -1.0}).choose(updates(3))) == [0, 2]


def test_the_best_of_harmful_ones_is_proposed():
    assert indexes(Scored({0: -5.0, 1: -2.0, 2: -3.0}).choose(updates(3))) == [1]


@pytest.mark.parametrize(
    ("scores", "accepted", "accepted_later"),
    [
        pytest.param((0.2, 0.1, -1.9), True, True, id="a little worse than it would have taken"),
        pytest.param((0.2, 0.1, -2.1), False, True, id="clearly harmful"),
        pytest.param((0.2, 0.1, -3.1), False, False, id="very harmful"),
    ],
)
def test_an_attester_takes_what_is_harmful_by_little(scores, accepted, accepted_later):
    policy = Scored(dict(enumerate(scores)))
    assert policy.accepts(updates(3), 0b111, turn=0) is accepted
    assert policy.accepts(updates(3), 0b111, turn=1) is accepted_later
    assert policy.accepts(updates(3), 0b111, turn=3) is accepted_later


@pytest.mark.parametrize(
    ("score", "accepted", "accepted_later"),
    [
        pytest.param(-0.5, True, True, id="near the border"),
        pytest.param(0.1, False, True, id="clearly good"),
        pytest.param(1.1, False, False, id="very good"),
    ],
)
def test_an_attester_does_not_let_a_good_update_be_left_out(score, accepted, accepted_later):
    """A proposer cannot censor a client by calling it harmful."""
    policy = Scored({0: 0.2, 1: score})
    assert policy.accepts(updates(2), 0b01, turn=0) is accepted
    assert policy.accepts(updates(2), 0b01, turn=1) is accepted_later


def test_nobody_attests_an_aggregate_of_nothing():
    assert not Scored({0: -9.0}).accepts(updates(1), 0, turn=1)


def test_the_score_is_the_worse_of_gain_and_agreement():
    gains = np.array([0.0, -WORST_GAIN, 3.0, 0.0, 1.0, -1.0])
    agreements = np.array([0.1, 0.1, -2 * WORST_AGREEMENT, 0.0, 0.1, 0.1])
    scores = score_updates(updates(6), gains=gains, agreements=agreements, histories={}).scores
    assert scores == {0: 0.0, 1: -1.0, 2: -2.0, 3: 0.0, 4: pytest.approx(0.5), 5: -1.0}


def test_chance_turns_no_update_of_a_small_model_away():
    """With 36 angles, one of ten random directions has a cosine below -0.2."""
    rng = np.random.default_rng(1)
    own, others = rng.standard_normal(36), rng.standard_normal((1000, 36))
    agreements = others @ own / np.linalg.norm(own) / np.linalg.norm(others, axis=1)
    assert (agreements < -WORST_AGREEMENT).mean() > 0.05
    policy = score_updates(updates(1000, 36), gains=np.zeros(1000), agreements=agreements, histories={})
    assert len(policy.choose(updates(1000, 36))) > 995


def test_who_was_left_out_before_is_borne_less():
    histories = {ParticipantId(10): History(revealed=8, included=0), ParticipantId(11): History(revealed=8, included=8)}
    policy = score_updates(
        updates(3),
        gains=np.array([-0.7, -0.7, 0.0]),
        agreements=-0.7 * np.full(3, WORST_AGREEMENT),
        histories=histories,
    )
    assert indexes(policy.choose(updates(3))) == [1, 2]


@pytest.mark.parametrize(
    ("gains", "chosen"),
    [
        # Every honest update costs 1.5 nats, the attacker's 3.
        pytest.param((-1.5, -3.0, -1.2, -2.1, -1.1), [0, 2, 3, 4], id="nobody has all classes: more is borne"),
        pytest.param((2.0, 1.5, 0.6), [0, 1, 2], id="what most gain is asked of nobody"),
        # The fourth costs a quarter of what is borne in a first round, and ten times what the others differ by.
        pytest.param((0.02, 0.0, -0.02, -0.25, 0.01), [0, 1, 2, 4], id="updates are alike: less is borne"),
        pytest.param((0.2, 0.0, -0.2, -0.25, 0.1), [0, 1, 2, 3, 4], id="updates are apart"),
        pytest.param((0.0, 0.0, 0.0, -0.04), [0, 1, 2, 3], id="what chance makes of equal updates"),
        # Two of five spread the gains so far that six of their deviations would be borne.
        pytest.param((0.0, -0.5, -0.9, 0.1, 0.3), [0, 1, 2, 3, 4], id="attackers hide behind their own spread"),
    ],
)
def test_what_is_borne_depends_on_the_others(gains, chosen):
    count = len(gains)
    assert (
        indexes(
            score_updates(updates(count), gains=np.array(gains), agreements=np.ones(count), histories={}).choose(
                updates(count)
            )
        )
        == chosen
    )


def test_in_a_late_round_attackers_cannot_hide_behind_their_own_spread():
    gains = np.array([0.0, -0.5, -0.9, 0.1, 0.3])
    assert indexes(
        score_updates(updates(5), gains=gains, agreements=np.ones(5), histories={}, pace=0.25).choose(updates(5))
    ) == [0, 3, 4]


def test_of_colluders_that_send_the_same_one_stays():
    """A little noise of rounding does not hide them, an honest update and one that is turned round are no copies."""
    rng = np.random.default_rng(1)
    honest, same = rng.integers(-900, 900, (2, COORDINATES))
    lanes = [honest, same, same + rng.integers(-9, 9, COORDINATES), -honest, same]
    sent = [replace(update, lanes=row.astype(np.int16)) for update, row in zip(updates(5), lanes, strict=True)]
    policy = score_updates(sent, gains=np.zeros(5), agreements=np.ones(5), histories={})
    assert indexes(policy.choose(sent)) == [0, 1, 3]


def test_updates_of_zeros_are_no_copies():
    assert (
        len(score_updates(updates(3), gains=np.zeros(3), agreements=np.ones(3), histories={}).choose(updates(3))) == 3
    )


def test_one_exclusion_does_not_lead_to_the_next():
    histories = {ParticipantId(10): History(revealed=1, included=0)}
    policy = score_updates(
        updates(1), gains=np.zeros(1), agreements=np.array([-0.8 * WORST_AGREEMENT]), histories=histories
    )
    assert policy.scores[0] > -1


def test_histories_count_the_last_rounds_only():
    one, other = ParticipantId(1), ParticipantId(2)
    rounds = [{one: False}] * 5 + [{one: True, other: False}] * HISTORY_ROUNDS
    assert count_histories(rounds) == {one: History(HISTORY_ROUNDS, HISTORY_ROUNDS), other: History(HISTORY_ROUNDS, 0)}


# --- scores ---


ARCH = Architecture(layers=6)
CONFIG = TrainingConfig(steps=40)


@cache
def digits() -> LabelledData:
    return load_dataset("digits", Path("data"), None, None, 1, most_features=64).train


def without(data: LabelledData, labels: set[int]) -> LabelledData:
    return data.take(np.flatnonzero(~np.isin(data.labels, list(labels))))


@cache
def judged() -> tuple[dict[str, np.ndarray], Quality]:
    """After a round on all classes: one that has all, one that has three, one with false labels; and distorted ones."""
    held, data = digits().take(np.arange(80)), digits().take(np.arange(80, 1000))
    start = initial_parameters(ARCH, 1)
    (base,) = train_clients(ARCH, *start, [data], replace(CONFIG, steps=120), [1])
    shares = [
        data.take(np.arange(200)),
        without(data, {0, 1, 2, 3, 4, 5, 6}),
        replace(data.take(np.arange(200, 400)), labels=9 - data.labels[200:400]),
    ]
    trained = train_clients(ARCH, base.angles, base.weights, shares, CONFIG, [2, 3, 4])
    deltas = [np.concatenate([t.angles - base.angles, t.weights - base.weights]) for t in trained]
    named = dict(zip(("all classes", "three classes", "false labels"), deltas, strict=True))
    named |= {"sign flip": -deltas[0], "half a sign flip": -0.5 * deltas[0], "nothing": 0 * deltas[0]}
    named["noise"] = 3 * deltas[0].std() * np.random.default_rng(1).standard_normal(len(deltas[0]))
    (trained,) = train_clients(ARCH, base.angles, base.weights, [held], CONFIG, [5])
    own = np.concatenate([trained.angles - base.angles, trained.weights - base.weights])
    quality = assess_updates(ARCH, base.angles, base.weights, list(named.values()), held, own)
    return named, quality


def of(name: str) -> tuple[float, float]:
    named, quality = judged()
    position = list(named).index(name)
    return float(quality.gains[position]), float(quality.agreements[position])


def test_an_honest_update_goes_the_same_way():
    gain, agreement = of("all classes")
    assert gain > -0.2
    assert agreement > 0.1


def test_a_client_with_few_classes_is_not_taken_for_an_attacker():
    """By the plain loss it is: everything is a 7, 8 or 9 to it. The best offsets take most of that back."""
    held, data = digits().take(np.arange(80)), digits().take(np.arange(80, 1000))
    start = initial_parameters(ARCH, 1)
    (base,) = train_clients(ARCH, *start, [data], replace(CONFIG, steps=120), [1])
    delta = judged()[0]["three classes"]
    quantum = ARCH.shape.quantum
    after = evaluate(ARCH, base.angles + delta[:quantum], base.weights + delta[quantum:], held)
    plain_gain = evaluate(ARCH, base.angles, base.weights, held).loss - after.loss
    gain, _ = of("three classes")
    assert plain_gain < -3 * WORST_GAIN
    assert gain > plain_gain + 2 * WORST_GAIN


@pytest.mark.parametrize("attack", ["false labels", "noise"])
def test_attacks_harm_with_any_offsets(attack):
    assert of(attack)[0] < -WORST_GAIN


@pytest.mark.parametrize("attack", ["sign flip", "half a sign flip"])
def test_what_goes_the_other_way_is_seen_however_small_it_is(attack):
    assert of(attack)[1] == pytest.approx(-of("all classes")[1])


def test_nothing_gains_nothing():
    assert of("nothing") == (0.0, 0.0)
