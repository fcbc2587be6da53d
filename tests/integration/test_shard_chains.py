"""Shards on chains of their own: rounds that go on without one, mirrors that catch up, false ones nobody serves."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from eth_abi.abi import encode
from eth_utils.crypto import keccak
from shard_testnet import ShardTestnet

from qfl.apps.cli.main import cli
from qfl.apps.inspect.state import inspect_round
from qfl.apps.inspect.transaction import inspect_transaction
from qfl.chain.contracts.shard import UNSIGNED, ClientDuty
from qfl.chain.contracts.staking import Role
from qfl.chain.ledger import Ledger
from qfl.chain.mirroring import MirrorVerifier, compute_message
from qfl.client.client import Client
from qfl.crypto.hash_chain import HashChain, link_domain
from qfl.crypto.keyfile import KeyFile
from qfl.devnet import Devnet, DevnetConfig
from qfl.devnet.config import shard_chain
from qfl.devnet.health import call_chain
from qfl.errors import (
    ChainUnreachable,
    ContractReverted,
    DeploymentMismatch,
    InvalidInput,
    KeyFileBehind,
    ShardUnreachable,
)
from qfl.node.leaves import LeafCheck
from qfl.node.membership import join
from qfl.node.settlement import final_at, rewards_due, settle_due
from qfl.protocol.types import ParticipantId, RoundNumber, ShardIndex
from qfl.validator.mirror_keeper import admit_clients, begin_mirrors

pytestmark = pytest.mark.rest

ONE = ShardIndex(1)


@pytest.fixture(scope="module")
def two_chains(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devnet]:
    """A beacon's chain, two shards' chains and an IPFS node."""
    with Devnet(DevnetConfig(tmp_path_factory.mktemp("devnet"), shard_chains=2)) as running:
        yield running


@pytest.fixture
def shard_testnet(two_chains: Devnet, tmp_path: Path) -> Iterator[ShardTestnet]:
    two_chains.restart_ended_shard_chains()
    with ShardTestnet(two_chains, tmp_path) as built:
        yield built


@pytest.fixture
def signing_testnet(two_chains: Devnet, tmp_path: Path) -> Iterator[ShardTestnet]:
    """The same, with clients that sign with LMS."""
    two_chains.restart_ended_shard_chains()
    with ShardTestnet(two_chains, tmp_path, signing="lms") as built:
        yield built


def leaves_in(shard_testnet: ShardTestnet, number: RoundNumber, shard: int) -> list[int]:
    """The leaves of a round's commitments; `UNSIGNED` of those by key."""
    return [commit.leaf for commit in shard_testnet.ledger.round(number).shard(ShardIndex(shard)).commits()]


def test_rounds_run_on_three_chains_and_everything_can_be_verified(shard_testnet: ShardTestnet) -> None:
    outcomes = [shard_testnet.run_round() for _ in range(2)]
    assert all((outcome.included, outcome.missed) == (6, {}) for outcome in outcomes)
    leaves = [leaves_in(shard_testnet, outcome.round, shard) for outcome in outcomes for shard in (0, 1)]
    assert set().union(*leaves) == {UNSIGNED}
    assert [shard_testnet.shown(shard) for shard in (0, 1)] == [outcomes[-1].round] * 2
    verdicts = shard_testnet.verdicts()
    assert not [complaint for verdict in verdicts for complaint in verdict.complaints]
    assert sum(verdict.updates for verdict in verdicts) >= 12


def test_rewards_of_a_shard_on_another_chain_are_credited_on_the_beacons(shard_testnet: ShardTestnet) -> None:
    outcome, sender = shard_testnet.run_round(), shard_testnet.carriers[0]
    shard_testnet.network.clock.reach(final_at(shard_testnet.ledger, outcome.round))
    settle_due(shard_testnet.ledger, sender)
    for call in rewards_due(shard_testnet.ledger, [outcome.round]):
        sender.send(call)
    rewards = [shard_testnet.ledger.staking.rewards_of(client.participant) for client in shard_testnet.network.clients]
    assert rewards == [10**15] * 6


