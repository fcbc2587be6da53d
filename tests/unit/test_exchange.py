"""Which hosts are this machine."""

from __future__ import annotations

import pytest

from qfl.exchange import is_loopback


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1", "localhost", "LOCALHOST.", "a.localhost"]
)
def test_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["10.0.0.1", "0.0.0.0", "128.0.0.1", "::2", "localhost.example", "notlocalhost", ""])
def test_other_machines(host: str) -> None:
    assert not is_loopback(host)
