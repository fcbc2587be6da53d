"""A client: has its model trained, commits, reveals. `step` does the next thing that its shard asks for.

The same code runs in `qfl run` and in `qfl client run`. What it has promised is in its journal
before anybody hears of it, so that a client killed at any point says the same again when it comes back.
"""

import logging
import secrets
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qfl.chain.contracts.beacon import Phase
from qfl.chain.contracts.shard import ClientDuty
from qfl.chain.contracts.staking import Role
from qfl.chain.mirroring import admissions
from qfl.client.signing import Signing
from qfl.client.update import NormEvidence, NormProver, conceal, prepare_update
from qfl.crypto.norm.statement import context_of
from qfl.errors import ContractReverted, InvalidInput, MalformedContent, ModelRejected, StateCorrupt, StorageError
from qfl.files import write_atomically
from qfl.node.anchors import name_key_anchor
from qfl.node.context import QUIET, NodeContext, Step
from qfl.node.encryption import read_recipients
from qfl.node.journal import JOURNAL, Journal
from qfl.node.leaves import LeafCheck
from qfl.node.pruner import Pruner, Retention
from qfl.node.recompute import read_base
from qfl.node.relay import send_unless_overtaken
from qfl.protocol.content import Content, decode, encode, lanes_root
from qfl.protocol.digests import as_salt, compute_commitment, keyed_slot, signed_slot
from qfl.protocol.state import from_state, step_between
from qfl.protocol.types import (
    ModelDelta,
    ParticipantId,
    PreparedUpdate,
    RoundNumber,
    RoundSpec,
    ShardIndex,
    TrainingResult,
    TrainingTask,
)
from qfl.training.trainer import round_seed, rounding_rng

log = logging.getLogger(__name__)

KEPT_ROUNDS = 3
KEPT_FILES = ("update-*.bin", "residual-*.f64", "base-*.bin", "control-*.f64")
"""What a round leaves in a client's folder; the number in a name is the round's."""
STORED = "content_digest"
"""The part of a round's record that tells what to let go."""
MOST_STORED = 40
"""Further rounds that the journal holds for `release`: at most 32 models wait for finality, and some are kept then."""
PHASES = {ClientDuty.COMMIT: Phase.COMMIT, ClientDuty.REVEAL: Phase.REVEAL}
"""The beacon's phase in which a duty is one."""
WITHOUT_KEY = frozenset({"BadToken", "HashChainNotBegun", "NoHashChain", "TooManyLinks"})
"""Why a shard takes no commitment by key, where it takes a signed one."""
INACTIVE = "participant %d is not active: it has asked to leave, or its stake is below the minimum"
NOT_MIRRORED = "participant %d is not active in its shard: its mirror shows no round with it, or it has asked to leave"

Said = tuple[ClientDuty, RoundNumber, ShardIndex]
"""What a shard's chain asks of a client, in which round, and which shard it is."""


