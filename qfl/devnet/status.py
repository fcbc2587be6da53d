"""How a devnet is doing, asked from the process that runs it or from any other."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from qfl.devnet.health import Unhealthy, probe_chain, probe_ipfs
from qfl.devnet.state import DevnetState, PartState


@dataclass(frozen=True)
class PartStatus:
    """One part. `detail` is the chain's height or the IPFS node's multiaddress, or what is wrong."""

    part: PartState
    is_healthy: bool
    detail: str


@dataclass(frozen=True)
class DevnetStatus:
    """All parts of the devnet that process `pid` runs in `folder`."""

    folder: Path
    pid: int
    parts: tuple[PartStatus, ...]

    @property
    def is_healthy(self) -> bool:
        return all(part.is_healthy for part in self.parts)


def compute_status(folder: Path, state: DevnetState) -> DevnetStatus:
    """Ask every part of `state` now."""
    return DevnetStatus(folder, state.pid, tuple(_ask(part) for part in state.parts))


def _ask(part: PartState) -> PartStatus:
    try:
        probe = probe_ipfs if part.name == "ipfs" else probe_chain
        return PartStatus(part, True, probe(part.url))
    except Unhealthy as problem:
        return PartStatus(part, False, str(problem))
