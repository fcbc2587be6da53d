"""Every attack, by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from experiments.attacks import challenges, commits, draw, exits, models, proofs, rewards, seats, updates
from experiments.attacks.attack_outcome import FRESH_COMMITTEE, NOT_ATTESTED, NOT_INCLUDED, OTHERS_QUORUM
from experiments.attacks.insistent import Insistent
from experiments.attacks.strategy import Attack, Outsider, Who
from experiments.poisoning.client import POISONERS
from qfl.apps.cli.behaviour import Behaviour
from qfl.errors import InvalidInput

Role = TypeVar("Role")
CLIENT, VALIDATOR, OUTSIDER, CHALLENGER = Who.CLIENT, Who.VALIDATOR, Who.OUTSIDER, Who.CHALLENGER
JUDGED = "passes every objective check; validators with data of their own leave it out: see `qfl bench attack`"
REPEATED = (2,)
"""The attacked round is lost, and the next one repeats it."""

ALL = (
    # --- in another's name ---
    Attack(
        "forged-sender",
        *(OUTSIDER, "commit, leave and change keys in others' names, from any account", commits.ForgedSender),
        ("BadSignature",),
    ),
    Attack(
        "replay-round",
        *(OUTSIDER, "send a client's signed commitment again in the next round", commits.ReplayAcrossRounds),
        ("NotCurrentRound", "LeafReused"),
    ),
    Attack(
        "replay-client",
        *(OUTSIDER, "say one client's signed commitment in another's name", commits.ReplayAcrossClients),
        ("BadSignature",),
        place=1,
    ),
    Attack(
        "replay-contract",
        *(OUTSIDER, "bring what a client signed for another deployment", commits.ReplayAcrossContracts),
        ("BadSignature",),
    ),
    Attack(
        "replay-chain",
        *(OUTSIDER, "bring what a client signed for another chain", commits.ReplayAcrossChains),
        ("BadSignature",),
    ),
    Attack(
        "copied-commitment",
        *(CLIENT, "commit to what another committed to, open it with its words", commits.CopiedCommitment),
        ("CommitmentMismatch", NOT_INCLUDED),
        place=3,
    ),
    Attack(
        "leaf-reuse",
        *(CLIENT, "sign every commitment with the same leaf of its key", commits.ReusedLeaf),
        ("LeafReused", NOT_INCLUDED),
        rounds=(1, 2),
    ),
    # --- content ---
    Attack(
        "over-norm",
        *(CLIENT, "outweigh all others with one huge update", updates.OverNorm),
        (NOT_INCLUDED,),
    ),
    Attack(
        "withheld-content",
        *(CLIENT, "reveal an update and store it nowhere", updates.WithheldContent),
        (NOT_INCLUDED,),
        note="each seat searches for it once a turn",
    ),
    # --- by the book ---
    Attack(
        "sign-flip",
        *(CLIENT, "send what it has learned the other way round", POISONERS["sign-flip"]),
        (),
        is_open=True,
        note=JUDGED,
    ),
    Attack(
        "label-flip",
        *(CLIENT, "train on false labels", POISONERS["label-flip"]),
        (),
        is_open=True,
        note=JUDGED,
    ),
    Attack(
        "pauli",
        *(CLIENT, "put random gates into the circuit that it has trained", POISONERS["pauli"]),
        (),
        is_open=True,
        note=JUDGED,
    ),
    # --- private mode ---
    Attack(
        "over-norm-proof",
        *(CLIENT, "prove that a huge update is within a bound of its own choice", updates.OverNorm),
        ("BadNormProof", NOT_INCLUDED),
        private=True,
    ),
    Attack(
        "another-vectors-proof",
        *(CLIENT, "show a proof about one vector and seal another", proofs.AnotherVector),
        (NOT_INCLUDED,),
        private=True,
    ),
    Attack(
        "another-clients-proof",
        *(CLIENT, "use a proof that was made for another client", proofs.AnothersProof),
        ("BadNormProof", NOT_INCLUDED),
        private=True,
    ),
    Attack(
        "another-rounds-proof",
        *(CLIENT, "use a proof that was made for another round", proofs.OldProof),
        ("BadNormProof", NOT_INCLUDED),
        private=True,
    ),
    Attack(
        "malleated-proof",
        *(OUTSIDER, "be quicker than a client's reveal, with an altered proof", proofs.MalleatedProof),
        ("CommitmentMismatch", "BadNormProof", "CoordinateOutOfField"),
        private=True,
        note="(-A, -B, C) is accepted, as any proof of the same statement: the client's reveal is carried for it",
    ),
    Attack(
        "under-gassed-proof",
        *(OUTSIDER, "have a good proof recorded as false by too little gas", proofs.UnderGassedProof),
        ("OutOfGas",),
        private=True,
    ),
    # --- seats ---
    Attack(
        "silent-proposer",
        *(VALIDATOR, "hold the first seat and say nothing", seats.Silent),
        (OTHERS_QUORUM,),
        first=True,
    ),
    Attack(
        "censoring-proposer",
        *(VALIDATOR, "propose a result without one client's update", seats.CensoringProposer),
        (NOT_ATTESTED, OTHERS_QUORUM),
        first=True,
    ),
    Attack(
        "lying-proposer",
        *(VALIDATOR, "propose a false aggregate to honest seats", seats.LyingProposer),
        (NOT_ATTESTED, OTHERS_QUORUM),
        first=True,
    ),
    Attack(
        "lying-minority",
        *(VALIDATOR, "bring a false aggregate with one signature of four", seats.Minority),
        ("NoQuorum", "BadAttestation", NOT_ATTESTED, OTHERS_QUORUM),
        first=True,
    ),
    Attack(
        "stalling-third",
        *(VALIDATOR, "let a round fail by the silence of two seats of four", seats.Silent),
        (FRESH_COMMITTEE,),
        attackers=2,
        lost=REPEATED,
        note="any more than a third of the seats can do this",
    ),
    Attack(
        "equivocation",
        *(VALIDATOR, "propose two results in one turn", seats.Equivocator),
        ("equivocation dispute", OTHERS_QUORUM),
        first=True,
        slashed=True,
    ),
    Attack(
        "lying-majority",
        *(VALIDATOR, "attest a false aggregate with three seats of four", seats.Majority),
        ("aggregate dispute", FRESH_COMMITTEE),
        attackers=3,
        lost=REPEATED,
        slashed=True,
    ),
    Attack(
        "private-majority",
        *(VALIDATOR, "attest a false aggregate of sealed updates", seats.Majority),
        ("aggregate dispute", FRESH_COMMITTEE),
        attackers=3,
        lost=REPEATED,
        slashed=True,
        private=True,
        note="the challenger has the key of the one honest seat: without it, only clients could show the updates",
    ),
    Attack(
        "unopenable-majority",
        *(VALIDATOR, "attest an aggregate that nobody can open", seats.UnopenableMajority),
        ("aggregate dispute", FRESH_COMMITTEE),
        attackers=3,
        lost=REPEATED,
        slashed=True,
    ),
    Attack(
        "phantom-majority",
        *(VALIDATOR, "include an update that was never revealed", seats.PhantomMajority),
        ("updates dispute", FRESH_COMMITTEE),
        attackers=3,
        lost=REPEATED,
        slashed=True,
    ),
    Attack(
        "over-norm-majority",
        *(VALIDATOR, "include an accomplice's huge update", seats.LenientMajority),
        ("norm dispute", FRESH_COMMITTEE),
        attackers=3,
        lost=REPEATED,
        slashed=True,
        accomplices=(updates.OverNorm,),
    ),
    Attack(
        "hidden-update",
        *(VALIDATOR, "include an accomplice's update that nobody else can fetch", seats.HidingMajority),
        (),
        attackers=3,
        accomplices=(updates.WithheldContent,),
        is_open=True,
        note="what nobody else has nobody can recompute: two thirds of a committee and a client choose the model",
    ),
    # --- models ---
    Attack(
        "lying-publisher",
        *(VALIDATOR, "publish a model that does not follow", models.LyingPublisher),
        ("model dispute", FRESH_COMMITTEE),
        seated=False,
        lost=REPEATED,
        slashed=True,
    ),
    Attack(
        "withholding-publisher",
        *(VALIDATOR, "publish a false model that nobody can open", models.WithholdingPublisher),
        ("model dispute", FRESH_COMMITTEE),
        seated=False,
        lost=REPEATED,
        slashed=True,
    ),
    # --- challenges ---
    Attack(
        "wrong-disputes",
        *(CHALLENGER, "dispute right results with every kind of proof", challenges.WrongDisputes),
        (
            *("UpdatesAreRight", "WithinNorm", "ContentIsRight", "AggregateIsRight", "NotOpened", "ModelIsRight"),
            "NotEquivocation",
        ),
    ),
    Attack(
        "repeated-disputes",
        *(CHALLENGER, "have the guilty slashed twice by the same proof", challenges.RepeatedDisputes),
        ("NoCheckpoint", "aggregate dispute", FRESH_COMMITTEE),
        lost=REPEATED,
        accomplices=(seats.Majority,) * 3,
    ),
    Attack(
        "front-run-dispute",
        *(CHALLENGER, "copy a proof that waits for a block, and be in it first", challenges.FrontRunner),
        ("aggregate dispute", FRESH_COMMITTEE),
        lost=REPEATED,
        gains=True,
        accomplices=(seats.Majority,) * 3,
        note="the bounty goes to the copy; the guilty pay all the same",
    ),
    # --- the draw ---
    Attack(
        "grinding-draw",
        *(OUTSIDER, "open the round in a block that draws accomplices", draw.Grinder),
        (),
        rounds=(1,),
        seated=False,
        accomplices=(seats.Silent,) * 3,
        note="bounded by who else opens it first; a quorum that lies is slashed, one that stalls loses a round's time",
    ),
    # --- money ---
    Attack(
        "exit-before-slash",
        *(VALIDATOR, "attest a false aggregate, then ask for the stake back", exits.LeavingMajority),
        ("StillUnbonding", "aggregate dispute", FRESH_COMMITTEE),
        attackers=3,
        lost=REPEATED,
        slashed=True,
    ),
    Attack(
        "reward-twice",
        *(OUTSIDER, "claim every reward again", rewards.RewardTwice),
        ("AlreadyRewarded", "NothingOwed"),
    ),
    Attack(
        "reward-for-another",
        *(OUTSIDER, "claim rewards for those who did not earn them", rewards.RewardForAnother),
        ("NotIncluded", "NotAttested", "NotFinal"),
    ),
)

BY_NAME = {attack.name: attack for attack in ALL}


def find_attacks(names: Sequence[str], everything: bool = False) -> list[Attack]:
    """The attacks called `names`, or all.

    Raises:
        InvalidInput: there is no such attack, or none was named.
    """
    if everything:
        return list(ALL)
    if not names:
        raise InvalidInput("name", "", "name attacks, or pass --all; `qfl attack --list` shows them")
    for name in names:
        if name not in BY_NAME:
            raise InvalidInput("name", name, "is no attack: see `qfl attack --list`")
    return [BY_NAME[name] for name in names]


def find_behaviour(name: str, honest: type[Role]) -> Behaviour[Role]:
    """How the adversary called `name` plays a role: its class, an account that insists, the data that it trains on.

    Raises:
        InvalidInput: there is no such attack, or it is not this role's.
    """
    poisoner = POISONERS.get(name)
    if poisoner is not None and issubclass(poisoner, honest):
        return Behaviour(poisoner, Insistent, poisoner.taint)
    (attack,) = find_attacks([name])
    if issubclass(attack.strategy, Outsider) or not issubclass(attack.strategy, honest):
        raise InvalidInput("attack", name, f"is for a {attack.who}, not for this role: see `qfl attack --list`")
    return Behaviour(attack.strategy, Insistent)
