"""Runs a command of `qfl` in this process, as its entry point does."""

import signal
import sys
import threading
from dataclasses import dataclass

import pytest

from qfl.apps.cli.main import main


@dataclass(frozen=True)
class Done:
    """What a command left: its exit code, and what it printed."""

    exit_code: int
    output: str
    errors: str


def run_command(capsys: pytest.CaptureFixture[str], *arguments: object) -> Done:
    """What comes of `qfl` with these arguments."""
    handler = signal.getsignal(signal.SIGTERM)
    capsys.readouterr()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["qfl", *map(str, arguments)])
        patch.setattr(threading, "excepthook", threading.excepthook)  # restored with the rest
        try:
            with pytest.raises(SystemExit) as ended:
                main()
        finally:
            signal.signal(signal.SIGTERM, handler)
    output, errors = capsys.readouterr()
    code = ended.value.code
    return Done(code if isinstance(code, int) else 1, output, errors)


def require_one_line(done: Done, exit_code: int) -> str:
    """The one line on standard error with which a command ended that could not do what was asked."""
    assert "Traceback" not in done.errors, done.errors
    assert done.exit_code == exit_code, (done.exit_code, done.errors)
    (line,) = done.errors.splitlines()
    assert line.startswith("error: ")
    return line
