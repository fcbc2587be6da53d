"""What each message costs, from receipts: never above its budget, and near the committed snapshot.

`QFL_UPDATE_GAS=1 brownie test tests/contracts/test_gas.py -o addopts=` rewrites `tests/gas_snapshot.json`; read its
diff. Keys are of height 10, as in use. An LMS signature takes a varying number of hashes, so what has signatures in it
is compared less closely.
"""

import pytest
from brownie import chain

from qfl.crypto.lms import LmsSecret
from tests.contracts.snapshots import require_as_committed
from tests.contracts.world import as_tuple, build, word

GAS_OF_CALLDATA_ZEROS = 500
GAS_BETWEEN_SIGNATURES = 15_000
GAS_BETWEEN_DRAWS = 2_000
BUDGETS = {
    "bond a client": 130_000,
    "bond a validator": 260_000,
    "commit, the client's and the round's first": 250_000,
    "commit": 250_000,
    "reveal": 60_000,
    "commit by key, the client's first": 105_000,
    "commit by key": 85_000,
    "commit in place of a commit by key": 215_000,
    "reveal with a key": 55_000,
    "propose": 100_000,
    "checkpoint with 3 of 4 attestations": 520_000,
    "checkpoint with 3 of 4 attestations, of two shards": 480_000,
    "publish": 330_000,
    "slash four seats": 200_000,
}
SIGNATURES = {
    "commit, the client's and the round's first": 1,
    "commit": 1,
    "commit in place of a commit by key": 1,
    "checkpoint with 3 of 4 attestations": 3,
    "checkpoint with 3 of 4 attestations, of two shards": 3,
    "publish": 1,
    "ask to leave, a validator": 1,
    "name an encryption key": 1,
}


@pytest.fixture(scope="module")
def gas(module_isolation, disputes):
    """Gas of each scenario: four validators and three clients, rounds of one shard, and what comes after them."""
    world = build(clients=(), validators=(), disputes=disputes, challengeSeconds=1)
    staking, beacon, shard, by = world.staking, world.beacon, world.shard, {"from": world.relayer}
    used = {}
    world.bond("ben", "client")
    world.bond("cleo", "client")
    ada = world.bond("ada", "client", key=tall_key("ada"))
    used["bond a client"] = chain[-1].gasUsed
    for name in ("vera", "viktor", "vito", "violet"):
        world.bond(name, "validator", key=tall_key(name))
    used["bond a validator"] = chain[-1].gasUsed

    used["open a round"] = beacon.openRound(by).gas_used
    used["commit, the client's and the round's first"] = world.commit(ada).gas_used
    world.commit_by_key(world.cleo)
    used |= gas_of_keys(world)
    world.reach(world.ends_at("checkpoint"))
    world.open()
    world.commit(world.ben)
    used["commit"] = world.commit(ada).gas_used
    world.reach(world.ends_at("commit"))
    world.reveal(world.ben)
    used["reveal"] = world.reveal(ada).gas_used
    world.reach(world.ends_at("reveal"))
    members = [world.ben, ada]
    checkpoint = world.checkpoint(members)
    digest = world.domain(beacon).checkpoint(checkpoint)
    number = checkpoint.round
    proposer = world.seats(number)[0]
    used["propose"] = shard.propose(as_tuple(checkpoint), proposer.attest(digest, 0), by).gas_used
    used["attest"] = shard.attest(number, 0, 1, digest, world.seats(number)[1].attest(digest, 1), by).gas_used
    used["checkpoint with 3 of 4 attestations"] = world.submit(checkpoint).gas_used
    world.reach(chain[-1].timestamp + 1)
    used["settle"] = beacon.settle(number, by).gas_used

    used["reward two updates and three seats"] = world.claim((checkpoint, members)).gas_used
    used["pay rewards"] = staking.payRewards(ada.id, by).gas_used
    used["slash"] = disputes.slash(staking, [world.violet.id], world.challenger, by).gas_used
    leaver = next(seat for seat in world.seats(number)[:3] if seat.id != world.violet.id)  # with rewards to come
    used["ask to leave, a validator"] = staking.requestExit(
        leaver.id, leaver.sign(world.domain(staking).exit(leaver.id, 0)), by
    ).gas_used
    world.reach(staking.participant(leaver.id)["exitableAt"])
    used["withdraw"] = staking.withdraw(leaver.id, by).gas_used
    digest = world.domain(staking).encryption_key(world.violet.id, word("key"), 0)
    used["name an encryption key"] = staking.setEncryptionKey(
        world.violet.id, word("key"), world.violet.sign(digest), by
    ).gas_used
    four = [world.bond(name, "validator").id for name in ("ugo", "ula", "una", "uwe")]
    used["slash four seats"] = disputes.slash(staking, four, world.challenger, by).gas_used
    return used | gas_of_two_shards(disputes)


