"""Who spent how much processor time on what: the work of every role, participant and stage of a process.

A round plays all roles in one process, so a role's share is what the process spent while the role acted, with the
threads that worked for it. Chains and IPFS nodes are processes of their own: the operating system says what they spent.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

Key = tuple[str, int | None, str]  # role, participant, stage


@dataclass(frozen=True)
class Work:
    """What one participant spent in one stage, seconds. A challenger, a chain and an IPFS node have no number."""

    role: str
    participant: int | None
    stage: str
    cpu_seconds: float
    wall_seconds: float


class Meter:
    """Adds up work; to be used from the one thread that lets the roles act. `clear` begins anew."""

    def __init__(self, service_pids: Callable[[], Mapping[str, int]] = dict) -> None:
        """`service_pids` gives the process id of every service, by name, each time it is asked: services restart."""
        self._service_pids = service_pids
        self._spent: dict[Key, tuple[float, float]] = {}
        self._open: list[tuple[float, float]] = []

    @contextmanager
    def measuring(self, role: str, participants: int | Sequence[int] | None, stage: str) -> Iterator[None]:
        """Charge what happens inside to `role`; several participants that act as one batch share it equally.

        What is measured inside is charged there, and not here as well.
        """
        start = time.process_time(), time.perf_counter()
        self._open.append((0.0, 0.0))
        try:
            yield
        finally:
            cpu, wall = time.process_time() - start[0], time.perf_counter() - start[1]
            inner_cpu, inner_wall = self._open.pop()
            if self._open:
                outer_cpu, outer_wall = self._open[-1]
                self._open[-1] = outer_cpu + cpu, outer_wall + wall
            sharing = participants if isinstance(participants, Sequence) else [participants]
            for participant in sharing:
                key = role, participant, stage
                self._charge(key, (cpu - inner_cpu) / len(sharing), (wall - inner_wall) / len(sharing))

    @contextmanager
    def measuring_services(self, stage: str) -> Iterator[None]:
        """Charge what the services spend while this lasts, each to itself, as far as the system tells."""
        before, start = self._service_seconds(), time.perf_counter()
        try:
            yield
        finally:
            wall = time.perf_counter() - start
            for (name, pid), seconds in self._service_seconds().items():
                self._charge((name, None, stage), seconds - before.get((name, pid), 0.0), wall)

    def works(self) -> list[Work]:
        """All work since the beginning, or since `clear`."""
        return [Work(*key, cpu, wall) for key, (cpu, wall) in self._spent.items()]

    def clear(self) -> None:
        self._spent.clear()

    def _charge(self, key: Key, cpu: float, wall: float) -> None:
        spent_cpu, spent_wall = self._spent.get(key, (0.0, 0.0))
        self._spent[key] = spent_cpu + cpu, spent_wall + wall

    def _service_seconds(self) -> dict[tuple[str, int], float]:
        """Processor time of every service since its process started; one that cannot be asked is missing."""
        seconds = {(name, pid): process_cpu_seconds(pid) for name, pid in self._service_pids().items()}
        return {service: spent for service, spent in seconds.items() if spent is not None}


def process_cpu_seconds(pid: int) -> float | None:
    """User and system time of a process, its threads included, from `/proc` (proc(5)), in steps of a clock tick.

    None where there is no such process, or no `/proc`.
    """
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = status.rpartition(")")[2].split()  # the command's name, before it, may hold spaces and brackets
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def cpu_seconds_by_stage(works: Sequence[Work]) -> dict[str, dict[str, float]]:
    """Processor seconds of a role's participants together, by role and stage, to a tenth of a millisecond.

    A service that could not be asked is missing.
    """
    totals: dict[str, dict[str, float]] = {}
    for work in works:
        stages = totals.setdefault(work.role, {})
        stages[work.stage] = stages.get(work.stage, 0.0) + work.cpu_seconds
    return {role: {name: round(spent, 4) for name, spent in stages.items()} for role, stages in totals.items()}
