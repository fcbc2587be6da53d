"""What a role has forgotten: leaves that an old copy of its key counts as unused, and a journal that was lost.

The chain tells of the first; the second nobody knows, so the role sits the open round out.
"""

from dataclasses import replace
from pathlib import Path

import pytest
from testnet import SHARD, Nudger, Testnet, fresh_testnet, in_seat, reach_checkpoint_phase, step_clients, without

from qfl.chain.contracts.beacon import Phase
from qfl.chain.contracts.shard import ClientDuty
from qfl.crypto.keyfile import KeyFile
from qfl.crypto.lms import signature_bytes
from qfl.devnet import Devnet
from qfl.errors import ChainUnreachable, KeyFileBehind
from qfl.protocol.types import Checkpoint, ParticipantId, RoundNumber
from qfl.quorum.quorum import scheme_of
from qfl.scheduler import ClientHost
from qfl.simulation.driver import run_round, run_until

pytestmark = pytest.mark.rest


testnet = fresh_testnet("function")


# --- an old copy of the key ----------------------------------------------------------------------------------


class Backup:
    """The testnet's key files as they are now; restored, they are on a machine that remembers nothing of them."""

    def __init__(self, testnet: Testnet, elsewhere: Path) -> None:
        self.testnet, self.elsewhere = testnet, elsewhere
        self.files = {name: (testnet.folder / name / "key.lms").read_bytes() for name in testnet.keys}

    def restore(self, name: str) -> KeyFile:
        self.testnet.keys[name].close()
        path = self.testnet.folder / name / "key.lms"
        path.write_bytes(self.files[name])
        self.testnet.keys[name] = KeyFile.open(path, self.elsewhere)
        return self.testnet.keys[name]


def completer_of(testnet: Testnet, number: RoundNumber) -> ParticipantId:
    """The seat whose signature is in the bundle and nowhere else."""
    ledger, shard = testnet.ledger, testnet.ledger.shards[SHARD]
    (accepted,) = ledger.round(number).accepted()
    call = ledger.call_in(ledger.beacon, accepted.tx_hash)
    assert call is not None
    bundle = scheme_of(ledger).signatures_in(call["bundle"])
    announced = {attestation.seat for attestation in shard.attestations(number, 0)}
    announced |= {proposal.checkpoint.turn for proposal in shard.proposals(number, 0)}
    (seat,) = bundle.keys() - announced
    return ledger.beacon.committee(number, SHARD)[seat]


def test_an_old_copy_is_refused_whatever_it_was_that_its_key_signed(testnet: Testnet, tmp_path: Path) -> None:
    """A commit, a proposal, an attestation, a signature in a bundle; who signed nothing may go on."""
    network, backup = testnet.network(clients=[1, 2, 3]), Backup(testnet, tmp_path / "elsewhere")
    first = {name: key.next_leaf for name, key in testnet.keys.items()}
    number = reach_checkpoint_phase(network)
    run_until(network, Phase.IDLE)
    assert completer_of(testnet, number)
    used = {name for name, key in testnet.keys.items() if key.next_leaf > first[name]}
    refused: dict[str, KeyFileBehind] = {}
    for name in testnet.keys:
        old = backup.restore(name)
        try:
            testnet.join(name)
        except KeyFileBehind as refusal:
            refused[name] = refusal
        assert old.next_leaf == first[name], "nothing was signed"
    assert refused.keys() == used
    assert {refusal.contract for refusal in refused.values()} == {"shard 0"}


def test_a_copy_that_lags_by_rounds_in_which_it_was_silent_is_refused(testnet: Testnet, tmp_path: Path) -> None:
    """The search goes back to where the validator spoke last. The committee is everybody, three of them suffice."""
    network, backup = testnet.network(clients=[1]), Backup(testnet, tmp_path / "elsewhere")
    spoke = network.ledger.beacon.committee(run_round(network).round, SHARD)[0]
    for _ in range(2):
        run_round(without(network, spoke))
    name = testnet.name_of(spoke)
    backup.restore(name)
    with pytest.raises(KeyFileBehind):
        testnet.join(name)


def test_a_key_that_replaced_another_is_judged_by_its_own_leaves(testnet: Testnet) -> None:
    run_round(testnet.network(clients=[1]))
    validator = testnet.join("validator-1")
    testnet.rotate_key(validator)
    assert testnet.join("validator-1") == validator


