"""Every error QFLchain raises on purpose, in one tree. An error is declared by its values and the text of them.

Each class has an `exit_code` that the command line returns: 2 bad input, 3 chain, 4 storage, 5 keys,
6 verification failed, 7 devnet and workers, 8 verification incomplete.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import dataclass_transform

from qfl.errors.secrets import conceal
from qfl.errors.text import fill


@dataclass_transform(eq_default=False)
class QflError(Exception):
    """Root of the tree. Attributes hold values as they were given; the text is without secrets.

    A subclass with a `template` is a dataclass: its constructor takes the values that it annotates, in this order, and
    the template names the remedy (`qfl.errors.text` says how values are written in it).
    """

    exit_code = 1
    names_hashes = False
    """Whether long hexadecimal numbers in the text are the chain's, so that none of them can be a key."""
    template = ""

    def __init_subclass__(cls) -> None:
        if "template" in vars(cls):
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
    """A model or an update with NaN or infinity in it."""

    exit_code = 2
    what: str
    index: int
    template = "{what} is not finite at index {index}: training diverged; lower the learning rate"


class DatasetMissing(QflError):
    """A data set is not where it should be."""

    exit_code = 2
    name: str
    folder: Path
    reason: str
    template = (
        "cannot load {name} from {folder} ({reason}): put torchvision's files there, "
        "allow the download, or use the data set digits, which needs no files"
    )


class PrivacyExtraMissing(QflError):
    """Updates are to be differentially private, and nothing here can tell how private they are."""

    exit_code = 2
    reason: str
    template = "differential privacy needs the extra dp ({reason}): pip install 'qflchain[dp]'"


class RayExtraMissing(QflError):
    """The executor `ray` was asked for, and Ray is not installed."""

    exit_code = 2
    reason: str
    template = "the executor ray needs the extra ray ({reason}): pip install 'qflchain[ray]'"


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
    """The chain did not do what was asked."""

    exit_code = 3


class ChainUnreachable(ChainError):
    """No JSON-RPC endpoint answers."""

    url: str
    reason: str
    template = "no chain answers at {url:address} ({reason}): start one with `qfl devnet up`, or pass --rpc"


class NodeBusy(ChainUnreachable):
    """A node puts a call off: too many requests, a time-out, data that it has not indexed yet."""

    template = (
        "the node at {url:address} puts calls off ({reason}): wait and try again, or pass another node with --rpc"
    )


class NodeContradictsItself(ChainError):
    """A node's answers cannot all be true, or are not of the kind that was asked for."""

    url: str
    what: str
    template = "the node at {url:address} answers what cannot be: {what}; ask again, or another node with --rpc"


class NoAnswerInTime(ChainError):
    """A node takes longer than somebody who looks at a page should wait."""

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
        """True when it was a contract that refused."""
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
    """An account cannot pay for a transaction."""

    address: str
    balance_wei: int
    required_wei: int
    template = "{address} has {balance_wei:eth} ETH, the transaction needs {required_wei:eth}: fund it"


class RunNotAffordable(ChainError):
    """An account cannot pay for what it is to deploy or to run; found out before anything was sent.

    `what` makes up the required amount.
    """

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
    """A chain cannot take the contracts; found out before anything was sent."""

    url: str
    reason: str
    remedy: str
    template = "the chain at {url:address} cannot take this job: {reason}; {remedy}; nothing was sent"


class TransactionFailed(ChainError):
    """A transaction that passed its dry run failed in its block."""

    names_hashes = True
    function: str
    tx_hash: str
    template = "{function} failed in transaction {tx_hash}: see `qfl inspect tx {tx_hash}`"


class TransactionRefused(ChainError):
    """The node does not take a transaction, for a reason of its own."""

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
    """There is no deployment file."""

    path: Path
    template = "no deployment file at {path}: deploy with `qfl deploy`, or pass --deployment"


class DeploymentMalformed(ChainError):
    """A deployment file cannot be read."""

    path: Path
    reason: str
    template = "{path} is not a deployment file ({reason}): deploy again, or pass another --deployment"


class DeploymentMismatch(ChainError):
    """The chain does not hold the contracts that the deployment file describes."""

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
    """The Solidity compiler refused the sources, or cannot run."""

    reason: str
    template = "the contracts do not compile: {reason}; `make setup` installs the compiler"


class ClockNotMovable(ChainError):
    """Time was to be moved on a chain that keeps its own."""

    url: str
    template = "the chain at {url:address} is no development chain, its time cannot be moved: pass --real-time"


class NoDisputes(ChainError):
    """A deployment whose results nobody can dispute."""

    beacon: str
    template = "the deployment of beacon {beacon} has no Disputes contract: deploy anew with `qfl deploy`"


