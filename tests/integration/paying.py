"""Payments of 1 wei: what an account without anything has in the end is how often it was paid."""

from eth_account.signers.local import LocalAccount

from qfl.chain.rpc.accounts import development_account
from qfl.chain.rpc.connection import connect
from qfl.chain.rpc.sender import Sender, UnsentCall
from qfl.devnet.health import call_chain

PAYER = 17


def payments(payee: str, count: int) -> list[UnsentCall]:
    """Calls that pay 1 wei each; no two are alike."""
    return [UnsentCall("pay", payee, number.to_bytes(2), 1) for number in range(count)]


def sender(url: str, account: LocalAccount | None = None) -> Sender:
    return Sender(connect(url), account or development_account(PAYER))


def balance(url: str, address: str) -> int:
    return int(call_chain(url, "eth_getBalance", address, "latest"), 16)
