"""Proven faults: what was false, who proved it, who lost what, what fell with it."""

from __future__ import annotations

from typing import Any

from qfl.apps.inspect.plain import plain
from qfl.apps.inspect.transaction import inspect_transaction
from qfl.chain.contracts.disputes import Disputes, Fault, ProvenFault
from qfl.chain.ledger import Ledger
from qfl.errors import InvalidInput, NoDisputes

WHAT = {
    Fault.AGGREGATE: "the aggregate of the shard is not what the included updates come to",
    Fault.UPDATES: "the checkpoint includes what nobody revealed",
    Fault.NORM: "an included update is over the norm bound",
    Fault.MODEL: "the model is not what its base and the checkpoints come to",
    Fault.EQUIVOCATION: "a seat signed two checkpoints in one turn",
    Fault.WITHHELD: "nobody showed in time what was demanded of the checkpoint or the model",
}


def list_disputes(ledger: Ledger) -> list[dict[str, Any]]:
    """Every fault proven, oldest first.

    Raises:
        NoDisputes: nobody can dispute anything here.
    """
    return [_summary(ledger, proven) for proven in _contract(ledger).proven(ledger.from_block)]


def inspect_dispute(ledger: Ledger, tx_hash: str) -> dict[str, Any]:
    """The fault that a transaction proved, with what each of the guilty lost and the proof itself.

    Raises:
        InvalidInput: it proved none.
        NoDisputes.
    """
    wanted = tx_hash.lower()
    proven = [entry for entry in _contract(ledger).proven(ledger.from_block) if entry.tx_hash == wanted]
    if not proven:
        raise InvalidInput("dispute", tx_hash, "proved no fault; `qfl inspect dispute` lists those that did")
    transaction = inspect_transaction(ledger, wanted)
    slashings = [entry for entry in ledger.staking.slashings(ledger.from_block) if entry.tx_hash == wanted]
    found = _summary(ledger, proven[0])
    found["slashed"] = [
        {"validator": entry.id, "amount_wei": entry.amount_wei, "bounty_wei": entry.bounty_wei} for entry in slashings
    ]
    found["bounty_wei"] = sum(entry.bounty_wei for entry in slashings)
    found["burned_wei"] = sum(entry.amount_wei - entry.bounty_wei for entry in slashings)
    return found | {name: transaction.get(name) for name in ("block", "gas", "bytes", "function", "arguments")}


def _contract(ledger: Ledger) -> Disputes:
    if ledger.disputes is None:
        raise NoDisputes(ledger.beacon.address)
    return ledger.disputes


def _summary(ledger: Ledger, proven: ProvenFault) -> dict[str, Any]:
    found: dict[str, Any] = plain(proven)
    state = ledger.beacon.round_at(proven.round).state.name.lower()
    return found | {"fault": proven.fault.name.lower(), "what": WHAT[proven.fault], "round_is": state}
