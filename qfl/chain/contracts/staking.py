"""Typed access to `contracts/Staking.sol`; what each function does is said in `IStaking.sol`."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from qfl.chain.contracts.base import BoundContract, view
from qfl.chain.rpc.coding import record
from qfl.chain.rpc.sender import UnsentCall
from qfl.protocol.types import LmsPublicKey, ParticipantId


class Role(IntEnum):
    """`Role` of IStaking.sol."""

    NONE = 0
    CLIENT = 1
    VALIDATOR = 2


@dataclass(frozen=True)
class ParticipantRecord:
    """`Participant` of IStaking.sol; `exitable_at` is 0 while no exit was asked for."""

    withdrawal: str
    stake_wei: int
    key: LmsPublicKey
    next_leaf: int
    nonce: int
    role: Role
    key_index: int
    exitable_at: int


@dataclass(frozen=True)
class Bonding:
    """A `Bonded` event."""

    id: ParticipantId
    role: Role
    withdrawal: str
    stake_wei: int
    key: LmsPublicKey
    block: int


@dataclass(frozen=True)
class Slashing:
    """A `Slashed` event: what a participant lost, and how much of that went to who proved its fault."""

    id: ParticipantId
    challenger: str
    amount_wei: int
    bounty_wei: int
    tx_hash: str


@dataclass(frozen=True)
class Weight:
    """What a validator's weight in the draw became: its stake, or 0 while it takes on no duties."""

    id: ParticipantId
    wei: int
    block: int
    log: int


@dataclass(frozen=True)
class Anchor:
    """An `AnchorSet` event: the end of a hash chain, of a client's with the first round that it serves."""

    id: ParticipantId
    anchor: bytes
    first_round: int
    block: int
    log: int


