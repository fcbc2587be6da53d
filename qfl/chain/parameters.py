"""The protocol's parameters at deployment: `parameters.toml`, or a file like it, with single values replaced."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from qfl.chain.abi import load_abi
from qfl.errors import InvalidInput
from qfl.files import read_toml

DEFAULTS = Path(__file__).with_name("parameters.toml")
WIDEST = 256
"""Bits of a number that is in no struct."""


@dataclass(frozen=True)
class ProtocolParameters:
    """What `Staking`, `Beacon` and `Demands` are deployed with, under the names of their Solidity structs."""

    staking: Mapping[str, int]
    rounds: Mapping[str, int]
    demands: Mapping[str, int]
    reward_pool_wei: int


def load_parameters(path: Path = DEFAULTS, /, **overrides: int) -> ProtocolParameters:
    """Read parameters and replace those named in `overrides`.

    Raises:
        InvalidInput: the file is not a parameter file, a name is not a parameter, or a value no whole number that its
            Solidity type holds.
    """
    try:
        document = read_toml(path)
        sections = [dict(document[name]) for name in ("staking", "rounds", "demands", "deployment")]
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise InvalidInput("parameters", str(path), f"not a parameter file: {error}") from error
    for name, value in overrides.items():
        section = next((section for section in sections if name in section), None)
        if section is None:
            known = ", ".join(name for section in sections for name in section)
            raise InvalidInput("parameter", name, f"unknown; known are {known}")
        section[name] = value
    staking, rounds, demands, deployment = sections
    widths = [_widths(contract) for contract in ("Staking", "Beacon", "Demands")]
    for section, bits_of in zip(sections, [*widths, {}], strict=True):
        for name, value in section.items():
            bits = bits_of.get(name, WIDEST)
            if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**bits:
                remedy = f"a parameter is a whole number from 0; this one has {bits} bits"
                raise InvalidInput(name, value, f"{remedy}, so it is below 2^{bits}")
    if "rewardPoolWei" not in deployment:
        raise InvalidInput("parameters", str(path), "not a parameter file: no rewardPoolWei under [deployment]")
    return ProtocolParameters(staking, rounds, demands, deployment["rewardPoolWei"])


@cache
def _widths(contract: str) -> Mapping[str, int]:
    """Bits of every number in the structs that a contract's constructor takes, by its name."""
    (constructor,) = (entry for entry in load_abi(contract) if entry["type"] == "constructor")
    members = (member for given in constructor["inputs"] for member in given.get("components", ()))
    return {member["name"]: int(member["type"][4:]) for member in members if member["type"].startswith("uint")}
