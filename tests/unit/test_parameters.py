"""The protocol's parameters: a file, single values replaced, nothing misspelt."""

from __future__ import annotations

import pytest

from qfl.chain.abi import load_abi
from qfl.chain.parameters import DEFAULTS, load_parameters
from qfl.errors import InvalidInput


def members(contract: str, position: int) -> set[str]:
    """Names in a struct that a contract's constructor takes."""
    (constructor,) = (entry for entry in load_abi(contract) if entry["type"] == "constructor")
    return {member["name"] for member in constructor["inputs"][position]["components"]}


def test_file_has_exactly_what_the_constructors_take():
    """A parameter added to a contract and not to the file would stop every deployment."""
    parameters = load_parameters()
    assert set(parameters.staking) == members("Staking", 0)
    assert set(parameters.rounds) == members("Beacon", 3)
    assert set(parameters.demands) == members("Demands", 2)


def test_override_replaces_one_value_in_whatever_section_it_is():
    parameters = load_parameters(seats=7, unbondingSeconds=100, rewardPoolWei=0)
    assert parameters.rounds["seats"] == 7
    assert parameters.staking["unbondingSeconds"] == 100
    assert parameters.reward_pool_wei == 0
    assert parameters.rounds["shards"] == load_parameters().rounds["shards"]


def test_misspelt_parameter_is_named_beside_the_known_ones():
    with pytest.raises(InvalidInput, match=r"parameter = 'seat': unknown; known are .*seats.*rewardPoolWei"):
        load_parameters(seat=7)


@pytest.mark.parametrize("value", ["4", 4.0, True, -1, None])
def test_value_that_is_no_whole_number_is_named(value):
    with pytest.raises(InvalidInput, match=r"seats = .*whole number"):
        load_parameters(seats=value)


@pytest.mark.parametrize(
    ("name", "bits"),
    [("minClientStakeWei", 96), ("unbondingSeconds", 32), ("slashBps", 16), ("seats", 8), ("normBound", 64)],
)
def test_value_that_its_solidity_type_cannot_hold_is_named(name, bits):
    """It would be refused while it is encoded, when half of the contracts are deployed."""
    assert load_parameters(**{name: 2**bits - 1})
    with pytest.raises(InvalidInput, match=rf"{name} = .*this one has {bits} bits"):
        load_parameters(**{name: 2**bits})


@pytest.mark.parametrize(
    "text",
    ["", "seats: 4", "staking = 5\nrounds = 5\ndeployment = 5", "[staking]\n[rounds]\n[deployment]", "\ud83d"],
    ids=["empty", "no TOML", "no tables", "no pool", "no UTF-8"],
)
def test_file_that_is_no_parameter_file_is_named(tmp_path, text):
    path = tmp_path / "parameters.toml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(InvalidInput, match=r"parameters\.toml.*not a parameter file"):
        load_parameters(path)


def test_value_in_the_file_is_checked_too(tmp_path):
    path = tmp_path / "parameters.toml"
    path.write_text(DEFAULTS.read_text().replace("seats = 4", 'seats = "four"'))
    with pytest.raises(InvalidInput, match="seats = 'four'"):
        load_parameters(path)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(InvalidInput, match="No such file"):
        load_parameters(tmp_path / "none.toml")
