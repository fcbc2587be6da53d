"""A node of somebody else that a client asks: the chain as it is, or a fork of it that nobody else sees."""

import socket
from contextlib import ExitStack
from pathlib import Path

from experiments.attacks.proxy import Whole, ask, proxy
from qfl.chain.clock import DevelopmentClock
from qfl.chain.rpc.connection import connect
from qfl.devnet.config import CHAIN_ID, DEV_MNEMONIC
from qfl.devnet.health import call_chain, probe_chain, wait_until_healthy
from qfl.devnet.process import HOST, GuardedProcess, choose_port
from qfl.devnet.programs import find_anvil
from qfl.errors import InvalidInput

ANYWHERE = ("192.0.2.1", 9)
"""An address that is nobody's (RFC 5737): to be on the way there, nothing has to be sent."""


class LyingNode:
    """Tells the truth until it is to lie; `url` is where it answers. Close it."""

    def __init__(self, rpc_url: str, folder: Path) -> None:
        """`rpc_url` is the chain's, `folder` for the log of its fork. Raises InvalidInput: it can have no address."""
        self._truth = self._told = rpc_url
        self._folder, self._open, self._fork = folder, ExitStack(), ExitStack()
        self.url = self._open.enter_context(proxy(rpc_url, lambda body, _: Whole(ask(self._told, body)), own_address()))

    def lie(self) -> None:
        """Fork the chain as it is now, and answer from there: a chain in itself, with blocks and time of the liar's."""
        port = choose_port(0, "a fork")
        command = [find_anvil(), "--host", HOST, "--port", str(port), "--mnemonic", DEV_MNEMONIC]
        # Anvil keeps what it reads of a chain by its id, and takes it for that of the next chain with the same one.
        command += ["--fork-url", self._truth, "--chain-id", str(CHAIN_ID), "--no-storage-caching"]
        process = GuardedProcess("anvil", command, self._folder / "fork.log")
        self._fork.callback(process.stop)
        self._told = f"http://{HOST}:{port}"
        wait_until_healthy(process, lambda: probe_chain(self._told))

    def pass_time(self, until: int, *, blocks: int) -> None:
        """Have the fork make so many blocks, and be at a time."""
        for _ in range(blocks):
            call_chain(self._told, "evm_mine")
        DevelopmentClock(connect(self._told)).reach(until)

    def tell_the_truth(self) -> None:
        """Answer as the chain does again."""
        self._told = self._truth
        self._fork.close()

    def close(self) -> None:
        """End it, and its fork."""
        self._open.close()
        self._fork.close()


def own_address() -> str:
    """Where others reach this machine. Raises InvalidInput: nobody does."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(ANYWHERE)
        except OSError as error:
            remedy = f"a node that is not this machine's own needs another address: {error}"
            raise InvalidInput("address", HOST, remedy) from error
        return str(probe.getsockname()[0])
