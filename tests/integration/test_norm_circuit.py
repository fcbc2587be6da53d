"""What the norm circuit lets through, by proofs of its smallest size.

False statements go straight to the proving process: it computes a witness without looking at it, so that what refuses
here is a constraint of the circuit, not a check of the prover's. A liar also computes its witness as it likes: with
another circuit's witness code, under the true circuit's key.
"""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from proving import Claim, ask_for_proof, claim_about, random_claim

from qfl.crypto.norm.keys import CIRCUITS, NormKeys
from qfl.crypto.norm.poseidon import SCALAR_FIELD
from qfl.crypto.norm.prover import Prover, ProvingProcess
from qfl.crypto.norm.statement import NormStatement, commit_lanes
from qfl.errors import InvalidInput, ProofFailed

pytestmark = pytest.mark.rest

UNTRUE = "the statement is not true"


@pytest.fixture(scope="module")
def process(norm_keys: NormKeys) -> Iterator[ProvingProcess]:
    with ProvingProcess() as started:
        yield started


def lanes_of(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def stating(claim: Claim, **changes: int) -> Claim:
    return replace(claim, statement=replace(claim.statement, **changes))


@pytest.mark.parametrize(
    "claim",
    [
        claim_about(lanes_of(), 8),
        claim_about(lanes_of(-128, 127), 8),
        claim_about(lanes_of(-32768, 32767, 128, -129), 16),
        claim_about(np.full(64, -32768), 16),
        claim_about(np.full(64, 127), 8),
        claim_about(lanes_of(3, 4), bound=2**64 - 1),
    ],
    ids=["no lanes", "extremes of 8 bits", "extremes of 16 bits", "largest norm", "every lane", "largest bound"],
)
def test_true_statement_has_a_proof(prover: Prover, claim: Claim):
    """A constraint too many would shut out an honest client, at the edges first."""
    assert len(prover.prove(claim.lanes, claim.salt, claim.statement)) == 256


def test_circuit_of_several_blocks_commits_as_python_does(norm_keys: NormKeys, tmp_path: Path):
    """64 lanes are one block of the commitment's chain, 256 are three: only here does a block follow a block."""
    lanes = np.random.default_rng(256).integers(-(2**15), 2**15, 250)
    statement = NormStatement(commit_lanes(lanes, 256, 7), 1, int((lanes**2).sum()), 16)
    with Prover(NormKeys.setup(256, tmp_path)) as prover:
        assert len(prover.prove(lanes, 7, statement)) == 256


SMALL = claim_about(lanes_of(3, -4), 8)
UNTRUE_CLAIMS = {
    "norm over the bound by one": claim_about(lanes_of(3, -4), 8, bound=24),
    "bound below zero": stating(SMALL, norm_bound=SCALAR_FIELD - 1),
    "bound of 2^64 and more": stating(SMALL, norm_bound=2**64 + 25),
    "lane of 200 in 8 bits": claim_about(lanes_of(200), 8),
    "lane of 128 in 8 bits": claim_about(lanes_of(128), 8),
    "lane of -129 in 8 bits": claim_about(lanes_of(-129), 8),
    "last lane out of 8 bits": claim_about(np.eye(64, dtype=np.int64)[63] * 128, 8),
    "lanes whose excess over 8 bits cancels": claim_about(lanes_of(128, -129), 8),
    "lanes of 12 bits": stating(SMALL, lane_bits=12),
    "lanes of 0 bits": stating(SMALL, lane_bits=0),
    "another salt": replace(SMALL, salt=SMALL.salt + 1),
    "another commitment": stating(SMALL, commitment=SMALL.statement.commitment + 1),
    "other lanes of the same norm": replace(SMALL, lanes=lanes_of(-4, 3)),
    "lanes that cancel the salt": replace(SMALL, lanes=lanes_of(4, -4), salt=SMALL.salt - 1),
    "lane of 2^15": replace(claim_about(lanes_of(-32768)), lanes=lanes_of(32768)),
    "lane of 2^16 for 0": replace(claim_about(lanes_of(0), bound=2**40), lanes=lanes_of(2**16)),
    "lane that borrows from the next": replace(claim_about(lanes_of(0, 1), bound=2**40), lanes=lanes_of(2**16, 0)),
}


@pytest.mark.parametrize("claim", UNTRUE_CLAIMS.values(), ids=UNTRUE_CLAIMS)
def test_untrue_statement_has_no_proof(process: ProvingProcess, norm_keys: NormKeys, claim: Claim):
    with pytest.raises(ProofFailed, match=UNTRUE):
        ask_for_proof(process, norm_keys, claim)


@pytest.mark.parametrize(
    ("claim", "reason"),
    [
        (UNTRUE_CLAIMS["norm over the bound by one"], "squared norm 25 is over the bound 24"),
        (UNTRUE_CLAIMS["lane of 200 in 8 bits"], "the lane 200 does not fit 8 bits"),
        (UNTRUE_CLAIMS["lanes of 12 bits"], "knows 8 and 16"),
        (UNTRUE_CLAIMS["another salt"], "not one to these lanes"),
    ],
)
def test_prover_says_what_is_untrue(prover: Prover, claim: Claim, reason: str):
    """The circuit cannot: a client whose update is too large should read by how much."""
    with pytest.raises(ProofFailed, match=reason):
        prover.prove(claim.lanes, claim.salt, claim.statement)


def test_vector_longer_than_the_circuit_is_bad_input(prover: Prover):
    with pytest.raises(InvalidInput, match="at most 64"):
        prover.prove(np.zeros(65, dtype=np.int64), 1, random_claim(1).statement)


# --- a witness that the circuit would not compute ------------------------------------------------------------

LANE_BIT = "bits[i] <-- (offset >> i) & 1;"
SLACK_BIT = "bits[i] <-- (x >> i) & 1;"
ALL_IN_ONE_LANE_BIT = "bits[i] <-- i == 0 ? offset - 32768 : (i == 15 ? 1 : 0);"
"""Sums up to any lane at all, and looks like one of 8 bits."""
ALL_IN_ONE_SLACK_BIT = "bits[i] <-- i == 0 ? x : 0;"

LIES = {
    "lane of 200 in 8 bits": (LANE_BIT, ALL_IN_ONE_LANE_BIT),
    "lane that borrows from the next": (LANE_BIT, ALL_IN_ONE_LANE_BIT),
    "norm over the bound by one": (SLACK_BIT, ALL_IN_ONE_SLACK_BIT),
}


def with_witness_of(keys: NormKeys, hint: str, lie: str, process: ProvingProcess, folder: Path) -> NormKeys:
    """`keys`, with the witness code of a circuit that has `lie` in place of `hint`, and the same constraints."""
    shutil.copytree(CIRCUITS, folder / "circuits")
    source = folder / "circuits" / "norm.circom"
    assert hint in source.read_text()
    source.write_text(source.read_text().replace(hint, lie))
    other = folder / "other.key"
    process.ask("setup", circuit=str(folder / "circuits" / "norm_64.circom"), proving_key=str(other))
    shutil.copytree(keys.folder, folder / "keys")
    start, end = witness_code(keys.proving_key.read_bytes())
    data, (other_start, other_end) = keys.proving_key.read_bytes(), witness_code(other.read_bytes())
    (folder / "keys" / "proving.key").write_bytes(data[:start] + other.read_bytes()[other_start:other_end] + data[end:])
    return NormKeys.open(folder / "keys")


def witness_code(proving_key: bytes) -> tuple[int, int]:
    """Where the WebAssembly is in groth16py's file, its length of 8 bytes included."""
    start = proving_key.index(b"\0asm") - 8
    return start, start + 8 + int.from_bytes(proving_key[start : start + 8], "little")


def test_witness_code_can_be_exchanged(process: ProvingProcess, norm_keys: NormKeys, tmp_path: Path):
    """The lies below are refused for what they say, not because the file is broken."""
    same = with_witness_of(norm_keys, LANE_BIT, LANE_BIT + " ", process, tmp_path)
    assert len(ask_for_proof(process, same, SMALL)) == 256


@pytest.mark.parametrize("name", LIES)
def test_witness_with_bits_that_are_none_makes_no_proof(process, norm_keys, tmp_path, name):
    """Bits are hints: what is not constrained to 0 or 1 can be any number, and then so can a lane or a norm."""
    lying = with_witness_of(norm_keys, *LIES[name], process, tmp_path)
    with pytest.raises(ProofFailed, match=UNTRUE):
        ask_for_proof(process, lying, UNTRUE_CLAIMS[name])
