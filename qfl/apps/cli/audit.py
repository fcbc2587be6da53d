"""`qfl verify`: whether what happened stands, from chain and IPFS alone."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from qfl.apps.cli import options
from qfl.apps.cli.network import OWN_NODE_SECONDS, Source

if TYPE_CHECKING:
    from qfl import KemKey
    from qfl.auditor.rounds import Verdict


@click.command()
@options.take(source=Source)
@options.kem_keys("A validator's kem.key: opens a private run's updates in the rounds it had a seat in; repeat.")
@click.option("--skip-proofs", is_flag=True, help="Do not check norm proofs again: half a second each.")
@click.option("--accept-released", is_flag=True, help="Succeed also where final rounds' content is no longer stored.")
@options.as_json
def verify(source: Source, *, kem_keys: list[KemKey], skip_proofs: bool, accept_released: bool, as_json: bool) -> None:
    """Rebuild every round from chain and IPFS, and say whether it stands."""
    from qfl import Auditor
    from qfl.errors import VerificationFailed, VerificationIncomplete
    from qfl.storage.ipfs import FETCH_SECONDS, IpfsStore

    patience = FETCH_SECONDS if source.run_folder is None else OWN_NODE_SECONDS
    verdicts: list[Verdict] = []
    with source.network() as network:
        store = IpfsStore(network.ipfs, patience)
        for verdict in Auditor(network.ledger(), store, kem_keys, not skip_proofs).audit():
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
    said = []
    if verdict.stands and verdict.released:
        said.append(f"every signature valid ({verdict.signatures} signatures)")
    elif verdict.stands:
        aggregate = "recomputed aggregate equals the attested one, " if verdict.updates else ""
        proofs = f", {verdict.proofs} proofs" if verdict.proofs else ""
        counts = f"{verdict.signatures} signatures, {verdict.updates} updates{proofs}"
        said.append(f"{aggregate}recomputed model equals the published one, every signature valid ({counts})")
    if verdict.void:
        said.append(f"void: {verdict.void}")
    said += [f"FAILED: {complaint}" for complaint in verdict.complaints]
    said += [f"not recomputed: {what}: no longer stored, as the round is final" for what in verdict.released]
    said += [f"not seen: {unseen}" for unseen in verdict.unseen]
    for line in said:
        click.echo(f"round {verdict.round}: {line}")
