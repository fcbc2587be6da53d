"""Typed access to `contracts/BeaconMirror.sol`; what each function does is said in `IBeaconMirror.sol`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from qfl.chain.contracts.base import BoundContract
from qfl.chain.rpc.connection import reaching
from qfl.chain.rpc.sender import UnsentCall
from qfl.protocol.types import (
    LmsPublicKey,
    MirroredRound,
    MirrorMessage,
    MirrorSeat,
    ParticipantId,
    RoundNumber,
    ShardIndex,
)

ASKED_AT_ONCE = 256
"""Clients that one call of `admitted` answers for: the bits of a word."""


@dataclass(frozen=True)
class Handover:
    """A mirrored committee that may sign the next message, from a time on (unix seconds; 0: always)."""

    round: RoundNumber
    opens_at: int


@dataclass(frozen=True)
class Mirroring:
    """A `RoundMirrored` event; `signers` is 0 for the deployer's message."""

    round: RoundNumber
    previous: RoundNumber
    signers: RoundNumber
    digest: bytes
    block: int


@dataclass(frozen=True)
class Countersigned:
    """A `Countersigned` event: perhaps a signature, perhaps noise."""

    validator: ParticipantId
    digest: bytes
    signature: bytes


class Mirror(BoundContract):
    """The beacon as a shard on a chain of its own sees it."""

    abi_name = "BeaconMirror"

    # --- writes ---

    def begin(self, message: MirrorMessage) -> UnsentCall:
        """Show a first round; the deployer alone may."""
        return self._write("mirror_begin", "begin", [as_tuple(message)], round_number=message.round.round)

    def advance(self, message: MirrorMessage, signers: RoundNumber, bundle: bytes) -> UnsentCall:
        """Show a later round, with the signatures of the committee that was mirrored with round `signers`."""
        arguments = [as_tuple(message), signers, bundle]
        return self._write("mirror_advance", "advance", arguments, round_number=message.round.round)

    def countersign(
        self, round_number: RoundNumber, validator: ParticipantId, digest: bytes, signature: bytes
    ) -> UnsentCall:
        """Announce a signature under a message."""
        arguments = [round_number, validator, digest, signature]
        return self._write("mirror_countersign", "countersign", arguments, 0, validator, round_number)

    def admit(self, client: ParticipantId, key: LmsPublicKey, position: int, path: Sequence[bytes]) -> UnsentCall:
        """Prove that a client is active."""
        arguments = [client, (key.identifier, key.root, key.height), position, list(path)]
        return self._write("mirror_admit", "admit", arguments, 0, client)

    # --- reads ---

    def mirrored(self) -> MirroredRound | None:
        """The round that is shown; None before the first message."""
        found = self._read("mirrored")
        number, previous, shard, *rest = found
        return MirroredRound(RoundNumber(number), RoundNumber(previous), ShardIndex(shard), *rest) if number else None

    def sitting(self, round_number: RoundNumber) -> list[MirrorSeat]:
        """The committee that a round was mirrored with, in seat order, and the keys it signs messages with."""
        seats = self._read("sitting", round_number)
        return [
            MirrorSeat(ParticipantId(seat.validator), LmsPublicKey(seat.key.identifier, seat.key.root, seat.key.height))
            for seat in seats
        ]

    def now(self) -> int:
        """Time of the latest block on the mirror's chain, unix seconds."""
        with reaching(self._url):
            return int(self.web3.eth.get_block("latest")["timestamp"])

    def head(self) -> tuple[int, bytes]:
        """Number and hash of the latest block on the mirror's chain."""
        with reaching(self._url):
            block = self.web3.eth.get_block("latest")
        return int(block["number"]), bytes(block["hash"])

    def has_block(self, number: int, block_hash: bytes) -> bool:
        """Whether the mirror's chain still has this block: one that was killed may have fallen back behind it."""
        if number > self.head()[0]:
            return False
        with reaching(self._url):
            return bytes(self.web3.eth.get_block(number)["hash"]) == block_hash

    def handovers(self) -> list[Handover]:
        """The committees that may sign the next message, latest first."""
        return [Handover(RoundNumber(found.round), found.opensAt) for found in self._read("handovers")]

    def client_key(self, client: ParticipantId) -> LmsPublicKey:
        """The key that a client is admitted with; zeros for one that is not."""
        _, _, key = self._read("client", client)
        return LmsPublicKey(key.identifier, key.root, key.height)

    def admitted(self, clients: Sequence[ParticipantId]) -> set[ParticipantId]:
        """Those of the clients that are admitted."""
        found = set()
        for first in range(0, len(clients), ASKED_AT_ONCE):
            asked = clients[first : first + ASKED_AT_ONCE]
            bitmap = self._read("admitted", asked)
            found |= {client for position, client in enumerate(asked) if bitmap >> position & 1}
        return found

    # --- events ---

    def mirrorings(self, from_block: int, round_number: RoundNumber | None = None) -> list[Mirroring]:
        """Every message that was taken, oldest first; or that of one round."""
        filters = {} if round_number is None else {"round": round_number}
        return [
            Mirroring(
                RoundNumber(event["args"]["round"]),
                RoundNumber(event["args"]["previous"]),
                RoundNumber(event["args"]["signers"]),
                bytes(event["args"]["digest"]),
                event["blockNumber"],
            )
            for event in self._events("RoundMirrored", from_block, **filters)
        ]

    def countersignatures(self, round_number: RoundNumber, from_block: int) -> list[Countersigned]:
        """Everything announced as a signature under a message for the round."""
        return self._countersigned(from_block, round=round_number)

    def countersignatures_by(self, validator: ParticipantId, from_block: int) -> list[Countersigned]:
        """Everything announced as a validator's signature under a message."""
        return self._countersigned(from_block, validator=validator)

    def _countersigned(self, from_block: int, **filters: int) -> list[Countersigned]:
        return [
            Countersigned(
                ParticipantId(event["args"]["validator"]), bytes(event["args"]["digest"]), event["args"]["signature"]
            )
            for event in self._events("Countersigned", from_block, **filters)
        ]


def as_tuple(message: MirrorMessage) -> tuple[Any, ...]:
    """The message as the ABI wants it."""
    seats = [(seat.validator, tuple(vars(seat.key).values())) for seat in message.committee]
    return tuple(vars(message.round).values()), list(message.revoked), seats
