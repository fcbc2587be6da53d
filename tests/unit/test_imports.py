"""Which part of the program may know which: read from the sources, so that a shortcut is seen the day it is taken."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "qfl"

ORDER = [
    *("errors", "types", "bounds", "files", "config", "meter", "exchange"),
    *("codec", "keys", "storage", "data", "quantum", "devnet", "zk", "privacy", "chain", "mirror", "dynamics"),
    *("aggregate", "committee", "challenge", "client", "job"),
    *(
        "roles",
        "round",
        "network",
        "population",
        "audit",
        "inspect",
        "prepare",
        "preflight",
        "energy",
        "report",
        "learning",
        "run",
        "attacks",
        "simulate",
        "explorer",
        "bench",
        "casestudy",
        "cli",
    ),
]
"""Packages and top-level modules of qfl: each may import those before it, in functions too."""

CONFINED = {
    "web3": ["chain/", "network.py", "inspect/transaction.py", "inspect/failure.py"],
    "aiohttp": ["chain/rpc.py"],
    "torch": ["quantum/"],
    "torchquantum": ["quantum/"],
    "qiskit": ["quantum/export.py"],
    "torchvision": ["data/datasets.py"],
    "sklearn": ["data/datasets.py"],
    "matplotlib": ["report/figures.py"],
    "jinja2": ["report/page.py"],
    "solcx": ["chain/compiler.py"],
    "ipfshttpclient": ["storage/ipfs.py"],
    "pyhsslms": ["keys/lms.py"],
    "blspy": ["keys/bls.py"],
    "cryptography": ["privacy/"],
    "opacus": ["privacy/differential.py"],
    "kyber_py": ["privacy/encapsulation.py"],
    "groth16py": ["zk/worker.py"],  # GPL-3: in a process of its own
    "py_ecc": ["zk/curve.py", "zk/verify.py"],
    "rich": ["cli/", "report/", "bench/", "casestudy/", "simulate/", "energy/"],
    "click": ["cli/"],
    "starlette": ["explorer/"],
    "uvicorn": ["explorer/server.py"],
    "ray": ["roles/ray_trainer.py"],
    "brownie": [],
}
"""Where a library may be used."""

SLOW = {"torch", "torchquantum", "sklearn", "scipy", "matplotlib", "solcx", "web3", "numpy", "ray", "qiskit"}
SOURCES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))


@cache
def imported_by(source: Path) -> frozenset[str]:
    """Every module that a source file imports, anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse((PACKAGE / source).read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{source} imports relatively"
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(names)


def part_of(source: Path) -> str:
    """The package or top-level module that a source file belongs to."""
    return source.parts[0].removesuffix(".py")


def test_every_part_has_its_place():
    """A new package goes into `ORDER` by decision, not by accident."""
    assert {part_of(source) for source in SOURCES} - {"__init__"} == set(ORDER)


@pytest.mark.parametrize("part", ORDER)
def test_imports_go_one_way(part):
    """From the values and bytes, over the stages, to the roles and the command line; so there are no cycles either."""
    later = ORDER[ORDER.index(part) + 1 :]
    found = {
        f"qfl/{source} imports {module}"
        for source in SOURCES
        if part_of(source) == part
        for module in imported_by(source)
        if module.startswith("qfl.") and module.split(".")[1] in later
    }
    assert not found


@pytest.mark.parametrize("library", CONFINED)
def test_library_stays_where_it_belongs(library):
    """What is imported in one place can be replaced in one place."""
    found = {
        f"qfl/{source}"
        for source in SOURCES
        if not any(str(source).startswith(place) for place in CONFINED[library])
        for module in imported_by(source)
        if module.split(".")[0] == library
    }
    assert not found


@pytest.mark.parametrize("library", [name for name, places in CONFINED.items() if places])
def test_places_of_a_library_are_still_in_use(library):
    """An exception that nobody needs any more is taken off the list."""
    users = [
        str(source) for source in SOURCES if any(module.split(".")[0] == library for module in imported_by(source))
    ]
    unused = [place for place in CONFINED[library] if not any(user.startswith(place) for user in users)]
    assert not unused


def loaded_by(statement: str) -> set[str]:
    """The modules that are loaded after a statement, in a fresh process."""
    code = f"{statement}\nimport sys\nprint('\\n'.join(sys.modules))"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def test_command_line_starts_without_the_slow_libraries():
    """`qfl --help` must not take the second that web3 needs, let alone the five of TorchQuantum."""
    assert not loaded_by("import qfl.cli.main") & SLOW


def test_settings_of_a_job_are_read_without_torch():
    """A validator process trains nothing: it should not hold torch in memory."""
    loaded = loaded_by("import qfl.job, qfl.roles.validator, qfl.roles.client, qfl.roles.loop")
    assert not loaded & {"torch", "torchquantum", "sklearn", "matplotlib"}
