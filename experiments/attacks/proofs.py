"""Attacks on the private mode's norm proofs: proofs of something else, altered proofs, too little gas to check one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from experiments.attacks.commits import VICTIM
from experiments.attacks.strategy import Outsider
from qfl.chain.rpc.sender import UnsentCall
from qfl.client.client import Client
from qfl.client.update import NormEvidence
from qfl.crypto.norm.statement import context_of
from qfl.node.journal import Journal
from qfl.protocol.content import decode, encode
from qfl.protocol.types import PreparedUpdate, RoundNumber, RoundSpec

BASE_FIELD = 21888242871839275222246405745257275088696311157297823662689037894645226208583
"""BN254's, which the coordinates of a proof's points are in."""
GAS_LIMITS = range(100_000, 300_000, 40_000)
"""Enough to begin to check a proof, not to end it."""


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

    def _context(self, spec: RoundSpec) -> int:
        return self._context_of(spec.round, self.participant - 1)

    def _context_of(self, round_number: int, client: int) -> int:
        return context_of(self._ledger.deployment.chain_id, self._ledger.shards[0].address, round_number, client)


class OldProof(AnothersProof):
    """Uses a proof that was made for another round."""

    def _context(self, spec: RoundSpec) -> int:
        return self._context_of(spec.round - 1, self.participant)


class WaitingReveal(Outsider):
    """Sees a client's reveal while it waits for a block: its content is stored already."""

    def during_reveals(self, number: RoundNumber) -> None:
        """Be in the block first, with something else."""
        folder = self.testnet.folder / VICTIM
        self.testnet.store.put((folder / f"update-{number}.bin").read_bytes())
        record = Journal(folder / "journal.json").get(f"round {number}")
        assert record is not None
        opening = [bytes.fromhex(record[name]) for name in ("update_root", "content_digest", "salt")]
        self.interfere(number, opening, int(record["vector_commitment"], 16), bytes.fromhex(record["proof"]))

    def interfere(self, number: RoundNumber, opening: list[bytes], commitment: int, proof: bytes) -> None:
        """What it does with it."""

    def call(self, number: RoundNumber, opening: list[bytes], commitment: int, proof: bytes) -> UnsentCall:
        """The client's reveal, with this commitment and proof."""
        root, digest, salt = opening
        victim, shard = self.testnet.join(VICTIM), self._ledger.shards[0]
        return shard.reveal_private(
            number,
            victim,
            update_root=root,
            content_digest=digest,
            salt=salt,
            vector_commitment=commitment,
            proof=proof,
        )


class MalleatedProof(WaitingReveal):
    """Alters the proof: the points' signs, their encoding, the commitment beside it."""

    def interfere(self, number: RoundNumber, opening: list[bytes], commitment: int, proof: bytes) -> None:
        """Try what is false first; then (-A, -B, C), which is as good a proof of the same."""
        self.sender.attempt(self.call(number, opening, commitment + 1, proof))
        for altered in alter(proof):
            self.sender.attempt(self.call(number, opening, commitment, altered))


class UnderGassedProof(WaitingReveal):
    """Brings the client's own reveal with so little gas that its check cannot end, to have it recorded as false."""

    def interfere(self, number: RoundNumber, opening: list[bytes], commitment: int, proof: bytes) -> None:
        """Try several amounts."""
        for self.sender.gas_limit in GAS_LIMITS:
            self.sender.attempt(self.call(number, opening, commitment, proof))


def alter(proof: bytes) -> Iterator[bytes]:
    """A proof with -A for A, with A's abscissa written another way, and with -A and -B, which is valid again."""
    words = [int.from_bytes(proof[i : i + 32]) for i in range(0, len(proof), 32)]
    negated_a = [words[0], BASE_FIELD - words[1], *words[2:]]
    rewritten = [words[0] + BASE_FIELD, *words[1:]]
    both = [*negated_a[:4], BASE_FIELD - words[4], BASE_FIELD - words[5], *words[6:]]
    for altered in (negated_a, rewritten, both):
        yield b"".join(word.to_bytes(32) for word in altered)
