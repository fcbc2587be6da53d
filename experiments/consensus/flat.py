"""The flat baseline: every validator verifies every update of the round, and votes alone.

It is the baseline because peer systems work like this: on one chain of equals, every node checks every update, and
sends its own vote. Nothing of it is handicapped: a flat validator has the same key, store, chain and machine, and
fetches, checks and aggregates by the very code of a committee's seat, and computes the next model as a seat of an only
shard does. It says that in one transaction, which names nothing else, and reads nobody else's. It checks when the
reveals are over, or, in the variant that does so, from the first reveal on, as seats do.
"""

from contextlib import AbstractContextManager

from qfl.chain.compiler import compile_contracts
from qfl.chain.deploy import create
from qfl.chain.ledger import Ledger
from qfl.chain.rpc.coding import FunctionCoder
from qfl.chain.rpc.sender import Sender, UnsentCall
from qfl.node.context import NodeContext
from qfl.node.journal import Signer
from qfl.node.meter import Meter
from qfl.node.recompute import read_base, read_updates
from qfl.protocol.content import Content
from qfl.protocol.digests import Domain
from qfl.protocol.recompute import ShardResult, expected_checkpoint
from qfl.protocol.types import ParticipantId, RoundNumber, ShardIndex, VerifiedUpdate

VOTE_GAS = 600_000
"""Well above what a vote takes: no dry run tells, as none does a committee's carrier."""
SHARD = ShardIndex(0)
"""Where there is nothing but one committee of all, there is one shard."""


def verifying(meter: Meter, validator: ParticipantId) -> AbstractContextManager[None]:
    """Charge what happens inside to the validator's verification."""
    return meter.measuring("validator", validator, "verify")


class FlatVoting:
    """`contracts/baselines/FlatVoting.sol`, which goes by the rounds and stakes of the deployment that it is beside."""

    def __init__(self, ledger: Ledger, sender: Sender) -> None:
        """Deploy it."""
        artifact = compile_contracts()["FlatVoting"]
        self.address = create(sender, "FlatVoting", ledger.beacon.address, ledger.staking.address)
        self.domain = Domain(ledger.deployment.chain_id, self.address)
        self._vote = FunctionCoder(next(entry for entry in artifact.abi if entry.get("name") == "vote"))

    def message(self, round_number: RoundNumber, validator: ParticipantId, root: bytes, digest: bytes) -> bytes:
        """What a validator signs to vote: a `Publication` in `domain` that names no checkpoints."""
        return self.domain.publication(
            round_number, validator, model_root=root, content_digest=digest, checkpoints=bytes(32)
        )

    def vote(self, round_number: RoundNumber, validator: ParticipantId, *model_and_signature: bytes) -> UnsentCall:
        """Vote for a model's root and content digest; the signature is over `Publication` in `domain`."""
        data = self._vote.encode([round_number, validator, *model_and_signature])
        return UnsentCall("vote", self.address, data, 0, validator, round_number, self.domain.chain_id, VOTE_GAS)


class FlatValidator:
    """One validator of the flat variant, in one round."""

    def __init__(self, context: NodeContext, participant: ParticipantId, voting: FlatVoting, meter: Meter) -> None:
        self.participant, self._context, self._voting, self._meter = participant, context, voting, meter
        self._signer = Signer(context.key, context.folder / "votes.json")

    def prepare(self, round_number: RoundNumber) -> None:
        """Read what the round fixes while there is nothing to verify yet, as a seat does."""
        self._part = self._context.ledger.round(round_number).shard(SHARD)
        self._spec, self._unread = self._part.spec(), self._part.first_block
        self._updates: dict[int, VerifiedUpdate] = {}
        self._base: Content | None = None

    def look(self) -> None:
        """Fetch and check what is revealed and not yet checked; read what the next model builds on, as a seat does."""
        reveals, self._unread = self._part.contract.reveals_until_now(self._spec.round, self._unread)
        with verifying(self._meter, self.participant):
            found = read_updates(self._part, self._spec, self._context.store, reveals)
            assert found is not None, "nothing is sealed here"
            self._updates.update({update.index: update for update in found[0]})
            if self._base is None:
                self._base = read_base(self._context.ledger, self._context.store, self._spec.round)

    def verify(self) -> ShardResult:
        """Fetch and check all updates, aggregate them, and store the model that follows."""
        self.look()
        with verifying(self._meter, self.participant):
            result = expected_checkpoint(self._spec, 0, self._updates.values(), reveals=(), base=self._base)
        _, model = result.contents
        self._context.store.put(model)
        return result

    def vote(self, result: ShardResult) -> None:
        """Sign the model and send the vote; those that come after the decision are sent too."""
        said = result.checkpoint
        vote = said.round, self.participant, said.model_root, said.model_digest
        message = self._voting.message(*vote)
        signature = self._signer.sign_once(f"round {said.round}", said.round, message)
        assert signature is not None, "one result a round"
        self._context.sender.send(self._voting.vote(*vote, signature))
