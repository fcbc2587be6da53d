"""Write the committed ABIs from the compiled contracts: `python scripts/export_abi.py`."""

import json
from pathlib import Path

from qfl.chain import abi
from qfl.chain.compiler import compile_contracts

for name in abi.CONTRACTS:
    path = Path(str(abi.abi_file(name)))
    path.write_text(json.dumps(compile_contracts()[path.stem].abi, indent=1) + "\n")
    print(path)
