"""Which rule a refusal of the contracts speaks of, and what to do about it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class Rule:
    """The rule that was broken, and what whoever broke it can do."""

    rule: str
    remedy: str


_OF_NO_CONTRACT_HERE = Rule(
    "a contract that is not of this deployment, or of another version, refused for a reason of its own",
    "compare the address with the deployment file, and the contracts with this program's version",
)


def find_rule(error: str) -> Rule:
    """What the contracts' error of this name means; of one that they do not have, that it is not theirs."""
    return all_rules().get(error, _OF_NO_CONTRACT_HERE)


@cache
def all_rules() -> Mapping[str, Rule]:
    """Every error of `rules.toml`, by name."""
    text = files(__package__).joinpath("rules.toml").read_text()
    return {name: Rule(**entry) for name, entry in tomllib.loads(text).items()}
