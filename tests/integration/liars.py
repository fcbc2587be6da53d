"""Validators that collude: they hold all four keys, so nothing but the disputes contract is in their way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from town import SHARD, Town, reach_checkpoint_phase

from qfl.chain.contracts.disputes import Fault
from qfl.chain.contracts.staking import Role
from qfl.challenge.opening import open_lanes
from qfl.codec.content import Content, ContentKind, content_digest, decode, encode, lanes_root
from qfl.committee.bundle import encode_bundle
from qfl.committee.result import ShardResult, compute_result
from qfl.devnet import Devnet
from qfl.keys.keyfile import KeyFile
from qfl.roles.challenger import Challenger, Dispute
from qfl.roles.terms import read_terms
from qfl.roles.watch import Watch
from qfl.round import commit, open_round, reveal, run_round, train
from qfl.types import CheckpointData, ParticipantId, RoundNumber

CLIENTS = (1, 2, 3)
ATTESTERS = (0, 1, 3)
CHALLENGER = 15


def liars_town(devnet: Devnet, folder: Path, **parameters: int) -> Town:
    """A town after one honest round; its norm bound is one that four clients can exceed."""
    town = Town(devnet, folder, clients=4, **{"normBound": 2**30, **parameters})
    run_round(town.network(clients=CLIENTS))
    return town


def make_up_stakes(town: Town) -> None:
    staking = town.ledger.staking
    minimum = staking.minimum_stake_wei(Role.VALIDATOR)
    for validator in (town.join(f"validator-{number}") for number in range(1, 5)):
        if (missing := minimum - staking.participant(validator).stake_wei) > 0:
            town.owner.send(staking.top_up(validator, missing))


def make_challenger(town: Town, account: int = CHALLENGER) -> Challenger:
    return Challenger(town.ledger, town.sender(account), Watch(town.ledger, town.store))


def until_checkpoint_phase(town: Town) -> RoundNumber:
    return reach_checkpoint_phase(town.network(clients=CLIENTS))


def until_checkpoint_phase_with(
    town: Town, lanes: NDArray[np.signedinteger], stored: bool = True, lane_bits: int = 16
) -> tuple[RoundNumber, bytes]:
    """The round, and the content of an update with these `lanes` that client 4 revealed in it."""
    network, rogue = town.network(clients=CLIENTS), town.rogue(4)
    number = open_round(network)
    terms = read_terms(town.ledger, number, SHARD)
    head = (ContentKind.UPDATE, lane_bits, number, SHARD, 0, rogue.participant)
    content = Content(*head, terms.shape, terms.base_root, lanes)
    data, root = encode(content), lanes_root(content)
    if stored:
        town.store.put(data)
    train(network)
    rogue.commit(root, content_digest(data))
    commit(network)
    rogue.reveal(root, content_digest(data))
    reveal(network)
    town.end_phase()
    return number, data


def honest_result(town: Town, number: RoundNumber, shown: dict[bytes, bytes] | None = None) -> ShardResult:
    """What the revealed lanes come to, over the norm bound or not; `shown` is what only the committee got to see."""
    terms = read_terms(town.ledger, number, SHARD)
    reveals = town.ledger.shards[SHARD].reveals(number, town.ledger.opened_in(number))
    seen = shown or {}
    contents = [seen.get(r.content_digest) or town.store.get(r.content_digest, 10_000) for r in reveals]
    opened = [open_lanes(entry, data, b"", terms) for entry, data in zip(reveals, contents, strict=True)]
    return compute_result(terms, 0, opened)


def altered(content: Content, lane: int = 2) -> Content:
    lanes = content.lanes.copy()
    lanes[lane] += 1
    return replace(content, lanes=lanes)


def key_of(town: Town, validator: ParticipantId) -> KeyFile:
    return next(key for name, key in town.keys.items() if "validator" in name and town.join(name) == validator)


def collude(town: Town, checkpoint: CheckpointData) -> list[ParticipantId]:
    """Have three of the four seats sign `checkpoint`, and get it accepted; return who signed."""
    committee = town.ledger.beacon.committee(checkpoint.round, SHARD)
    digest = town.ledger.beacon_domain.checkpoint(checkpoint)
    bundle = encode_bundle({seat: key_of(town, committee[seat]).sign(digest) for seat in ATTESTERS})
    town.owner.send(town.ledger.beacon.submit_checkpoint(checkpoint, bundle))
    return [committee[seat] for seat in ATTESTERS]


def publish_false(town: Town, root: bytes, digest: bytes) -> ParticipantId:
    """Publish a model as the first validator, and return it."""
    number, publisher = town.ledger.beacon.current_round(), town.join("validator-1")
    message = town.ledger.beacon_domain.publication(number, publisher, root, digest)
    signature = town.keys["validator-1"].sign(message)
    town.owner.send(town.ledger.beacon.publish(number, publisher, root, digest, signature))
    return publisher


def stakes(town: Town) -> dict[str, int]:
    return {name: town.ledger.staking.participant(town.join(name)).stake_wei for name in town.keys}


def assert_punished(
    town: Town, dispute: Dispute, fault: Fault, guilty: list[ParticipantId], before: dict[str, int]
) -> None:
    """The guilty lost half of their stake, everybody else nothing, and the challenger got a quarter of it."""
    assert (dispute.fault, list(dispute.guilty)) == (fault, guilty)
    lost = {name: before[name] - now for name, now in stakes(town).items() if before[name] != now}
    assert lost == {name: before[name] // 2 for name in before if town.join(name) in guilty}
    assert dispute.taken_wei == sum(lost.values())
    assert dispute.bounty_wei == dispute.taken_wei // 4


def assert_next_round_is_good(town: Town, base: RoundNumber) -> None:
    """Everybody is back at work, on the last good model, and nothing is left to prove."""
    make_up_stakes(town)
    outcome = run_round(town.network(clients=CLIENTS))
    assert town.ledger.plan(outcome.round).base_round == base
    assert make_challenger(town).step() == []


def lie_about_one_lane(town: Town, honest: ShardResult) -> CheckpointData:
    false = altered(decode(honest.content))
    town.store.put(encode(false))
    root, digest = lanes_root(false), content_digest(encode(false))
    return replace(honest.checkpoint, aggregate_root=root, content_digest=digest)
