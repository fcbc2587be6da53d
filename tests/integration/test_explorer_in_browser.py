"""The explorer in a real browser: a whole run, live and afterwards, every view at a desk and on a phone.

Chromium comes with `make setup` (npm's @sparticuz/chromium), or is one on PATH. Screenshots stay in the folder that
QFL_SCREENSHOTS names, if it names one.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from test_ipfs_store import file_of

from qfl.devnet.programs import REPOSITORY
from qfl.protocol.cid import digest_of

pytestmark = pytest.mark.rest

DRIVER = Path(__file__).with_name("browser.mjs")
PACKED = REPOSITORY / "node_modules/@sparticuz/chromium"
QFL = [sys.executable, "-c", "from qfl.apps.cli.main import main; main()"]
JOB = """
clients = 3
rounds = 2
classes = [0, 1, 2]
key_height = 5
central_epochs = 1
[model]
qubits = 4
layers = 2
[protocol]
commitSeconds = 6
revealSeconds = 4
turnSeconds = 2
checkpointSeconds = 8
publishSeconds = 6
challengeSeconds = 3
"""
"""In real time, so that there is something to watch."""


@pytest.fixture(scope="module")
def chromium() -> str | None:
    """An executable on PATH; None for the one that npm brought."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None and not PACKED.exists():
        pytest.skip("no Chromium: `npm ci` brings one, or install Debian's package chromium")
    if not (REPOSITORY / "node_modules/playwright-core").exists():
        pytest.skip("playwright-core missing: run `npm ci`")
    return None if PACKED.exists() else found


@pytest.fixture(scope="module")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(os.environ.get("QFL_SCREENSHOTS") or tmp_path_factory.mktemp("screenshots"))


@pytest.fixture(scope="module")
def browse(chromium: str | None, screenshots: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Drives the browser by a plan, and returns what it saw (see `browser.mjs`)."""
    screenshots.mkdir(parents=True, exist_ok=True)
    unpacked = tmp_path_factory.mktemp("chromium")

    def drive(url: str, **plan: Any) -> dict[str, Any]:
        document = json.dumps({"url": url, "executable": chromium, "folder": str(screenshots), **plan})
        environment = {**os.environ, "TMPDIR": str(unpacked)}
        done = subprocess.run(
            ["node", str(DRIVER)],
            check=False,
            input=document,
            capture_output=True,
            text=True,
            timeout=120,
            env=environment,
        )
        if done.returncode and ("shared libraries" in done.stderr or "Failed to launch" in done.stderr):
            pytest.skip(f"Chromium does not start here: install Debian's package chromium\n{done.stderr[-500:]}")
        assert done.returncode == 0, done.stderr
        seen: dict[str, Any] = json.loads(done.stdout)
        assert seen["errors"] == []
        return seen

    return drive


@contextmanager
def shown(*command: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A command that says where its explorer is."""
    process = subprocess.Popen([*QFL, *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    said = []
    try:
        for line in process.stdout:
            said.append(line)
            if found := re.search(r"explorer at (http://127\.0\.0\.1:\d+)", line):
                yield found[1], process
                break
        else:
            raise AssertionError("".join(said))
    finally:
        process.terminate()
        process.communicate(timeout=60)


@pytest.fixture(scope="module")
def run(browse: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run's folder; while it went on, its page followed it without being loaded again."""
    folder = tmp_path_factory.mktemp("explored") / "run"
    job = folder.parent / "job.toml"
    job.write_text(JOB)
    command = ["run", "--config", str(job), "--out", str(folder), "--real-time", "--explorer", "0", "--no-plots"]
    with shown(*command) as (url, process):
        watch = {"selector": "#live", "pattern": "Round 2: (commit|reveal)", "seconds": 60}
        watched = browse(url, watch=watch)["watched"]
        process.communicate(timeout=120)
    assert process.returncode == 0
    assert watched["isSamePage"] and re.search(r"Reveal\nends .*, in \d+ s", watched["text"])
    return folder


@pytest.fixture(scope="module")
def page(run: Path) -> Iterator[str]:
    """The explorer of the finished run, which has read it."""
    with shown("explorer", "--run", str(run), "--port", "0") as (url, _):
        while requests.get(f"{url}/state.json", timeout=10).json()["behind"]:
            pass
        yield url


def first(url: str, path: str, pattern: str) -> str:
    """The first link on a page that matches."""
    found = re.search(pattern, requests.get(url + path, timeout=10).text)
    assert found, pattern
    return found.group()


def test_every_view_is_accessible_and_fits_desk_and_phone(page: str, browse: Any) -> None:
    update = first(page, "/rounds/2", "(?<=<td>)/content/bafkrei[a-z2-7]+|/content/bafkrei[a-z2-7]+")
    transaction = first(page, "/transactions?function=reveal", "/transactions/0x[0-9a-f]{64}")
    account = first(page, "/participants/1", "/addresses/0x[0-9a-f]{40}")
    paths = ["/", "/rounds", "/rounds/2", "/participants", "/participants/1", "/transactions", transaction, update]
    paths += [account, "/search?q=2", "/search?q=nothing", "/missing"]
    seen = browse(page, name="view", visit=paths)
    assert len(seen["pages"]) == 2 * len(paths)
    assert not [(view["path"], view["size"], view["serious"]) for view in seen["pages"] if view["serious"]]
    assert not [(view["path"], view["size"]) for view in seen["pages"] if view["overflows"]]
    assert {view["charts"] for view in seen["pages"] if view["path"] == "/"} == {4}


def test_transaction_is_followed_from_the_list_to_event_and_content(page: str, browse: Any) -> None:
    steps = [
        {"click": "nav >> text=Transactions", "expect": "h1:text-is('Transactions')"},
        {"click": "tr:has(td:text-is('reveal')) >> th a", "expect": "h3:has-text('Revealed')"},
        {"click": "main a[href^='/content/']", "expect": ".verdict"},
    ]
    *_, decoded, content = browse(page, follow=steps)["followed"]
    assert "updateRoot" in decoded["text"] and "contentDigest" in decoded["text"]
    assert "Digest check passed" in content["text"]


def test_digest_check_fails_in_the_browser_after_tampering(page: str, run: Path, browse: Any) -> None:
    path = first(
        page, first(page, "/transactions?function=reveal", "/transactions/0x[0-9a-f]{64}"), "/content/[a-z2-7]+"
    )
    file = file_of(run / "devnet", digest_of(path.removeprefix("/content/")))
    data = file.read_bytes()
    file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    seen = browse(page, name="tampered", visit=[path])
    file.write_bytes(data)
    assert all("Digest check FAILED" in view["text"] and not view["serious"] for view in seen["pages"])
