"""What a role has forgotten: leaves that an old copy of its key counts as unused, and a journal that was lost.

The chain tells of the first; the second nobody knows, so the role sits the open round out.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from town import SHARD, Nudger, Town, reach_checkpoint_phase

from qfl.chain.contracts.shard import ClientDuty
from qfl.committee.bundle import decode_bundle
from qfl.devnet import Devnet
from qfl.errors import ChainUnreachable, KeyFileBehind
from qfl.keys.keyfile import KeyFile
from qfl.keys.lms import signature_bytes
from qfl.roles.host import ClientHost
from qfl.round import Network, commit, open_round, publish, run_round, train, verify
from qfl.types import CheckpointData, ParticipantId, RoundNumber


@pytest.fixture
def town(devnet: Devnet, tmp_path: Path) -> Iterator[Town]:
    with Town(devnet, tmp_path) as built:
        yield built


def without(network: Network, participant: ParticipantId) -> Network:
    return replace(network, validators=[v for v in network.validators if v.participant != participant])


# --- an old copy of the key ----------------------------------------------------------------------------------


class Backup:
    """The town's key files as they are now; restored, they are on a machine that remembers nothing of them."""

    def __init__(self, town: Town, elsewhere: Path) -> None:
        self.town, self.elsewhere = town, elsewhere
        self.files = {name: (town.folder / name / "key.lms").read_bytes() for name in town.keys}

    def restore(self, name: str) -> KeyFile:
        self.town.keys[name].close()
        path = self.town.folder / name / "key.lms"
        path.write_bytes(self.files[name])
        self.town.keys[name] = KeyFile.open(path, self.elsewhere)
        return self.town.keys[name]


def completer_of(town: Town, number: RoundNumber) -> ParticipantId:
    """The seat whose signature is in the bundle and nowhere else."""
    ledger, shard = town.ledger, town.ledger.shards[SHARD]
    (accepted,) = ledger.beacon.accepted(number, ledger.opened_in(number))
    bundle = decode_bundle((ledger.call_in(ledger.beacon, accepted.tx_hash) or {})["bundle"])
    announced = {attestation.seat for attestation in shard.attestations(number, 0)}
    announced |= {proposal.checkpoint.turn for proposal in shard.proposals(number, 0)}
    (seat,) = bundle.keys() - announced
    return ledger.beacon.committee(number, SHARD)[seat]


def test_an_old_copy_is_refused_whatever_it_was_that_its_key_signed(town: Town, tmp_path: Path) -> None:
    """A commit, a proposal, an attestation, a signature in a bundle, a publication; who signed nothing may go on."""
    network, backup = town.network(clients=[1, 2, 3]), Backup(town, tmp_path / "elsewhere")
    number = reach_checkpoint_phase(network)
    verify(network)
    publish(without(network, completer_of(town, number)))
    used = {name for name, key in town.keys.items() if key.next_leaf}
    refused: dict[str, KeyFileBehind] = {}
    for name in town.keys:
        old = backup.restore(name)
        try:
            town.join(name)
        except KeyFileBehind as refusal:
            refused[name] = refusal
        assert old.next_leaf == 0, "nothing was signed"
    assert refused.keys() == used
    assert {refusal.contract for refusal in refused.values()} == {"Staking", "shard 0"}


def test_a_copy_that_lags_by_rounds_in_which_it_was_silent_is_refused(town: Town, tmp_path: Path) -> None:
    """The search goes back to where the validator spoke last. The committee is everybody, three of them suffice."""
    network, backup = town.network(clients=[1]), Backup(town, tmp_path / "elsewhere")
    spoke = network.ledger.beacon.committee(run_round(network).round, SHARD)[0]
    for _ in range(2):
        run_round(without(network, spoke))
    name = next(name for name in town.keys if town.join(name) == spoke)
    backup.restore(name)
    with pytest.raises(KeyFileBehind):
        town.join(name)


