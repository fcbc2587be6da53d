"""What rounds owe and are owed: rewards in few calls, attesters whom a bundle left out, commits without a reveal."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from testnet import Testnet, reach_checkpoint_phase, without

from qfl.chain.contracts.beacon import Phase
from qfl.devnet import Devnet
from qfl.node.settlement import charges_due, final_at, rewards_due, settle_due
from qfl.protocol.types import Checkpoint, RoundNumber
from qfl.simulation.driver import run_round, run_until
from qfl.validator.seat import Seat

GWEI = 10**9


def make_final(testnet: Testnet, number: RoundNumber) -> None:
    testnet.clock.reach(final_at(testnet.ledger, number))
    settle_due(testnet.ledger, testnet.owner)


def test_rounds_are_rewarded_together_and_once(devnet: Devnet, tmp_path: Path) -> None:
    with Testnet(devnet, tmp_path) as testnet:
        network, ledger = testnet.network(clients=[1, 2]), testnet.ledger
        rounds = [run_round(network).round for _ in range(3)]
        make_final(testnet, rounds[-1])
        (own,) = rewards_due(ledger, rounds, network.clients[0].participant)
        assert list(rewards_due(ledger, rounds, network.clients[0].participant)) == [own]
        (call,) = rewards_due(ledger, rounds)
        testnet.owner.send(call)
        earned = ledger.beacon.parameters_of(rounds[0])["updateRewardGwei"] * GWEI
        assert [ledger.staking.rewards_of(client.participant) for client in network.clients] == [3 * earned] * 2
        assert not list(rewards_due(ledger, rounds))


class Shy(Seat):
    """Signs like the others, and leaves it to them to bring the bundle: theirs may do without its signature."""

    def _carry(self, signatures: Mapping[Checkpoint, Mapping[int, bytes]]) -> bool:
        return False


@pytest.mark.parametrize("renews", [False, True], ids=["same key", "key replaced since"])
def test_an_attester_that_the_bundle_left_out_shows_its_signature_and_is_paid(
    devnet: Devnet, tmp_path: Path, renews: bool
) -> None:
    with Testnet(devnet, tmp_path) as testnet:
        ledger, network = testnet.ledger, testnet.network(clients=[1])
        number = reach_checkpoint_phase(network)
        committee = ledger.beacon.committee(number, ledger.shards[0].shard_index())
        by_seat = sorted(network.validators, key=lambda validator: committee.index(validator.participant))
        shy = by_seat[2]
        shy.seat_kind = Shy
        for validator in by_seat:
            validator.step()
        attested = ledger.beacon.checkpoint_at(number, ledger.shards[0].shard_index()).attested
        assert attested == 0b1011
        if renews:
            testnet.rotate_key(shy.participant)
        shy.step(phases=())
        assert ledger.beacon.checkpoint_at(number, ledger.shards[0].shard_index()).attested == 0b1111
        run_until(without(network, shy.participant), Phase.IDLE)
        make_final(testnet, number)
        for call in rewards_due(ledger, [number]):
            testnet.owner.send(call)
        assert (
            ledger.staking.rewards_of(shy.participant) >= ledger.beacon.parameters_of(number)["seatRewardGwei"] * GWEI
        )
        testnet.assert_everything_stands()


def test_who_commits_and_does_not_reveal_is_charged_when_the_next_round_opens(devnet: Devnet, tmp_path: Path) -> None:
    with Testnet(devnet, tmp_path) as testnet:
        network, rogue, staking = testnet.network(clients=[1]), testnet.rogue(2), testnet.ledger.staking
        honest = network.clients[0].participant
        stakes = {who: staking.participant(who).stake_wei for who in (honest, rogue.participant)}
        number = run_until(network, Phase.COMMIT)
        rogue.commit(bytes(31) + b"\1", bytes(31) + b"\2")
        run_until(network, Phase.IDLE)
        assert len(list(charges_due(testnet.ledger, number))) == 1
        run_round(network)
        lost = {who: stake - staking.participant(who).stake_wei for who, stake in stakes.items()}
        assert lost == {honest: 0, rogue.participant: stakes[rogue.participant] // 100}
        assert not list(charges_due(testnet.ledger, number))
