"""A client's update as everybody reads it: opened, as it is or sealed to a committee, and checked alike by all."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from qfl.crypto.kem import KemKey
from qfl.crypto.norm.statement import commit_lanes, commitment_salt
from qfl.crypto.sealed import SEED_BYTES, open_sealed, parse_sealed, sealed_bytes
from qfl.errors import (
    ContentMissing,
    ContentUnusable,
    MalformedContent,
    SealBroken,
    UpdateMissing,
    UpdateRejected,
    UpdateUnreadable,
)
from qfl.protocol.content import ContentKind, decode, lanes_root, most_update_bytes
from qfl.protocol.quorum import quorum_of
from qfl.protocol.rule import squared_norm
from qfl.protocol.types import ParticipantId, Reveal, RoundSpec, VerifiedUpdate
from qfl.storage.store import ByteBudget, ContentStore


class Opener:
    """How one seat, or an auditor, reads the updates of one shard in one round; this one in the transparent mode.

    There, what is stored is the content object, and there is no proof.
    """

    def most_bytes(self, update_bytes: int) -> int:
        """The most that is fetched for an update whose content object has `update_bytes`."""
        return update_bytes

    def open(self, reveal: Reveal, data: bytes) -> tuple[bytes, bytes]:
        """The content object in `data`, and the seed of its salts; without salts an empty one.

        Raises MalformedContent, SealBroken.
        """
        return data, b""

    def is_proven(self, reveal: Reveal, lanes: NDArray[np.integer], seed: bytes) -> bool:
        """False when these lanes (`[d]`) are not the ones whose norm the client has proven."""
        return True


PLAIN = Opener()


@dataclass(frozen=True)
class Sealed(Opener):
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


FETCHERS = 32
"""A search for content that nobody stores takes seconds: many of those must not fill the checkpoint phase."""
IN_FLIGHT = ByteBudget(16 * 2**20)
"""Contents that this process fetches and checks at a time, bytes; however many wait, there are not more in memory.

What stays of an update afterwards is its lanes, in their own width.
"""
Check = Callable[[Reveal, bytes, RoundSpec, Opener], VerifiedUpdate]
"""From an update's stored bytes to its lanes; raises `UpdateRejected`."""


def verify_update(reveal: Reveal, data: bytes, spec: RoundSpec, opener: Opener = PLAIN) -> VerifiedUpdate:
    """Check one update's stored bytes against its reveal and the round's terms.

    Raises UpdateRejected: says which check failed.
    """
    try:
        opened, seed = opener.open(reveal, data)
        content = decode(opened)
    except (MalformedContent, SealBroken) as error:
        raise UpdateRejected(reveal.client, error.reason) from error
    lanes = content.lanes
    checks = {
        f"its kind is {content.kind.name.lower()}": content.kind is ContentKind.UPDATE,
        f"it is for round {content.round}": content.round == spec.round,
        f"it is for shard {content.shard}": content.shard == spec.shard,
        f"its author is {content.author}": content.author == reveal.client,
        f"it is based on model {content.base_root.hex()}": content.base_root == spec.base_root,
        f"its shape is {content.shape}": content.shape == spec.shape,
        f"its lanes have {content.lane_bits} bits": content.lane_bits == spec.format.lane_bits,
        "its seed is 32 zero bytes, which everybody knows": seed != bytes(SEED_BYTES),
        "its lanes do not have the revealed root": lanes_root(content, seed) == reveal.update_root,
        f"its squared norm {squared_norm(lanes)} is over {spec.norm_bound}": squared_norm(lanes) <= spec.norm_bound,
    }
    for complaint, holds in checks.items():
        if not holds:
            raise UpdateRejected(reveal.client, complaint)
    if not opener.is_proven(reveal, lanes, seed):
        raise UpdateRejected(reveal.client, "its lanes are not the ones whose norm it has proven")
    return VerifiedUpdate(reveal.index, reveal.client, reveal.update_root, reveal.content_digest, lanes, seed)


def fetch_updates(
    reveals: Iterable[Reveal],
    store: ContentStore,
    spec: RoundSpec,
    opener: Opener = PLAIN,
    check: Check = verify_update,
) -> tuple[list[VerifiedUpdate], list[UpdateRejected]]:
    """Fetch and check the revealed updates in parallel, within `IN_FLIGHT`; both lists are in reveal order.

    Content that cannot be fetched is a rejection like any other: the update is not included, and costs nothing.

    Raises StoreUnreachable: the own store does not answer; that is nobody else's fault.
    """
    most_bytes = opener.most_bytes(most_update_bytes(spec))

    def fetch(reveal: Reveal) -> VerifiedUpdate | UpdateRejected:
        with IN_FLIGHT.holding(most_bytes):
            try:
                return check(reveal, store.get(reveal.content_digest, most_bytes), spec, opener)
            except ContentMissing as error:
                return UpdateMissing(reveal.client, str(error))
            except ContentUnusable as error:
                return UpdateUnreadable(reveal.client, str(error))
            except UpdateRejected as error:
                return error

    outcomes = list(fetchers().map(fetch, reveals))
    verified = [outcome for outcome in outcomes if isinstance(outcome, VerifiedUpdate)]
    return verified, [outcome for outcome in outcomes if isinstance(outcome, UpdateRejected)]


@cache
def fetchers() -> ThreadPoolExecutor:
    """Threads that stay: each keeps its connection to the store."""
    return ThreadPoolExecutor(FETCHERS, thread_name_prefix="fetch")
