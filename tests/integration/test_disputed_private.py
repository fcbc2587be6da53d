"""Disputes about updates that only their committee can read: one salted leaf opens, and the rest stays hidden."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from liars import (
    CHALLENGER,
    CLIENTS,
    assert_punished,
    collude,
    lie_about_one_lane,
    make_up_stakes,
    publish_false,
    stakes,
    until_checkpoint_phase,
)
from town import SHARD, SMALL, Town

from qfl.chain.contracts.disputes import Fault
from qfl.challenge.opening import open_lanes
from qfl.codec.content import content_digest, encode, lanes_root
from qfl.committee.opening import PLAIN
from qfl.committee.result import ShardResult, compute_result
from qfl.committee.updates import fetch_updates
from qfl.devnet import Devnet
from qfl.inspect.transaction import inspect_transaction
from qfl.privacy.kem import KemKey
from qfl.roles.challenger import Challenger
from qfl.roles.encryption import KEY_NAME, read_opener
from qfl.roles.publisher import compute_publication
from qfl.roles.terms import read_terms
from qfl.roles.watch import Watch
from qfl.round import commit, open_round, reveal, run_round, train, verify
from qfl.types import CheckpointData, RoundNumber
from qfl.zk.keys import NormKeys
from qfl.zk.prover import Prover


@pytest.fixture(scope="module")
def built(devnet: Devnet, norm_keys: NormKeys, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder, job = tmp_path_factory.mktemp("town"), replace(SMALL, mode="private")
    with (
        Prover(norm_keys) as prover,
        Town(devnet, folder, job=job, prover=prover, verifying_key=norm_keys.verifying_key) as built,
    ):
        run_round(built.network(clients=CLIENTS))
        yield built
        built.assert_everything_stands()


def key_of_a_seat(town: Town) -> KemKey:
    return KemKey.open(town.folder / "validator-2" / KEY_NAME)


def make_challenger(town: Town, *keys: KemKey) -> Challenger:
    return Challenger(town.ledger, town.sender(CHALLENGER), Watch(town.ledger, town.store, keys))


def honest_result(town: Town, number: RoundNumber) -> ShardResult:
    terms = read_terms(town.ledger, number, SHARD)
    reveals = town.ledger.shards[SHARD].reveals(number, town.ledger.opened_in(number))
    opener = read_opener(town.ledger, town.store, terms, [key_of_a_seat(town)])
    updates, _ = fetch_updates(reveals, town.store, terms, opener or PLAIN)
    return compute_result(terms, 0, updates)


def result_of_lanes(town: Town, number: RoundNumber) -> ShardResult:
    """What the sealed lanes come to, whatever else a seat would say of them."""
    terms = read_terms(town.ledger, number, SHARD)
    opener = read_opener(town.ledger, town.store, terms, [key_of_a_seat(town)]) or PLAIN
    reveals = town.ledger.shards[SHARD].reveals(number, town.ledger.opened_in(number))
    opened = [opener.open(entry, town.store.get(entry.content_digest, 10_000)) for entry in reveals]
    assert {seed for _, seed in opened} == {bytes(32)}
    lanes = [open_lanes(entry, content, bytes(32), terms) for entry, (content, _) in zip(reveals, opened, strict=True)]
    return compute_result(terms, 0, lanes)


def withhold_the_aggregate(town: Town, honest: ShardResult) -> CheckpointData:
    return replace(honest.checkpoint, aggregate_root=b"\1" * 32, content_digest=b"\2" * 32)


@pytest.mark.parametrize(
    ("lie", "function"),
    [(lie_about_one_lane, "disputeAggregate"), (withhold_the_aggregate, "disputeWholeAggregate")],
)
def test_the_holder_of_a_seats_key_proves_a_false_aggregate(
    town: Town, lie: Callable[[Town, ShardResult], CheckpointData], function: str
) -> None:
    number = until_checkpoint_phase(town)
    liars, before = collude(town, lie(town, honest_result(town, number))), stakes(town)
    (dispute,) = make_challenger(town, key_of_a_seat(town)).step()
    assert_punished(town, dispute, Fault.AGGREGATE, liars, before)
    assert inspect_transaction(town.ledger, dispute.tx_hash)["function"] == function


@pytest.mark.parametrize(
    ("lie", "function"),
    [(lie_about_one_lane, "disputeAggregate"), (withhold_the_aggregate, "disputeWholeAggregate")],
)
def test_updates_sealed_with_zeros_shield_no_committee_that_included_them(
    town: Town, monkeypatch: pytest.MonkeyPatch, lie: Callable[[Town, ShardResult], CheckpointData], function: str
) -> None:
    """Honest seats include none; liars did, and every dispute has to open them."""
    network = town.network(clients=CLIENTS)
    number = open_round(network)
    with monkeypatch.context() as patch:
        patch.setattr(secrets, "token_bytes", bytes)
        train(network)
    commit(network)
    reveal(network)
    town.end_phase()
    liars, before = collude(town, lie(town, result_of_lanes(town, number))), stakes(town)
    (dispute,) = make_challenger(town, key_of_a_seat(town)).step()
    assert_punished(town, dispute, Fault.AGGREGATE, liars, before)
    assert inspect_transaction(town.ledger, dispute.tx_hash)["function"] == function


def test_without_a_key_lists_and_models_are_judged_and_aggregates_are_not(
    town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    number = until_checkpoint_phase(town)
    collude(town, lie_about_one_lane(town, honest_result(town, number)))
    with caplog.at_level(logging.WARNING):
        assert make_challenger(town).step() == []
    assert "none of the keys given is of a seat of its committee" in caplog.text
    assert make_challenger(town, key_of_a_seat(town)).step()
    make_up_stakes(town)

    number = until_checkpoint_phase(town)
    false_list = replace(honest_result(town, number).checkpoint, updates_root=b"\3" * 32)
    liars, before = collude(town, false_list), stakes(town)
    (dispute,) = make_challenger(town).step()
    assert_punished(town, dispute, Fault.UPDATES, liars, before)
    make_up_stakes(town)

    number = until_checkpoint_phase(town)
    verify(town.network())
    model = compute_publication(town.ledger, town.store, number)
    lanes = model.lanes.copy()
    lanes[0] ^= 1
    false = replace(model, lanes=lanes)
    town.store.put(encode(false))
    liar, before = publish_false(town, lanes_root(false), content_digest(encode(false))), stakes(town)
    (dispute,) = make_challenger(town).step()
    assert_punished(town, dispute, Fault.MODEL, [liar], before)


def test_honest_private_rounds_have_nothing_to_prove(town: Town) -> None:
    run_round(town.network(clients=CLIENTS))
    assert make_challenger(town, key_of_a_seat(town)).step() == []
