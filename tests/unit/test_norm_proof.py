"""Verification of a norm proof off chain, on the known answer in `tests/vectors/norm_proof.json`."""

import copy
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from qfl.crypto.norm.keys import VerifyingKey, capacity_for
from qfl.crypto.norm.poseidon import SCALAR_FIELD
from qfl.crypto.norm.statement import NormStatement, commit_lanes, context_of
from qfl.errors import NormKeysMalformed

pytest.importorskip("py_ecc", reason="py_ecc is missing: pip install -e '.[zk]'")
from qfl.crypto.norm.verify import verify_norm_proof, words_of

VECTOR = json.loads((Path(__file__).parents[1] / "vectors" / "norm_proof.json").read_text())
PROOF = bytes.fromhex(VECTOR["proof"][2:])
WHERE = (VECTOR["chain_id"], VECTOR["shard"], VECTOR["round"], VECTOR["client"])
INFINITY = ["0", "1", "0"]


@pytest.fixture(scope="module")
def key() -> VerifyingKey:
    return VerifyingKey.from_snarkjs(VECTOR["verifying_key"], VECTOR["capacity"])


@pytest.fixture
def statement() -> NormStatement:
    commitment = commit_lanes(np.array(VECTOR["lanes"]), VECTOR["capacity"], int(VECTOR["salt"]))
    return NormStatement(commitment, context_of(*WHERE), VECTOR["norm_bound"], VECTOR["lane_bits"])


def test_proof_holds_for_what_it_was_made_for(key, statement):
    """Commitment and context are worked out anew: a format that changed would leave old proofs behind."""
    assert verify_norm_proof(key, statement, PROOF)


@pytest.mark.parametrize("field", ["commitment", "context", "norm_bound", "lane_bits"])
@pytest.mark.parametrize("more", [1, SCALAR_FIELD], ids=["another", "the same scalar"])
def test_each_input_is_bound_and_has_one_representation(key, statement, field, more):
    """An input that no constraint names could have any value; a bound of r + 1 would pass for 1."""
    assert not verify_norm_proof(key, replace(statement, **{field: getattr(statement, field) + more}), PROOF)


@pytest.mark.parametrize("proof", [b"", PROOF[:-1], PROOF + b"\0", PROOF[:-32], bytes(256)])
def test_proof_of_another_shape_is_none(key, statement, proof):
    assert not verify_norm_proof(key, statement, proof)


def test_proof_reads_as_the_contracts_words():
    assert words_of(PROOF)[0] == int(VECTOR["proof"][2:66], 16)
    assert b"".join(word.to_bytes(32, "big") for word in words_of(PROOF)) == PROOF


@pytest.mark.parametrize("index", range(4))
def test_context_names_chain_contract_round_and_client(index):
    """A proof could be replayed wherever its context is the same."""
    other = [(1, VECTOR["shard"], 3, 7), (31337, "0x" + "12" * 20, 3, 7), (31337, VECTOR["shard"], 4, 7)]
    other += [(31337, VECTOR["shard"], 3, 8)]
    assert context_of(*other[index]) != context_of(*WHERE) == int(VECTOR["context"])


def test_digest_is_of_capacity_and_words(key):
    assert "0x" + key.digest.hex() == VECTOR["key_digest"]
    assert replace(key, capacity=256).digest != key.digest


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["protocol"], "plonk"),
        (["curve"], "bls12381"),
        (["nPublic"], 3),
        (["vk_alpha_1"], ["1", "3", "1"]),
        (["vk_alpha_1"], ["x", "2", "1"]),
        (["vk_alpha_1"], INFINITY),
        (["IC", 2], INFINITY),
        (["IC", 2], ["0", "0", "1"]),
        (["IC"], []),
        (["vk_delta_2", 0], ["1", "2"]),
        (["vk_gamma_2"], [["0", "0"], ["0", "0"], ["1", "0"]]),
        (["vk_beta_2"], [["1", "0"], ["1", "0"]]),
    ],
)
def test_verifying_key_with_a_fault_is_refused(path, value):
    """Above all an input at infinity: such a key binds proofs to nothing, and every proof still verifies."""
    document = copy.deepcopy(VECTOR["verifying_key"])
    target = document
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value
    with pytest.raises(NormKeysMalformed):
        VerifyingKey.from_snarkjs(document, 64)


def test_coordinate_of_the_key_has_one_representation():
    document = copy.deepcopy(VECTOR["verifying_key"])
    modulus = 21888242871839275222246405745257275088696311157297823662689037894645226208583
    document["vk_alpha_1"][0] = str(int(document["vk_alpha_1"][0]) + modulus)
    with pytest.raises(NormKeysMalformed):
        VerifyingKey.from_snarkjs(document, 64)


@pytest.mark.parametrize(("lanes", "capacity"), [(1, 64), (64, 64), (65, 256), (1024, 1024), (1025, 4096)])
def test_capacity_is_the_next_that_fits(lanes, capacity):
    assert capacity_for(lanes) == capacity


@pytest.mark.parametrize("words", [{0: 1, 1: 3}, {16: 0, 17: 0}, {2: 0, 3: 0, 4: 0, 5: 0}])
def test_key_from_a_contract_is_checked_too(key, statement, words):
    """A deployment with a key that binds no input would accept anything; its proofs must not look good off chain."""
    broken = replace(key, words=tuple(words.get(index, word) for index, word in enumerate(key.words)))
    with pytest.raises(NormKeysMalformed):
        verify_norm_proof(broken, statement, PROOF)
