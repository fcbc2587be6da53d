"""Groth16NormVerifier on Anvil and `verify_norm_proof`: two programs with no code in common agree on every proof.

reverts  InputOutOfField · CoordinateOutOfField · PrecompileFailed (a point off its curve, B outside the group, too
         little gas)
returns  false where the pairing says no · true for valid proofs, re-randomised ones among them
"""

from __future__ import annotations

import multiprocessing
import os
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from proving import Claim, random_claim
from web3.exceptions import ContractCustomError, Web3Exception

from qfl.chain.compiler import compile_contracts
from qfl.chain.rpc.connection import connect
from qfl.chain.rpc.revert import decode_revert
from qfl.crypto.norm.keys import NormKeys
from qfl.crypto.norm.poseidon import SCALAR_FIELD
from qfl.crypto.norm.prover import Prover
from qfl.crypto.norm.statement import NormStatement
from qfl.devnet import Devnet

pytestmark = pytest.mark.rest

curve = pytest.importorskip("py_ecc.optimized_bn128", reason="py_ecc is missing: pip install -e '.[zk]'")
from qfl.crypto.norm.verify import verify_norm_proof, words_of  # noqa: E402

BASE_FIELD = curve.field_modulus
FIELDS = ("commitment", "context", "norm_bound", "lane_bits")
OUTSIDE_THE_GROUP = [
    *(0, 1),
    5912654199736721486680175016176231956195085055698687135131307249486702594212,
    18278151005453108793778860132295291098363647455926340152056652516292830556603,
]
"""The twist's point with x = 1: no multiple of the generator."""

GAS_LIMIT = 245_000


@dataclass(frozen=True)
class Proven:
    """A claim and its valid proof."""

    claim: Claim
    words: list[int]


@dataclass(frozen=True)
class Case:
    """A statement and what is given out as its proof."""

    statement: NormStatement
    words: list[int]

    @property
    def proof(self) -> bytes:
        return b"".join(word.to_bytes(32, "big") for word in self.words)


@pytest.fixture(scope="module")
def verifier(devnet: Devnet, norm_keys: NormKeys) -> Any:
    """The contract, as a deployment makes it."""
    web3 = connect(devnet.rpc_url)
    artifact = compile_contracts()["Groth16NormVerifier"]
    factory = web3.eth.contract(abi=artifact.abi, bytecode=artifact.bytecode)
    sent = factory.constructor(*norm_keys.verifying_key.constructor_arguments()).transact(
        {"from": web3.eth.accounts[0]}
    )
    return web3.eth.contract(web3.eth.wait_for_transaction_receipt(sent)["contractAddress"], abi=artifact.abi)


@pytest.fixture(scope="module")
def valid(norm_keys: NormKeys) -> list[Proven]:
    """50 proofs of random statements, of 8 and of 16 bits."""
    claims = [random_claim(seed) for seed in range(50)]
    with Prover(norm_keys) as prover:
        return [Proven(it, words_of(prover.prove(it.lanes, it.salt, it.statement))) for it in claims]


def answer(verifier: Any, case: Case, gas: int | None = None) -> str:
    """`proven`, `refused`, the name of the contract's error, or `out of gas`."""
    call = verifier.functions.verify(list(case.statement.inputs), case.words)
    try:
        return "proven" if call.call({} if gas is None else {"gas": gas}) else "refused"
    except ContractCustomError as error:
        return decode_revert("verify", str(error.data)).name
    except Web3Exception as error:
        assert "OutOfGas" in str(error) or "MemoryOOG" in str(error), error
        return "out of gas"


def answers_by_py_ecc(keys: NormKeys, cases: list[Case]) -> list[bool]:
    """In two processes: a pairing takes py_ecc half a second."""
    with ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("spawn")) as pool:
        verify = partial(verify_norm_proof, keys.verifying_key)
        return list(pool.map(verify, [case.statement for case in cases], [case.proof for case in cases]))


# --- what a forger, or a relayer, makes of a valid proof -----------------------------------------------------


Mutation = Callable[[np.random.Generator, Proven, Proven, NormKeys], Case]


