"""What an attack is: a role that does not keep to the program, and the rule that is to stop it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from experiments.attacks.insistent import Insistent
from experiments.attacks.testnet import LocalTestnet
from qfl.chain.contracts.beacon import Phase
from qfl.chain.rpc.sender import UnsentCall
from qfl.challenger.challenger import Challenger
from qfl.client.client import Client, Said
from qfl.node.context import QUIET, Step
from qfl.protocol.types import ParticipantId, RoundNumber
from qfl.validator.validator import Validator


class Who(StrEnum):
    """Who attacks."""

    OUTSIDER = "outsider"
    CLIENT = "client"
    VALIDATOR = "validator"
    CHALLENGER = "challenger"


class Outsider(Client):
    """Somebody without a bond: acts where a client would, by `during_commits` and `during_reveals`.

    `finding` is what it measured, if it did.
    """

    def __init__(self, testnet: LocalTestnet, sender: Insistent) -> None:
        self.participant = ParticipantId(0)
        self.testnet, self.sender, self._ledger = testnet, sender, testnet.ledger
        self.finding = ""

    def step(self, said: Said | None = None) -> Step:
        """Act in either phase, whatever a client should do."""
        context = self._ledger.beacon.context()
        if context.phase is Phase.COMMIT:
            self.during_commits(context.round)
        elif context.phase is Phase.REVEAL:
            self.during_reveals(context.round)
        return QUIET

    def has_prepared(self, round_number: RoundNumber) -> bool:
        """True: it has no model to train."""
        return True

    def during_commits(self, number: RoundNumber) -> None:
        """What it does while clients commit."""

    def during_reveals(self, number: RoundNumber) -> None:
        """What it does while clients reveal."""

    def after_round(self, number: RoundNumber) -> None:
        """What it does when a round is over."""

    def after_settlement(self, credited: Sequence[UnsentCall]) -> None:
        """What it does when every model is final and every reward `credited`."""


class Griefer(Challenger):
    """A challenger that acts before and after an honest one."""

    def around(self, honest: Challenger) -> None:
        """Let the honest one act, and interfere."""
        self.step()
        honest.step()
        self.step()


Strategy = type[Client] | type[Validator] | type[Griefer] | type[Outsider]


@dataclass(frozen=True)
class Attack:
    """One attack.

    Attributes:
        tries: what it tries, in a line.
        strategy: the role that does it.
        stopped_by: what has to be seen of it: contract errors, and outcomes of `attacks.attack_outcome`.
        attackers: how many clients or validators attack together; of the others it is one.
        rounds: the rounds that the attackers act in.
        seated: whether attacking validators need seats in the round's committee; `first`: seat 0 of them.
        lost: the rounds that end without a model that stands; the reference loses them too.
        slashed: whether the attackers' stake must be less afterwards.
        gains: whether the attackers may have more afterwards; `note` says why.
        accomplices: who attacks with them; what those gain and lose is not counted.
        place: how many clients are quicker than an attacker among them.
        private: whether it is tried in the private mode.
        signing: how honest clients commit, one of `SIGNINGS`.
        confirmations: blocks on top of one that make it final for them, and for seats that vote.
        quorum: how committees sign, a scheme of `qfl.quorum`.
        gossips: whether seats talk by gossip; else what attackers say in their seats is on chain, where it is seen.
        nodes: of others, that the first client asks in place of its own; the first of them lies.
        mirrored: whether the shard knows the beacon by a mirror only, as on a chain of its own.
        models: how many models stand at the end.
        shards: of the rounds; where there are several, each has one seat, and somebody publishes.
        is_open: whether nothing stops it yet: then it has to change the model or what others have, or this is out of
            date.
        note: a gain or a damage that numbers do not tell.
    """

    name: str
    tries: str
    strategy: Strategy
    stopped_by: tuple[str, ...]
    attackers: int = 1
    rounds: tuple[int, ...] = (2,)
    seated: bool = True
    first: bool = False
    lost: tuple[int, ...] = ()
    slashed: bool = False
    gains: bool = False
    accomplices: tuple[type[Client] | type[Validator], ...] = ()
    place: int = 0
    private: bool = False
    signing: str = "lms"
    confirmations: int = 0
    quorum: str = "lms"
    gossips: bool = False
    nodes: int = 0
    mirrored: bool = False
    models: int = 2
    shards: int = 1
    is_open: bool = False
    note: str = ""

    @property
    def who(self) -> Who:
        """Whose role it is."""
        kinds = {Outsider: Who.OUTSIDER, Client: Who.CLIENT, Validator: Who.VALIDATOR, Griefer: Who.CHALLENGER}
        return next(who for kind, who in kinds.items() if issubclass(self.strategy, kind))


NO_ATTACK = Attack("reference", "nothing", Client, (), attackers=0, rounds=())
"""Nobody's: what an attack is compared with."""
