"""Every error QFLchain raises on purpose, in one tree. Constructors take values; the text names the remedy.

Each class has an `exit_code` that the command line returns: 2 bad input, 3 chain, 4 storage, 5 keys,
6 verification failed, 7 devnet.
"""

from __future__ import annotations

from pathlib import Path


class QflError(Exception):
    """Root of the tree."""

    exit_code = 1

    def __reduce__(self) -> tuple[object, ...]:
        """Restored without the constructor, which takes values: an error has to come back from a worker process."""
        return _restored, (type(self), self.args), self.__dict__


# --- input ---------------------------------------------------------------------------------------------------


class InvalidInput(QflError):
    """A setting or argument that cannot be used."""

    exit_code = 2

    def __init__(self, name: str, value: object, remedy: str) -> None:
        super().__init__(f"{name} = {value!r}: {remedy}")
        self.name, self.value, self.remedy = name, value, remedy


class MalformedContent(QflError):
    """Bytes that are not a content object of this protocol."""

    exit_code = 6

    def __init__(self, reason: str) -> None:
        super().__init__(f"malformed content: {reason}")
        self.reason = reason


class NotFinite(QflError):
    """A model or an update with NaN or infinity in it."""

    exit_code = 2

    def __init__(self, what: str, index: int) -> None:
        super().__init__(f"{what} is not finite at index {index}: training diverged; lower the learning rate")
        self.what, self.index = what, index


# --- data ----------------------------------------------------------------------------------------------------


class DatasetMissing(QflError):
    """A data set is not where it should be."""

    exit_code = 2

    def __init__(self, name: str, folder: Path, reason: str) -> None:
        super().__init__(
            f"cannot load {name} from {folder} ({reason}): put torchvision's files there, "
            "allow the download, or use the data set digits, which needs no files"
        )
        self.name, self.folder, self.reason = name, folder, reason


# --- storage -------------------------------------------------------------------------------------------------


class StorageError(QflError):
    """The content store did not give what was asked."""

    exit_code = 4


class StoreUnreachable(StorageError):
    """No IPFS node answers."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(f"no IPFS node at {address} ({reason}): start one with `qfl devnet up`, or pass --ipfs")
        self.address, self.reason = address, reason


class PeerUnreachable(StorageError):
    """An IPFS node cannot connect to another."""

    def __init__(self, multiaddr: str, node: str, reason: str) -> None:
        super().__init__(f"the IPFS node at {node} cannot connect to {multiaddr}: {reason}")
        self.multiaddr, self.node, self.reason = multiaddr, node, reason


class ContentUnusable(StorageError):
    """The store answers, but not with the content that was asked for."""


class ContentMissing(ContentUnusable):
    """The node cannot get a block."""

    def __init__(self, cid: str) -> None:
        super().__init__(f"content {cid} cannot be fetched: its owner has not stored it, or is offline")
        self.cid = cid


class ContentCorrupt(ContentUnusable):
    """What came back does not hash to what was asked for."""

    def __init__(self, cid: str, got: str) -> None:
        super().__init__(f"content {cid} came back as {got}: the node's disk or the node itself is not to be trusted")
        self.cid, self.got = cid, got


class ContentTooLarge(ContentUnusable):
    """A block is larger than the protocol allows."""

    def __init__(self, cid: str, size: int, limit: int) -> None:
        super().__init__(f"content {cid} has {size} bytes, more than the {limit} allowed")
        self.cid, self.size, self.limit = cid, size, limit


# --- keys ----------------------------------------------------------------------------------------------------


class KeyFileError(QflError):
    """A key file cannot be used."""

    exit_code = 5


class KeyFileMissing(KeyFileError):
    """There is no key file."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"no key file at {path}: make one with `qfl key new {path}`")
        self.path = path


class KeyFileExists(KeyFileError):
    """A key file would be overwritten."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} exists already: a key is never overwritten; choose another name")
        self.path = path


class KeyFileExposed(KeyFileError):
    """Others can read the key file, or own it."""

    def __init__(self, path: Path, mode: int) -> None:
        super().__init__(f"{path} has mode {mode:04o}: others could sign in your name; run `chmod 600 {path}`")
        self.path, self.mode = path, mode


class KeyFileInUse(KeyFileError):
    """Another process signs with this key."""

    def __init__(self, path: Path, holder: str) -> None:
        super().__init__(f"{path} is in use by {holder}: a leaf that signs twice gives the key away; stop that first")
        self.path, self.holder = path, holder


class KeyFileCorrupt(KeyFileError):
    """The file is not a key file."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} is not a usable key file ({reason}): restore it only together with its counter")
        self.path, self.reason = path, reason


