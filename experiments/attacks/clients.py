"""Attacks by clients: another's words, a worn-out key, too large an update, content kept back, false norm proofs."""

from dataclasses import replace
from typing import Any

import numpy as np

from experiments.attacks.outsiders import SignedCommit, read_commits, read_input
from qfl.client.client import Client
from qfl.client.update import NormEvidence
from qfl.crypto.norm.statement import context_of
from qfl.protocol.content import decode, encode
from qfl.protocol.types import PreparedUpdate, RoundNumber, RoundSpec, TrainingResult
from qfl.storage.store import ContentStore, require_block_size

NO_BOUND = 2**63 - 1


class CopiedCommitment(Client):
    """Trains nothing: commits to what another client committed to, and opens it with that client's words."""

    def has_prepared(self, round_number: RoundNumber) -> bool:
        """True: nothing is to be trained."""
        return True

    def commit(self, round_number: RoundNumber) -> bool:
        """Copy the first commitment there is."""
        theirs = [said for said in read_commits(self._ledger, round_number) if said.client != self.participant]
        if not theirs:
            return False
        digest = self._ledger.shard_domains[0].commit(
            round_number, self.participant, theirs[0].base_root, theirs[0].commitment
        )
        own = replace(theirs[0], client=self.participant, signature=self._key.sign(digest))
        self._sender.send(own.to(self._ledger))
        return True

    def reveal(self, round_number: RoundNumber) -> bool:
        """Open it with every opening that was said."""
        shard = self._ledger.shards[0]
        for said in shard.reveals(round_number, self._ledger.round(round_number).opened_in):
            _, words = shard.arguments_of(read_input(self._ledger, said.tx_hash))
            opening = {
                "update_root": words["updateRoot"],
                "content_digest": words["contentDigest"],
                "salt": words["salt"],
            }
            self._sender.send(shard.reveal(words["round"], self.participant, **opening))
        return False


class ReusedLeaf(Client):
    """Signs every commitment with leaf 0 of its key, as a restored backup would."""

    def commit(self, round_number: RoundNumber) -> bool:
        """Put the worn-out signature in the place of the fresh one."""
        record = self._record(round_number)
        base_root, commitment = bytes.fromhex(record["base_root"]), bytes.fromhex(record["commitment"])
        digest = self._ledger.shard_domains[0].commit(round_number, self.participant, base_root, commitment)
        signature = self._key._secret.sign(0, digest)
        said = SignedCommit(round_number, self.participant, base_root, commitment, signature)
        self._sender.send(said.to(self._ledger))
        return True

    def reveal(self, round_number: RoundNumber) -> bool:
        """Keep silent: that it was let in once is not the point."""
        return False


class Withholding:
    """A store that takes everything and keeps nothing; what others stored can be had."""

    def __init__(self, store: ContentStore) -> None:
        self._store = store

    def put(self, data: bytes) -> bytes:
        """The digest of `data`, which goes nowhere."""
        return require_block_size(data)

    def get(self, digest: bytes, max_bytes: int) -> bytes:
        """What the store behind has."""
        return self._store.get(digest, max_bytes)

    def pin(self, digest: bytes) -> None:
        """Nothing."""

    def unpin(self, digest: bytes) -> None:
        """Nothing: nothing is pinned."""


class OverNorm(Client):
    """Turns every coordinate as far as a lane goes, whatever it trained: far beyond the round's norm bound."""

    def prepare(self, trained: TrainingResult) -> None:
        """Skip the scaling that keeps an honest update within the bound."""
        assert self._base is not None
        spec, base = self._base
        self._base = replace(spec, norm_bound=NO_BOUND), base
        far = np.full_like(trained.angles, np.pi)
        super().prepare(TrainingResult(trained.angles + far, trained.weights))


class WithheldContent(Client):
    """Commits and reveals, and stores nothing: the committee is to search in vain."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._store = Withholding(self._store)


class AnotherVector(Client):
    """Proves the norm of nothing at all, and seals an update of another size beside that proof."""

    def _conceal(self, update: PreparedUpdate, spec: RoundSpec) -> tuple[PreparedUpdate, NormEvidence | None]:
        content = decode(update.content)
        harmless = replace(update, content=encode(replace(content, lanes=content.lanes * 0)))
        _, evidence = super()._conceal(harmless, spec)
        concealed, _ = super()._conceal(update, spec)
        return concealed, evidence


class AnothersProof(Client):
    """Uses a proof that was made for another client."""

    rounds_back, clients_back = 0, 1

    def _context(self, spec: RoundSpec) -> int:
        chain_id, shard = self._ledger.deployment.chain_id, self._ledger.shards[0].address
        return context_of(chain_id, shard, spec.round - self.rounds_back, self.participant - self.clients_back)


class OldProof(AnothersProof):
    """Uses a proof that was made for another round."""

    rounds_back, clients_back = 1, 0
