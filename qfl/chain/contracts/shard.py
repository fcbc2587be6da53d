"""Typed access to `contracts/Shard.sol`; what each function does is said in `IShard.sol`."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from eth_typing import HexAddress, HexStr
from web3.types import Nonce
from web3.utils.address import get_create_address

from qfl.chain.contracts.base import BoundContract, of_round, view
from qfl.chain.rpc.answers import reading
from qfl.chain.rpc.coding import record
from qfl.chain.rpc.rpc import call_all
from qfl.chain.rpc.sender import UnsentCall
from qfl.crypto.norm.keys import VerifyingKey
from qfl.errors import DeploymentMismatch
from qfl.protocol.types import Checkpoint, ParticipantId, Reveal, RoundNumber, ShardIndex


class ClientDuty(IntEnum):
    """`ClientDuty` of IShard.sol."""

    NOT_ACTIVE = 0
    WAIT = 1
    COMMIT = 2
    REVEAL = 3
    DONE = 4
    MISSED = 5


UNSIGNED = 2**32 - 1
"""In the place of a leaf: nothing was signed."""


@dataclass(frozen=True)
class Committed:
    """A `Committed` event; `leaf` is `UNSIGNED` of a commitment by key."""

    client: ParticipantId
    commitment: bytes
    leaf: int
    tx_hash: str


@dataclass(frozen=True)
class Proposed:
    """A `Proposed` event: perhaps a proposal, perhaps noise."""

    checkpoint: Checkpoint
    signature: bytes


@dataclass(frozen=True)
class Attested:
    """An `Attested` event: perhaps an attestation, perhaps noise."""

    turn: int
    seat: int
    digest: bytes
    signature: bytes


class Shard(BoundContract):
    """Commits, reveals, proposals and attestations of one shard."""

    abi_name = "Shard"

    # --- writes ---

    def commit(
        self, round_number: RoundNumber, client: ParticipantId, *, base_root: bytes, commitment: bytes, signature: bytes
    ) -> UnsentCall:
        """Commit to an update."""
        return self._write("commit", round_number, client, base_root, commitment, signature)

    def commit_by_key(
        self, round_number: RoundNumber, client: ParticipantId, *, base_root: bytes, commitment: bytes, token: bytes
    ) -> UnsentCall:
        """Commit to an update without a signature."""
        return self._write("commitByKey", round_number, client, base_root, commitment, token, label="commit")

    def reveal(
        self,
        round_number: RoundNumber,
        client: ParticipantId,
        *,
        update_root: bytes,
        content_digest: bytes,
        salt: bytes,
    ) -> UnsentCall:
        """Open a commitment."""
        return self._write("reveal", round_number, client, update_root, content_digest, salt)

    def reveal_private(
        self,
        round_number: RoundNumber,
        client: ParticipantId,
        *,
        update_root: bytes,
        content_digest: bytes,
        salt: bytes,
        vector_commitment: int,
        proof: bytes,
    ) -> UnsentCall:
        """Open a commitment of the private mode; `proof` is eight 32-byte words, as the contract takes them."""
        words = [int.from_bytes(proof[i : i + 32]) for i in range(0, len(proof), 32)]
        opening = update_root, content_digest, salt, vector_commitment, words
        return self._write("revealPrivate", round_number, client, *opening)

    def propose(self, checkpoint: Checkpoint, signature: bytes, *, validator: ParticipantId) -> UnsentCall:
        """Announce a proposal."""
        return self._write("propose", checkpoint, signature, participant=validator, round_number=checkpoint.round)

    def attest(
        self, checkpoint: Checkpoint, seat: int, *, digest: bytes, signature: bytes, validator: ParticipantId
    ) -> UnsentCall:
        """Announce an attestation."""
        place = checkpoint.round, checkpoint.turn, seat
        return self._write("attest", *place, digest, signature, participant=validator)

    # --- reads ---

    shard_index = view(ShardIndex, "shardIndex")
    """Which shard this is."""
    client_duty = view(tuple[ClientDuty, RoundNumber, int], "clientDuty", ParticipantId)
    """What a client should do now: duty, round, deadline (unix seconds)."""

    def client_duties(self, clients: Sequence[ParticipantId]) -> list[tuple[ClientDuty, RoundNumber]]:
        """What each client should do now, and in which round; asked for together."""
        calls = [(client,) for client in clients]
        answers = self._read_many(tuple[ClientDuty, RoundNumber, int], "clientDuty", calls)
        return [(duty, number) for duty, number, _ in answers]

    update_of = view(bytes, "updateOf", RoundNumber, ParticipantId)
    """What is kept of a client's update; zero bytes when nothing is."""
    reveals_hash = view(bytes, "revealsHash", RoundNumber)
    """Running hash of a round's reveals: `qfl.protocol.digests.reveals_hash`."""

    def update_at(self, block: str, round_number: RoundNumber, client: ParticipantId) -> bytes:
        """As `update_of`, at the end of a block."""
        return self._read_each([(bytes, "updateOf", (round_number, client))], block)[0]

    def verifier(self) -> str | None:
        """The contract that checks the private mode's proofs; None in the transparent mode."""
        address = self._read(str, "verifier")
        return address if int(address, 16) else None

    next_leaf = view(int, "nextLeaf", ParticipantId)
    """The lowest leaf of the client's key that the shard still accepts."""

    # --- events ---

    commits = of_round(Committed)
    """A round's commits, since a block."""
    proposals = of_round(Proposed)
    """Everything announced as a proposal for a round, since a block."""
    attestations = of_round(Attested)
    """Everything announced as an attestation for a round, since a block."""

    def reveals(self, round_number: RoundNumber, from_block: int) -> list[Reveal]:
        """The round's reveals, by index."""
        return self.reveals_until_now(round_number, from_block)[0]

    def reveals_until_now(self, round_number: RoundNumber, from_block: int) -> tuple[list[Reveal], int]:
        """The round's reveals, by index, and the block from which on there may be more."""
        events = self._logs("Revealed", from_block, round=round_number)
        found = [record(Reveal, event) for event in events]
        following = max((event["block"] + 1 for event in events), default=from_block)
        return sorted(found, key=lambda reveal: reveal.index), following

    def committed_at(self, round_number: RoundNumber, from_block: int) -> dict[ParticipantId, int]:
        """When each client's commitment came into a block, unix seconds."""
        return self._times("Committed", round_number, from_block)

    def revealed_at(self, round_number: RoundNumber, from_block: int) -> dict[ParticipantId, int]:
        """When each client's reveal came into a block, unix seconds."""
        return self._times("Revealed", round_number, from_block)

    def norm_proofs(self, round_number: RoundNumber, from_block: int) -> dict[ParticipantId, int]:
        """The Poseidon commitment of each update that was proven to be within the norm bound, by client."""
        events = self._logs("NormProven", from_block, round=round_number)
        return {event["client"]: event["vectorCommitment"] for event in events}

    def _times(self, name: str, round_number: RoundNumber, from_block: int) -> dict[ParticipantId, int]:
        events = self._logs(name, from_block, round=round_number)
        numbers = sorted({event["block"] for event in events})
        blocks = call_all(self._rpc, "eth_getBlockByNumber", [(hex(number), False) for number in numbers])
        with reading(self._url, "a block"):
            times = {number: int(block["timestamp"], 16) for number, block in zip(numbers, blocks, strict=True)}
        return {event["client"]: times[event["block"]] for event in events}


class NormVerifier(BoundContract):
    """Checks the proofs of updates; its key is fixed at deployment."""

    abi_name = "Groth16NormVerifier"

    key_digest = view(bytes, "keyDigest")
    """Digest of capacity and verifying key, for comparison with `qfl.crypto.norm.keys.NormKeys.digest`."""
    capacity = view(int, "capacity")
    """Lanes of its circuit."""

    def verifying_key(self) -> VerifyingKey:
        """The whole key, so that others can check proofs: the code of the one contract that the verifier has made.

        Raises:
            DeploymentMismatch: what is there does not have the verifier's digest.
        """
        data = get_create_address(HexAddress(HexStr(self.address)), Nonce(1))
        kept = self._kept_at(data)
        words = tuple(int.from_bytes(kept[start : start + 32]) for start in range(0, len(kept), 32))
        key, expected = VerifyingKey(self.capacity(), words), self.key_digest()
        if key.digest != expected:
            raise DeploymentMismatch(f"the verifying key in {data}", expected.hex(), key.digest.hex())
        return key
