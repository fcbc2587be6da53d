"""Every command of README, the guides and `LISTED` is run, or listed with the reason why not; others are parsed.

Conventions: `sh` blocks of a guide are one script, `sh terminal` ones run beside it, `sh skip: REASON` ones are parsed
only; `python` blocks of a guide are one program. Elsewhere commands are indented by four spaces.
"""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest

from qfl.apps.cli.main import cli
from qfl.devnet.process import choose_port

ROOT = Path(__file__).parents[2]
GUIDES = ROOT / "docs" / "guides"
STORY = ("deploy", "client", "validator", "verify")
"""Guides that are one story on one network, in this order."""
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
LISTED = [
    ROOT / "README.md",
    *(ROOT / "docs" / f"{page}.md" for page in ("guides/run", "guides/network", "reference/private-mode", "security")),
]
"""Pages whose indented commands are run, in this order, or listed."""
PATIENCE_SECONDS = 600
SMALL = "central_epochs = 0\n[training]\nsteps = 3\n"
"""What the first job is made quicker by."""

RUN = (
    "qfl run --clients 5",
    "qfl verify --run runs/mine",
    "qfl inspect round 3 --run runs/mine",
    "qfl inspect model --run",
    "qfl inspect participant 1 --run",
    "qfl report",
    "qfl evaluate --run",
    "qfl export",
    "qfl attack --list",
    "qfl simulate",
)
"""Commands of these pages that are run, by how they begin."""
NOT_RUN = {
    "make": "what CI and this very run are",
    "qfl explorer": "a server until Ctrl-C; test_explorer.py, test_explorer_in_browser.py",
    "qfl attack": "test_attacks.py plays all of them",
    "qfl run --mode private": "test_private_job.py",
    "qfl verify --run runs/private": "test_private_job.py",
    "qfl run --config scripts/jobs/angles-144.toml": "minutes",
    "qfl run --config scripts/jobs/mnist-quantum.toml": "needs MNIST, and minutes",
    "qfl run --clients 12": "test_shard_chains.py, test_changing_clients.py",
    "qfl run --seats 16": "test_votes_job.py",
    "qfl zk": "test_proving_process.py",
    "qfl deploy --mode private": "test_proving_process.py",
    "qfl devnet": "the guides and test_devnet.py",
    "export": "the guides",
    "qfl deploy": "the guides",
    "qfl key": "the guides",
    "qfl client run": "the guides",
    "qfl validator run": "the guides",
    "qfl inspect participant": "the guides",
    "qfl verify": "the guides",
    "qfl stake": "the guides, test_role_commands.py",
    "qfl challenger run": "the guides, test_challenger_role.py",
    "brownie": "test_scripts.py of the contract tests: a chain of its own for each command takes too long",
}
"""Why other commands are not, by how they begin."""


@dataclass(frozen=True)
class Block:
    """A fenced block of a guide."""

    kind: str
    note: str
    text: str


