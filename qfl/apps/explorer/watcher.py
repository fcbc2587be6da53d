"""What the pages look at: the index and those who fill it, the ledger and the store for what is asked on the spot."""

import threading
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from qfl.apps.explorer.follower import Follower
from qfl.apps.explorer.history import last_round, member_count
from qfl.apps.explorer.index import Index
from qfl.apps.explorer.node import Node, Patience
from qfl.apps.explorer.series import RunLog, Series, costs, learning
from qfl.apps.inspect.contracts import ChainContracts, contracts_by_chain
from qfl.chain.contracts.beacon import RoundContext
from qfl.chain.deployment import Deployment
from qfl.chain.ledger import Ledger
from qfl.chain.rpc.connection import prepare_connection
from qfl.errors import InvalidInput, QflError
from qfl.storage.store import ContentStore
from qfl.training.job import JobDocument, fetch_job

MOST_ROUNDS_IN_SERIES = 2000


class Watcher:
    """Follows a deployment's chains while it is started. Its parts are safe to use from several threads.

    The beacon's chain answers at the first of `urls`, then the shards' own, if they have one each: as in the deployment
    unless given. Nobody has to be there yet. `run` is the folder of a run that this is the deployment of.

    Raises InvalidInput: not as many `urls` as the deployment has chains.
    """

    def __init__(self, deployment: Deployment, urls: Sequence[str], store: ContentStore, run: Path | None) -> None:
        urls = [urls[0], *(urls[1:] or [chain.rpc for chain in deployment.chains])]
        if len(urls) != 1 + len(deployment.chains):
            raise InvalidInput("shard-rpc", list(urls[1:]), f"the deployment has {len(deployment.chains)} such chains")
        self.deployment, self.store = deployment, store
        self.index, self.patience = Index(), Patience()
        self.ledger = Ledger(
            prepare_connection(urls[0]), deployment, shard_web3s=[prepare_connection(url) for url in urls[1:]]
        )
        self.contracts = contracts_by_chain(deployment)
        self.run_log = None if run is None else RunLog(run)
        self.context: RoundContext | None = None
        """Where the current round stood when the beacon's chain was asked last."""
        self._job: JobDocument | None = None
        self._stop = threading.Event()
        # A genesis block holds no transaction, and Anvil makes up another one when it is started again on its state.
        firsts = [max(1, block) for block in (deployment.block, *(chain.block for chain in deployment.chains))]
        self.followers = [
            self._follower(chain, *place) for chain, place in enumerate(zip(urls, self.contracts, firsts, strict=True))
        ]
        self._threads = [
            threading.Thread(target=follower.follow, args=(self._stop,), daemon=True) for follower in self.followers
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Follow no more. Threads that wait for a silent node end with the process."""
        self._stop.set()

    def complaints(self) -> list[str]:
        """What is wrong with what is shown now."""
        return [complaint for follower in self.followers if (complaint := follower.complaint())]

    def state(self) -> str:
        """Changes whenever a page would be another one."""
        phase = self.context and (self.context.round, self.context.phase)
        progress = [follower.status.indexed for follower in self.followers if follower.status.is_behind]
        recorded = 0 if self.run_log is None else len(self.run_log.read()[0])
        return f"{self.index.version} {phase} {progress} {self.complaints()} {recorded}"

    def named_digests(self) -> dict[str, str]:
        """What the deployment itself names by digest."""
        names = {"contentDigest": "genesis model", "architectureDigest": "job document"}
        genesis = self.deployment.genesis
        return {str(genesis[key]): name for key, name in names.items() if key in genesis}

    def series(self) -> list[Series]:
        """Every figure over time, of the last rounds."""
        last = last_round(self.index)
        rounds, sent = ({}, {}) if self.run_log is None else self.run_log.read()
        return learning(rounds, sent, self._workload()) + costs(
            self.index, max(1, last - MOST_ROUNDS_IN_SERIES + 1), last
        )

    def _follower(self, chain: int, url: str, contracts: ChainContracts, first_block: int) -> Follower:
        if not chain:
            check = partial(self.deployment.check, self.ledger.web3)
            return Follower(self.index, chain, Node(url), contracts, first_block, check, self._look)
        check = partial(self.deployment.check_shard, chain - 1, self.ledger.shard_web3s[chain - 1])
        return Follower(self.index, chain, Node(url), contracts, first_block, check)

    def _look(self) -> None:
        self.context = self.ledger.beacon.context()
        if self.run_log is not None and self._job is None:
            try:
                self._job = fetch_job(self.store, self.ledger.beacon.architecture_digest())
            except QflError:
                return  # it may come: it is asked for again

    def _workload(self) -> Mapping[str, Any] | None:
        """What energy is computed with, as `qfl.apps.report.energy.summarise` takes it."""
        if self._job is None or self.context is None:
            return None
        clients = self.index.count("events", "name = 'Bonded' AND json_extract(arguments, '$.role') = 1")
        return {
            "clients": clients,
            "validators": member_count(self.index) - clients,
            "lane_bits": self.context.lane_bits,
            "protocol": {"shards": self.context.shards, "seats": self.context.seats},
            "architecture": self._job.architecture.document,
        }
