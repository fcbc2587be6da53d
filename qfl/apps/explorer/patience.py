"""How long a page waits for a node: questions run beside it, and one that is not answered in time is let go."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from qfl.errors import NoAnswerInTime

SECONDS = 5.0
AT_ONCE = 16
"""Questions under way; a node that answers none makes whoever asks after these wait for nothing but the time."""

_T = TypeVar("_T")


class Patience:
    """Asks for at most `seconds`. The threads of what was let go end with the process."""

    def __init__(self, seconds: float = SECONDS, at_once: int = AT_ONCE) -> None:
        self._seconds, self._free = seconds, threading.Semaphore(at_once)

    def ask(self, question: Callable[[], _T]) -> _T:
        """What `question` returns or raises.

        Raises:
            NoAnswerInTime: it has not come to an end in time.
        """
        if not self._free.acquire(timeout=self._seconds):
            raise NoAnswerInTime(self._seconds)
        answer: Future[_T] = Future()

        def wait_for_it() -> None:
            try:
                answer.set_result(question())
            except BaseException as error:  # whatever it is, it belongs to who asked
                answer.set_exception(error)
            finally:
                self._free.release()

        threading.Thread(target=wait_for_it, daemon=True).start()
        try:
            return answer.result(self._seconds)
        except TimeoutError:
            if answer.done():
                raise
            raise NoAnswerInTime(self._seconds) from None
