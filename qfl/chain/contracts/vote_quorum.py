"""Typed access to `contracts/quorums/VoteQuorum.sol`, as `IVoteQuorum.sol` has it."""

from collections.abc import Sequence
from dataclasses import dataclass

from qfl.chain.contracts.base import BoundContract, view
from qfl.chain.rpc.sender import UnsentCall
from qfl.protocol.types import ParticipantId


@dataclass(frozen=True)
class VoteChain:
    """`VoteChain` of IVoteQuorum.sol: a chain of vote keys for one turn, as far as it was shown on chain."""

    tip: bytes
    round: int
    first_round: int
    retired_at: int


@dataclass(frozen=True)
class ChainRegistration:
    """A `ChainsRegistered` event: a validator's chains, their number, and the block and transaction of it."""

    validator: ParticipantId
    key_index: int
    anchors: tuple[bytes, ...]
    first_round: int
    block: int
    tx_hash: str


@dataclass(frozen=True)
class ListPosting:
    """A `ListPosted` event: the hash of a list of votes, and the block it was posted in."""

    list: bytes
    block: int


class VoteQuorum(BoundContract):
    """The chains of vote keys, the lists that were posted, and what verifies a committee's votes."""

    abi_name = "VoteQuorum"

    # --- calls ---

    def register(
        self, validator: ParticipantId, anchors: Sequence[bytes], *, first_round: int, signature: bytes
    ) -> UnsentCall:
        """Name a validator's chains of vote keys, by turn, or others in their place."""
        return self._write("register", validator, anchors, first_round, signature, label="register_vote_chains")

    def post_list(self, list_hash: bytes) -> UnsentCall:
        """Post the hash of a list of votes (`qfl.protocol.votes.list_hash`)."""
        return self._write("postList", list_hash)

    # --- reads ---

    posted_at = view(int, "postedAt", bytes)
    """When a list was first posted (unix seconds); 0 where it never was."""
    chain_count = view(int, "chainCount", ParticipantId)
    """How often a validator named its chains; the current ones are the last."""
    chain_at = view(VoteChain, "chainAt", ParticipantId, int, int)
    """A chain that a validator named, by its number and turn; zeros where there never was one."""
    vote_seconds = view(int, "voteSeconds")
    """How long after a turn began lists of its votes may be posted."""
    least_turn_seconds = view(int, "leastTurnSeconds")
    """The shortest turn that a round may have."""

    def posted_by(self, block: str, lists: Sequence[bytes]) -> list[int]:
        """As `posted_at` of each list, at the end of a block."""
        return self._read_each([(int, "postedAt", (one,)) for one in lists], block)

    def chains_of(self, validators: Sequence[ParticipantId], turn: int) -> list[VoteChain | None]:
        """The current chain of each validator for a turn; None of one that never named any. Asked for together."""
        counts = self._read_many(int, "chainCount", [(validator,) for validator in validators])
        asked = [(validator, max(0, count - 1), turn) for validator, count in zip(validators, counts, strict=True)]
        chains = self._read_many(VoteChain, "chainAt", asked)
        return [chain if count else None for chain, count in zip(chains, counts, strict=True)]

    # --- events ---

    def registrations(self, from_block: int, validator: ParticipantId | None = None) -> list[ChainRegistration]:
        """All chains that were named since a block, oldest first; by one validator, or by all."""
        return self._events(ChainRegistration, "ChainsRegistered", from_block, validator=validator)

    def postings(self, from_block: int) -> list[ListPosting]:
        """Every list that was posted since a block, oldest first."""
        return self._events(ListPosting, "ListPosted", from_block)
