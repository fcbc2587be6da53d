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
        InvalidInput: the file is not TOML, or a name is not a parameter.
    """
    try:
        document = tomllib.loads(path.read_text())
        staking, rounds = dict(document["staking"]), dict(document["rounds"])
        pool = int(document["deployment"]["rewardPoolWei"])
    except (OSError, KeyError, tomllib.TOMLDecodeError) as error:
        raise InvalidInput("parameters", str(path), f"not a parameter file: {error}") from error
    for name, value in overrides.items():
        section = next((section for section in (staking, rounds) if name in section), None)
        if section is None:
            raise InvalidInput("parameter", name, f"unknown; known are {', '.join([*staking, *rounds])}")
        section[name] = value
    return ProtocolParameters(staking, rounds, pool)
