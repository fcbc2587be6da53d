"""Asynchronous JSON-RPC to one node: calls that wait at the same time travel in one request.

The program around it is not asynchronous: `wait_for` runs a coroutine on a thread that all connections share.
"""

import asyncio
import atexit
import itertools
import json
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar
from urllib.parse import urlparse

import aiohttp

from qfl.chain.rpc.answers import BUSY_STATUSES, busy_at, is_batch_too_large, refusal_of, unreachable_at
from qfl.errors import NodeBusy
from qfl.exchange import is_loopback

TIMEOUT_SECONDS = 30
MOST_IN_A_REQUEST = 100
"""Calls in one JSON-RPC batch: nodes refuse long ones, and one slow call keeps the whole batch waiting."""
MOST_ANSWER_BYTES = 256 * 2**20
"""Of one answer; a batch of blocks full of signatures takes a fifth of it."""
MOST_REQUESTS = 8
"""Requests under way at one node; what is called meanwhile waits, and then shares the next one."""
RETRY_SECONDS = (0.1, 0.2, 0.4, 0.8)
"""Pauses between the tries of a request that got no answer."""
BUSY_SECONDS = (0.5, 1.0, 2.0, 4.0)
"""The same where the node says that it may answer later, each made longer by chance by up to a half."""
LONGEST_PAUSE_SECONDS = 10.0
"""What a node may ask for with `Retry-After`."""
MOST_REASON = 200
"""Characters that a message has of what a node sent in place of an answer."""
THREAD = "json-rpc"
"""The thread that every connection shares."""

_T = TypeVar("_T")


@dataclass(frozen=True)
class Exchange:
    """An HTTP request to a chain and its answer: bodies, and the time of this process's clock (`perf_counter`)."""

    url: str
    request: bytes
    answer: bytes
    started: float
    ended: float


_listeners: list[Callable[[Exchange], None]] = []


