"""What the draw has of a round and of a validator: links, silence, benches, weights that count and that wait."""

from typing import Any

from qfl.apps.inspect import plain
from qfl.chain.contracts.beacon import last_opened
from qfl.chain.contracts.draw import Counted
from qfl.chain.contracts.staking import Weight
from qfl.chain.ledger import Ledger
from qfl.crypto.hash_chain import LENGTH
from qfl.node.anchors import counts_from
from qfl.protocol.draw import BENCH, LAG, LINKERS
from qfl.protocol.types import ParticipantId, RoundNumber


def draw_in_round(ledger: Ledger, number: RoundNumber) -> dict[str, Any]:
    """The seat that showed its link, who was silent before it, who sat on the bench and until when, the next seed.

    `link` and `next_seed` are None while there is none.
    """
    draw = ledger.draw
    shown, following = (
        draw.shown(ledger.round(number).opened_in).get(number),
        draw.draw_of(RoundNumber(number + 1)).seed,
    )
    linkers = draw.seats_of(number)[:LINKERS]
    benched = {
        event.id: event.until_round
        for event in draw.benched(ledger.from_block)
        if event.until_round - BENCH <= number < event.until_round
    }
    return {
        "link": shown and {"seat": shown.seat, "validator": shown.validator, "link": plain(shown.link)},
        "silent": [{"seat": seat, "validator": linkers[seat]} for seat in draw.silent_seats(number)],
        "benched": [{"validator": validator, "until_round": until} for validator, until in benched.items()],
        "next_seed": plain(following) if any(following) else None,
    }


def draw_of_validator(ledger: Ledger, validator: ParticipantId) -> dict[str, Any]:
    """With which weight a validator is drawn, and with which it will be; how many links its chain has left.

    `waiting` is None where no change of its weight waits; `next_anchor_from` where no anchor does. `benched_until` is
    the first round that it is drawn for like the others, 0 if it never was silent.
    """
    standing = ledger.draw.standing_of(validator)
    return {
        "weight_wei": ledger.draw.weight_of(validator),
        "waiting": _waiting(ledger, validator) if standing.is_queued else None,
        "benched_until": standing.benched_until,
        "links_left": LENGTH - ledger.draw.chain_of(validator)[1],
        "next_anchor_from": counts_from(ledger, validator),
    }


def _waiting(ledger: Ledger, validator: ParticipantId) -> dict[str, int] | None:
    """The weight that waits, and the first round that it can count from: a queue that is long takes longer.

    A change that came while another waited follows that one.
    """
    since, openings = ledger.from_block, ledger.beacon.openings(ledger.from_block)
    events: list[Weight | Counted] = [*ledger.staking.weights(since, validator), *ledger.draw.counted(since, validator)]
    weight_wei, waiting = 0, None
    for event in sorted(events, key=lambda event: (event.block, event.log)):
        due = last_opened(openings, event.block) + LAG
        if isinstance(event, Weight):
            weight_wei, is_next = event.wei, waiting is None
        else:
            waiting, is_next = None, weight_wei != event.weight_wei
        if is_next and due > LAG:  # before round 1 weights count at once
            waiting = {"weight_wei": weight_wei, "from_round": due}
    return waiting
