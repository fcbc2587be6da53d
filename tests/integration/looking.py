"""The explorer in this process, for tests that look at its pages, and a chain's node that does not tell the truth."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Thread

import requests
import uvicorn
from waiting import PATIENCE_SECONDS, wait_until

from experiments.attacks.proxy import Ask, Whole, proxy
from qfl.apps.explorer.server import make_app
from qfl.apps.explorer.watcher import Watcher
from qfl.chain.deployment import Deployment
from qfl.storage.store import ContentStore


@dataclass(frozen=True)
class Explored:
    """An explorer that answers at `url`."""

    url: str
    watcher: Watcher

    def get(self, path: str, status: int = 200) -> str:
        """A page's HTML."""
        answer = requests.get(self.url + path, timeout=PATIENCE_SECONDS)
        assert answer.status_code == status, answer.text
        return answer.text

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait until something has become so."""
        wait_until(condition, self.watcher.complaints)

    def wait_until_read(self, height: int) -> None:
        """Wait until every block up to this one was read."""
        self.wait_for(lambda: self.watcher.followers[0].status.indexed >= height)


@contextmanager
def exploring(deployment: Deployment, urls: Sequence[str], store: ContentStore) -> Iterator[Explored]:
    """Explore a deployment while this lasts."""
    watcher = Watcher(deployment, urls, store, run=None)
    server = uvicorn.Server(uvicorn.Config(make_app(watcher), port=0, log_level="error", lifespan="off", ws="none"))
    serving = Thread(target=server.run)
    serving.start()
    while not server.started:
        time.sleep(0.01)
    watcher.start()
    try:
        yield Explored(f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}", watcher)
    finally:
        watcher.stop()
        server.should_exit = True
        serving.join()


class Twist:
    """What a node's proxy makes of answers; it holds them back while `speaks` is not set."""

    def __init__(self) -> None:
        self.change: Callable[[bytes], bytes] = lambda answer: answer
        self.speaks = threading.Event()
        self.speaks.set()


@contextmanager
def twisting_proxy(rpc_url: str, twist: Twist) -> Iterator[str]:
    """The URL of a proxy in front of a chain's node that changes its answers, or holds them back."""

    def treat(body: bytes, ask: Ask) -> Whole:
        answer = ask(body)
        twist.speaks.wait()
        return Whole(twist.change(answer))

    with proxy(rpc_url, treat) as url:
        try:
            yield url
        finally:
            twist.speaks.set()
