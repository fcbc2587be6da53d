"""Typed access to the private mode's verifier; what each function does is said in `INormVerifier.sol`."""

from eth_typing import HexAddress, HexStr
from web3.types import Nonce
from web3.utils.address import get_create_address

from qfl.chain.contracts.base import BoundContract, view
from qfl.crypto.norm.keys import VerifyingKey
from qfl.errors import DeploymentMismatch


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
