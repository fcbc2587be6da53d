"""Before anything is sent or spent: whether a job can be deployed and run on the chains that it is given. Read-only."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from qfl.chain.clock import is_development_chain
from qfl.chain.deploy import contracts_of_beacon, contracts_of_shard, deployment_gas, rehearse, require_room
from qfl.chain.parameters import load_parameters
from qfl.chain.rpc.accounts import is_development_account
from qfl.chain.rpc.connection import chain_id_of, url_of
from qfl.chain.rpc.rpc import rpc_at, wait_for
from qfl.chain.rpc.sender import Sender
from qfl.errors import InvalidInput, RunNotAffordable
from qfl.quorum.quorum import SCHEMES
from qfl.simulation.config import JobConfig

JOINING_GAS = 160_000  # of a participant that bonds
KEY_GAS = {"transparent": 0, "private": 180_000}
"""Of the keys that a validator names besides its own, by quorum and by mode."""
CLIENT_GAS = {"transparent": 350_000, "private": 590_000}
"""Of a client in a round, by mode: commit, reveal, reward, and paying it out."""
SEAT_GAS = 230_000
"""Of a seat in a round: attestation, its signature in the checkpoint, reward, and paying it out."""
SHARD_GAS = 200_000  # of a shard's checkpoint besides its signatures
ROUND_GAS = 500_000  # of what there is once in a round: open, publish, settle, the publisher's reward

LONG_SECONDS = 3_600
LONG_WAIT = ": the table [protocol] of --config can shorten these"


@dataclass
class Outlay:
    """What one account spends on one chain: wei that it stakes or gives away, and gas."""

    stakes_wei: int = 0
    pool_wei: int = 0
    gas: int = 0

    def describe(self, price_wei: int) -> str:
        wei = {"stakes": self.stakes_wei, "reward pool": self.pool_wei}
        parts = [f"{value / 1e18:g} ETH of {name}" for name, value in wei.items() if value]
        return ", ".join([*parts, f"{self.gas:,} gas at {price_wei / 1e9:g} gwei"])

    def total_wei(self, price_wei: int) -> int:
        return self.stakes_wei + self.pool_wei + self.gas * price_wei


def check_accounts(senders: Sequence[Sender]) -> None:
    """Refuse to pay from an account whose key everybody has, where that could cost somebody something.

    Raises InvalidInput (a development account on a chain that is not for development), ChainUnreachable.
    """
    for sender in senders:
        if not is_development_chain(sender.web3) and is_development_account(sender.address):
            place = f"{url_of(sender.web3)} (chain id {chain_id_of(sender.web3)})"
            remedy = f"everybody has its key, and {place} is no development chain: pass --account with one of your own"
            raise InvalidInput("account", sender.address, remedy)


def check_deployment(config: JobConfig, sender: Sender, shard_senders: Sequence[Sender]) -> None:
    """Make sure that the chains take the job's contracts, and that the account can pay for them.

    `shard_senders` are for each shard's own chain, as for `deploy`.

    Raises:
        InvalidInput: as `check_accounts`.
        ChainUnfit: a chain cannot take the contracts. RunNotAffordable.
        ContractReverted: the parameters contradict each other.
        TransactionRefused, RpcRefused, ChainUnreachable, CompilerFailed.
    """
    _check(config, sender, shard_senders, [(sender, _deployment(config, bool(shard_senders)))])


def check_run(config: JobConfig, senders: Sequence[Sender], shard_senders: Sequence[Sequence[Sender]]) -> None:
    """As `check_deployment`, for a run with all its rounds and participants.

    `senders` are whoever deploys, then one for each client that there may be, then one for each validator; the same one
    again where one account pays for several. `shard_senders` has as many for each shard's own chain.
    """
    paying = {sender.address: sender for sender in senders}
    outlays = estimate_run(config, senders, bool(shard_senders)).items()
    deployers = [own[0] for own in shard_senders]
    _check(config, senders[0], deployers, [(paying[address], outlay) for address, outlay in outlays])


def estimate_run(config: JobConfig, senders: Sequence[Sender], has_shard_chains: bool) -> Mapping[str, Outlay]:
    """By account, what a run takes of it on the beacon's chain; newcomers may not come, so they are left out.

    The gas of rounds is that of shards on the beacon's chain with LMS: up to a third more than receipts show.
    """
    parameters = load_parameters(**config.parameters())
    outlays: dict[str, Outlay] = defaultdict(Outlay)
    outlays[senders[0].address] = _deployment(config, has_shard_chains)
    outlays[senders[0].address].gas += config.rounds * (ROUND_GAS + SHARD_GAS * parameters.rounds["shards"])
    for sender in senders[1 : 1 + config.clients]:
        outlays[sender.address].stakes_wei += parameters.staking["minClientStakeWei"]
        outlays[sender.address].gas += JOINING_GAS + config.rounds * CLIENT_GAS[config.mode]
    seats = parameters.rounds["seats"] * parameters.rounds["shards"]
    for sender in senders[1 + config.identities :]:
        outlays[sender.address].stakes_wei += parameters.staking["minValidatorStakeWei"]
        outlays[sender.address].gas += JOINING_GAS + SCHEMES.find(config.quorum).registration_gas + KEY_GAS[config.mode]
        outlays[sender.address].gas += config.rounds * SEAT_GAS * seats // config.validators
    return outlays


def describe_waiting(config: JobConfig, why: str) -> str:
    """What waiting for the job's deadlines comes to, for whoever is about to wait."""
    rounds = load_parameters(**config.parameters()).rounds
    phases = ("commitSeconds", "revealSeconds")
    each, window = sum(rounds[name] for name in phases), rounds["challengeSeconds"]
    named, least = " + ".join(f"{name} {rounds[name]}" for name in phases), config.rounds * each + window
    return (
        f"{why}, so this waits for deadlines: a round takes {each} s ({named}) or longer, the last model is final "
        f"{window} s later (challengeSeconds), and the run ends in {least / 60:.1f} min at the earliest"
        f"{LONG_WAIT if least > LONG_SECONDS else ''}"
    )


