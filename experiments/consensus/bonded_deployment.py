"""A deployment with everybody bonded and nothing trained: what chains do is measured.

The contracts are the real ones, and so is every signature. What is made up is what no contract looks into: the roots of
updates, aggregates and models. So a load can be made beforehand, and none of it is training or fetching.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from qfl.chain.clock import DevelopmentClock
from qfl.chain.contracts.staking import Role
from qfl.chain.deploy import Genesis, deploy
from qfl.chain.ledger import Ledger
from qfl.chain.parameters import load_parameters
from qfl.chain.rpc.accounts import development_account
from qfl.chain.rpc.calls import ChainRouter, Receipt
from qfl.chain.rpc.connection import connect
from qfl.chain.rpc.sender import Sender, UnsentCall
from qfl.crypto.lms import LmsSecret
from qfl.errors import ChainError
from qfl.protocol.quorum import quorum_of
from qfl.protocol.types import Checkpoint, LmsPublicKey, ModelShape, ParticipantId, RoundNumber, ShardIndex
from qfl.quorum.lms import encode_bundle

SEATS = 4


def word(text: str) -> bytes:
    """32 bytes that stand for something no contract looks into."""
    return hashlib.sha256(text.encode()).digest()


def made_up_keys(count: int) -> list[LmsPublicKey]:
    """Keys that nobody has, for those who are never asked to sign."""
    return [LmsPublicKey(word(f"identifier {n}")[:16], word(f"root {n}")[:24], height=10) for n in range(count)]


GENESIS = Genesis(word("model 0"), word("content 0"), word("job"), ModelShape(quantum=288, classical=70))


@dataclass
class Member:
    """A bonded participant and its key; every signature takes the next leaf."""

    id: ParticipantId
    secret: LmsSecret
    leaf: int = 0

    def sign(self, digest: bytes) -> bytes:
        """Sign a 32-byte digest."""
        self.leaf += 1
        return self.secret.sign(self.leaf - 1, digest)


@dataclass
class BondedDeployment:
    """The beacon, on the chain at its url, and a shard on each other chain; without those, one shard beside the beacon.

    `parameters` are the protocol's, where they are not the usual ones; `receipts` has every transaction.
    """

    beacon_url: str
    shard_urls: Sequence[str] = ()
    parameters: Mapping[str, int] = field(default_factory=dict)
    genesis: Genesis = GENESIS
    receipts: list[Receipt] = field(default_factory=list)

    def __post_init__(self) -> None:
        web3, shard_web3s = connect(self.beacon_url), [connect(url) for url in self.shard_urls]
        account = development_account(0)
        beacon_sender = Sender(web3, account, listener=self.receipts.append)
        shard_senders = [Sender(own, account, listener=self.receipts.append) for own in shard_web3s]
        parameters = load_parameters(**{"shards": max(1, len(shard_senders)), "seats": SEATS, **self.parameters})
        self.deployment = deploy(beacon_sender, parameters, genesis=self.genesis, shard_senders=shard_senders)
        self.ledger = Ledger(web3, self.deployment, shard_web3s=shard_web3s)
        self.sender = ChainRouter({sender.chain_id: sender for sender in (beacon_sender, *shard_senders)})
        self.clock = DevelopmentClock(web3)
        self.validators: dict[ParticipantId, Member] = {}
        self.clients: dict[ParticipantId, Member] = {}

    def bond(self, role: Role, secrets: Sequence[LmsSecret]) -> None:
        """Bond a participant for each key."""
        for id_, secret in zip(self.bond_keys(role, [s.public for s in secrets]), secrets, strict=True):
            (self.clients if role is Role.CLIENT else self.validators)[id_] = Member(id_, secret)

    def bond_keys(self, role: Role, keys: Sequence[LmsPublicKey]) -> list[ParticipantId]:
        """Bond keys, whoever holds them; the new participants' numbers, in order."""
        staking = self.ledger.staking
        stake_wei, before = staking.minimum_stake_wei(role), staking.participant_count()
        self.send([staking.bond(role, key, withdrawal=self.sender.address, stake_wei=stake_wei) for key in keys])
        return [ParticipantId(before + i + 1) for i in range(len(keys))]

    def send(self, calls: Sequence[UnsentCall]) -> None:
        """Send calls; raise what became of the first that failed."""
        for outcome in self.sender.send_many(calls):
            if isinstance(outcome, ChainError):
                raise outcome

    def open_round(self) -> RoundNumber:
        """Open a round on the beacon."""
        self.sender.send(self.ledger.beacon.open_round())
        return self.ledger.beacon.current_round()

    def decide(self, number: RoundNumber, count: int) -> None:
        """Have every committee accept `count` updates, and a model published."""
        beacon, domain, plan = self.ledger.beacon, self.ledger.beacon_domain, self.ledger.round(number).plan
        self.clock.reach(beacon.context().reveal_ends_at)
        for shard in range(len(self.shard_urls)):
            seats = [self.validators[member] for member in beacon.committee(number, ShardIndex(shard))]
            what = (word(f"{part} {shard} {number}") for part in ("updates", "aggregate", "content"))
            included = 2**count - 1
            checkpoint = Checkpoint(number, ShardIndex(shard), 0, count, plan.base_root, included, *what)
            digest = domain.checkpoint(checkpoint)
            signatures = {seat: seats[seat].sign(digest) for seat in range(quorum_of(len(seats)))}
            self.sender.send(beacon.submit_checkpoint(checkpoint, encode_bundle(signatures)))
        publisher = next(iter(self.validators.values()))
        root, digest = word(f"model {number}"), word(f"content {number}")
        signature = publisher.sign(domain.publication(number, publisher.id, root, digest))
        self.sender.send(beacon.publish(number, publisher.id, root=root, digest=digest, signature=signature))
