"""Typed access to `contracts/quorums/BlsQuorum.sol`, as `IBlsQuorum.sol` has it. Keys are in full: x | y, 96 bytes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from eth_utils.crypto import keccak
from web3 import Web3

from qfl.chain.contracts.base import BoundContract, view
from qfl.chain.rpc.sender import UnsentCall
from qfl.protocol.types import ParticipantId

MOST_ENTRIES = 245
"""Keys that one page holds: `MAX_ENTRIES`."""

_NOT_PACKED, _NO_KEY = 0xFFFFFF, bytes(32)
_ENTRY_BYTES = 100


@dataclass(frozen=True)
class KeyPlace:
    """Where a validator's key is: entry `slot` of page `page`."""

    page: int
    slot: int


@dataclass(frozen=True)
class Registration:
    """A `KeyRegistered` event: a validator's key, its number, and the block it became valid in."""

    validator: ParticipantId
    key_index: int
    key: bytes
    block: int


class BlsQuorum(BoundContract):
    """The keys that validators attest with, their pages, and what verifies a committee's aggregate."""

    abi_name = "BlsQuorum"

    def __init__(self, web3: Web3, address: str) -> None:
        super().__init__(web3, address)
        self._keys: dict[bytes, bytes] = {}
        self._pages: dict[int, list[tuple[ParticipantId, bytes]]] = {}

    # --- calls ---

    def register(self, validator: ParticipantId, key: bytes, *, possession: bytes, signature: bytes) -> UnsentCall:
        """Register a validator's key, or replace it."""
        return self._write("register", validator, key, possession, signature, label="register_bls_key")

    def pack(self, keys: Iterable[tuple[ParticipantId, bytes]]) -> UnsentCall:
        """Pack current keys into a new page, in ascending order of validators."""
        entries = b"".join(validator.to_bytes(4) + key for validator, key in sorted(keys))
        return self._write("pack", entries, label="pack_bls_keys")

    # --- reads ---

    key_count = view(int, "keyCount", ParticipantId)
    """How many keys a validator registered; the current one is the last."""
    key_retired_at = view(int, "keyRetiredAt", ParticipantId, int)
    """When a key stopped attesting (unix seconds); 0 while it is current."""

    def keys_of(self, validators: Sequence[ParticipantId], from_block: int) -> list[bytes | None]:
        """The validators' current keys, registered since a block; None for who has none."""
        digests = self._read_many(bytes, "keyDigestOf", [(validator,) for validator in validators])
        if {digest for digest in digests if digest != _NO_KEY} - self._keys.keys():
            self._keys = {keccak(entry.key): entry.key for entry in self.registrations(from_block)}
        return [self._keys.get(digest) for digest in digests]

    def places_of(self, validators: Sequence[ParticipantId]) -> list[KeyPlace | None]:
        """Where the validators' current keys are; None for one that is in no page."""
        places = self._read(list[int], "placesOf", validators)
        return [None if place == _NOT_PACKED else KeyPlace(place >> 8, place & 0xFF) for place in places]

    def key_in(self, place: KeyPlace) -> tuple[ParticipantId, bytes] | None:
        """The validator and the key at a place, whether it counts or not; None where there is no such place."""
        if place.page not in self._pages:
            kept = self._kept_at(self._read(tuple[str, int, int], "pageAt", place.page)[0])
            entries = [kept[start : start + _ENTRY_BYTES] for start in range(0, len(kept), _ENTRY_BYTES)]
            if not entries:
                return None
            self._pages[place.page] = [(ParticipantId(int.from_bytes(entry[:4])), entry[4:]) for entry in entries]
        page = self._pages[place.page]
        return page[place.slot] if place.slot < len(page) else None

    # --- events ---

    def registrations(
        self, from_block: int, validator: ParticipantId | None = None, *, to_block: int | str = "latest"
    ) -> list[Registration]:
        """Every key that was registered since a block, oldest first; by one validator, or by all."""
        return self._events(Registration, "KeyRegistered", from_block, to_block, validator=validator)