# --- the content store ---


class StorageError(QflError):
    """The content store did not give what was asked."""

    exit_code = 4


class StoreUnreachable(StorageError):
    """No IPFS node answers."""

    address: str
    reason: str
    template = "no IPFS node at {address:address} ({reason}): start one with `qfl devnet up`, or pass --ipfs"


class ContentUnusable(StorageError):
    """The store answers, but not with the content that was asked for."""


class ContentMissing(ContentUnusable):
    """The node cannot get a block."""

    cid: str
    template = "content {cid} cannot be fetched: its owner has not stored it, or is offline"


class ContentCorrupt(ContentUnusable):
    """What came back does not hash to what was asked for."""

    cid: str
    got: str
    template = "content {cid} came back as {got}: the node's disk or the node itself is not to be trusted"


class ContentTooLarge(ContentUnusable):
    """A block is larger than the protocol allows."""

    cid: str
    size: int
    limit: int
    template = "content {cid} has {size} bytes, more than the {limit} allowed"


# --- keys, and what a role keeps on disk ---


class KeyFileError(QflError):
    """A key file cannot be used."""

    exit_code = 5


class KeyFileMissing(KeyFileError):
    """There is no key file."""

    path: Path
    template = "no key file at {path}: make one with `qfl key new {path}`"


class KeyFileExists(KeyFileError):
    """A key file would be overwritten."""

    path: Path
    template = "{path} exists already: a key is never overwritten; choose another name"


class KeyFileExposed(KeyFileError):
    """Others can read the key file, or own it."""

    path: Path
    mode: int
    template = "{path} has mode {mode:04o}: others could sign in your name; run `chmod 600 {path}`"


class KeyFileInUse(KeyFileError):
    """Another process signs with this key."""

    path: Path
    holder: str
    template = "{path} is in use by {holder}: a leaf that signs twice gives the key away; stop that first"


class KeyFileCorrupt(KeyFileError):
    """The file is not a key file."""

    path: Path
    reason: str
    template = "{path} is not a usable key file ({reason}): restore it only together with its counter"


class KeyFileRolledBack(KeyFileError):
    """The file is older than what this key has signed: a restored backup, or a copy that was left behind."""

    path: Path
    next_leaf: int
    mark: int
    template = (
        "{path} would sign with leaf {next_leaf}, but leaves below {mark} are used: "
        "it is an old copy and would give the key away; use the newest copy, or rotate to a new key"
    )


class KeyFileBehind(KeyFileError):
    """A contract has seen leaves that the file counts as unused: an old copy, where nothing else remembers that."""

    path: Path
    next_leaf: int
    seen_leaf: int
    contract: str
    template = (
        "{path} would sign with leaf {next_leaf}, but {contract} has seen leaf {seen_leaf}: "
        "it is an old copy and would give the key away; use the newest copy, or join again with a new key"
    )


class KeyExhausted(KeyFileError):
    """Every leaf has signed."""

    path: Path
    leaves: int
    template = "{path}: all {leaves} leaves have signed; rotate to a new key before the last one is used"


class SeedKeyUnusable(KeyFileError):
    """A file with the seed of a key is missing, exposed or damaged."""

    path: Path
    reason: str
    remedy: str
    template = "{path} is not a usable key ({reason}): {remedy}"


class BlsKeyUnusable(SeedKeyUnusable):
    """A file with a BLS key is missing, exposed or damaged."""

    template = "{path} is not a usable attestation key ({reason}): {remedy}"


class KemKeyUnusable(SeedKeyUnusable):
    """A file with an ML-KEM key is missing, exposed or damaged."""

    template = "{path} is not a usable decryption key ({reason}): {remedy}"


class StateCorrupt(QflError):
    """A role's journal cannot be read."""

    exit_code = 5
    path: Path
    reason: str
    template = "{path} is damaged ({reason}): without it a message could be signed twice; restore it"


# --- norm proofs ---


class ZkExtraMissing(QflError):
    """What proves, or what checks proofs, is not installed."""

    exit_code = 2
    reason: str
    template = "private mode needs the extra zk ({reason}): pip install 'qflchain[zk]'"


class ProofFailed(QflError):
    """No proof could be made."""

    exit_code = 6
    reason: str
    template = "no norm proof: {reason}"


class NormKeyError(QflError):
    """The norm circuit's keys cannot be used."""

    exit_code = 5


class NormKeysMissing(NormKeyError):
    """A folder has no keys of the norm circuit."""

    folder: Path
    template = "no keys of the norm circuit in {folder}: make them with `qfl zk setup --lanes N --out {folder}`"


