"""The committed ABIs are those of the contracts: compares them with the compiler's answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from qfl.chain import abi
from qfl.chain.compiler import compile_contracts

REMEDY = "run `python scripts/export_abi.py`"


@pytest.mark.parametrize("name", abi.CONTRACTS)
def test_committed_abi_is_the_compilers(name):
    """A contract changed without its ABI: every call would still encode, for the function that was."""
    assert abi.load_abi(name) == compile_contracts()[name].abi, REMEDY


def test_every_committed_abi_belongs_to_a_contract():
    committed = {path.stem for path in Path(abi.__file__).parent.glob("*.json")}
    assert committed == set(abi.CONTRACTS)


@pytest.mark.parametrize("name", abi.CONTRACTS)
def test_abi_is_written_as_the_script_writes_it(name):
    """A file that was edited by hand would show up as a change of hundreds of lines with the next export."""
    assert abi.abi_file(name).read_text() == json.dumps(abi.load_abi(name), indent=1) + "\n", REMEDY
