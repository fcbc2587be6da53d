"""Attestations by BLS keys, which come together as one signature. Not post-quantum.

A validator registers a key of its own beside the one it bonded with, and anybody packs everybody's into pages, from
which checkpoints read them for much less gas. A bundle, big endian:

    seats mask u64 | aggregate signature [192] | for each seat in the mask, lowest first, where its key is:
    page u16 and slot u8, or 0xffff and the key itself [96] when it is in no page
"""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from eth_utils.crypto import keccak

from qfl.chain.contracts.beacon import TurnTime
from qfl.chain.contracts.bls_quorum import MOST_ENTRIES, BlsQuorum, KeyPlace
from qfl.chain.contracts.staking import Role
from qfl.chain.deploy import QuorumContract
from qfl.chain.rpc.sender import TransactionSender
from qfl.crypto.bls import BlsKey, aggregate, verify, verify_aggregate, verify_together
from qfl.crypto.bls_points import (
    FULL_KEY_BYTES,
    FULL_SIGNATURE_BYTES,
    compressed_key,
    compressed_signature,
    full_key,
    full_signature,
)
from qfl.crypto.keyfile import KeyFile
from qfl.errors import ContractReverted, MalformedContent
from qfl.protocol.digests import Domain
from qfl.protocol.types import ParticipantId
from qfl.quorum.quorum import SCHEMES, KeysAt, QuorumScheme

log = logging.getLogger(__name__)

KEY_NAME = "bls.key"
REGISTRATION = "BlsKey(uint32 participant,bytes32 keyDigest,uint32 nonce)"
"""What a validator's LMS key signs when a BLS key is registered; the domain is the BLS quorum."""
WORTH_PACKING = 4
"""Keys are packed once one in so many of those that could move is in no page: few pages, and no key moves often."""

_NO_PAGE = b"\xff\xff"
_KEYS_OFFSET = 8 + FULL_SIGNATURE_BYTES


