"""The world of a run: the seed's schedule, carried out on real clients, validators and chains."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict
from statistics import mean
from typing import Any

import numpy as np

from qfl.chain.ledger import Ledger
from qfl.node.deadline_controller import DeadlineController, Deadlines, Times, measured_times
from qfl.protocol.types import ParticipantId, RoundNumber, ShardIndex
from qfl.simulation.faults.attendance import Schedule
from qfl.simulation.faults.config import Dynamics
from qfl.simulation.faults.pace import Pace, Paces
from qfl.simulation.faults.population import Population, ShardChains

log = logging.getLogger(__name__)

STREAM = 7
"""Sets these draws apart from the others of the same seed."""


class World:
    """`Conditions` by the seed. Whoever joins is bonded before the round opens, whoever leaves asks for its stake.

    What is asked of a round, after `begin` or `assemble`, may be asked by several threads.
    """

    def __init__(
        self,
        dynamics: Dynamics,
        seed: int,
        ledger: Ledger,
        schedule: Schedule,
        paces: Paces,
        population: Population,
        validators: Sequence[ParticipantId],
        chains: ShardChains | None = None,
        controller: DeadlineController | None = None,
    ) -> None:
        self._dynamics, self._seed, self._ledger = dynamics, seed, ledger
        self._schedule, self._paces, self._population = schedule, paces, population
        self._validators, self._chains, self._controller = sorted(validators), chains, controller
        self._clients: dict[ParticipantId, int] = {}
        self._gone: set[int] = set()
        self._silent: dict[RoundNumber, frozenset[ParticipantId]] = {}
        self._read: dict[RoundNumber, Deadlines] = {}
        self._down: set[int] = set()

    # --- Conditions ---

    def begin(self, round_number: RoundNumber) -> None:
        """Kill and restart chains, set the deadlines, bond who joins, let go who leaves."""
        self._set_chains(round_number)
        if self._controller is not None and round_number > 1:
            before = RoundNumber(round_number - 1)
            self._controller.adapt(before, self._times(before))
        self.assemble(round_number)

    def is_present(self, round_number: RoundNumber, client: ParticipantId) -> bool:
        """As the schedule says."""
        return self._clients.get(client) in self._schedule.at(round_number).present

    def is_in_time(self, round_number: RoundNumber, client: ParticipantId) -> bool:
        """Whether its simulated times fit into the round's phases: who could not reveal does not commit."""
        if not self.is_present(round_number, client):
            return False
        deadlines, pace = self._deadlines(round_number), self._pace(round_number, client)
        return pace.commit <= deadlines.commit and pace.reveal_upload <= deadlines.reveal

    def answers(self, round_number: RoundNumber, validator: ParticipantId) -> bool:
        """Unless it is one of the silent."""
        if round_number not in self._silent:
            self._silent = {round_number: self._silent_in(round_number)}
        return validator not in self._silent[round_number]

    # --- what the run asks ---

    def assemble(self, round_number: RoundNumber) -> None:
        """Have everybody bonded who takes part in a round by then, and nobody who has left: also in a resumed run."""
        attendance = self._schedule.at(round_number)
        for client in sorted(attendance.members - set(self._clients.values())):
            self._clients[self._population.join(client)] = client
        for client in sorted(attendance.departed - self._gone):
            self._population.leave(client)
            self._gone.add(client)

    def describe(self, round_number: RoundNumber) -> dict[str, Any]:
        """What befell a round that is over. Seconds are simulated ones, each the mean of those present but for
        `last_commit` and `last_reveal`, which are those of the slowest that was in time."""
        attendance = self._schedule.at(round_number)
        present = [client for client, number in self._clients.items() if number in attendance.present]
        in_time = [client for client in present if self.is_in_time(round_number, client)]
        paces = {client: self._pace(round_number, client) for client in present}
        return {
            "present": len(present),
            "joined": len(attendance.joined),
            "returned": len(attendance.returned),
            "left": len(attendance.left),
            "straggled": len(present) - len(in_time),
            "moved": self._moved(round_number, present),
            "silent_validators": len(self._silent_in(round_number)),
            "deadlines": asdict(self._deadlines(round_number)),
            "simulated_seconds": {
                "transfer": _mean([pace.transfer for pace in paces.values()]),
                "train": _mean([pace.train for pace in paces.values()]),
                "last_commit": round(max((paces[client].commit for client in in_time), default=0.0), 4),
                "last_reveal": round(max((paces[client].reveal_upload for client in in_time), default=0.0), 4),
            },
        }

    # --- how ---

    def _set_chains(self, round_number: RoundNumber) -> None:
        if self._chains is None:
            return
        killed = {place.shard for place in self._dynamics.killed() if place.round == round_number}
        for shard in sorted(self._down - killed):
            log.info("the chain of shard %d is started again", shard)
            self._chains.restart_shard_chain(shard)
        for shard in sorted(killed - self._down):
            log.info("the chain of shard %d is killed", shard)
            self._chains.kill_shard_chain(shard)
        self._down = killed

    def _times(self, round_number: RoundNumber) -> Times:
        """Measured and simulated seconds together: what this process took, and what the client would have."""
        measured = measured_times(self._ledger, round_number)
        commits = {client: spent + self._pace(round_number, client).commit for client, spent in measured.commit.items()}
        reveals = {
            client: spent + self._pace(round_number, client).reveal_upload for client, spent in measured.reveal.items()
        }
        return Times(commits, reveals)

    def _pace(self, round_number: RoundNumber, client: ParticipantId) -> Pace:
        number = self._clients[client]
        return self._paces.of(number, number in self._schedule.at(round_number).slow)

    def _deadlines(self, round_number: RoundNumber) -> Deadlines:
        """A round's never change, so they are read once."""
        if round_number not in self._read:
            parameters = self._ledger.beacon.parameters_of(round_number)
            self._read[round_number] = Deadlines(parameters["commitSeconds"], parameters["revealSeconds"])
        return self._read[round_number]

    def _silent_in(self, round_number: RoundNumber) -> frozenset[ParticipantId]:
        rng = np.random.default_rng([self._seed, STREAM, round_number])
        count = int(self._dynamics.silent_validators * len(self._validators) + rng.random())
        silent = {self._validators[index] for index in rng.permutation(len(self._validators))[:count]}
        for place in self._dynamics.silenced():
            if place.round == round_number:
                silent.update(self._ledger.beacon.committee(round_number, ShardIndex(place.shard)))
        return frozenset(silent)

    def _moved(self, round_number: RoundNumber, clients: Sequence[ParticipantId]) -> int:
        """How many of them the draw put into another shard than in the round before."""
        if round_number == 1 or len(self._ledger.shards) == 1:
            return 0
        before, beacon = RoundNumber(round_number - 1), self._ledger.beacon
        members = self._schedule.at(before).members
        known = [client for client in clients if self._clients[client] in members]
        return sum(beacon.shard_of(before, client) != beacon.shard_of(round_number, client) for client in known)


def _mean(values: Sequence[float]) -> float:
    return round(mean(values), 4) if values else 0.0
