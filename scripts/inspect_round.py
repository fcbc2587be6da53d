"""Print a round: where it stands, who sits in its committees, what came in, and its model.

    brownie run inspect_round [main ROUND] [--network NAME]

The current round unless a number is given. QFL_DEPLOYMENT names the deployment file, as in `scripts/bond.py`, which
also says how to reach a chain that runs already.
"""

from datetime import UTC, datetime
from typing import Any

from brownie import web3

from scripts.deploy import Contracts, attach

PHASES = ("idle", "commit", "reveal", "checkpoint", "publish")
STATES = ("none", "open", "published", "final", "failed", "void")


def main(number: str | None = None) -> None:
    contracts = attach()
    beacon = contracts.beacon
    current = beacon.currentRound()
    wanted = current if number is None else int(number)
    for line in describe(contracts, wanted, beacon.roundAt(wanted), is_current=wanted == current):
        print(line)


def describe(contracts: Contracts, number: int, found: Any, is_current: bool) -> list[str]:
    """The lines about round `number`, which `roundAt` gave as `found`."""
    beacon = contracts.beacon
    lines = [f"Round {number}: {STATES[found['state']]}"]
    if is_current:
        context = beacon.context()
        lines.append(f"  phase      {PHASES[context['phase']]}, until {_when(context['phaseEndsAt'])}")
    if found["commitEndsAt"]:
        ends = (f"{p} {_when(found[p + 'EndsAt'])}" for p in PHASES[1:])
        lines += [f"  base       the model of round {found['baseRound']}", f"  phases end {', '.join(ends)}"]
        for index, shard in enumerate(contracts.shards[: beacon.parametersAt(found["parametersVersion"])["shards"]]):
            lines += _describe_shard(beacon, shard, number, index)
    if found["modelRoot"] != "0x" + "00" * 32:
        lines.append(f"  model      root {found['modelRoot']}, content {found['contentDigest']}")
    if found["publishedAt"]:
        lines.append(f"  published  by validator {found['publisher']} at {_when(found['publishedAt'])}")
    return lines


def _describe_shard(beacon: Any, shard: Any, number: int, index: int) -> list[str]:
    record = beacon.checkpointAt(number, index)
    committed = [event["client"] for event in _events(shard, "Committed", number)]
    revealed = [event["client"] for event in _events(shard, "Revealed", number)]
    lines = [
        f"  shard {index}",
        f"    committee  {list(beacon.committee(number, index))}",
        f"    commits    {len(committed)}: clients {committed}",
        f"    reveals    {len(revealed)}: clients {revealed}, in this order",
    ]
    if int.from_bytes(bytes(record["digest"])) == 0:
        return [*lines, "    checkpoint none"]
    seats = [seat for seat in range(64) if record["attested"] >> seat & 1]
    voided = ", voided" if record["voided"] else ""
    return [*lines, f"    checkpoint of {record['count']} updates, attested by seats {seats}{voided}"]


def _events(shard: Any, name: str, number: int) -> list[Any]:
    event = web3.eth.contract(shard.address, abi=shard.abi).events[name]
    return [log["args"] for log in event.get_logs(from_block=0, argument_filters={"round": number})]


def _when(timestamp: int) -> str:
    return datetime.fromtimestamp(timestamp, UTC).strftime("%H:%M:%S") if timestamp else "a round is opened"
