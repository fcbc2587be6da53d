"""A deployment on its chains as the roles use it: typed contracts and signing domains."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TypeVar, cast

from eth_typing import HexStr
from web3 import Web3

from qfl.chain.contracts.base import BoundContract
from qfl.chain.contracts.beacon import Beacon
from qfl.chain.contracts.demands import Demands
from qfl.chain.contracts.disputes import Disputes
from qfl.chain.contracts.draw import Draw
from qfl.chain.contracts.mirror import Mirror
from qfl.chain.contracts.mirror_faults import MirrorFaults
from qfl.chain.contracts.rewards import Rewards
from qfl.chain.contracts.shard import ClientDuty, NormVerifier, Shard
from qfl.chain.contracts.staking import Staking
from qfl.chain.deployment import Deployment
from qfl.chain.roll import Roll
from qfl.chain.rounds import Round
from qfl.chain.rpc.answers import know_shards
from qfl.chain.rpc.connection import connect, prepare_connection, reaching, time_of, url_of
from qfl.errors import ChainUnreachable, InvalidInput, ShardUnreachable
from qfl.errors.text import HIDDEN, conceal_address
from qfl.protocol.digests import Domain
from qfl.protocol.types import ParticipantId, RoundNumber, ShardIndex

log = logging.getLogger(__name__)

Contract = TypeVar("Contract", bound=BoundContract)


class Ledger:
    """Reads of one deployment. Writes come out as unsent calls; a `TransactionSender` brings them to their chains.

    Where shards have chains of their own, what is read of one raises `ShardUnreachable` while its chain is down; that
    is no reason to stop for anybody but this shard.
    """

    def __init__(self, web3: Web3, deployment: Deployment, *, shard_web3s: Sequence[Web3] = ()) -> None:
        """`shard_web3s` has a connection for each of the deployment's `chains`."""
        self.web3, self.deployment, self.shard_web3s = web3, deployment, list(shard_web3s)
        know_shards(map(url_of, shard_web3s), url_of(web3))
        self.from_block = deployment.block
        self.staking = Staking(web3, deployment.contracts["Staking"].address)
        self.draw = Draw(web3, deployment.contracts["Draw"].address)
        self.beacon = Beacon(web3, deployment.contracts["Beacon"].address)
        self.rewards = Rewards(web3, deployment.contracts["Rewards"].address)
        webs, chains = self.shard_web3s or [web3] * len(deployment.shards), deployment.chains
        self.shards = [Shard(own, shard.address) for own, shard in zip(webs, deployment.shards, strict=True)]
        self.mirrors = [Mirror(own, chain.mirror.address) for own, chain in zip(webs, chains, strict=False)]
        self._contracts: dict[type[BoundContract], BoundContract] = {}
        self.disputes, self.demands = self.contract(Disputes), self.contract(Demands)
        self.mirror_faults = self.contract(MirrorFaults)
        self.staking_domain = Domain(deployment.chain_id, self.staking.address)
        self.beacon_domain = Domain(deployment.chain_id, self.beacon.address)
        ids = [chain.chainId for chain in chains] or [deployment.chain_id] * len(self.shards)
        self.shard_domains = [Domain(id_, shard.address) for id_, shard in zip(ids, self.shards, strict=True)]
        self.mirror_domains = [Domain(id_, mirror.address) for id_, mirror in zip(ids, self.mirrors, strict=False)]
        self.roll = Roll(self.staking, self.from_block, self.hash_of)
        self._verifiers: dict[ShardIndex, NormVerifier | None] = {}
        self._rounds: dict[RoundNumber, Round] = {}

    @classmethod
    def connect(cls, rpc_url: str, deployment: Deployment, *, shard_urls: Sequence[str] = ()) -> Ledger:
        """Connect and make sure that the chains hold this deployment; a shard's chain that is down is left for later.

        `shard_urls` say where the shards' chains answer, in place of what the deployment says.

        Raises:
            ChainUnreachable, DeploymentMismatch.
            InvalidInput: `shard_urls` are not as many as there are chains, or none where the file's are not whole.
        """
        web3 = connect(rpc_url)
        deployment.check(web3)
        urls, count = list(shard_urls) or [chain.rpc for chain in deployment.chains], len(deployment.chains)
        if len(urls) != count:
            remedy = f"the deployment has {count} chains of shards: pass --shard-rpc for each, in order"
            raise InvalidInput("shard-rpc", [conceal_address(url) for url in urls], remedy)
        for url in urls:
            if HIDDEN in url:
                remedy = (
                    "the deployment file keeps no login and no path: pass --shard-rpc for each shard's chain, in order"
                )
                raise InvalidInput("shard-rpc", url, remedy)
        shard_web3s = [prepare_connection(url) for url in urls]
        for shard, own in enumerate(shard_web3s):
            try:
                deployment.check_shard(shard, own)
            except ChainUnreachable as fault:
                log.warning("shard %d: %s", shard, fault)
        return cls(web3, deployment, shard_web3s=shard_web3s)

    def contract(self, kind: type[Contract]) -> Contract | None:
        """A contract that not every deployment has; the same object each time."""
        deployed = self.deployment.contracts.get(kind.abi_name)
        if deployed is None:
            return None
        if kind not in self._contracts:
            self._contracts[kind] = kind(self.web3, deployed.address)
        return cast(Contract, self._contracts[kind])

    def all_shards(self) -> list[ShardIndex]:
        """Every shard of the deployment."""
        return [ShardIndex(shard) for shard in range(len(self.shards))]

    def now(self) -> int:
        """Time of the latest block, unix seconds."""
        return time_of(self.web3)

    def hash_of(self, block: int) -> bytes:
        """A block's hash on the beacon's chain."""
        with reaching(url_of(self.web3)):
            return bytes(self.web3.eth.get_block(block)["hash"])

    def gas_price(self) -> int:
        """What a unit of gas costs now on the beacon's chain, in wei."""
        with reaching(url_of(self.web3)):
            return int(self.web3.eth.gas_price)

    def shard_of(self, client: ParticipantId) -> ShardIndex:
        """The shard a client belongs to in the current round; before the first one, shard 0."""
        if len(self.shards) == 1 or not (current := self.beacon.current_round()):
            return ShardIndex(0)
        return self.beacon.shard_of(current, client)

    def client_duties(self, clients: Sequence[ParticipantId]) -> list[tuple[ClientDuty, RoundNumber, ShardIndex]]:
        """What each client should do now, in which round and shard: a request or two, however many they are.

        Where a shard's own chain does not answer, its clients wait.
        """
        current = self.beacon.current_round()
        shards = self.beacon.shards_of(current, clients) if current else [ShardIndex(0)] * len(clients)
        duties: dict[ParticipantId, tuple[ClientDuty, RoundNumber]] = {}
        for shard in set(shards):
            members = [client for client, own in zip(clients, shards, strict=True) if own == shard]
            try:
                duties.update(zip(members, self.shards[shard].client_duties(members), strict=True))
            except ShardUnreachable:
                duties.update(dict.fromkeys(members, (ClientDuty.WAIT, RoundNumber(current))))
        return [(*duties[client], shard) for client, shard in zip(clients, shards, strict=True)]

    def norm_verifier(self, shard: ShardIndex) -> NormVerifier | None:
        """What checks a shard's private updates; None in the transparent mode. Fixed at deployment, so read once."""
        if shard not in self._verifiers:
            address = self.shards[shard].verifier()
            self._verifiers[shard] = None if address is None else NormVerifier(self.shards[shard].web3, address)
        return self._verifiers[shard]

    def any_norm_verifier(self) -> NormVerifier | None:
        """The verifier of the first shard whose chain answers: all have one mode. Raises ChainUnreachable."""
        *others, last = self.all_shards()
        for shard in others:
            with suppress(ChainUnreachable):  # the next one is as good
                return self.norm_verifier(shard)
        return self.norm_verifier(last)

    def round(self, number: RoundNumber) -> Round:
        """A round, to be asked; the same object until a reorganization has it opened anew."""
        kept = self._rounds.get(number)
        opening = self.beacon.plan_of(number, None if kept is None else kept.opening)
        if kept is None or kept.opening != opening:
            kept = self._rounds[number] = Round(self, number, opening)
        return kept

    def block_of(self, tx_hash: str) -> int:
        """The block on the beacon's chain that a transaction is in."""
        with reaching(url_of(self.web3)):
            return int(self.web3.eth.get_transaction(HexStr(tx_hash))["blockNumber"])

    def call_in(self, contract: BoundContract, tx_hash: str) -> dict[str, Any] | None:
        """The arguments of the call to `contract` that a transaction made; None when it called something else."""
        with reaching(url_of(contract.web3)):
            transaction = contract.web3.eth.get_transaction(HexStr(tx_hash))
        if transaction.get("to") != contract.address:
            return None
        return contract.arguments_of(bytes(transaction["input"]))[1]


@contextmanager
def tolerating_shard(shard: ShardIndex) -> Iterator[None]:
    """Go on where a shard's own chain does not answer; where the beacon's does not, that is raised."""
    try:
        yield
    except ShardUnreachable as fault:
        log.warning("shard %d is left out: %s", shard, fault)
