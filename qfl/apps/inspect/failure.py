"""A failed transaction explained: who refused, which rule it broke, what to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from web3 import Web3

from qfl.apps.inspect.plain import plain
from qfl.apps.inspect.rules import find_rule
from qfl.chain.rpc.replay import OVERTAKEN, find_failure


def explain_failure(
    web3: Web3,
    transaction: Mapping[str, Any],
    receipt: Mapping[str, Any],
    name_of: Callable[[str], str | None],
) -> dict[str, Any]:
    """`error` in one line, and under `failure` the trace of it.

    Args:
        name_of: the contract at an address, as the deployment calls it.

    Raises:
        ChainUnreachable.
    """
    failure = find_failure(web3, transaction, receipt)
    found, rule = failure.refusal, find_rule(failure.refusal.name)
    calls = [{"contract": name_of(call.address) or call.address, "function": call.function} for call in failure.calls]
    return {
        "error": rule.rule if found.name == OVERTAKEN else str(found),
        "failure": {
            "error": found.name,
            "values": plain(found.values),
            "refused_by": calls[-1],
            "calls": calls,
            "rule": rule.rule,
            "remedy": rule.remedy,
            "found_by": failure.found_by,
        },
    }
