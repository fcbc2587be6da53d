"""Attacks one after the other, each beside its reference: what stopped it, what it cost, what it did."""

import logging
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, Self

from experiments.attacks.adversary import bonded_attackers
from experiments.attacks.strategy import NO_ATTACK, Attack
from experiments.attacks.testnet import LocalTestnet, revert_chain, role_of
from experiments.attacks.trial import HONEST, Outcome, SmallJob, Trial
from experiments.attacks.votes import LONG_TURNS
from qfl.chain.contracts.staking import Role
from qfl.client.update import NormProver
from qfl.crypto.norm.keys import NormKeys
from qfl.crypto.norm.prover import Prover
from qfl.devnet import Devnet, DevnetConfig
from qfl.devnet.health import call_chain

WEI = 10**18
CAPACITY = 64
"""Lanes of the circuit that the small job needs."""
SEATS = 4


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
        has_changed = outcome.model != reference.model or outcome.funds_wei != reference.funds_wei
        return [] if has_changed else ["it is called open, and changed nothing"]
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


@dataclass
class Moment:
    """A state of the network to come back to: the chain's snapshot, and everybody as they were, with their folders."""

    snapshot: str
    testnet: LocalTestnet


class Stage:
    """Where trials of one mode are played: one bonded network, which is put back afterwards.

    A trial starts at the moment before its attackers first act, or bond as validators: little that everybody does
    honestly is done twice.
    What goes back is the chain, and all that people keep on disk. So keys sign with the same leaf in several pasts, of
    which one remains: only keys of a network that is thrown away may do that. Content stays on IPFS.

    Args:
        devnet: its chain is the stage's alone.
        keys, prover: for the private mode.
        mirrored: whether the shard has a mirror of the beacon, as if this were a chain of its own.
        shards: of the rounds; where there are several, each has one seat.
        quorum: how committees sign.
    """

    def __init__(
        self,
        devnet: Devnet,
        folder: Path,
        job: SmallJob,
        keys: NormKeys | None = None,
        prover: NormProver | None = None,
        mirrored: bool = False,
        shards: int = 1,
        quorum: str = NO_ATTACK.quorum,
    ) -> None:
        self._quorum: str = quorum
        self._times: dict[str, Any] = LONG_TURNS if quorum == "votes" else {}
        self._devnet, self._folder, self._job, self._prover, self._mirrored = devnet, folder, job, prover, mirrored
        self._shards, self._seats = shards, SEATS if shards == 1 else 1
        self._verifying_key = None if keys is None else keys.verifying_key
        self._moments: list[Moment] = []
        """By how many rounds are over."""

    def play(self, attack: Attack) -> Outcome:
        """Run the small job, with the attack."""
        attackers = list(bonded_attackers(attack))
        # A validator's stake counts at once before round 1 only; later, from the twelfth round on.
        has_validators = any(role_of(name) is Role.VALIDATOR for name in attackers)
        moment = self._go_back(0 if has_validators else min(attack.rounds, default=NO_ATTACK.models) - 1)
        with self._arena(attack.name, moment.testnet, attackers) as testnet:
            return Trial(testnet, self._job, attack).run()

    def _go_back(self, rounds: int) -> Moment:
        """To the moment when `rounds` are over: put the network back there, or to the last one before and go on."""
        del self._moments[rounds + 1 :]  # reverting to a snapshot deletes those taken later
        if self._moments:
            last = self._moments[-1]
            revert_chain(self._devnet.rpc_url, last.snapshot)
            last.snapshot = self._snapshot()
        while len(self._moments) <= rounds:
            past = self._moments[-1].testnet if self._moments else None
            with self._arena("honest", past) as testnet:
                honest = Trial(testnet, self._job, NO_ATTACK)
                if past is not None:
                    honest.run_round()
            self._moments.append(Moment(self._snapshot(), testnet))
        return self._moments[rounds]

    def _arena(self, name: str, past: LocalTestnet | None, attackers: Sequence[str] = ()) -> LocalTestnet:
        return LocalTestnet(
            *(self._devnet, Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self._folder)), [*HONEST, *attackers]),
            *(self._job.document, self._job.genesis),
            marks="marks",
            verifying_key=self._verifying_key,
            prover=self._prover,
            mirrored=self._mirrored,
            past=past,
            quorum=self._quorum,
            shards=self._shards,
            seats=self._seats,
            **self._times,
        )

    def _snapshot(self) -> str:
        return str(call_chain(self._devnet.rpc_url, "evm_snapshot"))


class Setting(NamedTuple):
    """What a stage is set up for: the private mode, a shard that has a mirror, rounds of so many shards, a quorum."""

    private: bool
    mirrored: bool
    shards: int
    quorum: str


class Suite:
    """Tries attacks; a context manager, for the sake of its networks and its proving process.

    Each setting has a chain and an IPFS node of its own, started when the first attack needs it. A reference serves all
    attacks there that lose the same rounds.
    """

    def __init__(self, folder: Path) -> None:
        """`folder` is for all that they keep on disk, keys of norm proofs included."""
        self._folder = folder
        self._open = ExitStack()
        self._stages: dict[Setting, Stage] = {}
        self._references: dict[tuple[Setting, tuple[int, ...], int], Outcome] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def run(self, attack: Attack) -> Row:
        """Try one attack; two runs, or one if its reference is known.

        Raises:
            ExtraMissing: it is for the private mode, and nothing here can prove.
        """
        setting = Setting(attack.private, attack.mirrored, attack.shards, attack.quorum)
        alike, stage = (setting, attack.lost, attack.models), self._stage(setting)
        if alike not in self._references:
            honest = replace(NO_ATTACK, lost=attack.lost, models=attack.models, quorum=attack.quorum)
            self._references[alike] = stage.play(honest)
        return compare(attack, self._references[alike], stage.play(attack))

    def _stage(self, setting: Setting) -> Stage:
        if setting not in self._stages:
            mode = "private" if setting.private else "transparent"
            keys = NormKeys.setup(CAPACITY, self._folder / f"norm-{CAPACITY}") if setting.private else None
            prover = self._open.enter_context(Prover(keys)) if keys is not None else None
            folder = self._folder / f"devnet-{mode}-{setting.shards}{'-mirrored' * setting.mirrored}-{setting.quorum}"
            devnet = self._open.enter_context(Devnet(DevnetConfig(folder)))
            job = SmallJob.load(mode)
            self._stages[setting] = Stage(
                devnet,
                self._folder,
                job,
                keys,
                prover,
                mirrored=setting.mirrored,
                shards=setting.shards,
                quorum=setting.quorum,
            )
        return self._stages[setting]


@contextmanager
def quiet() -> Iterator[None]:
    """Honest roles warn of what attackers do, over and over: only what is worse than that is shown."""
    logger = logging.getLogger("qfl")
    before = logger.level
    logger.setLevel(logging.ERROR if before >= logging.INFO else before)
    try:
        yield
    finally:
        logger.setLevel(before)
