"""Which hosts are this machine."""

import socket

import pytest

from qfl.exchange import is_loopback


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1", "localhost", "LOCALHOST.", "a.localhost"),
        *("127.1", "0177.1", "2130706433", "0x7f000001", "0X7F.1", "0", "0.0.0.0", "::", "::ffff:0.0.0.0"),
        *("localhost.localdomain", "ip6-localhost", "ip6-loopback", "localhost6"),
    ],
)
def test_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    [
        *("10.0.0.1", "128.0.0.1", "::2", "localhost.example", "notlocalhost", ""),
        *("10.1", "0x0a000001", "2130706433.example", "1.2.3.4.5", "0 x", "4294967296", "1x", "\u0661"),
    ],
)
def test_other_machines(host: str) -> None:
    assert not is_loopback(host)


def test_the_own_name_is_this_machine_and_no_name_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A question to the DNS would tell others, and take long, where there is no network but the proxy."""

    def refuse(*_arguments: object) -> None:
        raise AssertionError("a name was looked up")

    for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr"):
        monkeypatch.setattr(socket, name, refuse)
    own = socket.gethostname()
    assert is_loopback(own)
    assert is_loopback(own.upper())
    assert not is_loopback(f"not-{own}.example")
