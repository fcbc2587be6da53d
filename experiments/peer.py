"""A peer: a program of somebody else's, in a process and an environment of its own, which answers on stdout."""

import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Self

from qfl.errors import InvalidInput


class Peer:
    """Runs `program` with another environment's Python; use as a context manager."""

    def __init__(self, name: str, python: str, needs: str, program: Path, *arguments: object) -> None:
        """`needs` is what the environment must have.

        Raises:
            InvalidInput: there is no such Python.
        """
        self._unusable = InvalidInput("peer", f"{name}={python}", f"give the Python of an environment that has {needs}")
        command, pipe = [python, str(program), *map(str, arguments)], subprocess.PIPE
        try:
            self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL)
        except OSError as fault:
            raise self._unusable from fault

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def ask(self, request: bytes, size: int | None = None) -> bytes:
        """Answer to a request: `size` bytes, or a line.

        Raises:
            InvalidInput: it has ended.
        """
        assert self._process.stdin is not None and self._process.stdout is not None
        with suppress(BrokenPipeError):  # it has ended, and says nothing either
            self._process.stdin.write(request)
            self._process.stdin.flush()
        answer = self._process.stdout.readline() if size is None else self._process.stdout.read(size)
        if len(answer) < (size or 1):
            raise self._unusable
        return answer
