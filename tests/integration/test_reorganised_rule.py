"""A change of the rule that a reorganisation brings before the opening of a round whose seats signed under another."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from dishonest import ATTESTERS, honest_result, make_challenger, stakes
from reorganising import Branches, repeatable_chain
from testnet import SHARD, Testnet

from qfl.chain.contracts.beacon import Phase
from qfl.errors import ContractReverted
from qfl.quorum.lms import encode_bundle
from qfl.simulation.driver import run_round, run_until
from qfl.storage.store import MemoryStore

pytestmark = pytest.mark.rest


def test_what_a_quorum_signed_says_nothing_under_another_rule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else whoever has the bundle could have honest seats slashed for a mean where the median is the rule."""
    monkeypatch.setattr("experiments.attacks.testnet.CountingStore", lambda *_, **__: MemoryStore())
    with repeatable_chain(tmp_path / "chain") as url:
        testnet = Testnet(SimpleNamespace(rpc_url=url, ipfs_url=""), tmp_path / "people")
        network, beacon, branches = testnet.network(clients=[1, 2, 3]), testnet.ledger.beacon, Branches(url)
        run_round(network)
        number = run_until(network, Phase.COMMIT)
        testnet.owner.send(beacon.set_parameters(beacon.next_parameters() | {"trimBps": 5000}))
        opening_and_change = branches.height
        run_until(network, Phase.REVEAL)
        run_until(replace(network, validators=()), Phase.CHECKPOINT)
        signed, committee = honest_result(testnet, number), beacon.committee(number, SHARD)
        digest = testnet.ledger.beacon_domain.checkpoint(signed.checkpoint)
        for content in signed.contents:
            testnet.store.put(content)
        bundle = encode_bundle({seat: testnet.attest(digest, committee[seat], seat) for seat in ATTESTERS})

        since = sum(bool(block["transactions"]) for block in branches.blocks(opening_and_change + 1))
        branches.reorganise(branches.height - opening_and_change + 2, [(since, since + 1)])
        assert (beacon.current_round(), beacon.parameters_of(number)["trimBps"]) == (number, 5000)
        other, before = honest_result(testnet, number), stakes(testnet)
        assert other.checkpoint.aggregate_root != signed.checkpoint.aggregate_root, "both rules give the same"
        assert other.checkpoint.reveals_hash == signed.checkpoint.reveals_hash
        with pytest.raises(ContractReverted, match="WrongParameters"):
            testnet.owner.send(beacon.submit_checkpoint(signed.checkpoint, bundle))
        run_until(testnet.network(clients=()), Phase.IDLE)
        assert testnet.ledger.round(number).accepted()[0].checkpoint.aggregate_root == other.checkpoint.aggregate_root
        assert (make_challenger(testnet).step(), stakes(testnet)) == ([], before)
