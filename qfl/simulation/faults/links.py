"""Access links from `links.toml`, and how long they take to carry a number of bytes: simulated time, never measured.

A message of `n` packets takes

    latency + bits / (rate * (1 - loss)) + 2 * latency * E

where each packet is lost with probability `loss`, whatever happens to the others, and sent until it arrives, so
1 / (1 - loss) times on average. Losses are heard of one round trip later, and repeated together; E is the expected
number of such rounds until all `n` have arrived: sum over k >= 1 of 1 - (1 - loss^k)^n. It is assumed that the sender
fills the link from the first packet on (no slow start), that it has the link to itself, and that no report of a loss
is lost itself.
"""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from qfl.errors import InvalidInput

PROFILES = Path(__file__).with_name("links.toml")
PACKET_BYTES = 1_500  # of Ethernet, and so of most paths (RFC 894)
HEADER_BYTES = 40  # IPv4 and TCP without options (RFC 9293, section 3.7.1)
NEGLIGIBLE = 1e-12


@dataclass(frozen=True)
class Link:
    """An access link: one-way `latency_seconds`, user data rates in bit/s, `loss` of packets in [0, 1).

    `sources` says for each figure where it is from.
    """

    name: str
    title: str
    latency_seconds: float
    down_bps: float
    up_bps: float
    loss: float
    sources: Mapping[str, str]

    def down_seconds(self, size: int) -> float:
        """Simulated seconds from asking for `size` bytes to having them."""
        return self.latency_seconds + self._carry(size, self.down_bps)

    def up_seconds(self, size: int) -> float:
        """Simulated seconds until `size` bytes have arrived in the network."""
        return self._carry(size, self.up_bps)

    def _carry(self, size: int, rate_bps: float) -> float:
        packets = max(1, math.ceil(size / (PACKET_BYTES - HEADER_BYTES)))
        bits = 8 * (size + packets * HEADER_BYTES)
        waiting = 2 * self.latency_seconds * expected_repeats(packets, self.loss)
        return self.latency_seconds + bits / (rate_bps * (1 - self.loss)) + waiting


def expected_repeats(packets: int, loss: float) -> float:
    """Expected rounds of repetition until all packets have arrived."""
    total, lost = 0.0, loss
    while (open_share := -math.expm1(packets * math.log1p(-lost))) > NEGLIGIBLE:
        total += open_share
        lost *= loss
    return total


@cache
def load_links() -> Mapping[str, Link]:
    """The profiles of `links.toml`, by name."""
    return {
        name: Link(
            name,
            entry["title"],
            entry["latency_ms"] / 1e3,
            entry["down_mbps"] * 1e6,
            entry["up_mbps"] * 1e6,
            entry["loss"],
            entry["sources"],
        )
        for name, entry in tomllib.loads(PROFILES.read_text()).items()
    }


def find_link(name: str) -> Link:
    """A profile by its name. Raises InvalidInput: there is none."""
    links = load_links()
    if name not in links:
        raise InvalidInput("dynamics.links", name, f"choose among {', '.join(links)}")
    return links[name]
