"""Typed access to `contracts/baselines/FlatVoting.sol`: what the protocol is measured against, and no part of it."""

from __future__ import annotations

from qfl.chain.contracts.base import BoundContract
from qfl.chain.deploy import create
from qfl.chain.ledger import Ledger
from qfl.chain.rpc.sender import Sender, UnsentCall
from qfl.protocol.types import ParticipantId, RoundNumber


class FlatVoting(BoundContract):
    """Every validator's own vote on a round's aggregate."""

    abi_name = "experiments.consensus:FlatVoting"

    @classmethod
    def deploy(cls, ledger: Ledger, sender: Sender) -> FlatVoting:
        """Deploy it beside a deployment of the protocol, whose rounds and stakes it goes by."""
        return cls(sender.web3, create(sender, "FlatVoting", ledger.beacon.address, ledger.staking.address))

    def vote(
        self,
        round_number: RoundNumber,
        validator: ParticipantId,
        aggregate_root: bytes,
        content_digest: bytes,
        signature: bytes,
    ) -> UnsentCall:
        """Vote; the signature is over `Publication` in this contract's domain."""
        arguments = [round_number, validator, aggregate_root, content_digest, signature]
        return self._write("vote", *arguments, participant=validator, round_number=round_number)

    def is_decided(self, round_number: RoundNumber) -> bool:
        """True once two thirds of the validators have voted for one result."""
        return any(self._read(bytes, "acceptedIn", round_number))
