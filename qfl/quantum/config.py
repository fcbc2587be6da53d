"""How circuits are computed: settings only, so that what merely passes them on need not import torch."""

from dataclasses import dataclass

from qfl.bounds import check_number, check_whole

ENGINES = ("fused", "torchquantum")
DTYPES = ("float32", "float64")
MAX_SHOTS = 10**7
MAX_TRAJECTORIES = 10**5


@dataclass(frozen=True)
class DeviceConfig:
    """What stands between an exact simulation and a real device; see `qfl.quantum.engine.device`.

    Attributes:
        shots: measurements for each sample and each setting, up to 10 million; None: the mean of infinitely many.
        one_wire_error: probability that a gate on one wire is followed by a uniformly random Pauli (identity included):
            the depolarising channel (1 - p) rho + p I/2, in [0, 1].
        many_wire_error: the same of gates on more wires, a random Pauli string on all of them.
        trajectories: most random draws of those Paulis that the shots are spread over, up to 100,000; without noise
            there is one.
        zero_as_one: probability to read 1 where the qubit is 0, each qubit by itself, in [0, 1].
        one_as_zero: the other way round.

    Raises:
        InvalidInput: a value out of range.
    """

    shots: int | None = 1024
    one_wire_error: float = 0.0
    many_wire_error: float = 0.0
    trajectories: int = 32
    zero_as_one: float = 0.0
    one_as_zero: float = 0.0

    def __post_init__(self) -> None:
        for name in ("one_wire_error", "many_wire_error", "zero_as_one", "one_as_zero"):
            check_number(name, getattr(self, name), 0, 1)
        check_whole("trajectories", self.trajectories, 1, MAX_TRAJECTORIES)
        if self.shots is not None:
            check_whole("shots", self.shots, 1, MAX_SHOTS)

    @property
    def is_noisy(self) -> bool:
        """Whether gates fail."""
        return self.one_wire_error > 0 or self.many_wire_error > 0

    @property
    def draws(self) -> int:
        """Trajectories that are run: never more than there are shots."""
        if not self.is_noisy:
            return 1
        return self.trajectories if self.shots is None else min(self.trajectories, self.shots)
