"""Shards on chains of their own: rounds that go on without one, mirrors that catch up, false ones nobody serves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from isles import Isles

from qfl.chain.contracts.shard import ClientDuty
from qfl.chain.contracts.staking import Role
from qfl.chain.ledger import Ledger
from qfl.cli.main import cli
from qfl.devnet import Devnet, DevnetConfig
from qfl.devnet.health import call_chain
from qfl.errors import ChainUnreachable, ContractReverted, DeploymentMismatch, InvalidInput, KeyFileBehind
from qfl.inspect.round import inspect_round
from qfl.inspect.transaction import inspect_transaction
from qfl.keys.keyfile import KeyFile
from qfl.mirror.faith import Faith
from qfl.mirror.message import compute_message
from qfl.roles.keeper import admit_clients, begin_mirrors
from qfl.roles.leaves import LeafCheck
from qfl.roles.membership import join
from qfl.roles.settlement import final_at, rewards_due, settle_due
from qfl.round import mirror, train
from qfl.types import ParticipantId, RoundNumber, ShardIndex

ONE = ShardIndex(1)


@pytest.fixture(scope="module")
def two_chains(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devnet]:
    """A beacon's chain, two shards' chains and an IPFS node."""
    with Devnet(DevnetConfig(tmp_path_factory.mktemp("devnet"), shard_chains=2)) as running:
        yield running


@pytest.fixture
def isles(two_chains: Devnet, tmp_path: Path) -> Iterator[Isles]:
    two_chains.restart_ended_shard_chains()
    with Isles(two_chains, tmp_path) as built:
        yield built


def test_rounds_run_on_three_chains_and_everything_can_be_verified(isles: Isles) -> None:
    outcomes = [isles.run_round() for _ in range(2)]
    assert all((outcome.included, outcome.missed) == (6, {}) for outcome in outcomes)
    assert [isles.shown(shard) for shard in (0, 1)] == [outcomes[-1].round] * 2
    verdicts = isles.verdicts()
    assert not [complaint for verdict in verdicts for complaint in verdict.complaints]
    assert sum(verdict.updates for verdict in verdicts) >= 12


def test_rewards_of_a_shard_on_another_chain_are_credited_on_the_beacons(isles: Isles) -> None:
    outcome, sender = isles.run_round(), isles.carriers[0]
    isles.network.clock.reach(final_at(isles.ledger, outcome.round))
    settle_due(isles.ledger, sender)
    for call in rewards_due(isles.ledger, outcome.round):
        sender.send(call)
    rewards = [isles.ledger.staking.rewards_of(client.participant) for client in isles.network.clients]
    assert rewards == [10**15] * 6


def test_a_killed_shard_chain_misses_its_round_and_takes_part_in_the_next(isles: Isles) -> None:
    first = isles.run_round()
    isles.devnet.kill_shard_chain(1)
    without = isles.run_round(down={1})
    url = isles.devnet.shard_rpc_urls[1]
    assert without.missed == {1: f"its chain does not answer at {url}"}
    assert without.included == len(isles.members(without.round, 0)) > 0
    assert inspect_round(isles.ledger, without.round)["shards"][1]["missed"] == without.missed[ONE]
    isles.devnet.restart_shard_chain(1)
    again = isles.run_round()
    assert (again.missed, isles.shown(1)) == ({}, again.round)
    assert first.round < without.round < again.round


def lagging_copy(isles: Isles, folder: Path, client: ParticipantId) -> tuple[bytes, ShardIndex]:
    """A client's key file from before a round, and the one shard that has seen more of the key since."""
    while True:
        copy, leaf = (folder / "key.lms").read_bytes(), isles.roster.keys[folder].next_leaf
        isles.run_round()
        ahead = [shard for shard in map(ShardIndex, (0, 1)) if isles.ledger.shards[shard].next_leaf(client) > leaf]
        if len(ahead) == 1:
            return copy, ahead[0]


