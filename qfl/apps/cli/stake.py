"""`qfl stake`: what a participant does with its bond."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from qfl.apps.cli.network import Network
from qfl.apps.cli.options import ETHER, PARTICIPANT, PATH, take

if TYPE_CHECKING:
    from qfl import KeyFile, Ledger
    from qfl.chain.contracts.staking import ParticipantRecord
    from qfl.chain.rpc.sender import TransactionSender
    from qfl.protocol.types import ParticipantId

participant = click.argument("number", metavar="ID", type=PARTICIPANT)
payer = take(network=Network, without="ipfs shard_rpcs")
key = click.option("--key", type=PATH, required=True, help="The participant's LMS key file.")


@click.group()
def stake() -> None:
    """Add to it, leave, rotate the key, renew the chain of links, withdraw, take rewards.

    Anyone may pay the gas: the LMS key decides.
    """


@stake.command("exit")
@participant
@key
@payer
def request_exit(number: ParticipantId, key: Path, network: Network) -> None:
    """Ask to leave; the stake stays liable for the unbonding delay."""
    from qfl.crypto.keyfile import KeyFile

    ledger, sender = network.sender()
    with KeyFile.open(key) as opened:
        nonce = _require_key(ledger, number, opened).nonce
        signature = opened.sign(ledger.staking_domain.exit(number, nonce))
        sender.send(ledger.staking.request_exit(number, signature))
    free_at = datetime.fromtimestamp(ledger.staking.participant(number).exitable_at, UTC)
    click.echo(f"participant {number} can withdraw from {free_at:%Y-%m-%d %H:%M:%S} UTC on")


@stake.command()
@participant
@key
@click.option("--new-key", type=PATH, required=True, help="The key file that takes over.")
@payer
def rotate(number: ParticipantId, key: Path, new_key: Path, network: Network) -> None:
    """Replace the participant's key."""
    from qfl.crypto.keyfile import KeyFile

    ledger, sender = network.sender()
    with KeyFile.open(key) as old, KeyFile.open(new_key) as new:
        nonce = _require_key(ledger, number, old).nonce
        signature = old.sign(ledger.staking_domain.rotation(number, new.public, nonce))
        sender.send(ledger.staking.rotate_key(number, new.public, signature=signature))
    click.echo(f"participant {number} signs with {new_key} from now on")


@stake.command()
@participant
@key
@click.option("--folder", type=PATH, required=True, help="The validator's folder: its links.seed makes the chain.")
@payer
def anchor(number: ParticipantId, key: Path, folder: Path, network: Network) -> None:
    """Name the end of another hash chain, which links are shown of from the twelfth round on.

    A running validator does so by itself before its chain ends, and where its links.seed is lost.
    """
    from qfl.crypto.keyfile import KeyFile
    from qfl.node.anchors import counts_from, name_anchor
    from qfl.node.membership import require_folder_of

    ledger, sender = network.sender()
    require_folder_of(folder, ledger, number)
    with KeyFile.open(key) as opened:
        _require_key(ledger, number, opened)
        name_anchor(ledger, sender, number, key=opened, folder=folder)
    click.echo(f"participant {number} shows links of another chain from round {counts_from(ledger, number)} on")


@stake.command("top-up")
@participant
@click.option("--stake", "ether", type=ETHER, required=True, help="ETH to add.")
@payer
def top_up(number: ParticipantId, ether: float, network: Network) -> None:
    """Add to a stake; a slashed validator is drawn again once it has the minimum."""
    ledger, sender = network.sender()
    sender.send(ledger.staking.top_up(number, round(ether * 10**18)))
    click.echo(f"participant {number} has {ledger.staking.participant(number).stake_wei / 1e18:g} ETH at stake")


@stake.command()
@participant
@payer
def withdraw(number: ParticipantId, network: Network) -> None:
    """Pay stake and rewards of a participant that left to its withdrawal address."""
    ledger, sender = network.sender()
    sender.dry_run(ledger.staking.withdraw(number))
    _credit_rewards(ledger, sender, number)  # nobody can credit a participant that has left
    sender.send(ledger.staking.withdraw(number))
    click.echo(f"participant {number} has left with stake and rewards")


@stake.command()
@participant
@payer
def rewards(number: ParticipantId, network: Network) -> None:
    """Settle what is due, credit what the participant earned, and pay it out."""
    from qfl.node.settlement import pay_rewards

    ledger, sender = network.sender()
    _credit_rewards(ledger, sender, number)
    paid = pay_rewards(ledger, sender, number)
    click.echo(f"paid {paid / 1e18:.6f} ETH")


def _require_key(ledger: Ledger, participant: ParticipantId, key: KeyFile) -> ParticipantRecord:
    """The participant, whose key must be `key`: no leaf is spent on a message that cannot be accepted."""
    from qfl.chain.contracts.staking import Role
    from qfl.errors import InvalidInput
    from qfl.node.leaves import LeafCheck

    record = ledger.staking.participant(participant)
    if record.role is Role.NONE:
        raise InvalidInput("participant", participant, "there is none, or it has left")
    if record.key != key.public:
        raise InvalidInput("key", "0x" + key.public.identifier.hex(), f"is not the key of participant {participant}")
    LeafCheck(ledger, participant, record.role, key).everywhere()
    return record


def _credit_rewards(ledger: Ledger, sender: TransactionSender, participant: ParticipantId) -> None:
    from qfl.node.settlement import rewards_due, settle_due
    from qfl.node.standing import published_rounds

    settle_due(ledger, sender)
    for call in rewards_due(ledger, published_rounds(ledger), participant):
        sender.send(call)
