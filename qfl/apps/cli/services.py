"""Where a command finds chain, IPFS node and deployment: by address, or in a finished run's folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from qfl.errors import InvalidInput


@dataclass(frozen=True)
class Services:
    """Addresses, and the deployment file that belongs to them; `ipfs` is empty where it was not asked for.

    `shard_rpcs` are those of the shards' own chains; empty: there are none, or they are as in the deployment file.
    """

    rpc: str
    ipfs: str
    deployment: Path
    shard_rpcs: Sequence[str] = ()


@contextmanager
def find_services(
    run: Path | None,
    rpc: str | None,
    ipfs: str | None,
    deployment: Path | None,
    with_ipfs: bool = True,
    shard_rpcs: Sequence[str] = (),
) -> Iterator[Services]:
    """The given addresses; for a run folder, its chain and node, started again for as long as they are needed.

    Raises:
        InvalidInput: neither a run folder nor addresses.
    """
    if run is None:
        if rpc is None or (with_ipfs and ipfs is None):
            raise InvalidInput("rpc", rpc, "pass --rpc and --ipfs, or --run with a run's folder")
        yield Services(rpc, ipfs or "", deployment or Path("deployment.json"), shard_rpcs)
        return
    if not (run / "deployment.json").exists():
        raise InvalidInput("run", str(run), "is not a run folder: it has no deployment.json")
    if rpc is not None and (ipfs is not None or not with_ipfs):
        yield Services(rpc, ipfs or "", run / "deployment.json", shard_rpcs)
        return
    from qfl.devnet.devnet import Devnet
    from qfl.simulation.folder import kept_devnet

    with Devnet(kept_devnet(run, with_chain=rpc is None, with_ipfs=with_ipfs and ipfs is None)) as devnet:
        own_ipfs = devnet.ipfs_url if with_ipfs and ipfs is None else ipfs
        own_shards = devnet.shard_rpc_urls if rpc is None else shard_rpcs
        yield Services(rpc or devnet.rpc_url, own_ipfs or "", deployment or run / "deployment.json", own_shards)
