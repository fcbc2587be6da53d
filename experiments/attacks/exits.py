"""Attacks by leaving before the fault is proven."""

from __future__ import annotations

from contextlib import suppress

from experiments.attacks.seats import Majority
from qfl.chain.contracts.beacon import Duty
from qfl.errors import ContractReverted


class LeavingMajority(Majority):
    """One of three in four seats that attest a false aggregate and then ask for their stakes back."""

    _has_left = False

    def verify(self, duty: Duty) -> bool:
        """Attest, ask to leave, and try to be paid at once."""
        acted = super().verify(duty)
        if acted and not self._has_left:
            staking, validator = self._ledger.staking, self.participant
            nonce = staking.participant(validator).nonce
            digest = self._ledger.staking_domain.exit(validator, nonce)
            signature = self._signer.sign_once(f"exit {nonce}", duty.round, digest)
            if signature is not None:
                self._sender.send(staking.request_exit(validator, signature))
            self._has_left = True
            with suppress(ContractReverted):
                self._sender.send(staking.withdraw(validator))
        return acted
