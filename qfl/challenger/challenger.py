"""A challenger: anyone who recomputes what was accepted and published, and is paid for every fault it proves.

It has no key and bonds nothing; its account pays the gas and the deposits of demands, and takes the bounty. All that it
must remember is on the chain.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from qfl.chain.contracts.demands import DemandState, Part
from qfl.chain.contracts.disputes import Fault
from qfl.chain.ledger import Ledger
from qfl.chain.rpc.sender import TransactionSender, UnsentCall
from qfl.challenger.evidence import Evidence
from qfl.challenger.fault_detector import FaultDetector
from qfl.errors import ContractReverted, NoDisputes
from qfl.node.demands import Answering, stands
from qfl.node.relay import send_unless_overtaken
from qfl.protocol.types import ParticipantId, RoundNumber, ShardIndex

log = logging.getLogger(__name__)

PROVEN_BEFORE = frozenset({"AlreadyProven", "NoCheckpoint", "NotOverdue", "NotPublished", "WrongState"})
"""Refusals that mean somebody else was quicker, or a rollback took the model away."""


@dataclass(frozen=True)
class Dispute:
    """A fault that this challenger proved: what it says, who lost how much, what came of it and what it cost.

    `taken_wei` is what the guilty lost together, `bounty_wei` the challenger's part of it.
    """

    evidence: str
    fault: Fault
    round: RoundNumber
    shard: ShardIndex
    guilty: tuple[ParticipantId, ...]
    taken_wei: int
    bounty_wei: int
    gas: int
    tx_hash: str

    def __str__(self) -> str:
        lost = f"validators {', '.join(map(str, self.guilty))} lost {self.taken_wei / 1e18:g} ETH"
        return f"proven false: {self.evidence}; {lost}, the challenger earned {self.bounty_wei / 1e18:g} ETH"

    def record(self) -> dict[str, Any]:
        """The dispute as event log and report have it."""
        return asdict(self) | {"fault": self.fault.name.lower()}


@dataclass(frozen=True)
class Proof:
    """A transaction of evidence as it would be filed; `gas` is the chain's estimate on the state it is in now.

    None where there is no estimate: the last transaction of a proof in parts takes those before it.
    """

    evidence: str
    function: str
    arguments: Mapping[str, Any]
    calldata_bytes: int
    gas: int | None


class Challenger:
    """Files the proofs that a `FaultDetector` finds; `listener` hears of each that was accepted."""

    def __init__(
        self,
        ledger: Ledger,
        sender: TransactionSender,
        watch: FaultDetector,
        listener: Callable[[Dispute], None] | None = None,
    ) -> None:
        """Raises `NoDisputes` where the deployment has no contract that would hear a proof."""
        if ledger.disputes is None:
            raise NoDisputes(ledger.beacon.address)
        self._ledger, self._disputes = ledger, ledger.disputes
        self._sender, self._watch, self._listener = sender, watch, listener
        self._answering = Answering(ledger, sender, watch.store)
        self._refused: set[Part] = set()

    def step(self) -> list[Dispute]:
        """Look at everything that is new, prove every fault in it, and demand what that takes and cannot be had.

        What others demand is shown, if it is there.

        Raises:
            StoreUnreachable, ChainUnreachable, InsufficientFunds: the next step looks again.
        """
        proven = [dispute for evidence in self._watch.faults() if (dispute := self._file(evidence)) is not None]
        self._demand()
        self._answering.step()
        self._reclaim()
        return proven

    def rehearse(self) -> Iterator[Proof]:
        """The proofs that a `step` would file now; nothing is sent."""
        for evidence in self._watch.faults():
            parts, last = evidence.parts(self._disputes), evidence.call(self._disputes)
            try:
                for call in (*parts, last):
                    gas = None if parts and call is last else self._sender.dry_run(call)
                    yield Proof(str(evidence), *self._arguments_of(call), len(call.data), gas)
            except ContractReverted as refusal:
                self._explain(evidence, refusal)

    def _demand(self) -> None:
        """Demand what is wanted, unless somebody did; the deposit pays for the answer, or comes back."""
        demands, wanted = self._ledger.demands, self._watch.wanted
        if demands is None or not wanted:
            return
        pairs = [(vector, part) for vector in wanted for part in vector.parts]
        states = demands.states_of([part for _, part in pairs])
        for (vector, part), now in zip(pairs, states, strict=True):
            if now.state is not DemandState.NONE or part in self._refused:
                continue
            try:
                receipt = self._sender.send(call := vector.demand(demands, part))
            except ContractReverted as refusal:
                self._refused.add(part)
                log.warning("%s: it cannot be had, nor demanded: %s", part, refusal)
            else:
                log.info("%s: demanded for a deposit of %d wei and %d gas", part, call.value_wei, receipt.gas)

    def _reclaim(self) -> None:
        """Have the deposits of own demands back that nobody answered, and whose subject fell."""
        demands = self._ledger.demands
        for made in self._watch.demands.read():
            if demands is None or made.demander != self._sender.address or stands(self._ledger, made.part):
                continue
            if send_unless_overtaken(self._sender, demands.reclaim(made.part)) is not None:
                log.info("%s: the deposit of %d wei came back", made.part, demands.deposit_wei(made.part))

    def _file(self, evidence: Evidence) -> Dispute | None:
        try:
            parts = [self._sender.send(call) for call in evidence.parts(self._disputes)]
            receipt = self._sender.send(evidence.call(self._disputes))
        except ContractReverted as refusal:
            self._explain(evidence, refusal)
            return None
        (proven,) = (p for p in self._disputes.proven(receipt.block) if p.tx_hash == receipt.tx_hash)
        slashed = [s for s in self._ledger.staking.slashings(receipt.block) if s.tx_hash == receipt.tx_hash]
        dispute = Dispute(
            str(evidence),
            *(proven.fault, proven.round, proven.shard, proven.guilty, proven.taken_wei),
            sum(entry.bounty_wei for entry in slashed),
            sum(part.gas for part in (*parts, receipt)),
            receipt.tx_hash,
        )
        if self._listener is not None:
            self._listener(dispute)
        return dispute

    def _arguments_of(self, call: UnsentCall) -> tuple[str, dict[str, Any]]:
        """The function that a proof calls, and its arguments."""
        judges = (self._disputes, self._ledger.mirror_faults)
        (judge,) = (judge for judge in judges if judge is not None and judge.address == call.to)
        return judge.arguments_of(call.data)

    def _explain(self, evidence: Evidence, refusal: ContractReverted) -> None:
        if refusal.name in PROVEN_BEFORE:
            log.info("%s: proven by somebody else, or rolled back (%s)", evidence, refusal.name)
        else:
            log.error("%s: the proof was refused, so there may be no fault: %s", evidence, refusal)
