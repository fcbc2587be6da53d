"""How long proofs take: they are most of what the private mode costs a client."""

from __future__ import annotations

import threading
import time

import numpy as np
from numpy.typing import NDArray

from qfl.client.update import NormProver
from qfl.crypto.norm.statement import NormStatement
from qfl.simulation.event_log import EventLog


class TimedProver:
    """A `NormProver` that logs an event "proof" with its seconds for every proof."""

    def __init__(self, prover: NormProver, events: EventLog) -> None:
        self._prover, self._events = prover, events
        self._one_at_a_time = threading.Lock()

    @property
    def capacity(self) -> int:
        """Lanes of the circuit."""
        return self._prover.capacity

    def prove(self, lanes: NDArray[np.integer], salt: int, statement: NormStatement) -> bytes:
        """A proof of `statement`, 256 bytes. Raises `ProofFailed`."""
        with self._one_at_a_time:  # the prover is one process: waiting for it is no proving
            start = time.perf_counter()
            proof = self._prover.prove(lanes, salt, statement)
            self._events.add("proof", seconds=round(time.perf_counter() - start, 4))
        return proof
