"""Who attacks in a trial: the attackers' roles, their accounts, and what they have gained in the end."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import cast

from experiments.attacks.insistent import Insistent
from experiments.attacks.strategy import Attack, Griefer, Outsider, Who
from experiments.attacks.testnet import LocalTestnet
from qfl.challenger.fault_detector import FaultDetector
from qfl.client.client import Client
from qfl.protocol.types import RoundNumber
from qfl.validator.validator import Validator

Kind = type[Client] | type[Validator]
ATTACKING_CLIENT, FIRST_ATTACKING_VALIDATOR = 4, 5
OUTSIDE = 18
"""Development account of an attacker without a bond."""


@dataclass
class Acting:
    """The attackers that act in a round."""

    clients: list[Client] = field(default_factory=list)
    validators: list[Validator] = field(default_factory=list)
    challengers: list[Griefer] = field(default_factory=list)
    outsiders: list[Outsider] = field(default_factory=list)


class Adversary:
    """The attackers of one trial, bonded; nobody in the reference."""

    def __init__(self, testnet: LocalTestnet, attack: Attack) -> None:
        self._testnet, self.attack = testnet, attack
        self._all = Acting()
        self.senders: list[Insistent] = []
        self.names: list[str] = []
        self._engage()
        self.participants = {testnet.join(name) for name in bonded_attackers(attack)}
        self._before_wei = self._wealth_wei()

    @property
    def outsiders(self) -> Sequence[Outsider]:
        """Those without a bond."""
        return self._all.outsiders

    def acting_in(self, number: RoundNumber) -> Acting:
        """The attackers that act in a round."""
        return self._all if number in self.attack.rounds else Acting()

    def gained_wei(self) -> int:
        """What the attackers have more than when they had bonded: stakes, rewards, bounties; gas is left out."""
        return self._wealth_wei() - self._before_wei

    def _wealth_wei(self) -> int:
        purses = sum(sender.balance_wei() + sender.fees_wei for sender in self.senders)
        return purses + sum(self._testnet.funds_wei(name) for name in self.names)

    def _engage(self) -> None:
        """Bond the attackers, and give them accounts that insist."""
        testnet, attack = self._testnet, self.attack
        if issubclass(attack.strategy, Outsider):
            self._all.outsiders.append(attack.strategy(testnet, self._outside()))
            self._all.clients.extend(self._all.outsiders)
        elif issubclass(attack.strategy, Griefer):
            detector = FaultDetector(testnet.ledger, testnet.store)
            self._all.challengers.append(attack.strategy(testnet.ledger, self._outside(), detector))
        for name, kind in bonded_attackers(attack).items():
            testnet.join(name)
            number = int(name.split("-")[1])
            if kind is attack.strategy:
                self.names.append(name)
                self.senders.append(Insistent(testnet.senders[name]))
                testnet.senders[name] = self.senders[-1]
            if issubclass(kind, Client):
                self._all.clients.append(testnet.client(number, kind=kind))
            else:
                self._all.validators.append(testnet.validator(number, kind))

    def _outside(self) -> Insistent:
        self.senders.append(Insistent(self._testnet.sender(OUTSIDE)))
        return self.senders[-1]


def bonded_attackers(attack: Attack) -> dict[str, Kind]:
    """The classes of the attackers and their accomplices, by name; validators are numbered after the honest ones."""
    attackers = attack.attackers if attack.who in (Who.CLIENT, Who.VALIDATOR) else 0
    kinds: list[Kind] = [cast(Kind, attack.strategy)] * attackers + list(attack.accomplices)
    numbers = count(FIRST_ATTACKING_VALIDATOR)
    clients, validators = f"client-{ATTACKING_CLIENT}", (f"validator-{number}" for number in numbers)
    return {clients if issubclass(kind, Client) else next(validators): kind for kind in kinds}
