"""Validators that attest with BLS keys: registering them, packing them into pages, signing together."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from eth_utils.crypto import keccak

from qfl.chain.contracts.bls_quorum import KeyPlace
from qfl.crypto.bls import BlsKey, aggregate
from qfl.crypto.bls_points import full_key, full_signature
from qfl.quorum.bls import REGISTRATION, Aggregate, encode_aggregate
from tests.contracts.world import Member, World, word


@cache
def bls_key_of(name: str) -> BlsKey:
    """The key called `name`: always the same one."""
    return BlsKey(word(name + "'s BLS seed"))


def register(
    world: World, quorum: Any, member: Member, secret: BlsKey | None = None, public: bytes = b"", **changed: Any
) -> Any:
    """Register a key, by default the member's own.

    `public` stands in for the key, and the member signs that; `changed` replaces single arguments after signing.
    """
    chosen = secret or bls_key_of(member.name)
    named = public or full_key(chosen.public)
    digest = world.domain(quorum).digest(
        REGISTRATION, member.id, keccak(named), changed.pop("nonce", quorum.keyCount(member.id))
    )
    call = {"validator": member.id, "key": named, "possession": full_signature(chosen.prove_possession(digest))}
    call |= {"signature": changed["signature"] if "signature" in changed else member.sign(digest)} | changed
    return quorum.register(*call.values(), {"from": world.relayer})


def entries_of(members: Sequence[Member], keys: Mapping[str, BlsKey] | None = None) -> bytes:
    """What a page of these members' keys holds."""
    chosen = keys or {}
    return b"".join(
        member.id.to_bytes(4) + full_key(chosen.get(member.name, bls_key_of(member.name)).public) for member in members
    )


def places(quorum: Any, members: Sequence[Member]) -> list[KeyPlace | bytes]:
    """Where these members' keys are: their places in pages, or the keys themselves."""
    found = quorum.placesOf([member.id for member in members])
    return [
        full_key(bls_key_of(member.name).public) if place == 0xFFFFFF else KeyPlace(place >> 8, place & 0xFF)
        for member, place in zip(members, found, strict=True)
    ]


def attested_by(quorum: Any, digest: bytes, seats: Mapping[int, Member]) -> bytes:
    """The bundle of these seats' attestations."""
    signature = aggregate(bls_key_of(member.name).sign(digest) for member in seats.values())
    keys = dict(zip(seats, places(quorum, list(seats.values())), strict=True))
    return encode_aggregate(Aggregate(full_signature(signature), keys))
