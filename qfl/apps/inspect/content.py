"""Content as a person looks at it, and what it is to the contracts: a client's update in a round, a round's model."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from qfl.apps.inspect import plain
from qfl.apps.inspect.state import known_round
from qfl.bounds import LAST_PARTICIPANT, check_whole
from qfl.chain.contracts.beacon import RoundState
from qfl.chain.ledger import Ledger
from qfl.chain.rounds import ShardRound
from qfl.crypto.kem import KemKey
from qfl.errors import ContentUnusable, InvalidInput, MalformedContent, ModelRejected
from qfl.node.recompute import read_base, read_model, read_updates
from qfl.protocol.cid import cid_of
from qfl.protocol.content import MAX_CONTENT_BYTES, Content, ContentKind, decode, lanes_root
from qfl.protocol.rule import squared_norm
from qfl.protocol.state import from_state, wrap_int32
from qfl.protocol.types import ParticipantId, Reveal, RoundNumber
from qfl.storage.store import ContentStore


def inspect_content(store: ContentStore, digest: bytes) -> dict[str, Any]:
    """What a store has under a digest (32 bytes).

    `problem` is absent where the bytes hash to the digest and are a content object of this protocol; what can be told
    of others is told. A sealed update is such a case: nothing in it can be read without a seat's key.

    Raises StoreUnreachable.
    """
    found: dict[str, Any] = {"cid": cid_of(digest)}
    try:
        data = store.get(digest, MAX_CONTENT_BYTES)
    except ContentUnusable as error:
        return found | {"problem": str(error)}
    found |= {"bytes": len(data), "digest_matches": True}
    try:
        return found | describe(decode(data))
    except MalformedContent as error:
        return found | {"problem": error.reason}


def describe(content: Content) -> dict[str, Any]:
    """Header, root and statistics of a content object; lanes are in their own unit. Only updates have a norm bound."""
    lanes = content.lanes.astype(np.int64)
    norm = {"squared_norm": squared_norm(content.lanes)} if content.kind is ContentKind.UPDATE else {}
    return {
        "kind": content.kind.name.lower(),
        **{name: getattr(content, name) for name in ("round", "shard", "count", "author")},
        **plain(content.shape),
        **{name: plain(getattr(content, name)) for name in ("lane_bits", "compact", "base_root")},
        "root": plain(lanes_root(content)),
        "lanes": {
            "least": int(lanes.min()),
            "most": int(lanes.max()),
            "mean_size": round(float(np.abs(lanes).mean()), 3),
            "zeros": int((lanes == 0).sum()),
            **norm,
        },
    }


def inspect_update(
    ledger: Ledger, number: int, client: int, store: ContentStore | None = None, kem_keys: Sequence[KemKey] = ()
) -> dict[str, Any]:
    """What became of a client's update in a round; with a store also what is in it.

    `kem_keys` are those of seats, which open a private update.
    Raises InvalidInput: no such round, or the client committed nothing in it; ChainUnreachable, StoreUnreachable.
    """
    if not 0 < number <= ledger.beacon.current_round():
        raise InvalidInput("round", number, f"rounds are 1 to {ledger.beacon.current_round()}")
    check_whole("client", client, 1, LAST_PARTICIPANT)
    asked, who = RoundNumber(number), ParticipantId(client)
    shard = ledger.beacon.shard_of(asked, who)
    part = ledger.round(asked).shard(shard)
    commits = {commit.client: commit for commit in part.commits()}
    if who not in commits:
        took_part = ", ".join(map(str, sorted(commits))) or "nobody"
        raise InvalidInput(
            "client", client, f"committed nothing in round {number}; in its shard {shard}, {took_part} did"
        )
    found: dict[str, Any] = {"round": number, "client": client, "shard": shard, "commit": plain(commits[who])}
    reveal = next((reveal for reveal in part.reveals() if reveal.client == who), None)
    if reveal is None:
        return found | {"fate": "not revealed"}
    found["reveal"] = plain(reveal) | {"cid": cid_of(reveal.content_digest)}
    found["fate"] = _fate(part, reveal)
    found["norm_bound"] = part.spec().norm_bound
    if store is not None:
        found["content"] = inspect_content(store, reveal.content_digest)
        found["check"] = _check(part, reveal, store, kem_keys)
    return found


def _fate(part: ShardRound, reveal: Reveal) -> str:
    """What the shard's checkpoint says of a revealed update."""
    accepted = part.accepted()
    if accepted is None:
        return "revealed; its shard has no checkpoint"
    is_in = accepted.checkpoint.included >> reveal.index & 1
    stands = part.checkpoint().stands
    return ("included" if is_in else "left out") + ("" if stands else ", in a checkpoint that was proven false")


def _check(part: ShardRound, reveal: Reveal, store: ContentStore, kem_keys: Sequence[KemKey]) -> str:
    """What an honest seat says of it: the objective checks, and the first that fails."""
    found = read_updates(part, part.spec(), store, [reveal], kem_keys)
    if found is None:
        return "sealed to its committee: pass a seat's --kem-key to check it"
    return found[1][0].reason if found[1] else "passes every check"


def inspect_model(ledger: Ledger, number: int | None = None, store: ContentStore | None = None) -> dict[str, Any]:
    """The model of a round (0: genesis; the head unless given); with a store also what is in it.

    Raises InvalidInput: no such round, or it has published no model; ChainUnreachable, StoreUnreachable.
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
