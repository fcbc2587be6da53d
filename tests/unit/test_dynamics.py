"""Dynamics from a config's table: who is there, and the pace of clients on their devices and links."""

from dataclasses import asdict
from pathlib import Path
from statistics import mean
from typing import cast

import pytest

from qfl.chain.ledger import Ledger
from qfl.errors import InvalidInput, NotInstalled
from qfl.protocol.types import ParticipantId, RoundNumber
from qfl.simulation.config import load_config
from qfl.simulation.faults.clients import Paces, Payload, Schedule
from qfl.simulation.faults.config import Dynamics, dynamics_config
from qfl.simulation.faults.fault import Scene, make_faults
from qfl.simulation.faults.links import Link, expected_repeats, find_link, load_links
from qfl.simulation.world import World

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
        ({"faults": ["silence"]}, r"dynamics\.faults = .*: must be a table of each fault's settings"),
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


ABSENCE = """
from qfl.simulation.faults.fault import FAULTS, Fault

@FAULTS.register("absence")
class Absence(Fault):
    def __init__(self, scene, *, client):
        super().__init__(scene)
        self.client = client

    def is_present(self, round_number, client):
        return client != self.client
"""


class Bonded:
    """A population whose participants have the numbers of its clients."""

    def join(self, client: int) -> ParticipantId:
        return ParticipantId(client)

    def leave(self, client: int) -> None: ...


def test_a_fault_of_ones_own_is_one_file_beside_the_job(tmp_path: Path) -> None:
    """It goes with the usual ones: here everybody but client 2 is there, and no validator answers."""
    (tmp_path / "absence.py").write_text(ABSENCE)
    job = tmp_path / "job.toml"
    job.write_text('[dynamics]\nsilent_validators = 1.0\n[dynamics.faults."absence:Absence"]\nclient = 2\n')
    dynamics = dynamics_config(load_config(job).dynamics)
    scene = Scene(1, cast(Ledger, None), [ParticipantId(7), ParticipantId(8)])
    paces = Paces(dynamics, PAYLOAD, seed=1)
    world = World(scene, Schedule(4, dynamics, 1), paces, Bonded(), make_faults(scene, dynamics))
    first = RoundNumber(1)
    world.begin(first)
    assert [client for client in range(4) if world.is_present(first, ParticipantId(client))] == [0, 1, 3]
    assert not any(world.answers(first, validator) for validator in scene.validators)


def test_a_fault_says_which_settings_it_has() -> None:
    scene = Scene(1, cast(Ledger, None), [])
    with pytest.raises(InvalidInput, match=r"dynamics\.faults\.silence = .*unexpected keyword argument 'share_of'"):
        make_faults(scene, Dynamics(faults={"silence": {"share_of": 1}}))
    with pytest.raises(
        NotInstalled, match=r"dynamics\.faults = 'flood': no such fault is installed; here are .*outages"
    ):
        make_faults(scene, Dynamics(faults={"flood": {}}))


# --- links ---


def link(latency_seconds: float = 0.1, loss: float = 0.0) -> Link:
    return Link("test", "", latency_seconds, down_bps=12_000.0, up_bps=6_000.0, loss=loss, sources={})


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(link().up_seconds(1_460), 0.1 + 8 * 1_500 / 6_000, id="latency, and bits with a header"),
        pytest.param(link().down_seconds(1_460), 0.1 + 0.1 + 8 * 1_500 / 12_000, id="a download asks first"),
        pytest.param(link().up_seconds(1_461), 0.1 + 8 * 1_541 / 6_000, id="a byte more costs a second header"),
        # 1 / (1 - 1/2) = 2 sendings; 1/2 + 1/4 + ... = 1 round of repetition.
        pytest.param(link(loss=0.5).up_seconds(1_460), 0.1 + 2 * 8 * 1_500 / 6_000 + 2 * 0.1, id="a half is lost"),
    ],
)
def test_a_transfer_takes_what_its_packets_take(found: float, expected: float) -> None:
    assert found == pytest.approx(expected)


