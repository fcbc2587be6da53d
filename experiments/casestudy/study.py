"""The case study from its measurements to its files; parts that were measured before are kept."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from experiments.casestudy.claims import compute_claims
from experiments.casestudy.methods import Size
from experiments.casestudy.pages import make_page, to_markdown
from experiments.casestudy.parts import PARTS, Announce
from experiments.figures import save
from qfl.apps.report.figures import write_pictures
from qfl.apps.report.page import render_page
from qfl.errors import InvalidInput
from qfl.files import read_json, write_atomically

NAME = "casestudy.json"


def run_study(size: Size, out: Path, parts: Sequence[str], announce: Announce) -> dict[str, Any]:
    """Measure `parts` (all if none are named) and write `casestudy.json`, `.md`, `.html` and figures into `out`.

    The document grows part by part. Parts that `out` holds of the same size stay; those of another one are dropped.

    Raises:
        InvalidInput: no such part.
        QflError: a measurement failed; what was measured before it is in `out`.
    """
    for part in parts:
        if part not in PARTS:
            raise InvalidInput("part", part, f"choose one of {', '.join(PARTS)}")
    document = _begun(size, out)
    for part in parts or PARTS:
        started = time.perf_counter()
        document[part] = PARTS[part](size, out / "benches", announce)
        document["seconds"][part] = round(time.perf_counter() - started, 1)
        write_study(document, out)
    return document


def write_study(document: dict[str, Any], out: Path) -> None:
    """Write what the document has: the figures as JSON, tables as Markdown and HTML, pictures as PNG."""
    claims = compute_claims(document)
    page = make_page(document, claims)
    shown = [asdict(claim) | {"verdict": claim.verdict} for claim in claims]
    save(out / NAME, document | {"claims": shown})
    write_atomically(out / "casestudy.md", to_markdown(page).encode())
    write_atomically(out / "casestudy.html", render_page(page).encode())
    write_pictures(out, page.pictures)


def _begun(size: Size, out: Path) -> dict[str, Any]:
    """What `out` holds of a study of this size; an empty one otherwise."""
    plain = json.loads(json.dumps(asdict(size)))
    try:
        found = read_json(out / NAME)
    except (OSError, ValueError):
        found = {}
    if not isinstance(found, dict) or found.get("size") != plain or not isinstance(found.get("seconds"), dict):
        return {"size": plain, "seconds": {}}
    return found
