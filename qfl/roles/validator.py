"""A validator: opens rounds, sits in committees, publishes models. One call of `step` does what its duty allows.

The same code runs in `qfl run` and in `qfl validator run`. Every signature is on disk before it is sent, and a seat
signs at most one checkpoint for each turn: a restarted validator repeats itself, it never equivocates.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from qfl.chain.contracts.beacon import Duty
from qfl.chain.ledger import Ledger
from qfl.chain.sender import Sender
from qfl.codec.content import Content, content_digest, encode, lanes_root
from qfl.keys.keyfile import KeyFile
from qfl.privacy.kem import KemKey
from qfl.roles.publisher import compute_publication
from qfl.roles.relay import send_unless_overtaken
from qfl.roles.seat import Seat
from qfl.roles.settlement import settle_due
from qfl.roles.signer import Signer
from qfl.storage.store import ContentStore
from qfl.types import ParticipantId, RoundNumber, ShardIndex


class Validator:
    """One validator, its key, and its seat in the current round."""

    seat_kind: type[Seat] = Seat
    """How it behaves in a seat."""

    def __init__(
        self,
        participant: ParticipantId,
        ledger: Ledger,
        sender: Sender,
        store: ContentStore,
        key: KeyFile,
        folder: Path,
        kem: KemKey | None = None,
    ) -> None:
        """`kem` is what `set_up_encryption` returns: the decryption key of a private deployment."""
        self.participant, self.kem = participant, kem
        self._ledger, self._sender, self._store = ledger, sender, store
        self._signer = Signer(key, folder / "journal.json")
        self._seat: tuple[RoundNumber, ShardIndex, Seat] | None = None

    def duty(self) -> Duty:
        """What the beacon asks of this validator now."""
        return self._ledger.beacon.validator_duty(self.participant)

    def settle(self) -> list[RoundNumber]:
        """Make every model final whose challenge window has passed, and return their rounds."""
        return settle_due(self._ledger, self._sender)

    def open_round(self) -> bool:
        """Open the next round; False when somebody else did.

        Raises:
            ContractReverted: too few validators are bonded, or too many models wait for finality.
        """
        call = replace(self._ledger.beacon.open_round(), participant=self.participant)
        return send_unless_overtaken(self._sender, call) is not None

    def verify(self, duty: Duty) -> bool:
        """Act in this round's committee; True when something was sent."""
        if self._seat is None or self._seat[:2] != (duty.round, duty.shard):
            parts = self._ledger, self._sender, self._store, self._signer, self.kem
            self._seat = duty.round, duty.shard, self.seat_kind(self.participant, duty, *parts)
        return self._seat[2].step()

    def publish(self, round_number: RoundNumber) -> bool:
        """Compute, store and publish the round's model; False when somebody else did."""
        model = self._next_model(round_number)
        data, root = encode(model), lanes_root(model)
        digest = content_digest(data)
        message = self._ledger.beacon_domain.publication(round_number, self.participant, root, digest)
        signature = self._signer.sign_once(f"publication {round_number}", round_number, message)
        if signature is None:  # a rollback changed the base after this validator had signed: leave it to others
            return False
        self._store.put(data)
        call = self._ledger.beacon.publish(round_number, self.participant, root, digest, signature)
        return send_unless_overtaken(self._sender, call) is not None

    def _next_model(self, round_number: RoundNumber) -> Content:
        """What this validator publishes."""
        return compute_publication(self._ledger, self._store, round_number)