def test_two_packets_wait_for_the_slower_one() -> None:
    # sum of 1 - (1 - 2^-k)^2 = 2 * 2^-k - 4^-k over k >= 1: 2 - 1/3.
    assert expected_repeats(2, 0.5) == pytest.approx(5 / 3)
    assert expected_repeats(1_000, 0.0) == 0.0


def test_every_figure_of_every_profile_names_its_source() -> None:
    for profile in load_links().values():
        assert set(profile.sources) == {"latency_ms", "down_mbps", "up_mbps", "loss"}
        assert all(profile.sources.values())


def test_a_geostationary_satellite_is_further_away_than_one_in_low_orbit() -> None:
    geo, leo = find_link("geo"), find_link("leo")
    assert 20 < geo.latency_seconds / leo.latency_seconds < 22
    assert geo.up_seconds(100) > 0.27


def test_an_unknown_link_is_named_beside_the_known_ones() -> None:
    with pytest.raises(InvalidInput, match=r"dynamics\.links = '7g': choose among imt-2030, imt-2020"):
        find_link("7g")


# --- who is there ---


COMING_AND_GOING = Dynamics(churn=0.3, exits=0.2, longest_absence=2, newcomers=30, stragglers=0.1)


def schedule(dynamics: Dynamics = COMING_AND_GOING, clients: int = 20, seed: int = 1) -> Schedule:
    return Schedule(clients, dynamics, seed)


def test_everybody_is_there_in_the_first_round_and_in_every_calm_one() -> None:
    assert schedule().at(1).present == frozenset(range(20))
    calm = schedule(Dynamics())
    assert all(calm.at(number).present == frozenset(range(20)) for number in range(1, 9))
    assert not any(calm.at(number).slow for number in range(1, 9))


def test_the_seed_decides_and_the_order_of_questions_does_not() -> None:
    """A resumed run asks for its current round first."""
    assert schedule().at(9) == [schedule().at(number) for number in range(1, 10)][-1]
    assert schedule().at(9) != schedule(seed=2).at(9)


def test_a_client_is_present_or_away_or_gone_for_good() -> None:
    plan = schedule()
    for number in range(1, 30):
        now = plan.at(number)
        assert now.present | set(now.away) == now.members
        assert not now.present & set(now.away)
        assert not now.members & now.departed
        assert now.members | now.departed == set(range(len(now.members) + len(now.departed)))
        assert now.slow <= now.present


def test_whoever_is_away_comes_back_on_time() -> None:
    plan = schedule()
    for number in range(2, 30):
        before, now = plan.at(number - 1), plan.at(number)
        assert now.returned == {client for client, back in before.away.items() if back == number}
        assert all(number < back <= number + 2 for client, back in now.away.items() if client not in before.away)


def test_a_newcomer_joins_for_each_that_leaves_while_there_are_any() -> None:
    plan = schedule(Dynamics(churn=0.3, exits=0.5, newcomers=4))
    rounds = [plan.at(number) for number in range(1, 12)]
    joined = [client for now in rounds for client in sorted(now.joined)]
    assert joined == [20, 21, 22, 23]
    assert all(len(now.joined) == len(now.left) for now in rounds if max(now.members | now.departed) < 23)
    assert len(rounds[-1].departed) > 4


@pytest.mark.parametrize("clients", [7, 20])
def test_shares_are_right_on_average_also_where_they_are_fractions(clients: int) -> None:
    """Seven clients with a tenth that straggles: rounding down would mean never."""
    plan = schedule(Dynamics(churn=0.3, exits=0.0, stragglers=0.1), clients)
    rounds = [(plan.at(number - 1), plan.at(number)) for number in range(2, 402)]
    assert mean(len(before.present - now.present) / len(before.present) for before, now in rounds) == pytest.approx(
        0.3, abs=0.03
    )
    assert mean(len(now.slow) / len(now.present) for _, now in rounds) == pytest.approx(0.1, abs=0.02)