class Staking(BoundContract):
    """Stakes, keys and rewards."""

    abi_name = "Staking"

    def bond(
        self,
        role: Role,
        key: LmsPublicKey,
        *,
        withdrawal: str,
        stake_wei: int,
        anchor: bytes = bytes(28),
        first_round: int = 0,
    ) -> UnsentCall:
        """Join with `stake_wei` and the `anchor` of a hash chain, a client's from `first_round` on; zeros: none."""
        if role is Role.CLIENT:
            return self._write("bondClient", key, anchor, first_round, withdrawal, value_wei=stake_wei)
        return self._write("bondValidator", key, anchor, withdrawal, value_wei=stake_wei)

    def top_up(self, participant: ParticipantId, amount_wei: int) -> UnsentCall:
        """Add to a participant's stake: a slashed validator is drawn again once it has the minimum."""
        return self._write("topUp", participant, value_wei=amount_wei)

    def request_exit(self, participant: ParticipantId, signature: bytes) -> UnsentCall:
        """Ask to leave."""
        return self._write("requestExit", participant, signature)

    def withdraw(self, participant: ParticipantId) -> UnsentCall:
        """Leave with stake and rewards, after the unbonding delay."""
        return self._write("withdraw", participant)

    def rotate_key(self, participant: ParticipantId, key: LmsPublicKey, *, signature: bytes) -> UnsentCall:
        """Replace the key."""
        return self._write("rotateKey", participant, key, signature)

    def set_encryption_key(self, validator: ParticipantId, key_digest: bytes, *, signature: bytes) -> UnsentCall:
        """Say which ML-KEM-768 key to encrypt to: `key_digest` is sha-256 of the public key."""
        return self._write("setEncryptionKey", validator, key_digest, signature)

    def set_anchor(
        self, participant: ParticipantId, anchor: bytes, *, signature: bytes, first_round: int = 0
    ) -> UnsentCall:
        """Name the end of another hash chain; a client's begins with `first_round`."""
        return self._write("setAnchor", participant, anchor, first_round, signature)

    def pay_rewards(self, participant: ParticipantId) -> UnsentCall:
        """Pay out the rewards credited so far."""
        return self._write("payRewards", participant)

    def fund_rewards(self, amount_wei: int) -> UnsentCall:
        """Add to the reward pool."""
        return self._write("fundRewards", value_wei=amount_wei)

    def wire(self, beacon: str, *, draw: str, disputes: str, rewards: str) -> UnsentCall:
        """Name the contracts that may authorize, draw, slash and credit, once."""
        return self._write("wire", beacon, draw, disputes, rewards)

    anchor_of = view(tuple[bytes, int], "anchorOf", ParticipantId)
    """The end of an active client's hash chain, zeros where it has none, and the round that it begins with."""

    participant = view(ParticipantRecord, "participant", ParticipantId)
    """The participant; role NONE when there is none."""

    def participants(self, participants: Sequence[ParticipantId]) -> list[ParticipantRecord]:
        """Several of them, asked for together."""
        return self._read_many(ParticipantRecord, "participant", [(number,) for number in participants])

    participant_count = view(int, "participantCount")
    """Number of ids given out; ids run from 1."""
    key_at = view(LmsPublicKey, "keyAt", ParticipantId, int)
    """A key the participant has or had."""
    key_retired_at = view(int, "keyRetiredAt", ParticipantId, int)
    """When a key stopped speaking for the participant (unix seconds); 0 while it is current."""
    encryption_key_of = view(bytes, "encryptionKeyOf", ParticipantId)
    """sha-256 of a validator's ML-KEM-768 public key; zero bytes while it has named none."""

    def all_rewards_of(self, participants: Sequence[ParticipantId]) -> list[int]:
        """Rewards not yet paid out to each, wei; asked for together."""
        return self._read_many(int, "rewardsOf", [(number,) for number in participants])

    rewards_of = view(int, "rewardsOf", ParticipantId)
    """Rewards credited and not yet paid, in wei."""

    def minimum_stake_wei(self, role: Role) -> int:
        """Least stake of a role."""
        return self._read(int, "minClientStakeWei" if role is Role.CLIENT else "minValidatorStakeWei")

    unbonding_seconds = view(int, "unbondingSeconds")
    """How long a stake stays liable after its owner asked to leave."""

    def totals_wei(self) -> tuple[int, int, int]:
        """Stakes, rewards owed and reward pool; together they are the contract's balance."""
        stakes, rewards = self._read(int, "totalStakeWei"), self._read(int, "totalRewardsWei")
        return stakes, rewards, self._read(int, "rewardPoolWei")

    def bondings(
        self, from_block: int, to_block: int | str = "latest", *, withdrawal: str | None = None
    ) -> list[Bonding]:
        """Everyone who joined in these blocks, or those of them who named one account to be paid to."""
        return self._events(Bonding, "Bonded", from_block, to_block, withdrawal=withdrawal)

    def weights(self, from_block: int, validator: ParticipantId | None = None) -> list[Weight]:
        """Every change of a weight in the draw, oldest first; of one validator, or of all.

        `from_block` is the deployment's: what a weight is follows from all that became of a stake.
        """
        names = "Bonded", "ToppedUp", "Slashed", "ExitRequested"
        logs = [
            (event["block"], event["log"], name, event)
            for name in names
            for event in self._logs(name, from_block, id=validator)
        ]
        least, stakes, weights = self.minimum_stake_wei(Role.VALIDATOR), dict[int, int](), dict[int, int]()
        leaving, found = set[int](), list[Weight]()
        for block, log, name, event in sorted(logs, key=lambda log: log[:2]):
            number = event["id"]
            if name == "Bonded" and event["role"] == Role.VALIDATOR:
                stakes[number] = event["stakeWei"]
            elif number not in stakes:  # a client
                continue
            elif name == "ToppedUp":
                stakes[number] = event["stakeWei"]
            elif name == "Slashed":
                stakes[number] -= event["amountWei"]
            else:
                leaving.add(number)
            weight = stakes[number] if number not in leaving and stakes[number] >= least else 0
            if weight or weights.get(number):
                found.append(Weight(number, weight, block, log))
            weights[number] = weight
        return found

    def anchors(
        self, from_block: int, to_block: int | str = "latest", *, participant: ParticipantId | None = None
    ) -> list[Anchor]:
        """Every anchor that was named in these blocks, oldest first, by one participant, or by all: those that clients
        bonded with, too, and of validators those in another's place."""
        return self._events(Anchor, "AnchorSet", from_block, to_block, id=participant)

    def bonded_by(self, participant: ParticipantId, from_block: int) -> str | None:
        """The transaction in which it joined; None where the node has none."""
        return next((event["txHash"] for event in self._logs("Bonded", from_block, id=participant)), None)

    def rotations(
        self, from_block: int, to_block: int | str = "latest"
    ) -> list[tuple[ParticipantId, LmsPublicKey, int]]:
        """Every key that replaced another in these blocks, with the block it did so in."""
        events = self._logs("KeyRotated", from_block, to_block)
        return [(event["id"], record(LmsPublicKey, event["key"]), event["block"]) for event in events]

    def key_blocks(self, participant: ParticipantId, from_block: int) -> list[int]:
        """The blocks in which a participant's keys became valid: the one it bonded with first, the current one last."""
        names = "Bonded", "KeyRotated"
        return [event["block"] for name in names for event in self._logs(name, from_block, id=participant)]

    def exits(self, from_block: int, to_block: int | str = "latest") -> list[ParticipantId]:
        """Everyone who asked to leave in these blocks."""
        return [event["id"] for event in self._logs("ExitRequested", from_block, to_block)]

    def withdrawals(self, from_block: int) -> dict[ParticipantId, int]:
        """What everyone who left was paid, stake and rewards, in wei."""
        return {event["id"]: event["amountWei"] for event in self._logs("Withdrawn", from_block)}

    def encryption_keys(self, from_block: int, to_block: int) -> dict[ParticipantId, bytes]:
        """sha-256 of the last ML-KEM-768 public key that each validator had named at the end of `to_block`."""
        return {event["id"]: event["keyDigest"] for event in self._logs("EncryptionKeySet", from_block, to_block)}

    def slashings(self, from_block: int, participant: ParticipantId | None = None) -> list[Slashing]:
        """What was lost for proven faults since a block, oldest first; by one participant, or by all."""
        return self._events(Slashing, "Slashed", from_block, id=participant)