def test_what_others_announce_in_a_validators_name_does_not_stop_it(testnet: Testnet) -> None:
    """Anybody may announce any bytes; the key made none of these."""
    network = testnet.network(clients=[1])
    number = reach_checkpoint_phase(network)
    forged = scheme_of(testnet.ledger).attestation((31).to_bytes(4) + bytes(signature_bytes(5) - 4))
    noise = Checkpoint(number, SHARD, 0, 1, bytes(32), 1, *[bytes(32)] * 3)
    shard = testnet.ledger.shards[SHARD]
    for seat, validator in enumerate(testnet.ledger.beacon.committee(number, SHARD)):
        testnet.owner.send(shard.attest(noise, seat, digest=bytes(32), signature=forged, validator=validator))
        testnet.owner.send(shard.propose(noise, forged, validator=validator))
    assert [testnet.join(f"validator-{n}") for n in range(1, 5)] == [v.participant for v in network.validators]


# --- a lost journal ------------------------------------------------------------------------------------------


def test_a_seat_that_lost_its_journal_says_nothing_more_in_the_round(
    testnet: Testnet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its proposal may be on its way. Another one now might say something else, and two cost half of the stake."""
    network = testnet.network(clients=[1, 2])
    number = reach_checkpoint_phase(network)
    proposer = in_seat(network, number, 0)
    name = testnet.name_of(proposer.participant)
    first = testnet.keys[name].next_leaf
    with monkeypatch.context() as patch, pytest.raises(ChainUnreachable):
        patch.setattr(testnet.senders[name], "send", unreachable)
        proposer.verify(proposer.duty())
    (testnet.folder / name / "journal.json").unlink()
    returned = testnet.validator(int(name.removeprefix("validator-")))
    others = without(network, proposer.participant)
    network = replace(network, validators=[returned, *others.validators])
    run_until(network, Phase.IDLE)
    assert (testnet.keys[name].next_leaf, testnet.accepted_turn(number)) == (first + 1, 0)
    assert run_round(without(network, others.validators[0].participant)).included == 2
    assert testnet.keys[name].next_leaf > first + 1, "without it there is no quorum"
    testnet.assert_everything_stands()


def unreachable(*_calls: object) -> None:
    raise ChainUnreachable("http://127.0.0.1:9", "gone")


def test_a_publisher_that_lost_its_journal_leaves_the_model_to_others(devnet: Devnet, tmp_path: Path) -> None:
    """And an old copy of the key of who published is refused."""
    with Testnet(devnet, tmp_path / "testnet", clients=2, shards=2, seats=2) as testnet:
        network, backup = testnet.network(clients=[1, 2]), Backup(testnet, tmp_path / "elsewhere")
        beacon, clients = testnet.ledger.beacon, [client.participant for client in network.clients]
        # Else the first shard's committee, whose first seat publishes, may have nothing to sign.
        number = testnet.open_round(network, lambda _: 0 in beacon.shards_of(beacon.current_round(), clients))
        run_until(network, Phase.PUBLISH)
        first, until = testnet.ledger.draw.publisher_of(number)
        name = testnet.name_of(first)
        assert testnet.keys[name].next_leaf, "it has attested"
        (testnet.folder / name / "journal.json").unlink()
        assert not testnet.validator(int(name.removeprefix("validator-"))).publish(number)
        testnet.clock.reach(until)
        publisher = testnet.name_of(testnet.ledger.draw.publisher_of(number)[0])
        run_until(without(network, first), Phase.IDLE)
        backup.restore(publisher)
        with pytest.raises(KeyFileBehind) as refusal:
            testnet.join(publisher)
        assert refusal.value.contract == "Staking"


def test_a_client_that_lost_its_journal_waits_for_the_next_round(testnet: Testnet) -> None:
    """Its commitment is on chain, and it cannot open it; to end for that, as it did, would lose the next rounds too."""
    network = testnet.network(clients=[1, 2])
    number = run_until(network, Phase.COMMIT)
    run_until(network, Phase.REVEAL)
    used = testnet.keys["client-1"].next_leaf
    (testnet.folder / "client-1" / "journal.json").unlink()
    client = testnet.client(1)
    assert client.duty()[:2] == (ClientDuty.MISSED, number)
    assert not ClientHost(testnet.ledger, [client], trainer=Nudger()).step()
    network = replace(network, clients=[client, network.clients[1]])
    assert run_round(network).included == 1
    assert testnet.keys["client-1"].next_leaf == used
    assert run_round(network).included == 2
    testnet.assert_everything_stands()


def test_a_client_that_lost_its_journal_before_its_commitment_came_out_makes_no_second_one(testnet: Testnet) -> None:
    network = testnet.network(clients=[1])
    number = run_until(network, Phase.COMMIT)
    step_clients(network)
    (testnet.folder / "client-1" / "journal.json").unlink()
    network = testnet.network(clients=[1])
    step_clients(network)
    assert network.clients[0].duty()[:2] == (ClientDuty.MISSED, number)
    assert testnet.keys["client-1"].next_leaf == 1
