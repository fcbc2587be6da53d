"""Committees that sign with BLS keys: rounds in one process, proposers that are silent, liars, keys that change.

The testnet has more validators than seats; every round it publishes is audited at the end as `qfl verify` does it.
"""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from click.testing import CliRunner
from testnet import SHARD, Testnet, reach_checkpoint_phase

from experiments.attacks.seats import EquivocatingSeat, Silent, attacker_in
from qfl.apps.cli.main import cli
from qfl.chain.contracts.beacon import Phase
from qfl.chain.contracts.bls_quorum import BlsQuorum, KeyPlace
from qfl.challenger.challenger import Challenger
from qfl.challenger.fault_detector import FaultDetector
from qfl.crypto.bls import BlsKey
from qfl.crypto.bls_points import full_key
from qfl.devnet import Devnet
from qfl.protocol.types import ParticipantId, RoundNumber
from qfl.quorum.bls import decode_aggregate
from qfl.quorum.quorum import scheme_of
from qfl.simulation.driver import Network, run_round, run_until
from qfl.validator.validator import Validator

VALIDATORS = range(1, 6)
NEWCOMER = "validator-6"


@pytest.fixture(scope="module")
def testnet(devnet: Devnet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Testnet]:
    with Testnet(devnet, tmp_path_factory.mktemp("testnet"), 2, 1 + len(VALIDATORS), quorum="bls") as built:
        yield built
        built.assert_everything_stands()


@pytest.fixture
def network(testnet: Testnet) -> Network:
    return testnet.network([1, 2], VALIDATORS)


def in_seat(network: Network, number: RoundNumber, seat: int) -> Validator:
    drawn = network.ledger.beacon.committee(number, SHARD)[seat]
    return next(validator for validator in network.validators if validator.participant == drawn)


def in_place_of(network: Network, one: Validator, kind: type[Validator], testnet: Testnet) -> Network:
    """The network, in which one validator behaves in another way."""
    other = testnet.validator(1 + list(network.validators).index(one), kind)
    return replace(network, validators=[other if v is one else v for v in network.validators])


def quorum_of(testnet: Testnet) -> BlsQuorum:
    found = testnet.ledger.contract(BlsQuorum)
    assert found is not None
    return found


def bundle_of(testnet: Testnet, number: RoundNumber) -> bytes:
    (accepted,) = testnet.ledger.round(number).accepted()
    return bytes((testnet.ledger.call_in(testnet.ledger.beacon, accepted.tx_hash) or {})["bundle"])


def test_a_round_is_checkpointed_by_one_signature_under_keys_in_a_page(testnet: Testnet, network: Network) -> None:
    number = run_round(network).round
    aggregate = decode_aggregate(bundle_of(testnet, number))
    assert len(aggregate.keys) >= 3
    assert all(isinstance(key, KeyPlace) for key in aggregate.keys.values())


def test_starting_again_registers_and_packs_nothing(testnet: Testnet, network: Network) -> None:
    """Each start of a role would else cost 400,000 gas, and retire the key that a committee counts on."""
    bls = quorum_of(testnet)
    pages = {place.page for place in bls.places_of([v.participant for v in network.validators])}
    for validator in testnet.network([], VALIDATORS).validators:
        assert bls.key_count(validator.participant) == 1
    scheme_of(testnet.ledger).maintain(testnet.owner)
    assert {place.page for place in bls.places_of([v.participant for v in network.validators])} == pages


def test_the_others_agree_when_the_first_is_silent(testnet: Testnet, network: Network) -> None:
    number = reach_checkpoint_phase(network)
    network = in_place_of(network, in_seat(network, number, 0), Silent, testnet)
    run_until(network, Phase.IDLE)
    assert testnet.accepted_turn(number) == 0
    assert sorted(decode_aggregate(bundle_of(testnet, number)).keys) == [1, 2, 3]


def test_what_is_announced_in_others_names_is_noise(testnet: Testnet, network: Network) -> None:
    """A forger's signature, bytes that are none, and another seat's, in every seat's name before it speaks itself."""
    number = reach_checkpoint_phase(network)
    proposer, shard = in_seat(network, number, 0), testnet.ledger.shards[SHARD]
    assert proposer.verify(proposer.duty())
    (proposal,) = shard.proposals(number, testnet.ledger.round(number).opened_in)
    digest = testnet.ledger.beacon_domain.checkpoint(proposal.checkpoint)
    for seat in range(4):
        for noise in (BlsKey(bytes(32)).sign(digest), b"", bytes(96), b"\xc0" + bytes(95), proposal.signature):
            if (seat, noise) != (0, proposal.signature):
                testnet.owner.send(
                    shard.attest(
                        proposal.checkpoint, seat, digest=digest, signature=noise, validator=proposer.participant
                    )
                )
    run_until(network, Phase.IDLE)
    assert testnet.accepted_turn(number) == 0


