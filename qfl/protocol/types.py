"""The values that cross the borders between stages, in the order of an update's life: plain, frozen, free of web3."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NewType

if TYPE_CHECKING:  # numpy is for who computes: `qfl --help` reads these names too
    import numpy as np
    from numpy.typing import NDArray

ParticipantId = NewType("ParticipantId", int)
"""Number of a bonded client or validator, from 1, given by `Staking`."""
RoundNumber = NewType("RoundNumber", int)
"""Number of a round, from 1; 0 stands for the genesis model."""
ShardIndex = NewType("ShardIndex", int)
"""Number of a shard, from 0."""


@dataclass(frozen=True)
class ModelShape:
    """Lengths of the two blocks of a model state: `quantum` angles, then `classical` weights."""

    quantum: int
    classical: int

    @property
    def total(self) -> int:
        """Number of coordinates of the state vector."""
        return self.quantum + self.classical


@dataclass(frozen=True)
class LaneFormat:
    """How an update is written: lanes of `lane_bits` (4, 8 or 16), delta = lane * 2**exponent in model units."""

    lane_bits: int
    quantum_exponent: int
    classical_exponent: int

    @property
    def lane_max(self) -> int:
        """Largest lane value; lanes are symmetric, so the smallest is its negative."""
        return int(2 ** (self.lane_bits - 1)) - 1


@dataclass(frozen=True)
class LmsPublicKey:
    """An LMS public key (RFC 8554): `identifier` is I (16 bytes), `root` is T[1] (24 bytes)."""

    identifier: bytes
    root: bytes
    height: int


@dataclass(frozen=True)
class RoundSpec:
    """What the beacon says of a round: everything that an update and its aggregate are held to.

    `parameters_hash` is of all the round's parameters (`qfl.protocol.digests.parameters_hash`); zeros without a chain.
    """

    round: RoundNumber
    shard: ShardIndex
    base_root: bytes
    shape: ModelShape
    format: LaneFormat
    trim_bps: int
    norm_bound: int
    parameters_hash: bytes = bytes(32)


@dataclass(frozen=True)
class TrainingTask:
    """What a client is to train from: the round's base model, a seed of its own, and how the base came about.

    `model_delta` is None for the first model, and where the one before the base cannot be had.
    """

    angles: NDArray[np.float64]
    weights: NDArray[np.float64]
    seed: int
    round: RoundNumber
    model_delta: ModelDelta | None = None


@dataclass(frozen=True)
class ModelDelta:
    """What is known of the way that led to a base model.

    Attributes:
        round: the one that published the base.
        step: what it changed, float64 `[d]`, in radians and weights.
        own: the client's control variate after its last training (`qfl.training.controls`), if it keeps one.
    """

    round: RoundNumber
    step: NDArray[np.float64]
    own: NDArray[np.float64] | None


@dataclass(frozen=True)
class TrainingResult:
    """A trained model: `angles` in radians `[quantum]`, `weights` `[classical]`.

    `control` (`[d]`) is the client's control variate for its next training, where the recipe has such; `sent_share` is
    the share of its lanes that the recipe lets an update send.
    """

    angles: NDArray[np.float64]
    weights: NDArray[np.float64]
    control: NDArray[np.float64] | None = None
    sent_share: float = 1.0


@dataclass(frozen=True)
class PreparedUpdate:
    """An update ready to be committed; `residual` (float64 `[d]`, model units) goes into the client's next one."""

    content: bytes
    update_root: bytes
    content_digest: bytes
    salt: bytes
    residual: NDArray[np.float64]


@dataclass(frozen=True)
class Reveal:
    """What a client says its update is, and where it is; `index` is its number among the round's reveals."""

    client: ParticipantId
    index: int
    update_root: bytes
    content_digest: bytes
    tx_hash: str


@dataclass(frozen=True)
class VerifiedUpdate:
    """A revealed update whose content passed every check. `lanes` has shape `[d]`; without salts `seed` is empty."""

    index: int
    client: ParticipantId
    update_root: bytes
    content_digest: bytes
    lanes: NDArray[np.signedinteger]
    seed: bytes = b""


@dataclass(frozen=True)
class Checkpoint:
    """What a committee attests; field for field the `Checkpoint` of `contracts/interfaces/IBeacon.sol`."""

    round: RoundNumber
    shard: ShardIndex
    turn: int
    count: int
    base_root: bytes
    included: int
    updates_root: bytes
    aggregate_root: bytes
    content_digest: bytes
    reveals_hash: bytes = bytes(32)
    parameters_hash: bytes = bytes(32)
    model_root: bytes = bytes(32)
    model_digest: bytes = bytes(32)


@dataclass(frozen=True)
class MirroredRound:
    """What a mirror shows of a round; field for field the `MirroredRound` of `IBeaconMirror.sol`."""

    round: RoundNumber
    previous: RoundNumber
    shard: ShardIndex
    shards: int
    seats: int
    lane_bits: int
    turn_seconds: int
    commit_ends_at: int
    reveal_ends_at: int
    checkpoint_ends_at: int
    norm_bound: int
    client_count: int
    seed: bytes
    base_root: bytes
    clients_root: bytes


@dataclass(frozen=True)
class MirrorSeat:
    """A seat of a mirrored committee: its validator, and the key that it signs messages with."""

    validator: ParticipantId
    key: LmsPublicKey


@dataclass(frozen=True)
class MirrorMessage:
    """What changes a mirror; field for field the `MirrorMessage` of `IBeaconMirror.sol`."""

    round: MirroredRound
    revoked: tuple[ParticipantId, ...]
    committee: tuple[MirrorSeat, ...]
