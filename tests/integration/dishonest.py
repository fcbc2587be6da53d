"""Validators that collude: they hold all four keys, so nothing but the disputes contract is in their way."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from testnet import SHARD, Testnet, reach_checkpoint_phase

from qfl.chain.contracts.beacon import Phase
from qfl.chain.contracts.disputes import Fault
from qfl.chain.contracts.staking import Role
from qfl.challenger.challenger import Challenger, Dispute
from qfl.challenger.fault_detector import FaultDetector
from qfl.challenger.opening import open_lanes
from qfl.devnet import Devnet
from qfl.node.demands import OpenDemands
from qfl.node.recompute import read_base
from qfl.protocol.content import Content, ContentKind, content_digest, decode, encode, lanes_root
from qfl.protocol.recompute import ShardResult, expected_checkpoint, expected_model
from qfl.protocol.types import Checkpoint, ParticipantId, RoundNumber, VerifiedUpdate
from qfl.quorum.quorum import scheme_of
from qfl.simulation.driver import run_round, run_until

CLIENTS = (1, 2, 3)
ATTESTERS = (0, 1, 3)
CHALLENGER = 15


def liars_testnet(devnet: Devnet, folder: Path, **parameters: int) -> Testnet:
    """A testnet after one honest round; its norm bound is one that four clients can exceed."""
    testnet = Testnet(devnet, folder, clients=4, **{"normBound": 2**30, **parameters})
    run_round(testnet.network(clients=CLIENTS))
    return testnet


def make_up_stakes(testnet: Testnet) -> None:
    staking = testnet.ledger.staking
    minimum = staking.minimum_stake_wei(Role.VALIDATOR)
    for validator in (testnet.join(f"validator-{number}") for number in range(1, 5)):
        if (missing := minimum - staking.participant(validator).stake_wei) > 0:
            testnet.owner.send(staking.top_up(validator, missing))


def make_challenger(testnet: Testnet, account: int = CHALLENGER) -> Challenger:
    return Challenger(testnet.ledger, testnet.sender(account), FaultDetector(testnet.ledger, testnet.store))


def prove(testnet: Testnet, challenger: Challenger) -> list[Dispute]:
    """What it proves now, and when nobody has shown in time what it demands."""
    found = challenger.step()
    if demands := OpenDemands(testnet.ledger).read():
        testnet.clock.reach(max(demand.answer_by for demand in demands))
        found += challenger.step()
    return found


def until_checkpoint_phase(testnet: Testnet) -> RoundNumber:
    return reach_checkpoint_phase(testnet.network(clients=CLIENTS))


def until_checkpoint_phase_with(
    testnet: Testnet, lanes: NDArray[np.signedinteger], stored: bool = True, lane_bits: int = 16
) -> tuple[RoundNumber, bytes]:
    """The round, and the content of an update with these `lanes` that client 4 revealed in it."""
    network, rogue = testnet.network(clients=CLIENTS), testnet.rogue(4)
    number = run_until(network, Phase.COMMIT)
    spec = testnet.ledger.round(number).shard(SHARD).spec()
    head = (ContentKind.UPDATE, lane_bits, number, SHARD, 0, rogue.participant)
    content = Content(*head, spec.shape, spec.base_root, lanes)
    data, root = encode(content), lanes_root(content)
    if stored:
        testnet.store.put(data)
    rogue.commit(root, content_digest(data))
    run_until(network, Phase.REVEAL)
    rogue.reveal(root, content_digest(data))
    run_until(replace(network, validators=()), Phase.CHECKPOINT)
    return number, data


def honest_result(testnet: Testnet, number: RoundNumber, shown: dict[bytes, bytes] | None = None) -> ShardResult:
    """What the revealed lanes come to, over the norm bound or not; `shown` is what only the committee got to see."""
    part, opened = testnet.ledger.round(number).shard(SHARD), opened_updates(testnet, number, shown)
    base = read_base(testnet.ledger, testnet.store, number)
    return expected_checkpoint(part.spec(), 0, opened, part.reveals(), base)


def opened_updates(
    testnet: Testnet, number: RoundNumber, shown: dict[bytes, bytes] | None = None
) -> list[VerifiedUpdate]:
    """The revealed updates by their lanes; `shown` is what only the committee got to see."""
    part, seen = testnet.ledger.round(number).shard(SHARD), shown or {}
    reveals = part.reveals()
    contents = [seen.get(r.content_digest) or testnet.store.get(r.content_digest, 10_000) for r in reveals]
    return [open_lanes(entry, data, b"", part.spec()) for entry, data in zip(reveals, contents, strict=True)]


def altered(content: Content, lane: int = 2) -> Content:
    lanes = content.lanes.copy()
    lanes[lane] += 1
    return replace(content, lanes=lanes)


def collude(testnet: Testnet, checkpoint: Checkpoint) -> list[ParticipantId]:
    """Have three of the four seats sign `checkpoint`, and get it accepted; return who signed."""
    committee = testnet.ledger.beacon.committee(checkpoint.round, SHARD)
    digest = testnet.ledger.beacon_domain.checkpoint(checkpoint)
    signatures = {seat: testnet.attest(digest, committee[seat], seat) for seat in ATTESTERS}
    bundle = scheme_of(testnet.ledger).bundle(committee, signatures)
    testnet.owner.send(testnet.ledger.beacon.submit_checkpoint(checkpoint, bundle))
    return [committee[seat] for seat in ATTESTERS]


def lie_about_the_model(testnet: Testnet, honest: ShardResult) -> Checkpoint:
    """The right aggregate, and a model with one altered coordinate."""
    assert honest.model is not None
    testnet.store.put(honest.content)
    false = altered(honest.model)
    testnet.store.put(encode(false))
    return replace(honest.checkpoint, model_root=lanes_root(false), model_digest=content_digest(encode(false)))


def stakes(testnet: Testnet) -> dict[str, int]:
    return {name: testnet.ledger.staking.participant(testnet.join(name)).stake_wei for name in testnet.keys}


def assert_punished(
    testnet: Testnet, dispute: Dispute, fault: Fault, guilty: list[ParticipantId], before: dict[str, int]
) -> None:
    """The guilty lost half of their stake, everybody else nothing, and the challenger got a quarter of it."""
    assert (dispute.fault, list(dispute.guilty)) == (fault, guilty)
    lost = {name: before[name] - now for name, now in stakes(testnet).items() if before[name] != now}
    assert lost == {name: before[name] // 2 for name in before if testnet.join(name) in guilty}
    assert dispute.taken_wei == sum(lost.values())
    assert dispute.bounty_wei == dispute.taken_wei // 4


def assert_next_round_is_good(testnet: Testnet, base: RoundNumber) -> None:
    """Everybody is back at work, on the last good model, and nothing is left to prove."""
    make_up_stakes(testnet)
    outcome = run_round(testnet.network(clients=CLIENTS))
    assert testnet.ledger.round(outcome.round).plan.base_round == base
    assert make_challenger(testnet).step() == []


def lie_about_one_lane(testnet: Testnet, honest: ShardResult) -> Checkpoint:
    """An aggregate with one altered lane, and the model that follows from it."""
    number, false = honest.checkpoint.round, altered(decode(honest.content))
    lying = replace(honest.checkpoint, aggregate_root=lanes_root(false), content_digest=content_digest(encode(false)))
    base, lane_format = (
        read_base(testnet.ledger, testnet.store, number),
        testnet.ledger.round(number).plan.parameters.format,
    )
    model = expected_model(number, base, [lying], [false], lane_format).model
    for content in (false, model):
        testnet.store.put(encode(content))
    return replace(lying, model_root=lanes_root(model), model_digest=content_digest(encode(model)))


def withhold_the_aggregate(testnet: Testnet, honest: ShardResult) -> Checkpoint:
    """One that nobody can have."""
    return replace(honest.checkpoint, aggregate_root=b"\1" * 32, content_digest=b"\2" * 32)


def attest_a_lie(testnet: Testnet) -> tuple[RoundNumber, list[ParticipantId]]:
    """A round whose committee attested one false lane, and who signed."""
    number = until_checkpoint_phase(testnet)
    return number, collude(testnet, lie_about_one_lane(testnet, honest_result(testnet, number)))
