"""What a role does in a step stands in the role; the daemon and the driver of a whole run only say whose turn it is."""

import ast
import re
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from qfl.chain.contracts.beacon import Phase
from qfl.chain.contracts.draw import Duty, ValidatorDuty
from qfl.chain.contracts.shard import ClientDuty
from qfl.client.client import Client
from qfl.daemon import Daemon
from qfl.errors import ContractReverted, NotFinite, StorageError
from qfl.node.context import QUIET, Step
from qfl.protocol.types import ParticipantId, RoundNumber, ShardIndex
from qfl.scheduler import Scheduler
from qfl.validator.linker import Linker
from qfl.validator.validator import Validator

ROOT = Path(__file__).parents[2]
STEPPERS = ("qfl/daemon.py", "qfl/scheduler.py", "qfl/simulation/driver.py")
ROLES = ("qfl/client/client.py", "qfl/validator/validator.py")
ACTS = {"commit", "reveal", "verify", "publish", "open_round", "look", "keep_mirrors", "seek_admission"}
"""What a role does: to be called by its own step alone."""
NUMBER, SHARD = RoundNumber(3), ShardIndex(1)


def names_in(path: str) -> set[str]:
    """Every name and attribute in a source file."""
    nodes = list(ast.walk(ast.parse((ROOT / path).read_text())))
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    return names | {node.attr for node in nodes if isinstance(node, ast.Attribute)}


@pytest.mark.parametrize("path", STEPPERS)
def test_who_lets_roles_step_knows_nothing_of_what_they_do(path: str) -> None:
    assert not names_in(path) & {"ClientDuty", "ValidatorDuty", *ACTS}


@pytest.mark.parametrize("path", ["qfl/daemon.py", "qfl/scheduler.py"])
def test_daemon_and_scheduler_use_the_same_steps(path: str) -> None:
    """The driver has the scheduler call them."""
    calls = [node.func for node in ast.walk(ast.parse((ROOT / path).read_text())) if isinstance(node, ast.Call)]
    stepped = {ast.unparse(call.value) for call in calls if isinstance(call, ast.Attribute) and call.attr == "step"}
    assert len(stepped) == 3, "a client, a validator, a challenger"
    assert {"client", "challenger"} < stepped


def test_duties_are_acted_upon_in_the_roles_alone() -> None:
    """The contracts' wrappers define duties, and the ledger reads many at once; nobody else decides by them."""
    named = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "qfl").rglob("*.py")
        if names_in(str(path.relative_to(ROOT))) & {"ClientDuty", "ValidatorDuty"}
    }
    assert {path for path in named if not path.startswith(("qfl/chain/", "qfl/apps/inspect/"))} == set(ROLES)


@pytest.mark.parametrize("others", [{"simulation/driver.py", "scheduler.py"}, {"daemon.py"}], ids=["daemon", "driver"])
def test_the_way_of_an_update_is_short_enough_to_read(others: set[str]) -> None:
    """`docs/architecture.md` tells it to whoever joins, and what it names is there."""
    page = (ROOT / "docs/architecture.md").read_text()
    way = re.findall(r"`([\w/]+\.py)`", page.partition("## One update's way")[2].partition("\n## ")[0])
    files = [path for path in way if path not in others]
    assert len(way) - len(files) == len(others)
    assert len(files) == len(set(files)) <= 30
    assert all((ROOT / "qfl" / path).exists() for path in files)


# --- a client -------------------------------------------------------------------------------------------------


class ToldClient(Client):
    """Does what it is told, and remembers that."""

    def __init__(
        self,
        *,
        mirrors: bool = False,
        prepared: bool = True,
        succeeds: bool = True,
        overtaken: bool = False,
        settled: bool = True,
    ) -> None:
        self.participant, self.index, self.done = ParticipantId(7), 0, list[str]()
        self._overtaken, self._settled = overtaken, settled
        self._ledger, self._prepared, self._succeeds = SimpleNamespace(mirrors=mirrors), prepared, succeeds

    def duty(self, said=None):
        return said

    def has_prepared(self, round_number):
        return self._prepared

    def training_task(self, round_number, shard):
        return "task"

    def prepare(self, trained):
        if trained == "poor":
            raise StorageError("no room")
        self._prepared = True

    def commit(self, round_number):
        return self._act("commit")

    def defend(self, round_number):
        return self._overtaken and self._act("defend")

    def may_reveal(self, round_number):
        return self._settled

    def reveal(self, round_number):
        return self._act("reveal")

    def seek_admission(self):
        return self._act("admission")

    def _act(self, what):
        self.done.append(what)
        return self._succeeds


