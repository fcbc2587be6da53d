"""A client across rounds and restarts: it promises once, says the same again, and forgets no rounding error."""

import shutil
from types import SimpleNamespace

import numpy as np
import pytest

from experiments.poisoning.client import POISONERS
from qfl.chain.contracts.shard import ClientDuty
from qfl.chain.rounds import Round
from qfl.client.client import KEPT_ROUNDS, Client
from qfl.crypto.hash_chain import HashChain
from qfl.crypto.keyfile import KeyFile
from qfl.crypto.lms import verify
from qfl.errors import ContractReverted, InvalidInput, KeyFileBehind, ModelRejected, StateCorrupt
from qfl.node.context import NodeContext
from qfl.node.journal import begin_journal
from qfl.protocol.content import content_digest, decode, encode, lanes_root
from qfl.protocol.digests import Domain, as_salt, compute_commitment, keyed_slot
from qfl.protocol.recompute import model_content
from qfl.protocol.state import from_state
from qfl.protocol.types import LaneFormat, ModelShape, ParticipantId, RoundNumber, ShardIndex, TrainingResult
from qfl.quantum.architecture import Architecture
from qfl.storage.store import MemoryStore
from qfl.training.job import JobDocument
from qfl.training.recipe import TrainingConfig

SHAPE = ModelShape(3, 2)
GENESIS = model_content(RoundNumber(0), np.array([5, -6, 7, 8, -9], np.int32), SHAPE)
DOMAIN = Domain(31_337, "0x" + "11" * 20)
PARAMETERS = SimpleNamespace(format=LaneFormat(16, 14, 10), trim_bps=0, norm_bound=2**35, hash=bytes(32))
SHARD = ShardIndex(0)


def call(name):
    return lambda *arguments, **named: (name, (*arguments, *named.values()))


class Sender:
    """Keeps what it is told to send; refuses with `refusal` when there is one."""

    def __init__(self) -> None:
        self.sent, self.refusal = [], None

    def send(self, message):
        if self.refusal is not None:
            raise ContractReverted(message[0], self.refusal, {})
        self.sent.append(message)
        return SimpleNamespace(size=1_000)


class Planned(Round):
    """A round that trains on what the ledger says."""

    @property
    def plan(self):
        return self.ledger.plan(self.number)