def test_a_key_that_replaced_another_is_judged_by_its_own_leaves(town: Town, tmp_path: Path) -> None:
    run_round(town.network(clients=[1]))
    ledger = town.ledger
    validator, old = town.join("validator-1"), town.keys["validator-1"]
    town.keys["validator-1"] = KeyFile.create(tmp_path / "new.lms", 5)
    new, nonce = town.keys["validator-1"].public, ledger.staking.participant(validator).nonce
    signature = old.sign(ledger.staking_domain.rotation(validator, new, nonce))
    town.senders["validator-1"].send(ledger.staking.rotate_key(validator, new, signature))
    old.close()
    assert town.join("validator-1") == validator


def test_what_others_announce_in_a_validators_name_does_not_stop_it(town: Town) -> None:
    """Anybody may announce any bytes; the key made none of these."""
    network = town.network(clients=[1])
    number = reach_checkpoint_phase(network)
    forged = (31).to_bytes(4) + bytes(signature_bytes(5) - 4)
    noise = CheckpointData(number, SHARD, 0, 1, bytes(32), 1, *[bytes(32)] * 3)
    shard = town.ledger.shards[SHARD]
    for seat, validator in enumerate(town.ledger.beacon.committee(number, SHARD)):
        town.owner.send(shard.attest(noise, seat, bytes(32), forged, validator))
        town.owner.send(shard.propose(noise, forged, validator))
    assert [town.join(f"validator-{n}") for n in range(1, 5)] == [v.participant for v in network.validators]


# --- a lost journal ------------------------------------------------------------------------------------------


def test_a_seat_that_lost_its_journal_says_nothing_more_in_the_round(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its proposal may be on its way. Another one now might say something else, and two cost half of the stake."""
    network = town.network(clients=[1, 2])
    number = reach_checkpoint_phase(network)
    proposer = next(validator for validator in network.validators if validator.duty().seat == 0)
    name = next(name for name in town.keys if town.join(name) == proposer.participant)
    with monkeypatch.context() as patch, pytest.raises(ChainUnreachable):
        patch.setattr(town.senders[name], "send", unreachable)
        proposer.verify(proposer.duty())
    (town.folder / name / "journal.json").unlink()
    returned = town.validator(int(name.removeprefix("validator-")))
    others = without(network, proposer.participant)
    network = replace(network, validators=[returned, *others.validators])
    verify(network)
    publish(others)
    assert (town.keys[name].next_leaf, town.accepted_turn(number)) == (1, 0)
    assert run_round(without(network, others.validators[0].participant)).included == 2
    assert town.keys[name].next_leaf > 1, "without it there is no quorum"
    town.assert_everything_stands()


def unreachable(*_calls: object) -> None:
    raise ChainUnreachable("http://127.0.0.1:9", "gone")


def test_a_publisher_that_lost_its_journal_leaves_the_model_to_others(town: Town) -> None:
    network = town.network(clients=[1])
    number = reach_checkpoint_phase(network)
    verify(network)
    place = next(place for place in range(4) if town.keys[f"validator-{place + 1}"].next_leaf)
    (town.folder / f"validator-{place + 1}" / "journal.json").unlink()
    assert not town.validator(place + 1).publish(number)
    publish(without(network, network.validators[place].participant))


def test_a_client_that_lost_its_journal_waits_for_the_next_round(town: Town) -> None:
    """Its commitment is on chain, and it cannot open it; to end for that, as it did, would lose the next rounds too."""
    network = town.network(clients=[1, 2])
    number = open_round(network)
    train(network)
    commit(network)
    used = town.keys["client-1"].next_leaf
    (town.folder / "client-1" / "journal.json").unlink()
    client = town.client(1)
    assert client.duty()[:2] == (ClientDuty.MISSED, number)
    with closing(ClientHost([client], Nudger(), town.ledger)) as host:
        assert not host.step()
    network = replace(network, clients=[client, network.clients[1]])
    assert run_round(network).included == 1
    assert town.keys["client-1"].next_leaf == used
    assert run_round(network).included == 2
    town.assert_everything_stands()


def test_a_client_that_lost_its_journal_before_its_commitment_came_out_makes_no_second_one(town: Town) -> None:
    network = town.network(clients=[1])
    number = open_round(network)
    train(network)
    (town.folder / "client-1" / "journal.json").unlink()
    network = town.network(clients=[1])
    train(network)
    assert network.clients[0].duty()[:2] == (ClientDuty.MISSED, number)
    assert town.keys["client-1"].next_leaf == 1
