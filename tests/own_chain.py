"""A port of its own for Brownie's development chain.

Brownie's is always 8545: a second run beside the first would take the first one's chain for its own, and revert it.
"""

import socket

from brownie._config import CONFIG


def use_a_free_port() -> None:
    """To be called before Brownie connects, which it does when all tests are collected."""
    settings = CONFIG.networks["development"]["cmd_settings"]
    if settings["port"] == 8545:  # not yet by the other folder's tests
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            settings["port"] = probe.getsockname()[1]
