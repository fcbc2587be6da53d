"""Attestations by the LMS keys that validators bonded with: post-quantum, and each in the bundle.

A bundle is the mask of its seats (u64, big endian), then length (u16) and signature of each, lowest first.
"""

from collections.abc import Mapping, Sequence

from qfl.chain.contracts.beacon import TurnTime
from qfl.chain.contracts.staking import Role
from qfl.chain.deploy import QuorumContract
from qfl.crypto.lms import verify
from qfl.errors import MalformedContent
from qfl.protocol.digests import seat_digest
from qfl.protocol.quorum import quorum_of
from qfl.protocol.types import LmsPublicKey, ParticipantId
from qfl.quorum.quorum import SCHEMES, KeysAt, QuorumScheme


@SCHEMES.register("lms")
class LmsScheme(QuorumScheme[LmsPublicKey]):
    """Every seat for itself, by `LmsQuorum`."""

    contract = QuorumContract("LmsQuorum")
    signature_gas = 200_000

    def keys_of(self, committee: Sequence[ParticipantId]) -> dict[int, LmsPublicKey]:
        """The validators' keys in `Staking`."""
        return {seat: member.key for seat, member in enumerate(self._ledger.staking.participants(committee))}

    def message(self, digest: bytes, validator: ParticipantId, seat: int) -> bytes:
        """Each names itself: a validator that bonded with another's key must sign on its own."""
        return seat_digest(digest, validator, seat)

    def valid(
        self,
        keys: Mapping[int, LmsPublicKey],
        digest: bytes,
        *,
        committee: Sequence[ParticipantId],
        signatures: Mapping[int, bytes],
    ) -> set[int]:
        """One by one."""
        said = {seat: self.message(digest, committee[seat], seat) for seat in signatures}
        return {seat for seat, signature in signatures.items() if verify(keys[seat], said[seat], signature)}

    def bundle(self, committee: Sequence[ParticipantId], signatures: Mapping[int, bytes]) -> bytes:
        """No more than the quorum needs: each costs 120,000 gas."""
        needed = sorted(signatures)[: quorum_of(len(committee))]
        return encode_bundle({seat: signatures[seat] for seat in needed})

    def signatures_in(self, bundle: bytes) -> dict[int, bytes]:
        """All of them."""
        return decode_bundle(bundle)

    def keys_since(self, validator: ParticipantId, time: int) -> dict[int, LmsPublicKey]:
        """Those of `Staking`; none of a validator that has left."""
        staking = self._ledger.staking
        record = staking.participant(validator)
        if record.role is Role.NONE:
            return {}
        retired = {index: staking.key_retired_at(validator, index) for index in range(record.key_index)}
        keys = {index: staking.key_at(validator, index) for index in retired if retired[index] >= time}
        return {**keys, record.key_index: record.key}

    def history(self) -> list[tuple[ParticipantId, LmsPublicKey, int]]:
        """Bonds and rotations."""
        staking, begun = self._ledger.staking, self._ledger.from_block
        bonds = [(bonding.id, bonding.key, bonding.block) for bonding in staking.bondings(begun)]
        return [*bonds, *staking.rotations(begun)]

    def check(
        self,
        bundle: bytes,
        committee: Sequence[ParticipantId],
        *,
        digest: bytes,
        keys_at: KeysAt[LmsPublicKey],
        turn: TurnTime,
    ) -> dict[int, bool]:
        """Each signature by itself."""

        def is_signed(seat: int, signature: bytes) -> bool:
            said = self.message(digest, committee[seat], seat)
            return any(verify(key, said, signature) for key in keys_at(committee[seat]))

        signatures = decode_bundle(bundle)
        return {seat: seat < len(committee) and is_signed(seat, signatures[seat]) for seat in signatures}


def encode_bundle(signatures: Mapping[int, bytes]) -> bytes:
    """Pack `signatures` by seat (0 to 63)."""
    mask = sum(1 << seat for seat in signatures)
    parts = (len(signatures[seat]).to_bytes(2) + signatures[seat] for seat in sorted(signatures))
    return mask.to_bytes(8) + b"".join(parts)


def decode_bundle(bundle: bytes) -> dict[int, bytes]:
    """The signatures in `bundle`, by seat. Raises `MalformedContent`: the lengths do not add up."""
    mask, offset, signatures = int.from_bytes(bundle[:8]), 8, {}
    for seat in (seat for seat in range(64) if mask >> seat & 1):
        size = int.from_bytes(bundle[offset : offset + 2])
        signatures[seat] = bundle[offset + 2 : offset + 2 + size]
        offset += 2 + size
    if offset != len(bundle):
        raise MalformedContent(f"attestation bundle of {len(bundle)} bytes, its lengths add up to {offset}")
    return signatures
