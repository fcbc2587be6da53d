"""The committed ABIs are those of the contracts: compares them with the compiler's answer."""

import json

import pytest

from qfl.chain import abi
from qfl.chain.compiler import compile_contracts
from qfl.quorum.quorum import SCHEMES

REMEDY = "run `python scripts/export_abi.py`"


@pytest.mark.parametrize("name", abi.CONTRACTS)
def test_committed_abi_is_the_compilers(name):
    """A contract changed without its ABI: every call would still encode, for the function that was."""
    assert abi.load_abi(name) == compile_contracts()[name].abi, REMEDY


def test_the_contracts_abis_are_committed_and_those_of_the_quorum_schemes():
    """The list is the folder: one that is missing there would be missing in everything else."""
    schemes = {SCHEMES.find(name).contract.name for name in SCHEMES}
    named = {
        "Staking",
        "Draw",
        "Beacon",
        "BeaconMirror",
        "Shard",
        "Rewards",
        "Demands",
        "Disputes",
        "MirrorFaults",
        "Groth16NormVerifier",
    }
    assert set(abi.CONTRACTS) == named | schemes, REMEDY


@pytest.mark.parametrize("name", abi.CONTRACTS)
def test_abi_is_written_as_the_script_writes_it(name):
    """A file that was edited by hand would show up as a change of hundreds of lines with the next export."""
    assert abi.abi_file(name).read_text() == json.dumps(abi.load_abi(name), indent=1) + "\n", REMEDY