@SCHEMES.register("bls")
class BlsScheme(QuorumScheme[bytes]):
    """All seats as one, by `BlsQuorum`. Keys and single signatures are compressed: 48 and 96 bytes."""

    contract = QuorumContract("BlsQuorum", needs="precompiles for BLS (EIP-2537)", unfit="ChainLacksBls")
    has_own_keys = True
    registration_gas = 400_000
    signature_gas = 10_000
    bundle_gas = 400_000

    @cached_property
    def quorum(self) -> BlsQuorum:
        """The deployment's contract."""
        found = self._ledger.contract(BlsQuorum)
        assert found is not None, "the scheme is that of the deployment"
        return found

    def set_up(self, sender: TransactionSender, validator: ParticipantId, *, key: KeyFile, folder: Path) -> BlsKey:
        """The key in the folder; a new one there replaces the registered one.

        Raises:
            BlsKeyUnusable, KeyExhausted.
            ContractReverted: `KeyTaken`: the folder's key was replaced since; remove it.
        """
        bls = BlsKey.keep(folder / KEY_NAME)
        public = full_key(bls.public)
        if self._keys_of([validator]) != [public]:
            domain = Domain(self._ledger.deployment.chain_id, self.quorum.address)
            registration = domain.digest(REGISTRATION, validator, keccak(public), self.quorum.key_count(validator))
            signature = key.sign(registration)
            possession = full_signature(bls.prove_possession(registration))
            sender.send(self.quorum.register(validator, public, possession=possession, signature=signature))
        return bls

    def maintain(self, sender: TransactionSender) -> None:
        """Pack registered keys into pages where it is worth it. Raises `ContractReverted`, `InsufficientFunds`."""
        while chosen := self._worth_packing():
            try:
                sender.send(self.quorum.pack(chosen.items()))
            except ContractReverted as refusal:
                if refusal.name not in ("BetterPlaced", "NotCurrentKey"):
                    raise
                log.debug("overtaken: %s", refusal)
                return

    def _worth_packing(self) -> dict[ParticipantId, bytes]:
        """The keys for a new page, by validator; none when there are too few that are in no page.

        Those in smaller pages come along: a page takes keys only from smaller ones.
        """
        keys = {entry.validator: entry.key for entry in self.quorum.registrations(self._ledger.from_block)}
        places = dict(zip(keys, self.quorum.places_of(list(keys)), strict=True))
        sizes = Counter(place.page for place in places.values() if place is not None)
        waiting = [validator for validator, place in places.items() if place is None]
        packed = {validator: sizes[place.page] for validator, place in places.items() if place is not None}
        movable = [one for one in sorted(packed, key=packed.__getitem__) if packed[one] < MOST_ENTRIES]
        if not waiting or WORTH_PACKING * len(waiting) < len(waiting) + len(movable):
            return {}
        return {validator: keys[validator] for validator in (*waiting, *movable)[:MOST_ENTRIES]}

    def keys_of(self, committee: Sequence[ParticipantId]) -> dict[int, bytes]:
        """The validators' registered keys."""
        keys = enumerate(self._keys_of(committee))
        return {seat: compressed_key(key) for seat, key in keys if key is not None}

    def message(self, digest: bytes, validator: ParticipantId, seat: int) -> bytes:
        """The same for all seats, so that it adds up; nobody else may register a validator's key."""
        return digest

    def valid(
        self,
        keys: Mapping[int, bytes],
        digest: bytes,
        *,
        committee: Sequence[ParticipantId],
        signatures: Mapping[int, bytes],
    ) -> set[int]:
        """All at once; one by one only when that fails."""
        if verify_together({keys[seat]: signature for seat, signature in signatures.items()}, digest):
            return set(signatures)
        return {seat for seat, signature in signatures.items() if verify(keys[seat], digest, signature)}

    def bundle(self, committee: Sequence[ParticipantId], signatures: Mapping[int, bytes]) -> bytes:
        """All of them: one more costs 1,800 gas, and signatures that were found valid together stay together."""
        seats = sorted(signatures)
        members = [committee[seat] for seat in seats]
        places, keys = self.quorum.places_of(members), self._keys_of(members)
        named = {seat: place or key or b"" for seat, place, key in zip(seats, places, keys, strict=True)}
        signature = full_signature(aggregate(signatures[seat] for seat in seats))
        return encode_aggregate(Aggregate(signature, named))

    def signatures_in(self, bundle: bytes) -> dict[int, bytes]:
        """None: a sum does not tell what was added up, unless it is a single one."""
        found = decode_aggregate(bundle)
        return {seat: compressed_signature(found.signature) for seat in found.keys} if len(found.keys) == 1 else {}

    def keys_since(self, validator: ParticipantId, time: int) -> dict[int, bytes]:
        """Those that were registered; none of a validator that has left."""
        if self._ledger.staking.participant(validator).role is Role.NONE:
            return {}
        found = {entry.key_index: entry.key for entry in self.quorum.registrations(self._ledger.from_block, validator)}
        retired = {index: self.quorum.key_retired_at(validator, index) for index in found}
        return {i: compressed_key(key) for i, key in found.items() if not retired[i] or retired[i] >= time}

    def evidence(self, key: bytes, signature: bytes) -> bytes:
        """Key and signature in full, 288 bytes."""
        return full_key(key) + full_signature(signature)

    def history(self) -> list[tuple[ParticipantId, bytes, int]]:
        """Registrations."""
        registrations = self.quorum.registrations(self._ledger.from_block)
        return [(entry.validator, compressed_key(entry.key), entry.block) for entry in registrations]

    def check(
        self,
        bundle: bytes,
        committee: Sequence[ParticipantId],
        *,
        digest: bytes,
        keys_at: KeysAt[bytes],
        turn: TurnTime,
    ) -> dict[int, bool]:
        """A seat signed when its key was valid, and the sum of all keys signed."""
        found = decode_aggregate(bundle)
        keys = {seat: self._key_of(committee, seat, named=named) for seat, named in found.keys.items()}
        if None in keys.values():
            return {seat: key is not None for seat, key in keys.items()}
        known = {seat: key for seat, key in keys.items() if key is not None}
        is_signed = verify_aggregate(list(known.values()), digest, compressed_signature(found.signature))
        return {seat: is_signed and key in keys_at(committee[seat]) for seat, key in known.items()}

    def _key_of(self, committee: Sequence[ParticipantId], seat: int, *, named: KeyPlace | bytes) -> bytes | None:
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

    def _keys_of(self, validators: Sequence[ParticipantId]) -> list[bytes | None]:
        """The registered keys in full."""
        return self.quorum.keys_of(validators, self._ledger.from_block)


@dataclass(frozen=True)
class Aggregate:
    """One signature in full (192 bytes), and by seat where the keys are that it is under: a place, or 96 bytes."""

    signature: bytes
    keys: Mapping[int, KeyPlace | bytes]


def encode_aggregate(aggregate: Aggregate) -> bytes:
    """The bundle of an aggregate, whose seats are 0 to 63."""
    mask = sum(1 << seat for seat in aggregate.keys)
    keys = (_encode_key(aggregate.keys[seat]) for seat in sorted(aggregate.keys))
    return mask.to_bytes(8) + aggregate.signature + b"".join(keys)


def decode_aggregate(bundle: bytes) -> Aggregate:
    """What is in a bundle. Raises `MalformedContent`: it is cut, or has bytes left over."""
    mask, offset, keys = int.from_bytes(bundle[:8]), _KEYS_OFFSET, dict[int, KeyPlace | bytes]()
    for seat in (seat for seat in range(64) if mask >> seat & 1):
        page = bundle[offset : offset + 2]
        if page == _NO_PAGE:
            keys[seat] = bundle[offset + 2 : offset + 2 + FULL_KEY_BYTES]
            offset += 2 + FULL_KEY_BYTES
        else:
            keys[seat] = KeyPlace(int.from_bytes(page), int.from_bytes(bundle[offset + 2 : offset + 3]))
            offset += 3
    if offset != len(bundle):
        raise MalformedContent(f"aggregate of {len(bundle)} bytes, its seats add up to {offset}")
    return Aggregate(bundle[8:_KEYS_OFFSET], keys)


def _encode_key(key: KeyPlace | bytes) -> bytes:
    return _NO_PAGE + key if isinstance(key, bytes) else key.page.to_bytes(2) + key.slot.to_bytes(1)
