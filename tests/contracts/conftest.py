"""The deployment that the contract tests share; every test starts from the same state of the chain."""

from __future__ import annotations

import pytest
from brownie import DisputesHarness, accounts

from tests.contracts.world import World, build


@pytest.fixture(scope="module")
def disputes(module_isolation: None) -> DisputesHarness:
    """A disputes contract that does what it is told."""
    return accounts[0].deploy(DisputesHarness)


@pytest.fixture(scope="module")
def deployed(disputes: DisputesHarness) -> World:
    """Three clients and five validators, bonded; one shard with four seats."""
    return build(disputes=disputes)


@pytest.fixture
def world(deployed: World, fn_isolation: None) -> World:
    """`deployed`, untouched."""
    return deployed.fresh()
