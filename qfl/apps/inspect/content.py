"""A content object as a person looks at it: whether it is what it should be, its header, what its lanes are like."""

from __future__ import annotations

from typing import Any

import numpy as np

from qfl.apps.inspect.plain import plain
from qfl.errors import ContentUnusable, MalformedContent
from qfl.protocol.cid import cid_of
from qfl.protocol.content import MAX_CONTENT_BYTES, Content, ContentKind, decode, lanes_root
from qfl.protocol.rule import squared_norm
from qfl.storage.store import ContentStore


def inspect_content(store: ContentStore, digest: bytes) -> dict[str, Any]:
    """What a store has under a digest (32 bytes).

    `problem` is absent where the bytes hash to the digest and are a content object of this protocol; what can be told
    of others is told. A sealed update is such a case: nothing in it can be read without a seat's key.

    Raises:
        StoreUnreachable.
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
