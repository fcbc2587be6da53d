"""Three clients and four validators, each a process of its own; one of each is killed in mid-round and comes back.

The chain mines every second. The test moves its clock past a phase once everybody has acted, so deadlines are long and
nothing here depends on how fast the machine is; it polls for what it waits for.
"""

import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from testnet import SHARD, Testnet
from waiting import PATIENCE_SECONDS

from qfl.auditor.rounds import Auditor
from qfl.chain.contracts.beacon import Phase
from qfl.chain.contracts.shard import UNSIGNED
from qfl.chain.contracts.vote_quorum import VoteQuorum
from qfl.crypto.lms import leaf_of
from qfl.devnet import Devnet, DevnetConfig
from qfl.node.standing import published_rounds
from qfl.protocol.types import ParticipantId, RoundNumber
from qfl.quantum.architecture import Architecture
from qfl.quorum.quorum import scheme_of
from qfl.training.job import JobDocument
from qfl.training.recipe import TrainingConfig

DIGITS = JobDocument(
    Architecture(qubits=6, layers=1, classes=3, head=False),
    TrainingConfig(steps=2, batch_size=8),
    rounds=3,
)
DEADLINES = {"commitSeconds": 900, "revealSeconds": 900, "checkpointSeconds": 900, "publishSeconds": 900}


