"""Attacks from outside: in another's name, with another's words, on the rewards."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from eth_typing import HexStr

from experiments.attacks.strategy import Outsider
from qfl.chain.contracts.rewards import ShardClaim
from qfl.chain.ledger import Ledger
from qfl.chain.rpc.coding import record
from qfl.chain.rpc.sender import UnsentCall
from qfl.crypto.lms import LmsSecret
from qfl.node.journal import Journal
from qfl.protocol.digests import Domain, compute_commitment
from qfl.protocol.types import Checkpoint, ParticipantId, Reveal, RoundNumber, ShardIndex

VICTIM, OTHER_VICTIM, VALIDATOR = "client-1", "client-2", "validator-1"
ROOT, DIGEST, SALT = b"\1" * 32, b"\2" * 32, bytes(32)
ETHEREUM = 1
ANOTHER_CONTRACT = "0x" + "11" * 20
BASE_FIELD = 21888242871839275222246405745257275088696311157297823662689037894645226208583
"""BN254's, which the coordinates of a proof's points are in."""
GAS_LIMITS = range(100_000, 300_000, 40_000)
"""Enough to begin to check a proof, not to end it."""


@dataclass(frozen=True)
class SignedCommit:
    """A commitment and its signature, as they were said."""

    round: RoundNumber
    client: ParticipantId
    base_root: bytes
    commitment: bytes
    signature: bytes

    def to(self, ledger: Ledger) -> UnsentCall:
        """The call that says it to the first shard."""
        return ledger.shards[0].commit(
            self.round, self.client, base_root=self.base_root, commitment=self.commitment, signature=self.signature
        )


def read_commits(ledger: Ledger, number: RoundNumber) -> list[SignedCommit]:
    """What the clients of the first shard said in a round, from their transactions."""
    shard, said = ledger.shards[0], []
    for commit in ledger.round(number).shard(ShardIndex(0)).commits() if number else []:
        _, arguments = shard.arguments_of(read_input(ledger, commit.tx_hash))
        said.append(SignedCommit(*arguments.values()))
    return said


def read_input(ledger: Ledger, tx_hash: str) -> bytes:
    """The input of a transaction."""
    return bytes(ledger.web3.eth.get_transaction(HexStr(tx_hash))["input"])


# --- commitments -------------------------------------------------------------------------------------------------


class ForgedSender(Outsider):
    """Speaks for others with a key of its own; the account that sends it may be theirs: it would not matter."""

    def during_commits(self, number: RoundNumber) -> None:
        """Commit for a client; ask for a validator to leave, and to have another key."""
        ledger, own = self._ledger, LmsSecret.generate(5)
        base_root, victim = ledger.beacon.context().base_root, self.testnet.join(VICTIM)
        commitment = compute_commitment(number, victim, ROOT, DIGEST, SALT)
        digest = ledger.shard_domains[0].commit(number, victim, base_root, commitment)
        self.sender.attempt(SignedCommit(number, victim, base_root, commitment, own.sign(0, digest)).to(ledger))
        validator, domain = self.testnet.join(VALIDATOR), ledger.staking_domain
        nonce = ledger.staking.participant(validator).nonce
        leave = own.sign(1, domain.exit(validator, nonce))
        self.sender.attempt(ledger.staking.request_exit(validator, leave))
        rotate = own.sign(2, domain.rotation(validator, own.public, nonce))
        self.sender.attempt(ledger.staking.rotate_key(validator, own.public, signature=rotate))


class ReplayAcrossRounds(Outsider):
    """Sends last round's commitments again: as they were, and as if they were meant for this round."""

    def during_commits(self, number: RoundNumber) -> None:
        """Be quicker than the clients."""
        base_root = self._ledger.beacon.context().base_root
        for said in read_commits(self._ledger, RoundNumber(number - 1)):
            for again in (said, replace(said, round=number, base_root=base_root)):
                self.sender.attempt(again.to(self._ledger))


class ReplayAcrossClients(Outsider):
    """Hears one client's commitment and says it in the name of another that has not spoken yet."""

    def during_commits(self, number: RoundNumber) -> None:
        """Act between the first client's commitment and the second's."""
        other = self.testnet.join(OTHER_VICTIM)
        for said in read_commits(self._ledger, number):
            self.sender.attempt(replace(said, client=other).to(self._ledger))


class ReplayAcrossContracts(Outsider):
    """Brings what a client signed for another deployment on the same chain."""

    def domain(self) -> Domain:
        """What the signature was for."""
        return replace(self._ledger.shard_domains[0], contract=ANOTHER_CONTRACT)

    def during_commits(self, number: RoundNumber) -> None:
        """Let the client speak there, and repeat it here."""
        base_root, victim = self._ledger.beacon.context().base_root, self.testnet.join(VICTIM)
        commitment = compute_commitment(number, victim, ROOT, DIGEST, SALT)
        signature = self.testnet.keys[VICTIM].sign(self.domain().commit(number, victim, base_root, commitment))
        self.sender.attempt(SignedCommit(number, victim, base_root, commitment, signature).to(self._ledger))


class ReplayAcrossChains(ReplayAcrossContracts):
    """Brings what a client signed for a contract at the same address of another chain."""

    def domain(self) -> Domain:
        """What the signature was for."""
        return replace(self._ledger.shard_domains[0], chain_id=ETHEREUM)


# --- private mode's proofs ---------------------------------------------------------------------------------------


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


# --- rewards -----------------------------------------------------------------------------------------------------


class RewardTwice(Outsider):
    """Claims every reward again, and has one paid out twice."""

    def after_settlement(self, credited: Sequence[UnsentCall]) -> None:
        """Anyone may bring a claim; what it credits, it credits once."""
        for call in credited:
            self.sender.attempt(call)
        victim = self.testnet.join(VICTIM)
        for _ in range(2):
            self.sender.attempt(self._ledger.staking.pay_rewards(victim))


class RewardForAnother(Outsider):
    """Claims updates' rewards for a client that did not make them, and before the round is final."""

    def after_round(self, number: RoundNumber) -> None:
        """Claim before the round is final, too."""
        self.sender.attempt(self._ledger.rewards.reward([], [number]))

    def after_settlement(self, credited: Sequence[UnsentCall]) -> None:
        """Put another name into every claim, and leave the others out."""
        rewards, victim = self._ledger.rewards, self.testnet.join(VICTIM)
        for call in credited:
            for claim in rewards.arguments_of(call.data)[1]["claims"]:
                checkpoint = record(Checkpoint, claim["checkpoint"])
                own = [record(Reveal, {"index": 0, "tx_hash": "", **update}) for update in claim["updates"]]
                for forged in ([replace(update, client=victim) for update in own], own[:1]):
                    self.sender.attempt(rewards.reward([ShardClaim(checkpoint, forged)], []))
