"""Dynamics from a config's table, and the pace of clients on their devices and links."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from qfl.errors import InvalidInput
from qfl.simulation.faults.config import Dynamics, dynamics_config
from qfl.simulation.faults.links import find_link
from qfl.simulation.faults.pace import Paces, Payload

PAYLOAD = Payload(model=1_496, commit=1_719, reveal=1_058)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"chrun": 0.3}, r"dynamics\.chrun = 0\.3: unknown; known are churn, exits"),
        ({"churn": 30}, r"dynamics\.churn = 30: must be a number from 0 to 1"),
        ({"churn": 1.0}, "must be below 1: somebody has to stay"),
        ({"stragglers": "10%"}, r"dynamics\.stragglers = '10%': must be a number"),
        ({"slowdown": 0.5}, r"dynamics\.slowdown = 0\.5: must be a number from 1"),
        ({"newcomers": 1.5}, r"dynamics\.newcomers = 1\.5: must be a whole number from 0"),
        ({"longest_absence": 0}, "must be a whole number from 1"),
        ({"links": "geo"}, r"dynamics\.links = 'geo': must be a list of texts"),
        ({"links": ["wifi"]}, r"dynamics\.links = 'wifi': choose among"),
        ({"silent_committees": ["4"]}, r"dynamics\.silent_committees = '4': write \"ROUND:SHARD\""),
        ({"outages": ["0:1"]}, r"dynamics\.outages = '0:1': write"),
        ({"adaptive_deadlines": 1}, r"dynamics\.adaptive_deadlines = 1: must be true or false"),
        ({"deadlines": {"margins": 2}}, r"dynamics\.deadlines = .*unexpected keyword argument 'margins'"),
        ({"deadlines": {"margin": 0.5}}, r"deadlines\.margin = 0\.5: must be a number above 1"),
    ],
)
def test_what_cannot_be_used_is_named_with_what_to_write_instead(values: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        dynamics_config(values)


def test_a_calmed_world_deals_the_data_out_alike() -> None:
    stormy = dynamics_config({"churn": 0.3, "stragglers": 0.1, "newcomers": 5, "outages": ["3:1"], "links": ["geo"]})
    calm = dynamics_config(asdict(stormy.calmed()))
    assert (calm.churn, calm.stragglers, calm.outages) == (0.0, 0.0, ())
    assert (calm.newcomers, calm.links) == (5, ("geo",))


def test_a_straggler_trains_slower_and_sends_as_fast() -> None:
    paces = Paces(Dynamics(slowdown=10.0, links=("leo",)), PAYLOAD, seed=1)
    usual, slow = paces.of(3, is_slow=False), paces.of(3, is_slow=True)
    assert slow.train == pytest.approx(10 * usual.train)
    assert slow.transfer == usual.transfer


def test_a_client_downloads_the_model_and_uploads_both_messages_on_its_link() -> None:
    leo = find_link("leo")
    pace = Paces(Dynamics(train_seconds=7.0, spread=0.0, links=("leo",)), PAYLOAD, seed=1).of(0, is_slow=False)
    assert pace.commit == pytest.approx(leo.down_seconds(1_496) + 7.0 + leo.up_seconds(1_719))
    assert pace.reveal_upload == pytest.approx(leo.up_seconds(1_058))


def test_without_a_link_transfers_take_no_time() -> None:
    assert Paces(Dynamics(), PAYLOAD, seed=1).of(0, is_slow=False).transfer == 0.0


def test_a_client_keeps_its_device_and_clients_differ() -> None:
    paces = Paces(Dynamics(spread=0.5, links=("leo", "geo")), PAYLOAD, seed=1)
    assert paces.of(0, False) == paces.of(0, False)
    assert len({paces.of(client, False).train for client in range(10)}) == 10
    assert len({paces.of(client, False).transfer for client in range(10)}) == 2
