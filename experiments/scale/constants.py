"""The measured constants that the model is fed with: a JSON file, made by `qfl simulate --calibrate`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from experiments.figures import save
from experiments.scale.laws import Coefficients, opening_counts, total
from experiments.scale.size import Size
from qfl.bounds import check_number
from qfl.errors import InvalidInput
from qfl.files import read_json

MOST = 1e18
"""Of anything that is measured for one of its kind: gas, bytes, seconds."""
DEFAULTS = Path(__file__).with_name("constants.json")


@dataclass(frozen=True)
class Constants:
    """Constants of proportion, by what they belong to and by the counts of `Size` they go with.

    Attributes:
        made: how, where and when, and the sizes that were run.
        stages: wall seconds of a stage, all roles in one process.
        work: processor seconds of a role; `work["client"]["clients"]` is one client's round.
        gas, sent: gas and bytes of a kind of transaction.
        opening: gas of `Beacon.openRound`, which grows faster than the rest.
        update_bytes, model_bytes: sizes of the content objects.
    """

    made: Mapping[str, object]
    stages: Mapping[str, Coefficients]
    work: Mapping[str, Coefficients]
    gas: Mapping[str, Coefficients]
    sent: Mapping[str, Coefficients]
    opening: Coefficients
    update_bytes: int
    model_bytes: int

    def gas_of(self, size: Size) -> dict[str, float]:
        """Gas of a round's transactions, by kind."""
        gas = {kind: total(constants, size.counts) for kind, constants in self.gas.items()}
        seats = size.shards * size.seats
        return {**gas, "open_round": total(self.opening, opening_counts(size.validators, seats))}

    def sent_of(self, size: Size) -> dict[str, float]:
        """Bytes of a round's transactions, by kind."""
        return {kind: total(constants, size.counts) for kind, constants in self.sent.items()}

    def seconds_of(self, size: Size) -> dict[str, float]:
        """Wall seconds of a round's stages where all roles take turns in one process."""
        return {stage: total(constants, size.counts) for stage, constants in self.stages.items()}

    def work_of(self, size: Size) -> dict[str, float]:
        """Processor seconds of a round, by role, all that play it together."""
        return {role: total(constants, size.counts) for role, constants in self.work.items()}

    def _checked(self) -> Constants:
        """These, if they are numbers by name where such belong. Raises AttributeError, TypeError, ValueError."""
        groups = [*self.stages.values(), *self.work.values(), *self.gas.values(), *self.sent.values(), self.opening]
        numbers = [number for group in groups for number in group.values()]
        for number in (*numbers, self.update_bytes, self.model_bytes):
            check_number("constant", number, 0, MOST)
        return self

    def save(self, path: Path) -> None:
        """Write the file."""
        save(path, _rounded(asdict(self)))

    @classmethod
    def load(cls, path: Path = DEFAULTS) -> Constants:
        """Read a file.

        Raises:
            InvalidInput: it is not one that `save` wrote.
        """
        try:
            return cls(**read_json(path))._checked()
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise InvalidInput("constants", str(path), f"make them with `qfl simulate --calibrate`: {error}") from error


def _rounded(value: object) -> object:
    """Six digits: more are noise."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, Mapping):
        return {name: _rounded(entry) for name, entry in value.items()}
    return value
