"""`qfl challenger run`: recompute what others accepted, and be paid for every fault."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from qfl.apps.cli import options
from qfl.apps.cli.behaviour import find_behaviour, stopping
from qfl.apps.cli.network import Network

if TYPE_CHECKING:
    from qfl import KemKey
    from qfl.challenger.challenger import Dispute, Proof


@click.group()
def challenger() -> None:
    """The challenger role."""


@challenger.command("run")
@options.take(network=Network)
@options.kem_keys("A seat's decryption key, for updates of the private mode; repeat.")
@click.option(
    "--dry-run", is_flag=True, help="Print the proofs, what they call and what gas they would take; send none."
)
@click.option("--once", is_flag=True, help="Look once, then end.")
@options.poll
@options.attack
@options.as_json
def run_challenger_command(
    network: Network,
    *,
    kem_keys: list[KemKey],
    dry_run: bool,
    once: bool,
    poll: float,
    attack: str | None,
    as_json: bool,
) -> None:
    """Recompute every checkpoint and model that is not final, prove what is false, take the bounty."""
    from qfl import Challenger, IpfsStore
    from qfl.challenger.fault_detector import FaultDetector
    from qfl.daemon import Daemon

    behaviour = find_behaviour(attack, Challenger)
    ledger, sender = network.sender(behaviour.account)
    store = IpfsStore(network.ipfs)
    store.identity()
    earned: list[Dispute] = []

    def say(dispute: Dispute) -> None:
        earned.append(dispute)
        if as_json:
            options.print_json(dispute.record())
        else:
            click.echo(f"{dispute} for {dispute.gas:,} gas in {dispute.tx_hash}")

    watch = FaultDetector(ledger, store, kem_keys)
    role = behaviour.kind(ledger, sender, watch, say)
    if dry_run:
        is_found = False
        for proof in role.rehearse():
            is_found = True
            _print_proof(proof, as_json)
        if not is_found and not as_json:
            click.echo("nothing was found false")
        return
    if once:
        role.step()
    else:
        with stopping() as stop:
            Daemon(poll, stop).run_challenger(role)
    if not as_json:
        bounty, gas = sum(dispute.bounty_wei for dispute in earned), sum(dispute.gas for dispute in earned)
        click.echo(f"{len(earned)} faults proven, {bounty / 1e18:g} ETH earned, {gas:,} gas spent")


def _print_proof(proof: Proof, as_json: bool) -> None:
    from qfl.apps.inspect import plain

    if as_json:
        options.print_json(plain(asdict(proof)))
        return
    arguments = ", ".join(f"{name} = {_short(value)}" for name, value in plain(dict(proof.arguments)).items())
    click.echo(f"{proof.evidence}\n  {proof.function}({arguments})")
    gas = "after those before it" if proof.gas is None else f"about {proof.gas:,} gas (an estimate)"
    click.echo(f"  {proof.calldata_bytes:,} bytes of calldata, {gas}; nothing was sent")


def _short(value: Any) -> str:
    """A plain value with its long parts cut."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_short(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list):
        return f"[{_short(value[0])}, {len(value)} in all]" if len(value) > 1 else f"[{', '.join(map(_short, value))}]"
    text = str(value)
    return text if len(text) <= 24 else f"{text[:10]}...{text[-4:]}"
