"""Which part of the program may know which: read from the sources, so that a shortcut is seen the day it is taken."""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

ORDER = [
    *("qfl.errors", "qfl.doors", "qfl.files", "qfl.bounds", "qfl.exchange"),
    *("qfl.protocol", "qfl.crypto.norm", "qfl.crypto", "qfl.storage"),
    *("qfl.quantum", "qfl.quantum.encoders", "qfl.quantum.ansatz", "qfl.quantum.engine"),
    *("qfl.training.data", "qfl.training"),
    *("qfl.chain.abi", "qfl.chain.rpc", "qfl.chain.contracts", "qfl.chain", "qfl.quorum", "qfl.node"),
    *("qfl.client", "qfl.validator", "qfl.challenger", "qfl.auditor", "qfl.scheduler", "qfl.daemon"),
    *("qfl.devnet", "qfl.simulation.faults", "qfl.simulation"),
    *("qfl.apps", "qfl.apps.inspect", "qfl.apps.report", "qfl.apps.explorer", "qfl.apps.cli"),
    *(
        "experiments.console",
        "experiments.figures",
        "experiments.jobs",
        "experiments.peer",
        "experiments.learning",
        "experiments.consensus",
        "experiments.poisoning",
    ),
    *("experiments.attacks", "experiments.scale", "experiments.casestudy", "experiments"),
]
"""Rooms and single modules beside them: each may import those before it, in functions too."""

CONFINED = {
    "web3": ["qfl/chain/", "qfl/simulation/identities.py", "qfl/apps/inspect/"],
    "aiohttp": ["qfl/chain/rpc/rpc.py"],
    "torch": ["qfl/quantum/", "qfl/training/", "experiments/"],
    "torchquantum": ["qfl/quantum/", "qfl/training/model.py"],
    "qiskit": ["qfl/quantum/export.py"],
    "torchvision": ["qfl/training/data/datasets.py"],
    "sklearn": ["qfl/training/data/datasets.py"],
    "matplotlib": ["qfl/apps/report/figures.py"],
    "jinja2": ["qfl/apps/report/page.py"],
    "solcx": ["qfl/chain/compiler.py"],
    "ipfshttpclient": ["qfl/storage/"],
    "pyhsslms": ["qfl/crypto/lms.py"],
    "cryptography": ["qfl/crypto/"],
    "opacus": ["qfl/training/differential_privacy.py"],
    "kyber_py": ["qfl/crypto/kem.py"],
    "groth16py": ["qfl/crypto/norm/worker.py"],  # GPL-3: in a process of its own
    "py_ecc": ["qfl/crypto/norm/"],
    "rich": ["qfl/apps/", "qfl/simulation/", "experiments/"],
    "click": ["qfl/apps/cli/", "experiments/"],
    "starlette": ["qfl/apps/explorer/"],
    "uvicorn": ["qfl/apps/explorer/server.py"],
    "ray": ["qfl/training/ray_trainer.py"],
    "brownie": [],
}
"""Where a library may be used."""

PURE = {
    *("__future__", "base64", "binascii", "collections", "dataclasses", "enum", "functools", "hashlib", "math"),
    *("struct", "typing", "numpy", "eth_abi", "eth_hash", "eth_utils", "qfl.errors", "qfl.protocol"),
}
"""What the protocol's room may import: nothing in it reads or writes anything."""

SLOW = {"torch", "torchquantum", "sklearn", "scipy", "matplotlib", "solcx", "web3", "numpy", "ray", "qiskit"}
SOURCES = sorted(path.relative_to(ROOT) for house in ("qfl", "experiments") for path in (ROOT / house).rglob("*.py"))
MOST_ROOMS = 30


@cache
def imported_by(source: Path) -> frozenset[str]:
    """Every module that a source file imports, anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse((ROOT / source).read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{source} imports relatively"
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(names)


def room_of(name: str) -> str:
    """The longest entry of `ORDER` that a module belongs to; its own name where there is none."""
    parts = name.split(".")
    return next((room for end in range(len(parts), 0, -1) if (room := ".".join(parts[:end])) in ORDER), name)


def module_of(source: Path) -> str:
    """A source file's module; a room's own `__init__` is the room."""
    return ".".join(source.with_suffix("").parts).removesuffix(".__init__")


def test_every_room_has_its_place():
    """A new room goes into `ORDER` by decision, not by accident."""
    found = {room_of(module_of(source)) for source in SOURCES} - {"qfl"}
    assert found == set(ORDER)
    folders = {source.parent for source in SOURCES if source.parts[0] == "qfl"} - {Path("qfl"), Path("qfl/apps")}
    assert {".".join(folder.parts) for folder in folders} < set(ORDER)


def test_rooms_are_few_and_no_two_have_one_name():
    """What is found by its name is found once."""
    rooms = [source.parent.name for source in SOURCES if source.name == "__init__.py" and len(source.parts) > 2]
    assert (
        len([source for source in SOURCES if source.name == "__init__.py" and source.parts[0] == "qfl"]) <= MOST_ROOMS
    )
    assert len(rooms) == len(set(rooms))


@pytest.mark.parametrize("room", ORDER)
def test_imports_go_one_way(room):
    """From the values and bytes, over the stages, to the roles and the programs; so there are no cycles either."""
    later = ORDER[ORDER.index(room) + 1 :]
    found = {
        f"{source} imports {module}"
        for source in SOURCES
        if room_of(module_of(source)) == room
        for module in imported_by(source)
        if module.split(".")[0] in ("qfl", "experiments") and room_of(module) in later
    }
    assert not found


def test_protocol_computes_and_does_nothing_else():
    """What two parties must agree on to the bit reads no file, clock, thread or network, and asks no chain or store."""
    found = {
        f"{source} imports {module}"
        for source in SOURCES
        if source.parts[:2] == ("qfl", "protocol")
        for module in imported_by(source)
        if (room_of(module) if module.startswith("qfl.") else module.split(".")[0]) not in PURE
    }
    assert not found


@pytest.mark.parametrize("library", CONFINED)
def test_library_stays_where_it_belongs(library):
    """What is imported in one place can be replaced in one place."""
    found = {
        str(source)
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
    assert not loaded_by("import qfl.apps.cli.main") & SLOW


def test_settings_of_a_job_are_read_without_torch():
    """A validator process trains nothing: it should not hold torch in memory."""
    loaded = loaded_by("import qfl.training.job, qfl.validator.validator, qfl.client.client, qfl.daemon")
    assert not loaded & {"torch", "torchquantum", "sklearn", "matplotlib"}
