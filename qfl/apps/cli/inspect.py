"""`qfl inspect`: what chain and IPFS say of one thing, for a person, or as JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from qfl.apps.cli import numbers, options
from qfl.apps.cli.network import Source

if TYPE_CHECKING:
    from qfl import ContentStore, KemKey, Ledger

LONGEST = 100
"""Characters of a value without blanks that are shown; `--json` has it whole."""
SEARCH_SECONDS = 5.0
"""How long content is looked for."""

Inspection = Callable[..., Any]


@click.group()
def inspect() -> None:
    """What chain and IPFS say of a transaction, a round, a shard, a participant, an update, a model, a dispute."""


def _inspection(*, with_store: bool = False) -> Callable[[Inspection], Inspection]:
    """Give a function to plain data the options and the printing of an inspection.

    It takes a ledger and its own arguments; `with_store` also `store`, which is None where no IPFS node is given.
    """

    def decorate(command: Inspection) -> Inspection:
        @options.take(source=Source, without="" if with_store else "ipfs")
        @options.as_json
        def run(source: Source, as_json: bool, **arguments: Any) -> None:
            from qfl import IpfsStore

            with_ipfs = with_store and (source.run_folder is not None or source.ipfs is not None)
            with source.network(with_ipfs=with_ipfs) as network:
                if with_store:
                    arguments["store"] = IpfsStore(network.ipfs, SEARCH_SECONDS) if with_ipfs else None
                found = command(network.ledger(), **arguments)
            _print(found, as_json)

        run.__doc__ = command.__doc__
        return run

    return decorate


@inspect.command("tx")
@click.argument("tx_hash", metavar="HASH")
@_inspection()
def tx(ledger: Ledger, tx_hash: str) -> dict[str, Any]:
    """Function, arguments, events, gas; of a failed one, who refused it, which rule it broke, and what to do."""
    from qfl.apps.inspect.transaction import inspect_transaction

    return inspect_transaction(ledger, tx_hash)


@inspect.command("round")
@click.argument("number", metavar="N", type=numbers.ROUND)
@_inspection()
def round_(ledger: Ledger, number: int) -> dict[str, Any]:
    """Phase, committees, commits, reveals, checkpoints, model and disputes."""
    from qfl.apps.inspect.round import inspect_round

    return inspect_round(ledger, number)


@inspect.command("shard")
@click.argument("index", metavar="SHARD", type=numbers.SHARD)
@click.option("--round", "number", type=numbers.ROUND, help="Its part in which round; the current one unless given.")
@_inspection()
def shard(ledger: Ledger, index: int, number: int | None) -> dict[str, Any]:
    """Where a shard is, and its committee, commits, reveals and checkpoint in a round."""
    from qfl.apps.inspect.round import inspect_shard

    return inspect_shard(ledger, index, number)


@inspect.command("participant")
@click.argument("participant", metavar="ID", type=numbers.PARTICIPANT)
@_inspection()
def participant_(ledger: Ledger, participant: int) -> dict[str, Any]:
    """Stake, keys, rewards and what it should do now."""
    from qfl.apps.inspect.participant import inspect_participant

    return inspect_participant(ledger, participant)


@inspect.command("update")
@click.argument("number", metavar="ROUND", type=numbers.ROUND)
@click.argument("client", metavar="CLIENT", type=numbers.PARTICIPANT)
@options.kem_keys("A validator's kem.key: opens a private update of a round it had a seat in; repeat.")
@_inspection(with_store=True)
def update(
    ledger: Ledger, *, store: ContentStore | None, number: int, client: int, kem_keys: list[KemKey]
) -> dict[str, Any]:
    """A client's update in a round: commit, reveal, content, every check, and what became of it."""
    from qfl.apps.inspect.update import inspect_update

    return inspect_update(ledger, number, client, store, kem_keys)


@inspect.command("model")
@click.argument("number", metavar="[ROUND]", type=numbers.ROUND, required=False)
@_inspection(with_store=True)
def model(ledger: Ledger, *, store: ContentStore | None, number: int | None) -> dict[str, Any]:
    """A round's model, the latest good one unless a round is given: who published it, its content, how far it moved."""
    from qfl.apps.inspect.model import inspect_model

    return inspect_model(ledger, number, store)


@inspect.command("dispute")
@click.argument("tx_hash", metavar="[HASH]", required=False)
@_inspection()
def dispute(ledger: Ledger, tx_hash: str | None) -> dict[str, Any] | list[dict[str, Any]]:
    """The fault that a transaction proved: who lost what, who earned it, the proof. Without a hash, all that were."""
    from qfl.apps.inspect.dispute import inspect_dispute, list_disputes

    return list_disputes(ledger) if tx_hash is None else inspect_dispute(ledger, tx_hash)


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
