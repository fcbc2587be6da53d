"""A deployment with people in it: named participants, their keys, and the moves of a round."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from hashlib import sha256
from typing import Any

import pytest
from brownie import accounts, chain, web3
from brownie.exceptions import VirtualMachineError
from eth_abi import encode
from eth_utils import keccak

from qfl.chain.deploy import QuorumContract
from qfl.chain.parameters import load_parameters
from qfl.crypto.hash_chain import HashChain, RoundKeys, link_domain
from qfl.crypto.lms import LmsSecret
from qfl.protocol.chunks import merkle_path, merkle_root, update_leaf
from qfl.protocol.digests import Domain, as_salt, compute_commitment, parameters_hash, seat_digest
from qfl.protocol.draw import LINKERS
from qfl.protocol.types import Checkpoint, RoundNumber, ShardIndex
from scripts.deploy import Contracts, deploy

CLIENTS = ("ada", "ben", "cleo")
VALIDATORS = ("vera", "viktor", "valentina", "vito", "violet")
CLIENT_STAKE, VALIDATOR_STAKE = 10**17, 10**18
GWEI = 10**9

IDLE, COMMIT, REVEAL, CHECKPOINT, PUBLISH = range(5)
NONE, OPEN, PUBLISHED, FINAL, FAILED, VOID = range(6)


def word(text: str) -> bytes:
    """32 bytes that stand for `text`: a root, a digest or a salt whose content does not matter."""
    return sha256(text.encode()).digest()


CHAIN_SLOT, ROUNDS_SLOT = 1, 2
"""Of the beacon: its counters, of which the current round is the lowest, and its mapping of rounds."""

ANY_TURN = (0, 0, 0)
"""A `Turn` for who does not ask."""

GENESIS = {
    "modelRoot": word("genesis model"),
    "contentDigest": word("genesis content"),
    "architectureDigest": word("architecture"),
    "quantumLength": 6,
    "classicalLength": 3,
}


@cache
def key_of(name: str) -> LmsSecret:
    """The key called `name`: always the same one, of height 5."""
    return LmsSecret.derive(5, word(name)[:16], word(name + "'s seed")[:24])


def as_struct(secret: LmsSecret) -> tuple[str, str, int]:
    """The `LmsKey` of a key."""
    public = secret.public
    return ("0x" + public.identifier.hex(), "0x" + public.root.hex(), public.height)


@dataclass
class Member:
    """A participant: who it is on chain, its key, and the next leaf of that key."""

    name: str
    id: int
    withdrawal: Any
    secret: LmsSecret
    leaf: int = 0

    def sign(self, digest: bytes) -> bytes:
        """Sign with a fresh leaf."""
        signature = self.secret.sign(self.leaf, digest)
        self.leaf += 1
        return signature

    def attest(self, digest: bytes, seat: int) -> bytes:
        """Sign `digest` as the validator in a seat."""
        return self.sign(seat_digest(digest, self.id, seat))


@dataclass(frozen=True)
class Update:
    """What a client commits to and reveals; the content itself does not matter to the contracts."""

    root: bytes
    digest: bytes
    salt: bytes


def update_by(member: Member) -> Update:
    return Update(*(word(f"{member.name}'s {part}") for part in ("root", "content", "salt")))


def leaves_of(members: Sequence[Member]) -> list[bytes]:
    """The leaves of a checkpoint's `updates` tree."""
    updates = [update_by(member) for member in members]
    return [update_leaf(m.id, u.root, u.digest) for m, u in zip(members, updates, strict=True)]


