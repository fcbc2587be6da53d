"""Committees that hand a mirror over by gossip: a transaction for a round; a quarter of a turn is the most it costs."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from flooding import Flood
from shard_testnet import ShardTestnet

from qfl.chain.contracts.staking import Role
from qfl.chain.mirroring import compute_message
from qfl.crypto.keyfile import KeyFile
from qfl.crypto.lms import signature_bytes
from qfl.devnet import Devnet, DevnetConfig
from qfl.errors import KeyFileBehind
from qfl.node.leaves import LeafCheck
from qfl.protocol.types import ParticipantId, RoundNumber, ShardIndex
from qfl.storage.ipfs import IpfsStore
from qfl.storage.pubsub import IpfsPubsub, MemoryPubsub, Pubsub
from qfl.validator.mirror_keeper import begin_mirrors, silent_until
from qfl.validator.validator import Validator

pytestmark = pytest.mark.rest

SHARD = ShardIndex(0)
QUORUM = 3
LONG_TURN = {"commitSeconds": 900, "turnSeconds": 1200, "publishSeconds": 1200, "checkpointSeconds": 1200}
"""No machine is too slow for a quarter of that."""
MOST_PASSES = 60
"""Far more than a committee takes."""


@pytest.fixture
def shard_testnet(chains: Devnet, tmp_path: Path) -> Iterator[ShardTestnet]:
    """One shard, four validators in its committees; its mirror shows the round before the open one."""
    with ShardTestnet(chains, tmp_path, seats=4, **LONG_TURN) as built:
        built.open_round()
        begin_mirrors(built.ledger, built.carriers[0])
        built.open_round()
        yield built


class Nowhere(MemoryPubsub):
    """Takes every message and brings it to nobody."""

    def publish(self, topic: str, data: bytes) -> bool:
        return True


class NoGossip(MemoryPubsub):
    """A node that does not do such things."""

    def publish(self, topic: str, data: bytes) -> bool:
        return False


class Recorder(MemoryPubsub):
    """Keeps what was said."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[bytes] = []

    def publish(self, topic: str, data: bytes) -> bool:
        self.said.append(data)
        return super().publish(topic, data)

    def listeners(self) -> int:
        """How many there are now."""
        return sum(map(len, self._mailboxes.values()))


class Whisper(MemoryPubsub):
    """Hears nobody, and speaks to whoever began to listen first where the others talk."""

    def __init__(self, others: MemoryPubsub) -> None:
        super().__init__()
        self._others = others

    def publish(self, topic: str, data: bytes) -> bool:
        self._others._mailboxes[topic][0].put("whisperer", data)
        return True


def in_seats(shard_testnet: ShardTestnet, validators: Sequence[Validator]) -> list[Validator]:
    """Validators in the order of their seats in the committee that is to hand the mirror over."""
    committee = shard_testnet.committee(shard_testnet.shown(SHARD), SHARD)
    return sorted(validators, key=lambda validator: committee.index(validator.participant))


def with_gossip(shard_testnet: ShardTestnet, *pubsubs: Pubsub | None) -> list[Validator]:
    """A validator in each seat that talks by the one that is named for it."""
    sitting = {pubsub: in_seats(shard_testnet, shard_testnet.validators(pubsub)) for pubsub in set(pubsubs)}
    return [sitting[pubsub][seat] for seat, pubsub in enumerate(pubsubs)]


def keep(shard_testnet: ShardTestnet, validators: Sequence[Validator]) -> int:
    """Let them step in this order until the mirror shows the open round; how often each did."""
    number = shard_testnet.ledger.beacon.current_round()
    for count in range(1, MOST_PASSES):
        for validator in validators:
            validator.keep_mirrors()
        if shard_testnet.shown(SHARD) == number:
            return count
    raise AssertionError("the mirror was not brought to the round")


def keep_while_silent(shard_testnet: ShardTestnet, validators: Sequence[Validator]) -> None:
    """Let them step as long as any has something to do, in a time in which gossip does not suffice."""
    before = shard_testnet.shown(SHARD)
    while sum(validator.keep_mirrors() for validator in validators):
        pass
    assert shard_testnet.shown(SHARD) == before
    assert posted(shard_testnet) == []


def end_silence(shard_testnet: ShardTestnet) -> None:
    """Let the quarter of the turn pass."""
    ledger = shard_testnet.ledger
    shard_testnet.network.clock.reach(silent_until(ledger, ledger.beacon.current_round()))


def posted(shard_testnet: ShardTestnet) -> list[ParticipantId]:
    """Who has countersigned the open round on chain."""
    ledger = shard_testnet.ledger
    said = ledger.mirrors[SHARD].countersignatures(ledger.beacon.current_round(), ledger.deployment.chains[0].block)
    return [one.validator for one in said]


