"""The flat baseline: every validator verifies every update of the round, and votes alone.

It is the baseline because peer systems work like this: on one chain of equals, every node checks every update, and
sends its own vote. Nothing of it is handicapped: a flat validator has the same key, store, chain and machine, and
fetches, checks, aggregates and signs by the very code of a committee's seat. It says its result in one transaction,
which names nothing but the result, and reads nobody else's. It checks when the reveals are over, or, in the variant
that does so, from the first reveal on, as seats do.
"""

from __future__ import annotations

from pathlib import Path

from experiments.consensus.flat_voting import FlatVoting
from experiments.consensus.seats import verifying
from qfl.chain.ledger import Ledger
from qfl.chain.rpc.sender import TransactionSender
from qfl.crypto.keyfile import KeyFile
from qfl.node.journal import Signer
from qfl.node.meter import Meter
from qfl.node.recompute import read_updates
from qfl.protocol.digests import Domain
from qfl.protocol.recompute import ShardResult, expected_checkpoint
from qfl.protocol.types import ParticipantId, RoundNumber, ShardIndex, VerifiedUpdate
from qfl.storage.store import ContentStore

SHARD = ShardIndex(0)
"""Where there is nothing but one committee of all, there is one shard."""


class FlatValidator:
    """One validator of the flat variant, in one round."""

    def __init__(
        self,
        participant: ParticipantId,
        ledger: Ledger,
        sender: TransactionSender,
        store: ContentStore,
        key: KeyFile,
        folder: Path,
        voting: FlatVoting,
        meter: Meter,
    ) -> None:
        self.participant = participant
        self._ledger, self._sender, self._store, self._voting = ledger, sender, store, voting
        self._signer, self._meter = Signer(key, folder / "votes.json"), meter
        self._domain = Domain(ledger.deployment.chain_id, voting.address)

    def prepare(self, round_number: RoundNumber) -> None:
        """Read what the round fixes while there is nothing to verify yet, as a seat does."""
        self._part = self._ledger.round(round_number).shard(SHARD)
        self._spec, self._unread = self._part.spec(), self._part.first_block
        self._updates: dict[int, VerifiedUpdate] = {}

    def look(self) -> None:
        """Fetch and check what is revealed and not yet checked."""
        reveals, self._unread = self._part.contract.reveals_until_now(self._spec.round, self._unread)
        with verifying(self._meter, self.participant):
            found = read_updates(self._part, self._spec, self._store, reveals)
            assert found is not None, "nothing is sealed here"
            self._updates.update({update.index: update for update in found[0]})

    def verify(self) -> ShardResult:
        """Fetch and check all updates, and aggregate them."""
        self.look()
        with verifying(self._meter, self.participant):
            result = expected_checkpoint(self._spec, 0, self._updates.values())
        self._store.put(result.content)
        return result

    def vote(self, result: ShardResult) -> None:
        """Sign the result and send the vote; those that come after the decision are sent too."""
        said = result.checkpoint
        message = self._domain.publication(said.round, self.participant, said.aggregate_root, said.content_digest)
        signature = self._signer.sign_once(f"round {said.round}", said.round, message)
        assert signature is not None, "one result a round"
        vote = said.round, self.participant, said.aggregate_root, said.content_digest, signature
        self._sender.send(self._voting.vote(*vote))
