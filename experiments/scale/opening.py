"""What opening a round costs the beacon: measured beyond the rounds that are run, as it grows faster than the rest."""

from __future__ import annotations

import secrets
import tempfile
from pathlib import Path

from experiments.scale.laws import OPENING, Coefficients, fit, opening_counts
from qfl.chain.clock import DevelopmentClock
from qfl.chain.contracts.beacon import Beacon
from qfl.chain.contracts.staking import Role, Staking
from qfl.chain.deploy import Genesis, deploy
from qfl.chain.parameters import load_parameters
from qfl.chain.rpc.accounts import development_account
from qfl.chain.rpc.connection import connect
from qfl.chain.rpc.sender import Sender
from qfl.devnet.config import DevnetConfig
from qfl.devnet.devnet import Devnet
from qfl.protocol.types import LmsPublicKey, ModelShape

VALIDATORS = (32, 256)
SEATS = (4, 16, 64, 256)
SEATS_A_SHARD = 4


def measure_opening() -> Coefficients:
    """Open rounds of growing size on a chain of its own, and fit the gas of their receipts."""
    counts, gas = [], []
    with (
        tempfile.TemporaryDirectory(prefix="qfl-opening-") as folder,
        Devnet(DevnetConfig(Path(folder), with_ipfs=False)) as devnet,
    ):
        opened = _Opened(devnet.rpc_url)
        for validators in VALIDATORS:
            opened.bond_up_to(validators)
            for seats in (seats for seats in SEATS if seats <= validators):
                counts.append(opening_counts(validators, seats))
                gas.append(opened.gas_of(seats))
    return fit(OPENING, counts, gas)


class _Opened:
    """A deployment where nobody takes part: every round fails, and the next one can be opened."""

    def __init__(self, rpc_url: str) -> None:
        self._web3 = connect(rpc_url)
        self._sender = Sender(self._web3, development_account(0))
        self._parameters = load_parameters()
        genesis = Genesis(bytes(32), bytes(32), bytes(32), ModelShape(1, 0))
        contracts = deploy(self._web3, self._sender, self._parameters, genesis).contracts
        self._beacon = Beacon(self._web3, contracts["Beacon"].address)
        self._staking = Staking(self._web3, contracts["Staking"].address)
        self._clock = DevelopmentClock(self._web3)
        self._bonded = 0

    def bond_up_to(self, validators: int) -> None:
        """Bond validators with keys that nobody has: they are never asked to sign."""
        stake_wei = self._staking.minimum_stake_wei(Role.VALIDATOR)
        for _ in range(validators - self._bonded):
            key = LmsPublicKey(secrets.token_bytes(16), secrets.token_bytes(24), 5)
            self._sender.send(self._staking.bond(Role.VALIDATOR, key, self._sender.address, stake_wei))
        self._bonded = validators

    def gas_of(self, seats: int) -> int:
        """Gas of opening a round with that many seats."""
        shape = {"shards": max(1, seats // SEATS_A_SHARD), "seats": SEATS_A_SHARD}
        self._sender.send(self._beacon.set_parameters({**self._parameters.rounds, **shape}))
        gas = self._sender.send(self._beacon.open_round()).gas
        self._clock.reach(self._beacon.round_at(self._beacon.current_round()).publish_ends_at + 1)
        return gas
