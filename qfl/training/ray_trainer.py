"""Trains a round's clients on Ray: on all processors of this machine, or on a cluster that RAY_ADDRESS names.

The batches are those of every trainer, so the models are the ones that a single process trains. Ray repeats a
batch whose worker died; every client's data goes to the workers once.
"""

from __future__ import annotations

import logging
import os
import secrets
import signal
import socket
from collections.abc import Mapping, Sequence
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import TYPE_CHECKING, Any

from qfl.doors import import_own, own_modules
from qfl.errors import ExtraMissing, NotFinite, QflError, WorkersFailed
from qfl.protocol.types import TrainingResult, TrainingTask
from qfl.training.trainer import EXECUTORS, Trainer, cut, train_batch

if TYPE_CHECKING:
    from qfl.quantum.config import DeviceConfig
    from qfl.training.data.datasets import LabelledData
    from qfl.training.job import JobDocument

REPEATS = 3
"""How often a batch is trained again after its worker died."""
CONNECT_SECONDS = 10
"""How long a cluster has to answer."""
LEAST_STORE_BYTES = 128 * 2**20
"""Of Ray's object store, which takes 75 MiB at least."""


@EXECUTORS.register("ray")
class RayTrainer(Trainer):
    """Ray runs while it is open; the workers load what they need with their first batch."""

    def __enter__(self) -> RayTrainer:
        """Start Ray, or join the cluster, and hand out the data. Raises ExtraMissing, WorkersFailed."""
        if address := os.environ.get("RAY_ADDRESS"):
            _knock(address)
        self._ray = _import_ray(is_own=not address)
        self._folder = TemporaryDirectory(prefix="qfl-ray-", ignore_cleanup_errors=True)
        before = signal.getsignal(signal.SIGTERM)
        try:
            self._ray.init(**self._settings())
            self._shares: dict[int, Any] = {index: self._ray.put(data) for index, data in self._data.items()}
        except (ConnectionError, OSError, RuntimeError, ValueError, self._ray.exceptions.RayError) as error:
            self.__exit__()
            raise WorkersFailed(str(error)) from error
        finally:
            signal.signal(signal.SIGTERM, before)  # Ray takes it over
        self._train = self._ray.remote(num_cpus=1, max_retries=REPEATS)(train_remotely)
        return self

    def __exit__(self, *_: object) -> None:
        self._ray.shutdown()
        self._folder.cleanup()

    def train(self, tasks: Sequence[TrainingTask], clients: Sequence[int]) -> list[TrainingResult]:
        """As every trainer. Raises WorkersFailed too."""
        batches = cut(len(tasks))
        pending = [
            self._train.remote(
                own_modules(), self._job, tasks[batch], self._device, *(self._shares[index] for index in clients[batch])
            )
            for batch in batches
        ]
        try:
            results = self._ray.get(pending)
        except self._ray.exceptions.RayError as error:
            raise WorkersFailed(str(error)) from error
        trained: list[TrainingResult] = []
        for batch, result in zip(batches, results, strict=True):
            if isinstance(result, QflError):
                raise _moved(result, batch.start)
            trained += result
        return trained

    def _settings(self) -> Mapping[str, Any]:
        """How Ray starts here: on loopback, without dashboard, telling nobody; a cluster has settings of its own."""
        quiet = {"log_to_driver": False, "logging_level": logging.WARNING}
        if address := os.environ.get("RAY_ADDRESS"):
            return {"address": address, **quiet}
        size = sum(data.features.nbytes + data.labels.nbytes for data in self._data.values())
        return {
            "include_dashboard": False,
            "object_store_memory": LEAST_STORE_BYTES + 2 * size,
            "_temp_dir": self._folder.name,
            **quiet,
        }


def train_remotely(
    modules: Mapping[str, str],
    job: JobDocument,
    tasks: Sequence[TrainingTask],
    device: DeviceConfig | None,
    *data: LabelledData,
) -> list[TrainingResult] | QflError:
    """`train_batch` in a worker, where Ray puts the data in place of the references to it.

    `modules` are those that whoever runs this has named: they register what the job calls by name. An error of training
    itself is returned, not raised: repeating the batch would only bring it again.
    """
    import_own(modules)
    try:
        return train_batch(job, tasks, data, device)
    except QflError as error:
        return error


def _import_ray(is_own: bool) -> ModuleType:
    """Ray, told what it reads from the environment when it is imported; a cluster has its own ways."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    if is_own:
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # on every system: keeps Ray on the loopback address
        if "RAY_AUTH_MODE" not in os.environ:
            os.environ.update(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=secrets.token_hex(32))
    try:
        import ray
    except ImportError as error:
        raise ExtraMissing("the executor ray", "ray", str(error)) from error
    return ray


def _knock(address: str) -> None:
    """Raise WorkersFailed unless somebody listens at "host:port": Ray itself would go on trying for many minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not port.isdigit():
        return
    try:
        socket.create_connection((host, int(port)), CONNECT_SECONDS).close()
    except OSError as error:
        raise WorkersFailed(f"no cluster at {address}: {error}") from error


def _moved(error: QflError, start: int) -> QflError:
    """A batch's error, with the index among all tasks."""
    return NotFinite(error.what, start + error.index) if isinstance(error, NotFinite) else error
