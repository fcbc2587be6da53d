"""Attacks one after the other, each beside its reference: what stopped it, what it cost, what it did."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from experiments.attacks.job import SmallJob
from experiments.attacks.strategy import Attack
from experiments.attacks.trial import Outcome, Stage
from qfl.crypto.norm.keys import NormKeys
from qfl.crypto.norm.prover import Prover
from qfl.devnet import Devnet, DevnetConfig

WEI = 10**18
CAPACITY = 64
"""Lanes of the circuit that the small job needs."""


@dataclass(frozen=True)
class Row:
    """What an attack came to.

    Attributes:
        stopped_by: what was to stop it and did.
        stake_lost_eth, gained_eth: what the attackers have less or more than before; gas is left out.
        gas: of the attackers' transactions, refused ones with them.
        rounds_lost, seconds_lost: of the chain.
        searches: for content that nobody stores; each takes a node its whole patience, `FETCH_SECONDS` here.
        honest_funds_unchanged, model_unchanged: against the reference.
        is_open: nothing stops this attack yet.
        complaints: what the attack should not have managed; none when it was stopped as it should be, or is open.
    """

    attack: str
    who: str
    tries: str
    stopped_by: tuple[str, ...]
    stake_lost_eth: float
    gas: int
    gained_eth: float
    rounds_lost: int
    seconds_lost: int
    searches: int
    honest_funds_unchanged: bool
    model_unchanged: bool
    is_open: bool
    note: str
    complaints: tuple[str, ...]

    @property
    def succeeded(self) -> bool:
        """Whether the attack managed what nobody expected of it."""
        return bool(self.complaints)

    def to_json(self) -> dict[str, Any]:
        """The row as plain values."""
        return asdict(self)


def compare(attack: Attack, reference: Outcome, outcome: Outcome) -> Row:
    """The row of an attack, from its run and the run without it."""
    return Row(
        attack=attack.name,
        who=attack.who.value if attack.attackers == 1 else f"{attack.attackers} {attack.who.value}s",
        tries=attack.tries,
        stopped_by=tuple(name for name in attack.stopped_by if name in outcome.attack_outcomes),
        stake_lost_eth=max(0, -outcome.gained_wei) / WEI,
        gas=outcome.gas,
        gained_eth=max(0, outcome.gained_wei) / WEI,
        rounds_lost=len(outcome.lost),
        seconds_lost=outcome.lost_seconds,
        searches=outcome.searches,
        honest_funds_unchanged=outcome.funds_wei == reference.funds_wei,
        model_unchanged=outcome.model == reference.model,
        is_open=attack.is_open,
        note="; ".join(text for text in (outcome.finding, attack.note) if text),
        complaints=tuple(_complaints(attack, reference, outcome)),
    )


def _complaints(attack: Attack, reference: Outcome, outcome: Outcome) -> list[str]:
    if attack.is_open:
        return ["it is called open, and changed nothing"] if outcome.model == reference.model else []
    found = [f"not seen: {name}" for name in attack.stopped_by if name not in outcome.attack_outcomes]
    if outcome.model != reference.model:
        found.append("the final model is another")
    for name, wei in reference.funds_wei.items():
        if outcome.funds_wei[name] != wei:
            found.append(f"{name} has {(outcome.funds_wei[name] - wei) / WEI:+.6f} ETH")
    if outcome.lost != attack.lost:
        found.append(f"rounds {outcome.lost} were lost, not {attack.lost}")
    if attack.slashed and outcome.gained_wei >= 0:
        found.append("it cost no stake")
    if not attack.slashed and outcome.gained_wei < 0:
        found.append("stake was lost for a fault that is not objective")
    if not attack.gains and outcome.gained_wei > 0:
        found.append(f"it gained {outcome.gained_wei / WEI:.6f} ETH")
    return found


class Suite:
    """Tries attacks; a context manager, for the sake of its networks and its proving process.

    Each mode has a chain and an IPFS node of its own, started when the first attack needs it. A reference serves all
    attacks that lose the same rounds in the same mode.
    """

    def __init__(self, folder: Path, norm_keys: NormKeys | None = None) -> None:
        """`norm_keys` are for 64 lanes; they are made in `folder` when they are needed and not given."""
        self._folder, self._norm_keys = folder, norm_keys
        self._open = ExitStack()
        self._stages: dict[bool, Stage] = {}
        self._references: dict[tuple[bool, tuple[int, ...]], Outcome] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def run(self, attack: Attack) -> Row:
        """Try one attack; two runs, or one if its reference is known.

        Raises:
            ExtraMissing: it is for the private mode, and nothing here can prove.
        """
        alike = attack.private, attack.lost
        if alike not in self._references:
            self._references[alike] = self._stage(attack.private).play("reference", None, attack.lost)
        outcome = self._stage(attack.private).play(attack.name, attack, attack.lost)
        return compare(attack, self._references[alike], outcome)

    def _stage(self, private: bool) -> Stage:
        if private not in self._stages:
            mode = "private" if private else "transparent"
            keys = self._keys() if private else None
            prover = self._open.enter_context(Prover(keys)) if keys is not None else None
            devnet = self._open.enter_context(Devnet(DevnetConfig(self._folder / f"devnet-{mode}")))
            verifying_key = keys.verifying_key if keys is not None else None
            self._stages[private] = Stage(devnet, self._folder, SmallJob.load(mode), verifying_key, prover)
        return self._stages[private]

    def _keys(self) -> NormKeys:
        return self._norm_keys or NormKeys.setup(CAPACITY, self._folder / f"norm-{CAPACITY}")
