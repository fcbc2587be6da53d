"""What the tests of the network share: a devnet, and a state folder that is not the user's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from qfl.devnet import Devnet, DevnetConfig


@pytest.fixture(scope="session", autouse=True)
def own_state_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Leaf marks of the keys made here stay here; child processes inherit it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session")
def devnet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devnet]:
    """Anvil, which mines for each transaction, and an IPFS node; every town has a deployment of its own on it."""
    with Devnet(DevnetConfig(tmp_path_factory.mktemp("devnet"))) as running:
        yield running
