"""What the mirrors are shown, as a function of the beacon alone: so all honest seats agree, and anybody can check it.

A message brings a round to a shard's mirror. An admission proves to a mirror that a client is active: once for each
client, until its key or its hash chain changes or it leaves.
"""

from collections.abc import Iterable, Iterator

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from qfl.chain.contracts.mirror import Mirror, Mirroring
from qfl.chain.ledger import Ledger
from qfl.chain.roll import Census
from qfl.chain.rpc.calls import UnsentCall
from qfl.protocol.chunks import merkle_path
from qfl.protocol.types import MirroredRound, MirrorMessage, MirrorSeat, ParticipantId, RoundNumber, ShardIndex


def compute_message(
    ledger: Ledger, shard: ShardIndex, *, round_number: RoundNumber, previous: RoundNumber
) -> MirrorMessage:
    """The message for a round, to a mirror that shows round `previous` (0: nothing yet). Raises `ChainUnreachable`."""
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
    seats = tuple(MirrorSeat(validator, census.keys[validator]) for validator in committee)
    return MirrorMessage(mirrored, _revoked(ledger, round_number, previous), seats)


def shard_in(mirrored: MirroredRound, client: ParticipantId) -> ShardIndex:
    """The shard a client belongs to, as `Beacon.placeOf` and `BeaconMirror.client` say."""
    drawn = keccak(encode(["bytes32", "uint32"], [mirrored.seed, client]))
    return ShardIndex(int.from_bytes(drawn) % mirrored.shards)


def admissions(ledger: Ledger, shard: ShardIndex, *, clients: Iterable[ParticipantId]) -> list[UnsentCall]:
    """The calls that admit those of the clients that the mirrored round's shard has and does not know yet.

    None where the mirror shows other clients than the beacon: it would take no proof of these.
    """
    mirror = ledger.mirrors[shard]
    mirrored = mirror.mirrored()
    if mirrored is None or mirrored.round > ledger.beacon.current_round():
        return []
    census = ledger.roll.at(ledger.round(mirrored.round).opened_in)
    if (mirrored.clients_root, mirrored.client_count) != (census.clients_root, len(census.clients)):
        return []
    positions = {client: position for position, client in enumerate(census.clients)}
    members = [client for client in clients if client in positions and shard_in(mirrored, client) == shard]
    missing = [client for client in members if client not in mirror.admitted(members)] if members else []
    return [_admission(mirror, census, client, position=positions[client]) for client in missing]


class MirrorReader:
    """Every message that the mirrors took, each once.

    Read again are only those in blocks that are new, or that took another's place.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._known: set[tuple[ShardIndex, bytes, int]] = set()
        self._read: dict[ShardIndex, tuple[int, bytes]] = {}

    def unread(self, shard: ShardIndex) -> Iterator[Mirroring]:
        """The messages to a shard's mirror that are new; one counts as read when the next one is asked for.

        Raises `ChainUnreachable`: the shard's chain.
        """
        mirror, since = self._ledger.mirrors[shard], self._ledger.deployment.chains[shard].block
        if (read := self._read.get(shard)) is not None and mirror.has_block(*read):
            since = read[0]  # again: chains refuse to look for logs after their last block
        head = mirror.head()  # before the messages: those of later blocks are read next time
        for taken in mirror.mirrorings(since):
            if (message := (shard, taken.digest, taken.block)) not in self._known:
                yield taken
                self._known.add(message)
        self._read[shard] = head


class MirrorVerifier:
    """Recomputes every message that a mirror took, each once: what it shows now rests on all of them."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger, self._reader = ledger, MirrorReader(ledger)

    def find_falsehood(self, shard: ShardIndex) -> str | None:
        """The first message that is not the beacon's; None when there is none, and for a shard without a mirror.

        Raises `ChainUnreachable`: the beacon's chain or the shard's.
        """
        if not self._ledger.mirrors:
            return None
        for taken in self._reader.unread(shard):
            if not is_beacons(self._ledger, shard, taken):
                return f"what the mirror of shard {shard} shows of round {taken.round} is not what the beacon says"
        return None


def is_beacons(ledger: Ledger, shard: ShardIndex, taken: Mirroring) -> bool:
    """Whether a message that a mirror took is the one that follows from the beacon."""
    if not taken.previous < taken.round <= ledger.beacon.current_round():
        return False
    message = compute_message(ledger, shard, round_number=taken.round, previous=taken.previous)
    return ledger.mirror_domains[shard].mirror_message(message) == taken.digest


def _admission(mirror: Mirror, census: Census, client: ParticipantId, *, position: int) -> UnsentCall:
    key, anchor, first_round = census.told_of(client)
    path = merkle_path(census.leaves, position)
    return mirror.admit(client, key, anchor=anchor, first_round=first_round, position=position, path=path)


def _revoked(ledger: Ledger, round_number: RoundNumber, previous: RoundNumber) -> tuple[ParticipantId, ...]:
    """The clients that were active when `previous` opened, and are not, or have another key or hash chain, now."""
    if not previous:
        return ()
    before, now = (ledger.roll.at(ledger.round(number).opened_in) for number in (previous, round_number))
    active = set(now.clients)
    return tuple(c for c in before.clients if c not in active or before.told_of(c) != now.told_of(c))
