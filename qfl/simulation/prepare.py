"""From a job's config to what is trained: data, shares, job document, genesis model."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path

from qfl.bounds import MOST_PARTICIPANTS, check_whole
from qfl.chain.deploy import Genesis, check_capacity, deploy
from qfl.chain.deployment import Deployment
from qfl.chain.parameters import load_parameters
from qfl.chain.rpc.sender import Sender
from qfl.crypto.norm.keys import NormKeys, capacity_for, default_folder
from qfl.errors import InvalidInput
from qfl.protocol.content import content_digest, decode, encode, lanes_root
from qfl.protocol.lanes import choose_exponents
from qfl.protocol.recompute import model_content
from qfl.protocol.state import compute_delta, from_state, to_state
from qfl.protocol.types import RoundNumber, TrainingTask
from qfl.quantum.architecture import Architecture, most_features, require_circuit
from qfl.quantum.config import DeviceConfig
from qfl.quorum.quorum import SCHEMES
from qfl.simulation.config import OWN_DATA, JobConfig
from qfl.simulation.faults.config import PLACES, dynamics_config
from qfl.simulation.faults.fault import FAULTS
from qfl.storage.store import ContentStore
from qfl.training.data.datasets import Dataset, LabelledData, load_dataset
from qfl.training.data.partition import hold_out, parse_partition, partition
from qfl.training.differential_privacy import spent_epsilon
from qfl.training.job import JobDocument, training_config
from qfl.training.recipe import TrainingConfig
from qfl.training.trainer import LocalTrainer, round_seed

MOST_UPDATES = 256  # updates that one shard takes in a round: bits of a checkpoint's `included`


def check_size(config: JobConfig) -> None:
    """Refuse a job that the contracts would only refuse after everything is deployed.

    Raises:
        InvalidInput: no shards or seats, too few validators for the committees, too many clients for the shards, or
            dynamics that name a shard there is not.
        NotInstalled, DoorBroken: they name a fault that nobody has here, or that cannot be loaded.
    """
    dynamics = dynamics_config(config.dynamics)
    rounds = load_parameters(**config.parameters()).rounds
    for name in ("shards", "seats"):
        check_whole(name, rounds[name], 1, MOST_PARTICIPANTS)
    seats = rounds["seats"] * rounds["shards"]
    if config.validators < seats:
        remedy = f"each round seats {seats} different ones: have as many, or lower seats in [protocol]"
        raise InvalidInput("validators", config.validators, remedy)
    if config.clients > (most := MOST_UPDATES * rounds["shards"]):
        raise InvalidInput("clients", config.clients, f"{rounds['shards']} shards take {most} updates a round")
    for name in PLACES:
        for place in dynamics.places(name):
            if place.shard >= rounds["shards"]:
                raise InvalidInput(f"dynamics.{name}", place.shard, f"shards run from 0 to {rounds['shards'] - 1}")
    for fault in dynamics.faults:
        FAULTS.find(fault, "dynamics.faults")


def prepare_job(config: JobConfig) -> tuple[JobDocument, Dataset, list[LabelledData]]:
    """Load the data, split it, and fix what is trained.

    Raises:
        InvalidInput: the data set, the partition and the model do not fit together.
        ExtraMissing: nothing here could tell how private the updates are.
    """
    if config.dataset == OWN_DATA:
        raise InvalidInput("dataset", OWN_DATA, "each client brings its own: `qfl deploy` the job, and run each client")
    default = Architecture()
    room = most_features(config.model.get("encoding", default.encoding), config.model.get("qubits", default.qubits))
    features = config.model.get("features", room)
    check_whole("features", features, 1, room)
    dataset = load_dataset(
        config.dataset,
        Path(config.data_folder),
        config.classes or None,
        config.limit or None,
        config.seed,
        most_features=features,
        download=config.download,
    )
    job = _describe(config, {"features": dataset.train.features.shape[1], "classes": dataset.classes})
    rest, _ = hold_out(dataset.train.labels, config.validation_percent, config.validators, config.seed)
    parts = partition(dataset.train.labels[rest], config.identities, parse_partition(config.partition), config.seed)
    shares = [dataset.train.take(rest[part]) for part in parts]
    return job, dataset, shares


def describe_job(config: JobConfig) -> JobDocument:
    """What is deployed: of the data only how many features and classes it has.

    Where every client brings its own (`dataset = "own"`), the table `[model]` says so.

    Raises InvalidInput, ExtraMissing: as `prepare_job`.
    """
    if config.dataset != OWN_DATA:
        return prepare_job(config)[0]
    for name in ("features", "classes"):
        if name not in config.model:
            raise InvalidInput(f"model.{name}", None, "say how many every client's own data has")
    return _describe(config, {})


def _describe(config: JobConfig, found: Mapping[str, int]) -> JobDocument:
    """The job document; `found` is what the data says about the model."""
    try:
        architecture = Architecture(**{**config.model, **found})
    except TypeError as error:
        raise InvalidInput("model", dict(config.model), str(error)) from error
    training = training_config(dict(config.training))
    if training.privacy_noise:
        spent_epsilon(training.privacy_noise, config.rounds)
    return JobDocument(architecture, training, config.rounds, config.mode)


def clients_device(config: JobConfig, job: JobDocument) -> DeviceConfig | None:
    """What the job's clients train on; None: an exact simulation.

    Raises:
        InvalidInput: an unknown name or a bad value, a recipe that asks for another engine than the default, or a model
            that has no circuit.
    """
    if not config.device:
        return None
    known = [setting.name for setting in fields(DeviceConfig)]
    for name, value in config.device.items():
        if name not in known:
            raise InvalidInput(f"device.{name}", value, f"unknown; known are {', '.join(known)}")
    if (engine := job.training.engine) != TrainingConfig.engine:
        raise InvalidInput("training.engine", engine, "a device runs in place of an engine: name one of them")
    require_circuit(job.architecture)
    return DeviceConfig(**config.device)


def validation_shares(config: JobConfig, dataset: Dataset) -> list[LabelledData]:
    """What each validator holds of the training data to judge updates by; none when they judge nothing."""
    _, parts = hold_out(dataset.train.labels, config.validation_percent, config.validators, config.seed)
    return [dataset.train.take(part) for part in parts]


def norm_keys(job: JobDocument, folder: Path | None, announce: Callable[[str], None]) -> NormKeys | None:
    """The keys that a private job's updates are proven with; a devnet's are made when there are none yet.

    They are, or go, in `folder`; by default in `.qfl/zk/norm-<capacity>`.

    Raises:
        InvalidInput: the model has more coordinates than the largest circuit, or the folder's keys are for another one.
        NormKeysMalformed, ExtraMissing.
    """
    if job.mode != "private":
        return None
    capacity = capacity_for(job.architecture.shape.total)
    folder = folder or default_folder(capacity)
    if not (folder / "verifying.json").exists():
        announce(f"making devnet keys for proofs of {capacity} lanes in {folder}: some seconds, once")
        return NormKeys.setup(capacity, folder)
    keys = NormKeys.open(folder)
    check_capacity(keys.verifying_key, job.architecture.shape)
    return keys


def genesis_model(job: JobDocument, seed: int) -> tuple[Genesis, bytes]:
    """The model that round 1 trains on, and its content object."""
    from qfl.training.training import initial_parameters

    angles, weights = initial_parameters(job.architecture, seed)
    content = model_content(RoundNumber(0), to_state(angles, weights), job.architecture.shape)
    data = encode(content)
    return Genesis(lanes_root(content), content_digest(data), job.digest(), content.shape), data


def deploy_job(
    config: JobConfig,
    job: JobDocument,
    *,
    keys: NormKeys | None,
    store: ContentStore,
    sender: Sender,
    shard_senders: Sequence[Sender] = (),
) -> Deployment:
    """Put a job's document and genesis model into the store, and its contracts on the chain; raises as `deploy`."""
    genesis, data = genesis_model(job, config.seed)
    store.put(job.to_json())
    store.put(data)
    return deploy(
        sender,
        load_parameters(**config.parameters()),
        genesis=genesis,
        verifying_key=None if keys is None else keys.verifying_key,
        quorum=SCHEMES.find(config.quorum).contract,
        shard_senders=shard_senders,
    )


def with_exponents(config: JobConfig, job: JobDocument, data: LabelledData) -> JobConfig:
    """`config` with its exponents in `protocol`, where they are to be chosen by what training on `data` changes.

    Raises NotFinite: training diverged.
    """
    if config.exponents != "auto":
        return config
    genesis, content = genesis_model(job, config.seed)
    base, number = decode(content).lanes, RoundNumber(1)
    task = TrainingTask(*from_state(base, genesis.shape), round_seed(config.seed, 0, number), number)
    [trained] = LocalTrainer(job, [data]).train([task], [0])
    delta = compute_delta(trained.angles, trained.weights, base, genesis.shape)
    quantum, classical = choose_exponents(delta, genesis.shape, config.lane_bits)
    chosen = {"quantumExponent": quantum, "classicalExponent": classical}
    return replace(config, protocol={**chosen, **config.protocol})