class Client:
    """One client; `index` numbers it within its data partition and goes into its seeds."""

    def __init__(
        self,
        context: NodeContext,
        participant: ParticipantId,
        *,
        index: int,
        seed: int,
        prover: NormProver | None = None,
        signing: Signing | None = None,
    ) -> None:
        """`prover` makes the proofs that a private deployment asks for; `qfl.node.encryption` finds its keys.

        `signing` says how commitments are signed; with LMS unless given.
        """
        self.participant, self.index = participant, index
        self._ledger, self._sender, self._store = context.ledger, context.sender, context.store
        self._key, self._folder, self._seed, self._prover = context.key, context.folder, seed, prover
        self._signing = signing or Signing(context.ledger, participant, context.folder, mode="lms")
        self._journal = Journal(self._folder / JOURNAL)
        self._leaves = LeafCheck(self._ledger, participant, Role.CLIENT, self._key)
        self._pruner = Pruner(self._ledger, self._store, self._folder)
        self._base: tuple[RoundSpec, Content] | None = None

    def step(self, said: Said | None = None) -> Step:
        """Do the next thing; a step with a `task` asks for training, and goes on when `prepare` has its result.

        `said` is what `Ledger.client_duties` said a moment ago, where it was asked for many clients at once.

        Raises:
            QflError: as what the step does.
        """
        duty, number, shard = self.duty(said)
        match duty:
            case ClientDuty.COMMIT if not self.has_prepared(number):
                return Step(True, f"round {number}: training", self.training_task(number, shard))
            case ClientDuty.COMMIT:
                has_committed = self.commit(number) or self.defend(number)
                return Step(True, f"round {number}: committed") if has_committed else QUIET
            case ClientDuty.WAIT if self.defend(number):
                return Step(True, f"round {number}: somebody was quicker with the token; signed instead")
            case ClientDuty.REVEAL if not self.may_reveal(number):
                return Step(note=f"round {number}: the key waits until the commitment is final")
            case ClientDuty.REVEAL:
                return Step(True, f"round {number}: revealed") if self.reveal(number) else QUIET
            case ClientDuty.NOT_ACTIVE if self.seek_admission():
                return Step(True, f"admitted to shard {shard}")
            case ClientDuty.NOT_ACTIVE:
                return Step(note=(NOT_MIRRORED if self._ledger.mirrors else INACTIVE) % self.participant)
            case ClientDuty.MISSED:
                return Step(note=f"round {number}: too late to take part, waiting for the next")
        return QUIET

    def duty(self, said: Said | None = None) -> Said:
        """What to do now, and in which shard; `said` as in `step`."""
        if said is None:
            shard = self._ledger.shard_of(self.participant)
            said = *self._ledger.shards[shard].client_duty(self.participant)[:2], shard
        duty, number, shard = said
        if self._ledger.mirrors and not self._is_due(duty, number):
            duty = ClientDuty.WAIT
        return self.remembered(duty, number), number, shard

    def remembered(self, duty: ClientDuty, round_number: RoundNumber) -> ClientDuty:
        """The duty, or MISSED in a round in which this client does not know any more what it has committed to."""
        if self.has_prepared(round_number):
            return duty
        is_lost = duty is ClientDuty.REVEAL or (duty is ClientDuty.COMMIT and round_number <= self._journal.closed)
        return ClientDuty.MISSED if is_lost else duty

    def seek_admission(self) -> bool:
        """Prove to the mirror of this round's shard that this client is active; False where it need not, or cannot."""
        shard = self._ledger.shard_of(self.participant)
        calls = admissions(self._ledger, shard, clients=[self.participant]) if self._ledger.mirrors else []
        return any(send_unless_overtaken(self._sender, call) is not None for call in calls)

    def training_task(self, round_number: RoundNumber, shard: ShardIndex) -> TrainingTask:
        """Fetch the base model, and say what to train from it. Raises `ModelRejected`, `StorageError`."""
        spec = self._ledger.round(round_number).shard(shard).spec()
        base = read_base(self._ledger, self._store, round_number)
        self._base = spec, base
        angles, weights = from_state(base.lanes, base.shape)
        seed = round_seed(self._seed, self.index, round_number)
        return TrainingTask(angles, weights, seed, round_number, self._model_delta(spec, base))

    def prepare(self, trained: TrainingResult) -> None:
        """Turn the trained model into an update, and keep it and its commitment, by key or signed, on disk.

        Raises:
            NotFinite: training diverged.
            TooFewRecipients, ProofFailed: in the private mode.
            KeyExhausted, KeyFileBehind.
        """
        if self._base is None:
            raise InvalidInput("client", self.participant, "call training_task first")
        spec, base = self._base
        residual = self._read_vector(f"residual-{self._last_prepared(spec)}.f64", spec.shape.total)
        if residual is None:
            residual = np.zeros(spec.shape.total)
        rng = rounding_rng(self._seed, self.index, spec.round)
        update = prepare_update(self.participant, spec, base=base, trained=trained, residual=residual, rng=rng)
        update, evidence = self._conceal(update, spec)
        self._write(self._update_path(spec.round).name, update.content)
        self._write(f"residual-{spec.round}.f64", update.residual.tobytes())
        self._write(f"base-{spec.round}.bin", encode(base))
        if trained.control is not None:
            self._write(f"control-{spec.round}.f64", trained.control.tobytes())
        record = {
            "shard": spec.shard,
            "base_root": spec.base_root.hex(),
            "update_root": update.update_root.hex(),
            "content_digest": update.content_digest.hex(),
        }
        if evidence is not None:
            record |= {"vector_commitment": hex(evidence.vector_commitment), "proof": evidence.proof.hex()}
        keys = self._signing.keys_of(spec.shard, spec.round)
        if keys is None:
            record |= self._signed(spec.round, record, update.salt)
        else:
            opening = self._commitment(spec.round, record, salt := as_salt(keys.key))
            commitment = self._ledger.shard_domains[spec.shard].keyed(spec.base_root, opening)
            record |= {"salt": salt.hex(), "commitment": commitment.hex(), "token": keys.token.hex()}
        self._journal.put(f"round {spec.round}", **record)
        self._forget_before(spec.round - KEPT_ROUNDS)
        self._renew_chain(spec.shard, spec.round)

    def commit(self, round_number: RoundNumber) -> bool:
        """Send the prepared commitment; False when that is over or done. Raises `ContractReverted`: not its to do."""
        record = self._record(round_number)
        shard = self._ledger.shards[record["shard"]]
        parts = {name: bytes.fromhex(record[name]) for name in ("base_root", "commitment")}
        if _is_by_key(record):
            token = bytes.fromhex(record["token"])
            call = shard.commit_by_key(round_number, self.participant, **parts, token=token)
        else:
            signature = bytes.fromhex(record["signature"])
            call = shard.commit(round_number, self.participant, **parts, signature=signature)
        try:
            return send_unless_overtaken(self._sender, call) is not None
        except ContractReverted as refusal:
            if not _is_by_key(record) or refusal.name not in WITHOUT_KEY:
                raise
        self._sign_instead(round_number, record)
        return self.commit(round_number)

    def defend(self, round_number: RoundNumber) -> bool:
        """Sign, where somebody who saw this client's token has committed in its name; False where nobody has.

        What the other committed to opens for nobody, and what this client signs is not replaced. Raises as `commit`.
        """
        record = self._journal.get(f"round {round_number}")
        if record is None or "token" not in record:
            return False
        held = self._ledger.shards[record["shard"]].update_of(round_number, self.participant)
        if not any(held) or held == _slot_of(record):
            return False
        if _is_by_key(record):
            self._sign_instead(round_number, record)
        return self.commit(round_number)

    def may_reveal(self, round_number: RoundNumber) -> bool:
        """True, but for a commitment by key that is not settled: its key would be everybody's."""
        record = self._journal.get(f"round {round_number}")
        if record is None or not _is_by_key(record):
            return True
        return self._signing.is_settled(record["shard"], round_number, _slot_of(record))

    def reveal(self, round_number: RoundNumber) -> bool:
        """Store the update, so late that nobody can copy it, and open the commitment. As `commit`; StorageError."""
        record = self._record(round_number)
        self._store.put(self._update_path(round_number).read_bytes())
        shard = self._ledger.shards[record["shard"]]
        opening = {name: bytes.fromhex(record[name]) for name in ("update_root", "content_digest", "salt")}
        if "proof" in record:
            vector, proof = int(record["vector_commitment"], 16), bytes.fromhex(record["proof"])
            call = shard.reveal_private(
                round_number, self.participant, **opening, vector_commitment=vector, proof=proof
            )
        else:
            call = shard.reveal(round_number, self.participant, **opening)
        return send_unless_overtaken(self._sender, call) is not None

    def release(self, retention: Retention) -> bool:
        """Let go of the stored updates that nobody needs any more; True when there were any."""
        return self._pruner.step(retention, self._stored_in)

    def has_prepared(self, round_number: RoundNumber) -> bool:
        """True when the round's update and its commitment are on disk."""
        return self._journal.get(f"round {round_number}") is not None

    def update_bytes(self, round_number: RoundNumber) -> int | None:
        """Size of the round's content object as it is stored; None when it is not on disk, or no more."""
        path = self._update_path(round_number)
        return path.stat().st_size if path.exists() else None

    def _commitment(self, round_number: RoundNumber, record: dict[str, Any], salt: bytes) -> bytes:
        """What `record` is committed to with."""
        root, content = (bytes.fromhex(record[name]) for name in ("update_root", "content_digest"))
        vector = int(record["vector_commitment"], 16) if "vector_commitment" in record else None
        return compute_commitment(round_number, self.participant, root, content, salt, vector)

    def _signed(self, round_number: RoundNumber, record: dict[str, Any], salt: bytes) -> dict[str, str]:
        """The part of a round's record that says what is signed with LMS. Raises KeyExhausted, KeyFileBehind."""
        commitment, shard = self._commitment(round_number, record, salt), record["shard"]
        base_root = bytes.fromhex(record["base_root"])
        digest = self._ledger.shard_domains[shard].commit(round_number, self.participant, base_root, commitment)
        self._leaves.in_shard(shard)
        signature = self._key.sign(digest)
        return {"salt": salt.hex(), "commitment": commitment.hex(), "signature": signature.hex()}

    def _sign_instead(self, round_number: RoundNumber, record: dict[str, Any]) -> None:
        """Have the round's commitment signed, with another salt: the key stays secret. Raises as `_signed`."""
        signed = self._signed(round_number, record, secrets.token_bytes(32))
        self._journal.put(f"round {round_number}", **(record | signed))

    def _renew_chain(self, shard: ShardIndex, round_number: RoundNumber) -> None:
        """Name the anchor of another hash chain when this client has none with links for this round or the next."""
        if self._signing.needs_chain(shard, round_number):
            name_key_anchor(self._ledger, self._sender, self.participant, key=self._key, folder=self._folder)

    def _is_due(self, duty: ClientDuty, number: RoundNumber) -> bool:
        """Whether the beacon is in that phase too: a false mirror must not get an update out before its time."""
        phase = PHASES.get(duty)
        context = self._ledger.beacon.context()
        return phase is None or (number, phase) == (context.round, context.phase)

    def _conceal(self, update: PreparedUpdate, spec: RoundSpec) -> tuple[PreparedUpdate, NormEvidence | None]:
        """In a private deployment, the update as its committee alone can read it. The chain says which mode it is."""
        if self._ledger.norm_verifier(spec.shard) is None:
            return update, None
        if self._prover is None:
            raise InvalidInput("prover", None, "this deployment is private: updates need a proof")
        recipients = read_recipients(self._ledger, self._store, spec.round, spec.shard)
        return conceal(update, spec, recipients=recipients, context=self._context(spec), prover=self._prover)

    def _context(self, spec: RoundSpec) -> int:
        """What the proof of an update's norm is bound to."""
        domain = self._ledger.shard_domains[spec.shard]
        return context_of(domain.chain_id, domain.contract, spec.round, self.participant)

    def _record(self, round_number: RoundNumber) -> dict[str, Any]:
        record = self._journal.get(f"round {round_number}")
        if record is None:
            raise InvalidInput("round", round_number, f"client {self.participant} has prepared nothing for it")
        return record

    def _model_delta(self, spec: RoundSpec, base: Content) -> ModelDelta | None:
        """How `base` came about; None for the first model, and when the one before it cannot be had."""
        if base.round == 0:
            return None
        last, published = self._last_prepared(spec), RoundNumber(base.round)
        try:
            previous = self._kept_base(last, base.base_root) or read_base(self._ledger, self._store, published)
        except (ModelRejected, StorageError) as fault:
            log.warning("client %d trains without control variates this once: %s", self.participant, fault)
            return None
        return ModelDelta(
            published, step_between(previous, base), self._read_vector(f"control-{last}.f64", spec.shape.total)
        )

    def _kept_base(self, last: int | None, root: bytes) -> Content | None:
        """The model of this root, when the client trained on it in its last round: spares fetching it again."""
        try:
            base = decode((self._folder / f"base-{last}.bin").read_bytes())
        except (FileNotFoundError, MalformedContent):
            return None
        return base if lanes_root(base) == root else None

    def _update_path(self, round_number: int) -> Path:
        return self._folder / f"update-{round_number}.bin"

    def _write(self, name: str, data: bytes) -> None:
        write_atomically(self._folder / name, data, mode=0o600)

    def _read_vector(self, name: str, length: int) -> NDArray[np.float64] | None:
        """A vector that an earlier round left on disk, if it did. Raises StateCorrupt."""
        path = self._folder / name
        if not path.exists():
            return None
        if len(data := path.read_bytes()) != length * np.dtype(np.float64).itemsize:
            raise StateCorrupt(path, f"{len(data)} bytes are not {length} numbers")
        return np.frombuffer(data).copy()

    def _last_prepared(self, spec: RoundSpec) -> int | None:
        """The last round before this one that the client has prepared an update for."""
        rounds = (int(name.removeprefix("round ")) for name in self._journal.names())
        return max((number for number in rounds if number < spec.round), default=None)

    def _stored_in(self, round_number: RoundNumber) -> list[bytes]:
        record = self._journal.get(f"round {round_number}")
        return [] if record is None else [bytes.fromhex(record[STORED])]

    def _forget_before(self, round_number: int) -> None:
        """Forget rounds that are over, but for what was stored in them as long as it may have to be let go."""
        rounds = {int(name.removeprefix("round ")): name for name in self._journal.names()}
        oldest = max(self._pruner.released + 1, round_number - MOST_STORED)
        self._journal.keep({name for number, name in rounds.items() if number >= min(oldest, round_number)})
        for number, name in rounds.items():
            record = self._journal.get(name)
            if number < round_number and record is not None and record.keys() != {STORED}:
                self._journal.put(name, **{STORED: record[STORED]})
        for path in [path for pattern in KEPT_FILES for path in self._folder.glob(pattern)]:
            if int(path.stem.split("-")[1]) < round_number:
                path.unlink()


def _is_by_key(record: dict[str, Any]) -> bool:
    """Whether a round's commitment is by key; one that was signed in its place keeps the token."""
    return "token" in record and "signature" not in record


def _slot_of(record: dict[str, Any]) -> bytes:
    """What the shard holds of a round's commitment."""
    commitment = bytes.fromhex(record["commitment"])
    return keyed_slot(commitment, bytes.fromhex(record["token"])) if _is_by_key(record) else signed_slot(commitment)
