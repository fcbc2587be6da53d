"""`qfl inspect` and `qfl verify`: what chain and IPFS say of one thing, and whether all of it stands."""

from __future__ import annotations

from dataclasses import asdict
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from qfl.apps.cli import options
from qfl.apps.cli.network import OWN_NODE_SECONDS, Source

if TYPE_CHECKING:
    from qfl import KemKey
    from qfl.auditor.rounds import Verdict

LONGEST = 100  # characters of a value without blanks that are shown; `--json` has it whole
SEARCH_SECONDS = 5.0  # how long content is looked for


@click.group()
def inspect() -> None:
    """What chain and IPFS say of a transaction, a round, a shard, a participant, an update, a model, a dispute."""


def _add(name: str, function: str, about: str, *parameters: options.Option, with_store: bool = False) -> None:
    """Add a command that prints what a function of `qfl.apps.inspect` finds; `function` is "module.name".

    The function takes a ledger, and by name what the parameters give; `with_store` also `store`, which is None where no
    IPFS node is given. It is imported when it is called: web3 takes its time, and `--help` needs none of it.
    """

    @options.take(source=Source, without="" if with_store else "ipfs")
    @options.as_json
    def run(source: Source, as_json: bool, **arguments: Any) -> None:
        from qfl import IpfsStore

        module, _, called = function.partition(".")
        find = getattr(import_module(f"qfl.apps.inspect.{module}"), called)
        with_ipfs = with_store and (source.run_folder is not None or source.ipfs is not None)
        with source.network(with_ipfs=with_ipfs) as network:
            if with_store:
                arguments["store"] = IpfsStore(network.ipfs, SEARCH_SECONDS) if with_ipfs else None
            found = find(network.ledger(), **arguments)
        _print(found, as_json)

    for parameter in reversed(parameters):
        parameter(run)
    inspect.command(name, help=about)(run)


_add(
    "tx",
    "transaction.inspect_transaction",
    "Function, arguments, events, gas; of a failed one, who refused it, which rule it broke, and what to do.",
    click.argument("tx_hash", metavar="HASH"),
)
_add(
    "round",
    "state.inspect_round",
    "Phase, seed and link, committees, commits, reveals, checkpoints, model and disputes.",
    click.argument("number", metavar="N", type=options.ROUND),
)
_add(
    "shard",
    "state.inspect_shard",
    "Where a shard is, and its committee, commits, reveals and checkpoint in a round.",
    click.argument("index", metavar="SHARD", type=options.SHARD),
    click.option("--round", "number", type=options.ROUND, help="In which round; the current one unless given."),
)
_add(
    "participant",
    "state.inspect_participant",
    "Stake, weight in the draw, keys, rewards and what it should do now.",
    click.argument("participant", metavar="ID", type=options.PARTICIPANT),
)
_add(
    "update",
    "content.inspect_update",
    "A client's update in a round: commit, reveal, content, every check, and what became of it.",
    click.argument("number", metavar="ROUND", type=options.ROUND),
    click.argument("client", metavar="CLIENT", type=options.PARTICIPANT),
    options.kem_keys("A validator's kem.key: opens a private update of a round it had a seat in; repeat."),
    with_store=True,
)
_add(
    "model",
    "content.inspect_model",
    "A round's model, the latest good one unless a round is given: who published it, its content, how far it moved.",
    click.argument("number", metavar="[ROUND]", type=options.ROUND, required=False),
    with_store=True,
)
_add(
    "dispute",
    "transaction.inspect_dispute",
    "The fault that a transaction proved: who lost what, who earned it, the proof. Without a hash, all that were.",
    click.argument("tx_hash", metavar="[HASH]", required=False),
)


def _print(found: Any, as_json: bool) -> None:
    if as_json:
        options.print_json(found)
    elif not found:
        click.echo("none")
    else:
        Console().print("\n".join(_lines(found, "")), markup=False, highlight=False, soft_wrap=True)


def _lines(value: Any, indent: str) -> list[str]:
    """A nested value as indented lines; long values that are no sentence are cut."""
    lines = []
    for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(inner, dict | list) and inner:
            lines += [f"{indent}{name}:", *_lines(inner, indent + "  ")]
        else:
            text = str(inner)
            is_whole = len(text) <= LONGEST or " " in text
            lines.append(f"{indent}{name}: {text if is_whole else text[: LONGEST - 3] + '...'}")
    return lines


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
        for verdict in Auditor(network.ledger(), store, kem_keys=kem_keys, check_proofs=not skip_proofs).audit():
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
