"""The reveals that a seat signs about are those that its chain shows, each under its number."""

from types import SimpleNamespace

from qfl.protocol.digests import reveals_hash
from qfl.protocol.types import Reveal
from qfl.validator.update_pool import UpdatePool


class Part:
    """A shard's part in a round; `later` is what a node on another branch answers for the blocks from 5 on."""

    def __init__(self) -> None:
        self.shown, self.later, self.asked = list[Reveal](), list[Reveal](), list[int | None]()
        self.round = SimpleNamespace(number=1)
        self.contract = SimpleNamespace(reveals_hash=lambda _round: reveals_hash(self.shown))

    def reveals_from(self, block):
        self.asked.append(block)
        return (list(self.shown), 5) if block is None else (list(self.later), block)


def reveal(client, index):
    return Reveal(client=client, index=index, update_root=bytes([client]) * 32, content_digest=bytes(32), tx_hash="")


def pool_of(part):
    return UpdatePool(part, lambda reveals: ([], []))


def test_only_what_is_new_is_read():
    part = Part()
    pool, part.shown = pool_of(part), [reveal(1, 0)]
    pool.fetch(0, ())
    part.later = [reveal(2, 1)]
    part.shown = [reveal(1, 0), reveal(2, 1)]
    pool.fetch(0, ())
    pool.fetch(0, ())
    assert part.asked == [None, 5]
    assert pool.reveals == part.shown
    assert pool.is_current()


def test_everything_is_read_anew_where_the_chain_shows_something_else():
    part = Part()
    pool, part.shown = pool_of(part), [reveal(1, 0)]
    pool.fetch(0, ())
    part.shown = [reveal(3, 0), reveal(1, 1)]
    assert not pool.is_current()
    pool.fetch(0, ())
    assert pool.reveals == part.shown


def test_numbers_of_another_branch_are_not_taken():
    """There it has another reveal before it: the hash, which is of the order, would not tell."""
    part = Part()
    pool, part.shown = pool_of(part), [reveal(1, 0)]
    pool.fetch(0, ())
    part.shown, part.later = [reveal(1, 0), reveal(2, 1)], [reveal(2, 2)]
    pool.fetch(0, ())
    assert pool.reveals == part.shown
    pool.reveals = [reveal(1, 0), reveal(2, 2)]
    assert not pool.is_current()
