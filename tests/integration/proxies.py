"""Proxies in front of a chain's node: they answer in its place, lose what was said, or hide what it is."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from experiments.attacks.proxy import Ask, Whole, proxy

DEVELOPMENT = ("evm_", "anvil_", "hardhat_")


@dataclass(frozen=True)
class Error:
    """The `error` of the answer to one call, whatever JSON it is."""

    error: Any


@dataclass(frozen=True)
class Result:
    """The `result` of the answer to one call."""

    result: Any


Doctor = Callable[[dict[str, Any]], Error | Result | Whole | None]
"""From a call (`method`, `params`) to what it gets; None: what the chain says."""


def doctored_proxy(
    rpc_url: str, doctor: Doctor, whole_doctor: Callable[[list[dict[str, Any]]], Whole | None] = lambda _: None
) -> AbstractContextManager[str]:
    """The URL of a proxy that asks `whole_doctor` about every request, and `doctor` about every call in it."""

    def treat(body: bytes, ask: Ask) -> Whole:
        calls = json.loads(body)
        said = [doctor(call) for call in calls]
        whole = whole_doctor(calls) or next((one for one in said if isinstance(one, Whole)), None)
        if whole is not None:
            return whole
        passed = [call for call, one in zip(calls, said, strict=True) if one is None]
        answers = {answer["id"]: answer for answer in json.loads(ask(json.dumps(passed).encode()))} if passed else {}
        for call, one in zip(calls, said, strict=True):
            if one is not None:
                answers[call["id"]] = {"jsonrpc": "2.0", "id": call["id"], **vars(one)}
        return Whole(json.dumps(list(answers.values())).encode())

    return proxy(rpc_url, treat)


class Loss(Enum):
    """What becomes of a request."""

    NONE = "none"
    QUESTION = "the chain never hears of it"
    ANSWER = "the chain does it, and nobody hears of that"


def flaky_proxy(rpc_url: str, lose: Callable[[bytes], Loss]) -> AbstractContextManager[str]:
    """The URL of a proxy that asks `lose` about the body of every request."""

    def treat(body: bytes, ask: Ask) -> Whole | None:
        loss = lose(body)
        answer = b"" if loss is Loss.QUESTION else ask(body)
        return Whole(answer) if loss is Loss.NONE else None

    return proxy(rpc_url, treat)


@dataclass
class Gate:
    """Hides that a chain is a development chain. `asked` are the methods that were asked for."""

    url: str = ""
    asked: list[str] = field(default_factory=list)


@contextmanager
def gate_before(
    rpc_url: str, version: str, errors: Mapping[str, Mapping[str, Any]] | None = None, is_strict: bool = True
) -> Iterator[Gate]:
    """A gate that says it is `version`, and refuses a development chain's methods if it `is_strict`.

    `errors` are what it answers instead of the chain, by method.
    """
    gate = Gate()

    def answer(call: dict[str, Any]) -> Error | Result | None:
        method = call["method"]
        gate.asked.append(method)
        if errors and method in errors:
            return Error(errors[method])
        if method == "web3_clientVersion":
            return Result(version)
        if is_strict and method.startswith(DEVELOPMENT):
            return Error({"code": -32601, "message": f"the method {method} does not exist"})
        return None

    with doctored_proxy(rpc_url, answer) as gate.url:
        yield gate
