"""The kinds of numbers that commands take: each has two ends, and what is no number is none of them."""

import math
from typing import Any

import click

from qfl.bounds import LAST_PARTICIPANT, LAST_SEED, MOST_PARTICIPANTS, MOST_ROUNDS


class Real(click.FloatRange):
    """A number in a range; NaN, which compares with nothing, is in none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return number


COUNT = click.IntRange(1, 10**9)
SEED = click.IntRange(0, LAST_SEED)
PARTICIPANTS = click.IntRange(1, MOST_PARTICIPANTS)
ROUNDS = click.IntRange(1, MOST_ROUNDS)
ROUND = click.IntRange(0, 2**63 - 1)
"""The number of one."""
SHARD = click.IntRange(0, 2**16 - 1)
PARTICIPANT = click.IntRange(1, LAST_PARTICIPANT)
ETHER = Real(0, 1e9)
SECONDS = Real(0, 86_400)
SHARE = Real(0, 1)
