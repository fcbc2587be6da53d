"""`qfl run`, and the options that set a job: each replaces a value of its TOML file."""

from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from qfl.apps.cli.options import OTHERS, PATH, Command, Named, Option, overwrite, zk_keys
from qfl.bounds import SIGNINGS
from qfl.errors import InvalidInput
from qfl.quorum.quorum import SCHEMES
from qfl.simulation.config import CHAINS, EXPONENTS, JobConfig, load_config
from qfl.training.job import MODES

TABLES = {
    **dict.fromkeys(("churn", "newcomers", "stragglers", "links", "adaptive_deadlines"), "dynamics"),
    **dict.fromkeys(("shards", "seats"), "protocol"),
}
"""The options that replace a value of a table of the job."""


FORMS: dict[Any, dict[str, Any]] = {bool: {"is_flag": True, "default": None}, tuple: {"multiple": True}}


@dataclass(frozen=True)
class Setting:
    """An option that replaces a value of a job.

    `kind` is as Click takes it, bool for a flag, tuple for what may be repeated. As `default` the job's own is shown
    unless given, nothing where it is empty. `flag` is the option's name, where that is not the setting's.
    """

    text: str
    kind: Any = None
    default: str | None = None
    flag: str = ""

    def option(self, name: str, base: JobConfig | type[JobConfig], said: str | None) -> Option:
        """The option of the setting `name` of `base`; what is `said` of it, if anything, is its whole text."""
        default = "{0." + name + "}" if self.default is None else self.default
        text = (said or self.text + (default and f"  [default: {default}]")).format(base)
        flag = self.flag or f"--{name.replace('_', '-')}"
        return click.option(flag, name, help=text, **FORMS.get(self.kind, {"type": self.kind}))


SETTINGS = {
    "clients": Setting("Number of clients.", int),
    "validators": Setting("Number of validators.", int),
    "rounds": Setting("Number of rounds.", int),
    "dataset": Setting(f"digits, mnist, fashion-mnist, {OTHERS}."),
    "data_folder": Setting("Where torchvision's data sets are."),
    "download": Setting("Download the data set into --data-folder.", bool, ""),
    "partition": Setting(f"iid, dirichlet:ALPHA, classes:N, {OTHERS}."),
    "validation_percent": Setting("Training data that validators judge by, %.", int),
    "lane_bits": Setting("Width of an update's lanes.", click.Choice([4, 8, 16])),
    "exponents": Setting("Where lanes' exponents come from.", click.Choice(EXPONENTS)),
    "seed": Setting("Decides data, training and rounding.", int),
    "chain": Setting("The chain to start.", click.Choice(CHAINS)),
    "mode": Setting("Who can read updates.", click.Choice(MODES)),
    "quorum": Setting("How committees sign.", Named(SCHEMES)),
    "signing": Setting("How clients commit.", click.Choice(SIGNINGS)),
    "executor": Setting(f"Where clients train: local, ray, {OTHERS}."),
    "churn": Setting("Share of the clients that go before each round.", float, "0"),
    "newcomers": Setting("Clients that may join in mid-run.", int, "0"),
    "stragglers": Setting("Share of the clients that straggle in a round.", float, "0"),
    "links": Setting("A link that clients have, of `simulation/faults/links.toml`; repeat.", tuple, "", "--link"),
    "adaptive_deadlines": Setting("Set deadlines by what rounds took.", bool, ""),
    "shards": Setting("Number of shards.", int, "1"),
    "seats": Setting("Seats of each shard's committee.", int, "4"),
    "shard_chains": Setting("Give each shard a chain of its own.", bool, ""),
    "keep_rounds": Setting("Keep this many final rounds' content; 0: all.", int),
    "key_height": Setting("LMS tree height of the clients' keys: 5, 10 or 15.", int),
    "challenger": Setting("Prove what is false.", bool, "challenger", "--challenger/--no-challenger"),
}