def test_a_seat_that_replaces_its_key_after_attesting_does_not_stall_the_others(
    testnet: Testnet, network: Network
) -> None:
    number = reach_checkpoint_phase(network)
    proposer, changing = in_seat(network, number, 0), in_seat(network, number, 1)
    assert proposer.verify(proposer.duty())
    assert changing.verify(changing.duty())
    index = 1 + list(network.validators).index(changing)
    (testnet.folder / f"validator-{index}" / "bls.key").unlink()
    testnet.validator(index)
    assert quorum_of(testnet).key_count(changing.participant) == 2
    others = replace(network, validators=[v for v in network.validators if v is not changing])
    run_until(others, Phase.IDLE)
    assert sorted(decode_aggregate(bundle_of(testnet, number)).keys) == [0, 2, 3]


def test_a_seat_that_lost_what_its_bls_key_signed_attests_nothing_more_in_the_round(
    testnet: Testnet, network: Network
) -> None:
    """A BLS key keeps no count; that the LMS key of the same seat has signed says that there was something."""
    number = reach_checkpoint_phase(network)
    forgetful = in_seat(network, number, 1)
    index = 1 + list(network.validators).index(forgetful)
    (testnet.folder / f"validator-{index}" / "attestations.json").unlink()
    network = in_place_of(network, forgetful, Validator, testnet)
    run_until(network, Phase.IDLE)
    assert sorted(decode_aggregate(bundle_of(testnet, number)).keys) == [0, 2, 3]


def test_a_key_that_is_in_no_page_comes_in_the_bundle(testnet: Testnet, network: Network) -> None:
    """One key of five is not worth a new page. A seat is away, so that nobody's signature can be spared."""
    (outside,) = [v for v in network.validators if quorum_of(testnet).places_of([v.participant]) == [None]]
    number = testnet.open_round(network, lambda committee: outside.participant in committee)
    committee = testnet.ledger.beacon.committee(number, SHARD)
    away = next(validator for validator in committee if validator != outside.participant)
    run_round(replace(network, validators=[v for v in network.validators if v.participant != away]))
    assert quorum_of(testnet).places_of([outside.participant]) == [None]
    index = 1 + list(network.validators).index(outside)
    key = BlsKey.open(testnet.folder / f"validator-{index}" / "bls.key")
    named = decode_aggregate(bundle_of(testnet, number)).keys[committee.index(outside.participant)]
    assert named == full_key(key.public)


def test_a_seat_that_signs_two_checkpoints_in_a_turn_is_slashed(testnet: Testnet, network: Network) -> None:
    number = reach_checkpoint_phase(network)
    liar = in_seat(network, number, 0)
    network = in_place_of(network, liar, attacker_in(EquivocatingSeat), testnet)
    stake = testnet.ledger.staking.participant(liar.participant).stake_wei
    run_until(network, Phase.IDLE)
    challenger = Challenger(testnet.ledger, testnet.sender(15), FaultDetector(testnet.ledger, testnet.store))
    (dispute,) = challenger.step()
    assert dispute.record()["fault"] == "equivocation"
    assert testnet.ledger.staking.participant(liar.participant).stake_wei < stake
    assert sorted(decode_aggregate(bundle_of(testnet, number)).keys) == [1, 2, 3]


def test_a_validator_process_registers_its_key(testnet: Testnet) -> None:
    """It ends at once: it waits for no model."""
    testnet.keys[NEWCOMER].close()
    folder = testnet.folder / NEWCOMER
    services = ["--rpc", testnet.devnet.rpc_url, "--ipfs", testnet.devnet.ipfs_url, "--account", "dev:9"]
    own = ["--deployment", str(testnet.deployment_path), "--key", str(folder / "key.lms"), "--folder", str(folder)]
    ended = CliRunner().invoke(cli, ["validator", "run", *services, *own, "--rounds", "0"])
    assert ended.exit_code == 0, ended.output
    (key,) = quorum_of(testnet).keys_of([ParticipantId(testnet.ledger.staking.participant_count())], 0)
    assert key == full_key(BlsKey.open(folder / "bls.key").public)
