"""How several roles of one process act: one after the other, or some at the same time; a failed one stops nobody."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Protocol, TypeVar

from qfl.chain.ledger import Ledger
from qfl.errors import (
    ChainUnreachable,
    ContractReverted,
    NotFinite,
    ProofFailed,
    ProtocolError,
    StorageError,
    TransactionFailed,
)
from qfl.node.meter import Meter
from qfl.protocol.types import ParticipantId

log = logging.getLogger(__name__)

ONE_ROLE_FAILED = (ContractReverted, NotFinite, ProofFailed, ProtocolError, StorageError, TransactionFailed)
"""Faults of one role that do not stop the others."""


class Member(Protocol):
    """A client or a validator."""

    @property
    def participant(self) -> ParticipantId:
        """Its number."""


_Member = TypeVar("_Member", bound=Member)
_T = TypeVar("_T")


@dataclass(frozen=True)
class Turns:
    """Lets `at_once` roles act at the same time: what they ask of the chain then travels together."""

    ledger: Ledger
    meter: Meter
    at_once: int

    def let_each(
        self,
        role: str,
        stage: str,
        members: Sequence[_Member],
        act: Callable[[_Member], _T],
        queue_of: Callable[[_Member], int] = lambda member: member.participant,
    ) -> list[_T | None]:
        """What `act` came to for each member; None for one that failed.

        Members of one queue act one after the other, in their order here. With several at once, the work is measured
        together, and each is charged an equal share.
        """

        def let(member: _Member) -> _T | None:
            with self.tolerating(member.participant):
                return act(member)
            return None

        found: dict[int, _T | None] = {}
        if self.at_once == 1:
            for position, member in enumerate(members):
                with self.meter.measuring(role, member.participant, stage):
                    found[position] = let(member)
            return list(found.values())

        def let_queue(positions: list[int]) -> None:
            found.update({position: let(members[position]) for position in positions})

        queues: dict[int, list[int]] = {}
        with self.meter.measuring(role, [member.participant for member in members], stage):
            for position, member in enumerate(members):
                queues.setdefault(queue_of(member), []).append(position)
            list(_hands(self.at_once).map(let_queue, queues.values()))
        return [found[position] for position in range(len(members))]

    @contextmanager
    def tolerating(self, participant: ParticipantId) -> Iterator[None]:
        """Log what stops one role only, or everybody whose shard's chain is away."""
        try:
            yield
        except ChainUnreachable as fault:
            if not self.ledger.is_of_a_shard(fault):
                raise
            log.debug("participant %d goes on without this step: %s", participant, fault)
        except ONE_ROLE_FAILED as fault:
            log.warning("participant %d goes on without this step: %s", participant, fault)


@cache
def _hands(count: int) -> ThreadPoolExecutor:
    """Threads that stay: each keeps its connection to the store."""
    return ThreadPoolExecutor(count, thread_name_prefix="role")
