"""What the tests of `Disputes` share: real vectors with their trees, checkpoints over them, and the books."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from brownie import accounts, chain, web3

from qfl.chain.parameters import load_parameters
from qfl.crypto.norm.keys import VerifyingKey
from qfl.protocol.chunks import merkle_path, merkle_root, salted, split_leaves, update_leaf
from qfl.protocol.content import Content, ContentKind, content_digest, encode
from qfl.protocol.digests import parameters_hash
from qfl.protocol.lanes import lane_dtype, lane_limits, pack_lanes
from qfl.protocol.rule import aggregate_shard, apply_global, rising_order
from qfl.protocol.types import Checkpoint, LaneFormat, ModelShape, RoundNumber, ShardIndex
from scripts.deploy import deploy
from tests.contracts.world import Member, World, as_tuple, word

AGGREGATE, UPDATES, NORM, MODEL, EQUIVOCATION, WITHHELD = range(6)
SHAPE = ModelShape(quantum=20, classical=13)
BURN = "0x000000000000000000000000000000000000dEaD"
VALIDATORS = ("vera", "viktor", "valentina", "vito", "violet", "vincent", "vivian", "victor", "vanessa", "valerie")

Lanes = npt.NDArray[np.signedinteger]


@dataclass(frozen=True, eq=False)
class Vector:
    """Lanes of a width, and the tree over them; salted where there is a seed."""

    lanes: Lanes
    bits: int
    seed: bytes = b""

    @cached_property
    def chunks(self) -> list[bytes]:
        return split_leaves(pack_lanes(self.lanes, self.bits))

    @cached_property
    def leaves(self) -> list[bytes]:
        return salted(self.chunks, self.seed) if self.seed else self.chunks

    @cached_property
    def root(self) -> bytes:
        return merkle_root(self.leaves)

    def opening(self, coordinate: int) -> tuple[bytes, bytes, list[bytes]]:
        """The `Opening` of the chunk that has `coordinate`."""
        return self.opening_of_chunk(coordinate * self.bits // 256)

    def opening_of_chunk(self, index: int) -> tuple[bytes, bytes, list[bytes]]:
        leaf = self.leaves[index]
        return leaf[:32], leaf[32:] or bytes(32), merkle_path(self.leaves, index)

    def with_lane(self, coordinate: int, value: int) -> Vector:
        """The same but for one lane."""
        lanes = self.lanes.copy()
        lanes[coordinate] = value
        return Vector(lanes, self.bits, self.seed)


@dataclass(frozen=True)
class Update:
    """An included update: who made it, and of what."""

    client: int
    vector: Vector

    @property
    def struct(self) -> tuple[int, bytes, bytes]:
        """The `RevealedUpdate`."""
        return self.client, self.vector.root, word(f"content of {self.client}")

    @property
    def leaf(self) -> bytes:
        return update_leaf(*self.struct)


@dataclass(frozen=True)
class Attested:
    """An accepted checkpoint, and what it is about: the rule's aggregate and model, whatever the checkpoint says.

    There is a model where the round has one shard.
    """

    checkpoint: Checkpoint
    updates: list[Update]
    aggregate: Vector
    model: Vector | None = None

    @property
    def structs(self) -> list[tuple[int, bytes, bytes]]:
        return [update.struct for update in self.updates]

    def chunk_proof(self, coordinate: int, aggregate: Vector | None = None) -> tuple[Any, ...]:
        """The arguments of `disputeAggregate`, with `aggregate` as what was attested."""
        return self.rest_of_proof(coordinate, 0, len(self.updates), aggregate)

    def rest_of_proof(self, coordinate: int, first: int, end: int, aggregate: Vector | None = None) -> tuple[Any, ...]:
        """The same with the openings of updates `first` to `end` alone."""
        accused = (aggregate or self.aggregate).opening(coordinate)
        order = order_at(coordinate, self.updates)
        return *self.part_of_proof(coordinate, first, end), accused, order

    def part_of_proof(self, coordinate: int, first: int, end: int) -> tuple[Any, ...]:
        """The arguments of `openLanes` for updates `first` to `end`."""
        openings = [update.vector.opening(coordinate) for update in self.updates[first:end]]
        return as_tuple(self.checkpoint), coordinate, self.structs, first, openings

    def content_proof(self, aggregate: Vector | None = None) -> tuple[Any, ...]:
        """The arguments of `disputeAggregateContent`, with `aggregate` as what was attested."""
        return as_tuple(self.checkpoint), (aggregate or self.aggregate).chunks

    def norm_proof(self, position: int) -> tuple[Any, ...]:
        """The arguments of `disputeNorm`."""
        update = self.updates[position]
        path = merkle_path([other.leaf for other in self.updates], position)
        vector = update.vector
        return as_tuple(self.checkpoint), position, update.struct, path, vector.chunks, vector.seed or bytes(32)


def order_at(coordinate: int, updates: Sequence[Update]) -> bytes:
    """The positions of `updates` by rising lane."""
    return rising_order(np.array([update.vector.lanes[coordinate] for update in updates]))


class DisputeTestnet(World):
    """A world with disputes: its models have real lanes, and its committees attest what they are told to.

    `models` are those that checkpoints carried, by root, and the first.
    """

    shape: ModelShape
    genesis: Vector
    models: dict[bytes, Vector]

    def draw_lanes(self, seed: int, bits: int | None = None) -> Lanes:
        """Random lanes of an update, or of `bits`."""
        width = bits or self.rounds["laneBits"]
        least, most = lane_limits(width)
        return np.random.default_rng(seed).integers(least, most, self.shape.total, lane_dtype(width), True)

    def updates(self, count: int, *, seed: bytes | None = None) -> list[Update]:
        """`count` random updates of clients 101, 102, ...; salted in a private court, by `seed` or one each."""
        bits, is_private = self.rounds["laneBits"], self.disputes.isPrivate()
        seeds = [(word(f"seed {i}") if seed is None else seed) if is_private else b"" for i in range(count)]
        return [Update(101 + i, Vector(self.draw_lanes(i), bits, seeds[i])) for i in range(count)]

    def aggregate_of(self, updates: Sequence[Update]) -> Vector:
        """What the rule makes of these updates."""
        lanes = np.stack([update.vector.lanes for update in updates])
        return Vector(aggregate_shard(lanes, self.rounds["trimBps"]), 32)

    def draft(
        self, updates: Sequence[Update], shard: int = 0, aggregate: Vector | None = None, **changed: Any
    ) -> Attested:
        """The current round's checkpoint over `updates`, with single fields `changed`, before anybody signed it.

        With one shard it carries the model that follows from it. `aggregate` stands in for what the rule makes of them.
        """
        aggregate = aggregate or self.aggregate_of(updates)
        round_number = self.beacon.currentRound()
        base = bytes(self.beacon.roundAt(self.beacon.roundAt(round_number)["baseRound"])["modelRoot"])
        fields = (ContentKind.AGGREGATE, 32, RoundNumber(round_number), ShardIndex(shard), len(updates), 0)
        content = Content(*fields, self.shape, base, aggregate.lanes)
        honest = Checkpoint(
            *(RoundNumber(round_number), ShardIndex(shard), 0, len(updates), base, 2 ** len(updates) - 1),
            *(merkle_root([u.leaf for u in updates]), aggregate.root, content_digest(encode(content))),
            reveals_hash=self.reveals_hash(round_number, shard),
            parameters_hash=parameters_hash(self.beacon.parametersOf(round_number).dict()),
        )
        drafted = Attested(honest, list(updates), aggregate)
        if self.rounds["shards"] == 1:
            model = self.next_model(self.models[base], [drafted])
            self.models[model.root] = model
            carried = {"model_root": model.root, "model_digest": self.digest_of_model(model, honest.round, base)}
            drafted = replace(drafted, checkpoint=replace(honest, **carried), model=model)
        return replace(drafted, checkpoint=replace(drafted.checkpoint, **changed))

    def attest(self, updates: Sequence[Update], shard: int = 0, **changed: Any) -> Attested:
        """Have the current round's committee attest that."""
        drafted = self.draft(updates, shard, **changed)
        seats = self.beacon.parametersAt(1)["seats"]
        self.submit(drafted.checkpoint, self.bundle(drafted.checkpoint, range(-(-2 * seats // 3))))
        return drafted

    def run_to_attestation(self, updates: Sequence[Update], **changed: Any) -> Attested:
        """Open a round, and have its only committee attest."""
        self.run_to_checkpoint_phase()
        return self.attest(updates, **changed)

    def next_model(self, base: Vector, attested: Sequence[Attested]) -> Vector:
        """What the rule makes of these checkpoints."""
        rounds = self.rounds
        lane_format = LaneFormat(rounds["laneBits"], rounds["quantumExponent"], rounds["classicalExponent"])
        means, counts = [a.aggregate.lanes for a in attested], [a.checkpoint.count for a in attested]
        return Vector(apply_global(base.lanes, means, counts, self.shape, lane_format), 32)

    def publish_model(self, model: Vector, base: Vector, publishing: Member | None = None, **changed: bytes) -> Member:
        """Publish `model` as whose slot it is unless somebody is given; `changed` replaces its root or content."""
        number = RoundNumber(self.beacon.currentRound())
        call = {"root": model.root, "content": self.digest_of_model(model, number, base.root)} | changed
        member = publishing or self.publisher
        digest = self.publication(member, model_root=call["root"], content_digest=call["content"])
        self.publish(member, **call, signature=member.sign(digest))
        return member

    def digest_of_model(self, model: Vector, number: RoundNumber, base_root: bytes) -> bytes:
        fields = (ContentKind.MODEL, 32, number, ShardIndex(0), 0, 0)
        return content_digest(encode(Content(*fields, self.shape, base_root, model.lanes)))

    def fresh(self) -> DisputeTestnet:
        """The same court with every key at leaf 0, for the next test."""
        return _court(super().fresh(), self.shape, self.genesis)

    @property
    def demands(self) -> Any:
        return self.contracts.demands

    @property
    def disputes(self) -> Any:
        return self.contracts.disputes

    # --- the books ---------------------------------------------------------------------------------------------

    def by(self) -> dict[str, Any]:
        return {"from": self.challenger}

    def stakes(self) -> dict[int, int]:
        """Everybody's stake, by id."""
        return {m.id: self.staking.participant(m.id)["stakeWei"] for m in self.members.values()}

    def assert_punished(self, tx: Any, before: Books, fault: int, shard: int, guilty: Sequence[int]) -> None:
        """Half of each guilty stake is gone and nobody else's: a quarter to the challenger, the rest burned."""
        taken = {i: before.stakes[i] // 2 for i in guilty}
        assert self.stakes() == {i: stake - taken.get(i, 0) for i, stake in before.stakes.items()}
        total = sum(taken.values())
        bounty = sum(amount // 4 for amount in taken.values())
        assert self.challenger.balance() - before.challenger == bounty
        assert web3.eth.get_balance(BURN) - before.burned == total - bounty
        staking = self.staking
        held = staking.totalStakeWei() + staking.totalRewardsWei() + staking.rewardPoolWei()
        assert staking.balance() == held == before.held - total
        event = tx.events["FaultProven"]
        assert (event["fault"], event["shard"]) == (fault, shard)
        assert (event["challenger"], event["takenWei"]) == (self.challenger, total)
        assert list(event["guilty"]) == list(guilty)

    def books(self) -> Books:
        """Balances now, to compare with."""
        return Books(self.stakes(), self.challenger.balance(), web3.eth.get_balance(BURN), self.staking.balance())

    def attesters(self, checkpoint: Checkpoint) -> list[int]:
        """Who is in the seats that signed."""
        mask = self.beacon.checkpointAt(checkpoint.round, checkpoint.shard)["attested"]
        committee = self.beacon.committee(checkpoint.round, checkpoint.shard)
        return [validator for seat, validator in enumerate(committee) if mask >> seat & 1]


@dataclass(frozen=True)
class Books:
    """What there was before a dispute, in wei; transactions cost nothing on this chain."""

    stakes: dict[int, int]
    challenger: int
    burned: int
    held: int


def set_up_disputes(
    shape: ModelShape = SHAPE, validators: Sequence[str] = VALIDATORS, *, is_private: bool = False, **changed: int
) -> DisputeTestnet:
    """Deploy with a model of random lanes and `changed` parameters, and bond `validators`.

    Nobody reveals anything in a private court, so its key verifies nothing.
    """
    parameters = load_parameters(**changed)
    lanes = np.random.default_rng(1).integers(-(2**31), 2**31 - 1, shape.total, np.int32, True)
    genesis = Vector(lanes, 32)
    fields = {
        "modelRoot": genesis.root,
        "contentDigest": word("genesis content"),
        "architectureDigest": word("architecture"),
        "quantumLength": shape.quantum,
        "classicalLength": shape.classical,
    }
    key = VerifyingKey(shape.total, tuple(range(24))) if is_private else None
    court = _court(World(deploy(accounts[0], parameters, fields, key, quorum="lms"), parameters), shape, genesis)
    for name in validators:
        court.bond(name, "validator")
    return court


def _court(world: World, shape: ModelShape, genesis: Vector) -> DisputeTestnet:
    court = DisputeTestnet(world.contracts, world.parameters, world.members)
    court.shape, court.genesis, court.models = shape, genesis, {genesis.root: genesis}
    return court


def seconds_now() -> int:
    """The time of the latest block."""
    return int(chain[-1].timestamp)
