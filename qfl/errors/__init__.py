"""Every error QFLchain raises on purpose, in one tree. An error is declared by its values and the text of them.

Each class has an `exit_code` that the command line returns: 2 bad input, 3 chain, 4 storage, 5 keys,
6 verification failed, 7 devnet and workers, 8 verification incomplete.
"""

from dataclasses import dataclass
from inspect import get_annotations
from pathlib import Path
from typing import dataclass_transform

from qfl.errors.text import conceal, fill


@dataclass_transform(eq_default=False)
class QflError(Exception):
    """Root of the tree. Attributes hold values as they were given; the text is without secrets.

    A subclass is a dataclass: its constructor takes the values that its bases and it annotate, in this order. The
    `template` names the remedy (`qfl.errors.text` says how values are written in it). Where it says what the error is,
    a docstring would only say it again.
    """

    exit_code = 1
    names_hashes = False
    """Whether long hexadecimal numbers in the text are the chain's, so that none of them can be a key."""
    template = ""

    def __init_subclass__(cls) -> None:
        if get_annotations(cls):
            dataclass(eq=False, repr=False)(cls)

    def __init__(self, message: str) -> None:
        super().__init__(conceal(message, self.names_hashes))

    def __post_init__(self) -> None:
        QflError.__init__(self, fill(self.template, vars(self)))

    def __reduce__(self) -> tuple[object, ...]:
        """Restored without the constructor, which takes values: an error has to come back from a worker process."""
        return _restored, (type(self), self.args), self.__dict__


def _restored(kind: type[QflError], args: tuple[object, ...]) -> QflError:
    return kind.__new__(kind, *args)


# --- settings, arguments, data sets and bytes that cannot be used ---


class InvalidInput(QflError):
    """A setting or argument that cannot be used."""

    exit_code = 2
    name: str
    value: object
    remedy: str
    template = "{name} = {value:quoted}: {remedy}"


class DoorBroken(QflError):
    """What another package, or a person's own module, was to bring cannot be loaded."""

    exit_code = 2
    kind: str
    reference: str
    reason: str
    template = "the {kind} {reference} cannot be loaded ({reason}): mend or remove the package that has it"


class NotInstalled(InvalidInput):
    """A setting, or somebody else's job, names what no package here has."""

    def __init__(self, setting: str, name: object, kind: str, known: list[str]) -> None:
        found = f"here are {', '.join(known)}" if known else "here is none"
        super().__init__(setting, name, f"no such {kind} is installed; {found}: install the package that has it")
        self.kind, self.known = kind, known


class MalformedContent(QflError):
    """Bytes that are not a content object of this protocol."""

    exit_code = 6
    reason: str
    template = "malformed content: {reason}"


class NotFinite(QflError):
    exit_code = 2
    what: str
    index: int
    template = "{what} is not finite at index {index}: training diverged; lower the learning rate"


class DatasetMissing(QflError):
    exit_code = 2
    name: str
    folder: Path
    reason: str
    template = (
        "cannot load {name} from {folder} ({reason}): put torchvision's files there, "
        "allow the download, or use the data set digits, which needs no files"
    )


class ExtraMissing(QflError):
    """What an optional feature is made of is not installed; `extra` is its name in `pyproject.toml`."""

    exit_code = 2
    feature: str
    extra: str
    reason: str
    template = "{feature} needs the extra {extra} ({reason}): pip install 'qflchain[{extra}]'"


class WorkersFailed(QflError):
    """Ray could not be started or reached, or its workers died more often than a task is repeated."""

    exit_code = 7
    reason: str
    template = (
        "training on Ray failed ({reason}): give its workers more memory, check RAY_ADDRESS, "
        "or train with --executor local; --resume takes the run up where it stopped"
    )


# --- the chain and the contracts on it ---


class ChainError(QflError):
    exit_code = 3


class ChainUnreachable(ChainError):
    url: str
    reason: str
    template = "no chain answers at {url:address} ({reason}): start one with `qfl devnet up`, or pass --rpc"


class ShardUnreachable(ChainUnreachable):
    """It is a shard's own chain that does not answer: everybody but this shard goes on."""


