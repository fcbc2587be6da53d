"""Attestations by BLS keys, which come together as one signature. Not post-quantum."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from qfl.chain.contracts.bls_quorum import BlsQuorum
from qfl.chain.contracts.staking import Role
from qfl.chain.ledger import Ledger
from qfl.crypto.bls import aggregate, verify, verify_aggregate, verify_together
from qfl.crypto.bls_points import compressed_key, compressed_signature, full_key, full_signature
from qfl.errors import MalformedContent
from qfl.protocol.types import KeyPlace, ParticipantId
from qfl.quorum.bls_bundle import Aggregate, decode_aggregate, encode_aggregate


@dataclass(frozen=True)
class BlsAttestor:
    """`Attestor` for `BlsQuorum`. Keys and single signatures are compressed: 48 and 96 bytes."""

    ledger: Ledger
    quorum: BlsQuorum

    def keys_of(self, committee: Sequence[ParticipantId]) -> dict[int, bytes]:
        """The validators' registered keys."""
        keys = enumerate(self.quorum.keys_of(committee))
        return {seat: compressed_key(key) for seat, key in keys if key is not None}

    def valid(self, keys: Mapping[int, bytes], digest: bytes, signatures: Mapping[int, bytes]) -> set[int]:
        """All at once; one by one only when that fails."""
        if verify_together({keys[seat]: signature for seat, signature in signatures.items()}, digest):
            return set(signatures)
        return {seat for seat, signature in signatures.items() if verify(keys[seat], digest, signature)}

    def bundle(self, committee: Sequence[ParticipantId], signatures: Mapping[int, bytes]) -> bytes:
        """All of them: one more costs 1,800 gas, and signatures that were found valid together stay together."""
        seats = sorted(signatures)
        members = [committee[seat] for seat in seats]
        places, keys = self.quorum.places_of(members), self.quorum.keys_of(members)
        named = {seat: place or key or b"" for seat, place, key in zip(seats, places, keys, strict=True)}
        signature = full_signature(aggregate(signatures[seat] for seat in seats))
        return encode_aggregate(Aggregate(signature, named))

    def signatures_in(self, bundle: bytes) -> dict[int, bytes]:
        """None: a sum does not tell what was added up, unless it is a single one."""
        found = decode_aggregate(bundle)
        return {seat: compressed_signature(found.signature) for seat in found.keys} if len(found.keys) == 1 else {}

    def keys_since(self, validator: ParticipantId, time: int) -> dict[int, bytes]:
        """Those that were registered; none of a validator that has left."""
        if self.ledger.staking.participant(validator).role is Role.NONE:
            return {}
        found = {entry.key_index: entry.key for entry in self.quorum.registrations(validator)}
        retired = {index: self.quorum.key_retired_at(validator, index) for index in found}
        return {i: compressed_key(key) for i, key in found.items() if not retired[i] or retired[i] >= time}

    def evidence(self, key: bytes, signature: bytes) -> bytes:
        """Key and signature in full, 288 bytes."""
        return full_key(key) + full_signature(signature)

    def history(self) -> list[tuple[ParticipantId, bytes, int]]:
        """Registrations."""
        return [(entry.validator, compressed_key(entry.key), entry.block) for entry in self.quorum.registrations()]

    def check(
        self,
        bundle: bytes,
        committee: Sequence[ParticipantId],
        digest: bytes,
        keys_at: Callable[[ParticipantId], Sequence[bytes]],
    ) -> dict[int, bool]:
        """A seat signed when its key was valid, and the sum of all keys signed."""
        found = decode_aggregate(bundle)
        keys = {seat: self._key_of(committee, seat, named) for seat, named in found.keys.items()}
        if None in keys.values():
            return {seat: key is not None for seat, key in keys.items()}
        known = {seat: key for seat, key in keys.items() if key is not None}
        is_signed = verify_aggregate(list(known.values()), digest, compressed_signature(found.signature))
        return {seat: is_signed and key in keys_at(committee[seat]) for seat, key in known.items()}

    def _key_of(self, committee: Sequence[ParticipantId], seat: int, named: KeyPlace | bytes) -> bytes | None:
        """The seat's key as the bundle names it; None for a seat that is not there, or a place that is another's."""
        if seat >= len(committee):
            return None
        if isinstance(named, KeyPlace):
            validator, key = self.quorum.key_in(named) or (None, b"")
            return compressed_key(key) if validator == committee[seat] else None
        try:
            return compressed_key(named)
        except MalformedContent:
            return None
