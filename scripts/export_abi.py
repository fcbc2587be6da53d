"""Write the committed ABIs from the compiled contracts: `python scripts/export_abi.py`.

Those that are committed already, and those of the quorum schemes, so that a new scheme's is written with the others.
"""

import json
from pathlib import Path

from qfl.chain import abi
from qfl.chain.compiler import compile_contracts
from qfl.quorum.quorum import SCHEMES

schemes = (SCHEMES.find(name).contract.name for name in SCHEMES)
for name in sorted({*abi.CONTRACTS, *schemes}):
    path = Path(str(abi.abi_file(name)))
    path.write_text(json.dumps(compile_contracts()[path.stem].abi, indent=1) + "\n")
    print(path)
