"""One client's update in one round: committed, revealed, stored, checked, included, or why not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qfl.apps.inspect.content import inspect_content
from qfl.apps.inspect.plain import plain
from qfl.bounds import LAST_PARTICIPANT, check_whole
from qfl.chain.ledger import Ledger
from qfl.chain.rounds import ShardRound
from qfl.crypto.kem import KemKey
from qfl.errors import InvalidInput
from qfl.node.recompute import read_updates
from qfl.protocol.cid import cid_of
from qfl.protocol.types import ParticipantId, Reveal, RoundNumber
from qfl.storage.store import ContentStore


def inspect_update(
    ledger: Ledger, number: int, client: int, store: ContentStore | None = None, kem_keys: Sequence[KemKey] = ()
) -> dict[str, Any]:
    """What became of a client's update in a round; with a store also what is in it.

    Args:
        kem_keys: those of seats, which open a private update.

    Raises:
        InvalidInput: no such round, or the client committed nothing in it.
        ChainUnreachable, StoreUnreachable.
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
