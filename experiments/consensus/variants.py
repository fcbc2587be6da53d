"""The ways to decide a round that `qfl bench consensus` compares, each as a deployment with everybody bonded."""

from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from experiments.consensus.acts import Recorder, RecordingPubsub, RecordingStore
from experiments.consensus.flat import FlatValidator, FlatVoting, verifying
from qfl.chain.contracts.staking import Role
from qfl.chain.deploy import deploy
from qfl.chain.ledger import Ledger
from qfl.chain.parameters import load_parameters
from qfl.chain.rpc.calls import Receipt
from qfl.chain.rpc.connection import connect
from qfl.client.client import Client
from qfl.crypto.keyfile import KeyFile
from qfl.devnet.devnet import Devnet
from qfl.errors import UpdateRejected
from qfl.node.context import NodeContext
from qfl.node.membership import join
from qfl.node.meter import Meter
from qfl.protocol.recompute import ShardResult
from qfl.protocol.types import Reveal, VerifiedUpdate
from qfl.quorum.lms import LmsScheme
from qfl.simulation.config import JobConfig
from qfl.simulation.driver import Network
from qfl.simulation.identities import make_clock, make_senders, make_transaction_senders
from qfl.simulation.prepare import genesis_model
from qfl.storage.ipfs import IpfsStore
from qfl.storage.pubsub import IpfsPubsub
from qfl.training.job import JobDocument
from qfl.training.trainer import Trainer
from qfl.validator.seat import Seat
from qfl.validator.validator import Validator

SHARDS = 4
SEATS = 4
CLIENTS_AT_ONCE = 32


@dataclass(frozen=True)
class Variant:
    """One way to decide a round; in the flat ones everybody votes.

    `looks_early`: whoever verifies begins with the first reveal, not when the reveals are over. `gossips`: seats talk
    by gossip, not by events on chain.
    """

    name: str
    title: str
    shards: int = 1
    shard_chains: bool = False
    is_flat: bool = False
    looks_early: bool = True
    gossips: bool = True

    @property
    def decisive(self) -> str:
        """The transaction that decides, or decides for its shard."""
        return "vote" if self.is_flat else "checkpoint"


VARIANTS = (
    Variant("flat", "flat", is_flat=True, looks_early=False),
    Variant("flat-early", "flat, checking early", is_flat=True),
    Variant("committee", "committee"),
    Variant("committee-events", "committee, by events", gossips=False),
    Variant("shards", f"{SHARDS} shards, one chain", shards=SHARDS),
    Variant("shard-chains", f"{SHARDS} shards, {SHARDS} chains", shards=SHARDS, shard_chains=True),
)


@dataclass(frozen=True)
class Site:
    """A variant, deployed; `voters` are there in the flat one only.

    Attributes:
        folders: of the validators, in their order.
        receipts: every transaction since they were last cleared.
    """

    variant: Variant
    network: Network
    voters: Sequence[FlatValidator]
    gossip: RecordingPubsub | None
    folders: Sequence[Path]
    recorder: Recorder
    meter: Meter
    receipts: list[Receipt]


def build_site(
    variant: Variant,
    config: JobConfig,
    job: JobDocument,
    devnet: Devnet,
    folder: Path,
    trainer: Trainer,
    stack: ExitStack,
) -> Site:
    """Deploy `variant`, and bond everybody; keys are closed with `stack`."""
    recorder, meter, receipts = Recorder(), Meter(), list[Receipt]()

    def note(receipt: Receipt) -> None:
        receipts.append(receipt)
        recorder.receive(receipt)

    web3, store = connect(devnet.rpc_url), IpfsStore(devnet.ipfs_url)
    shard_web3s = [connect(url) for url in devnet.shard_rpc_urls] if variant.shard_chains else []
    paying = None, 1 + config.clients + config.validators, note
    senders, shard_senders = make_senders(web3, *paying), [make_senders(own, *paying) for own in shard_web3s]
    carriers = make_transaction_senders(senders, shard_senders)
    genesis, data = genesis_model(job, config.seed)
    for content in (job.to_json(), data):
        store.put(content)
    parameters = load_parameters(**{**config.parameters(), "shards": variant.shards, "seats": SEATS})
    owners = [own[0] for own in shard_senders]
    deployment = deploy(senders[0], parameters, genesis=genesis, quorum=LmsScheme.contract, shard_senders=owners)
    ledger = Ledger(web3, deployment, shard_web3s=shard_web3s)
    voting = FlatVoting(ledger, senders[0]) if variant.is_flat else None

    clients = []
    for index, payer in enumerate(carriers[1 : 1 + config.clients]):
        path, key = open_key(folder, f"client-{index + 1}", config, stack)
        participant = join(ledger, payer, Role.CLIENT, key, path)
        clients.append(Client(NodeContext(ledger, payer, store, key, path), participant, index=index, seed=config.seed))
    gossip = RecordingPubsub(stack.enter_context(closing(IpfsPubsub(store))), recorder) if variant.gossips else None
    validators, voters, folders = [], [], []
    for number, payer in enumerate(carriers[1 + config.clients :], 1):
        # A process of its own would read for itself what never changes.
        own, kept = Ledger(web3, deployment, shard_web3s=shard_web3s), RecordingStore(store, recorder)
        path, key = open_key(folder, f"validator-{number}", config, stack)
        context = NodeContext(own, payer, kept, key, path, gossip)
        participant = join(own, payer, Role.VALIDATOR, key, path)
        validator = Validator(context, participant)
        validator.seat_kind = measured_seat(meter)
        validators.append(validator)
        folders.append(path)
        if voting is not None:
            voters.append(FlatValidator(context, participant, voting, meter))
    clock = make_clock(senders[0], False, owners)
    network = Network(
        ledger,
        clients,
        validators=validators,
        trainer=trainer,
        clock=clock,
        sender=carriers[0],
        at_once=CLIENTS_AT_ONCE,
    )
    return Site(variant, network, voters, gossip, folders, recorder, meter, receipts)


def measured_seat(meter: Meter) -> type[Seat]:
    """The protocol's seat, which tells `meter` what it verifies with."""

    class MeasuredSeat(Seat):
        def _read(self, reveals: list[Reveal]) -> tuple[list[VerifiedUpdate], list[UpdateRejected]]:
            with verifying(meter, self._validator):
                return super()._read(reveals)

        def _result(self, turn: int, updates: list[VerifiedUpdate]) -> ShardResult:
            with verifying(meter, self._validator):
                return super()._result(turn, updates)

    return MeasuredSeat


def open_key(folder: Path, name: str, config: JobConfig, stack: ExitStack) -> tuple[Path, KeyFile]:
    """The folder of a role and a new key in it; what is remembered of the key goes with the bench's own folder."""
    key = KeyFile.create(folder / name / "key.lms", config.key_height, folder / "state")
    stack.callback(key.close)
    return folder / name, key
