"""What a reorganisation may change under a round that stays: its rule, or its base. Nobody loses stake, or a round."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from dishonest import (
    ATTESTERS,
    honest_result,
    make_challenger,
    opened_updates,
    stakes,
    until_checkpoint_phase,
)
from reorganising import Branches, repeatable_chain
from testnet import SHARD, Testnet

from qfl.chain.contracts.beacon import Phase, RoundState
from qfl.chain.ledger import Ledger
from qfl.devnet.health import call_chain
from qfl.errors import ContractReverted
from qfl.node.journal import JOURNAL, Signer
from qfl.node.recompute import read_base
from qfl.protocol.recompute import ShardResult, expected_checkpoint
from qfl.protocol.types import RoundNumber
from qfl.quorum.quorum import scheme_of
from qfl.simulation.driver import run_round, run_until
from qfl.storage.store import MemoryStore
from qfl.validator.validator import Validator

pytestmark = pytest.mark.rest


@pytest.fixture
def chain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    monkeypatch.setattr("experiments.attacks.testnet.CountingStore", lambda *_, **__: MemoryStore())
    with repeatable_chain(tmp_path / "chain") as url:
        yield SimpleNamespace(rpc_url=url, ipfs_url="")


def exchange(branches: Branches, height: int) -> None:
    """Exchange the transaction of the block at `height` with the one that followed it."""
    later = sum(bool(block["transactions"]) for block in branches.blocks(height + 1))
    branches.reorganise(branches.height - height + 1, [(later - 1, later)])


def until_signed(testnet: Testnet, branches: Branches) -> tuple[RoundNumber, ShardResult, dict[int, bytes]]:
    """A round that a quorum has signed for, and before whose opening the owner's change of the rule has come since."""
    network, beacon = testnet.network(clients=[1, 2, 3]), testnet.ledger.beacon
    run_round(network)
    number = run_until(network, Phase.COMMIT)
    opening = branches.height
    testnet.owner.send(beacon.set_parameters(beacon.next_parameters() | {"trimBps": 5000}))
    run_until(network, Phase.REVEAL)
    run_until(replace(network, validators=()), Phase.CHECKPOINT)
    signed, committee = honest_result(testnet, number), beacon.committee(number, SHARD)
    digest = testnet.ledger.beacon_domain.checkpoint(signed.checkpoint)
    for content in signed.contents:
        testnet.store.put(content)
    scheme, signatures = scheme_of(testnet.ledger), dict[int, bytes]()
    for seat in ATTESTERS:
        name = testnet.name_of(committee[seat])
        signer = Signer(testnet.keys[name], testnet.folder / name / JOURNAL)
        message = scheme.message(digest, committee[seat], seat)
        signature = signer.sign_once(f"round {number} shard {SHARD} turn 0", number, message)
        assert signature is not None
        signatures[seat] = scheme.attestation(signature)
    exchange(branches, opening)
    assert (beacon.current_round(), beacon.parameters_of(number)["trimBps"]) == (number, 5000)
    return number, signed, signatures


def test_what_a_quorum_signed_says_nothing_under_another_rule(chain: SimpleNamespace, tmp_path: Path) -> None:
    """Else whoever has the bundle could have honest seats slashed for a mean where the median is the rule."""
    testnet, branches = Testnet(chain, tmp_path / "people"), Branches(chain.rpc_url)
    number, signed, signatures = until_signed(testnet, branches)
    other, before = honest_result(testnet, number), stakes(testnet)
    assert other.checkpoint.aggregate_root != signed.checkpoint.aggregate_root, "both rules give the same"
    assert other.checkpoint.reveals_hash == signed.checkpoint.reveals_hash
    beacon = testnet.ledger.beacon
    with pytest.raises(ContractReverted, match="WrongParameters"):
        bundle = scheme_of(testnet.ledger).bundle(beacon.committee(number, SHARD), signatures)
        testnet.owner.send(beacon.submit_checkpoint(signed.checkpoint, bundle))
    run_until(testnet.network(clients=()), Phase.IDLE)
    (accepted,) = testnet.ledger.round(number).accepted()
    assert accepted.checkpoint.aggregate_root == other.checkpoint.aggregate_root
    assert (make_challenger(testnet).step(), stakes(testnet)) == ([], before)


