"""Grinding: what it brings to choose the block in which a round opens, or the stakes in that block."""

from __future__ import annotations

from collections.abc import Sequence

from eth_utils.crypto import keccak

from experiments.attacks.strategy import Outsider
from qfl.chain.contracts.staking import Role
from qfl.devnet.health import call_chain
from qfl.protocol.quorum import quorum_of
from qfl.protocol.types import ParticipantId, RoundNumber

ACCOMPLICES = ("validator-5", "validator-6", "validator-7")
BLOCKS, WAITS = 128, (4, 16)
"""Draws looked at, and how many of them a grinder has to choose from."""
GROUND, STEPS = 12, 20
"""Blocks in which stakes are moved until they suit, and in how many steps to one more stake."""


class Grinder(Outsider):
    """Measures how often its accomplices hold a quorum: by chance, in the best of several blocks, by moving stakes."""

    def after_round(self, number: RoundNumber) -> None:
        """Look at the next round's draw."""
        accomplices = {self.testnet.join(name) for name in ACCOMPLICES}
        randomness = [keccak(number.to_bytes(8) + i.to_bytes(2)) for i in range(BLOCKS)]
        draw = self.testnet.next_draw()
        committees = [draw(value) for value in randomness]
        quorum = quorum_of(len(committees[0]))
        held = [len(accomplices & set(committee)) >= quorum for committee in committees]
        odds = [f"by chance in {_share(held, 1):.0%} of rounds"]
        odds += [f"with {wait} blocks to choose from in {_share(held, wait):.0%}" for wait in WAITS]
        unlucky = [value for value, is_held in zip(randomness, held, strict=True) if not is_held][:GROUND]
        won = sum(self._is_won_by_stake(value, accomplices, quorum) for value in unlucky)
        odds.append(f"by up to one more stake, brought in the block itself, in {won} of {len(unlucky)} that were lost")
        self.finding = f"3 of 7 equal validators hold 3 of 4 seats {', '.join(odds)}"

    def _is_won_by_stake(self, randomness: bytes, accomplices: set[ParticipantId], quorum: int) -> bool:
        """Whether an accomplice topped up to two stakes at most makes this randomness draw a quorum; then undone."""
        url, staking = self.testnet.devnet.rpc_url, self._ledger.staking
        snapshot = call_chain(url, "evm_snapshot")
        step = staking.minimum_stake_wei(Role.VALIDATOR) // STEPS
        draw, is_won = self.testnet.next_draw(), False
        for _ in range(STEPS):
            self.testnet.owner.send(staking.top_up(min(accomplices), step))
            if is_won := len(accomplices & set(draw(randomness))) >= quorum:
                break
        call_chain(url, "evm_revert", snapshot)
        return is_won


def _share(held: Sequence[bool], wait: int) -> float:
    """Share of the windows of `wait` draws in which one holds a quorum."""
    windows = [any(held[i : i + wait]) for i in range(0, len(held), wait)]
    return sum(windows) / len(windows)
