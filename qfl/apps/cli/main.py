"""`qfl`: one command for each role and for each thing a person wants to know.

Exit codes: 0 done; 1 a fault nobody foresaw; 2 bad input; 3 chain; 4 content store; 5 key or journal;
6 something does not verify; 7 devnet and workers; 8 not all of it can be verified any more; 130 interrupted.
"""

import errno
import logging
import os
import signal
import sys
import threading
import traceback
import warnings
from typing import NoReturn

import click
from rich.console import Console
from rich.logging import RichHandler
from rich.text import Text

from qfl.apps.cli.challenger import challenger
from qfl.apps.cli.devnet import devnet
from qfl.apps.cli.inspect import inspect, verify
from qfl.apps.cli.job import run
from qfl.apps.cli.keys import key, zk
from qfl.apps.cli.model import evaluate, export
from qfl.apps.cli.owner import deadlines, deploy, mirror
from qfl.apps.cli.pages import explorer, report
from qfl.apps.cli.roles import client, validator
from qfl.apps.cli.stake import stake
from qfl.doors import Door
from qfl.errors import DevnetError, DoorBroken, QflError
from qfl.errors.text import conceal
from qfl.files import NotARegularFile

# The matrices are small: a second thread costs more than it brings, and many roles may share a machine.
os.environ.setdefault("OMP_NUM_THREADS", "1")


OF_THE_MACHINE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE}
"""Faults that may come without the name of a file, from whatever writes."""
COMMANDS: Door[click.Command] = Door("command")  # commands of installed packages, beside those below


class Commands(click.Group):
    """The commands of this package, and those that come through the door; one that cannot be loaded stops no other."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *COMMANDS})

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            if COMMANDS.names():
                raise
            hint = "commands that measure or attack come with the package qflchain-experiments"
            raise click.UsageError(f"{error.message.rstrip('.')}: {hint}", ctx) from None

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        own = super().get_command(ctx, cmd_name)
        if own is not None or cmd_name not in COMMANDS:
            return own
        try:
            command = COMMANDS.find(cmd_name)
            if not isinstance(command, click.Command):
                raise DoorBroken(COMMANDS.kind, cmd_name, f"a {type(command).__name__} is no command of Click")
        except DoorBroken as fault:
            return _broken(cmd_name, fault)
        return command


def _broken(name: str, fault: DoorBroken) -> click.Command:
    """What stands for a command that cannot be loaded: it is listed, and says why when it is called."""

    @click.command(name, short_help="(cannot be loaded)", context_settings={"ignore_unknown_options": True})
    @click.argument("arguments", nargs=-1)
    def broken(arguments: tuple[str, ...]) -> None:
        raise fault

    return broken


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.version_option(package_name="qflchain")
@click.option("-v", "--verbose", is_flag=True, help="Say more about what goes on.")
def cli(verbose: bool) -> None:
    """Quantum federated learning on a real blockchain."""
    set_up_logging(verbose)
    warnings.filterwarnings("ignore", module="ipfshttpclient")


for group in (client, validator, challenger, stake, mirror, deadlines, zk, key, devnet, inspect):
    cli.add_command(group)
for command in (run, verify, report, evaluate, explorer, export, deploy):
    cli.add_command(command)


def main() -> None:
    """Entry point: every foreseen fault is one line on stderr and its exit code, and no fault prints a secret."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # `kill` ends a command as cleanly as Ctrl-C
    threading.excepthook = print_unforeseen_of_thread
    try:
        sys.exit(cli.main(standalone_mode=False) or 0)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(2)
    except (QflError, click.ClickException) as error:
        end_with(error)
    except (click.Abort, KeyboardInterrupt):
        Console(stderr=True).print("interrupted")
        sys.exit(130)
    except Exception as error:
        if isinstance(error, OSError) and is_of_a_file(error):
            end_with(error)
        print_unforeseen(error)
        sys.exit(1)


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
        context = getattr(fault, "ctx", None)
        hint = "" if context is None else f": see `{context.command_path} --help`"
        _say(conceal(fault.format_message().rstrip(".") + hint), 2)
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
