"""`qfl verify` and `qfl inspect`: what happened, from chain and IPFS alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from qfl.cli import options
from qfl.cli.services import find_services

if TYPE_CHECKING:
    from qfl.audit.rounds import Verdict
    from qfl.chain.ledger import Ledger

OWN_NODE_SECONDS = 1.0
"""How long a run's own node may look for content."""


@click.command()
@options.run_or_network
@click.option(
    "--kem-key",
    "kem_paths",
    type=click.Path(path_type=Path),
    multiple=True,
    help="A validator's kem.key: opens a private run's updates in the rounds it had a seat in; repeat.",
)
@click.option("--skip-proofs", is_flag=True, help="Do not check norm proofs again: half a second each.")
@click.option("--accept-released", is_flag=True, help="Succeed also where final rounds' content is no longer stored.")
@options.as_json
def verify(
    run_folder: Path | None,
    rpc: str | None,
    ipfs: str | None,
    deployment: Path | None,
    shard_rpcs: tuple[str, ...],
    kem_paths: tuple[Path, ...],
    skip_proofs: bool,
    accept_released: bool,
    as_json: bool,
) -> None:
    """Rebuild every round from chain and IPFS, and say whether it stands."""
    from qfl.audit.rounds import Auditor
    from qfl.errors import VerificationFailed, VerificationIncomplete
    from qfl.privacy.kem import KemKey
    from qfl.storage.ipfs import FETCH_SECONDS, IpfsStore

    # The node of a run's folder has no peers: what it does not have, nobody has.
    patience = FETCH_SECONDS if run_folder is None else OWN_NODE_SECONDS
    kem_keys = [KemKey.open(path) for path in kem_paths]
    verdicts: list[Verdict] = []
    with find_services(run_folder, rpc, ipfs, deployment, shard_rpcs=shard_rpcs) as services:
        ledger = options.open_ledger(services.rpc, services.deployment, services.shard_rpcs)
        for verdict in Auditor(ledger, IpfsStore(services.ipfs, patience), kem_keys, not skip_proofs).audit():
            verdicts.append(verdict)
            if not as_json:
                _print_verdict(verdict)
    if as_json:
        options.print_json([asdict(verdict) | {"stands": verdict.stands} for verdict in verdicts])
    elif not verdicts:
        click.echo("no round has been published yet")
    if failed := [int(verdict.round) for verdict in verdicts if verdict.complaints]:
        raise VerificationFailed(failed)
    released = [int(verdict.round) for verdict in verdicts if verdict.released]
    if released and not accept_released:
        raise VerificationIncomplete(released)


def _print_verdict(verdict: Verdict) -> None:
    if verdict.stands and verdict.released:
        click.echo(f"round {verdict.round}: every signature valid ({verdict.signatures} signatures)")
    elif verdict.stands:
        aggregate = "recomputed aggregate equals the attested one, " if verdict.updates else ""
        proofs = f", {verdict.proofs} proofs" if verdict.proofs else ""
        counts = f"{verdict.signatures} signatures, {verdict.updates} updates{proofs}"
        click.echo(
            f"round {verdict.round}: {aggregate}recomputed model equals the published one, "
            f"every signature valid ({counts})"
        )
    if verdict.void:
        click.echo(f"round {verdict.round}: void: {verdict.void}")
    for complaint in verdict.complaints:
        click.echo(f"round {verdict.round}: FAILED: {complaint}")
    for released in verdict.released:
        click.echo(f"round {verdict.round}: not recomputed: {released}: no longer stored, as the round is final")
    for unseen in verdict.unseen:
        click.echo(f"round {verdict.round}: not seen: {unseen}")


@click.group()
def inspect() -> None:
    """Decode a transaction, a round or a participant."""


def _inspection(command: Callable[..., dict[str, Any]]) -> Callable[..., None]:
    """Give a function from (ledger, argument) to plain data the options and the printing of an inspection."""

    @options.run_folder
    @options.rpc_or_run
    @options.deployment_or_run
    @options.shard_rpcs
    @options.as_json
    def run(
        run_folder: Path | None,
        rpc: str | None,
        deployment: Path | None,
        shard_rpcs: tuple[str, ...],
        as_json: bool,
        **argument: Any,
    ) -> None:
        with find_services(run_folder, rpc, None, deployment, False, shard_rpcs) as services:
            ledger = options.open_ledger(services.rpc, services.deployment, services.shard_rpcs)
            found = command(ledger, **argument)
        if as_json:
            options.print_json(found)
        else:
            Console().print("\n".join(_lines(found, "")), markup=False, highlight=False, soft_wrap=True)

    run.__doc__ = command.__doc__
    return run


@inspect.command("tx")
@click.argument("tx_hash", metavar="HASH")
@_inspection
def inspect_tx(ledger: Ledger, tx_hash: str) -> dict[str, Any]:
    """Function, arguments, events, gas; the error of a failed one by name."""
    from qfl.inspect.transaction import inspect_transaction

    return inspect_transaction(ledger, tx_hash)


@inspect.command("round")
@click.argument("number", metavar="N", type=int)
@_inspection
def inspect_round_command(ledger: Ledger, number: int) -> dict[str, Any]:
    """Phase, committee, commits, reveals, checkpoint and model."""
    from qfl.inspect.round import inspect_round

    return inspect_round(ledger, number)


@inspect.command("participant")
@click.argument("participant", metavar="ID", type=int)
@_inspection
def inspect_participant_command(ledger: Ledger, participant: int) -> dict[str, Any]:
    """Stake, keys, rewards and what it should do now."""
    from qfl.inspect.participant import inspect_participant

    return inspect_participant(ledger, participant)


def _lines(value: Any, indent: str) -> list[str]:
    """A nested value as indented lines; long values are cut, `--json` has them whole."""
    lines = []
    for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(inner, dict | list) and inner:
            lines += [f"{indent}{name}:", *_lines(inner, indent + "  ")]
        else:
            text = str(inner)
            lines.append(f"{indent}{name}: {text if len(text) <= 100 else text[:97] + '...'}")
    return lines
