"""The main job: a chain, an IPFS node, contracts, roles, rounds, rewards, a report. `run_job` reads from top to bottom.

Everything a run needs to go on is in its folder: stop it anywhere, `resume` takes it up.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from eth_account.signers.local import LocalAccount

from qfl.chain.clock import Clock, WaitingClock
from qfl.chain.deployment import Deployment
from qfl.chain.ledger import Ledger
from qfl.chain.rpc.calls import ReceiptListener
from qfl.chain.rpc.connection import connect
from qfl.chain.rpc.sender import Sender
from qfl.challenger.challenger import Challenger, Dispute
from qfl.challenger.fault_detector import FaultDetector
from qfl.crypto.norm.keys import NormKeys
from qfl.crypto.norm.prover import Prover
from qfl.devnet.devnet import Devnet
from qfl.errors import InvalidInput, RoundNotCompleted
from qfl.files import write_atomically
from qfl.node.encryption import require_norm_keys
from qfl.node.meter import Meter, cpu_seconds_by_stage
from qfl.node.outcome import committee_agreement, count_included, find_missed
from qfl.node.pruner import retention_of
from qfl.node.recompute import read_model
from qfl.node.relay import send_every
from qfl.node.settlement import final_at, pay_everyone, rewards_due, settle_due
from qfl.node.standing import published_rounds
from qfl.protocol.content import encode
from qfl.protocol.state import count_saturated, from_state
from qfl.protocol.types import RoundNumber
from qfl.quorum.quorum import SCHEMES, scheme_in
from qfl.simulation.config import JobConfig
from qfl.simulation.display import Display, explorer_beside
from qfl.simulation.document import EventLog, TimedProver, write_report
from qfl.simulation.driver import Network, RoundOutcome, run_round
from qfl.simulation.faults.fault import Conditions
from qfl.simulation.folder import LOG, check_folder, hold_folder, new_devnet
from qfl.simulation.identities import Clients, LocalIdentities, make_clock, make_senders, make_transaction_senders
from qfl.simulation.preflight import check_accounts, check_run, describe_waiting
from qfl.simulation.prepare import (
    check_size,
    clients_device,
    deploy_job,
    norm_keys,
    prepare_job,
    validation_shares,
    with_exponents,
)
from qfl.simulation.world import World, make_world
from qfl.storage.ipfs import IpfsStore
from qfl.storage.pubsub import IpfsPubsub
from qfl.storage.store import ContentStore
from qfl.training.data.datasets import Dataset
from qfl.training.job import JobDocument
from qfl.training.trainer import EXECUTORS
from qfl.validator.selection import Scorer

log = logging.getLogger(__name__)

DEPLOYMENT = "deployment.json"
AT_ONCE = 32  # roles that act at the same time: enough to fill a request to the chain, and a thread for each
MAX_FAILED_ROUNDS = 3  # rounds in a row that may end without a model before the run gives up


@dataclass(frozen=True)
class Place:
    """Where a job runs: its folder, what it uses instead of a chain and node of its own, and the keys of its proofs.

    `explorer` is the port of a page that shows the run while it lasts; None for no page, 0 for any port. `overwrite`
    deletes the run that the folder holds, once it is known that this one can begin.
    """

    folder: Path
    rpc: str | None = None
    ipfs: str | None = None
    account: LocalAccount | None = None
    real_time: bool = False
    resume: bool = False
    zk_keys: Path | None = None
    shard_rpcs: tuple[str, ...] = ()
    explorer: int | None = None
    overwrite: bool = False


def run_job(config: JobConfig, place: Place, display: Display) -> dict[str, Any]:
    """Run a job to its end and return its report, which is also written to `<folder>/report.json`.

    Raises QflError: what went wrong, and the remedy; the folder holds all that was done until then.
    """
    check_folder(place.folder, overwrite=place.overwrite, resume=place.resume)
    check_size(config)
    job, dataset, shares = prepare_job(config)
    config = with_exponents(config, job, shares[0])
    device = clients_device(config, job)
    plan = _Plan(config, place, display, job, dataset, norm_keys(job, place.zk_keys, display.stage))
    with ExitStack() as stack:
        events = stack.enter_context(_begun(plan))
        display.stage("starting chain and IPFS node")
        services = stack.enter_context(_services(plan))
        store = IpfsStore(services.ipfs)
        senders, *shard_senders = plan.senders_at(services.urls, events.add_receipt)
        carriers, deployers = make_transaction_senders(senders, shard_senders), [own[0] for own in shard_senders]
        clock = _checked(plan, senders, shard_senders)
        display.stage("making keys")
        identities = LocalIdentities(place.folder / "roles", config.identities, config.validators, config.key_height)
        stack.callback(identities.close)
        display.stage("deploying contracts")
        ledger = _deployed(plan, store, senders[0], deployers)
        if place.explorer is not None:
            explorer = explorer_beside(place.folder, place.explorer, services.urls, services.ipfs)
            display.note(f"explorer at {stack.enter_context(explorer)[1]} while this runs")
        prover = None if plan.keys is None else TimedProver(stack.enter_context(Prover(plan.keys)), events)
        display.stage("bonding")
        payers = carriers[1 : 1 + config.identities]
        population = Clients(
            identities, ledger, payers, store=store, seed=config.seed, prover=prover, signing=config.signing
        )
        for index in range(0 if config.dynamics else config.clients):
            population.join(index)
        scorers = [
            Scorer(job, own, seed=config.seed + seat) for seat, own in enumerate(validation_shares(config, dataset))
        ]
        pubsub = stack.enter_context(closing(IpfsPubsub(store)))
        validators = identities.validators(
            ledger, carriers[1 + config.identities :], store=store, pubsub=pubsub, scorers=scorers
        )
        world = None
        if config.dynamics:
            world = make_world(
                config,
                job,
                ledger=ledger,
                owner=senders[0],
                population=population,
                validators=[own.participant for own in validators],
                devnet=services.devnet if ledger.mirrors else None,
            )
        trainer = stack.enter_context(EXECUTORS.find(config.executor)(job, shares, device))
        detector = FaultDetector(ledger, store, identities.decryption_keys())
        network = Network(
            ledger,
            population.all,
            validators=validators,
            trainer=trainer,
            clock=clock,
            challenger=_challenger(plan, events, ledger, senders[0], detector),
            conditions=world or Conditions(),
            meter=Meter(services.devnet.pids if services.devnet else dict),
            sender=carriers[0],
            at_once=AT_ONCE,
            retention=retention_of(config.keep_rounds, store),
        )
        run = _Run(plan, network, store, senders[0], events, population, world)
        try:
            run.rounds()
            display.stage("waiting out the challenge window, paying rewards")
            run.settle()
            display.stage("training the same model centrally")
            run.train_centrally()
        finally:
            report = write_report(place.folder, config, job, ledger, events)
        write_atomically(place.folder / "model.qfl", encode(read_model(ledger, store, ledger.beacon.head_round())))
    return report


@dataclass(frozen=True)
class _Plan:
    """What is run, where, and who is shown it: known before anything is begun."""

    config: JobConfig
    place: Place
    display: Display
    job: JobDocument
    dataset: Dataset
    keys: NormKeys | None

    def senders_at(self, urls: Sequence[str], listener: ReceiptListener | None = None) -> list[list[Sender]]:
        """Who pays on each of the chains: the deployer, then one for each client that there may be, and validator."""
        count = 1 + self.config.identities + self.config.validators
        return [make_senders(connect(url), self.place.account, count, listener) for url in urls]


@dataclass(frozen=True)
class _Run:
    """A job whose network stands; `sender` pays for what belongs to no role."""

    plan: _Plan
    network: Network
    store: ContentStore
    sender: Sender
    events: EventLog
    population: Clients
    world: World | None

    def rounds(self) -> None:
        """Run the rounds that are missing.

        Raises RoundNotCompleted: `MAX_FAILED_ROUNDS` in a row ended without a model.
        """
        self._record_unrecorded()
        failed = 0
        while (done := len(published_rounds(self.network.ledger))) < self.plan.config.rounds:
            proofs = len(self.events.of("proof"))
            self.network.meter.clear()
            try:
                outcome = run_round(self.network, partial(self.plan.display.round, done + 1, self.plan.config.rounds))
            except RoundNotCompleted as failure:
                failed += 1
                self._record_updates(RoundNumber(failure.round))
                self.events.add("round_failed", round=failure.round, reason=failure.reason)
                log.warning("%s", failure)
                if failed == MAX_FAILED_ROUNDS:
                    raise
                continue
            failed = 0
            self._set_proving_apart(outcome, proofs)
            accuracy = self._record(outcome)
            self.plan.display.finished(outcome, accuracy)

    def settle(self) -> None:
        """Make every model final, credit every reward, pay everyone, and pay out who has left."""
        ledger = self.network.ledger
        rounds = published_rounds(ledger)
        if rounds:
            self.network.clock.reach(final_at(ledger, rounds[-1]))
        settle_due(ledger, self.sender)
        send_every(self.sender, list(rewards_due(ledger, rounds)))
        pay_everyone(ledger, self.sender, self.network.participants)
        self.population.withdraw(self.network.clock)

    def train_centrally(self) -> None:
        """Train the same model on all the data at once, for comparison; a resumed run does not do it again."""
        if not self.plan.config.central_epochs or self.events.of("central"):
            return
        from qfl.training.training import initial_parameters, train_centrally

        angles, weights = initial_parameters(self.plan.job.architecture, self.plan.config.seed)
        epochs = train_centrally(
            self.plan.job.architecture,
            angles,
            weights,
            data=self.plan.dataset.train,
            config=self.plan.job.training,
            epochs=self.plan.config.central_epochs,
            seed=self.plan.config.seed,
            test=self.plan.dataset.test,
        )
        accuracy, loss = [epoch.accuracy for epoch in epochs], [epoch.loss for epoch in epochs]
        self.events.add("central", accuracy=accuracy, loss=loss)

    def _record_unrecorded(self) -> None:
        """Log the rounds that were published by a process that did not live to say so."""
        recorded = {event["round"] for event in self.events.of("round")}
        for number in published_rounds(self.network.ledger):
            if number not in recorded:
                ledger = self.network.ledger
                missed = find_missed(ledger, number)
                self._record(RoundOutcome(number, count_included(ledger, number), missed=missed))

    def _set_proving_apart(self, outcome: RoundOutcome, proofs_before: int) -> None:
        """Clients prove when they have trained, while the same stage goes on: say which seconds were which."""
        if proving := sum(event["seconds"] for event in self.events.of("proof")[proofs_before:]):
            outcome.seconds["train"] -= proving
            outcome.seconds["prove"] = proving

    def _record(self, outcome: RoundOutcome) -> float:
        """Evaluate the round's model, log the round, return the accuracy."""
        from qfl.training.training import evaluate

        self._record_updates(outcome.round)
        with outcome.stage("evaluate"):
            model, job = read_model(self.network.ledger, self.store, outcome.round), self.plan.job
            evaluation = evaluate(job.architecture, *from_state(model.lanes, model.shape), self.plan.dataset.test)
        self.events.add(
            "round",
            round=outcome.round,
            accuracy=evaluation.accuracy,
            loss=evaluation.loss,
            included=outcome.included,
            saturated=count_saturated(model.lanes, model.shape),
            missed=[{"shard": shard, "reason": reason} for shard, reason in outcome.missed.items()],
            seconds={stage: round(value, 4) for stage, value in outcome.seconds.items()},
            cpu_seconds=cpu_seconds_by_stage(self.network.meter.works()),
            agreement=[asdict(entry) for entry in committee_agreement(self.network.ledger, outcome.round)],
            dynamics=None if self.world is None else self.world.describe(outcome.round),
        )
        return evaluation.accuracy

    def _record_updates(self, number: RoundNumber) -> None:
        """Log how large the clients' updates of a round are; those of a round long ago are gone."""
        sizes = {str(client.participant): client.update_bytes(number) for client in self.network.clients}
        self.events.add("updates", round=number, bytes={name: size for name, size in sizes.items() if size is not None})


