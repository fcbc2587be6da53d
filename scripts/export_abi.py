"""Write the ABIs under qfl/chain/abi from the compiled contracts: `python scripts/export_abi.py`."""

import json
from pathlib import Path

from qfl.chain import abi
from qfl.chain.compiler import compile_contracts

for name in abi.CONTRACTS:
    path = Path(abi.__file__).parent / f"{name}.json"
    path.write_text(json.dumps(compile_contracts()[name].abi, indent=1) + "\n")
    print(path)