def with_words(proven: Proven, changes: dict[int, int]) -> Case:
    return Case(proven.claim.statement, [changes.get(i, word) for i, word in enumerate(proven.words)])


def flip_proof_bit(random, proven, _other, _keys):
    index = int(random.integers(8))
    return with_words(proven, {index: proven.words[index] ^ 1 << int(random.integers(256))})


def flip_input_bit(random, proven, _other, _keys):
    name, value = pick_input(random, proven)
    return Case(replace(proven.claim.statement, **{name: value ^ 1 << int(random.integers(253))}), proven.words)


def pick_input(random, proven):
    name = FIELDS[random.integers(4)]
    return name, getattr(proven.claim.statement, name)


def negate_a(_random, proven, _other, _keys):
    return with_words(proven, {1: BASE_FIELD - proven.words[1]})


def negate_b(_random, proven, _other, _keys):
    return with_words(proven, {4: BASE_FIELD - proven.words[4], 5: BASE_FIELD - proven.words[5]})


def negate_c(_random, proven, _other, _keys):
    return with_words(proven, {7: BASE_FIELD - proven.words[7]})


def swap_a_and_c(_random, proven, _other, _keys):
    a, b, c = proven.words[:2], proven.words[2:6], proven.words[6:]
    return Case(proven.claim.statement, [*c, *b, *a])


def swap_parts_of_b(_random, proven, _other, _keys):
    """As a library writes it that has the real part first."""
    return with_words(proven, {2: proven.words[3], 3: proven.words[2], 4: proven.words[5], 5: proven.words[4]})


def point_at_infinity(random, proven, _other, _keys):
    where = [(0, 1), (2, 3, 4, 5), (6, 7), range(8)][random.integers(4)]
    return with_words(proven, dict.fromkeys(where, 0))


def input_plus_order(random, proven, _other, _keys):
    name, value = pick_input(random, proven)
    return Case(replace(proven.claim.statement, **{name: value + SCALAR_FIELD}), proven.words)


def coordinate_plus_modulus(random, proven, _other, _keys):
    index = int(random.integers(8))
    return with_words(proven, {index: proven.words[index] + BASE_FIELD})


def off_the_curve(random, proven, _other, _keys):
    index = int(random.choice([1, 5, 7]))
    return with_words(proven, {index: (proven.words[index] + 1) % BASE_FIELD})


def outside_the_group(_random, proven, _other, _keys):
    return with_words(proven, dict(enumerate(OUTSIDE_THE_GROUP, start=2)))


def proof_of_another_statement(_random, proven, other, _keys):
    return Case(proven.claim.statement, other.words)


def c_of_another_proof(_random, proven, other, _keys):
    return Case(proven.claim.statement, [*proven.words[:6], *other.words[6:]])


def another_context(_random, proven, other, _keys):
    """A relayer's: the proof of one client given out as another's."""
    return Case(replace(proven.claim.statement, context=other.claim.statement.context), proven.words)


def scale(random, proven, _other, _keys):
    """(z A, B / z, C)."""
    z = int(random.integers(2, 2**62))
    a, b, c = points_of(proven.words)
    inverse = pow(z, -1, SCALAR_FIELD)
    return Case(proven.claim.statement, words_of_points(curve.multiply(a, z), curve.multiply(b, inverse), c))


def shift(random, proven, _other, keys):
    """(A, B + z delta, C + z A)."""
    z = int(random.integers(2, 2**62))
    a, b, c = points_of(proven.words)
    b = curve.add(b, curve.multiply(point_of_g2(keys.verifying_key.words[10:14]), z))
    return Case(proven.claim.statement, words_of_points(a, b, curve.add(c, curve.multiply(a, z))))


def points_of(words):
    return point_of_g1(words[:2]), point_of_g2(words[2:6]), point_of_g1(words[6:])


def point_of_g1(words):
    return curve.FQ(words[0]), curve.FQ(words[1]), curve.FQ.one()


def point_of_g2(words):
    return curve.FQ2([words[1], words[0]]), curve.FQ2([words[3], words[2]]), curve.FQ2.one()