@dataclass(frozen=True)
class _Services:
    """Where the chains (the beacon's first) and the IPFS node are, and the devnet of those that are of this process."""

    urls: Sequence[str]
    ipfs: str
    devnet: Devnet | None = None


@contextmanager
def _services(plan: _Plan) -> Iterator[_Services]:
    place = plan.place
    given = () if place.rpc is None else (place.rpc, *place.shard_rpcs)
    if given and place.ipfs is not None:
        yield _Services(given, place.ipfs)
        return
    own = new_devnet(place.folder, plan.config, place.rpc is None, place.ipfs is None, place.real_time)
    with Devnet(own) as devnet:
        yield _Services(given or (devnet.rpc_url, *devnet.shard_rpc_urls), place.ipfs or devnet.ipfs_url, devnet)


@contextmanager
def _begun(plan: _Plan) -> Iterator[EventLog]:
    """Begin the run's folder, and hold it. The last look at what was given comes before anything is deleted."""
    place = plan.place
    if place.overwrite:
        chains = plan.senders_at([url for url in (place.rpc, *place.shard_rpcs) if url is not None])
        if place.rpc is not None:
            check_run(plan.config, chains[0], chains[1:])
        if place.ipfs is not None:
            IpfsStore(place.ipfs).identity()
    with hold_folder(place.folder, overwrite=place.overwrite, resume=place.resume):
        yield EventLog(place.folder / LOG)


