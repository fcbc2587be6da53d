"""The thread that all connections share must not wait for itself: a fault here is a test that never ends."""

from __future__ import annotations

import pytest

from qfl.chain.rpc.rpc import wait_for


async def answer() -> int:
    return 7


def test_a_listener_that_calls_the_chain_is_refused_instead_of_hanging_for_ever() -> None:
    async def listener() -> int:
        return wait_for(answer())

    with pytest.raises(RuntimeError, match="listeners must not call the chain"):
        wait_for(listener())
    assert wait_for(answer()) == 7
