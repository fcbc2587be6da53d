"""Grinding: what it brings to choose the block in which a round opens, or the stakes in that block."""

from __future__ import annotations

from collections.abc import Sequence

from eth_utils.crypto import keccak

from qfl.attacks.strategy import Outsider
from qfl.committee.bundle import quorum_of
from qfl.devnet.health import call_chain
from qfl.types import ParticipantId, RoundNumber

ACCOMPLICES = ("validator-5", "validator-6", "validator-7")
BLOCKS, WAITS = 128, (4, 16)
"""Draws looked at, and how many of them a grinder has to choose from."""
GROUND, MOST_TOP_UPS = 6, 200
"""Blocks in which stakes are moved until they suit, and how often at most."""


class Grinder(Outsider):
    """Measures how often its accomplices hold a quorum: by chance, in the best of several blocks, by moving stakes."""

    def after_round(self, number: RoundNumber) -> None:
        """Look at the next round's draw."""
        accomplices = {self.arena.join(name) for name in ACCOMPLICES}
        randomness = [keccak(number.to_bytes(8) + i.to_bytes(2)) for i in range(BLOCKS)]
        draw = self.arena.next_draw()
        committees = [draw(value) for value in randomness]
        quorum = quorum_of(len(committees[0]))
        held = [len(accomplices & set(committee)) >= quorum for committee in committees]
        odds = [f"by chance in {_share(held, 1):.0%} of rounds"]
        odds += [f"with {wait} blocks to choose from in {_share(held, wait):.0%}" for wait in WAITS]
        unlucky = [value for value, is_held in zip(randomness, held, strict=True) if not is_held][:GROUND]
        tries = [self._top_ups(value, accomplices, quorum) for value in unlucky]
        odds.append(f"in any block by {sum(tries) / len(tries):.0f} top-ups of 1 wei in it")
        self.finding = f"3 of 7 equal validators hold 3 of 4 seats {', '.join(odds)}"

    def _top_ups(self, randomness: bytes, accomplices: set[ParticipantId], quorum: int) -> int:
        """How many times 1 wei has to be added to a stake until this randomness draws a quorum; then undone."""
        url, staking = self.arena.devnet.rpc_url, self._ledger.staking
        snapshot = call_chain(url, "evm_snapshot")
        top_up, draw = staking.top_up(min(accomplices), 1), self.arena.next_draw()
        tries = 0
        while len(accomplices & set(draw(randomness))) < quorum and tries < MOST_TOP_UPS:
            self.arena.owner.send(top_up)
            tries += 1
        call_chain(url, "evm_revert", snapshot)
        return tries


def _share(held: Sequence[bool], wait: int) -> float:
    """Share of the windows of `wait` draws in which one holds a quorum."""
    windows = [any(held[i : i + wait]) for i in range(0, len(held), wait)]
    return sum(windows) / len(windows)
