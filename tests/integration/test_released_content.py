"""Letting go of final rounds: what nobody needs leaves the store, everything else stays and can be verified."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from testnet import SHARD, Testnet, without

from qfl.auditor.rounds import Auditor
from qfl.chain.contracts.beacon import Phase
from qfl.devnet import Devnet
from qfl.errors import ContentMissing
from qfl.node.pruner import Retention, read_released
from qfl.protocol.types import RoundNumber
from qfl.simulation.driver import Network, run_round, run_until
from qfl.storage.ipfs import IpfsStore
from qfl.training.job import fetch_job

pytestmark = pytest.mark.rest

ROUNDS = range(1, 6)


@pytest.fixture(scope="module")
def testnet(devnet: Devnet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Testnet]:
    """Five rounds long, of which the last final one is kept: 1 and 2 are let go, 3 is final, 4 and 5 are not yet.

    In the first one the committee agrees without its proposer.
    """
    with Testnet(devnet, tmp_path_factory.mktemp("testnet"), clients=2, challengeSeconds=60) as built:
        first = network(built)
        proposer = built.ledger.beacon.committee(run_until(first, Phase.COMMIT), SHARD)[0]
        run_round(without(first, proposer))
        for _ in ROUNDS[1:]:
            run_round(network(built))
        assert built.ledger.beacon.final_round() == 3
        yield built


def network(testnet: Testnet) -> Network:
    """Everybody, as after a restart: what was let go is remembered on disk alone."""
    return replace(testnet.network(clients=[1, 2]), retention=Retention(1, patient(testnet)))


def patient(testnet: Testnet) -> IpfsStore:
    """A store that does not search long for what is gone."""
    return IpfsStore(testnet.devnet.ipfs_url, fetch_seconds=0.1)


def is_stored(testnet: Testnet, digest: bytes) -> bool:
    try:
        patient(testnet).get(digest, 10_000)
    except ContentMissing:
        return False
    return True


def test_updates_and_aggregates_of_rounds_before_the_window_are_gone(testnet: Testnet) -> None:
    ledger, found = testnet.ledger, {}
    for value in ROUNDS:
        round_ = ledger.round(RoundNumber(value))
        updates = [reveal.content_digest for reveal in round_.shard(SHARD).reveals()]
        aggregates = [entry.checkpoint.content_digest for entry in round_.accepted()]
        found[value] = [is_stored(testnet, digest) for digest in updates + aggregates]
    assert found == {number: [number > 2] * 3 for number in ROUNDS}


def test_models_are_kept_as_long_as_a_kept_round_trains_on_them(testnet: Testnet) -> None:
    models = [testnet.ledger.beacon.round_at(RoundNumber(number)).content_digest for number in (0, *ROUNDS)]
    assert [is_stored(testnet, digest) for digest in models] == [True, False, True, True, True, True]


def test_who_joins_later_still_finds_the_job(testnet: Testnet) -> None:
    assert fetch_job(patient(testnet), testnet.ledger.beacon.architecture_digest()).rounds == 3


def test_an_auditor_recomputes_the_window_and_says_what_is_gone(testnet: Testnet) -> None:
    verdicts = {verdict.round: verdict for verdict in Auditor(testnet.ledger, patient(testnet)).audit()}
    assert not any(verdict.complaints for verdict in verdicts.values())
    assert [number for number, verdict in verdicts.items() if verdict.released] == [1, 2]
    assert [verdicts[RoundNumber(number)].updates for number in ROUNDS] == [0, 0, 2, 2, 2]
    assert all(verdict.signatures >= 5 for verdict in verdicts.values()), "signatures need nothing but the chain"


def test_content_of_a_round_that_is_not_final_must_not_be_missing(testnet: Testnet) -> None:
    """Else a committee could withhold what a dispute needs, and an auditor would call it old."""
    (reveal, *_) = testnet.ledger.round(RoundNumber(4)).shard(SHARD).reveals()
    store = patient(testnet)
    data = store.get(reveal.content_digest, 10_000)
    store.unpin(reveal.content_digest)
    store.collect_garbage()
    last = next(verdict for verdict in Auditor(testnet.ledger, store).audit() if verdict.round == 4)
    store.put(data)
    assert not last.released
    assert any(f"client {reveal.client}" in complaint for complaint in last.complaints)


def test_folders_of_roles_do_not_grow_with_the_rounds(testnet: Testnet) -> None:
    for number in range(1, 5):
        folder = testnet.folder / f"validator-{number}"
        assert read_released(folder) == 2
        assert all(record["round"] >= 2 for record in entries(folder).values())


def entries(folder: Path) -> dict[str, dict[str, int]]:
    return dict(json.loads((folder / "journal.json").read_text()))