def test_a_killed_shard_chain_misses_its_round_and_takes_part_in_the_next(shard_testnet: ShardTestnet) -> None:
    first = shard_testnet.run_round()
    shard_testnet.devnet.kill_shard_chain(1)
    without = shard_testnet.run_round(down={1})
    url = shard_testnet.devnet.shard_rpc_urls[1]
    assert without.missed == {1: f"its chain does not answer at {url}"}
    assert without.included == len(shard_testnet.members(without.round, 0)) > 0
    assert inspect_round(shard_testnet.ledger, without.round)["shards"][1]["missed"] == without.missed[ONE]
    shard_testnet.devnet.restart(shard_chain(1))
    again = shard_testnet.run_round()
    assert (again.missed, shard_testnet.shown(1)) == ({}, again.round)
    assert first.round < without.round < again.round


def lagging_copy(shard_testnet: ShardTestnet, folder: Path, client: ParticipantId) -> tuple[bytes, ShardIndex]:
    """A client's key file from before a round, and the one shard that has seen more of the key since."""
    while True:
        copy, leaf = (folder / "key.lms").read_bytes(), shard_testnet.identities.keys[folder].next_leaf
        shard_testnet.run_round()
        ahead = [
            shard for shard in map(ShardIndex, (0, 1)) if shard_testnet.ledger.shards[shard].next_leaf(client) > leaf
        ]
        if len(ahead) == 1:
            return copy, ahead[0]


def test_an_old_key_is_checked_against_a_shards_chain_once_that_is_back(
    signing_testnet: ShardTestnet, tmp_path: Path
) -> None:
    """Who starts while a chain is down is not kept from serving the other shard."""
    shard_testnet = signing_testnet
    client, folder = shard_testnet.network.clients[0].participant, shard_testnet.identities.client_folders[0]
    copy, shard = lagging_copy(shard_testnet, folder, client)
    shard_testnet.identities.keys[folder].close()
    (folder / "key.lms").write_bytes(copy)
    shard_testnet.devnet.kill_shard_chain(shard)
    with KeyFile.open(folder / "key.lms", tmp_path / "elsewhere") as old:
        assert join(shard_testnet.ledger, shard_testnet.carriers[1], Role.CLIENT, old, folder) == client
        check = LeafCheck(shard_testnet.ledger, client, Role.CLIENT, old)
        with pytest.raises(ChainUnreachable):
            check.in_shard(shard)
        shard_testnet.devnet.restart(shard_chain(shard))
        # A client that was admitted to the shard in that round as well has signed twice.
        seen = shard_testnet.ledger.shards[shard].next_leaf(client) - 1
        with pytest.raises(KeyFileBehind, match=f"leaf {old.next_leaf}, but shard {shard} has seen leaf {seen}:"):
            check.in_shard(shard)


def test_an_old_key_is_told_by_what_it_signed_on_the_shards_chains(shard_testnet: ShardTestnet, tmp_path: Path) -> None:
    """There are a validator's proposals and attestations, and its signatures under what its mirrors show."""
    folders, ids = shard_testnet.identities.validator_folders, [v.participant for v in shard_testnet.network.validators]
    copies = [(folder / "key.lms").read_bytes() for folder in folders]
    leaves = [shard_testnet.identities.keys[folder].next_leaf for folder in folders]
    for _ in range(2):
        shard_testnet.run_round()
    refusals = []
    for folder, validator, copy, leaf in zip(folders, ids, copies, leaves, strict=True):
        if shard_testnet.identities.keys[folder].next_leaf == leaf:  # two quorums, and more, did without its signature
            continue
        shard_testnet.identities.keys[folder].close()
        (folder / "key.lms").write_bytes(copy)
        with KeyFile.open(folder / "key.lms", tmp_path / "elsewhere") as old, pytest.raises(KeyFileBehind) as refused:
            LeafCheck(shard_testnet.ledger, validator, Role.VALIDATOR, old).everywhere()
        refusals.append(refused.value.contract)
    assert set(refusals) >= {"Staking"} and len(set(refusals)) > 1


def test_what_a_stopped_chain_had_is_verified_when_it_is_back(shard_testnet: ShardTestnet) -> None:
    number = shard_testnet.run_round().round
    shard_testnet.devnet.kill_shard_chain(0)
    (unseen,) = (verdict.unseen for verdict in shard_testnet.verdicts() if verdict.round == number)
    assert any("shard 0: no chain answers" in reason for reason in unseen)
    shard_testnet.devnet.restart(shard_chain(0))
    assert not [reason for verdict in shard_testnet.verdicts() for reason in (*verdict.unseen, *verdict.complaints)]