class KeyFileRolledBack(KeyFileError):
    """The file is older than what this key has signed: a restored backup, or a copy that was left behind."""

    def __init__(self, path: Path, next_leaf: int, mark: int) -> None:
        super().__init__(
            f"{path} would sign with leaf {next_leaf}, but leaves below {mark} are used: "
            "it is an old copy and would give the key away; use the newest copy, or rotate to a new key"
        )
        self.path, self.next_leaf, self.mark = path, next_leaf, mark


class KeyExhausted(KeyFileError):
    """Every leaf has signed."""

    def __init__(self, path: Path, leaves: int) -> None:
        super().__init__(f"{path}: all {leaves} leaves have signed; rotate to a new key before the last one is used")
        self.path, self.leaves = path, leaves


# --- private mode --------------------------------------------------------------------------------------------


class KemKeyUnusable(KeyFileError):
    """A file with an ML-KEM key is missing, exposed or damaged."""

    def __init__(self, path: Path, reason: str, remedy: str) -> None:
        super().__init__(f"{path} is not a usable decryption key ({reason}): {remedy}")
        self.path, self.reason, self.remedy = path, reason, remedy


# --- zero-knowledge proofs --------------------------------------------------------------------------------------


class ZkExtraMissing(QflError):
    """What proves, or what checks proofs, is not installed."""

    exit_code = 2

    def __init__(self, reason: str) -> None:
        super().__init__(f"private mode needs the extra zk ({reason}): pip install 'qflchain[zk]'")
        self.reason = reason


class ProofFailed(QflError):
    """No proof could be made."""

    exit_code = 6

    def __init__(self, reason: str) -> None:
        super().__init__(f"no norm proof: {reason}")
        self.reason = reason


class NormKeyError(QflError):
    """The norm circuit's keys cannot be used."""

    exit_code = 5


class NormKeysMissing(NormKeyError):
    """A folder has no keys of the norm circuit."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"no keys of the norm circuit in {folder}: make them with `qfl zk setup --lanes N --out {folder}`"
        )
        self.folder = folder


class NormKeysExist(NormKeyError):
    """Keys would be overwritten; the contracts that hold their digest would accept no proof any more."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"{folder} has keys of the norm circuit already: choose another folder")
        self.folder = folder


class NormKeysMalformed(NormKeyError):
    """A verifying key that is not one of the norm circuit."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"not a verifying key of the norm circuit: {reason}; import it again, or ask who made it")
        self.reason = reason


class NormKeysMismatch(NormKeyError):
    """Keys belong to another verifier than the deployment's."""

    def __init__(self, folder: Path, found: str, expected: str) -> None:
        super().__init__(
            f"the keys in {folder} have digest {found}, on chain it is {expected}: "
            "pass --zk-keys with the keys that this deployment was made with"
        )
        self.folder, self.found, self.expected = folder, found, expected


# --- chain ---------------------------------------------------------------------------------------------------


class ChainError(QflError):
    """The chain did not do what was asked."""

    exit_code = 3


class ChainUnreachable(ChainError):
    """No JSON-RPC endpoint answers."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"no chain answers at {url} ({reason}): start one with `qfl devnet up`, or pass --rpc")
        self.url, self.reason = url, reason


class ContractReverted(ChainError):
    """A contract refused a call; `name` and `values` are those of its custom error."""

    def __init__(self, function: str, name: str, values: dict[str, object]) -> None:
        inside = ", ".join(f"{key}={_shown(value)}" for key, value in values.items())
        super().__init__(f"{function} was refused: {name}({inside})")
        self.function, self.name, self.values = function, name, values


class InsufficientFunds(ChainError):
    """An account cannot pay for a transaction."""

    def __init__(self, address: str, balance_wei: int, required_wei: int) -> None:
        super().__init__(
            f"{address} has {balance_wei / 1e18:.6f} ETH, the transaction needs {required_wei / 1e18:.6f}: fund it"
        )
        self.address, self.balance_wei, self.required_wei = address, balance_wei, required_wei


class TransactionFailed(ChainError):
    """A transaction that passed its dry run failed in its block."""

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

    def __init__(self, function: str, tx_hash: str, seconds: float) -> None:
        super().__init__(f"{function}: transaction {tx_hash} is not in a block after {seconds:.0f} s")
        self.function, self.tx_hash, self.seconds = function, tx_hash, seconds


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
        super().__init__(f"the chain at {url} is no development chain, its time cannot be moved: wait for deadlines")
        self.url = url


# --- challenger ----------------------------------------------------------------------------------------------


class NoDisputes(ChainError):
    """A deployment whose results nobody can dispute."""

    def __init__(self, beacon: str) -> None:
        super().__init__(f"the deployment of beacon {beacon} has no Disputes contract: deploy anew with `qfl deploy`")
        self.beacon = beacon


# --- devnet -------------------------------------------------------------------------------------------------


class DevnetError(QflError):
    """The development network did not do what was asked."""

    exit_code = 7


class PortInUse(DevnetError):
    """A port that was asked for is taken."""

    def __init__(self, port: int, what: str) -> None:
        super().__init__(f"port {port} for {what} is in use: free it, or choose another (0: any free one)")
        self.port, self.what = port, what


class ProgramMissing(DevnetError):
    """A program that the devnet runs is not installed."""

    def __init__(self, program: str, remedy: str) -> None:
        super().__init__(f"{program} is not installed: {remedy}")
        self.program, self.remedy = program, remedy


class DidNotStart(DevnetError):
    """A program ended while it was starting, or never answered."""

    def __init__(self, program: str, log_path: Path, last_lines: str) -> None:
        super().__init__(f"{program} did not start; its log {log_path} ends with:\n{last_lines}")
        self.program, self.log_path, self.last_lines = program, log_path, last_lines


class DevnetPartEnded(DevnetError):
    """A program of a running devnet ended by itself."""

    def __init__(self, program: str, log_path: Path, last_lines: str) -> None:
        super().__init__(f"{program} has ended; its log {log_path} ends with:\n{last_lines}")
        self.program, self.log_path, self.last_lines = program, log_path, last_lines


class PartNotConfigured(DevnetError):
    """A part was asked for that this devnet does not run."""

    def __init__(self, part: str) -> None:
        super().__init__(f"this devnet runs no {part}: start it with one, or use the address of your own")
        self.part = part


class DevnetRunning(DevnetError):
    """Another process runs a devnet in the same folder."""

    def __init__(self, folder: Path, pid: int) -> None:
        super().__init__(
            f"process {pid} runs a devnet in {folder}: use that one, choose another --folder, or end it with "
            f"`qfl devnet down --folder {folder}`"
        )
        self.folder, self.pid = folder, pid


class NoDevnet(DevnetError):
    """No devnet is up in a folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"no devnet is up in {folder}: start one with `qfl devnet up --folder {folder}`")
        self.folder = folder


