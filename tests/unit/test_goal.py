"""How long `--rounds` lets a role run: by the models of its own time, whatever the network did before."""

import threading
from types import SimpleNamespace

import pytest

from qfl.chain.contracts.beacon import Phase, RoundState
from qfl.daemon import ROUNDS_FOR_A_MODEL, Daemon, Goal
from qfl.errors import RoundNotCompleted
from qfl.node.context import Step


class StubBeacon:
    """Rounds by what became of them; the last one is under way when it is OPEN."""

    def __init__(self, *states):
        self.states = list(states)

    def current_round(self):
        return len(self.states)

    def context(self):
        is_open = bool(self.states) and self.states[-1] is RoundState.OPEN
        return SimpleNamespace(round=len(self.states), phase=Phase.COMMIT if is_open else Phase.IDLE)

    def round_at(self, number):
        return SimpleNamespace(state=self.states[number - 1])

    def end_round(self, state):
        self.states[-1] = state


NINE_MODELS = [RoundState.FINAL] * 8 + [RoundState.PUBLISHED]


def goal_of(models, *states):
    """The beacon, and the goal of a role that starts now."""
    ledger = SimpleNamespace(beacon=StubBeacon(*states))
    return ledger.beacon, Goal(ledger, models)


def test_models_from_before_the_start_do_not_count():
    """On a network with nine models, a client with `--rounds 1` bonded and ended at once."""
    beacon, goal = goal_of(1, *NINE_MODELS)
    assert not goal.is_reached()
    beacon.states.append(RoundState.OPEN)
    assert not goal.is_reached()
    beacon.end_round(RoundState.PUBLISHED)
    assert goal.is_reached()


def test_everybody_who_starts_before_the_first_model_ends_with_the_same_one():
    """Clients and validators are started one after the other; the last one when a round is under way already."""
    beacon, early = goal_of(2)
    beacon.states.append(RoundState.OPEN)
    late = Goal(SimpleNamespace(beacon=beacon), 2)
    for is_last in (False, True):
        beacon.end_round(RoundState.PUBLISHED)
        assert [goal.is_reached() for goal in (early, late)] == [is_last] * 2
        beacon.states.append(RoundState.OPEN)


def test_rounds_without_a_model_do_not_count_and_neither_does_one_that_fell():
    beacon, goal = goal_of(1, RoundState.OPEN)
    for state in (RoundState.FAILED, RoundState.VOID):
        beacon.end_round(state)
        assert not goal.is_reached()
        beacon.states.append(RoundState.OPEN)


def test_who_is_left_alone_gives_up_after_many_rounds():
    """Validators that ended earlier leave the last one opening rounds that nobody completes."""
    beacon, goal = goal_of(2, *NINE_MODELS)
    beacon.states += [RoundState.PUBLISHED] + [RoundState.FAILED] * (2 * ROUNDS_FOR_A_MODEL - 2) + [RoundState.OPEN]
    assert not goal.is_reached()
    beacon.end_round(RoundState.FAILED)
    with pytest.raises(RoundNotCompleted, match="1 of 2 came of the last 20 rounds; the others may have ended"):
        goal.is_reached()


def test_role_without_a_number_runs_on():
    assert not goal_of(None, *NINE_MODELS)[1].is_reached()


def test_role_ends_once_its_goal_is_reached():
    beacon = StubBeacon(*NINE_MODELS)
    rounds = iter([RoundState.OPEN, RoundState.PUBLISHED])

    def step():
        if (state := next(rounds, None)) is not None:
            beacon.states.append(state) if state is RoundState.OPEN else beacon.end_round(state)
        return Step(state is not None)

    Daemon(0.0, threading.Event(), goal=Goal(SimpleNamespace(beacon=beacon), 1)).run(step)
    assert next(rounds, None) is None
