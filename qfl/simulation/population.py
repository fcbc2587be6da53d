"""The clients of a run in one process, those still to come included, and the world that sends them in and out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from qfl.chain.clock import Clock, DevelopmentClock
from qfl.chain.contracts.staking import Role
from qfl.chain.ledger import Ledger
from qfl.chain.rpc.sender import TransactionSender
from qfl.client.client import Client
from qfl.crypto.lms import signature_bytes
from qfl.crypto.sealed import sealed_bytes
from qfl.node.deadline_controller import DeadlineController
from qfl.node.membership import has_left
from qfl.protocol.content import HEADER_BYTES, plain_bytes
from qfl.protocol.types import ParticipantId, RoundNumber
from qfl.simulation.config import JobConfig
from qfl.simulation.faults.attendance import Schedule
from qfl.simulation.faults.config import dynamics_config
from qfl.simulation.faults.fault import Scene, make_faults
from qfl.simulation.faults.pace import Paces, Payload
from qfl.simulation.faults.population import ShardChains
from qfl.simulation.faults.world import World
from qfl.simulation.identities import LocalIdentities
from qfl.training.job import JobDocument

log = logging.getLogger(__name__)

ENVELOPE_BYTES = 115
"""A signed transaction beside its data (EIP-1559), as receipts of development chains show it."""


class Clients:
    """A `Population`: `clients` is the network's own list, to which those are added that join."""

    def __init__(
        self,
        identities: LocalIdentities,
        ledger: Ledger,
        *,
        senders: Sequence[TransactionSender],
        clients: list[Client],
        bond: Callable[[int], Client],
    ) -> None:
        """`senders` pay for the clients, by number, newcomers included; `bond` makes one take part."""
        self._identities, self._ledger, self._senders = identities, ledger, senders
        self._clients, self._bond = clients, bond

    def join(self, client: int) -> ParticipantId:
        """Bond a client unless it is, and let it take part."""
        for known in self._clients:
            if known.index == client:
                return known.participant
        joined = self._bond(client)
        self._clients.append(joined)
        return joined.participant

    def leave(self, client: int) -> None:
        """Ask for a client's stake back unless that was done."""
        folder = self._identities.client_folders[client]
        if has_left(self._ledger, folder):
            return
        participant = self.join(client)
        record = self._ledger.staking.participant(participant)
        if record.role is Role.CLIENT and not record.exitable_at:
            signature = self._identities.keys[folder].sign(self._ledger.staking_domain.exit(participant, record.nonce))
            self._senders[client].send(self._ledger.staking.request_exit(participant, signature))

    def withdraw(self, clock: Clock) -> None:
        """Pay out those who have left; nothing more can be credited to them afterwards.

        On a chain whose time cannot be moved, a stake that is still liable is left to `qfl stake withdraw`.
        """
        for client in self._clients:
            record = self._ledger.staking.participant(client.participant)
            if record.role is not Role.CLIENT or not record.exitable_at:
                continue
            if isinstance(clock, DevelopmentClock):
                clock.reach(record.exitable_at)
            if self._ledger.now() >= record.exitable_at:
                self._senders[client.index].send(self._ledger.staking.withdraw(client.participant))
            else:
                log.info("participant %d can withdraw from unix second %d on", client.participant, record.exitable_at)


def make_world(
    config: JobConfig,
    job: JobDocument,
    *,
    ledger: Ledger,
    owner: TransactionSender,
    population: Clients,
    validators: Sequence[ParticipantId],
    chains: ShardChains | None = None,
) -> World:
    """The world that the job's dynamics describe, with everybody in it who should be there now.

    Args:
        owner: pays from the account that may set deadlines.
        chains: those that may be killed.

    Raises:
        InvalidInput: the dynamics do not fit the deployment.
    """
    dynamics = dynamics_config(config.dynamics)
    scene = Scene(config.seed, ledger, sorted(validators), chains)
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
    number, client, signature = RoundNumber(1), ParticipantId(1), bytes(signature_bytes(config.key_height))
    commit = shard.commit(number, client, base_root=zeros, commitment=zeros, signature=signature)
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