@pytest.fixture(scope="module")
def pristine(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pristine")
    KeyFile.create(folder / "key", 5, folder / "state").close()
    return folder / "key"


@pytest.fixture
def world(pristine, tmp_path):
    """A chain whose every round trains on the genesis model, a store that has it, a sender and a key."""
    plan = SimpleNamespace(
        base_round=RoundNumber(0),
        base_root=lanes_root(GENESIS),
        base_digest=content_digest(encode(GENESIS)),
        parameters=PARAMETERS,
    )
    beacon = SimpleNamespace(shape=lambda: SHAPE)
    shard = SimpleNamespace(
        commit=call("commit"),
        commit_by_key=call("commit_by_key"),
        reveal=call("reveal"),
        next_leaf=lambda _client: 0,
        update_of=lambda *_place: shard.slot,
        slot=bytes(32),
    )
    ledger = SimpleNamespace(
        beacon=beacon,
        shards=[shard],
        mirrors=[],
        shard_domains=[DOMAIN],
        base=plan,
        plan=lambda _number: plan,
        norm_verifier=lambda _shard: None,
        round=lambda number: Planned(ledger, number, ()),
    )
    store = MemoryStore()
    store.put(encode(GENESIS))
    with KeyFile.open(shutil.copy2(pristine, tmp_path / "key.lms"), tmp_path / "state") as key:
        yield SimpleNamespace(ledger=ledger, store=store, sender=Sender(), key=key, folder=tmp_path / "client")


def start(world, signing=None):
    """The client's process, started."""
    return Client(context_of(world, world.folder), ParticipantId(4), index=0, seed=1, signing=signing)


class Keys:
    """Signing by key, with a chain of its own; what the nodes say of a slot's finality is given."""

    def __init__(self, settled=True):
        self.chain, self.settled, self.asked = HashChain(b"\7" * 32, DOMAIN.contract.encode(), 8), settled, []

    def keys_of(self, _shard, number):
        return self.chain.keys_of(number, 1)

    def needs_chain(self, _shard, _number):
        return False

    def is_settled(self, shard, number, slot):
        self.asked.append(slot)
        return self.settled


def context_of(world, folder):
    return NodeContext(world.ledger, world.sender, world.store, world.key, folder)


def trained(task, turn=0.1):
    """A model that turned every angle, and a third of a lane besides, so that something is left over."""
    return TrainingResult(task.angles + turn + 2**14 / 3 * 4 * np.pi / 2**32, task.weights)


def prepare(client, number, turn=0.1):
    client.prepare(trained(client.training_task(RoundNumber(number), SHARD), turn))


def test_task_is_the_base_model_with_a_seed_of_its_own_for_each_round(world):
    client = start(world)
    first, second = (client.training_task(RoundNumber(number), SHARD) for number in (1, 2))
    assert first.angles.tolist() == from_state(GENESIS.lanes, SHAPE)[0].tolist()
    assert first.seed != second.seed


def test_base_model_that_is_not_the_published_one_is_not_trained_on(world):
    world.ledger.base.base_root = b"x" * 32
    with pytest.raises(ModelRejected):
        start(world).training_task(RoundNumber(1), SHARD)


def test_commitment_opens_to_the_stored_update_and_is_signed(world):
    client = start(world)
    prepare(client, 1)
    client.commit(RoundNumber(1))
    client.reveal(RoundNumber(1))
    (_, (number, participant, base_root, commitment, signature)), (_, revealed) = world.sender.sent
    assert (number, participant, base_root) == (1, 4, lanes_root(GENESIS))
    assert verify(world.key.public, DOMAIN.commit(1, 4, base_root, commitment), signature)
    _, _, update_root, digest, salt = revealed
    assert commitment == compute_commitment(1, 4, update_root, digest, salt)
    assert lanes_root(decode(world.store.blocks[digest])) == update_root


def test_update_is_nowhere_but_here_before_the_reveal(world):
    """On IPFS any earlier, another client could copy it and commit to it."""
    client = start(world)
    prepare(client, 1)
    client.commit(RoundNumber(1))
    assert len(world.store.blocks) == 1
    client.reveal(RoundNumber(1))
    assert len(world.store.blocks) == 2


def test_restarted_client_says_the_same_again_and_does_not_train_again(world):
    """Another update under a commitment that is on chain could never be revealed."""
    client = start(world)
    prepare(client, 1)
    client.commit(RoundNumber(1))
    restarted = start(world)
    assert restarted.has_prepared(RoundNumber(1))
    restarted.commit(RoundNumber(1))
    assert world.sender.sent[0] == world.sender.sent[1]
    assert world.key.next_leaf == 1


@pytest.mark.parametrize("kept", [b"", b"x", bytes(32), bytes(48)], ids=["empty", "torn", "short", "long"])
def test_what_rounding_left_over_is_named_when_it_is_damaged(world, kept):
    client = start(world)
    prepare(client, 1)
    (world.folder / "residual-1.f64").write_bytes(kept)
    with pytest.raises(StateCorrupt, match=r"residual-1\.f64 is damaged"):
        prepare(client, 2)


def test_killed_before_it_had_promised_it_trains_again(world, monkeypatch):
    """The update is on disk, its commitment is not: what nobody has heard of may change."""
    client = start(world)
    with monkeypatch.context() as patch:
        patch.setattr("qfl.node.journal.Journal.put", lambda *_args, **_record: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            prepare(client, 1)
    restarted = start(world)
    assert not restarted.has_prepared(RoundNumber(1))
    prepare(restarted, 1)
    assert restarted.commit(RoundNumber(1))


def test_rounding_error_goes_into_the_next_update_also_after_a_restart(world):
    """Five rounds of a third of a lane: their sum is right to one lane, which no single rounding is."""
    for number in range(1, 6):
        client = start(world)
        prepare(client, number, turn=0.0)
        client.reveal(RoundNumber(number))
    lanes = [decode(world.store.blocks[arguments[3]]).lanes[:3] for _, arguments in world.sender.sent]
    assert np.abs(np.sum(lanes, axis=0) - 5 / 3).max() <= 1


def test_rounds_that_are_over_leave_no_files(world):
    client = start(world)
    for number in range(1, KEPT_ROUNDS + 4):
        prepare(client, number)
    kept = {int(path.stem.split("-")[1]) for path in world.folder.glob("*-*.*")}
    assert kept == {KEPT_ROUNDS - 0, KEPT_ROUNDS + 1, KEPT_ROUNDS + 2, KEPT_ROUNDS + 3}


def test_files_are_private(world):
    """An update that others can read before its reveal can be copied."""
    prepare(start(world), 1)
    assert {path.stat().st_mode & 0o777 for path in world.folder.iterdir()} == {0o600}


@pytest.mark.parametrize("refusal", ["AlreadyCommitted", "WrongPhase", "NotCurrentRound"])
def test_being_too_late_is_no_fault(world, refusal):
    """Anyone may relay a signed commitment: that it is there already is what the client wants."""
    client = start(world)
    prepare(client, 1)
    world.sender.refusal = refusal
    assert client.commit(RoundNumber(1)) is False


def test_any_other_refusal_is_told(world):
    client = start(world)
    prepare(client, 1)
    world.sender.refusal = "BadSignature"
    with pytest.raises(ContractReverted, match="BadSignature"):
        client.commit(RoundNumber(1))


def test_nothing_is_committed_that_was_not_prepared(world):
    with pytest.raises(InvalidInput, match="has prepared nothing"):
        start(world).commit(RoundNumber(3))


# --- keys -----------------------------------------------------------------------------------------------------


def test_commitment_by_key_opens_with_the_key_that_hashes_to_its_token_and_spends_no_leaf(world):
    client, keys = start(world, Keys()), Keys().keys_of(SHARD, 1)
    prepare(client, 1)
    client.commit(RoundNumber(1))
    client.reveal(RoundNumber(1))
    (name, (number, participant, base_root, commitment, token)), (_, revealed) = world.sender.sent
    assert (name, number, participant, base_root) == ("commit_by_key", 1, 4, lanes_root(GENESIS))
    _, _, update_root, digest, salt = revealed
    opening = compute_commitment(1, 4, update_root, digest, salt)
    assert (token, salt, commitment) == (keys.token, as_salt(keys.key), DOMAIN.keyed(base_root, opening))
    assert world.key.next_leaf == 0


def test_restarted_client_commits_by_the_same_key_to_the_same(world):
    prepare(start(world, Keys()), 1)
    for signing in (Keys(), None):
        assert start(world, signing).commit(RoundNumber(1))
    assert world.sender.sent[0] == world.sender.sent[1]


def test_round_without_links_is_signed(world):
    client = start(world, Keys())
    prepare(client, 5)
    client.commit(RoundNumber(5))
    assert world.sender.sent[0][0] == "commit"


@pytest.mark.parametrize("settled", [True, False])
def test_key_is_shown_once_the_slot_with_its_own_commitment_is_settled(world, settled):
    client = start(world, keys := Keys(settled))
    prepare(client, 1)
    client.commit(RoundNumber(1))
    _, (_, _, _, commitment, token) = world.sender.sent[0]
    assert client.may_reveal(RoundNumber(1)) is settled
    assert keys.asked == [keyed_slot(commitment, token)]


def test_who_was_quicker_with_the_token_is_answered_with_a_signature_and_the_key_stays_secret(world):
    """A crash between the journal and the transaction changes nothing: the same signature is sent."""
    client = start(world, Keys(settled=False))
    prepare(client, 1)
    assert not client.defend(RoundNumber(1)), "nobody has committed yet"
    world.ledger.shards[0].slot = keyed_slot(b"m" * 32, Keys().keys_of(SHARD, 1).token)
    world.sender.refusal = "WrongPhase"
    assert not client.defend(RoundNumber(1))
    world.sender.refusal = None
    restarted = start(world, Keys(settled=False))
    assert restarted.defend(RoundNumber(1))
    assert restarted.may_reveal(RoundNumber(1))
    restarted.reveal(RoundNumber(1))
    (name, (_, _, base_root, commitment, signature)), (_, (_, _, root, digest, salt)) = world.sender.sent
    assert name == "commit"
    assert verify(world.key.public, DOMAIN.commit(1, 4, base_root, commitment), signature)
    assert commitment == compute_commitment(1, 4, root, digest, salt)
    assert salt != as_salt(Keys().keys_of(SHARD, 1).key)
    assert world.key.next_leaf == 1


def test_own_commitment_in_the_slot_is_left_alone(world):
    client = start(world, Keys())
    prepare(client, 1)
    client.commit(RoundNumber(1))
    _, (_, _, _, commitment, token) = world.sender.sent[0]
    world.ledger.shards[0].slot = keyed_slot(commitment, token)
    assert not client.defend(RoundNumber(1))
    assert len(world.sender.sent) == 1


def test_chain_that_the_shard_does_not_know_is_no_reason_to_miss_the_round(world):
    client, sent = start(world, Keys()), world.sender.send
    prepare(client, 1)

    def refuse_keys(message):
        if message[0] == "commit_by_key":
            raise ContractReverted(message[0], "BadToken", {})
        return sent(message)

    world.sender.send = refuse_keys
    assert client.commit(RoundNumber(1))
    assert world.sender.sent[0][0] == "commit"


# --- a journal that was lost ----------------------------------------------------------------------------------


def lose_journal(world):
    """Take the journal away, and let the role start as `join` does."""
    (world.folder / "journal.json").unlink()
    begin_journal(world.folder / "journal.json", world.key, RoundNumber(1))
    return start(world)


@pytest.mark.parametrize("duty", [ClientDuty.COMMIT, ClientDuty.REVEAL])
def test_client_that_lost_its_journal_sits_the_round_out(world, duty):
    """It may have committed, to something that it cannot open any more."""
    prepare(start(world), 1)
    client = lose_journal(world)
    assert client.remembered(duty, RoundNumber(1)) is ClientDuty.MISSED
    assert client.remembered(ClientDuty.COMMIT, RoundNumber(2)) is ClientDuty.COMMIT
    prepare(client, 2)
    assert client.remembered(ClientDuty.REVEAL, RoundNumber(2)) is ClientDuty.REVEAL
    assert lose_journal(world).remembered(ClientDuty.WAIT, RoundNumber(1)) is ClientDuty.WAIT


def test_client_with_its_journal_goes_on_in_the_same_round(world):
    begin_journal(world.folder / "journal.json", world.key, RoundNumber(1))
    prepare(start(world), 1)
    begin_journal(world.folder / "journal.json", world.key, RoundNumber(1))
    assert start(world).remembered(ClientDuty.COMMIT, RoundNumber(1)) is ClientDuty.COMMIT
    assert start(world).remembered(ClientDuty.REVEAL, RoundNumber(1)) is ClientDuty.REVEAL


def test_key_that_is_behind_the_shard_commits_to_nothing(world):
    world.ledger.shards[0].next_leaf = lambda _client: 5
    client = start(world)
    with pytest.raises(KeyFileBehind, match=r"key\.lms would sign with leaf 0, but shard 0 has seen leaf 4"):
        prepare(client, 1)
    assert (world.key.next_leaf, client.has_prepared(RoundNumber(1))) == (0, False)


def publish(world, number, lanes, before):
    """Let `number` be a round that published a model of these lanes, and the base of the rounds after it."""
    model = model_content(RoundNumber(number), np.array(lanes, np.int32), SHAPE, lanes_root(before))
    earlier = world.ledger.base
    world.ledger.base = SimpleNamespace(
        base_round=RoundNumber(number),
        base_root=lanes_root(model),
        base_digest=world.store.put(encode(model)),
        parameters=PARAMETERS,
    )
    world.ledger.plan = lambda asked: earlier if asked <= number else world.ledger.base
    return model


def train_round(client, number, control):
    """One round's training, whose control variate comes to `control` in every coordinate."""
    task = client.training_task(RoundNumber(number), SHARD)
    client.prepare(TrainingResult(task.angles + 0.1, task.weights, np.full(SHAPE.total, control)))
    return task


def test_first_model_has_no_trail(world):
    assert start(world).training_task(RoundNumber(1), SHARD).model_delta is None


def test_trail_is_what_the_last_round_changed_and_the_own_variate_also_after_a_restart(world):
    train_round(start(world), 1, 0.25)
    publish(world, 1, [5, -6, 7 + 2**20, 8, -9 + 2**24], GENESIS)
    model_delta = start(world).training_task(RoundNumber(2), SHARD).model_delta
    assert model_delta.round == 1
    assert model_delta.step == pytest.approx([0, 0, 2**20 * 4 * np.pi / 2**32, 0, 1.0])
    assert model_delta.own.tolist() == [0.25] * SHAPE.total


def test_model_before_the_base_is_not_fetched_again_by_who_trained_on_it(world):
    train_round(start(world), 1, 0.25)
    publish(world, 1, [6, -6, 7, 8, -9], GENESIS)
    del world.store.blocks[content_digest(encode(GENESIS))]
    assert start(world).training_task(RoundNumber(2), SHARD).model_delta is not None


def test_client_that_missed_rounds_fetches_what_it_did_not_train_on_and_keeps_its_variate(world):
    train_round(start(world), 1, 0.5)
    missed = publish(world, 1, [6, -6, 7, 8, -9], GENESIS)
    publish(world, 2, [6, -6, 7, 8, -9 + 2**23], missed)
    model_delta = start(world).training_task(RoundNumber(3), SHARD).model_delta
    assert (model_delta.round, model_delta.step.tolist()) == (2, [0, 0, 0, 0, 0.5])
    assert model_delta.own.tolist() == [0.5] * SHAPE.total


def test_newcomer_has_a_trail_without_a_variate_of_its_own(world):
    publish(world, 1, [6, -6, 7, 8, -9], GENESIS)
    model_delta = start(world).training_task(RoundNumber(2), SHARD).model_delta
    assert model_delta.step[0] > 0
    assert model_delta.own is None


def test_client_trains_without_a_trail_when_the_model_before_the_base_is_gone(world, caplog):
    """It was let go: one round's training is worse for it, none would be worse still."""
    publish(world, 1, [6, -6, 7, 8, -9], GENESIS)
    del world.store.blocks[content_digest(encode(GENESIS))]
    task = start(world).training_task(RoundNumber(2), SHARD)
    assert task.model_delta is None
    assert "without control variates this once" in caplog.text


def test_damaged_copy_of_the_last_base_is_fetched_again(world):
    train_round(start(world), 1, 0.25)
    publish(world, 1, [6, -6, 7, 8, -9], GENESIS)
    (world.folder / "base-1.bin").write_bytes(b"half a mod")
    assert start(world).training_task(RoundNumber(2), SHARD).model_delta.step[0] > 0


def test_recipe_without_control_variates_leaves_none_on_disk(world):
    prepare(start(world), 1)
    assert not list(world.folder.glob("control-*"))


def test_poisoners_of_one_job_draw_for_themselves(world):
    """With the same seed and the same training, as with colluders: one noise for all would be found as copies."""
    job = JobDocument(Architecture(), TrainingConfig(), rounds=1).to_json()
    world.ledger.beacon.architecture_digest = lambda: world.store.put(job)
    lanes = []
    for index in (0, 1):
        context = context_of(world, world.folder / str(index))
        client = POISONERS["gaussian"](context, ParticipantId(4 + index), index=index, seed=1)
        prepare(client, 1)
        content = decode((world.folder / str(index) / "update-1.bin").read_bytes())
        lanes.append(content.lanes.astype(int))
    assert abs(lanes[0] - lanes[1]).max() > 1, "apart by rounding at most"
