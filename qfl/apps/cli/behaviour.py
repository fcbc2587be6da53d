"""How a role behaves: as the protocol says, or as an adversary of an installed package does (`--attack NAME`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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
