"""A content object: what is in it, as a picture too, and whether it is what the chain says it is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from qfl.apps.explorer.index import Index
from qfl.apps.inspect.content import describe
from qfl.crypto.sealed import HEADER as SEALED_HEADER
from qfl.crypto.sealed import MAGIC as SEALED_MAGIC
from qfl.errors import ContentCorrupt, InvalidInput, MalformedContent
from qfl.protocol.cid import cid_of
from qfl.protocol.content import Content, ContentKind, decode, lanes_root
from qfl.storage.store import MAX_BLOCK_BYTES, ContentStore

MENTIONS = "SELECT * FROM events WHERE digest = ? ORDER BY chain, block, log LIMIT 50"
PREVIEW_BYTES = 20_000


@dataclass(frozen=True)
class Check:
    """Something that was recomputed; `holds` is None where there is nothing to compare with."""

    claim: str
    holds: bool | None
    detail: str


@dataclass(frozen=True)
class Document:
    """What is shown of an object. `header` and `plot` are a content object's, `text` is another's."""

    cid: str
    digest: str
    kind: str
    checks: Sequence[Check]
    mentions: Sequence[dict[str, Any]]
    size: int | None = None
    header: dict[str, Any] = field(default_factory=dict)
    plot: LanePlot | None = None
    text: str | None = None

    @property
    def is_intact(self) -> bool:
        return all(check.holds is not False for check in self.checks)


def show_document(index: Index, named: dict[str, str], store: ContentStore, digest: bytes) -> Document:
    """Fetch an object, and check it.

    `named` has what the deployment itself calls some digests (0x...): its genesis model and its job document.
    Raises ContentMissing, ContentTooLarge, StoreUnreachable.
    """
    cid, shown = cid_of(digest), "0x" + digest.hex()
    mentions = index.rows(MENTIONS, shown)
    try:
        data = store.get(digest, MAX_BLOCK_BYTES)
    except ContentCorrupt as fault:
        check = Check("its bytes hash to its CID", False, f"the node gave bytes of {fault.got}: they are not shown")
        return Document(cid, shown, "not what was asked for", [check], mentions)
    said = [_saying(event) for event in mentions] + ([named[shown]] if shown in named else [])
    found = hashlib.sha256(data).digest()  # the store has done the same; this is what a reader is shown
    checks = [
        Check("its bytes hash to its CID", found == digest, f"sha-256 0x{found.hex()}"),
        Check("the chain names its digest", bool(said) or None, ", ".join(said) or "no event of this deployment does"),
    ]
    document = partial(Document, cid, shown, checks=checks, mentions=mentions, size=len(data))
    if data[:4] == SEALED_MAGIC and len(data) >= SEALED_HEADER.size:
        _, version, seats, _, recipients = SEALED_HEADER.unpack_from(data)
        header = {"version": version, "seats": seats, "recipients": recipients.bit_count()}
        return document("sealed update: only its committee can open it", header=header)
    try:
        content = decode(data)
    except (MalformedContent, InvalidInput):
        text, kind = _readable(data)
        return document(named.get(shown, kind), text=text)
    checks += _content_checks(content, mentions)
    plot = plot_lanes(content.lanes, content.shape.quantum)
    return document(content.kind.name.lower(), header=describe(content), plot=plot)


def _saying(event: dict[str, Any]) -> str:
    return f"{event['name']} of round {event['round']}"


def _content_checks(content: Content, mentions: Sequence[dict[str, Any]]) -> Iterator[Check]:
    """The root of its lanes, and its round, against every event that names it."""
    root = "0x" + lanes_root(content).hex()
    for event in mentions:
        if event["root"] is None:
            continue
        what = _saying(event)
        same = event["root"] == root
        yield Check(f"the root of its lanes is as {what} says", same, f"{root}, on chain {event['root']}")
        same = content.round == event["round"]
        yield Check(f"its header's round is that of {what}", same, f"{content.round}, on chain {event['round']}")
        if content.kind is ContentKind.UPDATE:
            same = content.author == event["participant"]
            yield Check(f"its author is who {what} is by", same, f"{content.author}, on chain {event['participant']}")


def _readable(data: bytes) -> tuple[str, str]:
    """Bytes from anybody as text, and what they are: JSON laid out, text, or the beginning in hexadecimal."""
    try:
        text = data[:PREVIEW_BYTES].decode()
    except UnicodeDecodeError:
        head = data[:256].hex(" ")
        return (head if len(data) <= 256 else f"{head} ..."), "bytes of no known form"
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False), "JSON document"
    except (ValueError, RecursionError):
        return text, "text"


WIDTH, HEIGHT = 600, 120  # the picture's own units; a page scales it


@dataclass(frozen=True)
class LanePlot:
    """`path` fills what lies between the lowest and the highest lane of every column; `zero` is the height of 0.

    `border` is where the angles end and the weights begin; None when the lanes are all of one kind.
    """

    path: str
    zero: float
    border: float | None
    low: int
    high: int


def plot_lanes(lanes: npt.NDArray[np.integer], quantum: int) -> LanePlot:
    """The picture of `lanes` (`[d]`, d > 0), of which the first `quantum` are angles."""
    columns = np.array_split(lanes.astype(np.int64), min(WIDTH, lanes.size))
    highs, lows = [int(column.max()) for column in columns], [int(column.min()) for column in columns]
    high, low = max(0, *highs, 1), min(0, *lows)

    def height(value: int) -> float:
        return round(HEIGHT * (high - value) / (high - low), 1)

    step = WIDTH / len(columns)
    steps = [
        f"M{round(i * step, 1)} {height(max(top, 0))}h{round(step, 2)}V{height(min(bottom, 0))}h{round(-step, 2)}z"
        for i, (top, bottom) in enumerate(zip(highs, lows, strict=True))
    ]
    border = WIDTH * quantum / lanes.size if 0 < quantum < lanes.size else None
    return LanePlot("".join(steps), height(0), border, int(lanes.min()), int(lanes.max()))
