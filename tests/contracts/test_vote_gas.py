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
NAMED = "name a chain of vote keys"
SLACK = {NAMED: 20_000}
"""Where an LMS signature is verified."""
LIST, SMALL = "post a list", "checkpoint, 3 of 4 keys, one shard, a round later"
LARGE = "checkpoint, 43 of 64 keys, two shards, 16 rounds later"
BUDGETS = {LIST: 75_000, SMALL: 260_000 - 75_000, LARGE: 480_000}


GAP = 16
LAST_PHASES = ("checkpoint", "publish")


class Town:
    """Validators that vote, under one LMS key; all of them sit in every round."""

    def __init__(self, shards: int, seats: int) -> None:
        self.world = build_voting(clients=(), validators=(), shards=shards, seats=seats)
        self.shards = shards
        for number in range(shards * seats):
            self.named = name_chain(self.world, self.world.bond(f"v{number}", "validator", key=key_of("all")))

    def decide(self, shown: int) -> tuple[int, int]:
        """Gas of a list and of the checkpoint that shows so many keys of it, for the last shard of a round."""
        self.world.run_to_checkpoint_phase()
        for shard in range(self.shards):
            checkpoint = self.world.checkpoint((), shard=shard, count=1, included=1)
            poll = poll_on(self.world, checkpoint)
            listed = poll.post()
            accepted = self.world.submit(checkpoint, poll.bundle(range(shown)))
        self.world.reach(chain[-1].timestamp + sum(self.world.rounds[f"{phase}Seconds"] for phase in LAST_PHASES))
        return int(listed.gas_used), int(accepted.gas_used)


@pytest.fixture(scope="module")
def gas(module_isolation):
    small, large = Town(1, 4), Town(2, 64)
    used = {NAMED: int(small.named.gas_used)}
    small.decide(4)
    used[LIST], used[SMALL] = small.decide(3)
    large.decide(64)
    large.world.skip_to(GAP)
    used["post a list, of 64 votes"], used[LARGE] = large.decide(43)
    assert large.world.beacon.currentRound() == GAP + 1
    _, used["checkpoint, 64 of 64 keys, two shards, a round later"] = large.decide(64)
    return used


@pytest.mark.parametrize("scenario", BUDGETS)
def test_gas_stays_within_budget(gas, scenario):
    assert gas[scenario] <= BUDGETS[scenario]


def test_gas_is_what_the_snapshot_says(gas):
    require_as_committed("vote_gas_snapshot", gas, lambda scenario: SLACK.get(scenario, GAS_BETWEEN_RUNS))
