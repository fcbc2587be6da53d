"""What may befall the rounds of a run: one kind of fault in a file of its own, found by name, several at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qfl.doors import Door
from qfl.errors import InvalidInput
from qfl.protocol.types import ParticipantId, RoundNumber
from qfl.simulation.faults.config import Dynamics

if TYPE_CHECKING:  # web3 takes half a second to import: not for whoever only reads a job
    from qfl.chain.ledger import Ledger
    from qfl.devnet.devnet import Devnet


@dataclass(frozen=True)
class Scene:
    """What a fault acts on; `devnet` runs the shards' chains that may be killed, if there are any."""

    seed: int
    ledger: Ledger
    validators: Sequence[ParticipantId]
    devnet: Devnet | None = None


class Conditions:
    """The world around a round: who takes part, who is late, who stays silent. Here it is calm."""

    def begin(self, round_number: RoundNumber) -> None:
        """Before the round opens: participants join and leave, parts of the network fail and come back."""

    def is_present(self, round_number: RoundNumber, client: ParticipantId) -> bool:
        """Whether the client takes part at all."""
        return True

    def is_in_time(self, round_number: RoundNumber, client: ParticipantId) -> bool:
        """Whether the client has trained and committed before the commit phase ends."""
        return True

    def answers(self, round_number: RoundNumber, validator: ParticipantId) -> bool:
        """Whether the validator does anything in this round."""
        return True


class Fault(Conditions):
    """Conditions that differ from calm ones in one way. Its settings are the constructor's keyword arguments.

    It draws by the seed and the round alone, so that a resumed run finds the same again. Several threads may ask it.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene


FAULTS: Door[type[Fault]] = Door("fault", "qfl.simulation.faults")


def make_faults(scene: Scene, dynamics: Dynamics) -> list[Fault]:
    """All that is to befall a run.

    Raises:
        InvalidInput: a fault without one of its settings, or with one that it cannot use.
        NotInstalled, DoorBroken: nobody has such a fault here, or it cannot be loaded.
    """
    made = []
    for name, settings in dynamics.fault_settings().items():
        kind = FAULTS.find(name, "dynamics.faults")
        try:
            made.append(kind(scene, **settings))
        except TypeError as error:
            raise InvalidInput(f"dynamics.faults.{name}", settings, str(error)) from error
    return made