@dataclass
class World:
    """The contracts, and everybody who uses them. `relayer` pays for all messages, `mallory` means harm."""

    contracts: Contracts
    parameters: Any
    members: dict[str, Member] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.staking, self.beacon = self.contracts.staking, self.contracts.beacon
        self.draw = self.contracts.draw
        self.shard, self.rewards = self.contracts.shards[0], self.contracts.rewards
        self.owner, self.relayer, self.mallory, self.challenger = accounts[:4]
        self.rounds = dict(self.parameters.rounds)

    def __getattr__(self, name: str) -> Member:
        try:
            return self.__dict__["members"][name]
        except KeyError as error:
            raise AttributeError(name) from error

    # --- people ---------------------------------------------------------------------------------------------

    def bond(self, name: str, role: str, stake: int | None = None, key: LmsSecret | None = None) -> Member:
        """Bond `name`, with its own withdrawal account; with its own key unless another is given."""
        secret = key or key_of(name)
        default = CLIENT_STAKE if role == "client" else VALIDATOR_STAKE
        call = self.staking.bondClient if role == "client" else self.staking.bondValidator
        receiver = accounts.at("0x" + word(name + "'s account")[:20].hex(), force=True)
        paying = {"from": self.relayer, "value": default if stake is None else stake}
        first_round = [1] if role == "client" else []
        tx = call(as_struct(secret), self.chain_of(name).anchor, *first_round, receiver, paying)
        self.members[name] = Member(name, tx.events["Bonded"]["id"], receiver, secret)
        return self.members[name]

    def chain_of(self, name: str) -> HashChain:
        """The hash chain called `name`: always the same one, of 64 links."""
        return HashChain(word(f"{name}'s links"), link_domain(chain.id, self.staking.address), length=64)

    def fresh(self) -> World:
        """The same world with every key at leaf 0, for the next test."""
        return World(self.contracts, self.parameters, {n: replace(m, leaf=0) for n, m in self.members.items()})

    def name_of(self, participant: int) -> str:
        return next(name for name, member in self.members.items() if member.id == participant)

    def seats(self, round_number: int, shard: int = 0) -> list[Member]:
        """Who sits in a committee, in seat order."""
        return [self.members[self.name_of(i)] for i in self.beacon.committee(round_number, shard)]

    def domain(self, contract: Any) -> Domain:
        return Domain(chain.id, contract.address)

    # --- the moves of a round --------------------------------------------------------------------------------

    def open(self) -> int:
        """Open a round and return its number."""
        return int(self.beacon.openRound({"from": self.relayer}).events["RoundOpened"]["round"])

    def commit(self, member: Member, **changed: Any) -> Any:
        """Commit `member`'s update; `changed` replaces single arguments of the call, after signing."""
        round_number, update = self.beacon.currentRound(), update_by(member)
        commitment = compute_commitment(round_number, member.id, update.root, update.digest, update.salt)
        base = changed.pop("signed_base", GENESIS["modelRoot"])
        shard = changed.pop("shard", self.shard)
        digest = self.domain(shard).commit(round_number, member.id, base, commitment)
        call = {"round": round_number, "client": member.id, "base": base, "commitment": commitment}
        call |= {"signature": changed["signature"] if "signature" in changed else member.sign(digest)} | changed
        return shard.commit(*call.values(), {"from": self.relayer})

    def skip_to(self, round_number: int) -> None:
        """Have the current round's number be this one, as if those between had been opened and had failed."""
        for slot in range(7):
            kept = web3.eth.get_storage_at(self.beacon.address, round_slot(self.beacon.currentRound()) + slot)
            request("anvil_setStorageAt", self.beacon.address, hex(round_slot(round_number) + slot), "0x" + kept.hex())
        counters = int.from_bytes(web3.eth.get_storage_at(self.beacon.address, CHAIN_SLOT))
        told = counters >> 64 << 64 | round_number
        request("anvil_setStorageAt", self.beacon.address, hex(CHAIN_SLOT), "0x" + told.to_bytes(32).hex())

    def keys_of(self, member: Member) -> RoundKeys:
        """The token and the key of the current round."""
        keys = self.chain_of(member.name).keys_of(self.beacon.currentRound(), 1)
        assert keys is not None
        return keys

    def commit_by_key(self, member: Member, **changed: Any) -> Any:
        """Commit `member`'s update by key; `changed` replaces single arguments of the call."""
        number, keys, shard = self.beacon.currentRound(), self.keys_of(member), changed.pop("shard", self.shard)
        commitment = self.keyed_commitment(member, shard)
        call = {"round": number, "client": member.id, "base": GENESIS["modelRoot"], "commitment": commitment}
        return shard.commitByKey(*(call | {"token": keys.token} | changed).values(), {"from": self.relayer})

    def keyed_commitment(self, member: Member, shard: Any, vector: int | None = None) -> bytes:
        """What `member` commits to by key, in the current round."""
        number, update, salt = self.beacon.currentRound(), update_by(member), as_salt(self.keys_of(member).key)
        opening = compute_commitment(number, member.id, update.root, update.digest, salt, vector)
        return self.domain(shard).keyed(GENESIS["modelRoot"], opening)

    def reveal_by_key(self, member: Member, **changed: Any) -> Any:
        """Reveal `member`'s update with the key of the round; `changed` as for `reveal`."""
        return self.reveal(member, **({"salt": as_salt(self.keys_of(member).key)} | changed))

    def reveal(self, member: Member, **changed: Any) -> Any:
        """Reveal `member`'s update; `changed` replaces single arguments."""
        update, shard = update_by(member), changed.pop("shard", self.shard)
        call = {"round": self.beacon.currentRound(), "client": member.id}
        call |= {"root": update.root, "digest": update.digest, "salt": update.salt} | changed
        return shard.reveal(*call.values(), {"from": self.relayer})

    def checkpoint(self, members: Sequence[Member], **changed: Any) -> Checkpoint:
        """A checkpoint of the current round that includes the updates of `members`, revealed in this order."""
        number = self.beacon.currentRound()
        base = self.beacon.roundAt(self.beacon.roundAt(number)["baseRound"])["modelRoot"]
        plain = Checkpoint(
            round=RoundNumber(number),
            shard=ShardIndex(0),
            turn=0,
            count=len(members),
            base_root=bytes(base),
            included=2 ** len(members) - 1,
            updates_root=merkle_root(leaves_of(members)) if members else word("no updates"),
            aggregate_root=word("aggregate"),
            content_digest=word("aggregate's content"),
            reveals_hash=self.reveals_hash(number, changed.get("shard", 0)),
            parameters_hash=parameters_hash(self.beacon.parametersOf(number).dict()),
            **self.carried_model(number),
        )
        return replace(plain, **changed)

    def reveals_hash(self, round_number: int, shard: int = 0) -> bytes:
        """The shard's hash of its reveals; zeros for a shard of which there is a committee only."""
        shards = self.contracts.shards
        return bytes(shards[shard].revealsHash(round_number)) if shard < len(shards) else bytes(32)

    def carried_model(self, number: int) -> dict[str, bytes]:
        """What a checkpoint says of the next model: nothing where the round has several shards."""
        if self.beacon.parametersOf(number)["shards"] > 1:
            return {}
        return {"model_root": word(f"model {number}"), "model_digest": word(f"content {number}")}

    def bundle(self, checkpoint: Checkpoint, seats: Sequence[int] | None = None) -> bytes:
        """The attestations of these seats; of the first two thirds unless they are given."""
        digest = self.domain(self.beacon).checkpoint(checkpoint)
        committee = self.seats(checkpoint.round, checkpoint.shard)
        signing = range(-(-2 * len(committee) // 3)) if seats is None else seats
        return bundle_of({seat: committee[seat].attest(digest, seat) for seat in signing})

    def submit(self, checkpoint: Checkpoint, bundle: bytes | None = None) -> Any:
        carried = self.bundle(checkpoint) if bundle is None else bundle
        return self.beacon.submitCheckpoint(as_tuple(checkpoint), carried, {"from": self.relayer})

    @property
    def publisher(self) -> Member:
        """Whose slot it is to publish."""
        return self.members[self.name_of(self.draw.publisherOf(self.beacon.currentRound())[0])]

    def publication(self, member: Member, *, checkpoints: bytes | None = None, **model: bytes) -> bytes:
        """What `member` signs of the current round's model; after the accepted checkpoints, unless others are given."""
        number = self.beacon.currentRound()
        hashed = self.beacon.roundAt(number)["checkpointsHash"] if checkpoints is None else checkpoints
        return self.domain(self.beacon).publication(number, member.id, checkpoints=bytes(hashed), **model)

    def publish(self, publishing: Member | None = None, **changed: Any) -> Any:
        """Publish the current round's model, as whose slot it is unless somebody else is given.

        `changed` replaces single arguments after signing, and what is signed of `checkpoints`.
        """
        round_number, member = self.beacon.currentRound(), publishing or self.publisher
        root, content = word(f"model {round_number}"), word(f"content {round_number}")
        signed = {"model_root": root, "content_digest": content, "checkpoints": changed.pop("checkpoints", None)}
        digest = self.publication(member, **signed)
        call = {"round": round_number, "validator": member.id, "root": root, "content": content, "scores": bytes(32)}
        call |= {"signature": changed["signature"] if "signature" in changed else member.sign(digest)} | changed
        return self.beacon.publish(*call.values(), {"from": self.relayer})

    def path(self, members: Sequence[Member], position: int) -> list[bytes]:
        """The path of the update at `position` of `checkpoint(members)`."""
        return merkle_path(leaves_of(members), position)

    def claim(self, *claims: tuple[Checkpoint, Sequence[Member]], published: Sequence[int] = (), **changed: Any) -> Any:
        """Claim what shards of final rounds earned, each as `checkpoint(members)`, and publishers of rounds.

        `changed` replaces values of every claim's first update.
        """
        given = []
        for checkpoint, members in claims:
            updates = [{"client": m.id, "root": update_by(m).root, "digest": update_by(m).digest} for m in members]
            updates[:1] = [updates[0] | changed] if updates else []
            given.append((as_tuple(checkpoint), [tuple(update.values()) for update in updates]))
        return self.rewards.reward(given, list(published), {"from": self.mallory})

    def show_link(self, seat: int = 0, link: bytes | None = None) -> Any:
        """Show the link of a seat of the current round, or another in its name."""
        number = self.beacon.currentRound()
        return self.draw.showLink(number, seat, link or self.link_of(seat), {"from": self.relayer})

    def show_first_link(self) -> None:
        """Show the link of the first seat that has a slot, in that; who stands in for one that was slashed has none."""
        number = self.beacon.currentRound()
        for seat in range(LINKERS):
            begins_at, ends_at = self.draw.slotOf(number, seat)
            if ends_at:
                if seat:  # the first slot begins with the phase
                    self.reach(begins_at)
                self.show_link(seat)
                return

    def link_of(self, seat: int) -> bytes:
        """The link that a seat of the current round may show."""
        validator = self.draw.seatsOf(self.beacon.currentRound())[seat]
        return self.chain_of(self.name_of(validator)).link(self.draw.chainOf(validator)[1])

    # --- whole stretches -------------------------------------------------------------------------------------

    def run_to_checkpoint_phase(self, members: Sequence[Member] = ()) -> int:
        """Open a round, have `members` commit and reveal, and return its number as its checkpoint phase begins."""
        number = self.open()
        base = self.checkpoint(()).base_root
        for member in members:
            self.commit(member, signed_base=base)
        self.reach(self.ends_at("commit"))
        self.show_first_link()
        for member in members:
            self.reveal(member)
        self.reach(self.ends_at("reveal"))
        return number

    def run_to_publish_phase(self, members: Sequence[Member] = ()) -> Checkpoint:
        """As above, and shard 0 checkpointed, others not; without `members`, a checkpoint of one update nobody made.

        With one shard, that is the publication.
        """
        number = self.run_to_checkpoint_phase(members)
        checkpoint = self.checkpoint(members) if members else self.checkpoint((), count=1, included=1)
        self.submit(checkpoint)
        if state(self.beacon, number) == OPEN:
            self.reach(self.ends_at("checkpoint"))
        return checkpoint

    def run_to_publication(self, members: Sequence[Member] = ()) -> Checkpoint:
        """As above, and the model published."""
        checkpoint = self.run_to_publish_phase(members)
        if state(self.beacon, checkpoint.round) == OPEN:
            self.publish()
        return checkpoint

    def run_to_finality(self, members: Sequence[Member] = ()) -> Checkpoint:
        """As above, and the model settled."""
        checkpoint = self.run_to_publication(members)
        self.reach(chain[-1].timestamp + self.rounds["challengeSeconds"])
        self.beacon.settle(checkpoint.round, {"from": self.relayer})
        return checkpoint

    # --- time ------------------------------------------------------------------------------------------------

    def ends_at(self, phase: str) -> int:
        """When a phase of the current round ends: commit, reveal, checkpoint or publish."""
        return int(self.beacon.roundAt(self.beacon.currentRound())[f"{phase}EndsAt"])

    def reach(self, timestamp: int) -> None:
        """Mine a block at this time."""
        request("evm_setNextBlockTimestamp", timestamp)
        request("evm_mine")

    def next_at(self, timestamp: int) -> None:
        """Have the next transaction happen exactly at this time."""
        request("evm_setNextBlockTimestamp", timestamp)


def build(
    clients: Sequence[str] = CLIENTS,
    validators: Sequence[str] = VALIDATORS,
    disputes: Any = None,
    quorum: str | QuorumContract = "lms",
    **changed: int,
) -> World:
    """Deploy with the default parameters, `changed` replaced, and bond `clients` and `validators`.

    The disputes contract is the real one, unless another is given.
    """
    parameters = load_parameters(**changed)
    world = World(deploy(accounts[0], parameters, GENESIS, disputes=disputes, quorum=quorum), parameters)
    for name in clients:
        world.bond(name, "client")
    for name in validators:
        world.bond(name, "validator")
    return world


def round_slot(round_number: int) -> int:
    """The first of a round's slots in the beacon."""
    return int.from_bytes(keccak(encode(["uint64", "uint256"], [round_number, ROUNDS_SLOT])))


def fill(shard: Any, round_number: int, commits: int = 256) -> None:
    """Set the slot of a round's tally, behind the hash: making that many commits would take a minute."""
    slot = keccak(encode(["uint64", "uint256"], [round_number, 1]))
    request("anvil_setStorageAt", shard.address, "0x" + slot.hex(), "0x" + (commits << 224).to_bytes(32).hex())


def state(beacon: Any, round_number: int) -> int:
    """The state of a round."""
    return int(beacon.roundAt(round_number)["state"])


def bundle_of(signatures: dict[int, bytes], mask: int | None = None) -> bytes:
    """A bundle for `LmsQuorum`, by seat."""
    seats = sum(1 << seat for seat in signatures) if mask is None else mask
    parts = (len(s).to_bytes(2, "big") + s for _, s in sorted(signatures.items()))
    return seats.to_bytes(8, "big") + b"".join(parts)


def as_tuple(checkpoint: Checkpoint) -> tuple[Any, ...]:
    """The `Checkpoint` struct of a checkpoint."""
    return tuple(vars(checkpoint).values())


def request(method: str, *values: object) -> Any:
    """A call of the development chain's own."""
    return web3.provider.make_request(method, list(values))["result"]


@contextmanager
def reverts(error: str, *values: object) -> Iterator[None]:
    """Expect the custom error `error` with these values; with none given, whatever its values are."""
    with pytest.raises(VirtualMachineError) as caught:
        yield
    message = str(caught.value.revert_msg)
    name, _, given = message.partition(": ")
    assert name == error, message
    if values:
        assert given == ", ".join(_shown(value) for value in values), message


def _shown(value: object) -> str:
    """`value` as Brownie shows it in an error's text; an account or contract is its address."""
    return str(value.address).lower() if hasattr(value, "address") else str(value)
