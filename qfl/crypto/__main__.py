"""`python -m qfl.crypto PATH HEIGHT` makes one key file: a second of hashing, done aside from whoever needs it."""

import sys
from pathlib import Path

from qfl.crypto.keyfile import KeyFile

KeyFile.create(Path(sys.argv[1]), int(sys.argv[2])).close()