class NodeBusy(ChainUnreachable):
    """A node puts a call off: too many requests, a time-out, data that it has not indexed yet."""

    template = (
        "the node at {url:address} puts calls off ({reason}): wait and try again, or pass another node with --rpc"
    )


class ShardBusy(NodeBusy, ShardUnreachable):
    """It is a node of a shard's own chain."""


class NodeContradictsItself(ChainError):
    url: str
    what: str
    template = "the node at {url:address} answers what cannot be: {what}; ask again, or another node with --rpc"


class NoAnswerInTime(ChainError):
    seconds: float
    template = "no answer within {seconds:g} s: look again later, or at the node"


class RpcRefused(ChainError):
    """A node answered a call with an error; `data` is the revert data, where a contract refused it."""

    url: str
    method: str
    message: str
    data: str | None
    template = "the chain at {url:address} refuses {method}: {message}"

    @property
    def is_revert(self) -> bool:
        return self.data not in (None, "0x") or "revert" in self.message.lower()


class RpcFailed(RpcRefused):
    """A node could not do a call, and does not say that it never can: another try may not meet the fault."""


class ContractReverted(ChainError):
    """A contract refused a call; `name` and `values` are those of its custom error."""

    names_hashes = True
    function: str
    name: str
    values: dict[str, object]
    template = "{function} was refused: {name}({values:named})"


class InsufficientFunds(ChainError):
    address: str
    balance_wei: int
    required_wei: int
    template = "{address} has {balance_wei:eth} ETH, the transaction needs {required_wei:eth}: fund it"


class RunNotAffordable(ChainError):
    """Found out before anything was sent; `what` makes up the required amount."""

    url: str
    address: str
    balance_wei: int
    required_wei: int
    what: str
    template = (
        "{address} has {balance_wei:eth} ETH on the chain at {url:address} and needs about "
        "{required_wei:eth} ETH ({what}): fund it, or pass another --account; nothing was sent"
    )


class ChainUnfit(ChainError):
    url: str
    reason: str
    remedy: str
    template = "the chain at {url:address} cannot take this job: {reason}; {remedy}; nothing was sent"


class TransactionFailed(ChainError):
    names_hashes = True
    function: str
    tx_hash: str
    template = "{function} failed in transaction {tx_hash}: see `qfl inspect tx {tx_hash}`"


class TransactionRefused(ChainError):
    function: str
    reason: str
    template = "{function}: the node does not take the transaction: {reason}"


class TransactionNotMined(ChainError):
    """A transaction was sent and no block took it in time; `standing` is what the node says of it."""

    names_hashes = True
    function: str
    tx_hash: str
    seconds: float
    standing: str
    template = (
        "{function}: transaction {tx_hash} is not in a block after {seconds:.0f} s ({standing}): "
        "it may still come; the same command takes it up"
    )


class DeploymentMissing(ChainError):
    path: Path
    template = "no deployment file at {path}: deploy with `qfl deploy`, or pass --deployment"


class DeploymentMalformed(ChainError):
    path: Path
    reason: str
    template = "{path} is not a deployment file ({reason}): deploy again, or pass another --deployment"


class DeploymentOfAnotherVersion(ChainError):
    path: Path
    version: object
    read: int
    template = (
        "{path} is a deployment file of version {version}, and this program reads version {read}: its contracts take "
        "other signatures; run it to its end with the release that made it (0.2 for version 2), or deploy again"
    )


class DeploymentMismatch(ChainError):
    names_hashes = True
    what: str
    expected: object
    found: object
    template = (
        "the chain does not match the deployment file: {what} is {found}, the file says {expected}; "
        "pass the --rpc and --deployment that belong together, or deploy again"
    )


class AddressTaken(ChainError):
    """A contract whose address others were told cannot be created there any more."""

    name: str
    expected: str
    found: str
    template = (
        "{name} would be at {found}, not at {expected} as the beacon was told: the account sent something else"
        " while it deployed; deploy again, with an account that nobody else uses"
    )


class CompilerFailed(ChainError):
    reason: str
    template = "the contracts do not compile: {reason}; `make setup` installs the compiler"


