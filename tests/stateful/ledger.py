"""What everyone should have, worked out in Python: amounts in wei, times in unix seconds."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.contracts.world import VALIDATOR_STAKE, Member


@dataclass
class Account:
    """What the ledger knows of a participant. `paid` is what its withdrawal account has received."""

    member: Member
    is_validator: bool
    stake: int
    rewards: int = 0
    exitable_at: int = 0
    nonce: int = 0
    retired: list[int] = field(default_factory=list)
    has_left: bool = False
    paid: int = 0

    @property
    def key_index(self) -> int:
        """The number of its current key, or of its last one."""
        return len(self.retired) - self.has_left

    @property
    def is_active(self) -> bool:
        """Whether it may take on something new; a validator is drawn exactly then."""
        return not self.has_left and not self.exitable_at and (self.stake >= VALIDATOR_STAKE or not self.is_validator)


@dataclass
class Ledger:
    """All accounts by id, the reward pool, and where the slashed stakes went."""

    accounts: dict[int, Account] = field(default_factory=dict)
    pool: int = 0
    bounties: int = 0
    burned: int = 0

    def enter(self, member: Member, is_validator: bool, stake: int) -> None:
        self.accounts[member.id] = Account(member, is_validator, stake, paid=member.withdrawal.balance())

    @property
    def stakes(self) -> dict[int, int]:
        return {number: account.stake for number, account in self.accounts.items()}

    @property
    def rewards(self) -> int:
        return sum(account.rewards for account in self.accounts.values())

    @property
    def drawable(self) -> set[int]:
        return {number for number, account in self.accounts.items() if account.is_validator and account.is_active}

    def credit(self, number: int, amount: int) -> None:
        self.pool -= amount
        self.accounts[number].rewards += amount

    def slash(self, guilty: Iterable[int]) -> int:
        """Half of each guilty stake is gone: a quarter of it is the bounty, the rest burned. Returns all of it."""
        taken = {number: self.accounts[number].stake // 2 for number in guilty}
        bounties = sum(amount // 4 for amount in taken.values())
        for number, amount in taken.items():
            self.accounts[number].stake -= amount
        self.bounties += bounties
        self.burned += sum(taken.values()) - bounties
        return sum(taken.values())
