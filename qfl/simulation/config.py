"""What `qfl run` is asked to do: a TOML file, and options that replace single values of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from qfl.bounds import LAST_SEED, MOST_PARTICIPANTS, MOST_ROUNDS, SIGNINGS, check_choice, check_whole
from qfl.errors import InvalidInput
from qfl.files import read_toml
from qfl.quorum.quorum import DEFAULT, SCHEMES
from qfl.training.job import MODES

KINDS: Mapping[str, tuple[type, str]] = {
    "int": (int, "must be a whole number"),
    "str": (str, "must be text"),
    "bool": (bool, "must be true or false"),
    "tuple[int, ...]": (tuple, "must be a list of whole numbers"),
    "Mapping[str, Any]": (Mapping, "must be a table"),
    "Mapping[str, int]": (Mapping, "must be a table of whole numbers"),
}
"""What a value has to be, by the annotation of its field."""
RANGES: Mapping[str, tuple[int, int]] = {
    **dict.fromkeys(("clients", "validators"), (1, MOST_PARTICIPANTS)),
    "rounds": (1, MOST_ROUNDS),
    "seed": (0, LAST_SEED),
    "limit": (0, 10**9),
    "keep_rounds": (0, MOST_ROUNDS),
    "central_epochs": (0, 10**5),
    "validation_percent": (0, 50),
}
"""The least and the most that a whole number may be, by its field."""
CHAINS = ("anvil", "ganache")
OWN_DATA = "own"  # in place of a data set's name, to deploy a job whose clients each bring their own
LANE_PRESETS = {
    4: {"quantumExponent": 24, "classicalExponent": 21, "normBound": 2**15},
    8: {"quantumExponent": 23, "classicalExponent": 20, "normBound": 2**17},
    16: {"quantumExponent": 14, "classicalExponent": 10, "normBound": 2**35},
}
"""Exponents and norm bounds that hold what honest clients send, by lane width.

Lanes of 8 and 16 bits have room to spare. Those of 4 clip a few changes of the first round, which come in later: finer
steps are worth more to them than reach (`docs/results/frugal.md`).
"""

EXPONENTS = ("preset", "auto")
"""Where the exponents come from: `LANE_PRESETS`, or what one client changes in the first round."""
PROVEN_BITS = (8, 16)  # widths that the circuit of the private mode's norm proofs knows

SIGNATURES_AT_START = 2
"""A validator signs its encryption key in a private deployment, and its attestation key where the quorum has such."""
SIGNATURES_A_ROUND = 3
"""Most that a validator signs in a round that goes well: its attestation, a second turn's, a publication."""
SIGNATURES_FOR_MIRRORS = 1
"""And where shards have chains of their own, the message that hands a mirror over to the next round."""


