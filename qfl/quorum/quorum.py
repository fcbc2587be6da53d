"""What everybody asks of a quorum scheme, and where the schemes are found; a deployment chooses one for good."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

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
DEFAULT = "votes"
"""The scheme of a new deployment where none is named."""
UNNAMED = "lms"
"""That of a deployment whose file has the contract of none: it asks for no contract of its own."""


class QuorumScheme(ABC, Generic[Key]):
    """How the committees of one deployment sign: keys, single signatures and bundles.

    Validators sign with the LMS keys that they bonded with. Signatures are as the shard's events carry them.
    """

    contract: ClassVar[QuorumContract]
    """What verifies its bundles on chain."""
    registration_gas: ClassVar[int] = 0
    """About what it takes to make known what a validator attests with beside its key."""

    signature_gas: ClassVar[int] = 0
    """The most that one signature of a bundle costs, its bytes included; 0 where that is not known."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def set_up(self, sender: TransactionSender, validator: ParticipantId, *, key: KeyFile, folder: Path) -> None:
        """Make known what a validator attests with beside `key`, if there is such; safe to repeat at every start."""

    def signed_by(self, validator: ParticipantId) -> list[tuple[bytes, bytes]]:
        """Digest and LMS signature of all that a validator has made known for `set_up`, whichever key signed it."""
        return []

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
        """The signatures in a bundle that would prove something by themselves. Raises `MalformedContent`."""

    @abstractmethod
    def keys_since(self, validator: ParticipantId, time: int) -> dict[int, Key]:
        """A validator's keys by their numbers: the current one, and those not retired before `time` (unix seconds)."""

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
    """The scheme whose contract a deployment has; LMS signatures where it has that of none."""
    kinds = (SCHEMES.find(name) for name in SCHEMES)
    return next((kind for kind in kinds if kind.contract.name in deployment.contracts), SCHEMES.find(UNNAMED))


def scheme_of(ledger: Ledger) -> QuorumScheme[Any]:
    """How the committees of a deployment sign."""
    return scheme_in(ledger.deployment)(ledger)
