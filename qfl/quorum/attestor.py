"""How the seats of a committee sign a checkpoint, by the quorum that a deployment chose."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from qfl.chain.ledger import Ledger
from qfl.protocol.types import ParticipantId
from qfl.quorum.bls import BlsAttestor
from qfl.quorum.lms import LmsAttestor

Key = TypeVar("Key")
"""A public key: `LmsPublicKey`, or the 48 bytes of a BLS key."""


class Attestor(Protocol[Key]):
    """Keys, single signatures and bundles of one kind. Signatures are as the shard's events carry them."""

    def keys_of(self, committee: Sequence[ParticipantId]) -> dict[int, Key]:
        """The keys that seats sign with now, by seat; a seat that has none is left out."""
        ...

    def valid(self, keys: Mapping[int, Key], digest: bytes, signatures: Mapping[int, bytes]) -> set[int]:
        """The seats of `signatures` whose signature of `digest` is valid under their key."""
        ...

    def bundle(self, committee: Sequence[ParticipantId], signatures: Mapping[int, bytes]) -> bytes:
        """What the quorum takes for a quorum of valid signatures by seat, or more."""
        ...

    def signatures_in(self, bundle: bytes) -> dict[int, bytes]:
        """The single signatures that can be told apart in a bundle.

        Raises:
            MalformedContent.
        """
        ...

    def keys_since(self, validator: ParticipantId, time: int) -> dict[int, Key]:
        """A validator's keys by their numbers: the current one, and those not retired before `time` (unix seconds)."""
        ...

    def evidence(self, key: Key, signature: bytes) -> bytes:
        """What `IQuorum.isAttestation` takes for a signature."""
        ...

    def history(self) -> list[tuple[ParticipantId, Key, int]]:
        """Every key that ever became valid, oldest first, with the block it did so in."""
        ...

    def check(
        self,
        bundle: bytes,
        committee: Sequence[ParticipantId],
        digest: bytes,
        keys_at: Callable[[ParticipantId], Sequence[Key]],
    ) -> dict[int, bool]:
        """By seat of the bundle, whether it signed `digest` under one of the keys that were valid then.

        Raises:
            MalformedContent.
        """
        ...


def attestor_of(ledger: Ledger) -> Attestor[Any]:
    """The attestor of a deployment."""
    return LmsAttestor(ledger) if ledger.bls is None else BlsAttestor(ledger, ledger.bls)