def test_an_old_key_is_checked_against_a_shards_chain_once_that_is_back(isles: Isles, tmp_path: Path) -> None:
    """Who starts while a chain is down is not kept from serving the other shard."""
    client, folder = isles.network.clients[0].participant, isles.roster.client_folders[0]
    copy, shard = lagging_copy(isles, folder, client)
    isles.roster.keys[folder].close()
    (folder / "key.lms").write_bytes(copy)
    isles.devnet.stop_shard_chain(shard)
    with KeyFile.open(folder / "key.lms", tmp_path / "elsewhere") as old:
        assert join(isles.ledger, isles.carriers[1], Role.CLIENT, old, folder) == client
        check = LeafCheck(isles.ledger, client, Role.CLIENT, old)
        with pytest.raises(ChainUnreachable):
            check.in_shard(shard)
        isles.devnet.restart_shard_chain(shard)
        # A client that was admitted to the shard in that round as well has signed twice.
        seen = isles.ledger.shards[shard].next_leaf(client) - 1
        with pytest.raises(KeyFileBehind, match=f"leaf {old.next_leaf}, but shard {shard} has seen leaf {seen}:"):
            check.in_shard(shard)


def test_an_old_key_is_told_by_what_it_signed_on_the_shards_chains(isles: Isles, tmp_path: Path) -> None:
    """There are a validator's proposals and attestations, and its signatures under what its mirrors show."""
    folders, ids = isles.roster.validator_folders, [v.participant for v in isles.network.validators]
    copies = [(folder / "key.lms").read_bytes() for folder in folders]
    leaves = [isles.roster.keys[folder].next_leaf for folder in folders]
    for _ in range(2):
        isles.run_round()
    refusals = []
    for folder, validator, copy, leaf in zip(folders, ids, copies, leaves, strict=True):
        if isles.roster.keys[folder].next_leaf == leaf:  # two quorums, and more, did without its signature
            continue
        isles.roster.keys[folder].close()
        (folder / "key.lms").write_bytes(copy)
        with KeyFile.open(folder / "key.lms", tmp_path / "elsewhere") as old, pytest.raises(KeyFileBehind) as refused:
            LeafCheck(isles.ledger, validator, Role.VALIDATOR, old).everywhere()
        refusals.append(refused.value.contract)
    assert set(refusals) >= {"Staking"} and len(set(refusals)) > 1


def test_what_a_stopped_chain_had_is_verified_when_it_is_back(isles: Isles) -> None:
    number = isles.run_round().round
    isles.devnet.stop_shard_chain(0)
    (unseen,) = (verdict.unseen for verdict in isles.verdicts() if verdict.round == number)
    assert any("shard 0: no chain answers" in reason for reason in unseen)
    isles.devnet.restart_shard_chain(0)
    assert not [reason for verdict in isles.verdicts() for reason in (*verdict.unseen, *verdict.complaints)]


def test_an_earlier_committee_hands_a_mirror_over_when_the_sitting_one_stays_silent(isles: Isles) -> None:
    isles.open_round()
    begin_mirrors(isles.ledger, isles.carriers[0])
    shown = [isles.shown(0)]
    while len(shown) < 2 or set(isles.committee(shown[-1], 0)) == set(isles.committee(shown[-2], 0)):
        shown.append(isles.open_round())
        isles.keep_mirrors()
    earlier, sitting = (isles.committee(number, 0) for number in shown[-2:])
    silent = next(validator for validator in sitting if validator not in earlier)
    number = isles.open_round()
    isles.keep_mirrors(silent=[silent])
    taken = isles.ledger.mirrors[0].mirrorings(0)[-1]
    assert (taken.round, taken.previous, taken.signers) == (number, shown[-1], shown[-2])


def test_mirrors_forget_clients_that_left_and_keys_that_were_replaced(isles: Isles, tmp_path: Path) -> None:
    """A stolen key that its owner has replaced must not commit on any shard's chain."""
    isles.run_round()
    staking, domain, sender = isles.ledger.staking, isles.ledger.staking_domain, isles.carriers[0]
    renewing, leaving = (client.participant for client in isles.network.clients[:2])
    keys = [isles.roster.keys[folder] for folder in isles.roster.client_folders]
    with KeyFile.create(tmp_path / "new.lms", 5) as new:
        sender.send(staking.rotate_key(renewing, new.public, keys[0].sign(domain.rotation(renewing, new.public, 0))))
    sender.send(staking.request_exit(leaving, keys[1].sign(domain.exit(leaving, 0))))
    number = isles.open_round()
    isles.keep_mirrors()
    assert [isles.shown(shard) for shard in (0, 1)] == [number] * 2
    assert [mirror.admitted([renewing, leaving]) for mirror in isles.ledger.mirrors] == [set(), set()]
    admit_clients(isles.ledger, sender, [renewing, leaving])
    shard = isles.ledger.shard_of(renewing)
    assert isles.ledger.mirrors[shard].admitted([renewing, leaving]) == {renewing}


