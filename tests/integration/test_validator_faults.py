"""Validators that are away, lie, die or are impersonated; chain and IPFS node that restart in mid-round.

Rounds follow one another on one testnet; the clock is the development chain's, so nothing here waits.
"""

from dataclasses import replace
from pathlib import Path

import pytest
from dishonest import honest_result
from testnet import SHARD, Testnet, fresh_testnet, in_seat, reach_checkpoint_phase, step_clients, without

from qfl.chain.contracts.beacon import Phase, RoundState
from qfl.chain.rpc.accounts import development_account
from qfl.chain.rpc.calls import Receipt
from qfl.chain.rpc.sender import Sender, UnsentCall
from qfl.crypto.keyfile import KeyFile
from qfl.crypto.lms import leaf_of
from qfl.devnet import Devnet
from qfl.errors import ContentMissing
from qfl.node.outcome import count_included
from qfl.quorum.quorum import scheme_of
from qfl.simulation.driver import run_until
from qfl.storage.store import ContentStore
from qfl.validator.validator import Validator

testnet = fresh_testnet("module", audited=True)


def test_the_others_agree_without_a_proposer_that_is_away(testnet: Testnet) -> None:
    network = testnet.network(clients=[1])
    number = reach_checkpoint_phase(network)
    network = without(network, in_seat(network, number, 0).participant)
    run_until(network, Phase.IDLE)
    (accepted,) = testnet.ledger.beacon.accepted(number, 0)
    assert (accepted.checkpoint.turn, accepted.attested) == (0, 0b1110)
    assert not testnet.ledger.round(number).shard(SHARD).proposals()


def test_a_wrong_result_finds_no_attesters_and_costs_no_turn(testnet: Testnet) -> None:
    network = testnet.network(clients=[1])
    number = reach_checkpoint_phase(network)
    liar = in_seat(network, number, 0)
    wrong = replace(honest_result(testnet, number).checkpoint, aggregate_root=b"\1" * 32)
    signature = testnet.attest(testnet.ledger.beacon_domain.checkpoint(wrong), liar.participant, 0)
    testnet.owner.send(testnet.ledger.shards[SHARD].propose(wrong, signature, validator=liar.participant))
    run_until(without(network, liar.participant), Phase.IDLE)
    (accepted,) = testnet.ledger.beacon.accepted(number, 0)
    assert accepted.checkpoint == honest_result(testnet, number).checkpoint
    assert accepted.attested == 0b1110


class Lacking:
    """A store that does not find one content the first `misses` times it is asked for it."""

    def __init__(self, store: ContentStore, digest: bytes, misses: int) -> None:
        self._store, self._digest, self._misses = store, digest, misses

    def put(self, data: bytes) -> bytes:
        return self._store.put(data)

    def get(self, digest: bytes, max_bytes: int) -> bytes:
        if digest == self._digest and self._misses:
            self._misses -= 1
            raise ContentMissing(digest.hex())
        return self._store.get(digest, max_bytes)

    def pin(self, digest: bytes) -> None:
        self._store.pin(digest)

    def unpin(self, digest: bytes) -> None:
        self._store.unpin(digest)


@pytest.mark.parametrize(
    ("blind", "misses", "count", "attested"),
    [
        ((3,), 99, 2, 0b0111),
        ((2, 3), 1, 2, 0b0111),
        ((2, 3), 2, 2, 0b0111),
        ((0, 1, 2, 3), 99, 1, 0b0111),
    ],
    ids=["one lacks it", "found when proposed", "found a turn later", "nobody has it"],
)
def test_content_that_some_seats_cannot_read_does_not_divide_the_committee(
    testnet: Testnet, blind: tuple[int, ...], misses: int, count: int, attested: int
) -> None:
    """A seat that cannot read all speaks first for nothing: it could not sign any more what the others agree on."""
    network = testnet.network(clients=[1, 2])
    number = reach_checkpoint_phase(network)
    _, hidden = testnet.ledger.round(number).shard(SHARD).reveals()
    seats = [in_seat(network, number, seat) for seat in range(4)]
    for seat in blind:
        name = testnet.name_of(seats[seat].participant)
        store = Lacking(testnet.store, hidden.content_digest, misses)
        seats[seat] = Validator(testnet.context(name, store), seats[seat].participant)
    network = replace(network, validators=seats)
    run_until(network, Phase.IDLE)
    (accepted,) = testnet.ledger.beacon.accepted(number, 0)
    assert (accepted.checkpoint.count, accepted.attested) == (count, attested)


