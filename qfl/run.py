"""The main job: a chain, an IPFS node, contracts, roles, rounds, rewards, a report. `run_job` reads from top to bottom.

Everything a run needs to go on is in its folder: stop it anywhere, `resume` takes it up.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eth_account.signers.local import LocalAccount

from qfl.aggregate.model import encode_model, model_content
from qfl.chain.connection import connect
from qfl.chain.deploy import Genesis, deploy
from qfl.chain.deployment import Deployment
from qfl.chain.ledger import Ledger
from qfl.chain.parameters import load_parameters
from qfl.chain.sender import Sender
from qfl.codec.content import content_digest, encode, lanes_root
from qfl.codec.state import from_state, to_state
from qfl.config import JobConfig
from qfl.data.datasets import Dataset, LabelledData, load_dataset
from qfl.data.partition import parse_partition, partition
from qfl.devnet.devnet import Devnet
from qfl.errors import InvalidInput, RoundNotCompleted
from qfl.job import JobDocument, training_config
from qfl.network import Roster, make_clock, make_senders
from qfl.quantum.architecture import Architecture, most_features
from qfl.report.display import Display
from qfl.report.document import write_report
from qfl.report.folder import devnet_config
from qfl.report.log import EventLog
from qfl.roles.loop import published_rounds
from qfl.roles.settlement import final_at, pay_rewards, rewards_due, settle_due
from qfl.roles.terms import read_model
from qfl.roles.trainer import LocalTrainer
from qfl.round import Network, RoundOutcome, run_round
from qfl.storage.ipfs import IpfsStore
from qfl.storage.store import ContentStore
from qfl.types import RoundNumber

if TYPE_CHECKING:
    from qfl.quantum.training import Evaluation

log = logging.getLogger(__name__)

MAX_FAILED_ROUNDS = 3
"""Rounds in a row that may end without a model before the run gives up."""


@dataclass(frozen=True)
class Place:
    """Where a job runs: its folder, and what it uses instead of a chain and node of its own."""

    folder: Path
    rpc: str | None = None
    ipfs: str | None = None
    account: LocalAccount | None = None
    real_time: bool = False
    resume: bool = False


def run_job(config: JobConfig, place: Place, display: Display) -> dict[str, Any]:
    """Run a job to its end and return its report, which is also written to `<folder>/report.json`.

    Raises:
        QflError: what went wrong, and the remedy; the folder holds all that was done until then.
    """
    _check_folder(place)
    job, dataset, shares = prepare_job(config)
    events = EventLog(place.folder / "events.jsonl")
    with ExitStack() as stack:
        display.stage("starting chain and IPFS node")
        rpc, ipfs = stack.enter_context(_services(config, place))
        web3, store = connect(rpc), IpfsStore(ipfs)
        senders = make_senders(web3, place.account, 1 + config.clients + config.validators, events.add_receipt)
        display.stage("making keys")
        roster = Roster(place.folder / "roles", config.clients, config.validators, config.key_height)
        stack.callback(roster.close)
        display.stage("deploying contracts")
        ledger = _deployed(config, place, job, store, senders[0])
        display.stage("bonding")
        clients = roster.clients(ledger, senders[1 : 1 + config.clients], store, config.seed)
        validators = roster.validators(ledger, senders[1 + config.clients :], store)
        clock = make_clock(web3, place.real_time)
        network = Network(ledger, clients, validators, LocalTrainer(job, shares), clock)
        try:
            _run_rounds(config, network, senders[0], job, dataset, store, events, display)
            display.stage("waiting out the challenge window, paying rewards")
            _settle(network, senders[0])
            if config.central_epochs and not events.of("central"):
                display.stage("training the same model centrally")
                _train_centrally(config, job, dataset, events)
        finally:
            report = write_report(place.folder, config, job, ledger, events)
        model = encode(read_model(ledger, store, ledger.beacon.head_round()))
        (place.folder / "model.qfl").write_bytes(model)
    return report


def prepare_job(config: JobConfig) -> tuple[JobDocument, Dataset, list[LabelledData]]:
    """Load the data, split it, and fix what is trained.

    Raises:
        InvalidInput: the data set, the partition and the model do not fit together.
    """
    default = Architecture()
    room = most_features(config.model.get("encoding", default.encoding), config.model.get("qubits", default.qubits))
    dataset = load_dataset(
        *(config.dataset, Path(config.data_folder), config.classes or None, config.limit or None, config.seed),
        most_features=config.model.get("features", room),
        download=config.download,
    )
    fixed = {"features": dataset.train.features.shape[1], "classes": dataset.classes}
    try:
        architecture = Architecture(**{**config.model, **fixed})
    except TypeError as error:
        raise InvalidInput("model", dict(config.model), str(error)) from error
    scheme = parse_partition(config.partition)
    parts = partition(dataset.train.labels, config.clients, scheme, config.seed)
    shares = [LabelledData(dataset.train.features[part], dataset.train.labels[part]) for part in parts]
    return JobDocument(architecture, training_config(dict(config.training)), config.rounds), dataset, shares


def genesis_model(job: JobDocument, seed: int) -> tuple[Genesis, bytes]:
    """The model that round 1 trains on, and its content object."""
    from qfl.quantum.training import initial_parameters

    angles, weights = initial_parameters(job.architecture, seed)
    content = model_content(RoundNumber(0), to_state(angles, weights), job.architecture.shape)
    data = encode_model(content)
    return Genesis(lanes_root(content), content_digest(data), job.digest(), content.shape), data


@contextmanager
def _services(config: JobConfig, place: Place) -> Iterator[tuple[str, str]]:
    if place.rpc is not None and place.ipfs is not None:
        yield place.rpc, place.ipfs
        return
    with Devnet(devnet_config(place.folder, config, place.rpc is None, place.ipfs is None)) as devnet:
        yield place.rpc or devnet.rpc_url, place.ipfs or devnet.ipfs_url


def _check_folder(place: Place) -> None:
    if (place.folder / "events.jsonl").exists() and not place.resume:
        raise InvalidInput("out", str(place.folder), "holds a run already: add --resume, or choose another folder")
    place.folder.mkdir(parents=True, exist_ok=True)


def _deployed(config: JobConfig, place: Place, job: JobDocument, store: ContentStore, sender: Sender) -> Ledger:
    path = place.folder / "deployment.json"
    if not path.exists():
        genesis, data = genesis_model(job, config.seed)
        store.put(job.to_json())
        store.put(data)
        deploy(sender.web3, sender, load_parameters(**config.parameters()), genesis).save(path)
    deployment = Deployment.load(path)
    deployment.check(sender.web3)
    ledger = Ledger(sender.web3, deployment)
    if ledger.beacon.architecture_digest() != job.digest():
        raise InvalidInput("out", str(place.folder), "was begun with another model or training recipe")
    return ledger


def _run_rounds(
    config: JobConfig,
    network: Network,
    sender: Sender,
    job: JobDocument,
    dataset: Dataset,
    store: ContentStore,
    events: EventLog,
    display: Display,
) -> None:
    failed = 0
    while (done := len(published_rounds(network.ledger))) < config.rounds:
        try:
            outcome = run_round(network, lambda stage, n=done + 1: display.round(n, config.rounds, stage))  # type: ignore[misc]
        except RoundNotCompleted as failure:
            failed += 1
            events.add("round_failed", round=failure.round, reason=failure.reason)
            log.warning("%s", failure)
            if failed == MAX_FAILED_ROUNDS:
                raise
            continue
        failed = 0
        with outcome.stage("evaluate", lambda _stage: None):
            evaluation = _evaluate(network, job, dataset, store, outcome)
        _record(network, outcome, evaluation, events)
        settle_due(network.ledger, sender)
        display.finished(outcome, evaluation.accuracy)


def _evaluate(
    network: Network, job: JobDocument, dataset: Dataset, store: ContentStore, outcome: RoundOutcome
) -> Evaluation:
    from qfl.quantum.training import evaluate

    model = read_model(network.ledger, store, outcome.round)
    return evaluate(job.architecture, *from_state(model.lanes, model.shape), dataset.test)


def _record(network: Network, outcome: RoundOutcome, evaluation: Evaluation, events: EventLog) -> None:
    number = outcome.round
    events.add(
        "round",
        round=number,
        accuracy=evaluation.accuracy,
        loss=evaluation.loss,
        included=outcome.included,
        seconds={stage: round(value, 4) for stage, value in outcome.seconds.items()},
        client_up={str(c.participant): c.uploaded_bytes.get(number, 0) for c in network.clients},
        client_down={str(c.participant): c.downloaded_bytes.get(number, 0) for c in network.clients},
    )


def _settle(network: Network, sender: Sender) -> None:
    """Make every model final, credit every reward, pay everyone."""
    ledger = network.ledger
    rounds = published_rounds(ledger)
    if rounds:
        network.clock.reach(final_at(ledger, rounds[-1]))
    settle_due(ledger, sender)
    for number in rounds:
        for call in rewards_due(ledger, number):
            sender.send(call)
    members = [c.participant for c in network.clients] + [v.participant for v in network.validators]
    for participant in members:
        pay_rewards(ledger, sender, participant)


def _train_centrally(config: JobConfig, job: JobDocument, dataset: Dataset, events: EventLog) -> None:
    from qfl.quantum.training import initial_parameters, train_centrally

    angles, weights = initial_parameters(job.architecture, config.seed)
    epochs = train_centrally(
        job.architecture,
        *(angles, weights, dataset.train, job.training, config.central_epochs, config.seed, dataset.test),
    )
    events.add("central", accuracy=[epoch.accuracy for epoch in epochs], loss=[epoch.loss for epoch in epochs])
