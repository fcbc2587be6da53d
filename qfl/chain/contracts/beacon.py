"""Typed access to `contracts/Beacon.sol`; what each function does is said in `IBeacon.sol`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from web3 import Web3

from qfl.chain.contracts.base import BoundContract, view
from qfl.chain.contracts.draw import Duty
from qfl.chain.rpc.coding import record
from qfl.chain.rpc.sender import UnsentCall
from qfl.errors import NodeContradictsItself
from qfl.protocol.digests import NO_SCORES, parameters_hash
from qfl.protocol.types import Checkpoint, LaneFormat, ModelShape, ParticipantId, RoundNumber, ShardIndex


class Phase(IntEnum):
    """`Phase` of IBeacon.sol."""

    IDLE = 0
    COMMIT = 1
    REVEAL = 2
    CHECKPOINT = 3
    PUBLISH = 4


class RoundState(IntEnum):
    """`RoundState` of IBeacon.sol."""

    NONE = 0
    OPEN = 1
    PUBLISHED = 2
    FINAL = 3
    FAILED = 4
    VOID = 5


@dataclass(frozen=True)
class RoundContext:
    """`RoundContext` of IBeacon.sol; times in unix seconds."""

    round: RoundNumber
    phase: Phase
    phase_ends_at: int
    reveal_ends_at: int
    turn_seconds: int
    shards: int
    seats: int
    base_root: bytes
    norm_bound: int
    lane_bits: int

    def turn_at(self, now: int) -> int:
        """How many turns to propose are over at `now` (unix seconds); negative while reveals are taken."""
        return (now - self.reveal_ends_at) // self.turn_seconds

    def silent_until(self, turn: int) -> int:
        """Up to when (unix seconds) what is said in a turn by gossip alone may suffice: a quarter of it."""
        return self.reveal_ends_at + turn * self.turn_seconds + self.turn_seconds // 4

    def next_deadline(self, now: int) -> int:
        """When something changes though nobody acts, unix seconds.

        The phase ends, the next turn begins, or a quarter of one is over: what gossip, or a vote, did not settle by
        then is said otherwise.
        """
        if self.phase is not Phase.CHECKPOINT:
            return self.phase_ends_at
        began_at = self.reveal_ends_at + self.turn_at(now) * self.turn_seconds
        quarters = [began_at + quarter * self.turn_seconds // 4 for quarter in range(1, 5)]
        return min(next(end for end in quarters if end > now), self.phase_ends_at)


@dataclass(frozen=True)
class TurnTime:
    """`Turn` of IQuorum.sol: a proposer's turn in a round, and when it began (unix seconds)."""

    round: RoundNumber
    number: int
    began_at: int


@dataclass(frozen=True)
class RoundRecord:
    """`Round` of IBeacon.sol: a round and the model it published."""

    number: RoundNumber
    seed: bytes
    base_round: RoundNumber
    parameters_version: int
    state: RoundState
    commit_ends_at: int
    reveal_ends_at: int
    checkpoint_ends_at: int
    publish_ends_at: int
    checkpoints: int
    checkpointed_at: int
    publisher: ParticipantId
    published_at: int
    model_root: bytes
    content_digest: bytes
    checkpoints_hash: bytes


@dataclass(frozen=True)
class Parameters:
    """What `RoundParameters` of IBeacon.sol says about updates and time; `hash` is of all of it."""

    format: LaneFormat
    trim_bps: int
    norm_bound: int
    shards: int
    seats: int
    commit_seconds: int
    turn_seconds: int
    challenge_seconds: int
    hash: bytes

    @property
    def carries_model(self) -> bool:
        """Whether a checkpoint carries the next model: that of the only shard does, and nobody publishes."""
        return self.shards == 1


@dataclass(frozen=True)
class RoundPlan:
    """What is fixed when a round opens: the model it trains on, its rule, and when; times in unix seconds."""

    seed: bytes
    commit_ends_at: int
    base_round: RoundNumber
    base_root: bytes
    base_digest: bytes
    parameters_version: int
    parameters: Parameters

    @property
    def opened_at(self) -> int:
        """When it was opened."""
        return self.commit_ends_at - self.parameters.commit_seconds


@dataclass(frozen=True)
class CheckpointRecord:
    """`CheckpointRecord` of IBeacon.sol; a zero `digest` means there is none."""

    digest: bytes
    attested: int
    accepted_at: int
    count: int
    turn: int
    voided: bool

    @property
    def stands(self) -> bool:
        """True for an accepted checkpoint that no dispute voided."""
        return any(self.digest) and not self.voided


@dataclass(frozen=True)
class Accepted:
    """A `CheckpointAccepted` event, and where to find the bundle."""

    checkpoint: Checkpoint
    attested: int
    tx_hash: str


