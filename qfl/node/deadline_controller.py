"""Sets the deadlines of later rounds by what a round took: the owner's account, and never those of one that runs."""

from collections.abc import Mapping
from dataclasses import dataclass

from qfl.chain.contracts.beacon import Phase
from qfl.chain.ledger import Ledger, tolerating_shard
from qfl.chain.rpc.sender import TransactionSender
from qfl.errors import InvalidInput
from qfl.node.context import QUIET, Step
from qfl.node.deadline_rule import DeadlineRule
from qfl.protocol.types import ParticipantId, RoundNumber


@dataclass(frozen=True)
class Times:
    """Seconds that each client took: to commit since the round opened, to reveal since the commit phase ended."""

    commit: Mapping[ParticipantId, float]
    reveal: Mapping[ParticipantId, float]


@dataclass(frozen=True)
class Deadlines:
    """Lengths of two phases, seconds."""

    commit: int
    reveal: int


class DeadlineController:
    """Applies a rule to both phases that wait for clients; it keeps no state on disk."""

    def __init__(self, ledger: Ledger, sender: TransactionSender, rule: DeadlineRule) -> None:
        """`sender` pays from the owner's account.

        Raises:
            InvalidInput: the account is not the owner's, or with both phases at the ceiling a round would outlast the
                unbonding delay.
        """
        if sender.address != (owner := ledger.beacon.owner()):
            raise InvalidInput("account", sender.address, f"only the owner of the deployment, {owner}, sets deadlines")
        self._ledger, self._sender, self._rule, self._seen = ledger, sender, rule, RoundNumber(0)
        chosen, unbonding = ledger.beacon.next_parameters(), ledger.staking.unbonding_seconds()
        others = sum(chosen[name] for name in ("checkpointSeconds", "publishSeconds", "challengeSeconds"))
        others += 0 if ledger.demands is None else 2 * ledger.demands.answer_seconds()
        if 2 * rule.ceiling + others >= unbonding:
            remedy = f"stakes are liable for {unbonding} s: at most {(unbonding - others - 1) // 2}"
            raise InvalidInput("deadlines.ceiling", rule.ceiling, remedy)

    def adapt(self, round_number: RoundNumber, times: Times) -> Deadlines:
        """Set the deadlines of the rounds opened from now on by the times seen in one, and return them.

        Doing it again changes nothing: the step is taken from the deadlines that the round itself had.

        Raises ContractReverted, ChainUnreachable.
        """
        had, chosen = self._ledger.beacon.parameters_of(round_number), self._ledger.beacon.next_parameters()
        commit = self._rule.next_seconds(had["commitSeconds"], list(times.commit.values()))
        reveal = had["revealSeconds"]
        if times.commit:  # where nobody committed, nobody could reveal
            reveal = self._rule.next_seconds(reveal, list(times.reveal.values()))
        wanted = {**chosen, "commitSeconds": commit, "revealSeconds": reveal}
        if wanted != chosen:
            self._sender.send(self._ledger.beacon.set_parameters(wanted))
        return Deadlines(commit, reveal)

    def step(self) -> Step:
        """Set deadlines by the latest round, unless it has been looked at, or clients still act in it.

        Raises ContractReverted, ChainUnreachable.
        """
        context = self._ledger.beacon.context()
        latest = self._ledger.beacon.current_round()
        if latest == self._seen or context.phase in (Phase.COMMIT, Phase.REVEAL):
            return QUIET
        deadlines = self.adapt(latest, measured_times(self._ledger, latest))
        self._seen = latest
        note = f"after round {latest}: {deadlines.commit} s to commit, {deadlines.reveal} s to reveal"
        return Step(True, note)


def measured_times(ledger: Ledger, round_number: RoundNumber) -> Times:
    """What the blocks say; a shard whose chain does not answer says nothing."""
    record = ledger.beacon.round_at(round_number)
    opened_at = record.commit_ends_at - ledger.beacon.parameters_of(round_number)["commitSeconds"]
    commits: dict[ParticipantId, float] = {}
    reveals: dict[ParticipantId, float] = {}
    for part in ledger.round(round_number).shards():
        with tolerating_shard(part.index):
            committed, revealed = part.committed_at(), part.revealed_at()
            commits |= {client: at - opened_at for client, at in committed.items()}
            reveals |= {client: at - record.commit_ends_at for client, at in revealed.items()}
    return Times(commits, reveals)
