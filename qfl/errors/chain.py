"""The chain and the contracts on it."""

from __future__ import annotations

from pathlib import Path

from qfl.errors.base import QflError, shown
from qfl.errors.secrets import conceal_address


class ChainError(QflError):
    """The chain did not do what was asked."""

    exit_code = 3


class ChainUnreachable(ChainError):
    """No JSON-RPC endpoint answers."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(
            f"no chain answers at {conceal_address(url)} ({reason}): start one with `qfl devnet up`, or pass --rpc"
        )
        self.url, self.reason = url, reason


class NodeBusy(ChainUnreachable):
    """A node puts a call off: too many requests, a time-out, data that it has not indexed yet."""

    def __init__(self, url: str, reason: str) -> None:
        ChainError.__init__(
            self,
            f"the node at {conceal_address(url)} puts calls off ({reason}): wait and try again, "
            "or pass another node with --rpc",
        )
        self.url, self.reason = url, reason


class NodeContradictsItself(ChainError):
    """A node's answers cannot all be true, or are not of the kind that was asked for."""

    def __init__(self, url: str, what: str) -> None:
        super().__init__(
            f"the node at {conceal_address(url)} answers what cannot be: {what}; ask again, or another node with --rpc"
        )
        self.url, self.what = url, what


class NoAnswerInTime(ChainError):
    """A node takes longer than somebody who looks at a page should wait."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"no answer within {seconds:g} s: look again later, or at the node")
        self.seconds = seconds


class RpcRefused(ChainError):
    """A node answered a call with an error; `data` is the revert data, where a contract refused it."""

    def __init__(self, url: str, method: str, message: str, data: str | None) -> None:
        super().__init__(f"the chain at {conceal_address(url)} refuses {method}: {message}")
        self.url, self.method, self.message, self.data = url, method, message, data

    @property
    def is_revert(self) -> bool:
        """True when it was a contract that refused."""
        return self.data not in (None, "0x") or "revert" in self.message.lower()


class RpcFailed(RpcRefused):
    """A node could not do a call, and does not say that it never can: another try may not meet the fault."""


class ContractReverted(ChainError):
    """A contract refused a call; `name` and `values` are those of its custom error."""

    names_hashes = True

    def __init__(self, function: str, name: str, values: dict[str, object]) -> None:
        inside = ", ".join(f"{key}={shown(value)}" for key, value in values.items())
        super().__init__(f"{function} was refused: {name}({inside})")
        self.function, self.name, self.values = function, name, values


class InsufficientFunds(ChainError):
    """An account cannot pay for a transaction."""

    def __init__(self, address: str, balance_wei: int, required_wei: int) -> None:
        super().__init__(
            f"{address} has {balance_wei / 1e18:.6f} ETH, the transaction needs {required_wei / 1e18:.6f}: fund it"
        )
        self.address, self.balance_wei, self.required_wei = address, balance_wei, required_wei


class RunNotAffordable(ChainError):
    """An account cannot pay for what it is to deploy or to run; found out before anything was sent."""

    def __init__(self, url: str, address: str, balance_wei: int, required_wei: int, what: str) -> None:
        """`what` makes up the required amount."""
        super().__init__(
            f"{address} has {balance_wei / 1e18:.6f} ETH on the chain at {conceal_address(url)} and needs about "
            f"{required_wei / 1e18:.6f} ETH ({what}): fund it, or pass another --account; nothing was sent"
        )
        self.url, self.address, self.balance_wei, self.required_wei = url, address, balance_wei, required_wei


class ChainUnfit(ChainError):
    """A chain cannot take the contracts; found out before anything was sent."""

    def __init__(self, url: str, reason: str, remedy: str) -> None:
        super().__init__(
            f"the chain at {conceal_address(url)} cannot take this job: {reason}; {remedy}; nothing was sent"
        )
        self.url, self.reason, self.remedy = url, reason, remedy


class TransactionFailed(ChainError):
    """A transaction that passed its dry run failed in its block."""

    names_hashes = True

    def __init__(self, function: str, tx_hash: str) -> None:
        super().__init__(f"{function} failed in transaction {tx_hash}: see `qfl inspect tx {tx_hash}`")
        self.function, self.tx_hash = function, tx_hash


class TransactionRefused(ChainError):
    """The node does not take a transaction, for a reason of its own."""

    def __init__(self, function: str, reason: str) -> None:
        super().__init__(f"{function}: the node does not take the transaction: {reason}")
        self.function, self.reason = function, reason


class TransactionNotMined(ChainError):
    """A transaction was sent and no block took it in time."""

    names_hashes = True

    def __init__(self, function: str, tx_hash: str, seconds: float, standing: str) -> None:
        """`standing` is what the node says of it."""
        super().__init__(
            f"{function}: transaction {tx_hash} is not in a block after {seconds:.0f} s ({standing}): "
            "it may still come; the same command takes it up"
        )
        self.function, self.tx_hash, self.seconds, self.standing = function, tx_hash, seconds, standing


class DeploymentMissing(ChainError):
    """There is no deployment file."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"no deployment file at {path}: deploy with `qfl deploy`, or pass --deployment")
        self.path = path


class DeploymentMalformed(ChainError):
    """A deployment file cannot be read."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} is not a deployment file ({reason}): deploy again, or pass another --deployment")
        self.path, self.reason = path, reason


class DeploymentMismatch(ChainError):
    """The chain does not hold the contracts that the deployment file describes."""

    names_hashes = True

    def __init__(self, what: str, expected: object, found: object) -> None:
        super().__init__(
            f"the chain does not match the deployment file: {what} is {found}, the file says {expected}; "
            "pass the --rpc and --deployment that belong together, or deploy again"
        )
        self.what, self.expected, self.found = what, expected, found


class AddressTaken(ChainError):
    """A contract whose address others were told cannot be created there any more."""

    def __init__(self, name: str, expected: str, found: str) -> None:
        super().__init__(
            f"{name} would be at {found}, not at {expected} as the beacon was told: the account sent something else"
            " while it deployed; deploy again, with an account that nobody else uses"
        )
        self.name, self.expected, self.found = name, expected, found


class CompilerFailed(ChainError):
    """The Solidity compiler refused the sources, or cannot run."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the contracts do not compile: {reason}; `make setup` installs the compiler")
        self.reason = reason


class ClockNotMovable(ChainError):
    """Time was to be moved on a chain that keeps its own."""

    def __init__(self, url: str) -> None:
        super().__init__(
            f"the chain at {conceal_address(url)} is no development chain, its time cannot be moved: pass --real-time"
        )
        self.url = url


class NoDisputes(ChainError):
    """A deployment whose results nobody can dispute."""

    def __init__(self, beacon: str) -> None:
        super().__init__(f"the deployment of beacon {beacon} has no Disputes contract: deploy anew with `qfl deploy`")
        self.beacon = beacon
