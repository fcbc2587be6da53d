"""Patience with a chain that counts a transaction a moment before it can be asked for it."""

import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from brownie import web3
from web3.exceptions import TransactionNotFound

SECONDS = 5.0


def look_up_patiently() -> None:
    """Let Brownie ask again: on a busy machine it would take a transaction that Anvil has just mined as dropped."""
    for name in ("get_transaction", "get_transaction_receipt"):
        setattr(web3.eth, name, _patient(getattr(web3.eth, name)))


def _patient(look_up: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(look_up)
    def asking(*arguments: Any) -> Any:
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                return look_up(*arguments)
            except TransactionNotFound:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)

    return asking
