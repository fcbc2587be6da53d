"""Every attack, by name."""

from collections.abc import Sequence
from functools import partial
from typing import TypeVar

from experiments.attacks import challenges, clients, gossip, keys, mirrors, outsiders, seats, votes
from experiments.attacks.attack_outcome import FRESH_COMMITTEE, NOT_ATTESTED, NOT_INCLUDED, OTHERS_QUORUM
from experiments.attacks.insistent import Insistent
from experiments.attacks.seats import attacker_in
from experiments.attacks.strategy import Attack, Outsider
from experiments.poisoning.client import POISONERS
from qfl.apps.cli.behaviour import Behaviour
from qfl.errors import InvalidInput

Role = TypeVar("Role")
JUDGED = "passes every objective check; validators with data of their own leave it out: see `qfl bench attack`"
REPEATED = (2,)
"""The attacked round is lost, and the next one repeats it."""

LIAR = attacker_in(seats.LyingSeat)
"""Whether it proposes to honest seats, or has a quorum with others of its kind."""

CENSORING = attacker_in(seats.CensoringSeat)
"""The same of one that leaves out a client's update."""

_by_the_book = partial(Attack, stopped_by=(), is_open=True, note=JUDGED)
_private = partial(Attack, private=True)
_keyed = partial(Attack, signing="keys")
_lying_node = partial(Attack, strategy=keys.LyingNode, signing="auto", confirmations=keys.DEPTH)
_proposer = partial(Attack, first=True)
_voter = partial(Attack, first=True, gossips=True, quorum="votes")
_publisher = partial(Attack, first=True, lost=REPEATED, slashed=True, shards=2)
_majority = partial(Attack, attackers=3, lost=REPEATED, slashed=True)

_mirror = partial(_majority, mirrored=True)

