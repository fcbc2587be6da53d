"""The background process of `qfl devnet up --detach`: its one argument is a `DevnetConfig` as JSON."""

import json
import sys
from pathlib import Path

from qfl.devnet.config import DevnetConfig
from qfl.devnet.service import serve
from qfl.errors import QflError


def main(document: str) -> int:
    settings = json.loads(document)
    config = DevnetConfig(**{**settings, "folder": Path(settings["folder"])})
    try:
        serve(config, on_ready=lambda _devnet: None)
    except QflError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