def calls(shard_testnet: ShardTestnet) -> list[str]:
    """What the mirror was called for in the open round, also in vain: the functions, in order."""
    ledger = shard_testnet.ledger
    mirror = ledger.mirrors[SHARD]
    *_, before, taken = mirror.mirrorings(0)
    assert taken.round == ledger.beacon.current_round()
    sent = []
    for number in range(before.block + 1, taken.block + 1):
        for transaction in mirror.web3.eth.get_block(number, full_transactions=True)["transactions"]:
            if transaction["to"] == mirror.address:
                sent.append(mirror.arguments_of(bytes(transaction["input"]))[0])
    return sent


@pytest.mark.parametrize("order", [1, -1])
def test_a_round_is_handed_over_in_one_transaction(shard_testnet: ShardTestnet, order: int) -> None:
    pubsub = Recorder()
    validators = with_gossip(shard_testnet, *[pubsub] * 4)
    keep(shard_testnet, validators[::order])
    assert calls(shard_testnet) == ["advance"]
    assert len(set(pubsub.said)) == QUORUM, "the last seat is not needed"
    for validator in validators:
        validator.keep_mirrors()
    assert pubsub.listeners() == 0


def test_who_listens_to_a_round_that_was_never_handed_over_stops_with_it(shard_testnet: ShardTestnet) -> None:
    pubsub = Recorder()
    validators = with_gossip(shard_testnet, *[pubsub] * 4)[:2]
    keep_while_silent(shard_testnet, validators)
    assert pubsub.listeners() == 2
    ledger = shard_testnet.ledger
    shard_testnet.network.clock.reach(ledger.beacon.round_at(ledger.beacon.current_round()).publish_ends_at)
    for validator in validators:
        validator.keep_mirrors()
    assert pubsub.listeners() == 0


def test_a_committee_over_two_ipfs_nodes_hands_over_by_gossip(shard_testnet: ShardTestnet, tmp_path: Path) -> None:
    with Devnet(DevnetConfig(tmp_path / "elsewhere", with_chain=False)) as elsewhere:
        far = IpfsStore(elsewhere.ipfs_url)
        far.connect_peer(shard_testnet.store.peer_addresses()[0])
        with closing(IpfsPubsub(shard_testnet.store)) as here, closing(IpfsPubsub(far)) as there:
            keep(shard_testnet, with_gossip(shard_testnet, here, there, here, there))
    assert calls(shard_testnet) == ["advance"]


def test_a_run_of_rounds_hands_over_by_gossip(shard_testnet: ShardTestnet) -> None:
    with closing(IpfsPubsub(shard_testnet.store)) as pubsub:
        shard_testnet.network = replace(shard_testnet.network, validators=shard_testnet.validators(pubsub))
        outcome = shard_testnet.run_round()
    assert (outcome.included, outcome.missed) == (6, {})
    assert shard_testnet.shown(SHARD) == outcome.round


@pytest.mark.parametrize("pubsub", [None, NoGossip()])
def test_without_gossip_all_is_said_on_chain_at_once(shard_testnet: ShardTestnet, pubsub: Pubsub | None) -> None:
    keep(shard_testnet, with_gossip(shard_testnet, *[pubsub] * 4))
    assert calls(shard_testnet) == ["countersign"] * QUORUM + ["advance"]


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("away", [None, 1])
def test_who_has_no_gossip_hands_over_together_with_those_who_have(
    shard_testnet: ShardTestnet, place: int, away: int | None
) -> None:
    """Also where one of the others is away, so that he is needed."""
    pubsubs: list[Pubsub | None] = [MemoryPubsub()] * 4
    pubsubs[place] = None
    validators = with_gossip(shard_testnet, *pubsubs)
    without = validators[place]
    keep(shard_testnet, [one for seat, one in enumerate(validators) if seat != away or seat == place])
    assert set(posted(shard_testnet)) <= {without.participant}
    assert calls(shard_testnet).count("advance") == 1


def test_what_gossip_does_not_bring_is_said_on_chain_after_a_quarter_of_a_turn(shard_testnet: ShardTestnet) -> None:
    validators = with_gossip(shard_testnet, *[Nowhere()] * 4)
    keep_while_silent(shard_testnet, validators)
    end_silence(shard_testnet)
    keep(shard_testnet, validators)
    assert calls(shard_testnet) == ["countersign", "countersign", "advance"]


def test_a_round_goes_on_though_gossip_brings_nothing(shard_testnet: ShardTestnet) -> None:
    shard_testnet.network = replace(shard_testnet.network, validators=shard_testnet.validators(Nowhere()))
    outcome = shard_testnet.run_round()
    assert (outcome.included, outcome.missed) == (6, {})


@pytest.mark.parametrize("mute", range(4))
def test_whom_nobody_hears_costs_no_more_than_the_silence(shard_testnet: ShardTestnet, mute: int) -> None:
    pubsubs: list[Pubsub | None] = [MemoryPubsub()] * 4
    pubsubs[mute] = Nowhere()
    validators = with_gossip(shard_testnet, *pubsubs)
    keep(shard_testnet, validators)
    assert calls(shard_testnet) == ["advance"]


