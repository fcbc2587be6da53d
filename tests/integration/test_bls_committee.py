"""Committees that sign with BLS keys: rounds in one process, proposers that are silent, liars, keys that change.

The town has more validators than seats; every round it publishes is audited at the end as `qfl verify` does it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from click.testing import CliRunner
from town import SHARD, Town, reach_checkpoint_phase

from qfl.attacks.seats import Equivocator, Silent
from qfl.cli.main import cli
from qfl.committee.aggregate import decode_aggregate
from qfl.devnet import Devnet
from qfl.keys.bls import BlsKey
from qfl.keys.bls_points import full_key
from qfl.roles.attesting import pack_keys
from qfl.roles.challenger import Challenger
from qfl.roles.validator import Validator
from qfl.roles.watch import Watch
from qfl.round import Network, publish, run_round, verify
from qfl.types import KeyPlace, ParticipantId, RoundNumber

VALIDATORS = range(1, 6)
NEWCOMER = "validator-6"


@pytest.fixture(scope="module")
def town(devnet: Devnet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with Town(devnet, tmp_path_factory.mktemp("town"), 2, 1 + len(VALIDATORS), quorum="bls") as built:
        yield built
        built.assert_everything_stands()


@pytest.fixture
def network(town: Town) -> Network:
    return town.network([1, 2], VALIDATORS)


def in_seat(network: Network, number: RoundNumber, seat: int) -> Validator:
    drawn = network.ledger.beacon.committee(number, SHARD)[seat]
    return next(validator for validator in network.validators if validator.participant == drawn)


def in_place_of(network: Network, one: Validator, kind: type[Validator], town: Town) -> Network:
    """The network, in which one validator behaves in another way."""
    other = town.validator(1 + list(network.validators).index(one), kind)
    return replace(network, validators=[other if v is one else v for v in network.validators])


def bundle_of(town: Town, number: RoundNumber) -> bytes:
    (accepted,) = town.ledger.beacon.accepted(number, town.ledger.opened_in(number))
    return bytes((town.ledger.call_in(town.ledger.beacon, accepted.tx_hash) or {})["bundle"])


def test_a_round_is_checkpointed_by_one_signature_under_keys_in_a_page(town: Town, network: Network) -> None:
    number = run_round(network).round
    aggregate = decode_aggregate(bundle_of(town, number))
    assert len(aggregate.keys) >= 3
    assert all(isinstance(key, KeyPlace) for key in aggregate.keys.values())


def test_starting_again_registers_and_packs_nothing(town: Town, network: Network) -> None:
    """Each start of a role would else cost 400,000 gas, and retire the key that a committee counts on."""
    bls = town.ledger.bls
    pages = {place.page for place in bls.places_of([v.participant for v in network.validators])}
    for validator in town.network([], VALIDATORS).validators:
        assert bls.key_count(validator.participant) == 1
    pack_keys(town.ledger, town.owner)
    assert {place.page for place in bls.places_of([v.participant for v in network.validators])} == pages


def test_the_others_agree_when_the_first_is_silent(town: Town, network: Network) -> None:
    number = reach_checkpoint_phase(network)
    network = in_place_of(network, in_seat(network, number, 0), Silent, town)
    verify(network)
    publish(network)
    assert town.accepted_turn(number) == 0
    assert sorted(decode_aggregate(bundle_of(town, number)).keys) == [1, 2, 3]


def test_what_is_announced_in_others_names_is_noise(town: Town, network: Network) -> None:
    """A forger's signature, bytes that are none, and another seat's, in every seat's name before it speaks itself."""
    number = reach_checkpoint_phase(network)
    proposer, shard = in_seat(network, number, 0), town.ledger.shards[SHARD]
    assert proposer.verify(proposer.duty())
    (proposal,) = shard.proposals(number, town.ledger.opened_in(number))
    digest = town.ledger.beacon_domain.checkpoint(proposal.checkpoint)
    for seat in range(4):
        for noise in (BlsKey(bytes(32)).sign(digest), b"", bytes(96), b"\xc0" + bytes(95), proposal.signature):
            if (seat, noise) != (0, proposal.signature):
                town.owner.send(shard.attest(proposal.checkpoint, seat, digest, noise, proposer.participant))
    verify(network)
    publish(network)
    assert town.accepted_turn(number) == 0