class ClockNotMovable(ChainError):
    url: str
    template = "the chain at {url:address} is no development chain, its time cannot be moved: pass --real-time"


class NoDisputes(ChainError):
    beacon: str
    template = "the deployment of beacon {beacon} has no Disputes contract: deploy anew with `qfl deploy`"


# --- the content store ---


class StorageError(QflError):
    exit_code = 4


class StoreUnreachable(StorageError):
    address: str
    reason: str
    template = "no IPFS node at {address:address} ({reason}): start one with `qfl devnet up`, or pass --ipfs"


class PeerUnreachable(StorageError):
    multiaddr: str
    node: str
    reason: str
    template = "the IPFS node at {node:address} cannot connect to {multiaddr}: {reason}"


class ContentUnusable(StorageError):
    """The store answers, but not with the content that was asked for."""


class ContentMissing(ContentUnusable):
    cid: str
    template = "content {cid} cannot be fetched: its owner has not stored it, or is offline"


class ContentCorrupt(ContentUnusable):
    cid: str
    got: str
    template = "content {cid} came back as {got}: the node's disk or the node itself is not to be trusted"


class ContentTooLarge(ContentUnusable):
    cid: str
    size: int
    limit: int
    template = "content {cid} has {size} bytes, more than the {limit} allowed"


# --- keys, and what a role keeps on disk ---


class KeyFileError(QflError):
    exit_code = 5
    path: Path


class KeyFileMissing(KeyFileError):
    template = "no key file at {path}: make one with `qfl key new {path}`"


class KeyFileExists(KeyFileError):
    template = "{path} exists already: a key is never overwritten; choose another name"


class KeyFileExposed(KeyFileError):
    mode: int
    template = "{path} has mode {mode:04o}: others could sign in your name; run `chmod 600 {path}`"


class KeyFileInUse(KeyFileError):
    holder: str
    template = "{path} is in use by {holder}: a leaf that signs twice gives the key away; stop that first"


class KeyFileCorrupt(KeyFileError):
    reason: str
    template = "{path} is not a usable key file ({reason}): restore it only together with its counter"


class KeyFileRolledBack(KeyFileError):
    """The file is older than what this key has signed: a restored backup, or a copy that was left behind."""

    next_leaf: int
    mark: int
    template = (
        "{path} would sign with leaf {next_leaf}, but leaves below {mark} are used: "
        "it is an old copy and would give the key away; use the newest copy, or rotate to a new key"
    )


class KeyFileBehind(KeyFileError):
    """A contract has seen leaves that the file counts as unused: an old copy, where nothing else remembers that."""

    next_leaf: int
    seen_leaf: int
    contract: str
    template = (
        "{path} would sign with leaf {next_leaf}, but {contract} has seen leaf {seen_leaf}: "
        "it is an old copy and would give the key away; use the newest copy, or join again with a new key"
    )


class KeyExhausted(KeyFileError):
    leaves: int
    template = "{path}: all {leaves} leaves have signed; rotate to a new key before the last one is used"


class SeedKeyUnusable(KeyFileError):
    reason: str
    remedy: str
    template = "{path} is not a usable key ({reason}): {remedy}"


class KemKeyUnusable(SeedKeyUnusable):
    template = "{path} is not a usable decryption key ({reason}): {remedy}"


class LinkSeedUnusable(SeedKeyUnusable):
    template = "{path} is not a usable seed of links ({reason}): {remedy}"


class StateCorrupt(QflError):
    exit_code = 5
    path: Path
    reason: str
    template = "{path} is damaged ({reason}): without it a message could be signed twice; restore it"


# --- norm proofs ---


class ProofFailed(QflError):
    exit_code = 6
    reason: str
    template = "no norm proof: {reason}"


class NormKeyError(QflError):
    exit_code = 5


class NormKeysMissing(NormKeyError):
    folder: Path
    template = "no keys of the norm circuit in {folder}: make them with `qfl zk setup --lanes N --out {folder}`"


class NormKeysExist(NormKeyError):
    """Keys would be overwritten; the contracts that hold their digest would accept no proof any more."""

    folder: Path
    template = "{folder} has keys of the norm circuit already: choose another folder"


