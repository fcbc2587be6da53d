"""Links: simulated transfer times against figures worked out by hand, and a source for every figure."""

from __future__ import annotations

import pytest

from qfl.errors import InvalidInput
from qfl.simulation.faults.links import Link, expected_repeats, find_link, load_links


def link(latency_seconds: float = 0.1, loss: float = 0.0) -> Link:
    return Link("test", "", latency_seconds, down_bps=12_000.0, up_bps=6_000.0, loss=loss, sources={})


def test_a_packet_takes_the_latency_and_its_bits_headers_included() -> None:
    assert link().up_seconds(1_460) == pytest.approx(0.1 + 8 * 1_500 / 6_000)


def test_a_download_asks_first() -> None:
    assert link().down_seconds(1_460) == pytest.approx(0.1 + 0.1 + 8 * 1_500 / 12_000)


def test_a_byte_more_than_a_packet_costs_a_second_header() -> None:
    assert link().up_seconds(1_461) - link().up_seconds(1_460) == pytest.approx(8 * 41 / 6_000)


def test_a_lost_half_doubles_the_sending_and_waits_a_round_trip_for_a_lone_packet() -> None:
    # 1 / (1 - 1/2) = 2 sendings; 1/2 + 1/4 + ... = 1 round of repetition.
    assert link(loss=0.5).up_seconds(1_460) == pytest.approx(0.1 + 2 * 8 * 1_500 / 6_000 + 2 * 0.1)


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
