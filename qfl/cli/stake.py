"""`qfl stake`: what a participant does with its bond."""

from __future__ import annotations

from pathlib import Path

import click

from qfl.cli import options

key = click.option("--key", type=click.Path(path_type=Path), required=True, help="The participant's LMS key file.")


@click.group()
def stake() -> None:
    """Leave, rotate the key, withdraw, take rewards. Anyone may pay the gas: the LMS key decides."""


@stake.command("exit")
@click.argument("participant", metavar="ID", type=int)
@key
@options.rpc
@options.deployment
@options.account
def request_exit(participant: int, key: Path, rpc: str, deployment: Path, account: str) -> None:
    """Ask to leave; the stake stays liable for the unbonding delay."""
    from qfl.keys.keyfile import KeyFile
    from qfl.types import ParticipantId

    ledger, sender = options.open_sender(rpc, deployment, account)
    number = ParticipantId(participant)
    with KeyFile.open(key) as opened:
        nonce = ledger.staking.participant(number).nonce
        signature = opened.sign(ledger.staking_domain.exit(number, nonce))
        sender.send(ledger.staking.request_exit(number, signature))
    click.echo(f"participant {participant} can withdraw after {ledger.staking.participant(number).exitable_at}")


@stake.command()
@click.argument("participant", metavar="ID", type=int)
@key
@click.option("--new-key", type=click.Path(path_type=Path), required=True, help="The key file that takes over.")
@options.rpc
@options.deployment
@options.account
def rotate(participant: int, key: Path, new_key: Path, rpc: str, deployment: Path, account: str) -> None:
    """Replace the participant's key."""
    from qfl.keys.keyfile import KeyFile
    from qfl.types import ParticipantId

    ledger, sender = options.open_sender(rpc, deployment, account)
    number = ParticipantId(participant)
    with KeyFile.open(key) as old, KeyFile.open(new_key) as new:
        nonce = ledger.staking.participant(number).nonce
        signature = old.sign(ledger.staking_domain.rotation(number, new.public, nonce))
        sender.send(ledger.staking.rotate_key(number, new.public, signature))
    click.echo(f"participant {participant} signs with {new_key} from now on")


@stake.command()
@click.argument("participant", metavar="ID", type=int)
@options.rpc
@options.deployment
@options.account
def withdraw(participant: int, rpc: str, deployment: Path, account: str) -> None:
    """Pay stake and rewards of a participant that left to its withdrawal address."""
    from qfl.types import ParticipantId

    ledger, sender = options.open_sender(rpc, deployment, account)
    sender.send(ledger.staking.withdraw(ParticipantId(participant)))
    click.echo(f"participant {participant} has left with stake and rewards")


@stake.command()
@click.argument("participant", metavar="ID", type=int)
@options.rpc
@options.deployment
@options.account
def rewards(participant: int, rpc: str, deployment: Path, account: str) -> None:
    """Settle what is due, credit what the participant earned, and pay it out."""
    from qfl.roles.loop import published_rounds
    from qfl.roles.settlement import pay_rewards, rewards_due, settle_due
    from qfl.types import ParticipantId

    ledger, sender = options.open_sender(rpc, deployment, account)
    settle_due(ledger, sender)
    for number in published_rounds(ledger):
        for call in rewards_due(ledger, number):
            if call.participant == participant:
                sender.send(call)
    paid = pay_rewards(ledger, sender, ParticipantId(participant))
    click.echo(f"paid {paid / 1e18:.6f} ETH")
