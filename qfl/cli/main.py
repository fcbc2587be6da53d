"""`qfl`: one command for each role and for each thing a person wants to know.

Exit codes: 0 done; 1 a fault nobody foresaw; 2 bad input; 3 chain; 4 content store; 5 key or journal;
6 something does not verify; 7 devnet and workers; 8 not all of it can be verified any more; 130 interrupted.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import warnings

import click
from rich.console import Console

from qfl.cli.attack import attack
from qfl.cli.audit import verify
from qfl.cli.bench import bench
from qfl.cli.casestudy import casestudy
from qfl.cli.challenger import challenger
from qfl.cli.deadlines import deadlines
from qfl.cli.deploy import deploy
from qfl.cli.devnet import devnet
from qfl.cli.evaluate import evaluate
from qfl.cli.explorer import explorer
from qfl.cli.export import export
from qfl.cli.host import host_clients
from qfl.cli.inspect import inspect
from qfl.cli.key import key
from qfl.cli.logs import end_with, is_of_a_file, print_unforeseen, print_unforeseen_of_thread, set_up_logging
from qfl.cli.mirror import mirror
from qfl.cli.report import report
from qfl.cli.roles import client, validator
from qfl.cli.run import run
from qfl.cli.simulate import simulate
from qfl.cli.stake import stake
from qfl.cli.zk import zk
from qfl.errors import QflError

# The matrices are small: a second thread costs more than it brings, and many roles may share a machine.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.version_option(package_name="qflchain")
@click.option("-v", "--verbose", is_flag=True, help="Say more about what goes on.")
def cli(verbose: bool) -> None:
    """Quantum federated learning on a real blockchain."""
    set_up_logging(verbose)
    warnings.filterwarnings("ignore", module="ipfshttpclient")


client.add_command(host_clients)
for command in (
    run,
    verify,
    inspect,
    report,
    evaluate,
    explorer,
    export,
    devnet,
    deploy,
    key,
    client,
    validator,
    challenger,
    attack,
    stake,
    mirror,
    deadlines,
    zk,
    bench,
    casestudy,
    simulate,
):
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
