"""The packages that pip builds: what a user needs is in the one, what measures or attacks in the other.

They are built from a copy, without the network, and run from a folder from which no checkout is seen.
"""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOT_INSTALLED = {"README.md", "pyproject.toml", "setup.cfg"}
"""Files among a package's modules that are for who reads the sources, or builds it."""


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what both packages are built from: pip leaves its own files beside it."""
    copy = tmp_path_factory.mktemp("sources")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    for name in ("qfl", "experiments"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info", "build"))
    return copy


@pytest.fixture(scope="module")
def installed(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the main package is installed in, alone."""
    folder = tmp_path_factory.mktemp("installed")
    zipfile.ZipFile(build(sources)).extractall(folder)
    return folder


def build(project: Path) -> Path:
    """The wheel of the project in a folder."""
    out = project.with_name(f"{project.name}-wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", out, project], check=True)
    (wheel,) = out.iterdir()
    return wheel


def run(installed: Path, code: str) -> subprocess.CompletedProcess[str]:
    """A Python program in an empty folder, with the package that is installed there."""
    (folder := installed.parent / "elsewhere").mkdir(exist_ok=True)
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def qfl(installed: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command `qfl`, as `run`."""
    start = f"import sys; sys.argv = {['qfl', *arguments]!r}; from qfl.apps.cli.main import main; main()"
    return run(installed, start)


def files_of(package: Path) -> set[str]:
    """What a package has to bring: every module, and every file of data."""
    kept = (path for path in package.rglob("*") if path.is_file() and path.name not in NOT_INSTALLED)
    return {str(path.relative_to(package.parent)) for path in kept if ".egg-info" not in str(path)}


def test_the_package_is_the_program_and_nothing_else(sources, installed):
    found = {str(path.relative_to(installed)) for path in installed.rglob("*") if path.is_file()}
    assert {name for name in found if ".dist-info" not in name} == files_of(sources / "qfl")
    assert "qfl/py.typed" in found


def test_experiments_are_a_package_with_all_their_modules_and_data(sources):
    """Its `pyproject.toml` lists its folders: one that is forgotten would be missed only where it is installed."""
    names = zipfile.ZipFile(build(sources / "experiments")).namelist()
    assert {name for name in names if ".dist-info" not in name} == files_of(sources / "experiments")


def test_the_program_runs_from_any_folder(installed):
    assert str(installed) in run(installed, "import qfl; print(qfl.__file__)").stdout
    done = qfl(installed, "client", "run", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "--deployment" in done.stdout


def test_the_contracts_are_compiled_in_a_checkout_only(installed):
    done = run(installed, "from qfl.chain.compiler import compile_contracts; compile_contracts()")
    assert "CompilerFailed" in done.stderr and "use a checkout of QFLchain" in done.stderr


def test_a_devnet_runs_in_a_checkout_only(installed):
    done = qfl(installed, "devnet", "up", "--rpc-port", "0", "--ipfs-port", "0")
    (line,) = done.stderr.splitlines()
    assert done.returncode == 7
    assert "use a checkout of QFLchain, where `make setup` brings it" in line
