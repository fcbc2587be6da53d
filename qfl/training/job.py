"""The job document: the model's architecture and the training recipe, on IPFS, its digest in `Beacon`.

Clients and validators that join know nothing but chain and IPFS: this is how they learn what to train.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from typing import Any

from qfl.bounds import MOST_ROUNDS, check_choice, check_whole
from qfl.errors import InvalidInput, MalformedContent
from qfl.quantum.architecture import Architecture, canonical
from qfl.storage.store import ContentStore
from qfl.training.recipe import TrainingConfig

VERSION = 2
LONGEST_BYTES = 16_384


@dataclass(frozen=True)
class JobDocument:
    """What every client trains, and how; the learning rate falls over `rounds` rounds.

    `mode` tells readers what to expect; the roles go by the contracts, which cannot be wrong about it.
    """

    architecture: Architecture
    training: TrainingConfig
    rounds: int
    mode: str = "transparent"

    def __post_init__(self) -> None:
        check_whole("rounds", self.rounds, 1, MOST_ROUNDS)
        check_choice("mode", self.mode, MODES)

    def training_in(self, round_number: int) -> TrainingConfig:
        """The recipe for a round; rounds beyond the last one planned train like that one."""
        return self.training.in_round(min(round_number, self.rounds), self.rounds)

    def to_json(self) -> bytes:
        """Canonical bytes: equal jobs have equal digests."""
        document = {
            "version": VERSION,
            "architecture": self.architecture.document,
            "training": asdict(self.training),
            "rounds": self.rounds,
            "mode": self.mode,
        }
        return canonical(document)

    def digest(self) -> bytes:
        """sha256 of the document, 32 bytes."""
        return hashlib.sha256(self.to_json()).digest()

    @classmethod
    def from_json(cls, data: bytes) -> JobDocument:
        """Read a document. Raises MalformedContent, InvalidInput."""
        try:
            document = json.loads(data)
            if document["version"] != VERSION:
                raise MalformedContent(f"job document version {document['version']} is not {VERSION}")
            if unknown := sorted(set(document) - {"version", *(field.name for field in fields(cls))}):
                raise MalformedContent(f"job document has unknown fields: {', '.join(unknown)}")
            architecture = Architecture.from_document(document["architecture"])
            return cls(architecture, TrainingConfig(**document["training"]), document["rounds"], document["mode"])
        except (ValueError, KeyError, TypeError, RecursionError, OverflowError) as error:
            raise MalformedContent(f"job document: {error}") from error


def fetch_job(store: ContentStore, digest: bytes) -> JobDocument:
    """Fetch the document that the beacon names. Raises StorageError, MalformedContent."""
    return JobDocument.from_json(store.get(digest, LONGEST_BYTES))


def training_config(values: dict[str, Any]) -> TrainingConfig:
    """A training recipe from a config file's table. Raises InvalidInput: an unknown name or a bad value."""
    try:
        return TrainingConfig(**values)
    except TypeError as error:
        raise InvalidInput("training", values, str(error)) from error


MODES = ("transparent", "private")
"""Whether anybody can read an update, or its committee alone, who can also check everybody's norm proof."""
