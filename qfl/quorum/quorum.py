"""What everybody asks of a quorum scheme, and where the schemes are found; a deployment chooses one for good."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar

from qfl.doors import Door
from qfl.protocol.types import ParticipantId

if TYPE_CHECKING:  # web3 takes half a second to import: not for who reads the schemes' names
    from qfl.chain.contracts.beacon import TurnTime
    from qfl.chain.deploy import QuorumContract
    from qfl.chain.deployment import Deployment
    from qfl.chain.ledger import Ledger
    from qfl.chain.rpc.sender import TransactionSender
    from qfl.crypto.keyfile import KeyFile

Key = TypeVar("Key")
"""A public key of the scheme."""
KeysAt = Callable[[ParticipantId], Sequence[Key]]
"""The keys that could have spoken for a validator when something was signed."""
DEFAULT = "lms"
"""The scheme that is meant where none is named."""


class SigningKey(Protocol):
    """A secret key that a validator signs digests of 32 bytes with."""

    @property
    def public(self) -> Any:
        """The key that verifies what this one signs."""

    def sign(self, digest: bytes, /) -> bytes:
        """A signature of `digest`."""


class QuorumScheme(ABC, Generic[Key]):
    """How the committees of one deployment sign: keys, single signatures and bundles.

    Signatures are as the shard's events carry them. What has a default here is what a scheme does that signs with the
    keys that validators bonded with.
    """

    contract: ClassVar[QuorumContract]
    """What verifies its bundles on chain."""
    has_own_keys: ClassVar[bool] = False
    """Whether validators attest with a key beside the one that they bonded with."""
    registration_gas: ClassVar[int] = 0
    """About what it takes to make a validator's key known, until committees can use it."""

    signature_gas: ClassVar[int] = 0
    """The most that one signature of a bundle costs, its bytes included; 0 where that is not known."""
    bundle_gas: ClassVar[int] = 0
    """The most that a bundle costs beside its signatures."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def set_up(
        self, sender: TransactionSender, validator: ParticipantId, *, key: KeyFile, folder: Path
    ) -> SigningKey | None:
        """The key of its own that a validator attests with, made once and registered; None where `key` attests.

        Safe to repeat at every start.
        """
        return None

    def maintain(self, sender: TransactionSender) -> None:
        """What anybody may do before a round is opened, so that its checkpoints cost less."""

    @abstractmethod
    def keys_of(self, committee: Sequence[ParticipantId]) -> dict[int, Key]:
        """The keys that seats sign with now, by seat; a seat that has none is left out."""

    @abstractmethod
    def message(self, digest: bytes, validator: ParticipantId, seat: int) -> bytes:
        """What the validator in a seat signs to attest `digest`."""

    @abstractmethod
    def valid(
        self,
        keys: Mapping[int, Key],
        digest: bytes,
        *,
        committee: Sequence[ParticipantId],
        signatures: Mapping[int, bytes],
    ) -> set[int]:
        """The seats of `signatures` that validly attest `digest` under their key."""

    def attestation(self, signature: bytes) -> bytes:
        """An attestation as others take it, from what the key has signed."""
        return signature

    def bare(self, attestation: bytes) -> bytes:
        """What the key has signed, from an attestation."""
        return attestation

    def is_vote(self, key: Key, digest: bytes, *, validator: ParticipantId, seat: int, said: bytes) -> bool:
        """Whether a seat says by this that it votes for `digest`, where it does not attest it yet."""
        return False

    @abstractmethod
    def bundle(self, committee: Sequence[ParticipantId], signatures: Mapping[int, bytes]) -> bytes:
        """What the contract takes for a quorum of valid signatures by seat, or more."""

    @abstractmethod
    def signatures_in(self, bundle: bytes) -> dict[int, bytes]:
        """The single signatures that can be told apart in a bundle. Raises `MalformedContent`."""

    @abstractmethod
    def keys_since(self, validator: ParticipantId, time: int) -> dict[int, Key]:
        """A validator's keys by their numbers: the current one, and those not retired before `time` (unix seconds)."""

    @abstractmethod
    def evidence(self, key: Key, signature: bytes) -> bytes:
        """What `IQuorum.isAttestation` takes for a signature."""

    @abstractmethod
    def history(self) -> list[tuple[ParticipantId, Key, int]]:
        """Every key that ever became valid, oldest first, with the block it did so in."""

    @abstractmethod
    def check(
        self,
        bundle: bytes,
        committee: Sequence[ParticipantId],
        *,
        digest: bytes,
        keys_at: KeysAt[Key],
        turn: TurnTime,
    ) -> dict[int, bool]:
        """By seat of the bundle, whether it attested `digest`, of this turn, by a key valid then.

        Raises `MalformedContent`.
        """


SCHEMES: Door[type[QuorumScheme[Any]]] = Door("quorum scheme", "qfl.quorum", base=QuorumScheme)
"""The schemes, by the name that a job chooses one with."""


def scheme_in(deployment: Deployment) -> type[QuorumScheme[Any]]:
    """The scheme whose contract a deployment has."""
    kinds = (SCHEMES.find(name) for name in SCHEMES)
    return next((kind for kind in kinds if kind.contract.name in deployment.contracts), SCHEMES.find(DEFAULT))


def scheme_of(ledger: Ledger) -> QuorumScheme[Any]:
    """How the committees of a deployment sign."""
    return scheme_in(ledger.deployment)(ledger)