def test_forged_proposals_and_attestations_are_noise(testnet: Testnet, tmp_path: Path) -> None:
    network = testnet.network(clients=[1])
    number = reach_checkpoint_phase(network)
    shard, nobody = testnet.ledger.shards[SHARD], testnet.sender(19)
    honest = honest_result(testnet, number).checkpoint
    forged = replace(honest, aggregate_root=b"\1" * 32)
    scheme = scheme_of(testnet.ledger)
    with KeyFile.create(tmp_path / "forger.lms", 5) as forger:
        for checkpoint in (forged, honest):
            digest = testnet.ledger.beacon_domain.checkpoint(checkpoint)
            liar = in_seat(network, number, 0).participant
            committee = testnet.ledger.beacon.committee(number, SHARD)
            forgery = scheme.attestation(forger.sign(scheme.message(digest, liar, 0)))
            nobody.send(shard.propose(checkpoint, forgery, validator=liar))
            for seat, validator in enumerate(committee):
                forgery = scheme.attestation(forger.sign(scheme.message(digest, validator, seat)))
                for signature in (forgery, b"", b"\xff" * 5000):
                    nobody.send(shard.attest(checkpoint, seat, digest=digest, signature=signature, validator=liar))
    run_until(network, Phase.IDLE)
    assert testnet.accepted_turn(number) == 0


def test_a_seat_that_rotates_its_key_after_attesting_does_not_stall_the_others(testnet: Testnet) -> None:
    network = testnet.network(clients=[1])
    number = reach_checkpoint_phase(network)
    proposer, rotating = in_seat(network, number, 0), in_seat(network, number, 1)
    assert proposer.verify(proposer.duty())
    assert rotating.verify(rotating.duty())
    testnet.rotate_key(rotating.participant)
    run_until(without(network, rotating.participant), Phase.IDLE)
    (accepted,) = testnet.ledger.beacon.accepted(number, 0)
    assert accepted.attested == 0b1101


class PowerCut(Exception):
    pass


class DyingSender(Sender):
    """Loses power instead of sending a call with this label."""

    def __init__(self, testnet: Testnet, index: int, label: str) -> None:
        super().__init__(testnet.web3, development_account(index))
        self._label = label

    def send(self, call: UnsentCall) -> Receipt:
        if call.label == self._label:
            raise PowerCut
        return super().send(call)


@pytest.mark.parametrize("label", ["propose", "attest"])
def test_a_validator_that_died_between_signing_and_sending_repeats_its_signature(testnet: Testnet, label: str) -> None:
    network = testnet.network(clients=[1])
    number = reach_checkpoint_phase(network)
    proposer = in_seat(network, number, 0)
    victim = in_seat(network, number, 1) if label == "attest" else proposer
    if label == "attest":
        assert proposer.verify(proposer.duty())
    name = testnet.name_of(victim.participant)
    key = testnet.keys[name]
    dying = Validator(testnet.context(name, sender=DyingSender(testnet, 10, label)), victim.participant)
    with pytest.raises(PowerCut):
        dying.step()
    leaf = key.next_leaf - 1
    back = testnet.validator(int(name.removeprefix("validator-")))
    assert back.step()
    assert key.next_leaf == leaf + 1, "no second signature was made"
    opened, shard = testnet.ledger.round(number).opened_in, testnet.ledger.shards[SHARD]
    bare = scheme_of(testnet.ledger).bare
    if label == "propose":
        assert [leaf_of(bare(p.signature)) for p in shard.proposals(number, opened)] == [leaf]
    else:
        assert leaf in [leaf_of(bare(a.signature)) for a in shard.attestations(number, opened) if a.seat == 1]
    run_until(network, Phase.IDLE)


def test_slots_to_publish_pass_over_who_is_away_and_a_publisher_that_died_repeats_its_signature(
    devnet: Devnet, tmp_path: Path
) -> None:
    with Testnet(devnet, tmp_path, clients=2, shards=2, seats=2) as sharded:
        network, draw = sharded.network(clients=[1, 2]), sharded.ledger.draw
        number = run_until(network, Phase.PUBLISH)
        first, until = draw.publisher_of(number)
        assert first == draw.seats_of(number)[0]
        assert not any(validator.step() for validator in without(network, first).validators)
        sharded.clock.reach(until)
        second, _ = draw.publisher_of(number)
        name = sharded.name_of(second)
        key = sharded.keys[name]
        dying = Validator(sharded.context(name, sender=DyingSender(sharded, 10, "publish")), second)
        with pytest.raises(PowerCut):
            dying.step()
        leaf = key.next_leaf
        run_until(without(sharded.network(), first), Phase.IDLE)
        record = sharded.ledger.beacon.round_at(number)
        assert (record.state, record.publisher) == (RoundState.PUBLISHED, second)
        assert key.next_leaf == leaf, "no second signature was made"
        sharded.assert_everything_stands()


# --- chain and store -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", ["after commits", "after reveals"])
def test_a_round_survives_restarts_of_chain_and_ipfs_node(testnet: Testnet, stage: str) -> None:
    network = testnet.network(clients=[1, 2])
    number = run_until(network, Phase.REVEAL)
    if stage == "after commits":
        testnet.devnet.restart()
        testnet.devnet.restart("ipfs")
    step_clients(network)
    if stage == "after reveals":
        testnet.devnet.restart("ipfs")
        testnet.devnet.restart()
    run_until(network, Phase.IDLE)
    assert count_included(network.ledger, number) == 2