def _check(
    config: JobConfig, sender: Sender, shard_senders: Sequence[Sender], outlays: Sequence[tuple[Sender, Outlay]]
) -> None:
    """`outlays` are those on the beacon's chain."""
    check_accounts([sender, *shard_senders])
    require_room(sender, _contracts_of_beacon(config, bool(shard_senders)))
    of_a_shard = contracts_of_shard(config.mode == "private")
    for own in shard_senders:
        require_room(own, of_a_shard)
    for payer, outlay in [*outlays, *((own, Outlay(gas=deployment_gas(of_a_shard))) for own in shard_senders)]:
        _require_funds(payer, outlay)
    rehearse(sender, load_parameters(**config.parameters()), quorum=SCHEMES.find(config.quorum).contract)


def _contracts_of_beacon(config: JobConfig, has_shard_chains: bool) -> list[str]:
    shards = 0 if has_shard_chains else load_parameters(**config.parameters()).rounds["shards"]
    return contracts_of_beacon(SCHEMES.find(config.quorum).contract, shards, is_private=config.mode == "private")


def _deployment(config: JobConfig, has_shard_chains: bool) -> Outlay:
    gas = deployment_gas(_contracts_of_beacon(config, has_shard_chains))
    return Outlay(pool_wei=load_parameters(**config.parameters()).reward_pool_wei, gas=gas)


def _require_funds(sender: Sender, outlay: Outlay) -> None:
    url = url_of(sender.web3)
    price_wei = int(wait_for(rpc_at(url).call("eth_gasPrice")), 16)
    balance_wei, required_wei = sender.balance_wei(), outlay.total_wei(price_wei)
    if balance_wei < required_wei:
        raise RunNotAffordable(url, sender.address, balance_wei, required_wei, outlay.describe(price_wei))
