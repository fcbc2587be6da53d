"""The error tree: each error tells its values and has an exit code, also when it comes from another process."""

import inspect
import pickle
from pathlib import Path

import pytest

from qfl import errors
from qfl.errors import QflError, VerificationIncomplete

URL = "http://node:8545"
SAMPLES = {str: "a text", int: 7, float: 1.5, Path: Path("/tmp/file"), object: b"\x01\x02"}
SAMPLES |= {dict[str, object]: {"given": 7}, list[int]: [7], list[str]: ["a text"], str | None: "0x"}
BRANCHES = {
    "ChainError": 3,
    "StorageError": 4,
    "KeyFileError": 5,
    "NormKeyError": 5,
    "ProtocolError": 6,
    "DevnetError": 7,
}
LEAVES = {
    "DoorBroken": 2,
    "InvalidInput": 2,
    "NotFinite": 2,
    "DatasetMissing": 2,
    "StateCorrupt": 5,
    "MalformedContent": 6,
    "ExtraMissing": 2,
    "ProofFailed": 6,
    "WorkersFailed": 7,
}
"""Errors right under the root."""


def is_concrete(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, QflError) and value.template != ""


CONCRETE = [value for value in vars(errors).values() if is_concrete(value)]


def example(kind: type[QflError]) -> QflError:
    parameters = list(inspect.signature(kind.__init__).parameters.values())[1:]
    return kind(*(URL if parameter.name == "url" else SAMPLES[parameter.annotation] for parameter in parameters))


@pytest.mark.parametrize("kind", CONCRETE)
def test_error_survives_the_way_from_a_worker_process(kind):
    """Keys are made in a process pool: an error that cannot be restored there breaks the pool without a word."""
    error = example(kind)
    restored = pickle.loads(pickle.dumps(error))
    assert type(restored) is kind
    assert str(restored) == str(error)
    assert vars(restored) == vars(error)


@pytest.mark.parametrize("kind", CONCRETE)
def test_exit_code_is_that_of_its_branch(kind):
    """Scripts tell a wrong option from a dead chain by it."""
    if kind is VerificationIncomplete:  # it tells scripts apart what failed and what could not be seen
        assert kind.exit_code == 8
        return
    (expected,) = [code for name, code in {**BRANCHES, **LEAVES}.items() if issubclass(kind, getattr(errors, name))]
    assert kind.exit_code == expected


@pytest.mark.parametrize("kind", CONCRETE)
def test_message_is_one_sentence_with_a_value_in_it(kind):
    message = str(example(kind))
    assert any(str(value) in message for value in ("a text", "7", "/tmp/file", "1.5", URL))
    assert not message.endswith(".")