@pytest.mark.parametrize(
    ("duty", "step", "done"),
    [
        (ClientDuty.COMMIT, Step(True, "round 3: committed"), ["commit"]),
        (ClientDuty.REVEAL, Step(True, "round 3: revealed"), ["reveal"]),
        (ClientDuty.NOT_ACTIVE, Step(True, "admitted to shard 1"), ["admission"]),
        (ClientDuty.MISSED, Step(note="round 3: too late to take part, waiting for the next"), []),
        (ClientDuty.WAIT, QUIET, []),
        (ClientDuty.DONE, QUIET, []),
    ],
)
def test_client_does_what_its_shard_asks_and_says_so(duty: ClientDuty, step: Step, done: list[str]) -> None:
    client = ToldClient()
    assert (client.step((duty, NUMBER, SHARD)), client.done) == (step, done)


@pytest.mark.parametrize("duty", [ClientDuty.COMMIT, ClientDuty.REVEAL])
def test_client_that_was_overtaken_has_not_acted(duty: ClientDuty) -> None:
    """A loop that took it for an act would not wait before the next look at the chain."""
    assert not ToldClient(succeeds=False).step((duty, NUMBER, SHARD))


@pytest.mark.parametrize(("mirrors", "why"), [(False, "its stake is below the minimum"), (True, "its mirror shows no")])
def test_client_that_is_not_active_says_why(mirrors: bool, why: str) -> None:
    step = ToldClient(mirrors=mirrors, succeeds=False).step((ClientDuty.NOT_ACTIVE, NUMBER, SHARD))
    assert (step.has_acted, why in step.note) == (False, True)


def test_client_signs_when_somebody_has_committed_with_its_token() -> None:
    client = ToldClient(overtaken=True)
    assert client.step((ClientDuty.WAIT, NUMBER, SHARD)).has_acted
    assert client.done == ["defend"]


def test_client_keeps_its_key_until_the_commitment_is_settled() -> None:
    client = ToldClient(settled=False)
    step = client.step((ClientDuty.REVEAL, NUMBER, SHARD))
    assert (step.has_acted, step.note) == (False, "round 3: the key waits until the commitment is final")
    assert client.done == []


def test_client_asks_for_training_before_it_commits() -> None:
    client = ToldClient(prepared=False)
    assert client.step((ClientDuty.COMMIT, NUMBER, SHARD)) == Step(True, "round 3: training", "task")
    assert client.done == []


# --- a validator ----------------------------------------------------------------------------------------------


class ToldValidator(Validator):
    """Does what it is told, and remembers that."""

    def __init__(self, kind: ValidatorDuty, *, refusal: str = "", waiting: int = 0) -> None:
        self.participant, self.done, self._refusal = ParticipantId(9), list[str](), refusal
        self._seat, self._told, self._waiting = None, Duty(kind, NUMBER, SHARD, 2, 0), waiting

    def duty(self):
        return self._told

    def answer_demands(self):
        return False

    def keep_draw(self, phases=()):
        return False

    def keep_mirrors(self):
        return False

    def settle(self):
        self.done.append("settle")

    def charge(self, round_number):
        self.done.append("charge")

    def open_round(self):
        if self._refusal:
            raise ContractReverted("open_round", self._refusal, {})
        return self._act("open")

    def let_changes_count(self):
        return self._waiting > 0 and self._act("take")

    def look(self, round_number):
        self._act("look")

    def verify(self, duty):
        return self._act("verify")

    def publish(self, round_number):
        return self._act("publish")

    def _act(self, what):
        self.done.append(what)
        return True


ASKED = {
    ValidatorDuty.OPEN_ROUND: (Phase.IDLE, ["settle", "charge", "open"]),
    ValidatorDuty.WAIT: (Phase.REVEAL, ["look"]),
    ValidatorDuty.VERIFY: (Phase.CHECKPOINT, ["verify"]),
    ValidatorDuty.PUBLISH: (Phase.PUBLISH, ["publish"]),
}


@pytest.mark.parametrize("kind", ASKED)
def test_validator_does_what_the_beacon_asks_in_any_phase_or_in_its_own_alone(kind: ValidatorDuty) -> None:
    """A driver that lets everybody verify must not have the last one publish before the challenger has looked."""
    phase, done = ASKED[kind]
    for phases, expected in (([phase], done), (list(Phase), done), ([other for other in Phase if other != phase], [])):
        validator = ToldValidator(kind)
        validator.step(phases)
        assert validator.done == expected


