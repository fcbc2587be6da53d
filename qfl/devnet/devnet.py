"""A chain and an IPFS node on this machine, which end with the process that started them."""

import json
import os
import signal
import time
from dataclasses import asdict
from typing import IO, Self

from qfl.devnet.config import MAIN_CHAIN, DevnetConfig, chain_parts, shard_chain
from qfl.devnet.health import (
    POLL_SECONDS,
    DevnetStatus,
    call_chain,
    catch_up_clock,
    compute_status,
    probe_chain,
    probe_ipfs,
    wait_until_healthy,
)
from qfl.devnet.process import HOST, GuardedProcess, choose_port
from qfl.devnet.programs import anvil_state, chain_command, ipfs_command, read_whole
from qfl.devnet.state import FORMAT, STATE, DevnetState, PartState, lock_folder
from qfl.errors import DevnetPartEnded, DidNotStart, PartNotConfigured
from qfl.files import write_atomically

PORT_ATTEMPTS = 3
ADDRESS_IN_USE = "address already in use"  # what Anvil, Ganache and Node alike say of a port that is taken


class Devnet:
    """A development network.

    `start` and `stop` it, or use it as a context manager. Its programs end with it, and also when this
    process is killed. Not thread-safe.
    """

    def __init__(self, config: DevnetConfig) -> None:
        self.config = config
        self._chains = {part.name: part for part in chain_parts(config)}
        self._shard_chains = list(self._chains)[1:]
        self._lock: IO[str] | None = None
        self._ports: dict[str, int] = {}
        self._processes: dict[str, GuardedProcess] = {}

    def start(self) -> None:
        """Start the configured parts and return when they answer.

        Raises:
            DevnetRunning: another process runs a devnet in the same folder.
            PortInUse: a port that was asked for is taken.
            ProgramMissing: a program is not installed.
            DidNotStart: a program ended at once, or does not answer.
        """
        lock = lock_folder(self.config.folder)
        self._lock = lock
        try:
            self._launch_all()
            self._write_state()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End every part and return when all are gone. State and logs stay in the folder."""
        self._end_all()
        if self._lock is not None:
            (self.config.folder / STATE).unlink(missing_ok=True)
            self._lock.close()
            self._lock = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def rpc_url(self) -> str:
        return self._url(MAIN_CHAIN)

    @property
    def shard_rpc_urls(self) -> list[str]:
        """URLs of the shards' own chains, by shard."""
        return [self._url(name) for name in self._shard_chains]

    @property
    def ipfs_url(self) -> str:
        """URL of the IPFS node's RPC, as `IpfsStore` takes it."""
        return self._url("ipfs")

    def pids(self) -> dict[str, int]:
        """Process ids of the programs that run now, by part."""
        return {name: process.pid for name, process in self._processes.items()}

    def status(self) -> DevnetStatus:
        return compute_status(self.config.folder, self._state())

    def restart(self, name: str = MAIN_CHAIN) -> None:
        """End a part, if it still runs, and start it again on its ports, its state and the main chain's time.

        `name` is "chain", "ipfs" or "shard-0" and so on. An IPFS node's connections to others are gone afterwards.

        Raises PartNotConfigured, DidNotStart.
        """
        self._process(name).stop()
        self._launch(name)
        self._wait_for(name)
        self._write_state()

    def kill_shard_chain(self, shard: int) -> None:
        """End a shard's own chain as a failing machine would: without a word, and nothing it has mined is lost.

        Real chains keep the blocks that a node has shown; Anvil writes its state every other second, so a kill waits
        until the block that the chain shows now is on disk.
        """
        process, path = self._process(shard_chain(shard)), anvil_state(self.config, self._chains[shard_chain(shard)])
        written = self._wait_until_written(shard) if process.is_running and self.config.chain == "anvil" else None
        os.kill(process.pid, signal.SIGKILL)
        process.stop()
        if written is not None and read_whole(path) is None:
            write_atomically(path, written)

    def restart_ended_shard_chains(self) -> None:
        """Start those shards' chains again that have ended by themselves."""
        for name in self._shard_chains:
            if not self._process(name).is_running:
                self.restart(name)

    def require_all_running(self) -> None:
        """Raise DevnetPartEnded if a part has ended by itself; the others can do without a shard's own chain."""
        for name, process in self._processes.items():
            if name not in self._shard_chains and not process.is_running:
                raise DevnetPartEnded(process.name, process.log, process.last_lines())

    def _launch_all(self) -> None:
        """Start every part; a free port may be taken until its program gets to it, so those are chosen anew then."""
        for attempt in range(1, PORT_ATTEMPTS + 1):
            self._choose_ports()
            for name in (*(["ipfs"] if self.config.with_ipfs else []), *self._chains):
                self._launch(name)
            try:
                # Both have been launched before the first is waited for: they start side by side.
                for name in self._processes:
                    self._wait_for(name)
            except DidNotStart as failure:
                if attempt == PORT_ATTEMPTS or ADDRESS_IN_USE not in failure.last_lines.lower():
                    raise
                self._end_all()
            else:
                return

    def _end_all(self) -> None:
        for process in reversed(self._processes.values()):
            process.stop()
        self._processes.clear()

    def _choose_ports(self) -> None:
        for offset, name in enumerate(self._chains):
            wanted = self.config.rpc_port and self.config.rpc_port + offset
            self._ports[name] = choose_port(wanted, "the chain" if not offset else f"the chain of {name}")
        if self.config.with_ipfs:
            self._ports["ipfs"] = choose_port(self.config.ipfs_port, "the IPFS node")
            self._ports["swarm"] = choose_port(0, "the IPFS node's peers")

    def _launch(self, name: str) -> None:
        logs, lock = self.config.folder / "logs", None
        if name == "ipfs":
            program, log, lock = "ipfs", logs / "ipfs.log", self.config.folder / "ipfs.lock"
            command = ipfs_command(self.config, self._ports["ipfs"], self._ports["swarm"])
        else:
            program, log = self.config.chain, logs / f"{self.config.chain}{self._chains[name].suffix}.log"
            command = chain_command(self.config, self._chains[name], self._ports[name])
        self._processes[name] = GuardedProcess(program, command, log, lock=lock)

    def _wait_for(self, name: str) -> None:
        url, process = self._url(name), self._processes[name]
        if name == "ipfs":
            wait_until_healthy(process, lambda: probe_ipfs(url))
        else:
            wait_until_healthy(process, lambda: probe_chain(url))
            catch_up_clock(url, self._url(MAIN_CHAIN))

    def _wait_until_written(self, shard: int) -> bytes:
        """The state of a shard's Anvil on disk, once it is whole and holds the block that the chain shows now.

        Anvil overwrites the file in place, and from one that was cut short no chain can be started.
        """
        path = anvil_state(self.config, self._chains[shard_chain(shard)])
        height = int(call_chain(self.shard_rpc_urls[shard], "eth_blockNumber"), 16)
        while True:
            written = read_whole(path)
            if written is not None and json.loads(written)["best_block_number"] >= height:
                return written
            time.sleep(POLL_SECONDS)

    def _process(self, name: str) -> GuardedProcess:
        if name not in self._processes:
            raise PartNotConfigured(name)
        return self._processes[name]

    def _url(self, name: str) -> str:
        self._process(name)
        return f"http://{HOST}:{self._ports[name]}"

    def _state(self) -> DevnetState:
        parts = (
            PartState(name, process.name, self._url(name), process.pid, process.started_at, str(process.log))
            for name, process in self._processes.items()
        )
        return DevnetState(os.getpid(), tuple(parts))

    def _write_state(self) -> None:
        document = {"format": FORMAT, **asdict(self._state())}
        write_atomically(self.config.folder / STATE, json.dumps(document, indent=2).encode() + b"\n")
