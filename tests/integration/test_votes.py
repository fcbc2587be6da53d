"""Committees that vote: a list on chain and one checkpoint for any number of seats, and signatures where votes fail."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from click.testing import CliRunner
from testnet import SHARD, Testnet, in_seat, reach_checkpoint_phase, without

from qfl.apps.cli.main import cli
from qfl.chain.contracts.beacon import Phase
from qfl.chain.contracts.shard import Shard
from qfl.chain.contracts.vote_quorum import VoteQuorum
from qfl.chain.finality import Finality
from qfl.crypto.keyfile import KeyFile
from qfl.devnet import Devnet
from qfl.errors import ChainUnreachable, RpcFailed
from qfl.protocol.types import Checkpoint, ParticipantId, RoundNumber
from qfl.protocol.votes import LIST, SIGNATURES, VOTE, VOTES, decode_list, encode_list, encode_votes, list_hash
from qfl.simulation.driver import Network, run_round, run_until
from qfl.storage.pubsub import MemoryPubsub
from qfl.validator import ballot
from qfl.validator import seat as seat_module
from qfl.validator.gossip import CommitteeGossip
from qfl.validator.validator import Validator

LONG: dict[str, Any] = {
    "turnSeconds": 2_000,
    "checkpointSeconds": 8_000,
    "publishSeconds": 2_000,
    "unbondingSeconds": 30_000,
}
"""The chain's time goes on while a machine is busy: no window is over for that."""


@pytest.fixture
def testnet(devnet: Devnet, tmp_path: Path) -> Iterator[Testnet]:
    with Testnet(devnet, tmp_path, clients=2, quorum="votes", pubsub=MemoryPubsub(), **LONG) as built:
        yield built
        built.assert_everything_stands()


def bundle_of(testnet: Testnet, number: RoundNumber) -> bytes:
    """What a round's checkpoint came with."""
    (accepted,) = testnet.ledger.round(number).accepted()
    call = testnet.ledger.call_in(testnet.ledger.beacon, accepted.tx_hash)
    assert call is not None
    return bytes(call["bundle"])


def quorum_of(testnet: Testnet) -> VoteQuorum:
    found = testnet.ledger.contract(VoteQuorum)
    assert found is not None
    return found


def lists_posted(testnet: Testnet) -> int:
    return len(quorum_of(testnet).postings(testnet.ledger.from_block))


def test_a_committee_decides_by_one_list_and_one_checkpoint(testnet: Testnet) -> None:
    network = testnet.network(clients=[1, 2])
    for rounds in (1, 2, 3):
        number = run_round(network).round
        assert bundle_of(testnet, number)[:1] == VOTES
        assert lists_posted(testnet) == rounds
        assert testnet.accepted_turn(number) == 0
        (accepted,) = testnet.ledger.round(number).accepted()
        assert accepted.attested == 0b1111, "nobody has to show its vote by itself"