def gas_of_keys(world) -> dict[str, int]:
    """What commitments by key cost that are not their round's first, in the next two rounds."""
    used, ada = {}, world.ada
    world.reach(world.ends_at("checkpoint"))
    world.open()
    world.commit(world.ben)
    used["commit by key, the client's first"] = world.commit_by_key(ada).gas_used
    used["commit in place of a commit by key"] = world.commit(ada).gas_used
    world.commit_by_key(world.cleo)
    world.reach(world.ends_at("checkpoint"))
    world.open()
    world.commit(ada)
    used["commit by key"] = world.commit_by_key(world.cleo).gas_used
    world.reach(world.ends_at("commit"))
    world.reveal(ada)
    return used | {"reveal with a key": world.reveal_by_key(world.cleo).gas_used}


def gas_of_two_shards(disputes) -> dict[str, int]:
    """What is otherwise where the checkpoint carries no model: the second shard's checkpoint, and the publication."""
    validators = ("vera", "viktor", "vito", "violet", "vincent", "vivian", "victor", "vanessa")
    world = build(clients=(), validators=(), disputes=disputes, shards=2)
    for name in validators:
        world.bond(name, "validator", key=tall_key(name))
    world.run_to_checkpoint_phase()
    for shard in (0, 1):
        accepted = world.submit(world.checkpoint((), shard=shard, count=1, included=1))
    used = {"checkpoint with 3 of 4 attestations, of two shards": accepted.gas_used}
    publisher = world.publisher
    return used | {"publish": world.publish(publisher).gas_used}


def tall_key(name: str) -> LmsSecret:
    return LmsSecret.derive(10, word(name)[:16], word(name + "'s seed")[:24])


def test_the_reward_of_an_update_that_is_claimed_with_nine_others_costs_little(module_isolation, disputes):
    """What each of ten adds to a claim; with the seats' part and all else, it is below 30,000 for each."""
    names = [f"client {number}" for number in range(10)]
    world = build(clients=names, validators=("vera", "viktor", "vito", "violet"), disputes=disputes, challengeSeconds=1)
    used = []
    for count in (10, 10, 1):
        members = [world.members[name] for name in names[:count]]
        used.append(world.claim((world.run_to_finality(members), members)).gas_used)
    _, ten, one = used
    assert (ten - one) / 9 <= 20_000
    assert ten / 10 <= 30_000


@pytest.mark.parametrize("scenario", BUDGETS)
def test_gas_stays_within_budget(gas, scenario):
    assert gas[scenario] <= BUDGETS[scenario]


def test_gas_is_what_the_snapshot_says(gas):
    def slack_of(scenario: str) -> int:
        drawing = GAS_BETWEEN_DRAWS if scenario == "open a round" else 0
        return GAS_OF_CALLDATA_ZEROS + drawing + GAS_BETWEEN_SIGNATURES * SIGNATURES.get(scenario, 0)

    require_as_committed("gas_snapshot", gas, slack_of)
