"""Scores of updates: what trains the model is told from what harms it, also where a client has few classes."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from qfl.quantum.architecture import Architecture
from qfl.training.data.datasets import LabelledData, load_dataset
from qfl.training.quality import Quality, assess_updates
from qfl.training.recipe import TrainingConfig
from qfl.training.training import evaluate, initial_parameters, train_clients
from qfl.validator.selection import WORST_GAIN

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
