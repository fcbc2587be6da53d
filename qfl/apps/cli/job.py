"""Options that set a job: each replaces a value of its TOML file, and a command takes the job that comes of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from qfl.apps.cli.options import OTHERS, PATH, Command, Named, Option
from qfl.quorum.quorum import SCHEMES
from qfl.simulation.config import CHAINS, EXPONENTS, JobConfig, load_config
from qfl.training.job import MODES

TABLES = {
    **dict.fromkeys(("churn", "newcomers", "stragglers", "links", "adaptive_deadlines"), "dynamics"),
    **dict.fromkeys(("shards", "seats"), "protocol"),
}
"""The options that replace a value of a table of the job."""


def _setting(flag: str, text: str, **settings: Any) -> Callable[[JobConfig | type[JobConfig], str | None], Option]:
    """An option by the job whose values it replaces, and by what is said of it in place of `text`."""
    return lambda base, said: click.option(*flag.split(), help=(said or text).format(base), **settings)


def _whole(_context: click.Context, _parameter: click.Parameter, value: str | None) -> int | None:
    return None if value is None else int(value)


LANE_BITS = click.Choice(["4", "8", "16"])
FLAG: dict[str, Any] = {"is_flag": True, "default": None}
SETTINGS = {
    "clients": _setting("--clients", "Number of clients.  [default: {0.clients}]", type=int),
    "validators": _setting("--validators", "Number of validators.  [default: {0.validators}]", type=int),
    "rounds": _setting("--rounds", "Number of rounds.  [default: {0.rounds}]", type=int),
    "dataset": _setting("--dataset", f"digits, mnist, fashion-mnist, {OTHERS}.  [default: {{0.dataset}}]"),
    "data_folder": _setting("--data-folder", "Where torchvision's data sets are.  [default: {0.data_folder}]"),
    "download": _setting("--download", "Download the data set into --data-folder.", **FLAG),
    "partition": _setting("--partition", f"iid, dirichlet:ALPHA, classes:N, {OTHERS}.  [default: {{0.partition}}]"),
    "validation_percent": _setting(
        "--validation-percent",
        "Training data that validators judge by, %.  [default: {0.validation_percent}]",
        type=int,
    ),
    "lane_bits": _setting(
        "--lane-bits", "Width of an update's lanes.  [default: {0.lane_bits}]", type=LANE_BITS, callback=_whole
    ),
    "exponents": _setting(
        "--exponents", "Where lanes' exponents come from.  [default: {0.exponents}]", type=click.Choice(EXPONENTS)
    ),
    "seed": _setting("--seed", "Decides data, training and rounding.  [default: {0.seed}]", type=int),
    "chain": _setting("--chain", "The chain to start.  [default: {0.chain}]", type=click.Choice(CHAINS)),
    "mode": _setting("--mode", "Who can read updates.  [default: {0.mode}]", type=click.Choice(MODES)),
    "quorum": _setting("--quorum", "How committees sign.  [default: {0.quorum}]", type=Named(SCHEMES)),
    "executor": _setting("--executor", f"Where clients train: local, ray, {OTHERS}.  [default: {{0.executor}}]"),
    "churn": _setting("--churn", "Share of the clients that go before each round.  [default: 0]", type=float),
    "newcomers": _setting("--newcomers", "Clients that may join in mid-run.  [default: 0]", type=int),
    "stragglers": _setting("--stragglers", "Share of the clients that straggle in a round.  [default: 0]", type=float),
    "links": _setting(
        "--link links", "A link that clients have, of `simulation/faults/links.toml`; repeat.", multiple=True
    ),
    "adaptive_deadlines": _setting("--adaptive-deadlines", "Set deadlines by what rounds took.", **FLAG),
    "shards": _setting("--shards", "Number of shards.  [default: 1]", type=int),
    "seats": _setting("--seats", "Seats of each shard's committee.  [default: 4]", type=int),
    "shard_chains": _setting("--shard-chains", "Give each shard a chain of its own.", **FLAG),
    "keep_rounds": _setting(
        "--keep-rounds", "Keep this many final rounds' content; 0: all.  [default: {0.keep_rounds}]", type=int
    ),
    "key_height": _setting(
        "--key-height", "LMS tree height of the clients' keys: 5, 10 or 15.  [default: {0.key_height}]", type=int
    ),
    "challenger": _setting("--challenger/--no-challenger", "Prove what is false.  [default: challenger]", default=None),
}


def job(names: str, *, base: JobConfig | Path | None = None, **texts: str) -> Option:
    """Give a command `--config` and the options of some settings; it takes the job as the argument `config`.

    Args:
        names: of the settings, with blanks between them.
        base: the job, or its file, where no other file is given.
        texts: what is said of an option in place of its usual text.
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
            SETTINGS[name](default, texts.get(name))(gathering)
        text = texts.get("config_path", "TOML file; options replace its values.")
        path = base if isinstance(base, Path) else None
        return click.option("--config", "config_path", type=PATH, default=path, help=text)(gathering)

    return decorate