def test_what_was_announced_under_another_rule_keeps_nobody_from_the_next_turn(
    chain: SimpleNamespace, tmp_path: Path
) -> None:
    testnet, branches = Testnet(chain, tmp_path / "people"), Branches(chain.rpc_url)
    number, signed, signatures = until_signed(testnet, branches)
    shard, committee = testnet.ledger.shards[SHARD], testnet.ledger.beacon.committee(number, SHARD)
    digest = testnet.ledger.beacon_domain.checkpoint(signed.checkpoint)
    for seat, signature in signatures.items():
        said = {"signature": signature, "validator": committee[seat]}
        if seat == signed.checkpoint.turn:
            testnet.owner.send(shard.propose(signed.checkpoint, **said))
        else:
            testnet.owner.send(shard.attest(signed.checkpoint, seat, digest=digest, **said))
    run_until(testnet.network(clients=()), Phase.IDLE)
    (accepted,) = testnet.ledger.round(number).accepted()
    assert accepted.checkpoint.turn > 0


def test_a_publisher_that_has_read_another_rule_publishes_by_the_one_that_holds(
    chain: SimpleNamespace, tmp_path: Path
) -> None:
    """Two changes of the rule are exchanged: version and times stay the same."""
    people = tmp_path / "people"
    testnet = Testnet(chain, people, clients=6, validators=8, shards=2, seats=4)
    network, beacon = testnet.network(clients=range(1, 7), validators=range(1, 9)), testnet.ledger.beacon
    branches = Branches(chain.rpc_url)
    run_round(network)
    rule = beacon.next_parameters()
    other = rule | {"quantumExponent": rule["quantumExponent"] - 1}
    testnet.owner.send(beacon.set_parameters(other))
    first_change = branches.height
    testnet.owner.send(beacon.set_parameters(rule))
    number = run_until(network, Phase.REVEAL)
    first = testnet.ledger.draw.seats_of(number)[0]
    name = testnet.name_of(first)
    living = Validator(replace(testnet.context(name), ledger=Ledger(testnet.web3, testnet.ledger.deployment)), first)
    living.step()
    exchange(branches, first_change)
    assert beacon.parameters_of(number) == other

    others = [index for index in range(1, 9) if f"validator-{index}" != name]
    run_until(testnet.network(clients=range(1, 7), validators=others), Phase.PUBLISH)
    before = stakes(testnet)
    assert testnet.ledger.draw.publisher_of(number)[0] == first
    living.step()
    assert beacon.round_at(number).publisher == first
    assert (make_challenger(testnet).step(), stakes(testnet)) == ([], before)


def test_a_round_whose_base_is_exchanged_is_not_lost(chain: SimpleNamespace, tmp_path: Path) -> None:
    """Two honest results of the round before are exchanged: it is opened as it was, on another model."""
    testnet, branches = Testnet(chain, tmp_path / "people", clients=4), Branches(chain.rpc_url)
    network, beacon = testnet.network(clients=(1, 2, 3)), testnet.ledger.beacon
    run_round(network)
    number = until_checkpoint_phase(testnet)
    part = testnet.ledger.round(number).shard(SHARD)
    testnet.clock.reach(testnet.ledger.now() + beacon.parameters_of(number)["turnSeconds"])
    spec, reveals = part.spec(), part.reveals()
    base, committee = read_base(testnet.ledger, testnet.store, number), beacon.committee(number, SHARD)
    honest, calls = opened_updates(testnet, number), []
    for turn, updates in enumerate((honest, honest[:2])):
        result = expected_checkpoint(spec, turn, updates, reveals, base)
        for content in result.contents:
            testnet.store.put(content)
        digest = testnet.ledger.beacon_domain.checkpoint(result.checkpoint)
        signatures = {seat: testnet.attest(digest, committee[seat], seat) for seat in ATTESTERS}
        bundle = scheme_of(testnet.ledger).bundle(committee, signatures)
        calls.append(beacon.submit_checkpoint(result.checkpoint, bundle))
    testnet.owner.send(calls[0])
    accepted = branches.height
    late = {"from": testnet.owner.address, "to": calls[1].to, "data": "0x" + bytes(calls[1].data).hex()}
    call_chain(chain.rpc_url, "eth_sendTransactionSync", late | {"gas": hex(8_000_000)})  # refused, and in a block

    following = run_until(network, Phase.COMMIT)
    before = testnet.ledger.round(following).plan
    exchange(branches, accepted)
    after = testnet.ledger.round(following).plan
    assert replace(after, base_root=before.base_root, base_digest=before.base_digest) == before
    assert after.base_root != before.base_root
    run_until(network, Phase.IDLE)
    assert beacon.round_at(following).state is RoundState.PUBLISHED
