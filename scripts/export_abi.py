"""Write the committed ABIs from the compiled contracts: `python scripts/export_abi.py`."""

import json
from pathlib import Path

from experiments.consensus.flat_voting import FlatVoting
from qfl.chain import abi
from qfl.chain.compiler import compile_contracts

for name in (*abi.CONTRACTS, FlatVoting.abi_name):
    path = Path(str(abi.abi_file(name)))
    path.write_text(json.dumps(compile_contracts()[path.stem].abi, indent=1) + "\n")
    print(path)
