"""Bond a participant with the public key of a key file, made by `qfl key new`:

    brownie run bond client ada.key [stake in ether]
    brownie run bond validator vera.key [stake in ether]

The stake is the role's minimum unless given. The hash chain is of the seed in `links.seed`, beside the key file.
Settings from the environment:

    QFL_ACCOUNT      who pays: an account id known to Brownie; default: the first account
    QFL_WITHDRAWAL   where stake and rewards go; default: the account that pays
    QFL_DEPLOYMENT   the deployment file; default: deployments/<chain id>.json

On Brownie's own chain, which begins empty, the contracts are deployed first. For a chain that runs already, tell
Brownie once where it is, then add `--network devnet`:

    brownie networks add qfl devnet host=http://127.0.0.1:8545 chainid=31337
"""

import os
from pathlib import Path
from typing import Any

from brownie import Beacon, Wei, chain

from qfl.crypto.hash_chain import LinkSeed
from qfl.crypto.keyfile import KeyFile
from qfl.errors import InvalidInput
from scripts.deploy import attach, paying_account


def client(key_file: str, ether: str | None = None) -> int:
    """Bond a client and return its id."""
    staking = attach().staking
    return _bond(staking, "client", key_file, _stake(ether, staking.minClientStakeWei()))


def validator(key_file: str, ether: str | None = None) -> int:
    """Bond a validator and return its id."""
    staking = attach().staking
    return _bond(staking, "validator", key_file, _stake(ether, staking.minValidatorStakeWei()))


def _bond(staking: Any, role: str, key_file: str, stake_wei: int) -> int:
    with KeyFile.open(Path(key_file)) as key:
        public = key.public
    account = paying_account()
    withdrawal = os.environ.get("QFL_WITHDRAWAL", account.address)
    key_struct = ("0x" + public.identifier.hex(), "0x" + public.root.hex(), public.height)
    seed, place = LinkSeed.of(Path(key_file).parent), (chain.id, staking.address, public.identifier)
    paying = {"from": account, "value": stake_wei}
    if role == "client":
        first = Beacon.at(staking.beacon()).currentRound() + 1
        bonded = staking.bondClient(key_struct, seed.chain(*place, first).anchor, first, withdrawal, paying)
    else:
        bonded = staking.bondValidator(key_struct, seed.chain(*place).anchor, withdrawal, paying)
    event = bonded.events["Bonded"]
    print(f"Participant {event['id']}: stake {Wei(stake_wei).to('ether')} ether, withdrawal address {withdrawal}")
    return int(event["id"])


def _stake(ether: str | None, minimum_wei: int) -> int:
    stake_wei = int(Wei(f"{ether} ether")) if ether else minimum_wei
    if stake_wei < minimum_wei:
        raise InvalidInput("stake", ether, f"the minimum is {Wei(minimum_wei).to('ether')} ether")
    return stake_wei
