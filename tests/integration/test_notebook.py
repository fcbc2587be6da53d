"""docs/guides/demo.ipynb runs as it is, and is committed without outputs; also beside other load, any number of times:

for i in $(seq 10); do .venv/bin/python -m pytest -q tests/integration/test_notebook.py || break; done
"""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
import pytest
from nbclient import NotebookClient
from traitlets.config import Config

pytestmark = pytest.mark.rest

ROOT = Path(__file__).parents[2]
STUCK_SECONDS = 900
"""A kernel that does not start, a cell that does not end, or an output that does not come for so long never will."""


@pytest.fixture
def sockets() -> Iterator[Config]:
    """Sockets of the kernel as files: a TCP port that is free now may be taken when the kernel gets to it.

    They are in a folder with a short name, since a socket's has 104 characters at most.
    """
    with TemporaryDirectory() as folder:
        yield Config({"KernelManager": {"transport": "ipc", "ip": f"{folder}/kernel"}})


def test_the_notebook_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sockets: Config) -> None:
    notebook = nbformat.read(ROOT / "docs" / "guides" / "demo.ipynb", as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in code), "clear the outputs before you commit"
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    for name in ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR"):  # no kernel, and no settings, of whoever runs this
        monkeypatch.setenv(f"JUPYTER_{name}", str(tmp_path / "jupyter"))
    client = NotebookClient(
        notebook,
        config=sockets,
        resources={"metadata": {"path": str(tmp_path)}},
        timeout=STUCK_SECONDS,
        startup_timeout=STUCK_SECONDS,
        iopub_timeout=STUCK_SECONDS,  # by default 4 s, after which a cell's last lines are left out without a word
        raise_on_iopub_timeout=True,
    )
    client.execute()
    printed = [output.get("text", "") for cell in code for output in cell.outputs]
    assert sum(text.count(" stands ") for text in printed) == 4
    assert any("image/png" in output.get("data", {}) for cell in code for output in cell.outputs)
