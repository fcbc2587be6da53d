"""Reveals that a reorganisation swaps, drops or replaces after a committee has checked them.

A checkpoint names updates by their numbers on the shard's chain, and all reveals by their hash. So the beacon refuses
one that was signed before, and nobody is slashed for it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from dishonest import ATTESTERS, honest_result, make_challenger, stakes
from shard_testnet import ShardTestnet
from testnet import SHARD, Testnet, in_seat, step_clients

from qfl.chain.contracts.beacon import Phase
from qfl.chain.contracts.shard import Shard
from qfl.challenger.shard import find_false_updates
from qfl.devnet import Devnet, DevnetConfig
from qfl.devnet.health import call_chain
from qfl.errors import ContractReverted
from qfl.protocol.recompute import ShardResult
from qfl.protocol.types import Checkpoint, Reveal, RoundNumber, ShardIndex, VerifiedUpdate
from qfl.quorum.quorum import scheme_of
from qfl.simulation.driver import Network, run_round, run_until
from qfl.validator.seat import Seat
from qfl.validator.validator import Validator

pytestmark = pytest.mark.rest


class Reveals:
    """What was revealed in a round, one transaction in a block; a reorganisation puts other ones in the same blocks."""

    def __init__(self, url: str, shard: Shard, number: RoundNumber) -> None:
        self._url, self._shard, self._round = url, shard, number
        self.all = self.on_chain()
        self._raw = [call_chain(url, "eth_getRawTransactionByHash", found.tx_hash) for found in self.all]
        self._first_block = int(self._transaction(self.all[0])["blockNumber"], 16)

    def reorganise(self, order: Sequence[int]) -> None:
        """Let the chain have those that were revealed as `order`, in this order, and nothing that came later."""
        depth = int(call_chain(self._url, "eth_blockNumber"), 16) - self._first_block + 1
        call_chain(self._url, "anvil_reorg", depth, [[self._raw[index], place] for place, index in enumerate(order)])
        assert [found.client for found in self.on_chain()] == [self.all[index].client for index in order]

    def on_chain(self) -> list[Reveal]:
        """The round's reveals as the chain has them now."""
        return self._shard.reveals(self._round, 0)

    def _transaction(self, revealed: Reveal) -> Mapping[str, Any]:
        found: Mapping[str, Any] = call_chain(self._url, "eth_getTransactionByHash", revealed.tx_hash)
        return found


def surprise(validators: Sequence[Validator], event: Callable[[], None]) -> None:
    """Have `event` happen once, when the first of them has made up its mind and has not signed."""
    waiting = [event]

    class SurprisedSeat(Seat):
        def _own_results(
            self, turn: int, proposed: Mapping[int, Checkpoint], *, updates: list[VerifiedUpdate]
        ) -> list[ShardResult]:
            results = super()._own_results(turn, proposed, updates=updates)
            while waiting:
                waiting.pop()()
            return results

    for validator in validators:
        validator.seat_kind = SurprisedSeat


def validators_stakes(testnet: Testnet) -> dict[str, int]:
    """A client that does not reveal again is charged for it, whoever's fault that is."""
    return {name: stake for name, stake in stakes(testnet).items() if name.startswith("validator")}


def until_revealed(network: Network) -> RoundNumber:
    """A round in which every client has revealed; its reveal phase goes on."""
    number = run_until(network, Phase.REVEAL)
    step_clients(network)
    return number


@pytest.fixture(scope="module")
def testnet(devnet: Devnet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Testnet]:
    with Testnet(devnet, tmp_path_factory.mktemp("testnet")) as built:
        run_round(built.network(clients=[1, 2, 3]))
        yield built
        built.assert_everything_stands()


@pytest.mark.parametrize(
    ("seen", "after"),
    [([0, 1, 2], [1, 0, 2]), ([0, 1], [0, 2]), ([0, 1, 2], [1, 2]), ([0, 1, 2], [0, 1]), ([2], [1, 0, 2])],
    ids=["swapped", "replaced", "first dropped", "last dropped", "more before"],
)
def test_seats_sign_what_the_chain_has_and_not_what_they_saw(
    testnet: Testnet, monkeypatch: pytest.MonkeyPatch, seen: list[int], after: list[int]
) -> None:
    network, before = testnet.network(clients=[1, 2, 3]), validators_stakes(testnet)
    number = until_revealed(network)
    reveals = Reveals(testnet.devnet.rpc_url, testnet.ledger.shards[SHARD], number)
    reveals.reorganise(seen)
    for validator in network.validators:
        validator.look(number)
    reveals.reorganise(after)

    fetched, get = set[bytes](), testnet.store.get
    monkeypatch.setattr(testnet.store, "get", lambda digest, most: fetched.add(digest) or get(digest, most))
    network = replace(network, clients=())  # they would reveal again
    run_until(network, Phase.IDLE)
    new = {reveals.all[index].content_digest for index in set(after) - set(seen)}
    assert {revealed.content_digest for revealed in reveals.all} & fetched == new, "what was checked stays checked"
    (accepted,) = testnet.ledger.round(number).accepted()
    assert find_false_updates(accepted.checkpoint, reveals.on_chain()) is None
    assert (accepted.checkpoint.turn, accepted.checkpoint.count) == (0, len(after))
    assert (make_challenger(testnet).step(), validators_stakes(testnet)) == ([], before)


