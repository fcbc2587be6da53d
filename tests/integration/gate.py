"""A gate in front of a development chain that hides what it is: nothing of a development chain gets through."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from doctored import Error, Result, doctored_proxy

DEVELOPMENT = ("evm_", "anvil_", "hardhat_")


@dataclass
class Gate:
    """Where it is, and which methods were asked for. `errors` are what it answers instead of the chain, by method."""

    url: str = ""
    asked: list[str] = field(default_factory=list)
    errors: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@contextmanager
def gate_before(
    rpc_url: str, version: str, errors: Mapping[str, Mapping[str, Any]] | None = None, is_strict: bool = True
) -> Iterator[Gate]:
    """A gate that says it is `version`, and refuses a development chain's methods if it `is_strict`."""
    gate = Gate(errors=errors or {})

    def answer(call: dict[str, Any]) -> Error | Result | None:
        method = call["method"]
        gate.asked.append(method)
        if method in gate.errors:
            return Error(gate.errors[method])
        if method == "web3_clientVersion":
            return Result(version)
        if is_strict and method.startswith(DEVELOPMENT):
            return Error({"code": -32601, "message": f"the method {method} does not exist"})
        return None

    with doctored_proxy(rpc_url, answer) as gate.url:
        yield gate