ALL = (
    # --- in another's name ---
    Attack(
        "forged-sender",
        "commit, leave and change keys in others' names, from any account",
        outsiders.ForgedSender,
        ("BadSignature",),
    ),
    Attack(
        "replay-round",
        "send a client's signed commitment again in the next round",
        outsiders.ReplayAcrossRounds,
        ("NotCurrentRound", "LeafReused"),
    ),
    Attack(
        "replay-client",
        "say one client's signed commitment in another's name",
        outsiders.ReplayAcrossClients,
        ("BadSignature",),
        place=1,
    ),
    Attack(
        "replay-contract",
        "bring what a client signed for another deployment",
        outsiders.ReplayAcrossContracts,
        ("BadSignature",),
    ),
    Attack(
        "replay-chain", "bring what a client signed for another chain", outsiders.ReplayAcrossChains, ("BadSignature",)
    ),
    Attack(
        "copied-commitment",
        "commit to what another committed to, open it with its words",
        clients.CopiedCommitment,
        ("CommitmentMismatch", NOT_INCLUDED),
        place=3,
    ),
    Attack(
        "leaf-reuse",
        "sign every commitment with the same leaf of its key",
        clients.ReusedLeaf,
        ("LeafReused", NOT_INCLUDED),
        rounds=(1, 2),
        slashed=True,
        note="the commitment that it never reveals is charged",
    ),
    # --- keys ---
    _keyed(
        "front-run-token",
        "commit with a client's token before it does",
        keys.TokenThief,
        ("CommitmentMismatch",),
        note="the client signs in that round",
    ),
    _keyed(
        "early-key",
        "commit with a key that its client, which has committed, shows too early",
        keys.EarlyKey,
        ("AlreadyCommitted", "WrongPhase", "AlreadyRevealed"),
        place=3,
        note="before its commitment is final, a client that shows its key is open to a reorganization",
    ),
    _keyed("old-key", "use links of the round before", keys.OldKey, ("BadToken",)),
    _keyed(
        "restored-backup",
        "use what a client showed before it restored a backup that knows nothing of it",
        keys.RestoredBackup,
        ("BadToken",),
        rounds=(1, 2),
        note="keys follow from the round, so the client goes on; its LMS key counts, and an old one is `leaf-reuse`",
    ),
    _keyed(
        "replay-key",
        "bring token, key and commitment that a client has for another contract or chain",
        keys.ReplayedKey,
        ("BadToken", "CommitmentMismatch"),
        note="with the token of this place the slot was taken, so the client signs in that round",
    ),
    _keyed(
        "replay-shard",
        "send what a client commits and reveals by key to another shard too",
        keys.OtherShard,
        ("NotInShard", "NotCommitted"),
        place=3,
        shards=2,
        note="a commitment names its shard; its key opens it there and nowhere else, whoever has it",
    ),
    _keyed(
        "exhausted-chain",
        "use the links of a client that has shown all of them",
        keys.ExhaustedChain,
        ("HashChainNotBegun",),
        note="the client signs in that round, and has named another chain",
    ),
    _keyed(
        "reorganized-commit",
        "take a commitment back when its key should be shown, and commit with that key first",
        keys.Reorganizer,
        ("AlreadyRevealed",),
        confirmations=keys.DEPTH,
        place=3,
        note="the client has shown no key, and signs on the other branch",
    ),
    _keyed(
        "reorganized-hasty-commit",
        "the same of a client that does not wait, when it cannot sign any more",
        keys.LateReorganizer,
        (),
        is_open=True,
        place=3,
        note="for this round alone; a client that waits has shown no key, and loses the round",
    ),
    _lying_node(
        "lying-node",
        "keep a client's commitment from the chain, and have it shown as final and its phase as over",
        stopped_by=("BadToken", "CommitmentMismatch"),
        nodes=1,
        note="the client asks one node of somebody else, so it signs",
    ),
    _lying_node(
        "lying-node-of-two",
        "the same of a client that asks an honest node as well",
        stopped_by=("CommitmentMismatch",),
        nodes=2,
        note="the client shows no key, and signs; while a node lies on, it can keep the client out, never speak for it",
    ),
    _lying_node(
        "lying-trusted-node",
        "the same of a client that trusts the node (`--signing keys`)",
        stopped_by=(),
        signing="keys",
        nodes=1,
        is_open=True,
        note="for this round alone; a client that keeps the rule asks two nodes or its own, or signs",
    ),
    # --- content ---
    Attack("over-norm", "outweigh all others with one huge update", clients.OverNorm, (NOT_INCLUDED,)),
    Attack(
        "withheld-content",
        "reveal an update and store it nowhere",
        clients.WithheldContent,
        (NOT_INCLUDED,),
        note="each seat searches for it once a turn",
    ),
    # --- by the book ---
    _by_the_book("sign-flip", "send what it has learned the other way round", POISONERS["sign-flip"]),
    _by_the_book("label-flip", "train on false labels", POISONERS["label-flip"]),
    _by_the_book("pauli", "put random gates into the circuit that it has trained", POISONERS["pauli"]),
    # --- private mode ---
    _private(
        "over-norm-proof",
        "prove that a huge update is within a bound of its own choice",
        clients.OverNorm,
        ("BadNormProof", NOT_INCLUDED),
    ),
    _private(
        "another-vectors-proof",
        "show a proof about one vector and seal another",
        clients.AnotherVector,
        (NOT_INCLUDED,),
    ),
    _private(
        "another-clients-proof",
        "use a proof that was made for another client",
        clients.AnothersProof,
        ("BadNormProof", NOT_INCLUDED),
    ),
    _private(
        "another-rounds-proof",
        "use a proof that was made for another round",
        clients.OldProof,
        ("BadNormProof", NOT_INCLUDED),
    ),
    _private(
        "malleated-proof",
        "be quicker than a client's reveal, with an altered proof",
        outsiders.MalleatedProof,
        ("CommitmentMismatch", "BadNormProof", "CoordinateOutOfField"),
        note="(-A, -B, C) is accepted, as any proof of the same statement: the client's reveal is carried for it",
    ),
    _private(
        "under-gassed-proof",
        "have a good proof recorded as false by too little gas",
        outsiders.UnderGassedProof,
        ("OutOfGas",),
    ),
    # --- seats ---
    _proposer("silent-proposer", "hold the first seat and say nothing", seats.Silent, (OTHERS_QUORUM,)),
    _proposer(
        "selective-gossip",
        "tell one seat alone what it signs, as the first of its turn, and never bring the quorum",
        attacker_in(gossip.SelectiveSeat),
        (OTHERS_QUORUM,),
        gossips=True,
    ),
    Attack(
        "flooding-gossip",
        "drown what seats tell each other in words that nobody has signed, as 64 peers",
        gossip.Flooder,
        (),
        gossips=True,
        note="what the seats did not hear they say on chain, a quarter of the turn later",
    ),
    _voter(
        "withheld-list",
        "vote as the first of the turn, and keep the list of votes from the chain",
        attacker_in(votes.WithholdingVoter),
        (OTHERS_QUORUM,),
        note="the others sign in the same turn",
    ),
    _voter(
        "late-list",
        "vote for a false checkpoint with everybody's keys, once they are shown",
        attacker_in(votes.LateLister),
        ("NotPostedInTime",),
        gains=True,
        note="it is paid for its seat: its first vote was for what is right",
    ),
    _voter(
        "reorganized-list",
        "take the chain back to before the list when keys are shown, and vote with them first",
        attacker_in(votes.Reorganizer),
        (),
        confirmations=votes.DEPTH,
        note="the seats have shown no key before the list was final, and signed",
    ),
    _voter(
        "reorganized-hasty-list",
        "the same to seats that do not wait",
        attacker_in(votes.Reorganizer),
        (),
        is_open=True,
        lost=REPEATED,
        models=1,
        note="a false checkpoint in their names, for which they are slashed; seats that wait have shown no key",
    ),
    _proposer(
        "censoring-proposer",
        "propose a result without one client's update",
        CENSORING,
        (NOT_ATTESTED, OTHERS_QUORUM),
    ),
    _proposer("lying-proposer", "propose a false aggregate to honest seats", LIAR, (NOT_ATTESTED, OTHERS_QUORUM)),
    _proposer(
        "lying-minority",
        "bring a false aggregate with one signature of four",
        attacker_in(seats.MinoritySeat),
        ("NoQuorum", NOT_ATTESTED, OTHERS_QUORUM),
    ),
    Attack(
        "stalling-third",
        "let a round fail by the silence of two seats of four",
        seats.Silent,
        (FRESH_COMMITTEE,),
        attackers=2,
        lost=REPEATED,
        note="any more than a third of the seats can do this",
    ),
    _proposer(
        "equivocation",
        "propose two results in one turn",
        attacker_in(seats.EquivocatingSeat),
        ("equivocation dispute", OTHERS_QUORUM),
        slashed=True,
    ),
    _majority(
        "lying-majority",
        "attest a false aggregate with three seats of four",
        LIAR,
        ("aggregate dispute", FRESH_COMMITTEE),
    ),
    _majority(
        "private-majority",
        "attest a false aggregate of sealed updates",
        LIAR,
        ("aggregate dispute", FRESH_COMMITTEE),
        private=True,
        note="the challenger has the key of the one honest seat: without it, only clients could show the updates",
    ),
    Attack(
        "censoring-majority",
        "attest a result without one client's update",
        CENSORING,
        (),
        attackers=3,
        is_open=True,
        note="no proof shows what is left out: an update is lost, its client unpaid; the next round draws other seats",
    ),
    _majority(
        "unopenable-majority",
        "attest an aggregate that nobody can open",
        attacker_in(seats.UnopenableSeat),
        ("withheld dispute", FRESH_COMMITTEE),
    ),
    _majority(
        "phantom-majority",
        "include an update that was never revealed",
        attacker_in(seats.PhantomSeat),
        ("updates dispute", FRESH_COMMITTEE),
    ),
    _majority(
        "over-norm-majority",
        "include an accomplice's huge update",
        attacker_in(seats.LenientSeat),
        ("norm dispute", FRESH_COMMITTEE),
        accomplices=(clients.OverNorm,),
    ),
    _majority(
        "hidden-update",
        "include an accomplice's update that nobody else can fetch",
        attacker_in(seats.HidingSeat),
        ("withheld dispute", FRESH_COMMITTEE),
        accomplices=(clients.WithheldContent,),
        note="the challenger demands the update; shown in time, it would be recomputed",
    ),
    # --- mirrors, where shards have chains of their own ---
    _mirror(
        "misled-mirror",
        "tell the shard's mirror of a round that nobody has opened",
        mirrors.misleading(mirrors.MisleadingKeeper),
        ("mirror dispute",),
        lost=(2, 3),
        models=1,
        note="and every later round of this shard: it needs a new mirror",
    ),
    _mirror(
        "runaway-mirror",
        "tell the shard's mirror of round 2^64 - 1, and of one without shards",
        mirrors.misleading(mirrors.RunawayKeeper),
        ("RoundTooFar", "NoSuchShard", FRESH_COMMITTEE),
        slashed=False,
        note="they say nothing else, so their round is lost; a turn later the committee before them brings the next",
    ),
    Attack(
        "skewed-mirror",
        "have a shard's mirror a round ahead, and use keys of its clients there",
        mirrors.AheadOfTime,
        ("BadToken", "mirror dispute"),
        accomplices=(mirrors.misleading(mirrors.MisleadingKeeper),) * 3,
        place=3,
        lost=(2, 3),
        models=1,
        mirrored=True,
        signing="keys",
        note="clients show no token and no key while the beacon is in another round than their shard",
    ),
    # --- models ---
    _majority(
        "lying-model-majority",
        "attest the right aggregate, and a next model that does not follow",
        attacker_in(seats.LyingModelSeat),
        ("model dispute", FRESH_COMMITTEE),
    ),
    _majority(
        "unopenable-model-majority",
        "attest a next model that nobody can open",
        attacker_in(seats.UnopenableModelSeat),
        ("withheld dispute", FRESH_COMMITTEE),
    ),
    _publisher(
        "lying-publisher",
        "publish a model that does not follow",
        seats.LyingPublisher,
        ("model dispute", FRESH_COMMITTEE),
    ),
    _publisher(
        "withholding-publisher",
        "publish a false model that nobody can open",
        seats.WithholdingPublisher,
        ("withheld dispute", FRESH_COMMITTEE),
    ),
    Attack(
        "copied-publication",
        "publish, in another's slot, what that one is about to publish",
        seats.PublicationCopier,
        ("NotYourSlot",),
        seated=False,
        shards=2,
    ),
    # --- challenges ---
    Attack(
        "wrong-disputes",
        "dispute right results with every kind of proof",
        challenges.WrongDisputes,
        (
            *("UpdatesAreRight", "WithinNorm", "ContentIsRight", "AggregateIsRight", "NotOpened", "ModelIsRight"),
            *("NotEquivocation", "NotOverdue"),
        ),
    ),
    Attack(
        "repeated-disputes",
        "have the guilty slashed twice by the same proof",
        challenges.RepeatedDisputes,
        ("NoCheckpoint", "aggregate dispute", FRESH_COMMITTEE),
        lost=REPEATED,
        accomplices=(LIAR,) * 3,
    ),
    Attack(
        "front-run-dispute",
        "copy a proof that waits for a block, and be in it first",
        challenges.FrontRunner,
        ("aggregate dispute", FRESH_COMMITTEE),
        lost=REPEATED,
        gains=True,
        accomplices=(LIAR,) * 3,
        note="the bounty goes to the copy; the guilty pay all the same",
    ),
    # --- money ---
    _majority(
        "exit-before-slash",
        "attest a false aggregate, then ask for the stake back",
        seats.Leaver,
        ("StillUnbonding", "aggregate dispute", FRESH_COMMITTEE),
    ),
    Attack("reward-twice", "claim every reward again", outsiders.RewardTwice, ("AlreadyRewarded", "NothingOwed")),
    Attack(
        "reward-for-another",
        "claim rewards for those who did not earn them",
        outsiders.RewardForAnother,
        ("NotIncluded", "NotFinal"),
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