def test_an_earlier_committee_hands_a_mirror_over_when_the_sitting_one_stays_silent(
    shard_testnet: ShardTestnet,
) -> None:
    shard_testnet.open_round()
    begin_mirrors(shard_testnet.ledger, shard_testnet.carriers[0])
    shown = [shard_testnet.shown(0)]
    while len(shown) < 2 or set(shard_testnet.committee(shown[-1], 0)) == set(shard_testnet.committee(shown[-2], 0)):
        shown.append(shard_testnet.open_round())
        shard_testnet.keep_mirrors()
    earlier, sitting = (shard_testnet.committee(number, 0) for number in shown[-2:])
    silent = next(validator for validator in sitting if validator not in earlier)
    number = shard_testnet.open_round()
    shard_testnet.keep_mirrors(silent=[silent])
    taken = shard_testnet.ledger.mirrors[0].mirrorings(0)[-1]
    assert (taken.round, taken.previous, taken.signers) == (number, shown[-1], shown[-2])


def test_mirrors_forget_clients_that_left_and_keys_that_were_replaced(
    shard_testnet: ShardTestnet, tmp_path: Path
) -> None:
    """A stolen key that its owner has replaced must not commit on any shard's chain."""
    shard_testnet.run_round()
    staking, domain, sender = (
        shard_testnet.ledger.staking,
        shard_testnet.ledger.staking_domain,
        shard_testnet.carriers[0],
    )
    renewing, leaving = (client.participant for client in shard_testnet.network.clients[:2])
    keys = [shard_testnet.identities.keys[folder] for folder in shard_testnet.identities.client_folders]
    with KeyFile.create(tmp_path / "new.lms", 5) as new:
        sender.send(
            staking.rotate_key(renewing, new.public, signature=keys[0].sign(domain.rotation(renewing, new.public, 0)))
        )
    sender.send(staking.request_exit(leaving, keys[1].sign(domain.exit(leaving, 0))))
    number = shard_testnet.open_round()
    shard_testnet.keep_mirrors()
    assert [shard_testnet.shown(shard) for shard in (0, 1)] == [number] * 2
    assert [mirror.admitted([renewing, leaving]) for mirror in shard_testnet.ledger.mirrors] == [set(), set()]
    admit_clients(shard_testnet.ledger, sender, clients=[renewing, leaving])
    shard = shard_testnet.ledger.shard_of(renewing)
    assert shard_testnet.ledger.mirrors[shard].admitted([renewing, leaving]) == {renewing}


def test_a_client_that_names_another_chain_commits_with_it_once_its_mirror_knows(shard_testnet: ShardTestnet) -> None:
    """Its seed is lost: it signs in the round, and goes on by key in the next, where it is admitted anew."""
    shard_testnet.run_round()
    lost = shard_testnet.network.clients[0]
    folder = shard_testnet.identities.client_folders[0]
    (folder / "links.seed").unlink()
    clients = [shard_testnet.restarted(lost), *shard_testnet.network.clients[1:]]
    shard_testnet.network = replace(shard_testnet.network, clients=clients)
    named, mirrors = [shard_testnet.ledger.staking.anchor_of(lost.participant)], shard_testnet.ledger.mirrors
    for by_key in (False, True):
        outcome = shard_testnet.run_round()
        named.append(shard_testnet.ledger.staking.anchor_of(lost.participant))
        shard = shard_testnet.ledger.beacon.shard_of(outcome.round, lost.participant)
        commits = shard_testnet.ledger.round(outcome.round).shard(shard).commits()
        assert [commit.leaf == UNSIGNED for commit in commits if commit.client == lost.participant] == [by_key]
    assert named[0] != named[1] == named[2] == mirrors[shard].anchor_of(lost.participant)


def committed(shard_testnet: ShardTestnet, confirmations: int | None = None) -> Client:
    """A client that has committed by key in the open round, and was killed then."""
    network, ledger = shard_testnet.network, shard_testnet.ledger
    begin_mirrors(ledger, shard_testnet.carriers[0])
    shard_testnet.keep_mirrors()
    admit_clients(ledger, shard_testnet.carriers[0], clients=[client.participant for client in network.clients])
    client = shard_testnet.restarted(network.clients[0], confirmations)
    for _ in range(2):  # it trains, and commits
        network.scheduler.step_clients([client], network.trainer)
    assert leaves_in(shard_testnet, ledger.beacon.current_round(), client.duty()[2]) == [UNSIGNED]
    return shard_testnet.restarted(client, confirmations)


def end_phase(shard_testnet: ShardTestnet) -> None:
    shard_testnet.network.clock.reach(shard_testnet.ledger.beacon.context().phase_ends_at)


