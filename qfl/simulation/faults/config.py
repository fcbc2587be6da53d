"""What happens to the participants of a run: settings only, the table `[dynamics]` of a job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from qfl.bounds import MOST_PARTICIPANTS, MOST_ROUNDS, check_number, check_whole
from qfl.errors import InvalidInput
from qfl.node.deadline_rule import DeadlineRule
from qfl.simulation.faults.links import find_link

PLACES = ("silent_committees", "outages")


@dataclass(frozen=True)
class ShardInRound:
    round: int
    shard: int


@dataclass(frozen=True)
class Dynamics:
    """Who comes, goes and straggles. The defaults are a calm run.

    Attributes:
        churn: share of the clients present that go before each round but the first, in [0, 1).
        exits: share of those going that leave for good; the others are away for some rounds.
        longest_absence: most rounds that a client is away; each number from 1 on is as likely.
        newcomers: clients that may join in mid-run, one for each that leaves for good while there are any. Their
            shares of the data are set apart from the start.
        stragglers: share of the clients present that straggle in a round.
        slowdown: how many times as long a straggler trains, from 1.
        train_seconds: simulated seconds of training on a median device.
        spread: standard deviation of the logarithm of devices' speeds; 0 makes them all alike.
        links: profiles of `links.toml`, dealt out at random; none: transfers take no time.
        silent_validators: share of the validators that do nothing in a round.
        silent_committees: committees that do nothing, as "ROUND:SHARD".
        outages: chains of shards that are killed before a round and restarted before the next, as "ROUND:SHARD".
        faults: other kinds of faults by their names (`qfl.simulation.faults.fault.FAULTS`), each with its settings.
        adaptive_deadlines: whether the owner sets each round's deadlines by the times of the one before.
        deadlines: fields of `qfl.node.deadline_rule.DeadlineRule`.

    Raises InvalidInput: a value outside its range.
    """

    churn: float = 0.0
    exits: float = 0.2
    longest_absence: int = 2
    newcomers: int = 0
    stragglers: float = 0.0
    slowdown: float = 10.0
    train_seconds: float = 60.0
    spread: float = 0.25
    links: tuple[str, ...] = ()
    silent_validators: float = 0.0
    silent_committees: tuple[str, ...] = ()
    outages: tuple[str, ...] = ()
    faults: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    adaptive_deadlines: bool = False
    deadlines: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("churn", "exits", "stragglers", "silent_validators"):
            check_number(f"dynamics.{name}", getattr(self, name), 0, 1)
        if self.churn == 1:
            raise InvalidInput("dynamics.churn", self.churn, "must be below 1: somebody has to stay")
        for name, least, most in (("slowdown", 1.0, 1e6), ("train_seconds", 0.0, 1e6), ("spread", 0.0, 10.0)):
            check_number(f"dynamics.{name}", getattr(self, name), least, most)
        check_whole("dynamics.longest_absence", self.longest_absence, 1, MOST_ROUNDS)
        check_whole("dynamics.newcomers", self.newcomers, 0, MOST_PARTICIPANTS)
        for name in ("links", "silent_committees", "outages"):
            values = getattr(self, name)
            if not isinstance(values, tuple) or not all(isinstance(value, str) for value in values):
                raise InvalidInput(f"dynamics.{name}", values, "must be a list of texts")
        if not isinstance(self.adaptive_deadlines, bool):
            raise InvalidInput("dynamics.adaptive_deadlines", self.adaptive_deadlines, "must be true or false")
        for link in self.links:
            find_link(link)
        for name in PLACES:
            self.places(name)
        if not isinstance(self.faults, Mapping) or not all(isinstance(of, Mapping) for of in self.faults.values()):
            raise InvalidInput("dynamics.faults", self.faults, "must be a table of each fault's settings")
        self.deadline_rule()

    def calmed(self) -> Dynamics:
        """The same world without churn, stragglers, silence, outages: with the same shares of the data."""
        calm = Dynamics()
        fates = ("churn", "stragglers", "silent_validators", "silent_committees", "outages", "faults")
        return replace(self, **{name: getattr(calm, name) for name in fates})

    def places(self, name: str) -> list[ShardInRound]:
        """One of the settings `PLACES`, read."""
        return [_place(name, text) for text in getattr(self, name)]

    def fault_settings(self) -> Mapping[str, Mapping[str, Any]]:
        """The faults, each with its settings: those that have settings of this table's own, and `faults`."""
        silence = {"share": self.silent_validators, "committees": self.places("silent_committees")}
        found: dict[str, Mapping[str, Any]] = {"silence": silence} if any(silence.values()) else {}
        if self.outages:
            found["outages"] = {"places": self.places("outages")}
        return found | dict(self.faults)

    def deadline_rule(self) -> DeadlineRule:
        """`deadlines`, read. Raises InvalidInput."""
        try:
            return DeadlineRule(**self.deadlines)
        except TypeError as error:
            raise InvalidInput("dynamics.deadlines", self.deadlines, str(error)) from error


def dynamics_config(values: Mapping[str, Any]) -> Dynamics:
    """The dynamics in a config file's table. Raises InvalidInput: an unknown name or a bad value."""
    known = [setting.name for setting in fields(Dynamics)]
    for name, value in values.items():
        if name not in known:
            raise InvalidInput(f"dynamics.{name}", value, f"unknown; known are {', '.join(known)}")
    read: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    return Dynamics(**read)


def _place(name: str, text: str) -> ShardInRound:
    try:
        number, shard = map(int, text.split(":"))
    except ValueError:
        number, shard = 0, 0
    if number < 1 or shard < 0:
        raise InvalidInput(f"dynamics.{name}", text, 'write "ROUND:SHARD", rounds from 1, shards from 0: "4:1"')
    return ShardInRound(number, shard)
