"""Asynchronous JSON-RPC to one node: calls that wait at the same time travel in one request.

The program around it is not asynchronous: `wait_for` runs a coroutine on a thread that all connections share.
"""

from __future__ import annotations

import asyncio
import atexit
import itertools
import json
import threading
import time
from collections import deque
from collections.abc import Coroutine, Iterable, Sequence
from functools import cache
from typing import Any, TypeVar
from urllib.parse import urlparse

import aiohttp

from qfl.chain.traffic import Exchange, tell
from qfl.errors import ChainUnreachable, RpcRefused

LOOPBACK = ("127.0.0.1", "localhost", "::1")
TIMEOUT_SECONDS = 30
MOST_IN_A_REQUEST = 100
"""Calls in one JSON-RPC batch: nodes refuse long ones, and one slow call keeps the whole batch waiting."""
MOST_ANSWER_BYTES = 256 * 2**20
"""Of one answer; a batch of blocks full of signatures takes a fifth of it."""
MOST_REQUESTS = 8
"""Requests under way at one node; what is called meanwhile waits, and then shares the next one."""
RETRY_SECONDS = (0.1, 0.2, 0.4, 0.8)
"""Pauses between the tries of a request that got no answer."""
THREAD = "json-rpc"
"""The thread that every connection shares."""

_T = TypeVar("_T")


class Rpc:
    """One node's JSON-RPC endpoint. Its coroutines run on the shared thread only (`wait_for`)."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._waiting: deque[tuple[dict[str, Any], asyncio.Future[Any]]] = deque()
        self._requests = 0
        self._ids = itertools.count(1)
        self._is_down = False

    async def call(self, method: str, *parameters: object) -> Any:
        """The result of one call.

        Raises:
            RpcRefused: the node answered with an error.
            ChainUnreachable: it did not answer, not in several tries either; whether it has heard is not known.
        """
        answer = await self.ask(method, parameters)
        if (error := answer.get("error")) is not None:
            error = error if isinstance(error, dict) else {"message": error}
            raise RpcRefused(self.url, method, str(error.get("message", error)), _data_in(error.get("data")))
        return answer.get("result")

    async def ask(self, method: str, parameters: Sequence[object]) -> dict[str, Any]:
        """The whole answer to one call, with its `result` or `error`. Raises ChainUnreachable as `call`."""
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        request = {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": parameters}
        self._waiting.append((request, answer))
        # Not at once: whoever else calls in this turn of the loop shares the request.
        asyncio.get_running_loop().call_soon(self._begin_requests)
        return await answer

    def _begin_requests(self) -> None:
        while self._waiting and self._requests < MOST_REQUESTS:
            batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST_IN_A_REQUEST))]
            self._requests += 1
            task = asyncio.get_running_loop().create_task(self._request(batch))
            task.add_done_callback(self._end_request)

    def _end_request(self, _task: asyncio.Task[None]) -> None:
        self._requests -= 1
        self._begin_requests()

    async def _request(self, batch: list[tuple[dict[str, Any], asyncio.Future[Any]]]) -> None:
        """Send a batch and hand out its answers."""
        try:
            found = await self._post([request for request, _ in batch])
            answers = {answer["id"]: answer for answer in found}
            for request, future in batch:
                if not future.cancelled():
                    future.set_result(answers[request["id"]])
        except Exception as error:  # whatever it is: somebody waits for each of these answers
            if isinstance(error, ValueError | TypeError | KeyError):
                error = ChainUnreachable(self.url, f"not a JSON-RPC answer: {error!r}")
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)

    async def _post(self, calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The node's answers. A try that gets none is repeated: every call here may be made twice.

        A node that did not answer the last call either is asked once: with hundreds of callers, waiting adds up.
        """
        body = json.dumps(calls).encode()
        for pause in (None,) if self._is_down else (*RETRY_SECONDS, None):
            started = time.perf_counter()
            try:
                answer = await self._exchange(body)
            except (aiohttp.ClientError, TimeoutError) as error:
                if pause is None:
                    self._is_down = True
                    raise ChainUnreachable(self.url, type(error).__name__) from error
                await asyncio.sleep(pause)
                continue
            self._is_down = False
            tell(Exchange(self.url, body, answer, started, time.perf_counter()))
            found = json.loads(answer)
            return found if isinstance(found, list) else [found]
        raise AssertionError("the last try returns or raises")

    async def _exchange(self, body: bytes) -> bytes:
        session = _session(urlparse(self.url).hostname not in LOOPBACK)
        async with session.post(self.url, data=body, headers={"Content-Type": "application/json"}) as answer:
            if answer.status >= 500:
                answer.raise_for_status()
            received = bytearray()
            async for piece in answer.content.iter_any():
                received += piece
                if len(received) > MOST_ANSWER_BYTES:
                    raise ChainUnreachable(self.url, f"it answers with more than {MOST_ANSWER_BYTES:,} bytes")
            return bytes(received)


@cache
def rpc_at(url: str) -> Rpc:
    """The connection to `url` that everybody in this process shares."""
    return Rpc(url)


def wait_for(coroutine: Coroutine[Any, Any, _T]) -> _T:
    """Run `coroutine` on the shared thread and wait for what it returns or raises.

    Raises:
        RuntimeError: called on that very thread (by a listener that sends, say), which would wait for itself for ever.
    """
    if threading.current_thread().name == THREAD:
        coroutine.close()
        raise RuntimeError(f"the thread {THREAD!r} cannot wait for itself: listeners must not call the chain")
    future = asyncio.run_coroutine_threadsafe(coroutine, _loop())
    try:
        return future.result()
    except BaseException:
        future.cancel()  # this thread was interrupted; no effect on a coroutine that has ended
        raise


def call_all(rpc: Rpc, method: str, calls: Iterable[Sequence[object]]) -> list[Any]:
    """The results of one method with several lists of parameters, which travel together. Raises as `Rpc.call`."""

    async def gather() -> list[Any]:
        return await asyncio.gather(*(rpc.call(method, *parameters) for parameters in calls))

    return wait_for(gather())


@cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name=THREAD, daemon=True).start()
    return loop


@cache
def _session(behind_proxy: bool) -> aiohttp.ClientSession:
    """Connections that stay open until the process ends; a proxy must not catch calls to this machine."""
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
    session = aiohttp.ClientSession(timeout=timeout, trust_env=behind_proxy)
    atexit.register(lambda: asyncio.run_coroutine_threadsafe(session.close(), _loop()).result(TIMEOUT_SECONDS))
    return session


def _data_in(data: Any) -> str | None:
    """Revert data: a hex string, or what Ganache wraps around one."""
    if isinstance(data, dict):
        data = data.get("result") or data.get("data") or data.get("return")
    return data if isinstance(data, str) and data.startswith("0x") else None