def reveals_of(shard_testnet: ShardTestnet, client: Client) -> list[ParticipantId]:
    ledger = shard_testnet.ledger
    shard = ledger.round(ledger.beacon.current_round()).shard(ledger.shard_of(client.participant))
    return [reveal.client for reveal in shard.reveals()]


def test_a_client_that_is_killed_before_it_reveals_shows_its_key_when_it_is_back(shard_testnet: ShardTestnet) -> None:
    shard_testnet.open_round()
    client = committed(shard_testnet)
    end_phase(shard_testnet)
    assert client.step().note.endswith("revealed")
    assert not shard_testnet.restarted(client).step()
    assert reveals_of(shard_testnet, client) == [client.participant]


def test_a_key_waits_until_its_commitment_is_final_on_the_shards_own_chain(shard_testnet: ShardTestnet) -> None:
    """On the beacon's, the round's opening is final before the client commits."""
    devnet, depth = shard_testnet.devnet, 20
    shard_testnet.open_round()
    for url in (devnet.rpc_url, *devnet.shard_rpc_urls):
        call_chain(url, "anvil_mine", hex(depth))
    client = committed(shard_testnet, depth)
    end_phase(shard_testnet)
    assert "waits" in client.step().note
    shard = shard_testnet.ledger.shard_of(client.participant)
    call_chain(devnet.shard_rpc_urls[shard], "anvil_mine", hex(depth))
    assert client.step().note.endswith("revealed")


def test_a_key_waits_where_a_mirror_keeps_the_commit_phase_open(shard_testnet: ShardTestnet) -> None:
    """The beacon's is over, and the commitment is final."""
    number, ledger = shard_testnet.open_round(), shard_testnet.ledger
    client = shard_testnet.network.clients[0]
    shard, record = ledger.shard_of(client.participant), ledger.beacon.round_at(number)
    message = compute_message(ledger, shard, round_number=number, previous=RoundNumber(0))
    later = (record.commit_ends_at + record.reveal_ends_at) // 2
    skewed = replace(message, round=replace(message.round, commit_ends_at=later))
    shard_testnet.carriers[0].send(ledger.mirrors[shard].begin(skewed))
    client = committed(shard_testnet)
    end_phase(shard_testnet)
    assert not client.may_reveal(number)
    assert not client.step()
    shard_testnet.network.clock.reach(later)
    assert client.step().note.endswith("revealed")


def test_verification_finds_links_of_a_chain_that_the_beacon_does_not_have(shard_testnet: ShardTestnet) -> None:
    """Who controls the shard's chain puts an anchor of his own in the place of a client's, and commits in its name."""
    shard_testnet.open_round()
    ledger, client = shard_testnet.ledger, shard_testnet.network.clients[0]
    begin_mirrors(ledger, shard_testnet.carriers[0])
    shard_testnet.keep_mirrors()
    admit_clients(ledger, shard_testnet.carriers[0], clients=[client.participant])
    anchor, first_round = ledger.staking.anchor_of(client.participant)
    other = HashChain(b"\7" * 32, link_domain(ledger.deployment.chain_id, ledger.staking.address))
    shard = ledger.shard_of(client.participant)
    url, mirror = shard_testnet.devnet.shard_rpc_urls[shard], ledger.mirrors[shard]
    kept, false = (first_round.to_bytes(4) + end for end in (anchor, other.anchor))
    slots = [int.from_bytes(keccak(encode(["uint32", "uint256"], [client.participant, i]))) + 2 for i in range(16)]
    (slot,) = (
        hex(at)
        for at in slots
        if call_chain(url, "eth_getStorageAt", mirror.address, hex(at), "latest") == "0x" + kept.hex()
    )
    call_chain(url, "anvil_setStorageAt", mirror.address, slot, "0x" + false.hex())
    assert mirror.anchor_of(client.participant) == (other.anchor, first_round)
    client._signing._own_chain, client._signing._anchor = lambda: other, (other.anchor, first_round)
    shard_testnet.run_round()
    complaints = [complaint for verdict in shard_testnet.verdicts() for complaint in verdict.complaints]
    assert complaints == [f"the token of client {client.participant} is not of its hash chain"]