@contextmanager
def listening(listener: Callable[[Exchange], None]) -> Iterator[None]:
    """Have `listener` called after every exchange of this process while this lasts, before its answer is handed out."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


class Rpc:
    """One node's JSON-RPC endpoint. Its coroutines run on the shared thread only (`wait_for`).

    `log_span` is how many blocks it has turned out to take in a query for logs; None where it never refused one.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.log_span: int | None = None
        self._most_in_a_request = MOST_IN_A_REQUEST
        self._waiting: deque[tuple[dict[str, Any], asyncio.Future[Any]]] = deque()
        self._requests = 0
        self._ids = itertools.count(1)
        self._is_down = False

    async def call(self, method: str, *parameters: object) -> Any:
        """The result of one call; where the node puts it off, that of a later try.

        Raises:
            RpcRefused: a contract, or the node, refuses it; `RpcFailed` where that may pass.
            NodeBusy: the node puts it off, in several tries.
            ChainUnreachable: it did not answer, not in several tries either; whether it has heard is not known.
        """
        answer = await self.ask(method, parameters)
        if answer.get("error") is not None:
            raise refusal_of(self.url, method, error=answer["error"])
        return answer["result"]

    async def ask(self, method: str, parameters: Sequence[object]) -> dict[str, Any]:
        """The whole answer to one call, with its `result`, or its `error`. Raises as `call` what passes."""
        for pause in (*BUSY_SECONDS, None):
            answer = await self._ask_once(method, parameters)
            if answer.get("error") is None:
                break
            refusal = refusal_of(self.url, method, error=answer["error"])
            if not isinstance(refusal, NodeBusy):
                break
            if pause is None:
                raise refusal
            await asyncio.sleep(_jittered(pause))
        return answer

    async def _ask_once(self, method: str, parameters: Sequence[object]) -> dict[str, Any]:
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        request = {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": parameters}
        self._waiting.append((request, answer))
        # Not at once: whoever else calls in this turn of the loop shares the request.
        asyncio.get_running_loop().call_soon(self._begin_requests)
        return await answer

    def _begin_requests(self) -> None:
        while self._waiting and self._requests < MOST_REQUESTS:
            batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), self._most_in_a_request))]
            self._requests += 1
            task = asyncio.get_running_loop().create_task(self._request(batch))
            task.add_done_callback(self._end_request)

    def _end_request(self, _task: asyncio.Task[None]) -> None:
        self._requests -= 1
        self._begin_requests()

    async def _request(self, batch: list[tuple[dict[str, Any], asyncio.Future[Any]]]) -> None:
        try:
            answers = self._by_id(await self._post([request for request, _ in batch]))
            if len(batch) > 1 and None in answers and is_batch_too_large(answers[None]["error"]):
                self._most_in_a_request = len(batch) // 2
                self._waiting.extendleft(reversed(batch))
                return
            for request, future in batch:
                answer = answers.get(request["id"], answers.get(None))
                if future.cancelled():
                    continue
                if answer is None:
                    future.set_exception(unreachable_at(self.url, f"no answer to {request['method']}"))
                else:
                    future.set_result(answer)
        except Exception as error:  # whatever it is: somebody waits for each of these answers
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)

    def _by_id(self, body: bytes) -> dict[int | None, dict[str, Any]]:
        """The answers in a body, by the number of their call; under None an error that answers all of a request."""
        try:
            found = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise unreachable_at(self.url, f"not a JSON-RPC answer: {_beginning(body)!r}") from error
        answers: dict[int | None, dict[str, Any]] = {}
        for answer in found if isinstance(found, list) else [found]:
            if isinstance(answer, dict) and ("result" in answer or answer.get("error") is not None):
                number = answer.get("id")
                if isinstance(number, int) or (number is None and answer.get("error") is not None):
                    answers[number] = answer
        if not answers:
            raise unreachable_at(self.url, f"not a JSON-RPC answer: {_beginning(body)!r}")
        return answers

    async def _post(self, calls: list[dict[str, Any]]) -> bytes:
        """The node's answer. A try that gets none is repeated: every call here may be made twice.

        A node that did not answer the last call either is asked once: with hundreds of callers, waiting adds up.
        """
        body = json.dumps(calls).encode()
        pauses = list(zip((*RETRY_SECONDS, None), (*BUSY_SECONDS, None), strict=True))
        for pause, busy_pause in pauses[-1:] if self._is_down else pauses:
            started = time.perf_counter()
            try:
                answer = await self._exchange(body)
            except _PutOff as put_off:
                if busy_pause is None:
                    raise busy_at(self.url, f"HTTP {put_off.status}") from put_off
                await asyncio.sleep(max(put_off.seconds, _jittered(busy_pause)))
            except (aiohttp.ClientError, TimeoutError) as error:
                if pause is None:
                    self._is_down = True
                    raise unreachable_at(self.url, _named(error)) from error
                await asyncio.sleep(pause)
            else:
                self._is_down = False
                exchange = Exchange(self.url, body, answer, started, time.perf_counter())
                for listener in _listeners:
                    listener(exchange)
                return answer
        raise AssertionError("the last try returns or raises")

    async def _exchange(self, body: bytes) -> bytes:
        session = _session(not is_loopback(urlparse(self.url).hostname or ""))
        headers = {"Content-Type": "application/json"}
        async with session.post(self.url, data=body, headers=headers, allow_redirects=False) as answer:
            if answer.status in BUSY_STATUSES or (answer.status == 503 and "Retry-After" in answer.headers):
                raise _PutOff(answer.status, answer.headers.get("Retry-After", ""))
            if answer.status >= 500:
                answer.raise_for_status()
            received = bytearray()
            async for piece in answer.content.iter_any():
                received += piece
                if len(received) > MOST_ANSWER_BYTES:
                    raise unreachable_at(self.url, f"it answers with more than {MOST_ANSWER_BYTES:,} bytes")
            if answer.status >= 300 and not received.lstrip().startswith((b"{", b"[")):
                raise unreachable_at(self.url, f"HTTP {answer.status}")
            return bytes(received)


class _PutOff(Exception):
    """A status of HTTP that asks for patience."""

    def __init__(self, status: int, retry_after: str) -> None:
        super().__init__(status)
        self.status = status
        self.seconds = min(float(retry_after), LONGEST_PAUSE_SECONDS) if retry_after.isdecimal() else 0.0


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


def _jittered(seconds: float) -> float:
    """Longer by up to a half, so that those who were put off together do not come back together."""
    return seconds * random.uniform(1.0, 1.5)


def _named(error: Exception) -> str:
    """What went wrong, without the address: it may hold a login."""
    return f"HTTP {error.status}" if isinstance(error, aiohttp.ClientResponseError) else type(error).__name__


def _beginning(body: bytes) -> str:
    return body[:MOST_REASON].decode(errors="replace")
