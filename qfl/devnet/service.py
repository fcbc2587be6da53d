"""A devnet as a process of its own: in the foreground, in the background, and ended from elsewhere."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from qfl.devnet.config import DevnetConfig
from qfl.devnet.devnet import Devnet
from qfl.devnet.health import DevnetStatus, compute_status
from qfl.devnet.state import DevnetState, lock_holder, read_state
from qfl.errors import DevnetRunning, DevnetStateDamaged, DevnetStuck, DidNotStart, NoDevnet, QflError

POLL_SECONDS = 0.1
START_SECONDS = 90.0
STOP_SECONDS = 60.0


def serve(config: DevnetConfig, on_ready: Callable[[Devnet], None]) -> None:
    """Run a devnet until SIGINT or SIGTERM, and end it in order.

    Call it from the main thread: it handles the two signals while it runs.

    Raises DevnetPartEnded: a program of it ended by itself.
    """
    stop_requested = threading.Event()
    handlers = {
        number: signal.signal(number, lambda *_: stop_requested.set()) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        with Devnet(config) as devnet:
            on_ready(devnet)
            while not stop_requested.wait(0.5):
                devnet.require_all_running()
                devnet.restart_ended_shard_chains()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def start_detached(config: DevnetConfig) -> DevnetStatus:
    """Run a devnet in the background and return when it is up.

    Raises:
        DevnetRunning: there is one in the folder.
        DidNotStart: it ended while starting; the last lines of its log say why.
    """
    if (holder := lock_holder(config.folder)) is not None:
        raise DevnetRunning(config.folder, holder)
    log = config.folder / "logs" / "devnet.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "qfl.devnet.service", json.dumps(asdict(config), default=str)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    deadline = time.monotonic() + START_SECONDS
    while (state := read_state(config.folder)) is None or state.pid != process.pid:
        if process.poll() is not None or time.monotonic() > deadline:
            process.terminate()
            raise DidNotStart("devnet", log, log.read_text(errors="replace").strip())
        time.sleep(POLL_SECONDS)
    return compute_status(config.folder, state)


def serve_detached(document: str) -> int:
    """What `start_detached` runs in the background, with a `DevnetConfig` as JSON; returns the exit code."""
    settings = json.loads(document)
    try:
        serve(DevnetConfig(**{**settings, "folder": Path(settings["folder"])}), on_ready=lambda _devnet: None)
    except QflError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


def read_status(folder: Path) -> DevnetStatus:
    """Ask every part of the devnet in `folder`. Raises NoDevnet: none is up there."""
    state = read_state(folder)
    if state is None:
        raise NoDevnet(folder)
    return compute_status(folder, state)


def stop_running(folder: Path) -> int:
    """End the devnet in `folder`, wait until every process of it is gone, and return the pid that ran it.

    Raises NoDevnet: none is up there; DevnetStuck: it has not ended after a minute.
    """
    holder = lock_holder(folder)
    if holder is None:
        raise NoDevnet(folder)
    try:
        state = read_state(folder) or DevnetState(holder, ())
    except DevnetStateDamaged:  # it can be ended all the same
        state = DevnetState(holder, ())
    with contextlib.suppress(ProcessLookupError):  # it was just ending
        os.kill(holder, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while lock_holder(folder) == holder or any(_exists(part.pid) for part in state.parts):
        if time.monotonic() > deadline:
            raise DevnetStuck(folder, holder)
        time.sleep(POLL_SECONDS)
    return holder


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(serve_detached(sys.argv[1]))
