"""The protocol's parameters at deployment: `qfl/parameters.toml`, or a file like it, with single values replaced."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from qfl.errors import InvalidInput

DEFAULTS = Path(__file__).parents[1] / "parameters.toml"


@dataclass(frozen=True)
class ProtocolParameters:
    """What `Staking` and `Beacon` are deployed with, under the names of their Solidity structs."""

    staking: Mapping[str, int]
    rounds: Mapping[str, int]
    reward_pool_wei: int


def load_parameters(path: Path = DEFAULTS, /, **overrides: int) -> ProtocolParameters:
    """Read parameters and replace those named in `overrides`.

    Raises:
        InvalidInput: the file is not a parameter file, a name is not a parameter, or a value no whole number.
    """
    try:
        document = tomllib.loads(path.read_text())
        sections = [dict(document[name]) for name in ("staking", "rounds", "deployment")]
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise InvalidInput("parameters", str(path), f"not a parameter file: {error}") from error
    for name, value in overrides.items():
        section = next((section for section in sections if name in section), None)
        if section is None:
            known = ", ".join(name for section in sections for name in section)
            raise InvalidInput("parameter", name, f"unknown; known are {known}")
        section[name] = value
    for name, value in (item for section in sections for item in section.items()):
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise InvalidInput(name, value, "a parameter is a whole number, 0 or more")
    staking, rounds, deployment = sections
    if "rewardPoolWei" not in deployment:
        raise InvalidInput("parameters", str(path), "not a parameter file: no rewardPoolWei under [deployment]")
    return ProtocolParameters(staking, rounds, deployment["rewardPoolWei"])