def words_of_points(a, b, c):
    (ax, ay), (bx, by), (cx, cy) = map(curve.normalize, (a, b, c))
    parts = (ax, ay, bx.coeffs[1], bx.coeffs[0], by.coeffs[1], by.coeffs[0], cx, cy)
    return [int(part) for part in parts]


MUTATIONS: list[tuple[Mutation, int, set[str]]] = [
    (flip_proof_bit, 40, {"PrecompileFailed", "CoordinateOutOfField"}),
    (flip_input_bit, 30, {"refused", "InputOutOfField"}),
    (negate_a, 8, {"refused"}),
    (negate_b, 8, {"refused"}),
    (negate_c, 8, {"refused"}),
    (swap_a_and_c, 8, {"refused"}),
    (swap_parts_of_b, 4, {"PrecompileFailed"}),
    (point_at_infinity, 6, {"refused"}),
    (input_plus_order, 16, {"InputOutOfField"}),
    (coordinate_plus_modulus, 8, {"CoordinateOutOfField"}),
    (off_the_curve, 10, {"PrecompileFailed"}),
    (outside_the_group, 4, {"PrecompileFailed"}),
    (proof_of_another_statement, 10, {"refused"}),
    (c_of_another_proof, 8, {"refused"}),
    (another_context, 12, {"refused"}),
    # Groth16 proofs can be re-randomised by anybody. The result proves the same statement, commitment and context
    # included, so it is worth what the original is: nothing to whoever is not that client in that round.
    (scale, 10, {"proven"}),
    (shift, 10, {"proven"}),
]


@pytest.fixture(scope="module")
def mutated(valid: list[Proven], norm_keys: NormKeys) -> Iterator[list[tuple[str, Case, set[str]]]]:
    random = np.random.default_rng(200)
    cases = []
    for mutation, count, expected in MUTATIONS:
        for _ in range(count):
            one, other = random.choice(len(valid), 2, replace=False)
            cases.append((mutation.__name__, mutation(random, valid[one], valid[other], norm_keys), expected))
    return cases


# --- the two verifiers ---------------------------------------------------------------------------------------


def test_contract_and_py_ecc_agree(verifier: Any, norm_keys: NormKeys, valid: list[Proven], mutated: Any):
    """50 valid proofs and 200 mutations: where one accepts and the other does not, a committee and a chain part."""
    assert sum(count for _, count, _ in MUTATIONS) == 200
    named = [("valid", Case(it.claim.statement, it.words), {"proven"}) for it in valid] + mutated
    cases = [case for _, case, _ in named]
    by_contract = [answer(verifier, case) for case in cases]
    by_py_ecc = answers_by_py_ecc(norm_keys, cases)
    unexpected = Counter(
        (name, given) for (name, _, expected), given in zip(named, by_contract, strict=True) if given not in expected
    )
    assert not unexpected
    assert [given == "proven" for given in by_contract] == by_py_ecc


def test_verify_reverts_when_it_has_too_little_gas(verifier: Any, valid: list[Proven]):
    """Whoever pays chooses the gas: no amount of it may make a valid proof a false one."""
    case = Case(valid[0].claim.statement, valid[0].words)
    limits = [*range(40_000, GAS_LIMIT, 1_500), GAS_LIMIT]
    given = [answer(verifier, case, gas) for gas in limits]
    assert set(given) == {"out of gas", "PrecompileFailed", "proven"}


def test_verify_costs_the_same_for_any_statement(verifier: Any, valid: list[Proven]):
    """A private reveal has 330k gas in all."""
    web3 = verifier.w3
    for proven in valid[:3]:
        call = verifier.functions.verify(list(proven.claim.statement.inputs), proven.words)
        receipt = web3.eth.wait_for_transaction_receipt(call.transact({"from": web3.eth.accounts[0]}))
        assert receipt["status"] == 1
        assert receipt["gasUsed"] <= GAS_LIMIT


def test_key_on_chain_is_the_one_clients_prove_with(verifier: Any, norm_keys: NormKeys):
    """A client compares digests before it trusts a deployment with an update."""
    assert bytes(verifier.functions.keyDigest().call()) == norm_keys.digest
    assert verifier.functions.capacity().call() == norm_keys.capacity