def blocks_of(guide: str) -> Iterator[Block]:
    text = (GUIDES / f"{guide}.md").read_text()
    for kind, note, body in re.findall(r"^```(\w+) ?([^\n]*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield Block(kind, note, body)


def commands_of(page: Path) -> Iterator[str]:
    """Command lines without comments: indented by four spaces, or in `sh` blocks."""
    text = page.read_text()
    fenced = "\n".join(re.findall(r"^```sh[^\n]*\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
    indented = "\n".join(re.findall(r"^    (\S.*)$", text, re.MULTILINE))
    for line in f"{fenced}\n{indented}".replace("\\\n", " ").splitlines():
        command = re.sub(r"\s+#.*", "", line).strip().replace(".venv/bin/", "")
        if re.match(r"(qfl|make|brownie|pip|export) ", command):
            yield command


def complaint(command: str) -> str:
    """What click says of a `qfl` command; nothing if it would take it."""
    plain = re.sub(r"\$\w+", "1", re.split(r" [|>&]", command)[0])
    words = [word for word in shlex.split(plain)[1:] if word != "..."]
    current: click.Command = cli
    context = click.Context(cli, info_name="qfl")
    try:
        while isinstance(current, click.Group) and words:
            name, found, words = current.resolve_command(context, words)
            assert found is not None
            current, context = found, click.Context(found, context, info_name=name)
        current.make_context(context.info_name, list(words), context.parent)
    except click.exceptions.Exit:  # --help
        return ""
    except click.MissingParameter as error:
        return "" if "..." in command else f"{command}: {error.format_message()}"
    except click.ClickException as error:
        return f"{command}: {error.format_message()}"
    return ""


def environment(**more: str) -> dict[str, str]:
    """The checkout's commands and code before any that are installed."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    clean = {name: value for name, value in os.environ.items() if not name.startswith("QFL_")}
    return {**clean, "PATH": path, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **more}


def in_scratch(folder: Path, script: str) -> None:
    """Run a shell script in a folder that looks like the checkout."""
    for name in ("scripts", "docs"):
        (folder / name).symlink_to(ROOT / name)
    log = folder / "log"
    command = ["bash", "-c", script]
    with log.open("w") as out:
        done = subprocess.run(
            command, cwd=folder, env=environment(), stdout=out, stderr=out, timeout=PATIENCE_SECONDS, check=False
        )
    assert done.returncode == 0, log.read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_have_the_options_that_pages_say(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("QFL_RPC", "QFL_IPFS"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    complaints = [said for command in commands_of(page) if command.startswith("qfl ") and (said := complaint(command))]
    assert not complaints


def anchors_of(page: Path) -> set[str]:
    """The names that GitHub gives a page's headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", [*sorted(ROOT.glob("*.md")), *PAGES[1:]], ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", page.read_text()):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors_of(target), link


@pytest.mark.rest
def test_the_readme_runs(tmp_path: Path) -> None:
    """With the pages that it leads to: together they are one story of one run."""
    script = ["set -eux", "PS4='+ $SECONDS s: '"]
    for command in (command for page in LISTED for command in commands_of(page)):
        if command.startswith(RUN):
            quick = " --rounds 3 --no-plots --config small.toml" if command.startswith("qfl run") else ""
            script.append((command + quick).replace("runs/demo", "runs/mine"))
        else:
            assert any(command.startswith(known) for known in NOT_RUN), f"{command}: run it, or say why not"
    (tmp_path / "small.toml").write_text(SMALL)
    in_scratch(tmp_path, "\n".join(script))


@pytest.mark.rest
def test_the_guides_are_one_story_that_runs(tmp_path: Path) -> None:
    rpc, ipfs = choose_port(0, "chain"), choose_port(0, "IPFS node")
    script = [
        "set -eux -o pipefail",
        "PS4='+ $SECONDS s: '",
        "pids=",
        "trap 'kill $(jobs -p) 2> /dev/null || true; qfl devnet down' EXIT",
    ]
    for block in (block for guide in STORY for block in blocks_of(guide)):
        if block.kind == "sh" and block.note == "terminal":
            script.append(f'( {block.text.strip()} ) & pids="$pids $!"')
        elif block.kind == "sh" and not block.note.startswith("skip: "):
            script.append(block.text)
    text = "\n".join([*script, "for pid in $pids; do wait $pid; done"])
    # This machine's usual ports may be taken.
    text = text.replace("devnet up", f"devnet up --rpc-port {rpc} --ipfs-port {ipfs}")
    in_scratch(tmp_path, text.replace(":8545", f":{rpc}").replace(":5001", f":{ipfs}"))


WHOLE_FILES = {"doors"}
"""Guides whose blocks are files of `examples/`, and no program together: `tests/unit/test_doors.py` runs those."""


@pytest.mark.parametrize("guide", sorted({path.stem for path in GUIDES.glob("*.md")} - WHOLE_FILES))
def test_programs_in_guides_run(guide: str, tmp_path: Path) -> None:
    program = "\n".join(block.text for block in blocks_of(guide) if block.kind == "python")
    if not program:
        pytest.skip("no program in it")
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
