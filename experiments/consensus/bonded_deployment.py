"""A deployment with everybody bonded and nothing trained, and the load of a round: what chains do is measured.

The contracts are the real ones, and so is every signature. What is made up is what no contract looks into: the roots of
updates, aggregates and models. So a load is made and signed beforehand, and none of it is training or fetching.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from qfl.chain.clock import DevelopmentClock
from qfl.chain.contracts.staking import Role
from qfl.chain.deploy import Genesis, deploy
from qfl.chain.ledger import Ledger
from qfl.chain.mirroring import shard_in
from qfl.chain.parameters import load_parameters
from qfl.chain.rpc.accounts import development_account
from qfl.chain.rpc.calls import ChainRouter, Receipt
from qfl.chain.rpc.connection import connect
from qfl.chain.rpc.sender import Sender, UnsentCall
from qfl.crypto.lms import LmsSecret
from qfl.errors import ChainError
from qfl.protocol.digests import checkpoints_hash, compute_commitment, seat_digest
from qfl.protocol.quorum import quorum_of
from qfl.protocol.types import Checkpoint, LmsPublicKey, ModelShape, ParticipantId, RoundNumber, ShardIndex
from qfl.quorum.lms import LmsScheme, encode_bundle
from qfl.validator.mirror_keeper import admit_clients, begin_mirrors

SEATS = 4
COMMIT_GAS, REVEAL_GAS = 400_000, 150_000
"""Limits, well above what is used: a signature's cost varies."""
MOST_BLOCKS = 60
"""Blocks, a second apart, that the commits may take; the last of them is before the phase ends."""
FEE_WEI = 10 * 10**9
REVEALS_IN = keccak(text="revealsIn(uint64)")[:4]


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
        self.deployment = deploy(
            beacon_sender, parameters, genesis=self.genesis, quorum=LmsScheme.contract, shard_senders=shard_senders
        )
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
        anchor = bytes(28) if role is Role.CLIENT else word("links that nobody shows")[:28]
        payee = self.sender.address
        self.send([staking.bond(role, k, withdrawal=payee, stake_wei=stake_wei, anchor=anchor) for k in keys])
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
        root, content = word(f"model {number}"), word(f"content {number}")
        accepted = []
        for shard in range(len(self.shard_urls)):
            seats = [self.validators[member] for member in beacon.committee(number, ShardIndex(shard))]
            what = (word(f"{part} {shard} {number}") for part in ("updates", "aggregate", "content"))
            included, rule = 2**count - 1, plan.parameters
            checkpoint = Checkpoint(number, ShardIndex(shard), 0, count, plan.base_root, included, *what)
            checkpoint = replace(checkpoint, parameters_hash=rule.hash)
            if rule.carries_model:
                checkpoint = replace(checkpoint, model_root=root, model_digest=content)
            digest = domain.checkpoint(checkpoint)
            signing = range(quorum_of(len(seats)))
            signatures = {seat: seats[seat].sign(seat_digest(digest, seats[seat].id, seat)) for seat in signing}
            self.sender.send(beacon.submit_checkpoint(checkpoint, encode_bundle(signatures)))
            accepted.append(digest)
        if plan.parameters.carries_model:
            return
        publisher = self.validators[self.ledger.draw.publisher_of(number)[0]]
        message = domain.publication(
            number, publisher.id, model_root=root, content_digest=content, checkpoints=checkpoints_hash(accepted)
        )
        signature = publisher.sign(message)
        self.sender.send(beacon.publish(number, publisher.id, root=root, digest=content, signature=signature))


@dataclass(frozen=True)
class Load:
    """What `pusher.py` takes, but for the node's process and the repeats; `updates` is how many there are in it."""

    url: str
    phases: list[tuple[int, str]]
    accepted: tuple[dict[str, str], str]
    updates: int

    def line(self, pid: int, repeats: int) -> str:
        """The pusher's first line of input."""
        return json.dumps({**asdict(self), "pid": pid, "repeats": repeats}) + "\n"


def make_loads(deployed: BondedDeployment, number: RoundNumber, most: int) -> list[Load]:
    """Bring the mirrors to the round, admit as many clients to every shard, up to `most`, and sign what they send."""
    ledger = deployed.ledger
    begin_mirrors(ledger, deployed.sender)
    members: list[list[Member]] = [[] for _ in ledger.shards]
    for client in deployed.clients.values():
        mirrored = ledger.mirrors[0].mirrored()
        assert mirrored is not None
        members[shard_in(mirrored, client.id)].append(client)
    count = min(most, *map(len, members))
    admit_clients(ledger, deployed.sender, clients=[client.id for own in members for client in own[:count]])
    return [_load_of(deployed, number, ShardIndex(shard), own[:count]) for shard, own in enumerate(members)]


def _load_of(deployed: BondedDeployment, number: RoundNumber, shard: ShardIndex, clients: Sequence[Member]) -> Load:
    ledger, contract = deployed.ledger, deployed.ledger.shards[shard]
    context, domain = ledger.beacon.context(), ledger.shard_domains[shard]
    commits, reveals = [], []
    for client in clients:
        root, content, salt = (word(f"{part} {client.id}") for part in ("root", "content", "salt"))
        commitment = compute_commitment(number, client.id, root, content, salt)
        signature = client.sign(domain.commit(number, client.id, context.base_root, commitment))
        commits.append(
            contract.commit(number, client.id, base_root=context.base_root, commitment=commitment, signature=signature)
        )
        reveals.append(contract.reveal(number, client.id, update_root=root, content_digest=content, salt=salt))
    chain_id, web3 = ledger.deployment.chains[shard].chainId, contract.web3
    nonce = web3.eth.get_transaction_count(development_account(0).address)
    commit_ends_at = ledger.beacon.round_at(number).commit_ends_at
    return Load(
        deployed.shard_urls[shard],
        [
            (commit_ends_at - MOST_BLOCKS, _signed(commits, chain_id, nonce, COMMIT_GAS)),
            (commit_ends_at, _signed(reveals, chain_id, nonce + len(commits), REVEAL_GAS)),
        ],
        (
            {"to": contract.address, "data": "0x" + (REVEALS_IN + encode(["uint64"], [number])).hex()},
            "0x" + encode(["uint256"], [len(clients)]).hex(),
        ),
        len(clients),
    )


def _signed(calls: Sequence[UnsentCall], chain_id: int, nonce: int, gas: int) -> str:
    """The calls as one JSON-RPC batch of signed transactions."""
    account, batch = development_account(0), []
    for number, call in enumerate(calls):
        transaction: dict[str, Any] = {
            "chainId": chain_id,
            "nonce": nonce + number,
            "gas": gas,
            "maxFeePerGas": FEE_WEI,
            "maxPriorityFeePerGas": 10**9,
            "value": 0,
            "to": call.to,
            "data": call.data,
        }
        raw = account.sign_transaction(transaction).raw_transaction.to_0x_hex()
        batch.append({"jsonrpc": "2.0", "id": number, "method": "eth_sendRawTransaction", "params": [raw]})
    return json.dumps(batch)
