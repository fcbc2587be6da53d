"""`qfl verify`: whether what happened stands, from chain and IPFS alone."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from qfl.apps.cli import options
from qfl.apps.cli.services import find_services

if TYPE_CHECKING:
    from qfl.auditor.rounds import Verdict

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
    from qfl.auditor.rounds import Auditor
    from qfl.crypto.kem import KemKey
    from qfl.errors import VerificationFailed, VerificationIncomplete
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