class Beacon(BoundContract):
    """Rounds, committees, checkpoints and the chain of models."""

    abi_name = "Beacon"

    def __init__(self, web3: Web3, address: str) -> None:
        super().__init__(web3, address)
        self._shape: ModelShape | None = None

    # --- writes ---

    def open_round(self) -> UnsentCall:
        """Open the next round."""
        return self._write("openRound")

    def submit_checkpoint(self, checkpoint: Checkpoint, bundle: bytes) -> UnsentCall:
        """Bring a shard's result with its committee's signatures."""
        return self._write("submitCheckpoint", checkpoint, bundle, label="checkpoint", round_number=checkpoint.round)

    def add_attestation(self, duty: Duty, validator: ParticipantId, key_index: int, signature: bytes) -> UnsentCall:
        """Show the attestation of a seat that the accepted checkpoint's bundle left out."""
        place = duty.round, duty.shard, duty.seat
        arguments = [*place, key_index, signature]
        return self._write("addAttestation", *arguments, participant=validator, round_number=duty.round)

    def publish(
        self, round_number: RoundNumber, validator: ParticipantId, *, root: bytes, digest: bytes, signature: bytes
    ) -> UnsentCall:
        """Publish the round's model: its `Chunks` root and the digest of its content."""
        return self._write("publish", round_number, validator, root, digest, NO_SCORES, signature)

    def settle(self, round_number: RoundNumber) -> UnsentCall:
        """Make a model final after its challenge window."""
        return self._write("settle", round_number)

    def set_parameters(self, parameters: Mapping[str, int]) -> UnsentCall:
        """Choose the parameters of the rounds opened from now on: all of them, as `next_parameters` gives them."""
        return self._write("setParameters", tuple(parameters.values()))

    # --- reads ---

    context = view(RoundContext, "context")
    """Where the current round stands."""

    def round_at(self, number: RoundNumber, block: str = "latest") -> RoundRecord:
        """A round, at the end of a block; number 0 is the genesis model."""
        (found,) = self._read_each([(dict[str, Any], "roundAt", (number,))], block)
        return record(RoundRecord, {"number": number, **found})

    current_round = view(RoundNumber, "currentRound")
    """The last round opened."""
    turn_at = view(TurnTime, "turnAt", RoundNumber, int)
    """A turn of a round, and when it began."""
    head_round = view(RoundNumber, "headRound")
    """The latest good model's round."""
    final_round = view(RoundNumber, "finalRound")
    """The highest round whose model is final."""

    def parameters_at(self, version: int) -> Parameters:
        """Round parameters of one version."""
        return _as_parameters(self._read(dict[str, int], "parametersAt", version))

    def plan_of(self, number: RoundNumber, like: RoundPlan | None = None) -> RoundPlan | None:
        """How a round was opened; None where it was not. One request where it is `like` that, else two."""
        base, version = (RoundNumber(0), 0) if like is None else (like.base_round, like.parameters_version)
        while True:
            calls = ("roundAt", number), ("roundAt", base), ("parametersAt", version)
            opened, before, parameters = self._read_each([(dict[str, Any], name, (asked,)) for name, asked in calls])
            if RoundState(opened["state"]) is RoundState.NONE:
                return None
            if (opened["baseRound"], opened["parametersVersion"]) == (base, version):
                settled = opened["seed"], opened["commitEndsAt"], base, before["modelRoot"], before["contentDigest"]
                return RoundPlan(*settled, version, _as_parameters(parameters))
            base, version = RoundNumber(opened["baseRound"]), opened["parametersVersion"]

    parameters_of = view(dict[str, int], "parametersOf", RoundNumber)
    """Every field of the `RoundParameters` that a round runs under."""
    owner = view(str, "owner")
    """The account that may choose parameters."""

    def next_parameters(self) -> dict[str, int]:
        """Every field of the `RoundParameters` that the next round will be opened with."""
        return self._read(dict[str, int], "parametersAt", self._read(int, "parametersVersion"))

    def shape(self) -> ModelShape:
        """Lengths of the model's blocks; fixed at deployment, so read once."""
        if self._shape is None:
            self._shape = ModelShape(self._read(int, "quantumLength"), self._read(int, "classicalLength"))
        return self._shape

    architecture_digest = view(bytes, "architectureDigest")
    """sha256 of the job's architecture document."""
    committee = view(list[ParticipantId], "committee", RoundNumber, ShardIndex)
    """The validators in a committee's seats."""

    def shard_of(self, round_number: RoundNumber, client: ParticipantId) -> ShardIndex:
        """The shard a client belongs to in a round."""
        return self.shards_of(round_number, [client])[0]

    def shards_of(self, round_number: RoundNumber, clients: Sequence[ParticipantId]) -> list[ShardIndex]:
        """The shard of each client in a round; asked for together."""
        calls = [(round_number, client) for client in clients]
        return [shard for shard, _ in self._read_many(tuple[ShardIndex, bool], "placeOf", calls)]

    checkpoint_at = view(CheckpointRecord, "checkpointAt", RoundNumber, ShardIndex)
    """A shard's accepted checkpoint."""

    # --- events ---

    def opened_in(self, round_number: RoundNumber, from_block: int) -> int:
        """The block in which a round was opened."""
        events = self._logs("RoundOpened", from_block, round=round_number)
        if len(events) != 1:  # also of a node that has not seen the block yet
            raise NodeContradictsItself(self._url, f"round {round_number} was opened {len(events)} times")
        return int(events[0]["block"])

    def openings(self, from_block: int) -> list[tuple[RoundNumber, int]]:
        """Every round ever opened, with its block."""
        return [(RoundNumber(event["round"]), event["block"]) for event in self._logs("RoundOpened", from_block)]

    def accepted(self, round_number: RoundNumber, from_block: int) -> list[Accepted]:
        """The accepted checkpoints of a round, in the order of acceptance."""
        return self._events(Accepted, "CheckpointAccepted", from_block, round=round_number)

    def publications(self, from_block: int) -> dict[RoundNumber, str]:
        """The transaction that published each round's model."""
        return {event["round"]: event["txHash"] for event in self._logs("ModelPublished", from_block)}


def _as_parameters(fields: dict[str, int]) -> Parameters:
    return record(Parameters, {**fields, "hash": parameters_hash(fields)})


def last_opened(openings: Sequence[tuple[RoundNumber, int]], block: int) -> RoundNumber:
    """Of `Beacon.openings`, the last round that was opened by the end of a block; 0 for none."""
    return max((number for number, opened in openings if opened <= block), default=RoundNumber(0))
