"""The message that brings a round to a shard's mirror: a function of the beacon alone, so all honest seats agree."""

from __future__ import annotations

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from qfl.chain.ledger import Ledger
from qfl.protocol.types import MirroredRound, MirrorMessage, MirrorSeat, ParticipantId, RoundNumber, ShardIndex


def compute_message(
    ledger: Ledger, shard: ShardIndex, round_number: RoundNumber, previous: RoundNumber
) -> MirrorMessage:
    """The message for a round, to a mirror that shows round `previous` (0: nothing yet).

    Raises:
        ChainUnreachable: the beacon's chain.
    """
    record, plan = ledger.beacon.round_at(round_number), ledger.round(round_number).plan
    census = ledger.roll.at(ledger.round(round_number).opened_in)
    mirrored = MirroredRound(
        round_number,
        previous,
        shard,
        plan.parameters.shards,
        plan.parameters.seats,
        plan.parameters.format.lane_bits,
        plan.parameters.turn_seconds,
        record.commit_ends_at,
        record.reveal_ends_at,
        record.checkpoint_ends_at,
        plan.parameters.norm_bound,
        len(census.clients),
        record.seed,
        plan.base_root,
        census.clients_root,
    )
    committee = ledger.beacon.committee(round_number, shard)
    return MirrorMessage(
        mirrored,
        _revoked(ledger, round_number, previous),
        tuple(MirrorSeat(validator, census.keys[validator]) for validator in committee),
    )


def shard_in(mirrored: MirroredRound, client: ParticipantId) -> ShardIndex:
    """The shard a client belongs to, as `Beacon.shardOf` and `BeaconMirror.client` say."""
    drawn = keccak(encode(["bytes32", "uint32"], [mirrored.seed, client]))
    return ShardIndex(int.from_bytes(drawn) % mirrored.shards)


def _revoked(ledger: Ledger, round_number: RoundNumber, previous: RoundNumber) -> tuple[ParticipantId, ...]:
    """The clients that were active when `previous` opened, and are not, or have another key, now."""
    if not previous:
        return ()
    before, now = (ledger.roll.at(ledger.round(number).opened_in) for number in (previous, round_number))
    active = set(now.clients)
    return tuple(c for c in before.clients if c not in active or before.keys[c] != now.keys[c])
