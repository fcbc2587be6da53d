"""Chains of shards that are killed before a round, and restarted before the next."""

import logging
from collections.abc import Sequence

from qfl.devnet.config import shard_chain
from qfl.errors import InvalidInput
from qfl.protocol.types import RoundNumber
from qfl.simulation.faults.config import ShardInRound
from qfl.simulation.faults.fault import FAULTS, Fault, Scene

log = logging.getLogger(__name__)


@FAULTS.register("outages")
class Outages(Fault):
    """Ends chains as a failing machine would. Raises InvalidInput: no chain may be killed."""

    def __init__(self, scene: Scene, *, places: Sequence[ShardInRound] = ()) -> None:
        super().__init__(scene)
        if scene.devnet is None:
            raise InvalidInput("dynamics.outages", places, "only shards with chains of their own can be killed")
        self._devnet, self._places, self._down = scene.devnet, places, set[int]()

    def begin(self, round_number: RoundNumber) -> None:
        """Restart those that were down, kill those whose round it is."""
        killed = {place.shard for place in self._places if place.round == round_number}
        for shard in sorted(self._down - killed):
            log.info("the chain of shard %d is started again", shard)
            self._devnet.restart(shard_chain(shard))
        for shard in sorted(killed - self._down):
            log.info("the chain of shard %d is killed", shard)
            self._devnet.kill_shard_chain(shard)
        self._down = killed