def job(names: str, *, base: JobConfig | Path | None = None, **texts: str) -> Option:
    """Give a command `--config` and the options of some settings; it takes the job as the argument `config`.

    `names` are the settings', with blanks between them; `base` is the job, or its file, where no other file is given;
    `texts` are what is said of an option in place of its usual text.
    """
    settings = names.split()
    # A class has its defaults as attributes; an object would check them, and load what it takes to know executors.
    default = base if isinstance(base, JobConfig) else JobConfig

    def decorate(command: Command) -> Command:
        @wraps(command)
        def gathering(config_path: Path | None, **values: Any) -> None:
            config = load_config(config_path) if config_path else base if isinstance(base, JobConfig) else JobConfig()
            tables: dict[str, Any] = {}
            chosen = {name: found for name in settings if (found := values.pop(name)) not in (None, ())}
            for name in chosen.keys() & TABLES.keys():
                tables.setdefault(TABLES[name], dict(getattr(config, TABLES[name])))[name] = chosen.pop(name)
            command(config=config.with_options(**chosen, **tables), **values)

        for name in reversed(settings):
            SETTINGS[name].option(name, default, texts.get(name))(gathering)
        text = texts.get("config_path", "TOML file; options replace its values.")
        path = base if isinstance(base, Path) else None
        return click.option("--config", "config_path", type=PATH, default=path, help=text)(gathering)

    return decorate


@click.command()
@job(
    "clients validators rounds dataset data_folder download partition validation_percent lane_bits exponents seed "
    "chain mode quorum signing executor churn newcomers stragglers links adaptive_deadlines shards seats shard_chains "
    "keep_rounds challenger"
)
@click.option("--out", "folder", type=PATH, default=Path("runs/latest"), help="Run folder.")
@click.option("--resume", is_flag=True, help="Take up the run in --out where it stopped.")
@overwrite
@zk_keys
@click.option("--rpc", metavar="URL", help="Use the chain that runs there.")
@click.option(
    "--shard-rpc", "shard_rpcs", metavar="URL", multiple=True, help="With --rpc: the shards' own chains, in order."
)
@click.option("--ipfs", metavar="ADDRESS", help="Use the IPFS node that runs there.")
@click.option("--account", metavar="SOURCE", help="One account that pays for everybody; see `qfl deploy --help`.")
@click.option("--real-time", is_flag=True, help="Wait for deadlines instead of moving a development chain's clock.")
@click.option(
    "--explorer",
    metavar="[PORT]",
    type=click.IntRange(0, 65535),
    is_flag=False,
    flag_value=8550,
    help="Show the run in a browser while it lasts, on port 8550 unless given; a free one if it is taken, or 0.",
)
@click.option("--plots/--no-plots", default=True, help="Write PNG plots.")
def run(config: JobConfig, folder: Path, account: str | None, plots: bool, **place: Any) -> None:
    """Train a quantum neural network with several clients, every update on chain."""
    from qfl import Display, Place, run_job
    from qfl.apps.report.figures import write_plots
    from qfl.chain.rpc.accounts import load_account
    from qfl.simulation.display import print_tables

    if place["shard_rpcs"] and place["rpc"] is None:
        raise InvalidInput("shard-rpc", list(place["shard_rpcs"]), "pass --rpc with the beacon's chain, too")
    payer = load_account(account) if account else None
    console = Console()
    with Display(console, config.rounds) as display:
        try:
            report = run_job(config, Place(folder, account=payer, **place), display)
        except KeyboardInterrupt:
            console.print(f"stopped; `qfl run --out {folder} --resume` with the same options goes on from here")
            raise
    print_tables(console, report)
    if plots and report["rounds"]:
        write_plots(folder, report)
    console.print(f"report, event log, model and plots are in {folder}", highlight=False)
    if place["explorer"] is not None:
        console.print(f"`qfl explorer --run {folder}` shows it again", highlight=False, soft_wrap=True)
