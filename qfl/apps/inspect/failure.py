"""A failed transaction explained: who refused, which rule it broke, what to do."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from web3 import Web3

from qfl.apps.inspect.plain import plain
from qfl.chain.rpc.revert import OVERTAKEN, find_failure


@dataclass(frozen=True)
class Rule:
    """The rule that was broken, and what whoever broke it can do."""

    rule: str
    remedy: str


_OF_NO_CONTRACT_HERE = Rule(
    "a contract that is not of this deployment, or of another version, refused for a reason of its own",
    "compare the address with the deployment file, and the contracts with this program's version",
)


@cache
def all_rules() -> Mapping[str, Rule]:
    """Every error of `rules.toml`, by name."""
    text = files(__package__).joinpath("rules.toml").read_text()
    return {name: Rule(**entry) for name, entry in tomllib.loads(text).items()}


def find_rule(error: str) -> Rule:
    """What the contracts' error of this name means; of one that they do not have, that it is not theirs."""
    return all_rules().get(error, _OF_NO_CONTRACT_HERE)


def explain_failure(
    web3: Web3,
    transaction: Mapping[str, Any],
    *,
    receipt: Mapping[str, Any],
    name_of: Callable[[str], str | None],
) -> dict[str, Any]:
    """`error` in one line, and under `failure` the trace of it.

    Args:
        name_of: the contract at an address, as the deployment calls it.

    Raises:
        ChainUnreachable.
    """
    failure = find_failure(web3, transaction, receipt=receipt)
    found, broken = failure.refusal, find_rule(failure.refusal.name)
    calls = [{"contract": name_of(call.address) or call.address, "function": call.function} for call in failure.calls]
    return {
        "error": broken.rule if found.name == OVERTAKEN else str(found),
        "failure": {
            "error": found.name,
            "values": plain(found.values),
            "refused_by": calls[-1],
            "calls": calls,
            **plain(broken),
            "found_by": failure.found_by,
        },
    }