class NormKeysMalformed(NormKeyError):
    reason: str
    template = "not a verifying key of the norm circuit: {reason}; import it again, or ask who made it"


class NormKeysMismatch(NormKeyError):
    names_hashes = True
    folder: Path
    found: str
    expected: str
    template = (
        "the keys in {folder} have digest {found}, on chain it is {expected}: "
        "pass --zk-keys with the keys that this deployment was made with"
    )


# --- what another participant, or the chain of models, holds against the protocol ---


class ProtocolError(QflError):
    exit_code = 6
    names_hashes = True


class RoundNotCompleted(ProtocolError):
    round: int
    reason: str
    template = "round {round} ended without a model: {reason}"


class ModelRejected(ProtocolError):
    round: int
    reason: str
    template = "the model of round {round} is not what was published: {reason}"


class UpdateRejected(ProtocolError):
    client: int
    reason: str
    template = "the update of client {client} is not included: {reason}"


class UpdateUnreadable(UpdateRejected):
    """The own store does not give an update's content; another one may have it."""


class UpdateMissing(UpdateUnreadable):
    """An update's content cannot be fetched."""


class SealBroken(ProtocolError):
    reason: str
    template = "the sealed object does not open: {reason}"


class TooFewRecipients(ProtocolError):
    round: int
    found: int
    needed: int
    template = (
        "in round {round} {found} seats have an encryption key that can be fetched, {needed} are needed: "
        "validators set theirs when they join, and serve it on IPFS"
    )


class VerificationFailed(ProtocolError):
    rounds: list[int]
    template = "verification failed in round {rounds:listed}"


class VerificationIncomplete(ProtocolError):
    exit_code = 8
    rounds: list[int]
    template = (
        "nothing is wrong, but the content of round {rounds:listed} is no longer stored, so not all "
        "of it was recomputed: --accept-released takes that for success"
    )


class AttackSucceeded(ProtocolError):
    complaints: list[str]
    template = "not everything was stopped as it should be: {complaints:sentences}"


# --- the development network ---


class DevnetError(QflError):
    exit_code = 7


class PortInUse(DevnetError):
    port: int
    what: str
    template = "port {port} for {what} is in use: free it, or choose another (0: any free one)"


class ProgramMissing(DevnetError):
    program: str
    remedy: str
    template = "{program} is not installed: {remedy}"


class DidNotStart(DevnetError):
    program: str
    log_path: Path
    last_lines: str
    template = "{program} did not start; its log {log_path} ends with:\n{last_lines}"


class DevnetPartEnded(DevnetError):
    program: str
    log_path: Path
    last_lines: str
    template = "{program} has ended; its log {log_path} ends with:\n{last_lines}"


class PartNotConfigured(DevnetError):
    part: str
    template = "this devnet runs no {part}: start it with one, or use the address of your own"


class DevnetRunning(DevnetError):
    folder: Path
    pid: int
    template = (
        "process {pid} runs a devnet in {folder}: use that one, choose another --folder, or end it with "
        "`qfl devnet down --folder {folder}`"
    )


class RunGoesOn(DevnetError):
    folder: Path
    template = "a run goes on in {folder}: wait until it has ended, end it, or choose another folder"


class DevnetStateDamaged(DevnetError):
    path: Path
    reason: str
    template = "{path} is damaged ({reason}): end the devnet with `qfl devnet down`, and start it again"


class NoDevnet(DevnetError):
    folder: Path
    template = "no devnet is up in {folder}: start one with `qfl devnet up --folder {folder}`"


class DevnetStuck(DevnetError):
    folder: Path
    pid: int
    template = "the devnet in {folder} does not end: see its logs, then `kill -9 {pid}`"


PASSING = (
    ChainUnreachable,
    ContractReverted,
    ModelRejected,
    NodeContradictsItself,
    ProofFailed,
    RpcFailed,
    StorageError,
    TooFewRecipients,
    TransactionFailed,
    TransactionNotMined,
    TransactionRefused,
)
"""What a long-running role waits out, as the next try may not meet it; everything else ends the role."""
