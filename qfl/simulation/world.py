"""The world of a run: the seed's schedule and faults, carried out on real clients, validators and chains."""

from collections.abc import Sequence
from dataclasses import asdict
from statistics import mean
from typing import Any

from qfl.chain.ledger import Ledger
from qfl.chain.rpc.sender import TransactionSender
from qfl.crypto.hash_chain import LINK_BYTES
from qfl.crypto.lms import signature_bytes
from qfl.crypto.sealed import sealed_bytes
from qfl.devnet.devnet import Devnet
from qfl.node.deadline_controller import DeadlineController, Deadlines, Times, measured_times
from qfl.protocol.content import HEADER_BYTES, plain_bytes
from qfl.protocol.types import ParticipantId, RoundNumber
from qfl.simulation.config import JobConfig
from qfl.simulation.faults.clients import Pace, Paces, Payload, Schedule
from qfl.simulation.faults.config import dynamics_config
from qfl.simulation.faults.fault import Conditions, Fault, Scene, make_faults
from qfl.simulation.identities import Clients
from qfl.training.job import JobDocument

ENVELOPE_BYTES = 115
"""A signed transaction beside its data (EIP-1559), as receipts of development chains show it."""


class World(Conditions):
    """Conditions by the seed. Whoever joins is bonded before the round opens, whoever leaves asks for its stake.

    What is asked of a round, after `begin` or `assemble`, may be asked by several threads.
    """

    def __init__(
        self,
        scene: Scene,
        schedule: Schedule,
        paces: Paces,
        population: Clients,
        faults: Sequence[Fault] = (),
        controller: DeadlineController | None = None,
    ) -> None:
        self._ledger, self._validators = scene.ledger, scene.validators
        self._schedule, self._paces, self._population = schedule, paces, population
        self._faults, self._controller = faults, controller
        self._clients: dict[ParticipantId, int] = {}
        self._gone: set[int] = set()
        self._read: dict[RoundNumber, Deadlines] = {}

    def begin(self, round_number: RoundNumber) -> None:
        """Begin the faults, set the deadlines, bond who joins, let go who leaves."""
        for fault in self._faults:
            fault.begin(round_number)
        if self._controller is not None and round_number > 1:
            before = RoundNumber(round_number - 1)
            self._controller.adapt(before, self._times(before))
        self.assemble(round_number)

    def is_present(self, round_number: RoundNumber, client: ParticipantId) -> bool:
        if self._clients.get(client) not in self._schedule.at(round_number).present:
            return False
        return all(fault.is_present(round_number, client) for fault in self._faults)

    def is_in_time(self, round_number: RoundNumber, client: ParticipantId) -> bool:
        """Whether its simulated times fit into the round's phases: who could not reveal does not commit."""
        if not self.is_present(round_number, client):
            return False
        deadlines, pace = self._deadlines(round_number), self._pace(round_number, client)
        if pace.commit > deadlines.commit or pace.reveal_upload > deadlines.reveal:
            return False
        return all(fault.is_in_time(round_number, client) for fault in self._faults)

    def answers(self, round_number: RoundNumber, validator: ParticipantId) -> bool:
        return all(fault.answers(round_number, validator) for fault in self._faults)

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
        present = [client for client in self._clients if self.is_present(round_number, client)]
        in_time = [client for client in present if self.is_in_time(round_number, client)]
        paces = {client: self._pace(round_number, client) for client in present}
        return {
            "present": len(present),
            "joined": len(attendance.joined),
            "returned": len(attendance.returned),
            "left": len(attendance.left),
            "straggled": len(present) - len(in_time),
            "moved": self._moved(round_number, present),
            "silent_validators": sum(not self.answers(round_number, validator) for validator in self._validators),
            "deadlines": asdict(self._deadlines(round_number)),
            "simulated_seconds": {
                "transfer": _mean([pace.transfer for pace in paces.values()]),
                "train": _mean([pace.train for pace in paces.values()]),
                "last_commit": round(max((paces[client].commit for client in in_time), default=0.0), 4),
                "last_reveal": round(max((paces[client].reveal_upload for client in in_time), default=0.0), 4),
            },
        }

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


def make_world(
    config: JobConfig,
    job: JobDocument,
    *,
    ledger: Ledger,
    owner: TransactionSender,
    population: Clients,
    validators: Sequence[ParticipantId],
    devnet: Devnet | None = None,
) -> World:
    """The world that the job's dynamics describe, with everybody in it who should be there now.

    `owner` pays from the account that may set deadlines; `devnet` runs the shards' chains that may be killed.

    Raises InvalidInput: the dynamics do not fit the deployment.
    """
    dynamics = dynamics_config(config.dynamics)
    scene = Scene(config.seed, ledger, sorted(validators), devnet)
    schedule = Schedule(config.clients, dynamics, config.seed)
    paces = Paces(dynamics, measure_payload(ledger, job, config), config.seed)
    controller = None
    if dynamics.adaptive_deadlines:
        controller = DeadlineController(ledger, owner, dynamics.deadline_rule())
    world = World(scene, schedule, paces, population, make_faults(scene, dynamics), controller)
    world.assemble(RoundNumber(max(1, ledger.beacon.current_round())))
    return world


def measure_payload(ledger: Ledger, job: JobDocument, config: JobConfig) -> Payload:
    """What a client of the job moves in a round: the calls and objects themselves, with nothing in them.

    Its update has plain lanes, the most it can be: how long a compact one is, only training tells.
    """
    total, seats = job.architecture.shape.total, ledger.beacon.next_parameters()["seats"]
    update, shard, zeros = plain_bytes(total, config.lane_bits), ledger.shards[0], bytes(32)
    number, client, promise = RoundNumber(1), ParticipantId(1), {"base_root": zeros, "commitment": zeros}
    if config.signing == "lms":
        commit = shard.commit(number, client, **promise, signature=bytes(signature_bytes(config.key_height)))
    else:
        commit = shard.commit_by_key(number, client, **promise, token=bytes(LINK_BYTES))
    opening = {"update_root": zeros, "content_digest": zeros, "salt": zeros}
    reveal = shard.reveal(number, client, **opening)
    if job.mode == "private":
        update = sealed_bytes(update, seats)
        reveal = shard.reveal_private(number, client, **opening, vector_commitment=0, proof=bytes(256))
    return Payload(
        model=HEADER_BYTES + 4 * total,
        commit=len(commit.data) + ENVELOPE_BYTES,
        reveal=len(reveal.data) + ENVELOPE_BYTES + update,
    )
