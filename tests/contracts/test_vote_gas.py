"""What committees that vote pay, from receipts: lists, and checkpoints by seats and by rounds since the last sitting.

`QFL_UPDATE_GAS=1 brownie test tests/contracts/test_vote_gas.py -o addopts=` rewrites `tests/vote_gas_snapshot.json`;
read its diff. No checkpoint is a seat's first: each moves a tip.
"""

import pytest
from brownie import chain

from tests.contracts.snapshots import require_as_committed
from tests.contracts.voters import build_voting, name_chain, poll_on
from tests.contracts.world import key_of

GAS_BETWEEN_RUNS = 1_500
"""Zeros in calldata."""
NAMED, LIST = "name a chain of vote keys", "post a list"
SLACK = {NAMED: 20_000}
"""Where an LMS signature is verified."""
SMALL = "checkpoint, 3 of 4 seats, one shard, a round later"
NEAR = "checkpoint, 43 of 64 seats, two shards, tips of 16 rounds before"
FAR = "checkpoint, 43 of 64 seats, two shards, tips of 32 rounds before and stored anew"
GAP = 16


class Town:
    """Validators that vote, under one LMS key; all of them sit in every round."""

    def __init__(self, shards: int, seats: int) -> None:
        self.world = build_voting(clients=(), validators=(), shards=shards, seats=seats)
        self.shards = shards
        for number in range(shards * seats):
            self.named = name_chain(self.world, self.world.bond(f"v{number}", "validator", key=key_of("all")))

    def decide(self, shown: int, voting: int, rounds_later: int = 1) -> tuple[int, int]:
        """Gas of a list with the first seats' votes, and of the checkpoint that shows the keys of the first of them.

        Of the last shard, so many rounds after the last round.
        """
        if rounds_later > 1:
            self.world.skip_to(self.world.beacon.currentRound() + rounds_later - 1)
        self.world.run_to_checkpoint_phase()
        for shard in range(self.shards):
            poll = poll_on(self.world, checkpoint := self.world.checkpoint((), shard=shard, count=1, included=1))
            listed = poll.post(votes := poll.votes(range(voting)))
            accepted = self.world.submit(checkpoint, poll.bundle(range(shown), votes))
        self.world.reach(chain[-1].timestamp + 2 * self.world.rounds["checkpointSeconds"])
        return int(listed.gas_used), int(accepted.gas_used)


@pytest.fixture(scope="module")
def gas(module_isolation):
    small, large = Town(1, 4), Town(2, 64)
    used = {NAMED: int(small.named.gas_used)}
    small.decide(4, 4)
    used[LIST], used[SMALL] = small.decide(3, 4)
    large.decide(64, 64)
    large.decide(64, 64, rounds_later=GAP)  # further than a tip may be: so these are the tips, of all
    _, used["checkpoint, 64 of 64 seats, two shards, a round later"] = large.decide(64, 64)
    _, used["checkpoint, 43 of 64 seats, two shards, two rounds later"] = large.decide(43, 43)
    _, used["checkpoint, 43 of 64 seats of which all voted, two shards, three rounds later"] = large.decide(43, 64)
    _, used[NEAR] = large.decide(43, 43, rounds_later=GAP - 3)
    _, used[FAR] = large.decide(43, 43, rounds_later=GAP)
    return used


def test_gas_stays_within_budget(gas):
    """Who sits every 16th round has a tip of the last sitting every other time, and between them it is stored anew."""
    assert gas[LIST] <= 75_000
    assert gas[LIST] + gas[SMALL] <= 260_000
    assert gas[NEAR] <= 480_000
    assert (gas[NEAR] + gas[FAR]) / 2 <= 480_000


def test_gas_is_what_the_snapshot_says(gas):
    require_as_committed("vote_gas_snapshot", gas, lambda scenario: SLACK.get(scenario, GAS_BETWEEN_RUNS))
