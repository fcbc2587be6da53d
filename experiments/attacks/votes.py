"""Attacks on committees that vote: no list, a list once keys are shown, and the chain taken back to before it."""

from collections.abc import Mapping
from typing import Any

from experiments.attacks.insistent import Insistent
from experiments.attacks.seats import falsify
from qfl.chain.clock import DevelopmentClock
from qfl.chain.rpc.connection import url_of
from qfl.devnet.health import call_chain
from qfl.protocol.recompute import ShardResult
from qfl.protocol.types import Checkpoint
from qfl.protocol.votes import encode_votes, list_hash, vote_of
from qfl.validator.ballot import Ballot
from qfl.validator.seat import Seat

LONG_TURNS = {"turnSeconds": 2_000, "checkpointSeconds": 8_000, "publishSeconds": 2_000}
"""The chain's time goes on while a machine is busy: no window is over for that."""
DEPTH = 8
"""Confirmations of seats that wait: more blocks than there are in a turn."""


class WithholdingVoter(Seat):
    """Votes as the first of its turn, and then neither posts the list nor says anything more."""

    def _vote(self, result: ShardResult, ballot: Ballot, is_asked_again: bool) -> bool:
        return not ballot.is_cast and super()._vote(result, ballot, is_asked_again)

    def _say(self, _result: ShardResult, _signatures: dict[int, bytes]) -> bool:
        return False

    def claim(self) -> bool:
        """Nothing."""
        return False


class LateLister(Seat):
    """Votes and shows its key as the first of its turn; and with everybody's keys votes for a false checkpoint."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._results_of: dict[Checkpoint, ShardResult] = {}
        self._has_forged = False

    def _result(self, turn: int, updates: Any) -> ShardResult:
        result = super()._result(turn, updates)
        self._results_of[result.checkpoint] = result
        return result

    def _carry(self, signatures: Mapping[Checkpoint, Mapping[int, bytes]]) -> bool:
        for checkpoint, ballot in self._ballots.items():
            if not self._has_forged and ballot is not None and ballot.bundle() is not None:
                self._has_forged = True
                self._make_room(checkpoint)
                self._forge(self._results_of[checkpoint], ballot)
        return False

    def _make_room(self, checkpoint: Checkpoint) -> None:
        """What it does to the chain first: nothing."""

    def _forge(self, result: ShardResult, ballot: Ballot) -> None:
        """Post a list of votes for a result that is false, and bring it with the keys."""
        assert isinstance(self._sender, Insistent)
        false, keys = falsify(result).checkpoint, ballot.keys
        digest = self._ledger.beacon_domain.checkpoint(false)
        votes = {seat: vote_of(digest, seat, key) for seat, key in keys.items()}
        self._sender.attempt(ballot.quorum.post_list(list_hash(votes)))
        self._sender.attempt(self._ledger.beacon.submit_checkpoint(false, encode_votes(votes, keys)))


class Reorganizer(LateLister):
    """Has the chain take back the turn first, so that the window is open again."""

    def _make_room(self, checkpoint: Checkpoint) -> None:
        web3 = self._ledger.web3
        url = url_of(web3)
        last = self._part.contract.reveals_until_now(self._round, self._part.first_block)[1] - 1
        call_chain(url, "anvil_rollback", int(call_chain(url, "eth_blockNumber"), 16) - last)
        call_chain(url, "anvil_dropAllTransactions")
        DevelopmentClock(web3).reach(self._context.reveal_ends_at)
