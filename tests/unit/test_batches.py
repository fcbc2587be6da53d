"""How clients are cut into batches: nobody left out, nobody twice, and a fault names its client in any batch."""

from __future__ import annotations

import numpy as np
import pytest

from qfl.errors import NotFinite
from qfl.protocol.types import RoundNumber, TrainingTask
from qfl.quantum.architecture import Architecture
from qfl.training.data.datasets import LabelledData
from qfl.training.job import JobDocument
from qfl.training.recipe import TrainingConfig
from qfl.training.trainer import BATCH_CLIENTS, LocalTrainer, cut


@pytest.mark.parametrize("clients", [0, 1, BATCH_CLIENTS, BATCH_CLIENTS + 1, 5 * BATCH_CLIENTS - 1])
def test_every_client_is_in_one_batch_in_its_order(clients: int) -> None:
    assert [client for batch in cut(clients) for client in range(clients)[batch]] == list(range(clients))
    assert all(0 < batch.stop - batch.start <= BATCH_CLIENTS for batch in cut(clients))


def test_a_client_of_a_later_batch_that_diverges_is_named_by_its_place_among_all() -> None:
    """The round leaves that client out and trains the others again: the wrong one must not go."""
    arch = Architecture(encoding="angle", qubits=2, layers=1, classes=2, features=4)
    job = JobDocument(arch, TrainingConfig(steps=1, batch_size=2), rounds=1)
    good = LabelledData(np.ones((2, 4), np.float32), np.array([0, 1]))
    bad = LabelledData(np.full((2, 4), 3e38, np.float32), np.array([0, 1]))
    clients = BATCH_CLIENTS + 3
    data = dict.fromkeys(range(clients), good) | {clients - 1: bad}
    shape = arch.shape
    task = TrainingTask(np.zeros(shape.quantum), np.zeros(shape.classical), 1, RoundNumber(1))
    with pytest.raises(NotFinite) as caught:
        LocalTrainer(job, data).train([task] * clients, list(range(clients)))
    assert caught.value.index == clients - 1