class Processes:
    """The testnet's people as processes; each can be killed and started again."""

    def __init__(self, testnet: Testnet) -> None:
        self.testnet = testnet
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, rounds: int = 3) -> None:
        """Start `qfl client run` or `qfl validator run`; a name that ran before has its old key and folder.

        `rounds` are those still to come: who starts again counts anew.
        """
        role, number = name.split("-")
        folder = self.testnet.folder / name
        offset = 0 if role == "client" else 3
        command = [
            *(sys.executable, "-c", "from qfl.apps.cli.main import main; main()", role, "run"),
            *("--account", f"dev:{offset + int(number)}"),
            *(*self.testnet.where, "--key", str(folder / "key.lms"), "--folder", str(folder)),
            *("--rounds", str(rounds), "--poll", "0.4"),
        ]
        if role == "client":
            command += ["--dataset", "digits", "--share", f"{number}/3"]
        with (folder / "log").open("ab") as log:
            self.running[name] = subprocess.Popen(command, stdout=log, stderr=log)

    def kill(self, name: str) -> None:
        """As a power cut does."""
        self.running[name].kill()
        self.running[name].wait()

    def send_signal(self, name: str, number: signal.Signals) -> None:
        """Put it to sleep, or wake it."""
        self.running[name].send_signal(number)

    def log_of(self, name: str) -> str:
        return (self.testnet.folder / name / "log").read_text()

    def wait_for(self, what: str, happened: Callable[[], bool]) -> None:
        """Poll until it happened; a process that ended in error fails the test at once."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not happened():
            ended = {name: process.poll() for name, process in self.running.items() if process.poll()}
            logs = "".join(f"\n--- {name}\n{self.log_of(name)}" for name in ended or self.running)
            assert not ended, f"waiting for {what}: ended with {ended}{logs}"
            assert time.monotonic() < deadline, f"{what} did not happen{logs}"
            time.sleep(0.05)

    def wait_for_model(self, number: RoundNumber) -> None:
        self.wait_for(f"model {number}", lambda: number in published_rounds(self.testnet.ledger))


@pytest.fixture
def testnet(tmp_path: Path) -> Iterator[Testnet]:
    with (
        Devnet(DevnetConfig(tmp_path / "devnet", block_time=1)) as devnet,
        Testnet(devnet, tmp_path, job=DIGITS, **DEADLINES) as built,
    ):
        yield built


@pytest.fixture
def processes(testnet: Testnet) -> Iterator[Processes]:
    testnet.close()  # the keys are the processes' now
    made = Processes(testnet)
    yield made
    for process in made.running.values():
        process.kill()
        process.wait()


def test_a_killed_client_and_a_killed_validator_lose_nothing(testnet: Testnet, processes: Processes) -> None:
    names = start_everybody(processes)
    client = play_round_1_killing_a_client(processes, names)
    validator = play_round_2_killing_the_proposer(processes, names)
    testnet.devnet.restart()
    testnet.devnet.restart("ipfs")
    play_round_3_needing_the_revived(processes, names, validator)
    processes.wait_for("the end", lambda: all(process.poll() == 0 for process in processes.running.values()))

    counts = [testnet.ledger.beacon.checkpoint_at(RoundNumber(number), SHARD).count for number in (1, 2, 3)]
    assert counts == [3, 3, 3], "an update was lost"
    signed: dict[tuple[ParticipantId, int], set[bytes]] = defaultdict(set)
    for number in (1, 2, 3):
        for signer, signature in signatures_on_chain(testnet, RoundNumber(number)):
            signed[signer, leaf_of(signature)].add(signature)
    assert validator in {signer for signer, _ in signed}
    assert all(len(signatures) == 1 for signatures in signed.values()), "a leaf signed twice"
    commits = [
        commit for number in (1, 2, 3) for commit in testnet.ledger.shards[SHARD].commits(RoundNumber(number), 0)
    ]
    assert [commit.client for commit in commits].count(client) == 3, "one commitment in each round"
    assert {commit.leaf for commit in commits} == {UNSIGNED}
    verdicts = list(Auditor(testnet.ledger, testnet.store).audit())
    assert [verdict.complaints for verdict in verdicts] == [[], [], []]
    assert not [name for name in names.values() if "Traceback" in processes.log_of(name)]


def start_everybody(processes: Processes) -> dict[ParticipantId, str]:
    """Clients first: a round opens as soon as there are four validators. Who is who, once all have bonded."""
    bondings = processes.testnet.ledger.staking.bondings
    for number in (1, 2, 3):
        processes.start(f"client-{number}")
    processes.wait_for("three bonds", lambda: len(bondings(0)) == 3)
    for number in (1, 2, 3, 4):
        processes.start(f"validator-{number}")
    processes.wait_for("seven bonds", lambda: len(bondings(0)) == 7)
    names = {key.public: name for name, key in processes.testnet.keys.items()}
    return {bonding.id: names[bonding.key] for bonding in bondings(0)}


def play_round_1_killing_a_client(processes: Processes, names: dict[ParticipantId, str]) -> ParticipantId:
    """It dies between its commitment and its reveal."""
    testnet, number = processes.testnet, RoundNumber(1)
    shard = testnet.ledger.shards[SHARD]
    processes.wait_for("the first commitment", lambda: bool(shard.commits(number, 0)))
    victim = shard.commits(number, 0)[0].client
    processes.kill(names[victim])
    assert testnet.ledger.beacon.context().phase is Phase.COMMIT, "it died in mid-round"
    processes.start(names[victim])
    pass_client_phases(processes, number)
    pass_window(processes)
    processes.wait_for_model(number)
    return victim


def play_round_2_killing_the_proposer(processes: Processes, names: dict[ParticipantId, str]) -> ParticipantId:
    """It dies after its proposal. Two seats sleep meanwhile, so that there is no quorum yet."""
    testnet, number = processes.testnet, RoundNumber(2)
    beacon, shard = testnet.ledger.beacon, testnet.ledger.shards[SHARD]
    processes.wait_for("the second round", lambda: beacon.current_round() == number)
    victim, _, *sleepers = beacon.committee(number, SHARD)
    for sleeper in sleepers:
        processes.send_signal(names[sleeper], signal.SIGSTOP)
    pass_client_phases(processes, number)
    processes.wait_for("a proposal", lambda: bool(shard.proposals(number, 0)))
    processes.kill(names[victim])
    assert beacon.context().phase is Phase.CHECKPOINT, "it died in mid-round"
    processes.start(names[victim], rounds=2)
    back_in_its_seat = f"round {number}: in seat"
    processes.wait_for("its return", lambda: processes.log_of(names[victim]).count(back_in_its_seat) == 2)
    for sleeper in sleepers:
        processes.send_signal(names[sleeper], signal.SIGCONT)
    processes.wait_for_model(number)
    return victim


def play_round_3_needing_the_revived(
    processes: Processes, names: dict[ParticipantId, str], revived: ParticipantId
) -> None:
    """One of the other validators sleeps, so that there is no quorum without it."""
    beacon, number = processes.testnet.ledger.beacon, RoundNumber(3)
    processes.wait_for("the third round", lambda: beacon.current_round() == number)
    sleeper = next(seat for seat in beacon.committee(number, SHARD)[1:] if seat != revived)
    processes.send_signal(names[sleeper], signal.SIGSTOP)
    pass_client_phases(processes, number)
    pass_window(processes)
    processes.wait_for_model(number)
    processes.send_signal(names[sleeper], signal.SIGCONT)


def pass_client_phases(processes: Processes, number: RoundNumber) -> None:
    """Move the clock on once all three have committed, and again once they have revealed."""
    shard = processes.testnet.ledger.shards[SHARD]
    processes.wait_for("three commitments", lambda: len(shard.commits(number, 0)) == 3)
    processes.testnet.end_phase()
    processes.wait_for("three reveals", lambda: len(shard.reveals(number, 0)) == 3)
    processes.testnet.end_phase()


def pass_window(processes: Processes) -> None:
    """Move the clock to the end of the votes' window once their list is posted, or the machine was too slow for it."""
    testnet, quorum = processes.testnet, processes.testnet.ledger.contract(VoteQuorum)
    assert quorum is not None
    begins_at = testnet.ledger.beacon.context().reveal_ends_at
    ends_at = begins_at + quorum.vote_seconds()
    processes.wait_for(
        "a list",
        lambda: (
            testnet.ledger.now() >= ends_at
            or any(quorum.posted_at(posting.list) >= begins_at for posting in quorum.postings(0))
        ),
    )
    testnet.clock.reach(ends_at)


def signatures_on_chain(testnet: Testnet, number: RoundNumber) -> Iterator[tuple[ParticipantId, bytes]]:
    """Every signature that a round left on chain, with its signer; clients commit by key."""
    ledger, shard, bare = testnet.ledger, testnet.ledger.shards[SHARD], scheme_of(testnet.ledger).bare
    committee = ledger.beacon.committee(number, SHARD)
    for proposal in shard.proposals(number, 0):
        yield committee[proposal.checkpoint.turn], bare(proposal.signature)
    for attestation in shard.attestations(number, 0):
        yield committee[attestation.seat], bare(attestation.signature)
