"""Attacks by who challenges: wrong proofs, the same proof twice, another's proof taken out of the queue."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import Any, cast

import numpy as np

from experiments.attacks.insistent import Insistent
from experiments.attacks.outsiders import read_input
from experiments.attacks.strategy import Griefer
from experiments.attacks.testnet import SHARD
from qfl.chain.contracts.beacon import RoundState
from qfl.chain.rpc.connection import url_of
from qfl.chain.rpc.sender import TransactionSender, UnsentCall
from qfl.challenger.challenger import Challenger, Dispute
from qfl.challenger.evidence import (
    Equivocation,
    Evidence,
    FalseAggregate,
    FalseAggregateContent,
    FalseModel,
    FalseModelContent,
    FalseUpdates,
    OverNorm,
    SignedCheckpoint,
    WithheldPart,
)
from qfl.challenger.opening import chunks_of, open_chunk
from qfl.challenger.withheld import wanted_aggregate
from qfl.devnet.health import call_chain
from qfl.errors import ContractReverted, DevnetError
from qfl.node.recompute import read_base, read_model
from qfl.protocol.content import decode
from qfl.protocol.lanes import MODEL_LANE_BITS
from qfl.protocol.recompute import expected_checkpoint, included_in
from qfl.protocol.rule import rising_order
from qfl.protocol.types import RoundNumber

QUEUE_SECONDS = 20.0
HIGH_TIP_WEI = 50 * 10**9


class WrongDisputes(Griefer):
    """Files every kind of proof against results that are right, once a round."""

    _tried: RoundNumber = RoundNumber(0)

    def step(self) -> list[Dispute]:
        """Dispute the last round."""
        number = self._ledger.beacon.current_round()
        if number != self._tried and self._ledger.beacon.round_at(number).state is RoundState.PUBLISHED:
            self._tried = number
            for evidence in self._wrong_proofs(number):
                _try(self._sender, evidence.call(self._disputes))
        return []

    def _wrong_proofs(self, number: RoundNumber) -> Iterator[Evidence]:
        ledger, judge = self._ledger, self._watch._judge
        part, (accepted,) = ledger.round(number).shard(SHARD), ledger.round(number).accepted()
        checkpoint, spec = accepted.checkpoint, part.spec()
        included, bits = included_in(checkpoint, part.reveals()), spec.format.lane_bits
        updates, _ = judge.open(part, spec, included)
        chunks = [chunks_of(update.lanes, bits) for update in updates]
        yield FalseUpdates(checkpoint, included)
        yield OverNorm(checkpoint, included, 0, chunks[0], updates[0].seed, 0, 0)

        expected = expected_checkpoint(spec, checkpoint.turn, updates)
        aggregate = chunks_of(decode(expected.content).lanes, MODEL_LANE_BITS)
        yield FalseAggregateContent(checkpoint, aggregate)
        right = open_chunk(aggregate, 0, MODEL_LANE_BITS)
        openings = [open_chunk(lanes, 0, bits, u.seed) for lanes, u in zip(chunks, updates, strict=True)]
        altered = [replace(openings[0], data=openings[0].data[::-1]), *openings[1:]]
        order = rising_order(np.array([update.lanes[0] for update in updates]))
        for shown in (openings, altered):
            yield FalseAggregate(checkpoint, 0, included, shown, right, order, 0, 0)

        base, model = read_base(ledger, judge.store, number), read_model(ledger, judge.store, number)
        base_chunks = chunks_of(base.lanes, MODEL_LANE_BITS)
        before = open_chunk(base_chunks, 0, MODEL_LANE_BITS)
        model_chunks = chunks_of(model.lanes, MODEL_LANE_BITS)
        after = open_chunk(model_chunks, 0, MODEL_LANE_BITS)
        yield FalseModel(number, 0, [checkpoint], [right], before, after, 0, 0)
        yield FalseModelContent(number, model_chunks)
        yield WithheldPart(wanted_aggregate(checkpoint, spec.shape.total).parts[0])

        said = judge._bundled(accepted)[0]
        signed = SignedCheckpoint(checkpoint, said.seat, 0, said.signature)
        yield Equivocation(signed, signed)


class RepeatedDisputes(Griefer):
    """Files every proof that was heard a second time, to have the guilty slashed again."""

    def step(self) -> list[Dispute]:
        """Repeat what was proven."""
        for proven in self._disputes.proven(self._ledger.from_block):
            said = read_input(self._ledger, proven.tx_hash)
            _try(self._sender, UnsentCall("dispute_again", self._disputes.address, said))
        return []


class FrontRunner(Griefer):
    """Finds nothing itself: copies proofs that wait for a block, and pays more to be in it first."""

    def step(self) -> list[Dispute]:
        """Copy what waits."""
        block = self._ledger.web3.eth.get_block("pending", full_transactions=True)
        for waiting in cast(list[dict[str, Any]], block["transactions"]):
            if waiting["to"] == self._disputes.address:
                if isinstance(self._sender, Insistent):
                    self._sender.tip_wei = HIGH_TIP_WEI
                _try(self._sender, UnsentCall("dispute_copied", self._disputes.address, bytes(waiting["input"])))
        return []

    def around(self, honest: Challenger) -> None:
        """Keep blocks back until the honest proof and its copy both wait for one."""
        url = url_of(self._ledger.web3)
        call_chain(url, "evm_setAutomine", False)
        try:
            with ThreadPoolExecutor(2) as pool:
                filing = pool.submit(honest.step)
                self._wait_for_queue(1)
                copying = pool.submit(self.step)
                self._wait_for_queue(2)
                call_chain(url, "evm_mine")
                copying.result()
                call_chain(url, "evm_setAutomine", True)
                filing.result()
        finally:
            call_chain(url, "evm_setAutomine", True)

    def _wait_for_queue(self, length: int) -> None:
        deadline = time.monotonic() + QUEUE_SECONDS
        while int(call_chain(url_of(self._ledger.web3), "txpool_status")["pending"], 16) < length:
            if time.monotonic() > deadline:
                raise DevnetError(f"no {length} transactions wait for a block after {QUEUE_SECONDS} s")
            time.sleep(0.01)


def _try(sender: TransactionSender, call: UnsentCall) -> None:
    with suppress(ContractReverted):
        sender.send(call)
