"""Options that several commands share, and the kinds of numbers that they take, each with two ends.

Each is declared once; what belongs together, a command takes as one object.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qfl.bounds import LAST_PARTICIPANT, LAST_SEED, MOST_PARTICIPANTS, MOST_ROUNDS
from qfl.doors import Door
from qfl.errors import InvalidInput, NotInstalled

if TYPE_CHECKING:  # numpy takes a while to import: not for `qfl --help`
    from qfl import KemKey
    from qfl.training.data.datasets import LabelledData
    from qfl.training.data.own import Split
    from qfl.training.job import JobDocument

PATH = click.Path(path_type=Path)
OTHERS = "an installed package's, or package.module:Name"
"""What may be named beside this package's own entries of a door."""
KEY_HEIGHT = click.Choice([5, 10, 15])

Command = Callable[..., None]
Option = Callable[[Command], Command]


class Real(click.FloatRange):
    """A number in a range; NaN, which compares with nothing, is in none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return number


COUNT = click.IntRange(1, 10**9)
SEED = click.IntRange(0, LAST_SEED)
PARTICIPANTS = click.IntRange(1, MOST_PARTICIPANTS)
ROUNDS = click.IntRange(1, MOST_ROUNDS)
ROUND = click.IntRange(0, 2**63 - 1)  # the number of one
SHARD = click.IntRange(0, 2**16 - 1)
PARTICIPANT = click.IntRange(1, LAST_PARTICIPANT)
ETHER = Real(0, 1e9)
SECONDS = Real(0, 86_400)
SHARE = Real(0, 1)


class Named(click.Choice[str]):
    """One of the entries behind a door, by its name; the door is opened only for who asks."""

    def __init__(self, door: Door[Any]) -> None:
        super().__init__(())
        self._door = door

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str | None:
        self.choices = tuple(self._door.names())
        return super().get_metavar(param, ctx)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        self.choices = tuple(self._door.names())
        return super().convert(value, param, ctx)


def given(flag: str, *names: str, **settings: Any) -> Any:
    """A field of what a command takes as one object, and the option of the same name that says its value."""
    return by(click.option(flag, *names, **settings), settings.get("default"))


def by(option: Option, default: Any = None) -> Any:
    """As `given`, for an option that is declared already."""
    return field(default=default, metadata={"option": option})


def take(*, without: str = "", **kinds: type[Any]) -> Option:
    """Give a command the options of these dataclasses; it takes an object of each as the argument named here.

    `without` has the fields, with blanks between them, that no option is for.
    """
    left_out = without.split()

    def decorate(command: Command) -> Command:
        asked = {name: [part for part in fields(kind) if part.name not in left_out] for name, kind in kinds.items()}

        @wraps(command)
        def gathering(**values: Any) -> None:
            for name, parts in asked.items():
                values[name] = kinds[name](**{part.name: values.pop(part.name) for part in parts})
            command(**values)

        for parts in reversed(asked.values()):
            for part in reversed(parts):
                part.metadata["option"](gathering)
        return gathering

    return decorate


as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
attack = click.option("--attack", metavar="NAME", help="Cheat, as an adversary of an installed package does.")
keep_rounds = click.option(
    "--keep-rounds",
    type=click.IntRange(0, MOST_ROUNDS),
    default=3,
    help="Final rounds whose content stays in the store; 0 keeps everything.",
)
number = click.option("--round", "number", type=ROUND, help="Whose model; the last one published unless given.")
overwrite = click.option("--overwrite", is_flag=True, help="Delete the run in --out first.")
poll = click.option("--poll", type=SECONDS, default=1.0, help="Seconds between looks at the chain.")
rounds = click.option(
    "--rounds",
    type=click.IntRange(0, MOST_ROUNDS),
    help="End after this many models published from this start on, or ten times as many rounds; run on unless given.",
)
zk_keys = click.option(
    "--zk-keys", type=PATH, help="Folder of private mode's keys (see `qfl zk`).  [default: .qfl/zk/norm-<capacity>]"
)


def _opened(_context: click.Context, _parameter: click.Parameter, paths: tuple[Path, ...]) -> list[KemKey]:
    if not paths:
        return []
    from qfl import KemKey

    return [KemKey.open(path) for path in paths]


def kem_keys(text: str) -> Option:
    """Decryption keys of seats, opened; `text` says what for."""
    return click.option("--kem-key", "kem_keys", type=PATH, multiple=True, callback=_opened, help=text)


def job_files(command: Command) -> Command:
    """Give a command `--config`, for the modules beside the job files of the runs that it reads."""

    @wraps(command)
    def importing(config_paths: tuple[Path, ...], **values: Any) -> None:
        from qfl.simulation.config import load_config

        for path in config_paths:
            load_config(path)
        try:
            command(**values)
        except NotInstalled as fault:
            remedy = f"{fault.remedy}, or name the run's job file with --config, if that has its module"
            raise InvalidInput(fault.name, fault.value, remedy) from fault

    text = "The job file that a run had, where it names modules as package.module:Name; repeat."
    return click.option("--config", "config_paths", type=PATH, multiple=True, help=text)(importing)


@dataclass(frozen=True)
class SplitOptions:
    """What is trained on, of a data set that several share."""

    dataset: str = given("--dataset", default="digits", help=f"digits, mnist, fashion-mnist, {OTHERS}.")
    data_folder: str = given("--data-folder", default="data", help="Where torchvision's data sets are, or go.")
    classes: tuple[int, ...] = given(
        "--class",
        "classes",
        type=click.IntRange(0, 999),
        multiple=True,
        help="A label to keep; repeat. All of the job's if none.",
    )
    partition: str = given(
        "--partition", default="iid", help=f"How the data is split: iid, dirichlet:ALPHA, classes:N, {OTHERS}."
    )
    seed: int = given("--seed", type=SEED, default=1, help="Decides split, training and rounding.")

    @property
    def split(self) -> Split:
        """All who name the same one hold different parts of it."""
        from qfl.training.data.own import Split

        return Split(**{part.name: getattr(self, part.name) for part in fields(Split)})


@dataclass(frozen=True)
class SampleOptions(SplitOptions):
    """What one role trains on, or judges by: samples of its own, or a share of a data set."""

    own: Path | None = given(
        "--data",
        "own",
        type=PATH,
        help="Your own samples instead of a share of a data set: an .npz file of x [n, features] and y [n].",
    )

    def load(self, job: JobDocument, share: str) -> tuple[int | None, LabelledData]:
        """The samples, and the share's index (from 0); None for samples of one's own.

        Raises InvalidInput: no such file or share, several shares, or the data does not fit the job's model.
        """
        from qfl.training.data.own import load_own, load_shares

        model = job.architecture
        if self.own is not None:
            return None, load_own(self.own, model.features, model.classes, model.encoder.is_angular)
        shares = load_shares(self.split, share, model.features, model.classes)
        if len(shares) > 1:
            raise InvalidInput("share", share, "is several clients': `qfl client host` acts for them")
        (found,) = shares.items()
        return found


def print_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2))
