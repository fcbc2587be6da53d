"""What a seat leaves out by its own opinion, and which proposals of others it takes all the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from qfl.protocol.history import HISTORY_ROUNDS, History, count_histories
from qfl.protocol.types import ParticipantId, VerifiedUpdate
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


def test_where_nobody_has_all_classes_more_is_borne():
    """Every honest update costs 1.5 nats, the attacker's 3."""
    gains = np.array([-1.5, -3.0, -1.2, -2.1, -1.1])
    assert indexes(score_updates(updates(5), gains=gains, agreements=np.ones(5), histories={}).choose(updates(5))) == [
        0,
        2,
        3,
        4,
    ]


def test_what_most_gain_is_asked_of_nobody():
    gains = np.array([2.0, 1.5, 0.6])
    assert indexes(score_updates(updates(3), gains=gains, agreements=np.ones(3), histories={}).choose(updates(3))) == [
        0,
        1,
        2,
    ]


def test_where_updates_are_alike_less_is_borne():
    """What the fourth costs is a quarter of what is borne in a first round, and ten times what the others differ by."""
    gains = np.array([0.02, 0.0, -0.02, -0.25, 0.01])
    assert indexes(score_updates(updates(5), gains=gains, agreements=np.ones(5), histories={}).choose(updates(5))) == [
        0,
        1,
        2,
        4,
    ]
    apart = np.array([0.2, 0.0, -0.2, -0.25, 0.1])
    assert len(score_updates(updates(5), gains=apart, agreements=np.ones(5), histories={}).choose(updates(5))) == 5


def test_what_chance_makes_of_equal_updates_is_borne():
    gains = np.array([0.0, 0.0, 0.0, -0.04])
    assert len(score_updates(updates(4), gains=gains, agreements=np.ones(4), histories={}).choose(updates(4))) == 4


def test_in_a_late_round_attackers_cannot_hide_behind_their_own_spread():
    """Two of five spread the gains so far that six of their deviations would be borne."""
    gains = np.array([0.0, -0.5, -0.9, 0.1, 0.3])
    assert len(score_updates(updates(5), gains=gains, agreements=np.ones(5), histories={}).choose(updates(5))) == 5
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