def test_nobody_serves_a_shard_whose_mirror_is_false(isles: Isles) -> None:
    """Its deployer names a committee of its own; the beacon's seats find that out, and no checkpoint comes of it."""
    number = isles.open_round()
    message = compute_message(isles.ledger, ShardIndex(0), number, RoundNumber(0))
    seats = tuple(replace(seat, key=replace(seat.key, identifier=bytes(16))) for seat in message.committee)
    isles.carriers[0].send(isles.ledger.mirrors[0].begin(replace(message, committee=seats)))
    outcome = isles.run_round(down={0})
    assert outcome.missed == {0: "no committee reached a quorum"}
    assert Faith(isles.ledger).find_falsehood(ShardIndex(0)) is not None
    assert Faith(isles.ledger).find_falsehood(ONE) is None
    later = isles.run_round(down={0})
    assert later.missed == {0: "its mirror was not brought to the round"}


def test_a_chain_whose_clock_runs_ahead_gets_no_update_before_its_time(isles: Isles) -> None:
    """What is revealed early can be copied by whoever has still to commit."""
    isles.open_round()
    for stage in (mirror, train):
        stage(isles.network)
    client = next(client for client in isles.network.clients if client.duty()[0] is ClientDuty.COMMIT)
    _, number, shard = client.duty()
    client.commit(number)
    ahead = isles.ledger.beacon.context().phase_ends_at - isles.ledger.now() + 1
    url = isles.devnet.shard_rpc_urls[shard]
    call_chain(url, "evm_increaseTime", ahead)
    call_chain(url, "evm_mine")
    assert isles.ledger.shards[shard].client_duty(client.participant)[0] is ClientDuty.REVEAL
    assert client.duty()[0] is ClientDuty.WAIT
    isles.network.clock.reach(isles.ledger.now() + ahead)  # so that the other tests' chains agree again


def test_a_transaction_is_found_on_the_chain_that_has_it(isles: Isles) -> None:
    number = isles.run_round().round
    shard = isles.ledger.shards[ONE]
    (commit, *_) = shard.commits(number, isles.ledger.shard_opened_in(ONE, number))
    found = inspect_transaction(isles.ledger, commit.tx_hash)
    assert (found["contract"], found["function"]) == ("Shard 1", "commit")
    assert [event["event"] for event in found["events"]] == ["Committed"]


def test_a_deployment_is_opened_without_a_chain_that_is_down_and_not_with_the_wrong_one(isles: Isles) -> None:
    rpc, urls = isles.devnet.rpc_url, isles.devnet.shard_rpc_urls
    with pytest.raises(InvalidInput, match="has 2 chains of shards"):
        Ledger.connect(rpc, isles.deployment, urls[:1])
    with pytest.raises(DeploymentMismatch, match=r"the chain id at .* is 31339, the file says 31338"):
        Ledger.connect(rpc, isles.deployment, urls[::-1])
    ledger = Ledger.connect(rpc, isles.deployment, ["http://127.0.0.1:9", urls[1]])
    assert ledger.any_norm_verifier() is None  # so that validators start
    with pytest.raises(ChainUnreachable) as caught:
        ledger.shards[0].shard_index()
    assert ledger.is_of_a_shard(caught.value)


def test_the_deployer_begins_the_mirrors_from_the_command_line_and_anyone_can_check_them(
    isles: Isles, tmp_path: Path
) -> None:
    path = tmp_path / "deployment.json"
    isles.deployment.save(path)
    places = ["--rpc", isles.devnet.rpc_url, "--deployment", str(path)]
    number = isles.open_round()
    refused = CliRunner().invoke(cli, ["mirror", "begin", *places, "--account", "dev:3"])
    assert isinstance(refused.exception, ContractReverted)
    begun = CliRunner().invoke(cli, ["mirror", "begin", *places])
    assert begun.output.count(f"shows round {number}") == 2
    status = json.loads(CliRunner().invoke(cli, ["mirror", "status", *places, "--json"]).output)
    assert status == {"round": number, "shards": [{"round": number, "problem": None}] * 2}
