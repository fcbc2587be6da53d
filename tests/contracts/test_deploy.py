"""scripts/deploy.py: who knows whom after a deployment.

deploy     raises: InvalidInput (no such quorum; a verifying key for fewer lanes than the model has), AddressTaken (the
           account sent something else meanwhile) · beacon, staking, rewards and disputes name each other · every shard
           has the verifier, or none · another disputes contract can take its place
describe   every contract that was deployed, under the names that `qfl` reads
sizes      every contract's code leaves room for repairs
"""

import brownie
import pytest
from brownie import Beacon, Disputes, accounts, chain

from qfl.chain.abi import CONTRACTS
from qfl.chain.parameters import load_parameters
from qfl.crypto.norm.keys import VerifyingKey
from qfl.errors import AddressTaken, InvalidInput
from scripts.deploy import NOBODY, deploy, describe, in_order
from tests.contracts.world import GENESIS, reverts

PARAMETERS = load_parameters(shards=2, seats=2)
KEY = VerifyingKey(64, tuple(range(24)))
"""The deployment does not look at its points; `NormKeys` did when it was read."""
MOST_BYTES = 22_500
"""Of a contract's code: chains take 24,576 (EIP-170), and a repair should not have to save any."""


class Distracted:
    """An account that pays somebody in the middle of a deployment: its nonce moves on."""

    def __init__(self, account):
        self._account = account

    def __getattr__(self, name):
        return getattr(self._account, name)

    def __str__(self):
        return str(self._account)

    def deploy(self, contract, *arguments):
        deployed = self._account.deploy(contract, *arguments)
        if contract is Beacon:
            self._account.transfer(accounts[1], 1)
        return deployed


@pytest.fixture
def account(fn_isolation):
    return accounts[0]


def test_deploy_refuses_a_key_that_is_too_small_before_it_sends_anything(account):
    block = chain.height
    with pytest.raises(InvalidInput, match=r"64.*the model has 65 coordinates"):
        deploy(account, PARAMETERS, GENESIS | {"quantumLength": 60, "classicalLength": 5}, KEY)
    assert chain.height == block


def test_deploy_refuses_a_quorum_it_does_not_know_before_it_sends_anything(account):
    block = chain.height
    with pytest.raises(InvalidInput, match=r"quorum = 'vote': no such quorum scheme .* here are lms, votes"):
        deploy(account, PARAMETERS, GENESIS, quorum="vote")
    assert chain.height == block


def test_deploy_stops_when_the_foretold_address_is_lost(account):
    """It would leave a beacon that nobody can ever hold to account."""
    with pytest.raises(AddressTaken, match="the account sent something else"):
        deploy(Distracted(account), PARAMETERS, GENESIS)


def test_deploy_wires_beacon_staking_and_disputes(account):
    made = deploy(account, PARAMETERS, GENESIS)
    assert (made.beacon.disputes(), made.staking.disputes()) == (made.disputes, made.disputes)
    assert (made.disputes.beacon(), made.disputes.staking()) == (made.beacon, made.staking)
    assert (made.disputes.demands(), made.demands.beacon()) == (made.demands, made.beacon)
    assert [made.disputes.shards(index) for index in range(2)] == made.shards
    assert (made.staking.beacon(), made.staking.rewards()) == (made.beacon, made.rewards)
    assert (made.beacon.draw(), made.staking.draw(), made.draw.staking()) == (made.draw, made.draw, made.staking)
    assert (made.rewards.beacon(), made.rewards.staking()) == (made.beacon, made.staking)


def test_deploy_without_a_key_is_transparent(account):
    made = deploy(account, PARAMETERS, GENESIS)
    assert [shard.verifier() for shard in made.shards] == [NOBODY, NOBODY]
    assert not made.disputes.isPrivate()
    named = describe(made, 0, PARAMETERS, GENESIS).contracts
    assert named.keys() == {"Staking", "Draw", "VoteQuorum", "Beacon", "Rewards", "Demands", "Disputes"}


def test_deploy_with_a_key_gives_its_verifier_to_every_shard(account):
    made = deploy(account, PARAMETERS, GENESIS, KEY)
    assert [shard.verifier() for shard in made.shards] == [made.verifier] * 2
    assert made.disputes.isPrivate()
    assert (made.verifier.capacity(), made.verifier.keyDigest()) == (64, "0x" + KEY.digest.hex())
    assert (made.beacon.disputes(), made.disputes.beacon()) == (made.disputes, made.beacon)
    assert describe(made, 0, PARAMETERS, GENESIS).contracts["NormVerifier"].address == made.verifier


def test_nobody_makes_the_private_mode_fail_by_lanes_that_its_circuit_has_not(account):
    """With a parameter of the owner's the reveals of all later rounds would be refused."""
    four_bits = load_parameters(shards=2, seats=2, laneBits=4, quantumExponent=24, normBound=275)
    with reverts("BadParameters", "laneBits", 4):
        deploy(account, four_bits, GENESIS, KEY)
    made = deploy(account, PARAMETERS, GENESIS, KEY)
    for lane_bits, is_taken in ((8, True), (4, False)):
        rounds = in_order(Beacon, 3, {**PARAMETERS.rounds, "laneBits": lane_bits})
        if is_taken:
            made.beacon.setParameters(rounds, {"from": account})
        else:
            with reverts("BadParameters", "laneBits", 4):
                made.beacon.setParameters(rounds, {"from": account})


def test_parameters_that_were_set_before_there_were_disputes_are_checked_when_there_are(account):
    """Before, the beacon cannot know that the mode is private, nor how long there is to answer."""
    creations, calls = 9, 3
    expected = account.get_deployment_address(account.nonce + creations + calls)
    made = deploy(account, PARAMETERS, GENESIS, KEY, disputes=expected)
    made.beacon.setParameters(in_order(Beacon, 3, {**PARAMETERS.rounds, "laneBits": 4}), {"from": account})
    with reverts("BadParameters", "laneBits", 4):
        account.deploy(Disputes, made.beacon, made.staking, made.shards, made.demands, NOBODY)


@pytest.mark.parametrize(
    ("quorum", "contract", "other"), [("lms", "LmsQuorum", "VoteQuorum"), ("votes", "VoteQuorum", "LmsQuorum")]
)
def test_deploy_has_committees_checked_by_the_quorum_that_is_named(account, quorum, contract, other):
    made = deploy(account, PARAMETERS, GENESIS, quorum=quorum)
    assert (made.beacon.quorum(), made.quorum.staking()) == (made.quorum, made.staking)
    named = describe(made, 0, PARAMETERS, GENESIS).contracts
    assert named[contract].address == made.quorum
    assert other not in named


def test_deploy_takes_another_disputes_contract(account):
    made = deploy(account, PARAMETERS, GENESIS, disputes=accounts[5])
    assert (made.beacon.disputes(), made.staking.disputes()) == (accounts[5], accounts[5])


@pytest.mark.parametrize("name", CONTRACTS)
def test_code_leaves_room_for_repairs(name):
    assert 0 < len(bytes.fromhex(getattr(brownie, name)._build["deployedBytecode"])) < MOST_BYTES
