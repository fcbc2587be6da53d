"""Let every program of this environment find the Solidity compiler and the chains that npm installed.

py-solc-x and Brownie look for the compiler in $SOLCX_BINARY_PATH, Brownie for `anvil` on $PATH. This writes a .pth file
that sets both whenever a Python of the environment starts; nothing outside the environment is touched.
"""

import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

line = (
    "import os; "
    f"os.environ.setdefault('SOLCX_BINARY_PATH', {str(ROOT / 'scripts' / 'solc')!r}); "
    f"os.environ['PATH'] = {str(ROOT / 'node_modules' / '.bin')!r} + os.pathsep + os.environ.get('PATH', '')\n"
)
path = Path(sysconfig.get_path("purelib")) / "qflchain_tools.pth"
path.write_text(line)
