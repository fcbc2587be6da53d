"""Attacks on commitments and reveals: in another's name, with another's words, with a worn-out key."""

from __future__ import annotations

from dataclasses import dataclass, replace

from eth_typing import HexStr

from experiments.attacks.strategy import Outsider
from qfl.chain.ledger import Ledger
from qfl.chain.rpc.sender import UnsentCall
from qfl.client.client import Client
from qfl.crypto.lms import LmsSecret
from qfl.protocol.digests import Domain, compute_commitment
from qfl.protocol.types import ParticipantId, RoundNumber, ShardIndex

VICTIM, OTHER_VICTIM, VALIDATOR = "client-1", "client-2", "validator-1"
ROOT, DIGEST, SALT = b"\1" * 32, b"\2" * 32, bytes(32)
ETHEREUM = 1
ANOTHER_CONTRACT = "0x" + "11" * 20


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