def test_who_speaks_to_one_seat_alone_and_carries_nothing_costs_the_silence(shard_testnet: ShardTestnet) -> None:
    pubsub = MemoryPubsub()
    selective, *others = with_gossip(shard_testnet, Whisper(pubsub), pubsub, pubsub, pubsub)
    others[0].keep_mirrors()
    selective.keep_mirrors()
    keep_while_silent(shard_testnet, others)
    end_silence(shard_testnet)
    keep(shard_testnet, others)
    assert calls(shard_testnet) == ["advance"]


def test_who_has_spoken_and_ends_before_it_carries_costs_the_silence(shard_testnet: ShardTestnet) -> None:
    validators = with_gossip(shard_testnet, *[MemoryPubsub()] * 4)
    for validator in validators[1:3]:
        validator.keep_mirrors()
    validators[0].keep_mirrors()
    keep_while_silent(shard_testnet, validators[1:])
    end_silence(shard_testnet)
    keep(shard_testnet, validators[1:])
    assert calls(shard_testnet) == ["advance"]


def test_a_restarted_seat_says_the_same_again(shard_testnet: ShardTestnet) -> None:
    pubsub = Recorder()
    for validator in with_gossip(shard_testnet, *[pubsub] * 4)[:2]:
        validator.keep_mirrors()
    before = set(pubsub.said)
    keep(shard_testnet, with_gossip(shard_testnet, *[pubsub] * 4))
    assert calls(shard_testnet) == ["advance"]
    assert before < set(pubsub.said) and len(set(pubsub.said)) == QUORUM


def words_of_nobody(shard_testnet: ShardTestnet) -> list[bytes]:
    """Calls in the seats' names, with signatures that say nothing of the message, and what is no call at all."""
    ledger, number = shard_testnet.ledger, shard_testnet.ledger.beacon.current_round()
    mirror, shown = ledger.mirrors[SHARD], RoundNumber(shard_testnet.shown(SHARD))
    message = compute_message(ledger, SHARD, round_number=number, previous=shown)
    digest, committee = ledger.mirror_domains[SHARD].mirror_message(message), shard_testnet.committee(shown, SHARD)
    forged = bytes(signature_bytes(5))
    calls = [
        mirror.countersign(named, committee[0], seat=seat, digest=about, signature=signature).data
        for named in (number, RoundNumber(number + 1), RoundNumber(2**64 - 1))
        for seat in (0, 1, 2, 3, 63, 255)
        for about in (digest, bytes(32))
        for signature in (forged, b"")
    ]
    return [*calls, mirror.advance(message, shown, bundle=forged).data, b"", b"noise", calls[0][:40], bytes(200)]


def test_forged_words_and_noise_change_nothing(shard_testnet: ShardTestnet) -> None:
    pubsub = Flood(words_of_nobody(shard_testnet), times=30)
    keep(shard_testnet, with_gossip(shard_testnet, *[pubsub] * 4))
    assert calls(shard_testnet) == ["advance"]


def test_forged_words_count_for_no_seat(shard_testnet: ShardTestnet) -> None:
    pubsub, before = Flood(words_of_nobody(shard_testnet), times=30), shard_testnet.shown(SHARD)
    validators = with_gossip(shard_testnet, *[pubsub] * 4)[:2]
    keep_while_silent(shard_testnet, validators)
    end_silence(shard_testnet)
    for _ in range(3):
        for validator in validators:
            validator.keep_mirrors()
    assert set(posted(shard_testnet)) == {validator.participant for validator in validators}
    assert shard_testnet.shown(SHARD) == before


def test_words_under_a_message_for_the_round_before_count_for_nothing(shard_testnet: ShardTestnet) -> None:
    pubsub = Recorder()
    keep(shard_testnet, with_gossip(shard_testnet, *[pubsub] * 4))
    shard_testnet.open_round()
    keep(shard_testnet, with_gossip(shard_testnet, *[Flood(pubsub.said, times=30)] * 4))
    assert calls(shard_testnet) == ["advance"]


def test_an_old_key_is_told_by_what_it_signed_in_a_bundle(shard_testnet: ShardTestnet, tmp_path: Path) -> None:
    """What was said by gossip is on chain nowhere else."""
    first = with_gossip(shard_testnet, *[MemoryPubsub()] * 4)[0].participant
    place = [validator.participant for validator in shard_testnet.network.validators].index(first)
    folder = shard_testnet.identities.validator_folders[place]
    copy = (folder / "key.lms").read_bytes()
    keep(shard_testnet, with_gossip(shard_testnet, *[MemoryPubsub()] * 4))
    shard_testnet.identities.keys[folder].close()
    (folder / "key.lms").write_bytes(copy)
    with KeyFile.open(folder / "key.lms", tmp_path / "elsewhere") as old, pytest.raises(KeyFileBehind) as refused:
        LeafCheck(shard_testnet.ledger, first, Role.VALIDATOR, old).in_shard(SHARD)
    assert refused.value.contract == "shard 0"
