"""What a challenger makes of the messages that the mirror of a shard on a chain of its own was told."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from shard_testnet import ShardTestnet

from qfl.chain.contracts.disputes import Fault
from qfl.chain.mirroring import compute_message
from qfl.challenger.challenger import Challenger
from qfl.challenger.fault_detector import FaultDetector
from qfl.devnet import Devnet
from qfl.devnet.config import shard_chain
from qfl.errors import RoundNotCompleted
from qfl.protocol.digests import seat_digest
from qfl.protocol.types import MirrorMessage, ParticipantId, RoundNumber, ShardIndex
from qfl.quorum.lms import encode_bundle
from qfl.simulation.driver import run_round
from qfl.validator.mirror_keeper import begin_mirrors

pytestmark = pytest.mark.rest

SHARD = ShardIndex(0)


@pytest.fixture
def shard_testnet(chains: Devnet, tmp_path: Path) -> Iterator[ShardTestnet]:
    """One shard, all four validators in its committees; its mirror shows the round before the open one."""
    chains.restart_ended_shard_chains()
    with ShardTestnet(chains, tmp_path, seats=4) as built:
        built.open_round()
        begin_mirrors(built.ledger, built.carriers[0])
        built.open_round()
        yield built


def challenger_of(shard_testnet: ShardTestnet) -> Challenger:
    ledger = shard_testnet.ledger
    return Challenger(ledger, shard_testnet.carriers[0], FaultDetector(ledger, shard_testnet.store))


def honest_message(shard_testnet: ShardTestnet) -> MirrorMessage:
    """The one for the open round."""
    ledger, shown = shard_testnet.ledger, RoundNumber(shard_testnet.shown(SHARD))
    return compute_message(ledger, SHARD, round_number=ledger.beacon.current_round(), previous=shown)


def false_message(shard_testnet: ShardTestnet) -> MirrorMessage:
    message = honest_message(shard_testnet)
    return replace(message, round=replace(message.round, seed=b"\1" * 32))


def sign(shard_testnet: ShardTestnet, message: MirrorMessage, seats: Sequence[int]) -> dict[int, bytes]:
    """The signatures of these seats of the committee that the mirror shows."""
    identities = shard_testnet.identities
    by_id = zip(shard_testnet.network.validators, identities.validator_folders, strict=True)
    keys = {validator.participant: identities.keys[folder] for validator, folder in by_id}
    digest = shard_testnet.ledger.mirror_domains[SHARD].mirror_message(message)
    committee = shard_testnet.committee(message.round.previous, SHARD)
    return {seat: keys[committee[seat]].sign(seat_digest(digest, committee[seat], seat)) for seat in seats}


def tell(shard_testnet: ShardTestnet, message: MirrorMessage, signatures: dict[int, bytes]) -> None:
    """Have the mirror take a message."""
    mirror, bundle = shard_testnet.ledger.mirrors[SHARD], encode_bundle(signatures)
    shard_testnet.carriers[0].send(mirror.advance(message, message.round.previous, bundle=bundle))


def announce(shard_testnet: ShardTestnet, message: MirrorMessage, seat: int) -> ParticipantId:
    """Have a seat countersign a message; the validator there."""
    mirror, domain = shard_testnet.ledger.mirrors[SHARD], shard_testnet.ledger.mirror_domains[SHARD]
    digest, ((_, signature),) = domain.mirror_message(message), sign(shard_testnet, message, [seat]).items()
    validator = shard_testnet.committee(message.round.previous, SHARD)[seat]
    call = mirror.countersign(message.round.round, validator, seat=seat, digest=digest, signature=signature)
    shard_testnet.carriers[0].send(call)
    return validator


def stakes(shard_testnet: ShardTestnet) -> dict[ParticipantId, int]:
    validators = [validator.participant for validator in shard_testnet.network.validators]
    records = shard_testnet.ledger.staking.participants(validators)
    return {validator: record.stake_wei for validator, record in zip(validators, records, strict=True)}


def test_everybody_who_signed_a_lie_is_found_and_slashed_once(shard_testnet: ShardTestnet) -> None:
    """Three seats carry it, one has only announced its signature; no transaction of theirs is read."""
    lie = false_message(shard_testnet)
    announced = announce(shard_testnet, lie, 1)
    tell(shard_testnet, lie, sign(shard_testnet, lie, [0, 2, 3]))
    challenger, before = challenger_of(shard_testnet), stakes(shard_testnet)
    proofs = list(challenger_of(shard_testnet).rehearse())
    assert [proof.function for proof in proofs] == ["disputeMirrorMessage"] * 4
    assert all(proof.gas is not None and 0 < proof.gas < 2**24 for proof in proofs)
    assert stakes(shard_testnet) == before
    disputes = challenger.step()
    committee = shard_testnet.committee(lie.round.previous, SHARD)
    assert {dispute.guilty for dispute in disputes} == {(validator,) for validator in committee}
    assert (announced,) in {dispute.guilty for dispute in disputes}
    assert {(dispute.fault, dispute.round, dispute.shard) for dispute in disputes} == {
        (Fault.MIRROR, lie.round.round, SHARD)
    }
    assert all(dispute.bounty_wei > 0 and dispute.gas > 0 for dispute in disputes)
    assert stakes(shard_testnet) == {validator: stake // 2 for validator, stake in before.items()}
    assert challenger.step() == challenger_of(shard_testnet).step() == []


def test_what_honest_seats_tell_their_mirror_convicts_nobody(shard_testnet: ShardTestnet) -> None:
    """Nor does noise that somebody announces beside it."""
    before, challenger, lie = stakes(shard_testnet), challenger_of(shard_testnet), false_message(shard_testnet)
    mirror, committee = shard_testnet.ledger.mirrors[SHARD], shard_testnet.committee(lie.round.previous, SHARD)
    digest = shard_testnet.ledger.mirror_domains[SHARD].mirror_message(lie)
    noise = {"seat": 0, "digest": digest, "signature": b"noise"}
    shard_testnet.carriers[0].send(mirror.countersign(lie.round.round, committee[0], **noise))
    shard_testnet.keep_mirrors()
    assert shard_testnet.shown(SHARD) == lie.round.round
    assert challenger.step() == []
    assert stakes(shard_testnet) == before


def test_a_lie_that_cannot_be_proven_is_named(shard_testnet: ShardTestnet, caplog: pytest.LogCaptureFixture) -> None:
    """Which clients there are follows from all events, which no contract reads."""
    message, before = honest_message(shard_testnet), stakes(shard_testnet)
    lie = replace(message, round=replace(message.round, clients_root=b"\1" * 32))
    tell(shard_testnet, lie, sign(shard_testnet, lie, [0, 1, 2]))
    with caplog.at_level(logging.WARNING, logger="qfl"):
        assert challenger_of(shard_testnet).step() == []
    assert [record.message for record in caplog.records if "cannot be proven" in record.message]
    assert stakes(shard_testnet) == before


@pytest.mark.parametrize("told", [{"clients_root": b"\1" * 32}, {"round": RoundNumber(1_000)}])
def test_clients_wait_out_a_mirror_that_was_told_lies(shard_testnet: ShardTestnet, told: dict[str, Any]) -> None:
    """Whoever asked it for what it refuses would end a run of all shards in one process."""
    message = honest_message(shard_testnet)
    lie = replace(message, round=replace(message.round, **told))
    tell(shard_testnet, lie, sign(shard_testnet, lie, [0, 1, 2]))
    steps = [client.step() for client in shard_testnet.network.clients]
    assert all(step.note.endswith("its mirror shows no round with it, or it has asked to leave") for step in steps)
    with pytest.raises(RoundNotCompleted):
        run_round(shard_testnet.network)


def test_a_chain_that_is_down_is_named_once_and_looked_at_when_it_is_back(
    shard_testnet: ShardTestnet, caplog: pytest.LogCaptureFixture
) -> None:
    lie, challenger = false_message(shard_testnet), challenger_of(shard_testnet)
    tell(shard_testnet, lie, sign(shard_testnet, lie, [0, 1, 2]))
    shard_testnet.devnet.kill_shard_chain(0)
    with caplog.at_level(logging.WARNING, logger="qfl"):
        assert challenger.step() == challenger.step() == []
    assert len([record for record in caplog.records if "nothing is proven of what it is told" in record.message]) == 1
    shard_testnet.devnet.restart(shard_chain(0))
    assert len(challenger.step()) == 3
