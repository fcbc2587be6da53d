"""From the bytes that a client stored to its content object: as they are, or sealed to a committee."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from qfl.crypto.kem import KemKey
from qfl.crypto.norm.statement import commit_lanes, commitment_salt
from qfl.crypto.sealed import open_sealed, parse_sealed, sealed_bytes
from qfl.errors import SealBroken
from qfl.protocol.quorum import quorum_of
from qfl.protocol.types import ParticipantId, Reveal


class Opener(Protocol):
    """How one seat, or an auditor, reads the updates of one shard in one round."""

    def most_bytes(self, update_bytes: int) -> int:
        """The most that is fetched for an update whose content object has `update_bytes`."""

    def open(self, reveal: Reveal, data: bytes) -> tuple[bytes, bytes]:
        """The content object in `data`, and the seed of its salts; without salts an empty one.

        Raises:
            MalformedContent, SealBroken.
        """

    def is_proven(self, reveal: Reveal, lanes: NDArray[np.integer], seed: bytes) -> bool:
        """False when these lanes (`[d]`) are not the ones whose norm the client has proven."""


class Plain:
    """The transparent mode: what is stored is the content object, and there is no proof."""

    def most_bytes(self, update_bytes: int) -> int:
        return update_bytes

    def open(self, reveal: Reveal, data: bytes) -> tuple[bytes, bytes]:
        return data, b""

    def is_proven(self, reveal: Reveal, lanes: NDArray[np.integer], seed: bytes) -> bool:
        return True


PLAIN = Plain()


@dataclass(frozen=True)
class Sealed:
    """The private mode, for the holder of a seat's decryption key.

    Attributes:
        recipients: public keys by seat, empty where there is none.
        context_of: what the seal and the proof of a client are bound to.
        proven: Poseidon commitments by client, from the shard's events.
        capacity: lanes of the circuit.
    """

    seat: int
    key: KemKey
    recipients: Sequence[bytes]
    context_of: Callable[[ParticipantId], int]
    proven: Mapping[ParticipantId, int]
    capacity: int

    def most_bytes(self, update_bytes: int) -> int:
        return sealed_bytes(update_bytes, len(self.recipients))

    def open(self, reveal: Reveal, data: bytes) -> tuple[bytes, bytes]:
        needed, found = quorum_of(len(self.recipients)), len(parse_sealed(data, len(self.recipients)).entries)
        if found < needed:  # or a client could leave the committee divided over what can be read
            raise SealBroken(f"it is sealed to {found} of {len(self.recipients)} seats, {needed} are needed")
        context = self.context_of(reveal.client).to_bytes(32)
        return open_sealed(data, self.seat, self.key, self.recipients, context)

    def is_proven(self, reveal: Reveal, lanes: NDArray[np.integer], seed: bytes) -> bool:
        """The proof's soundness is classical; that the proven lanes are these is checked here, by everybody."""
        return self.proven.get(reveal.client) == commit_lanes(lanes, self.capacity, commitment_salt(seed))
