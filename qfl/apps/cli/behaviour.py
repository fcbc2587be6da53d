"""How a role behaves, by the protocol or as an adversary of an installed package (`--attack NAME`), and how it ends."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from qfl.doors import Door
from qfl.errors import InvalidInput

if TYPE_CHECKING:
    from qfl.chain.rpc.sender import Sender, TransactionSender
    from qfl.training.data.datasets import LabelledData
    from qfl.training.job import JobDocument

Role = TypeVar("Role")


@dataclass(frozen=True)
class Behaviour(Generic[Role]):
    """A role's class, the account that it sends from, and the data that it trains on."""

    kind: type[Role]
    account: Callable[[Sender], TransactionSender] = lambda sender: sender
    data: Callable[[LabelledData, JobDocument], LabelledData] = lambda data, _job: data


ADVERSARIES: Door[Callable[[str, type[Any]], Behaviour[Any]]] = Door("adversary", group="qfl.adversaries")
"""Each entry finds a behaviour by name for an honest role's class, and raises InvalidInput where it has none."""


def find_behaviour(name: str | None, honest: type[Role]) -> Behaviour[Role]:
    """The behaviour called `name`, of the first installed package that has it; without a name the `honest` one.

    Raises:
        InvalidInput: no installed package has such an adversary for this role.
        DoorBroken: a package that may have it cannot be loaded.
    """
    if name is None:
        return Behaviour(honest)
    remedies = []
    for package in ADVERSARIES:
        try:
            return ADVERSARIES.find(package, "attack")(name, honest)
        except InvalidInput as refusal:
            remedies.append(refusal.remedy)
    raise InvalidInput("attack", name, "; ".join(remedies) or "adversaries come with the package qflchain-experiments")


@contextmanager
def stopping() -> Iterator[threading.Event]:
    """An event that SIGINT or SIGTERM sets: the role ends between two steps. A second signal ends it at once."""
    stop = threading.Event()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def ask(_number: int, _frame: FrameType | None) -> None:
        stop.set()
        restore()

    for number in before:
        signal.signal(number, ask)
    try:
        yield stop
    finally:
        restore()