@dataclass(frozen=True)
class JobConfig:
    """A federated job.

    Attributes:
        clients, validators, rounds: how many of each, from 1; up to 65,536 of the first two.
        dataset: "digits", "mnist", "fashion-mnist", or another data set's name; or "own", to deploy a job for clients
            that bring their own data, and then `features` and `classes` are in `model`.
        partition: "iid", "dirichlet:ALPHA", "classes:N" (classes per client), or what another scheme takes.
        seed: decides data, training and rounding; below 2^32.
        classes: the labels to keep; all when empty.
        limit: most training samples to use; all when 0.
        data_folder: where data sets are: it holds `MNIST/raw` or `FashionMNIST/raw`.
        download: whether they may be downloaded into it.
        chain: the chain that `qfl run` starts: "anvil" or "ganache".
        challenger: whether this process recomputes every result, and proves what is false.
        mode: "transparent" (anybody can read an update) or "private" (its committee can; others check a proof).
        lane_bits: width of an update's lanes, 4, 8 or 16; it brings the exponents and the norm bound of `LANE_PRESETS`.
        exponents: "preset", or "auto": chosen before deployment so that lanes fit what the first client's data and this
            recipe change in a round; those that `protocol` has stay.
        quorum: how committees agree, "votes" (post-quantum, cheap), or "lms" (a signature of each seat).
        signing: how clients commit: "keys" (one-time keys), "lms", or "auto": keys where the nodes of the chains are
            on this machine.
        shard_chains: whether each shard has a chain of its own, beside the beacon's.
        executor: where clients train, "local" (in this process), "ray" (the extra `ray`), or another executor's name;
            the same seed gives the same model with all.
        validation_percent: how much of the training data validators hold, in equal parts, to judge updates by, 0 to
            50; at 0 they include every update that passes the objective checks.
        key_height: LMS tree height of the participants' keys: 5, 10 or 15 (2^height signatures).
        keep_rounds: final rounds whose updates, aggregates and models stay in the store; 0 keeps everything, so that
            every round can be verified again.
        central_epochs: epochs of the centralised comparison; 0 leaves it out.
        model: `encoding`, `qubits`, `layers`, `head`, `ansatz`, `task` of `qfl.quantum.architecture.Architecture`.
        training: fields of `qfl.training.recipe.TrainingConfig`.
        protocol: parameters of `qfl/chain/parameters.toml` to replace, by their names there.
        dynamics: fields of `qfl.simulation.faults.config.Dynamics`: who comes, goes, straggles; empty is a calm run.
        device: fields of `qfl.quantum.config.DeviceConfig`: clients train as on such a device; empty is an exact
            simulation. No part of the job document: what a client trains on is its own business.
    """

    clients: int = 5
    validators: int = 4
    rounds: int = 10
    dataset: str = "digits"
    partition: str = "iid"
    seed: int = 1
    classes: tuple[int, ...] = ()
    limit: int = 0
    data_folder: str = "data"
    download: bool = False
    chain: str = "anvil"
    challenger: bool = True
    mode: str = "transparent"
    lane_bits: int = 16
    exponents: str = "preset"
    quorum: str = DEFAULT
    signing: str = "auto"
    shard_chains: bool = False
    executor: str = "local"
    validation_percent: int = 0
    key_height: int = 10
    keep_rounds: int = 0
    central_epochs: int = 40
    model: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    protocol: Mapping[str, int] = field(default_factory=dict)
    dynamics: Mapping[str, Any] = field(default_factory=dict)
    device: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        from qfl.training.trainer import EXECUTORS

        for setting in fields(self):
            kind, remedy = KINDS[str(setting.type)]
            _check_kind(setting.name, getattr(self, setting.name), kind, remedy)
        for label in self.classes:
            _check_kind("classes", label, *KINDS["int"])
        for name, parameter in self.protocol.items():
            _check_kind(f"protocol.{name}", parameter, *KINDS["int"])
        for name, (least, most) in RANGES.items():
            check_whole(name, getattr(self, name), least, most)
        check_choice("chain", self.chain, CHAINS)
        check_choice("mode", self.mode, MODES)
        check_choice("signing", self.signing, SIGNINGS)
        EXECUTORS.find(self.executor, "executor")
        if self.key_height not in (5, 10, 15):
            raise InvalidInput("key_height", self.key_height, "choose 5, 10 or 15")
        a_round = SIGNATURES_A_ROUND + SIGNATURES_FOR_MIRRORS * self.shard_chains
        if (needed := SIGNATURES_AT_START + a_round * self.rounds) > 2**self.key_height:
            remedy = f"{2**self.key_height} signatures do not last {self.rounds} rounds ({needed}): choose a higher one"
            raise InvalidInput("key_height", self.key_height, remedy)
        check_whole("dynamics.newcomers", self.dynamics.get("newcomers", 0), 0, MOST_PARTICIPANTS)
        self._check_chain()
        self._check_lanes()

    def _check_chain(self) -> None:
        SCHEMES.find(self.quorum, "quorum")
        if self.shard_chains and self.chain != "anvil":
            raise InvalidInput("chain", self.chain, "chains of shards are set to the same second: choose anvil")

    def _check_lanes(self) -> None:
        if self.lane_bits not in LANE_PRESETS:
            raise InvalidInput("lane_bits", self.lane_bits, "choose 4, 8 or 16")
        if self.mode == "private" and self.lane_bits not in PROVEN_BITS:
            raise InvalidInput(
                "lane_bits", self.lane_bits, "norm proofs are of lanes of 8 or 16 bits: choose one of them"
            )
        if "laneBits" in self.protocol:
            raise InvalidInput("protocol.laneBits", self.protocol["laneBits"], "set lane_bits, which brings exponents")
        check_choice("exponents", self.exponents, EXPONENTS)
        if self.exponents == "auto" and self.training.get("privacy_noise"):
            raise InvalidInput("exponents", "auto", "they would tell of a client's data what privacy_noise hides")
        if self.exponents == "auto" and self.dataset == OWN_DATA:
            remedy = "nobody's data is known: set protocol.quantumExponent and protocol.classicalExponent"
            raise InvalidInput("exponents", "auto", remedy)

    @property
    def identities(self) -> int:
        """Clients that the run may come to know: those there from the start, and the newcomers of its dynamics."""
        return self.clients + int(self.dynamics.get("newcomers", 0))

    def parameters(self) -> dict[str, int]:
        """The protocol parameters that differ from `qfl/chain/parameters.toml`: the lanes' preset, then `protocol`."""
        return {"laneBits": self.lane_bits, **LANE_PRESETS[self.lane_bits], **self.protocol}

    def with_options(self, **options: Any) -> JobConfig:
        """This job with the options that are not None in place of its own values: as `load_config` reads them.

        Raises InvalidInput, DoorBroken.
        """
        from qfl.simulation.own_names import with_names

        return replace(self, **with_names({name: value for name, value in options.items() if value is not None}))


def load_config(path: Path) -> JobConfig:
    """Read a job from a TOML file with the fields of `JobConfig`.

    It is the reader's own, so where it names an encoder, an ansatz and the like it may say `package.module:Name`, of a
    module beside the file, too. What the job has in its place is the name that this is registered under.

    Raises:
        InvalidInput: the file is not TOML, or has an unknown field or a value of the wrong kind.
        DoorBroken: a module that it names cannot be loaded.
    """
    from qfl.simulation.own_names import with_names  # numpy takes its time to import: not for `qfl --help`

    try:
        document = read_toml(path)
    except OSError as error:
        raise InvalidInput("config", str(path), f"{error.strerror}: name a job's TOML file") from error
    except ValueError as error:
        raise InvalidInput("config", str(path), f"is no TOML file ({error}): mend it") from error
    known = [setting.name for setting in fields(JobConfig)]
    for name, value in document.items():
        if name not in known:
            raise InvalidInput(name, value, f"unknown in {path}; known are {', '.join(known)}")
    if isinstance(document.get("classes"), list):
        document["classes"] = tuple(document["classes"])
    return JobConfig(**with_names(document, path.parent))


def _check_kind(name: str, value: object, kind: type, remedy: str) -> None:
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise InvalidInput(name, value, remedy)