class DevnetStuck(DevnetError):
    """A devnet was told to end and has not."""

    def __init__(self, folder: Path, pid: int) -> None:
        super().__init__(f"the devnet in {folder} does not end: see its logs, then `kill -9 {pid}`")
        self.folder, self.pid = folder, pid


# --- protocol ------------------------------------------------------------------------------------------------


class ProtocolError(QflError):
    """What another participant, or the chain of models, holds against the protocol."""

    exit_code = 6


class RoundNotCompleted(ProtocolError):
    """A round ended without a model."""

    def __init__(self, round_number: int, reason: str) -> None:
        super().__init__(f"round {round_number} ended without a model: {reason}")
        self.round, self.reason = round_number, reason


class ModelRejected(ProtocolError):
    """A model's content does not match what the beacon says of it."""

    def __init__(self, round_number: int, reason: str) -> None:
        super().__init__(f"the model of round {round_number} is not what was published: {reason}")
        self.round, self.reason = round_number, reason


class UpdateRejected(ProtocolError):
    """An update fails an objective check; it is not included."""

    def __init__(self, client: int, reason: str) -> None:
        super().__init__(f"the update of client {client} is not included: {reason}")
        self.client, self.reason = client, reason


class SealBroken(ProtocolError):
    """A sealed object cannot be opened, or not by everybody it is sealed to."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the sealed object does not open: {reason}")
        self.reason = reason


class TooFewRecipients(ProtocolError):
    """Too few of a committee's seats have an encryption key for a quorum to read an update."""

    def __init__(self, round_number: int, found: int, needed: int) -> None:
        super().__init__(
            f"in round {round_number} {found} seats have an encryption key that can be fetched, {needed} are needed: "
            "validators set theirs when they join, and serve it on IPFS"
        )
        self.round, self.found, self.needed = round_number, found, needed


class VerificationFailed(ProtocolError):
    """`qfl verify` found a round that does not stand."""

    def __init__(self, rounds: list[int]) -> None:
        super().__init__(f"verification failed in round {', '.join(map(str, rounds))}")
        self.rounds = rounds


# --- attacks -------------------------------------------------------------------------------------------------


class AttackSucceeded(ProtocolError):
    """An attack managed what the protocol says it cannot."""

    def __init__(self, complaints: list[str]) -> None:
        super().__init__(f"not everything was stopped as it should be: {'; '.join(complaints)}")
        self.complaints = complaints


# --- state ---------------------------------------------------------------------------------------------------


class StateCorrupt(QflError):
    """A role's journal cannot be read."""

    exit_code = 5

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} is damaged ({reason}): without it a message could be signed twice; restore it")
        self.path, self.reason = path, reason


def _restored(kind: type[QflError], args: tuple[object, ...]) -> QflError:
    return kind.__new__(kind, *args)


def _shown(value: object) -> object:
    return "0x" + value.hex() if isinstance(value, bytes) else value