class NormKeysExist(NormKeyError):
    """Keys would be overwritten; the contracts that hold their digest would accept no proof any more."""

    folder: Path
    template = "{folder} has keys of the norm circuit already: choose another folder"


class NormKeysMalformed(NormKeyError):
    """A verifying key that is not one of the norm circuit."""

    reason: str
    template = "not a verifying key of the norm circuit: {reason}; import it again, or ask who made it"


class NormKeysMismatch(NormKeyError):
    """Keys belong to another verifier than the deployment's."""

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
    """What another participant, or the chain of models, holds against the protocol."""

    exit_code = 6
    names_hashes = True


class RoundNotCompleted(ProtocolError):
    """A round ended without a model."""

    round: int
    reason: str
    template = "round {round} ended without a model: {reason}"


class ModelRejected(ProtocolError):
    """A model's content does not match what the beacon says of it."""

    round: int
    reason: str
    template = "the model of round {round} is not what was published: {reason}"


class UpdateRejected(ProtocolError):
    """An update fails an objective check; it is not included."""

    client: int
    reason: str
    template = "the update of client {client} is not included: {reason}"


class UpdateUnreadable(UpdateRejected):
    """The own store does not give an update's content; another one may have it."""


class UpdateMissing(UpdateUnreadable):
    """An update's content cannot be fetched."""


class SealBroken(ProtocolError):
    """A sealed object cannot be opened, or not by everybody it is sealed to."""

    reason: str
    template = "the sealed object does not open: {reason}"


class TooFewRecipients(ProtocolError):
    """Too few of a committee's seats have an encryption key for a quorum to read an update."""

    round: int
    found: int
    needed: int
    template = (
        "in round {round} {found} seats have an encryption key that can be fetched, {needed} are needed: "
        "validators set theirs when they join, and serve it on IPFS"
    )


class VerificationFailed(ProtocolError):
    """`qfl verify` found a round that does not stand."""

    rounds: list[int]
    template = "verification failed in round {rounds:listed}"


class VerificationIncomplete(ProtocolError):
    """`qfl verify` found nothing wrong, but could not recompute rounds whose content was let go."""

    exit_code = 8
    rounds: list[int]
    template = (
        "nothing is wrong, but the content of round {rounds:listed} is no longer stored, so not all "
        "of it was recomputed: --accept-released takes that for success"
    )


class AttackSucceeded(ProtocolError):
    """An attack managed what the protocol says it cannot."""

    complaints: list[str]
    template = "not everything was stopped as it should be: {complaints:sentences}"


# --- the development network ---


class DevnetError(QflError):
    """The development network did not do what was asked."""

    exit_code = 7


class PortInUse(DevnetError):
    """A port that was asked for is taken."""

    port: int
    what: str
    template = "port {port} for {what} is in use: free it, or choose another (0: any free one)"


class ProgramMissing(DevnetError):
    """A program that the devnet runs is not installed."""

    program: str
    remedy: str
    template = "{program} is not installed: {remedy}"


class DidNotStart(DevnetError):
    """A program ended while it was starting, or never answered."""

    program: str
    log_path: Path
    last_lines: str
    template = "{program} did not start; its log {log_path} ends with:\n{last_lines}"


class DevnetPartEnded(DevnetError):
    """A program of a running devnet ended by itself."""

    program: str
    log_path: Path
    last_lines: str
    template = "{program} has ended; its log {log_path} ends with:\n{last_lines}"


class PartNotConfigured(DevnetError):
    """A part was asked for that this devnet does not run."""

    part: str
    template = "this devnet runs no {part}: start it with one, or use the address of your own"


class DevnetRunning(DevnetError):
    """Another process runs a devnet in the same folder."""

    folder: Path
    pid: int
    template = (
        "process {pid} runs a devnet in {folder}: use that one, choose another --folder, or end it with "
        "`qfl devnet down --folder {folder}`"
    )


class RunGoesOn(DevnetError):
    """Another process runs a job in the same folder."""

    folder: Path
    template = "a run goes on in {folder}: wait until it has ended, end it, or choose another folder"


class DevnetStateDamaged(DevnetError):
    """A devnet is up, and a file in which it says so cannot be read."""

    path: Path
    reason: str
    template = "{path} is damaged ({reason}): end the devnet with `qfl devnet down`, and start it again"


class NoDevnet(DevnetError):
    """No devnet is up in a folder."""

    folder: Path
    template = "no devnet is up in {folder}: start one with `qfl devnet up --folder {folder}`"


class DevnetStuck(DevnetError):
    """A devnet was told to end and has not."""

    folder: Path
    pid: int
    template = "the devnet in {folder} does not end: see its logs, then `kill -9 {pid}`"