def test_validator_that_cannot_open_yet_says_why_and_any_other_refusal_is_told() -> None:
    step = ToldValidator(ValidatorDuty.OPEN_ROUND, refusal="TooFewValidators").step()
    assert (step.has_acted, step.refusal.name) == (False, "TooFewValidators")
    assert step.note.startswith("round 4 cannot be opened yet: open_round was refused: TooFewValidators")
    for refusal in ("TooFewValidators", "TooManyIdle"):
        validator = ToldValidator(ValidatorDuty.OPEN_ROUND, refusal=refusal, waiting=40)
        assert validator.step().has_acted and validator.done[-1] == "take"
    with pytest.raises(ContractReverted, match="Paused"):
        ToldValidator(ValidatorDuty.OPEN_ROUND, refusal="Paused").step()


class LongQueue:
    """A chain, its draw and a sender in one: a part of the seats is refused while changes wait, or for good."""

    opening = "block"

    def __init__(self, waiting: int, refusal: str = "TooManyIdle") -> None:
        self.beacon = self.draw = self
        self.sent, self._waiting, self._refusal, self.is_complete = list[str](), waiting, refusal, False

    def current_round(self):
        return NUMBER

    def round(self, number):
        return self

    draw_of = round

    def context(self):
        return SimpleNamespace(phase=Phase.COMMIT)

    def seats_of(self, number):
        return [ParticipantId(1)]

    def queue_length(self):
        return self._waiting

    def draw_seats(self, number):
        return "drawSeats"

    def take_changes(self):
        return "takeChanges"

    def send(self, call):
        if call == "drawSeats" and self._refusal:
            raise ContractReverted(call, self._refusal, {})
        self.sent.append(call)
        self.is_complete = call == "drawSeats"
        self._waiting -= call == "takeChanges"
        if not self._waiting:
            self._refusal = ""
        return call


def linker_on(chain: LongQueue) -> Linker:
    return Linker(SimpleNamespace(ledger=chain, sender=chain, folder=None, key=None), ParticipantId(9))


def test_a_validator_that_cannot_draw_seats_lets_changes_count_first() -> None:
    chain = LongQueue(waiting=2)
    assert linker_on(chain).step([Phase.COMMIT])
    assert chain.sent == ["takeChanges", "takeChanges", "drawSeats"]
    with pytest.raises(ContractReverted, match="TooFewValidators"):
        linker_on(LongQueue(waiting=0, refusal="TooFewValidators")).step([Phase.COMMIT])


def test_a_validator_draws_no_more_seats_of_a_round_that_is_over() -> None:
    chain = LongQueue(waiting=1, refusal="NotCurrentRound")
    assert not linker_on(chain).step([Phase.COMMIT]) and not chain.sent


# --- many at once ---------------------------------------------------------------------------------------------


class Training:
    """Stands in for training: the client with index 1 diverges, that with index 2 comes to something poor."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []

    def train(self, tasks, clients):
        self.batches.append(list(clients))
        if 1 in clients:
            raise NotFinite("loss", list(clients).index(1))
        return ["poor" if client == 2 else "good" for client in clients]


@pytest.mark.parametrize("at_once", [1, 4])
def test_all_who_ask_are_trained_in_one_batch_and_who_fails_has_not_acted(at_once: int) -> None:
    clients = [ToldClient(prepared=False) for _ in range(4)]
    for index, client in enumerate(clients):
        client.participant, client.index = ParticipantId(index + 1), index
    asked = [(ClientDuty.COMMIT, NUMBER, SHARD)] * 4
    training, ledger = Training(), SimpleNamespace(client_duties=lambda _clients: asked)
    steps = Scheduler(ledger, at_once=at_once).step_clients(clients, training)
    assert training.batches == [[0, 1, 2, 3], [0, 2, 3]]
    assert [bool(step) for step in steps] == [True, False, False, True]
    assert not any(client.done for client in clients)


@pytest.mark.parametrize("at_once", [1, 4])
def test_a_scheduler_hands_on_why_a_round_cannot_be_opened(at_once: int) -> None:
    """A driver moves the clock by it: a step in which nothing was done may still say something."""
    validator, ledger = ToldValidator(ValidatorDuty.OPEN_ROUND, refusal="TooManyUnsettled"), SimpleNamespace()
    (step,) = Scheduler(ledger, at_once=at_once).step_validators([validator], Phase.IDLE, stage="open")
    assert step.refusal.name == "TooManyUnsettled"


def test_a_daemon_logs_what_its_role_says_once(caplog: pytest.LogCaptureFixture) -> None:
    steps = [Step(note="waiting"), Step(note="waiting"), Step(True, "done"), Step(True), Step(note="waiting")]
    stop, left = threading.Event(), iter(steps)

    def step() -> Step:
        if (done := next(left, None)) is None:
            stop.set()
        return QUIET if done is None else done

    with caplog.at_level("INFO", logger="qfl"):
        Daemon(0.0, stop).run(step)
    assert caplog.messages == ["waiting", "done", "waiting"]