def _checked(plan: _Plan, senders: Sequence[Sender], shard_senders: Sequence[Sequence[Sender]]) -> Clock:
    """What deadlines are reached by, once it is known that the run can be done here. Raises as `check_run`."""
    config, place = plan.config, plan.place
    plan.display.stage("looking at the chain")
    deployers = [own[0] for own in shard_senders]
    clock = make_clock(senders[0], place.real_time, deployers)
    if (place.folder / DEPLOYMENT).exists():  # most of it is paid for
        check_accounts([senders[0], *deployers])
    else:
        check_run(config, senders, shard_senders)
    if isinstance(clock, WaitingClock):
        why = "--real-time was given" if place.real_time else "the chain's time cannot be moved"
        plan.display.note(describe_waiting(config, why))
    return clock


def _deployed(plan: _Plan, store: ContentStore, sender: Sender, shard_senders: Sequence[Sender]) -> Ledger:
    config, job, keys, path = plan.config, plan.job, plan.keys, plan.place.folder / DEPLOYMENT
    if not path.exists():
        deployed = deploy_job(config, job, keys=keys, store=store, sender=sender, shard_senders=shard_senders)
        deployed.save(path)
    deployment = Deployment.load(path)
    deployment.check(sender.web3)
    ledger = Ledger(sender.web3, deployment, shard_web3s=[own.web3 for own in shard_senders])
    if ledger.beacon.architecture_digest() != job.digest():
        raise InvalidInput("out", str(plan.place.folder), "was begun with another model, recipe or mode")
    if scheme_in(deployment) is not SCHEMES.find(config.quorum):
        raise InvalidInput("quorum", config.quorum, f"{plan.place.folder} was begun with another one")
    if keys is not None:
        require_norm_keys(ledger, keys)
    return ledger


def _challenger(
    plan: _Plan, events: EventLog, ledger: Ledger, sender: Sender, detector: FaultDetector
) -> Challenger | None:
    """Who checks what the others here do; it reads sealed updates with the validators' keys."""
    if not plan.config.challenger or ledger.disputes is None:
        return None

    def note(dispute: Dispute) -> None:
        events.add("dispute", **dispute.record())
        plan.display.disputed(dispute)

    return Challenger(ledger, sender, detector, note)
