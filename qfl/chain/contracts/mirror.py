"""Typed access to `contracts/BeaconMirror.sol`; what each function does is said in `IBeaconMirror.sol`."""

from collections.abc import Sequence
from dataclasses import dataclass

from qfl.chain.contracts.base import BoundContract, of_round, view
from qfl.chain.rpc.connection import reaching
from qfl.chain.rpc.sender import UnsentCall
from qfl.protocol.types import LmsPublicKey, MirroredRound, MirrorMessage, MirrorSeat, ParticipantId, RoundNumber

ASKED_AT_ONCE = 256
"""Clients that one call of `admitted` answers for: the bits of a word."""


@dataclass(frozen=True)
class Handover:
    """A mirrored committee that may sign the next message, from a time on (unix seconds; 0: always)."""

    round: RoundNumber
    opens_at: int


@dataclass(frozen=True)
class Mirroring:
    """A `RoundMirrored` event; for the deployer's message `signers` is 0 and the `bundle` empty."""

    round: RoundNumber
    previous: RoundNumber
    signers: RoundNumber
    digest: bytes
    message: MirrorMessage
    bundle: bytes
    block: int


@dataclass(frozen=True)
class Countersigned:
    """A `Countersigned` event: perhaps a signature, perhaps noise."""

    validator: ParticipantId
    seat: int
    digest: bytes
    signature: bytes


class Mirror(BoundContract):
    """The beacon as a shard on a chain of its own sees it."""

    abi_name = "BeaconMirror"

    # --- writes ---

    def begin(self, message: MirrorMessage) -> UnsentCall:
        """Show a first round; the deployer alone may."""
        return self._write("begin", message, label="mirror_begin", round_number=message.round.round)

    def advance(self, message: MirrorMessage, signers: RoundNumber, *, bundle: bytes) -> UnsentCall:
        """Show a later round, with the signatures of the committee that was mirrored with round `signers`."""
        number = message.round.round
        return self._write("advance", message, signers, bundle, label="mirror_advance", round_number=number)

    def countersign(
        self, round_number: RoundNumber, validator: ParticipantId, *, seat: int, digest: bytes, signature: bytes
    ) -> UnsentCall:
        """Announce a signature under a message, from a seat in a committee that may sign it."""
        return self._write("countersign", round_number, validator, seat, digest, signature, label="mirror_countersign")

    def admit(
        self,
        client: ParticipantId,
        key: LmsPublicKey,
        *,
        anchor: bytes,
        first_round: int,
        position: int,
        path: Sequence[bytes],
    ) -> UnsentCall:
        """Prove that a client is active, with this key and hash chain."""
        return self._write("admit", client, key, anchor, first_round, position, path, label="mirror_admit")

    # --- reads ---

    def mirrored(self) -> MirroredRound | None:
        """The round that is shown; None before the first message."""
        found = self._read(MirroredRound, "mirrored")
        return found if found.round else None

    sitting = view(list[MirrorSeat], "sitting", RoundNumber)
    """The committee that a round was mirrored with, in seat order, and the keys it signs messages with."""

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

    handovers = view(list[Handover], "handovers")
    """The committees that may sign the next message, latest first."""

    def client_key(self, client: ParticipantId) -> LmsPublicKey:
        """The key that a client is admitted with; zeros for one that is not."""
        return self._read(tuple[bool, int, bool, LmsPublicKey], "client", client)[3]

    anchor_of = view(tuple[bytes, int], "anchorOf", ParticipantId)
    """The end of an admitted client's hash chain, zeros where it has none, and the round that it begins with."""

    def admitted(self, clients: Sequence[ParticipantId]) -> set[ParticipantId]:
        """Those of the clients that are admitted."""
        found = set()
        for first in range(0, len(clients), ASKED_AT_ONCE):
            asked = clients[first : first + ASKED_AT_ONCE]
            bitmap = self._read(int, "admitted", asked)
            found |= {client for position, client in enumerate(asked) if bitmap >> position & 1}
        return found

    # --- events ---

    def mirrorings(self, from_block: int, round_number: RoundNumber | None = None) -> list[Mirroring]:
        """Every message that was taken, oldest first; or that of one round."""
        return self._events(Mirroring, "RoundMirrored", from_block, round=round_number)

    countersignatures = of_round(Countersigned)
    """Everything announced as a signature under a message for a round, since a block."""

    def countersignatures_by(self, validator: ParticipantId, from_block: int) -> list[Countersigned]:
        """Everything announced as a validator's signature under a message."""
        return self._events(Countersigned, "Countersigned", from_block, validator=validator)
