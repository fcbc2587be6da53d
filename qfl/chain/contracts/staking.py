"""Typed access to `contracts/Staking.sol`; what each function does is said in `IStaking.sol`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from web3.types import BlockIdentifier

from qfl.chain.contracts.base import BoundContract
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


class Staking(BoundContract):
    """Stakes, keys and rewards."""

    abi_name = "Staking"

    def bond(self, role: Role, key: LmsPublicKey, withdrawal: str, stake_wei: int) -> UnsentCall:
        """Join with `stake_wei`."""
        kind = "client" if role is Role.CLIENT else "validator"
        arguments = [(key.identifier, key.root, key.height), withdrawal]
        return self._write(f"bond_{kind}", f"bond{kind.capitalize()}", arguments, stake_wei)

    def top_up(self, participant: ParticipantId, amount_wei: int) -> UnsentCall:
        """Add to a participant's stake: a slashed validator is drawn again once it has the minimum."""
        return self._write("top_up", "topUp", [participant], amount_wei, participant)

    def request_exit(self, participant: ParticipantId, signature: bytes) -> UnsentCall:
        """Ask to leave."""
        return self._write("request_exit", "requestExit", [participant, signature], 0, participant)

    def withdraw(self, participant: ParticipantId) -> UnsentCall:
        """Leave with stake and rewards, after the unbonding delay."""
        return self._write("withdraw", "withdraw", [participant], 0, participant)

    def rotate_key(self, participant: ParticipantId, key: LmsPublicKey, signature: bytes) -> UnsentCall:
        """Replace the key."""
        arguments = [participant, (key.identifier, key.root, key.height), signature]
        return self._write("rotate_key", "rotateKey", arguments, 0, participant)

    def set_encryption_key(self, validator: ParticipantId, key_digest: bytes, signature: bytes) -> UnsentCall:
        """Say which ML-KEM-768 key to encrypt to: `key_digest` is sha-256 of the public key."""
        arguments = [validator, key_digest, signature]
        return self._write("set_encryption_key", "setEncryptionKey", arguments, 0, validator)

    def pay_rewards(self, participant: ParticipantId) -> UnsentCall:
        """Pay out the rewards credited so far."""
        return self._write("pay_rewards", "payRewards", [participant], 0, participant)

    def fund_rewards(self, amount_wei: int) -> UnsentCall:
        """Add to the reward pool."""
        return self._write("fund_rewards", "fundRewards", [], amount_wei)

    def wire(self, beacon: str, disputes: str, rewards: str) -> UnsentCall:
        """Name the contracts that may authorise, slash and credit, once."""
        return self._write("wire", "wire", [beacon, disputes, rewards])

    def participant(self, participant: ParticipantId) -> ParticipantRecord:
        """The participant; role NONE when there is none."""
        return self.participants([participant])[0]

    def participants(self, participants: Sequence[ParticipantId]) -> list[ParticipantRecord]:
        """Several of them, asked for together."""
        return [
            ParticipantRecord(
                p.withdrawal,
                p.stakeWei,
                LmsPublicKey(p.identifier, p.root, p.height),
                p.nextLeaf,
                p.nonce,
                Role(p.role),
                p.keyIndex,
                p.exitableAt,
            )
            for p in self._read_many("participant", [(participant,) for participant in participants])
        ]

    def participant_count(self) -> int:
        """Number of ids given out; ids run from 1."""
        return int(self._read("participantCount"))

    def key_at(self, participant: ParticipantId, key_index: int) -> LmsPublicKey:
        """A key the participant has or had."""
        key = self._read("keyAt", participant, key_index)
        return LmsPublicKey(key.identifier, key.root, key.height)

    def key_retired_at(self, participant: ParticipantId, key_index: int) -> int:
        """When a key stopped speaking for the participant (unix seconds); 0 while it is current."""
        return int(self._read("keyRetiredAt", participant, key_index))

    def encryption_key_of(self, validator: ParticipantId) -> bytes:
        """sha-256 of a validator's ML-KEM-768 public key; zero bytes while it has named none."""
        return bytes(self._read("encryptionKeyOf", validator))

    def all_rewards_of(self, participants: Sequence[ParticipantId]) -> list[int]:
        """Rewards not yet paid out to each, wei; asked for together."""
        return [int(owed) for owed in self._read_many("rewardsOf", [(number,) for number in participants])]

    def rewards_of(self, participant: ParticipantId) -> int:
        """Rewards credited and not yet paid, in wei."""
        return int(self._read("rewardsOf", participant))

    def minimum_stake_wei(self, role: Role) -> int:
        """Least stake of a role."""
        name = "minClientStakeWei" if role is Role.CLIENT else "minValidatorStakeWei"
        return int(self._read(name))

    def draw(self, seed: bytes, count: int) -> list[ParticipantId]:
        """The validators that would be drawn with this seed now."""
        return [ParticipantId(validator) for validator in self._read("draw", seed, count)]

    def unbonding_seconds(self) -> int:
        """How long a stake stays liable after its owner asked to leave."""
        return int(self._read("unbondingSeconds"))

    def totals_wei(self) -> tuple[int, int, int]:
        """Stakes, rewards owed and reward pool; together they are the contract's balance."""
        stakes, rewards = self._read("totalStakeWei"), self._read("totalRewardsWei")
        return int(stakes), int(rewards), int(self._read("rewardPoolWei"))

    def bondings(
        self, from_block: int, to_block: BlockIdentifier = "latest", withdrawal: str | None = None
    ) -> list[Bonding]:
        """Everyone who joined in these blocks, or those of them who named one account to be paid to."""
        filters = {} if withdrawal is None else {"withdrawal": withdrawal}
        return [
            Bonding(
                ParticipantId(event["args"]["id"]),
                Role(event["args"]["role"]),
                event["args"]["withdrawal"],
                event["args"]["stakeWei"],
                _key(event["args"]["key"]),
                event["blockNumber"],
            )
            for event in self._events("Bonded", from_block, to_block, **filters)
        ]

    def rotations(
        self, from_block: int, to_block: BlockIdentifier = "latest"
    ) -> list[tuple[ParticipantId, LmsPublicKey, int]]:
        """Every key that replaced another in these blocks, with the block it did so in."""
        return [
            (ParticipantId(event["args"]["id"]), _key(event["args"]["key"]), event["blockNumber"])
            for event in self._events("KeyRotated", from_block, to_block)
        ]

    def key_blocks(self, participant: ParticipantId, from_block: int) -> list[int]:
        """The blocks in which a participant's keys became valid: the one it bonded with first, the current one last."""
        events = [
            event for name in ("Bonded", "KeyRotated") for event in self._events(name, from_block, id=participant)
        ]
        return [event["blockNumber"] for event in events]

    def exits(self, from_block: int, to_block: BlockIdentifier = "latest") -> list[ParticipantId]:
        """Everyone who asked to leave in these blocks."""
        return [ParticipantId(event["args"]["id"]) for event in self._events("ExitRequested", from_block, to_block)]

    def withdrawals(self, from_block: int) -> dict[ParticipantId, int]:
        """What everyone who left was paid, stake and rewards, in wei."""
        events = self._events("Withdrawn", from_block)
        return {ParticipantId(event["args"]["id"]): int(event["args"]["amountWei"]) for event in events}

    def encryption_keys(self, from_block: int, to_block: int) -> dict[ParticipantId, bytes]:
        """sha-256 of the last ML-KEM-768 public key that each validator had named at the end of `to_block`."""
        events = self._events("EncryptionKeySet", from_block, to_block)
        return {ParticipantId(event["args"]["id"]): bytes(event["args"]["keyDigest"]) for event in events}

    def slashings(self, from_block: int, participant: ParticipantId | None = None) -> list[Slashing]:
        """What was lost for proven faults since a block, oldest first; by one participant, or by all."""
        filters = {} if participant is None else {"id": participant}
        return [
            Slashing(
                ParticipantId(event["args"]["id"]),
                event["args"]["challenger"],
                event["args"]["amountWei"],
                event["args"]["bountyWei"],
                event["transactionHash"].to_0x_hex(),
            )
            for event in self._events("Slashed", from_block, **filters)
        ]


def _key(value: Any) -> LmsPublicKey:
    if isinstance(value, dict):
        return LmsPublicKey(value["identifier"], value["root"], value["height"])
    return LmsPublicKey(value.identifier, value.root, value.height)
