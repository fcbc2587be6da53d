"""A payer on several chains: every call ends up where its contract is, and outcomes keep the calls' order."""

from __future__ import annotations

import pytest

from qfl.chain.rpc.calls import ChainRouter, Receipt
from qfl.chain.rpc.sender import UnsentCall

BEACON, SHARD = 31_337, 31_338


class StubCarrier:
    """Carries nothing, and says on which chain it did."""

    def __init__(self, chain_id: int) -> None:
        self.chain_id, self.address = chain_id, f"payer on {chain_id}"

    def balance_wei(self) -> int:
        return self.chain_id

    def send(self, call: UnsentCall) -> Receipt:
        return Receipt(call.label, None, None, "0x", 1, 2, 3, self.chain_id)

    async def carry(self, calls: list[UnsentCall]) -> list[Receipt]:
        return [self.send(call) for call in calls]

    def dry_run(self, call: UnsentCall) -> int:
        return self.chain_id


def call(label: str, chain_id: int | None) -> UnsentCall:
    return UnsentCall(label, "0x", b"", chain_id=chain_id)


@pytest.fixture
def router() -> ChainRouter:
    return ChainRouter({chain_id: StubCarrier(chain_id) for chain_id in (BEACON, SHARD)})


@pytest.mark.parametrize(("chain_id", "expected"), [(BEACON, BEACON), (SHARD, SHARD), (None, BEACON)])
def test_a_call_goes_to_its_contracts_chain(router, chain_id, expected):
    assert router.send(call("commit", chain_id)).chain_id == expected
    assert router.dry_run(call("commit", chain_id)) == expected


def test_outcomes_of_many_calls_come_back_in_the_calls_order(router):
    """Rewards go to the beacon, commits to a shard: told apart by place only."""
    calls = [call("a", SHARD), call("b", BEACON), call("c", SHARD), call("d", None)]
    found = [(receipt.label, receipt.chain_id) for receipt in router.send_many(calls)]
    assert found == [("a", SHARD), ("b", BEACON), ("c", SHARD), ("d", BEACON)]


def test_the_account_that_is_named_and_funded_is_the_beacons(router):
    assert (router.address, router.balance_wei()) == (f"payer on {BEACON}", BEACON)
