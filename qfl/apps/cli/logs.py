"""What goes to standard error beside a command's result: log lines, and the fault that ended it."""

from __future__ import annotations

import errno
import logging
import sys
import threading
import traceback
from typing import NoReturn

import click
from rich.console import Console
from rich.logging import RichHandler
from rich.text import Text

from qfl.errors import DevnetError, QflError
from qfl.errors.secrets import conceal
from qfl.files import NotARegularFile

OF_THE_MACHINE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE}
"""Faults that may come without the name of a file, from whatever writes."""


class ConcealingFormatter(logging.Formatter):
    """Lets no login into the log, whoever logs it: libraries name addresses, too."""

    def format(self, record: logging.LogRecord) -> str:
        return conceal(super().format(record), with_hashes=True)


def set_up_logging(verbose: bool) -> None:
    """Have this program, and what goes wrong in libraries, be heard on standard error."""
    handler: logging.Handler
    if sys.stderr.isatty():
        handler = RichHandler(console=Console(stderr=True), show_path=False, markup=False)
        handler.setFormatter(ConcealingFormatter("%(message)s", datefmt="[%X]"))
    else:  # a log file: one line for each event
        handler = logging.StreamHandler()
        handler.setFormatter(ConcealingFormatter("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("qfl").setLevel(logging.DEBUG if verbose else logging.INFO)


def end_with(fault: QflError | click.ClickException | OSError) -> NoReturn:
    """End the process: a foreseen fault is one line, and its exit code."""
    if isinstance(fault, QflError):
        _say(str(fault), fault.exit_code, whole=isinstance(fault, DevnetError))  # these quote the end of a log
    if isinstance(fault, click.ClickException):
        _say(conceal(_with_hint(fault)), 2)
    remedy = "name a file" if isinstance(fault, NotARegularFile) else "see to permissions and space on the disk"
    _say(conceal(f"{fault.filename or 'a file'}: {fault.strerror}: {remedy}"), 2)


def is_of_a_file(fault: OSError) -> bool:
    """Whether it is about a file or the disk: any command can meet with that. A connection's is somebody's to name."""
    return fault.errno is not None and (fault.filename is not None or fault.errno in OF_THE_MACHINE)


def print_unforeseen(fault: BaseException) -> None:
    """A traceback for a report of the error; of what is in it, nothing that may be a secret."""
    print(conceal("".join(traceback.format_exception(fault))), file=sys.stderr, end="")


def print_unforeseen_of_thread(ended: threading.ExceptHookArgs) -> None:
    """As `print_unforeseen`, for `threading.excepthook`."""
    if ended.exc_value is not None:
        print_unforeseen(ended.exc_value)


def _say(text: str, exit_code: int, whole: bool = False) -> NoReturn:
    line = text if whole else "".join(character for character in " ".join(text.split()) if character.isprintable())
    Console(stderr=True).print(Text.assemble(("error:", "bold red"), f" {line}"), highlight=False, soft_wrap=True)
    sys.exit(exit_code)


def _with_hint(fault: click.ClickException) -> str:
    context = getattr(fault, "ctx", None)
    hint = "" if context is None else f": see `{context.command_path} --help`"
    return fault.format_message().rstrip(".") + hint
