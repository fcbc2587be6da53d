"""The model that a round published: where it is, who published it, what it builds on, how far it moved."""

from __future__ import annotations

from typing import Any

import numpy as np

from qfl.apps.inspect.content import inspect_content
from qfl.apps.inspect.plain import plain
from qfl.apps.inspect.round import known_round
from qfl.chain.contracts.beacon import RoundState
from qfl.chain.ledger import Ledger
from qfl.errors import ContentUnusable, InvalidInput, ModelRejected
from qfl.node.recompute import read_base, read_model
from qfl.protocol.cid import cid_of
from qfl.protocol.state import from_state, wrap_int32
from qfl.protocol.types import RoundNumber
from qfl.storage.store import ContentStore


def inspect_model(ledger: Ledger, number: int | None = None, store: ContentStore | None = None) -> dict[str, Any]:
    """The model of a round (0: genesis; the head unless given); with a store also what is in it.

    Raises:
        InvalidInput: no such round, or it has published no model.
        ChainUnreachable, StoreUnreachable.
    """
    head = ledger.beacon.head_round()
    asked = head if number is None else known_round(ledger, number)
    record = ledger.beacon.round_at(asked)
    state = record.state.name.lower()
    if not any(record.content_digest):
        raise InvalidInput("round", asked, f"has published no model, it is {state}; the head is {head}")
    found: dict[str, Any] = {
        "round": asked,
        "state": state,
        "is_head": asked == head,
        "model_root": plain(record.model_root),
        "content_digest": plain(record.content_digest),
        "cid": cid_of(record.content_digest),
    }
    if asked:
        challenge_seconds = ledger.beacon.parameters_at(record.parameters_version).challenge_seconds
        found |= {
            "base_round": record.base_round,
            "publisher": record.publisher,
            "tx_hash": ledger.beacon.publications(ledger.from_block).get(asked),
            "published_at": record.published_at,
        }
        if record.state is RoundState.PUBLISHED:
            found["can_be_disputed_until"] = record.published_at + challenge_seconds
    if store is not None:
        found["content"] = inspect_content(store, record.content_digest)
        found |= _values(ledger, store, asked)
    return found


def _values(ledger: Ledger, store: ContentStore, number: RoundNumber) -> dict[str, Any]:
    """What the parameters are like; `moved` is how far the round turned its angles (root mean square, radians)."""
    try:
        model = read_model(ledger, store, number)
        base = read_base(ledger, store, number) if number else model
    except (ContentUnusable, ModelRejected) as error:
        return {"problem": str(error)}
    angles, weights = from_state(model.lanes, model.shape)
    turned = from_state(wrap_int32(model.lanes.astype(np.int64) - base.lanes), model.shape)[0]
    values: dict[str, Any] = {"parameters": {"angles": len(angles), "weights": len(weights)}}
    if len(angles):
        values["angles_radians"] = {"least": round(float(angles.min()), 4), "most": round(float(angles.max()), 4)}
        values["moved_radians"] = round(float(np.sqrt(np.mean(turned**2))), 6)
    if len(weights):
        values["weights"] = {"least": round(float(weights.min()), 4), "most": round(float(weights.max()), 4)}
    return values