def test_a_seat_that_replaces_its_key_after_attesting_does_not_stall_the_others(town: Town, network: Network) -> None:
    number = reach_checkpoint_phase(network)
    proposer, changing = in_seat(network, number, 0), in_seat(network, number, 1)
    assert proposer.verify(proposer.duty())
    assert changing.verify(changing.duty())
    index = 1 + list(network.validators).index(changing)
    (town.folder / f"validator-{index}" / "bls.key").unlink()
    town.validator(index)
    assert town.ledger.bls.key_count(changing.participant) == 2
    others = replace(network, validators=[v for v in network.validators if v is not changing])
    verify(others)
    publish(others)
    assert sorted(decode_aggregate(bundle_of(town, number)).keys) == [0, 2, 3]


def test_a_seat_that_lost_what_its_bls_key_signed_attests_nothing_more_in_the_round(
    town: Town, network: Network
) -> None:
    """A BLS key keeps no count; that the LMS key of the same seat has signed says that there was something."""
    number = reach_checkpoint_phase(network)
    forgetful = in_seat(network, number, 1)
    index = 1 + list(network.validators).index(forgetful)
    (town.folder / f"validator-{index}" / "attestations.json").unlink()
    network = in_place_of(network, forgetful, Validator, town)
    verify(network)
    publish(network)
    assert sorted(decode_aggregate(bundle_of(town, number)).keys) == [0, 2, 3]


def test_a_key_that_is_in_no_page_comes_in_the_bundle(town: Town, network: Network) -> None:
    """One key of five is not worth a new page. A seat is away, so that nobody's signature can be spared."""
    (outside,) = [v for v in network.validators if town.ledger.bls.places_of([v.participant]) == [None]]
    number = town.open_round(network, lambda committee: outside.participant in committee)
    committee = town.ledger.beacon.committee(number, SHARD)
    away = next(validator for validator in committee if validator != outside.participant)
    run_round(replace(network, validators=[v for v in network.validators if v.participant != away]))
    assert town.ledger.bls.places_of([outside.participant]) == [None]
    index = 1 + list(network.validators).index(outside)
    key = BlsKey.open(town.folder / f"validator-{index}" / "bls.key")
    named = decode_aggregate(bundle_of(town, number)).keys[committee.index(outside.participant)]
    assert named == full_key(key.public)


def test_a_seat_that_signs_two_checkpoints_in_a_turn_is_slashed(town: Town, network: Network) -> None:
    number = reach_checkpoint_phase(network)
    liar = in_seat(network, number, 0)
    network = in_place_of(network, liar, Equivocator, town)
    stake = town.ledger.staking.participant(liar.participant).stake_wei
    verify(network)
    challenger = Challenger(town.ledger, town.sender(15), Watch(town.ledger, town.store))
    (dispute,) = challenger.step()
    assert dispute.record()["fault"] == "equivocation"
    assert town.ledger.staking.participant(liar.participant).stake_wei < stake
    publish(network)
    assert sorted(decode_aggregate(bundle_of(town, number)).keys) == [1, 2, 3]


def test_a_validator_process_registers_its_key(town: Town) -> None:
    """It ends at once: it waits for no model."""
    town.keys[NEWCOMER].close()
    folder = town.folder / NEWCOMER
    services = ["--rpc", town.devnet.rpc_url, "--ipfs", town.devnet.ipfs_url, "--account", "dev:9"]
    own = ["--deployment", str(town.deployment_path), "--key", str(folder / "key.lms"), "--folder", str(folder)]
    ended = CliRunner().invoke(cli, ["validator", "run", *services, *own, "--rounds", "0"])
    assert ended.exit_code == 0, ended.output
    (key,) = town.ledger.bls.keys_of([ParticipantId(town.ledger.staking.participant_count())])
    assert key == full_key(BlsKey.open(folder / "bls.key").public)
