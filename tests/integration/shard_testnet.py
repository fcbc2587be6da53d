"""A deployment whose shards have chains of their own, and its people, in one process."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from testnet import SMALL, Nudger, genesis_of

from qfl.auditor.rounds import Auditor, Verdict
from qfl.chain.contracts.beacon import Phase
from qfl.chain.deploy import deploy
from qfl.chain.ledger import Ledger
from qfl.chain.parameters import load_parameters
from qfl.chain.rpc.connection import connect
from qfl.client.client import Client
from qfl.client.signing import Signing
from qfl.devnet import Devnet
from qfl.errors import RoundNotCompleted
from qfl.node.context import NodeContext
from qfl.protocol.types import ParticipantId, RoundNumber, ShardIndex
from qfl.quorum.quorum import DEFAULT, SCHEMES
from qfl.simulation.driver import Network, RoundOutcome, run_round, run_until
from qfl.simulation.faults.fault import Conditions
from qfl.simulation.identities import Clients, LocalIdentities, make_clock, make_senders, make_transaction_senders
from qfl.storage.ipfs import IpfsStore
from qfl.storage.pubsub import Pubsub
from qfl.validator.validator import Validator

TRIES = 5
"""Rounds until one is drawn in which every shard that answers has clients: one in eight at worst is not."""


@dataclass
class Silence(Conditions):
    """Some validators do nothing."""

    silent: Collection[ParticipantId] = ()

    def answers(self, round_number: RoundNumber, validator: ParticipantId) -> bool:
        return validator not in self.silent


class ShardTestnet:
    """As many shards as the devnet has chains for them, six clients, committees of two; `parameters` say otherwise."""

    def __init__(
        self,
        devnet: Devnet,
        folder: Path,
        clients: int = 6,
        validators: int = 4,
        signing: str = "auto",
        **parameters: int,
    ) -> None:
        self.devnet, self.store = devnet, IpfsStore(devnet.ipfs_url)
        web3, own = connect(devnet.rpc_url), [connect(url) for url in devnet.shard_rpc_urls]
        paying = None, 1 + clients + validators, lambda _receipt: None
        senders, shard_senders = make_senders(web3, *paying), [make_senders(shard, *paying) for shard in own]
        self.carriers = make_transaction_senders(senders, shard_senders)
        genesis, data = genesis_of(SMALL)
        for block in (SMALL.to_json(), data):
            self.store.put(block)
        parameters = load_parameters(**{"shards": len(own), "seats": 2, **parameters})
        deployers = [accounts[0] for accounts in shard_senders]
        quorum = SCHEMES.find(DEFAULT).contract
        self.deployment = deploy(senders[0], parameters, genesis=genesis, quorum=quorum, shard_senders=deployers)
        self.ledger = Ledger(web3, self.deployment, shard_web3s=own)
        self.identities = LocalIdentities(folder / "roles", clients, validators, 5)
        members = Clients(self.identities, self.ledger, self.carriers[1:], store=self.store, seed=1, signing=signing)
        for index in range(clients):
            members.join(index)
        self.network = Network(
            self.ledger,
            members.all,
            validators=self.validators(),
            trainer=Nudger(),
            clock=make_clock(senders[0], real_time=False, followers=deployers),
            sender=self.carriers[0],
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.identities.close()

    def validators(self, pubsub: Pubsub | None = None) -> list[Validator]:
        """All validators as they come up after a restart; without `pubsub`, what they say is on chain."""
        first = 1 + len(self.identities.client_folders)
        return self.identities.validators(self.ledger, self.carriers[first:], store=self.store, pubsub=pubsub)

    def run_round(self, silent: Collection[ParticipantId] = (), down: Collection[int] = ()) -> RoundOutcome:
        """Run rounds until one has clients in every shard that is not `down`, and return what it came to."""
        for _ in range(TRIES):
            try:
                outcome = run_round(replace(self.network, conditions=Silence(silent)))
            except RoundNotCompleted as failure:
                if "no client committed" not in failure.reason:
                    raise
                continue
            if all(self.members(outcome.round, shard) for shard in range(len(self.ledger.shards)) if shard not in down):
                return outcome
        raise AssertionError(f"{TRIES} draws left a shard without clients")

    def open_round(self) -> RoundNumber:
        """Let the round that is open pass, and open the next; again, until both shards have clients."""
        ledger = self.ledger
        while True:
            self.network.clock.reach(ledger.beacon.round_at(ledger.beacon.current_round()).publish_ends_at)
            number = run_until(self.network, Phase.COMMIT)
            if all(self.members(number, shard) for shard in range(len(ledger.shards))):
                return number

    def keep_mirrors(self, silent: Collection[ParticipantId] = ()) -> None:
        """Let every validator do its part in bringing the round to the mirrors."""
        for _ in range(2):  # those who sign last find a quorum, those before them do not
            for validator in self.network.validators:
                if validator.participant not in silent:
                    validator.keep_mirrors()

    def restarted(self, client: Client, confirmations: int | None = None) -> Client:
        """A client as it comes up after a kill; `confirmations` are those of its shard's chain unless given."""
        folder, sender = self.identities.client_folders[client.index], self.carriers[1 + client.index]
        context = NodeContext(self.ledger, sender, self.store, self.identities.keys[folder], folder)
        signing = Signing(self.ledger, client.participant, folder, confirmations=confirmations)
        return Client(context, client.participant, index=client.index, seed=1, signing=signing)

    def members(self, number: RoundNumber, shard: int) -> list[ParticipantId]:
        """The clients that a shard has in a round."""
        clients = [client.participant for client in self.network.clients]
        return [client for client in clients if self.ledger.beacon.shard_of(number, client) == shard]

    def shown(self, shard: int) -> int:
        """The round that a shard's mirror shows."""
        mirrored = self.ledger.mirrors[shard].mirrored()
        return 0 if mirrored is None else mirrored.round

    def committee(self, number: int, shard: int) -> list[ParticipantId]:
        """Who sits in a committee of the beacon."""
        return self.ledger.beacon.committee(RoundNumber(number), ShardIndex(shard))

    def verdicts(self) -> list[Verdict]:
        """Every round recomputed."""
        return list(Auditor(self.ledger, self.store).audit())