def test_nobody_waits_for_what_cannot_come_before_the_window_is_over(
    testnet: Testnet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a second of each seat, twice in a round, where a machine has several."""
    waits, hear = list[float](), CommitteeGossip.hear

    def watched(gossip: CommitteeGossip, seconds: float = 0.0) -> bool:
        waits.extend([seconds] if seconds else [])
        return hear(gossip, seconds)

    monkeypatch.setattr(CommitteeGossip, "hear", watched)
    assert bundle_of(testnet, run_round(testnet.network(clients=[1, 2])).round)[:1] == VOTES
    assert waits == []


@pytest.mark.parametrize("place", range(4))
def test_whoever_is_away_the_others_vote(testnet: Testnet, place: int) -> None:
    network = testnet.network(clients=[1, 2])
    number = reach_checkpoint_phase(network)
    run_until(without(network, in_seat(network, number, place).participant), Phase.IDLE)
    assert bundle_of(testnet, number)[:1] == VOTES
    assert testnet.accepted_turn(number) == 0


def test_a_seat_whose_key_the_carrier_leaves_out_shows_its_vote_by_itself(
    testnet: Testnet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So it is paid, and liable, like the others."""

    def stingy(votes: Mapping[int, bytes], keys: Mapping[int, bytes]) -> bytes:
        return encode_votes(votes, dict(sorted(keys.items())[:3]))

    monkeypatch.setattr(ballot, "encode_votes", stingy)
    network = testnet.network(clients=[1, 2])
    number = reach_checkpoint_phase(network)
    while testnet.ledger.beacon.context().phase is Phase.CHECKPOINT:
        acted = [validator.step([Phase.CHECKPOINT]) for validator in network.validators]
        if not any(acted):
            testnet.clock.reach(testnet.ledger.beacon.context().next_deadline(testnet.ledger.now()))
    for validator in network.validators:
        validator.step([])
    (accepted,) = testnet.ledger.round(number).accepted()
    assert accepted.attested.bit_count() == 3
    assert testnet.ledger.round(number).shard(SHARD).checkpoint().attested == 0b1111


def test_a_seat_that_learns_later_what_is_final_shows_its_vote_then(
    testnet: Testnet, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_open, behind = ballot.VotingBooth.is_open, {3}
    monkeypatch.setattr(
        ballot.VotingBooth, "is_open", lambda booth, window: booth.seat in behind or is_open(booth, window)
    )
    network = testnet.network(clients=[1, 2])
    number = reach_checkpoint_phase(network)
    while testnet.ledger.beacon.context().phase is Phase.CHECKPOINT:
        acted = [validator.step([Phase.CHECKPOINT]) for validator in network.validators]
        if not any(acted):
            testnet.clock.reach(testnet.ledger.beacon.context().next_deadline(testnet.ledger.now()))
    part = testnet.ledger.round(number).shard(SHARD)
    for attested in (0b0111, 0b1111):
        for validator in network.validators:
            validator.step([])
        assert part.checkpoint().attested == attested
        behind.clear()


def attest(shard: Shard, said: dict[str, Any], seat: int, signature: bytes) -> bytes:
    """What a seat would say beside what is said."""
    noise = Checkpoint(said["round"], SHARD, said["turn"], 1, bytes(32), 1, *[bytes(32)] * 3)
    return shard.attest(noise, seat, digest=said["digest"], signature=signature, validator=ParticipantId(1)).data


class Liar(MemoryPubsub):
    """Answers every vote, and every list before it is posted, with forty lists that have some of its votes, which all
    take in at once; and repeats a vote as another's."""

    shard: Shard

    def __init__(self) -> None:
        super().__init__()
        self.attested: dict[str, Any] | None = None
        self.others: list[Validator] = []

    def publish(self, topic: str, data: bytes) -> bool:
        name, said = self.shard.arguments_of(data)
        told, published = said["signature"], super().publish(topic, data)
        if name == "attest":
            self.attested = said
        if self.attested is not None and told[:1] in (VOTE, LIST):
            true = {said["seat"]: told[1:33]} if "seat" in said else {} if told[:1] == VOTE else decode_list(told)
            for number in range(40):
                noise = {seat: bytes([number]) * 32 for seat in range(4)}
                kept = {seat: vote for seat, vote in true.items() if len(true) == 1 or seat != number % 4}
                super().publish(topic, attest(self.shard, self.attested, 0, encode_list({**noise, **kept})))
            super().publish(topic, attest(self.shard, self.attested, 3, told))
        if told[:1] == LIST:
            others, self.others = self.others, []
            for validator in others:
                validator.step()
        return published


def test_lists_that_nobody_posted_and_votes_in_others_names_stop_no_vote(testnet: Testnet) -> None:
    testnet.pubsub = liar = Liar()
    liar.shard = testnet.ledger.shards[SHARD]
    network = testnet.network(clients=[1, 2])
    number = reach_checkpoint_phase(network)
    liar.others = [in_seat(network, number, seat) for seat in (1, 2, 3)]
    run_until(network, Phase.IDLE)
    assert bundle_of(testnet, number)[:1] == VOTES


class Slow(MemoryPubsub):
    """Keeps lists back."""

    shard: Shard
    attested: dict[str, Any]

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[tuple[str, bytes]] | None = []

    def publish(self, topic: str, data: bytes) -> bool:
        name, said = self.shard.arguments_of(data)
        if name == "attest":
            self.attested = said
        if self.kept is None or self.shard.arguments_of(data)[1]["signature"][:1] != LIST:
            return super().publish(topic, data)
        self.kept.append((topic, data))
        return True

    def release(self) -> None:
        kept, self.kept = self.kept or [], None
        for topic, data in kept:
            self.publish(topic, data)


def post_a_list(testnet: Testnet, network: Network) -> None:
    while not lists_posted(testnet):
        step_all(network)


def hear_lists_late(testnet: Testnet, network: Network, slow: Slow) -> None:
    """When the window is over, and everybody has done what there is to do without."""
    testnet.clock.reach(testnet.ledger.beacon.context().next_deadline(testnet.ledger.now()))
    step_all(network)
    slow.release()
    for _ in range(2):
        step_all(network)


def step_all(network: Network) -> None:
    for validator in network.validators:
        validator.step()


def test_a_list_that_is_heard_when_the_window_is_over_counts(testnet: Testnet) -> None:
    """One seat is away, one has shown its key and two have signed: neither way is a quorum without that."""
    testnet.pubsub = slow = Slow()
    slow.shard = testnet.ledger.shards[SHARD]
    network = testnet.network(clients=[1, 2])
    number = reach_checkpoint_phase(network)
    network = without(network, in_seat(network, number, 3).participant)
    post_a_list(testnet, network)
    hear_lists_late(testnet, network, slow)
    assert testnet.accepted_turn(number) == 0
    assert bundle_of(testnet, number)[:1] == VOTES


def test_a_list_that_is_heard_after_keys_were_shown_on_others_counts(testnet: Testnet) -> None:
    """Somebody posts lists with some of the votes in time, and who posted the one with all of them is gone."""
    testnet.pubsub = slow = Slow()
    slow.shard = testnet.ledger.shards[SHARD]
    network = testnet.network(clients=[1, 2])
    number = reach_checkpoint_phase(network)
    post_a_list(testnet, network)
    assert slow.kept is not None
    (topic, data), *_ = slow.kept
    votes = decode_list(slow.shard.arguments_of(data)[1]["signature"])
    for seat in (1, 3):
        some = {**votes, 0: bytes(32), seat: bytes(32)}
        testnet.owner.send(quorum_of(testnet).post_list(list_hash(some)))
        MemoryPubsub.publish(slow, topic, attest(slow.shard, slow.attested, 0, encode_list(some)))
    network = without(network, in_seat(network, number, 0).participant)
    hear_lists_late(testnet, network, slow)
    assert testnet.accepted_turn(number) == 0
    assert bundle_of(testnet, number)[:1] == VOTES


def test_where_the_node_does_not_tell_what_is_final_a_committee_signs(
    testnet: Testnet, monkeypatch: pytest.MonkeyPatch
) -> None:
    def untold(_finality: Finality) -> int:
        raise RpcFailed("http://node", "eth_getBlockByNumber", "finalized block not found", None)

    monkeypatch.setattr(Finality, "time", untold)
    network = testnet.network(clients=[1, 2])
    for _ in range(2):
        number = run_round(network).round
        assert bundle_of(testnet, number)[:1] == SIGNATURES
    assert lists_posted(testnet) == 0


def test_a_seat_that_could_not_be_taken_is_taken_at_the_next_step(
    testnet: Testnet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The node was away while it was looked up: neither the round before nor a mailbox is left over."""
    network = testnet.network(clients=[1, 2])
    run_round(network)
    number = reach_checkpoint_phase(network)
    validator = in_seat(network, number, 0)
    with monkeypatch.context() as away, pytest.raises(ChainUnreachable):
        away.setattr(seat_module, "booth_for", Mock(side_effect=ChainUnreachable("http://node", "away")))
        validator.step()
    assert validator.step().has_acted
    run_until(network, Phase.IDLE)
    assert (testnet.accepted_turn(number), bundle_of(testnet, number)[:1]) == (0, VOTES)


@pytest.mark.parametrize("steps", range(1, 4))
def test_a_restart_of_everybody_loses_nothing(testnet: Testnet, steps: int) -> None:
    """After the votes, after the list, after some keys: nobody remembers what it heard, and all say the same again."""
    network = testnet.network(clients=[1, 2])
    number = reach_checkpoint_phase(network)
    for step in range(steps):
        if step == 2:
            testnet.clock.reach(testnet.ledger.beacon.context().next_deadline(testnet.ledger.now()))
        for validator in network.validators[: 2 if step == 2 else 4]:
            validator.step()
    assert lists_posted(testnet) == (steps > 1)
    run_until(testnet.network(clients=[1, 2]), Phase.IDLE)
    assert testnet.accepted_turn(number) == 0
    assert bundle_of(testnet, number)[:1] == (VOTES if steps < 3 else SIGNATURES)


def test_a_validator_process_names_its_chain_and_starting_again_no_other(testnet: Testnet) -> None:
    """Each start of a role would else cost 185,000 gas, and retire the keys that a committee counts on."""
    name = "validator-1"
    testnet.keys[name].close()
    folder = testnet.folder / name
    own = ["--account", "dev:9", "--key", str(folder / "key.lms"), "--folder", str(folder)]
    ended = CliRunner().invoke(cli, ["validator", "run", *testnet.where, *own, "--rounds", "0"])
    assert ended.exit_code == 0, ended.output
    first = ParticipantId(testnet.ledger.staking.participant_count())
    assert quorum_of(testnet).chain_count(first) == 1
    testnet.keys[name] = KeyFile.open(folder / "key.lms")
    network = testnet.network(clients=[1, 2])
    assert [quorum_of(testnet).chain_count(one.participant) for one in network.validators] == [1] * 4
    assert first in [one.participant for one in network.validators]
    assert bundle_of(testnet, run_round(network).round)[:1] == VOTES


def test_a_seat_votes_for_nothing_but_what_it_signs(testnet: Testnet) -> None:
    """Its vote for a checkpoint is in the journal: no other one of that turn is signed, also after a restart."""
    network = testnet.network(clients=[1, 2])
    number = reach_checkpoint_phase(network)
    seat = in_seat(network, number, 1)
    seat.step()
    assert seat._seat is not None
    (checkpoint,) = seat._seat[1]._ballots
    other = replace(checkpoint, aggregate_root=bytes(32))
    for again in (seat, testnet.validator(int(testnet.name_of(seat.participant).split("-")[1]))):
        again.look(number)
        assert again._seat is not None
        assert again._seat[1]._sign(other) is None
    run_until(testnet.network(clients=[1, 2]), Phase.IDLE)


def test_without_gossip_a_committee_signs(testnet: Testnet) -> None:
    testnet.pubsub = None
    number = run_round(testnet.network(clients=[1, 2])).round
    assert bundle_of(testnet, number)[:1] == SIGNATURES
    assert lists_posted(testnet) == 0
