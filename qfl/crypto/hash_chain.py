"""Hash chains: a secret hashed over and over, of which the last value is shown first, then the one before, and so on.

Lamport, "Password authentication with insecure communication" (1981). Nobody can choose what is shown next, and only
the owner knows it. A validator's links seed the draw (`Draw.showLink`); a client's show that its updates are its own
(`Shard.commitByKey`).
"""

import hashlib
import hmac
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from qfl.crypto.seedfile import SeedKey
from qfl.errors import LinkSeedUnusable

LINK_BYTES = 28
LENGTH = 4096
"""Links of a chain: one for each round in which a validator is the first that shows, two for each round of a client."""
STRIDE = 64
"""Of how many links one is kept."""
SEED_NAME = "links.seed"
"""The file in a participant's folder."""


def link_domain(chain_id: int, staking: str) -> bytes:
    """What every link is hashed with: `Draw.linkDomain`."""
    return keccak(encode(["uint256", "address"], [chain_id, staking]))


def next_link(link: bytes, domain: bytes) -> bytes:
    """What `link` hashes to: the link that was shown before it."""
    return keccak(domain + link)[:LINK_BYTES]


def earlier_link(link: bytes, domain: bytes, count: int) -> bytes:
    """The link that is `count` places nearer to the anchor."""
    for _ in range(count):
        link = next_link(link, domain)
    return link


@dataclass(frozen=True)
class RoundKeys:
    """A client's two links of a round: the token, which goes with its commitment, and what hashes to that, the key."""

    token: bytes
    key: bytes


class HashChain:
    """A chain of `length` links, of which it keeps every 64th: 2 kB at 4,096."""

    def __init__(self, secret: bytes, domain: bytes, length: int = LENGTH) -> None:
        self._secret, self._domain, self.length = secret, domain, length

    @property
    def anchor(self) -> bytes:
        """The end that is made public first."""
        return self.tip(0)

    def tip(self, shown: int) -> bytes:
        """The last link when `shown` have been shown: with none, the anchor."""
        kept, rest = divmod(self.length - shown, STRIDE)
        return self._hash(self._kept[kept], rest)

    def link(self, shown: int) -> bytes | None:
        """The link to show when `shown` have been; None when none is left."""
        return self.tip(shown + 1) if shown < self.length else None

    def keys_of(self, round_number: int, first_round: int) -> RoundKeys | None:
        """What a client commits and reveals with in a round; None where the chain has no links for it."""
        position = 2 * (round_number - first_round) + 1
        if not 0 < position < self.length:
            return None
        return RoundKeys(token=self.tip(position), key=self.tip(position + 1))

    @cached_property
    def _kept(self) -> list[bytes]:
        kept = [self._secret[:LINK_BYTES]]
        for _ in range(self.length // STRIDE):
            kept.append(self._hash(kept[-1], STRIDE))
        return kept

    def _hash(self, link: bytes, times: int) -> bytes:
        return earlier_link(link, self._domain, times)


class LinkSeed(SeedKey):
    """The secret that all of a participant's chains are derived from."""

    header = b"QFLLINK1"
    seed_bytes = 32
    unusable = LinkSeedUnusable
    danger = "who reads it knows the links that you will show"
    absent = "restore it, or leave and join with a new folder"
    damaged = "restore it from a backup"

    def __init__(self, seed: bytes) -> None:
        self._seed = seed

    @classmethod
    def of(cls, folder: Path) -> Self:
        """The seed in a participant's folder, made if there is none. Raises as `open`."""
        return cls.keep(folder / SEED_NAME)

    def chain(self, chain_id: int, staking: str, identifier: bytes, number: int = 0) -> HashChain:
        """A chain of whose LMS key has this identifier; each deployment has its own.

        Of a client's, `number` is its first round, so no two rounds have the same links. Of a validator's, it is 0 for
        the chain to bond with; of another, one more than the nonce that its anchor was named with.
        """
        domain = link_domain(chain_id, staking)
        return HashChain(hmac.digest(self._seed, domain + identifier + number.to_bytes(4), hashlib.sha256), domain)
