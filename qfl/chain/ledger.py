"""A deployment on a chain as the roles use it: typed contracts and signing domains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from eth_typing import HexStr
from web3 import Web3

from qfl.chain.connection import connect, reaching, url_of
from qfl.chain.contracts.base import BoundContract
from qfl.chain.contracts.beacon import Beacon, Parameters
from qfl.chain.contracts.disputes import Disputes
from qfl.chain.contracts.norm_verifier import NormVerifier
from qfl.chain.contracts.shard import Shard
from qfl.chain.contracts.staking import Staking
from qfl.chain.deployment import Deployment
from qfl.chain.digests import Domain
from qfl.types import ParticipantId, RoundNumber, ShardIndex


@dataclass(frozen=True)
class RoundPlan:
    """What is fixed when a round opens: the model it trains on, and its parameters."""

    base_round: RoundNumber
    base_root: bytes
    base_digest: bytes
    parameters: Parameters


class Ledger:
    """Reads of one deployment. Writes come out as unsent calls; a `Sender` carries them."""

    def __init__(self, web3: Web3, deployment: Deployment) -> None:
        self.web3, self.deployment = web3, deployment
        self.from_block = deployment.block
        self.staking = Staking(web3, deployment.contracts["Staking"].address)
        self.beacon = Beacon(web3, deployment.contracts["Beacon"].address)
        self.shards = [Shard(web3, shard.address) for shard in deployment.shards]
        disputes = deployment.contracts.get("Disputes")
        self.disputes = None if disputes is None else Disputes(web3, disputes.address)
        self.staking_domain = Domain(deployment.chain_id, self.staking.address)
        self.beacon_domain = Domain(deployment.chain_id, self.beacon.address)
        self.shard_domains = [Domain(deployment.chain_id, shard.address) for shard in self.shards]
        self._verifiers: dict[ShardIndex, NormVerifier | None] = {}
        self._opened: dict[RoundNumber, int] = {}
        self._plans: dict[RoundNumber, RoundPlan] = {}

    @classmethod
    def connect(cls, rpc_url: str, deployment: Deployment) -> Ledger:
        """Connect and make sure that the chain holds this deployment.

        Raises:
            ChainUnreachable, DeploymentMismatch.
        """
        web3 = connect(rpc_url)
        deployment.check(web3)
        return cls(web3, deployment)

    def now(self) -> int:
        """Time of the latest block, unix seconds."""
        with reaching(url_of(self.web3)):
            return int(self.web3.eth.get_block("latest")["timestamp"])

    def shard_of(self, client: ParticipantId) -> ShardIndex:
        """The shard a client belongs to in the current round; before the first one, shard 0."""
        if len(self.shards) == 1 or not (current := self.beacon.current_round()):
            return ShardIndex(0)
        return self.beacon.shard_of(current, client)

    def norm_verifier(self, shard: ShardIndex) -> NormVerifier | None:
        """What checks a shard's private updates; None in the transparent mode. Fixed at deployment, so read once."""
        if shard not in self._verifiers:
            address = self.shards[shard].verifier()
            self._verifiers[shard] = None if address is None else NormVerifier(self.web3, address)
        return self._verifiers[shard]

    def plan(self, round_number: RoundNumber) -> RoundPlan:
        """What a round trains on, and how; it never changes, so it is read once."""
        if round_number not in self._plans:
            record = self.beacon.round_at(round_number)
            base = self.beacon.round_at(record.base_round)
            parameters = self.beacon.parameters_at(record.parameters_version)
            plan = RoundPlan(base.number, base.model_root, base.content_digest, parameters)
            self._plans[round_number] = plan
        return self._plans[round_number]

    def opened_in(self, round_number: RoundNumber) -> int:
        """The block a round was opened in: where its events start."""
        if round_number not in self._opened:
            self._opened[round_number] = self.beacon.opened_in(round_number, self.from_block)
        return self._opened[round_number]

    def block_of(self, tx_hash: str) -> int:
        """The block a transaction is in."""
        with reaching(url_of(self.web3)):
            return int(self.web3.eth.get_transaction(HexStr(tx_hash))["blockNumber"])

    def call_in(self, contract: BoundContract, tx_hash: str) -> dict[str, Any] | None:
        """The arguments of the call to `contract` that a transaction made; None when it called something else."""
        with reaching(url_of(self.web3)):
            transaction = self.web3.eth.get_transaction(HexStr(tx_hash))
        if transaction.get("to") != contract.address:
            return None
        return contract.arguments_of(bytes(transaction["input"]))[1]