def test_a_seat_that_has_not_signed_yet_takes_up_the_new_order(testnet: Testnet) -> None:
    """The chain is reorganised between its look at the reveals and its signature: no turn is lost by it."""
    network = testnet.network(clients=[1, 2, 3])
    number, shard = until_revealed(network), testnet.ledger.shards[SHARD]
    reveals = Reveals(testnet.devnet.rpc_url, shard, number)
    begins_at = testnet.ledger.beacon.context().phase_ends_at

    def swap() -> None:
        reveals.reorganise([1, 0, 2])
        testnet.clock.reach(begins_at)

    surprise(network.validators, swap)
    run_until(network, Phase.IDLE)
    announced = [proposal.checkpoint for proposal in shard.proposals(number, testnet.ledger.round(number).opened_in)]
    (accepted,) = testnet.ledger.round(number).accepted()
    assert {*announced, accepted.checkpoint} == {honest_result(testnet, number).checkpoint}
    assert make_challenger(testnet).step() == []


def test_nobody_brings_along_what_a_quorum_signed_before_the_reorganisation(testnet: Testnet) -> None:
    """Whoever has the bundle cannot have it accepted either, and nobody loses anything by it."""
    network = testnet.network(clients=[1, 2, 3])
    number, ledger = until_revealed(network), testnet.ledger
    outdated = honest_result(testnet, number).checkpoint
    Reveals(testnet.devnet.rpc_url, ledger.shards[SHARD], number).reorganise([1, 0, 2])
    testnet.end_phase()
    committee, digest = ledger.beacon.committee(number, SHARD), ledger.beacon_domain.checkpoint(outdated)
    before, signatures = validators_stakes(testnet), dict[int, bytes]()
    for seat in ATTESTERS:
        signature = testnet.attest(digest, committee[seat], seat)
        signatures[seat] = signature
        said = ledger.shards[SHARD].attest(
            outdated, seat, digest=digest, signature=signature, validator=committee[seat]
        )
        proposed = ledger.shards[SHARD].propose(outdated, signature, validator=committee[seat])
        testnet.owner.send(proposed if seat == outdated.turn else said)

    onlooker = in_seat(network, number, 2)
    for _ in range(2):
        onlooker.verify(onlooker.duty())
    with pytest.raises(ContractReverted, match="WrongReveals"):
        testnet.owner.send(ledger.beacon.submit_checkpoint(outdated, scheme_of(ledger).bundle(committee, signatures)))
    assert ledger.round(number).accepted() == []
    assert (make_challenger(testnet).step(), validators_stakes(testnet)) == ([], before)
    while ledger.beacon.context().phase is not Phase.IDLE:
        testnet.end_phase()


# --- a shard with a chain of its own ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shard_testnet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShardTestnet]:
    folder = tmp_path_factory.mktemp("isles")
    with Devnet(DevnetConfig(folder / "devnet", shard_chains=2)) as devnet, ShardTestnet(devnet, folder) as built:
        yield built


def test_a_seat_follows_the_order_of_its_shards_own_chain(shard_testnet: ShardTestnet, tmp_path: Path) -> None:
    network, ledger = shard_testnet.network, shard_testnet.ledger
    shard_testnet.open_round()
    number = until_revealed(network)
    index = ShardIndex(max((0, 1), key=lambda shard: len(shard_testnet.members(number, shard))))
    shard = ledger.shards[index]
    reveals = Reveals(shard_testnet.devnet.shard_rpc_urls[index], shard, number)
    begins_at = ledger.beacon.context().phase_ends_at

    def swap() -> None:
        reveals.reorganise(range(len(reveals.all))[::-1])
        network.clock.reach(begins_at)

    committee = ledger.beacon.committee(number, index)
    surprise([validator for validator in network.validators if validator.participant in committee], swap)
    run_until(network, Phase.IDLE)
    accepted = [entry.checkpoint for entry in ledger.round(number).accepted()]
    (checkpoint,) = (checkpoint for checkpoint in accepted if checkpoint.shard == index)
    assert find_false_updates(checkpoint, reveals.on_chain()) is None
    assert (checkpoint.turn, checkpoint.count) == (0, len(reveals.all))
    assert not [complaint for verdict in shard_testnet.verdicts() for complaint in verdict.complaints]


def test_no_quorum_comes_about_across_two_orders_of_a_shards_own_chain(shard_testnet: ShardTestnet) -> None:
    """The beacon cannot see that chain: there the seats' signatures name its order, and two of them never add up."""
    network, ledger = shard_testnet.network, shard_testnet.ledger
    shard_testnet.open_round()
    number = until_revealed(network)
    index = ShardIndex(max((0, 1), key=lambda shard: len(shard_testnet.members(number, shard))))
    reveals = Reveals(shard_testnet.devnet.shard_rpc_urls[index], ledger.shards[index], number)
    begins_at = ledger.beacon.context().phase_ends_at
    network.clock.reach(begins_at)
    committee = ledger.beacon.committee(number, index)
    first, second = (v for seat in committee for v in network.validators if v.participant == seat)
    first.verify(first.duty())
    (outdated,) = ledger.round(number).shard(index).proposals()
    reveals.reorganise(range(len(reveals.all))[::-1])
    network.clock.reach(begins_at)
    again = ledger.shards[index].propose(outdated.checkpoint, outdated.signature, validator=first.participant)
    shard_testnet.carriers[0].send(again)
    for _ in range(2):
        second.verify(second.duty())
    (said,) = ledger.round(number).shard(index).attestations()
    assert (said.seat, said.digest == ledger.beacon_domain.checkpoint(outdated.checkpoint)) == (1, False)
    bundle = scheme_of(ledger).bundle(committee, {0: outdated.signature, 1: said.signature})
    with pytest.raises(ContractReverted, match="NoQuorum"):
        network.sender.send(ledger.beacon.submit_checkpoint(outdated.checkpoint, bundle))
    assert [entry for entry in ledger.round(number).accepted() if entry.checkpoint.shard == index] == []
