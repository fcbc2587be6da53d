"""Where a command finds chain, IPFS node and deployment: by address, or in a finished run's folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from qfl.apps.cli.options import PATH, by, given
from qfl.errors import InvalidInput

if TYPE_CHECKING:  # web3 takes half a second to import: not for `qfl --help`
    from qfl import Ledger, Sender
    from qfl.chain.rpc.sender import TransactionSender


def _unless_run(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
    """Where the network is; what the environment says of it is of another one than that of a run's folder."""
    source = context.get_parameter_source(parameter.name or "")
    if context.params.get("run_folder") is not None and source is ParameterSource.ENVIRONMENT:
        return () if parameter.multiple else None
    return value


RPC = partial(click.option, "--rpc", envvar="QFL_RPC", metavar="URL", help="JSON-RPC address of the chain.")
IPFS = partial(click.option, "--ipfs", envvar="QFL_IPFS", metavar="ADDRESS")
DEPLOYMENT = partial(click.option, "--deployment", type=PATH, envvar="QFL_DEPLOYMENT", help="Deployment file.")
DEFAULT_DEPLOYMENT = Path("deployment.json")
OWN_NODE_SECONDS = 1.0
"""How long a run's own node may look for content: it has no peers, so what it does not have, nobody has."""
SHARD_RPCS = click.option(
    "--shard-rpc",
    "shard_rpcs",
    multiple=True,
    envvar="QFL_SHARD_RPC",
    metavar="URL",
    callback=_unless_run,
    help="JSON-RPC address of a shard's own chain; repeat, in the shards' order.  [default: as in the deployment file]",
)


@dataclass(frozen=True)
class Network:
    """A deployment with its chains, an IPFS node, and an account that pays.

    `shard_rpcs` are those of the shards' own chains; empty: there are none, or they are as in the deployment file.
    `ipfs` is empty where nothing asks for a node.
    """

    rpc: str = by(RPC(required=True))
    ipfs: str = by(IPFS(required=True, help="RPC address of the IPFS node (URL or multiaddr)."), "")
    deployment: Path = by(DEPLOYMENT(default=DEFAULT_DEPLOYMENT), DEFAULT_DEPLOYMENT)
    shard_rpcs: tuple[str, ...] = by(SHARD_RPCS, ())
    account: str = given(
        "--account",
        default="dev:0",
        envvar="QFL_ACCOUNT",
        metavar="SOURCE",
        help="Who pays gas and stake: dev:N (development chains), a keystore file, or a file with a private key.",
    )

    def ledger(self) -> Ledger:
        """The deployment on its chains, checked against each other."""
        from qfl import Deployment, Ledger

        return Ledger.connect(self.rpc, Deployment.load(self.deployment), shard_urls=self.shard_rpcs)

    def sender(
        self, behave: Callable[[Sender], TransactionSender] = lambda sender: sender
    ) -> tuple[Ledger, TransactionSender]:
        """The deployment, and what sends for the account on all its chains.

        `behave` makes what sends on the beacon's chain of the usual sender.
        """
        from qfl import Sender
        from qfl.chain.rpc.accounts import load_account
        from qfl.chain.rpc.calls import ChainRouter

        ledger, paying = self.ledger(), load_account(self.account)
        sender = Sender(ledger.web3, paying)
        first = behave(sender)
        if not ledger.shard_web3s:
            return ledger, first
        ids = [chain.chainId for chain in ledger.deployment.chains]
        own = {id_: Sender(web3, paying, chain_id=id_) for id_, web3 in zip(ids, ledger.shard_web3s, strict=True)}
        return ledger, ChainRouter({sender.chain_id: first, **own})


@dataclass(frozen=True)
class Source:
    """Where something is read: in a run's folder, or in a network."""

    run_folder: Path | None = given(
        "--run",
        "run_folder",
        type=PATH,
        is_eager=True,
        help="A run's folder, in place of the addresses: its chain and IPFS node are started again while this needs "
        "them.",
    )
    rpc: str | None = by(RPC(callback=_unless_run))
    ipfs: str | None = by(IPFS(callback=_unless_run, help="RPC address of the IPFS node."))
    deployment: Path | None = by(DEPLOYMENT(callback=_unless_run))
    shard_rpcs: tuple[str, ...] = by(SHARD_RPCS, ())

    @contextmanager
    def network(self, *, with_ipfs: bool = True) -> Iterator[Network]:
        """The given addresses; of a run's folder its chain and node, started again for as long as they are needed.

        Raises InvalidInput: neither a run's folder nor addresses.
        """
        run, rpc, ipfs = self.run_folder, self.rpc, self.ipfs if with_ipfs else ""
        if run is None:
            if rpc is None or ipfs is None:
                addresses = "--rpc and --ipfs" if with_ipfs else "--rpc"
                raise InvalidInput("rpc", rpc, f"pass {addresses}, or --run with a run's folder")
            yield Network(rpc, ipfs, self.deployment or DEFAULT_DEPLOYMENT, self.shard_rpcs)
            return
        of_run = run / "deployment.json"
        if not of_run.exists():
            raise InvalidInput("run", str(run), "is not a run folder: it has no deployment.json")
        if rpc is not None and ipfs is not None:
            yield Network(rpc, ipfs, of_run, self.shard_rpcs)
            return
        from qfl.devnet.devnet import Devnet
        from qfl.simulation.folder import kept_devnet

        with Devnet(kept_devnet(run, with_chain=rpc is None, with_ipfs=ipfs is None)) as devnet:
            shard_rpcs = tuple(devnet.shard_rpc_urls) if rpc is None else self.shard_rpcs
            own_ipfs = devnet.ipfs_url if ipfs is None else ipfs
            yield Network(rpc or devnet.rpc_url, own_ipfs, self.deployment or of_run, shard_rpcs)
