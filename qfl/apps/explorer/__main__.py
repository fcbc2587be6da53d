"""The explorer beside a run: its one argument is a JSON object, as `qfl.simulation.explorer_beside` writes it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from qfl.apps.explorer.server import serve
from qfl.apps.explorer.watcher import watch
from qfl.errors import QflError
from qfl.storage.ipfs import IpfsStore

FETCH_SECONDS = 1.0
"""The run's own node has no peers: what it does not have, nobody has."""


def main(document: str) -> int:
    place = json.loads(document)
    folder = Path(place["folder"])
    try:
        watcher = watch(folder / "deployment.json", place["urls"], IpfsStore(place["ipfs"], FETCH_SECONDS), folder)
        serve(watcher, print, port=place["port"])
    except QflError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
