"""Typed access to `contracts/MirrorFaults.sol`; what each function does is said in `IMirrorFaults.sol`."""

from qfl.chain.contracts.base import BoundContract, view
from qfl.chain.rpc.sender import UnsentCall
from qfl.protocol.types import MirrorMessage, ParticipantId, RoundNumber


class MirrorFaults(BoundContract):
    """Proofs that a seat told its shard's mirror what the beacon does not say."""

    abi_name = "MirrorFaults"

    def message(
        self, message: MirrorMessage, signers: RoundNumber, *, seat: int, key_index: int, signature: bytes
    ) -> UnsentCall:
        """Prove that a seat of round `signers` signed a false message, with its validator's key number `key_index`."""
        arguments = [message, signers, seat, key_index, signature]
        return self._write("disputeMirrorMessage", *arguments, round_number=message.round.round)

    is_false = view(bool, "isFalse", MirrorMessage)
    """Whether the beacon contradicts a message."""

    def proven(self, message: MirrorMessage, validator: ParticipantId) -> bool:
        """Whether a validator was slashed for a message about that round to that shard's mirror."""
        return self._read(bool, "proven", message.round.round, message.round.shard, validator)
