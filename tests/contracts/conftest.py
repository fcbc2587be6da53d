"""The deployment that the contract tests share; every test starts from the same state of the chain."""

from typing import Any

import pytest
from brownie import DisputesHarness, accounts

from qfl.protocol.types import Checkpoint
from tests.contracts.world import World, build
from tests.own_chain import use_a_free_port
from tests.patience import look_up_patiently

use_a_free_port()


@pytest.fixture(scope="session", autouse=True)
def patience() -> None:
    """Brownie asks again for what Anvil has just mined."""
    look_up_patiently()


@pytest.fixture(scope="module")
def disputes(module_isolation: None) -> DisputesHarness:
    """A disputes contract that does what it is told."""
    return accounts[0].deploy(DisputesHarness)


@pytest.fixture(scope="module")
def deployed(disputes: DisputesHarness) -> World:
    """Three clients and five validators, bonded; one shard with four seats."""
    world = build(disputes=disputes)
    disputes.addShard(world.shard, {"from": world.relayer})
    return world


@pytest.fixture
def world(deployed: World, fn_isolation: None) -> World:
    """`deployed`, untouched."""
    return deployed.fresh()


@pytest.fixture
def staking(world: World) -> Any:
    return world.staking


@pytest.fixture
def beacon(world: World) -> Any:
    return world.beacon


@pytest.fixture
def rewards(world: World) -> Any:
    return world.rewards


@pytest.fixture
def shard(world: World) -> Any:
    return world.shard


@pytest.fixture
def by(world: World) -> dict[str, Any]:
    return {"from": world.relayer}


@pytest.fixture
def by_anyone(world: World) -> dict[str, Any]:
    return {"from": world.mallory}


@pytest.fixture
def by_beacon(world: World) -> dict[str, Any]:
    return {"from": world.beacon}


@pytest.fixture
def by_rewards(world: World) -> dict[str, Any]:
    return {"from": world.rewards}


@pytest.fixture
def by_disputes(world: World) -> dict[str, Any]:
    return {"from": world.contracts.disputes}


@pytest.fixture
def opened(world: World) -> World:
    """The world with round 1 open."""
    world.open()
    return world


@pytest.fixture
def checking(world: World) -> World:
    """The world in the checkpoint phase of a round with two updates."""
    world.run_to_checkpoint_phase([world.ada, world.ben])
    return world


@pytest.fixture
def honest(checking: World) -> Checkpoint:
    """What the committee agrees on."""
    return checking.checkpoint([checking.ada, checking.ben])


@pytest.fixture(scope="module")
def two_shards(disputes: DisputesHarness) -> World:
    """The same people, and two shards with two seats each."""
    return build(disputes=disputes, shards=2, seats=2)


@pytest.fixture
def publishing(two_shards: World, fn_isolation: None) -> World:
    """Two shards in the publish phase, as it began; shard 0 is checkpointed."""
    world = two_shards.fresh()
    world.run_to_publish_phase()
    return world