def test_nobody_serves_a_shard_whose_mirror_is_false(shard_testnet: ShardTestnet) -> None:
    """Its deployer names a committee of its own; the beacon's seats find that out, and no checkpoint comes of it."""
    number = shard_testnet.open_round()
    message = compute_message(shard_testnet.ledger, ShardIndex(0), round_number=number, previous=RoundNumber(0))
    seats = tuple(replace(seat, key=replace(seat.key, identifier=bytes(16))) for seat in message.committee)
    shard_testnet.carriers[0].send(shard_testnet.ledger.mirrors[0].begin(replace(message, committee=seats)))
    outcome = shard_testnet.run_round(down={0})
    assert outcome.missed == {0: "no committee reached a quorum"}
    assert MirrorVerifier(shard_testnet.ledger).find_falsehood(ShardIndex(0)) is not None
    assert MirrorVerifier(shard_testnet.ledger).find_falsehood(ONE) is None
    later = shard_testnet.run_round(down={0})
    assert later.missed == {0: "its mirror was not brought to the round"}


def test_a_chain_whose_clock_runs_ahead_gets_no_update_before_its_time(shard_testnet: ShardTestnet) -> None:
    """What is revealed early can be copied by whoever has still to commit."""
    shard_testnet.open_round()
    network, ledger = shard_testnet.network, shard_testnet.ledger
    begin_mirrors(ledger, shard_testnet.carriers[0])
    shard_testnet.keep_mirrors()
    admit_clients(ledger, shard_testnet.carriers[0], clients=[client.participant for client in network.clients])
    client = next(client for client in network.clients if client.duty()[0] is ClientDuty.COMMIT)
    for _ in range(2):  # it trains, and commits
        network.scheduler.step_clients([client], network.trainer)
    shard = client.duty()[2]
    ahead = shard_testnet.ledger.beacon.context().phase_ends_at - shard_testnet.ledger.now() + 1
    url = shard_testnet.devnet.shard_rpc_urls[shard]
    call_chain(url, "evm_increaseTime", ahead)
    call_chain(url, "evm_mine")
    assert shard_testnet.ledger.shards[shard].client_duty(client.participant)[0] is ClientDuty.REVEAL
    assert client.duty()[0] is ClientDuty.WAIT
    shard_testnet.network.clock.reach(shard_testnet.ledger.now() + ahead)  # so that the other tests' chains agree again


def test_a_transaction_is_found_on_the_chain_that_has_it(shard_testnet: ShardTestnet) -> None:
    number = shard_testnet.run_round().round
    (commit, *_) = shard_testnet.ledger.round(number).shard(ONE).commits()
    found = inspect_transaction(shard_testnet.ledger, commit.tx_hash)
    assert (found["contract"], found["function"]) == ("Shard 1", "commitByKey")
    assert [event["event"] for event in found["events"]] == ["Committed"]


def test_a_deployment_is_opened_without_a_chain_that_is_down_and_not_with_the_wrong_one(
    shard_testnet: ShardTestnet,
) -> None:
    rpc, urls = shard_testnet.devnet.rpc_url, shard_testnet.devnet.shard_rpc_urls
    with pytest.raises(InvalidInput, match="has 2 chains of shards"):
        Ledger.connect(rpc, shard_testnet.deployment, shard_urls=urls[:1])
    with pytest.raises(DeploymentMismatch, match=r"the chain id at .* is 31339, the file says 31338"):
        Ledger.connect(rpc, shard_testnet.deployment, shard_urls=urls[::-1])
    ledger = Ledger.connect(rpc, shard_testnet.deployment, shard_urls=["http://127.0.0.1:9", urls[1]])
    assert ledger.any_norm_verifier() is None  # so that validators start
    with pytest.raises(ShardUnreachable):
        ledger.shards[0].shard_index()


def test_the_deployer_begins_the_mirrors_from_the_command_line_and_anyone_can_check_them(
    shard_testnet: ShardTestnet, tmp_path: Path
) -> None:
    path = tmp_path / "deployment.json"
    shard_testnet.deployment.save(path)
    places = ["--rpc", shard_testnet.devnet.rpc_url, "--deployment", str(path)]
    number = shard_testnet.open_round()
    refused = CliRunner().invoke(cli, ["mirror", "begin", *places, "--account", "dev:3"])
    assert isinstance(refused.exception, ContractReverted)
    begun = CliRunner().invoke(cli, ["mirror", "begin", *places])
    assert begun.output.count(f"shows round {number}") == 2
    status = json.loads(CliRunner().invoke(cli, ["mirror", "status", *places, "--json"]).output)
    assert status == {"round": number, "shards": [{"round": number, "problem": None}] * 2}
