"""Groth16NormVerifier on Anvil and `verify_norm_proof`: two programs with no code in common agree on every proof.

reverts  InputOutOfField · CoordinateOutOfField · PrecompileFailed (a point off its curve, B outside the group, too
         little gas)
returns  false where the pairing says no · true for valid proofs, re-randomised ones among them
"""

from __future__ import annotations

import multiprocessing
import os
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from proving import random_claim
from web3.exceptions import ContractCustomError, Web3Exception

from qfl.chain.compiler import compile_contracts
from qfl.chain.rpc.connection import connect
from qfl.chain.rpc.revert import decode_revert
from qfl.crypto.norm.keys import NormKeys
from qfl.crypto.norm.poseidon import SCALAR_FIELD
from qfl.crypto.norm.prover import Prover
from qfl.crypto.norm.statement import NormStatement
from qfl.crypto.norm.verify import verify_norm_proof, words_of
from qfl.devnet import Devnet

pytestmark = pytest.mark.rest

curve = pytest.importorskip("py_ecc.optimized_bn128", reason="py_ecc is missing: pip install -e '.[zk]'")

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
class Case:
    """A statement and what is given out as its proof."""

    statement: NormStatement
    words: list[int]

    @property
    def proof(self) -> bytes:
        return b"".join(word.to_bytes(32, "big") for word in self.words)

    def with_words(self, changes: dict[int, int]) -> Case:
        return replace(self, words=[changes.get(i, word) for i, word in enumerate(self.words)])

    def stating(self, **changes: int) -> Case:
        return replace(self, statement=replace(self.statement, **changes))


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
def valid(norm_keys: NormKeys) -> list[Case]:
    """50 proofs of random statements, of 8 and of 16 bits."""
    claims = [random_claim(seed) for seed in range(50)]
    with Prover(norm_keys) as prover:
        return [Case(it.statement, words_of(prover.prove(it.lanes, it.salt, it.statement))) for it in claims]


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


def any_input(random, case):
    """Name and value of one of the statement's inputs."""
    name = FIELDS[random.integers(4)]
    return name, getattr(case.statement, name)


def flip_input_bit(random, case, _other, _keys):
    name, value = any_input(random, case)
    return case.stating(**{name: value ^ 1 << int(random.integers(253))})


def input_plus_order(random, case, _other, _keys):
    name, value = any_input(random, case)
    return case.stating(**{name: value + SCALAR_FIELD})


def changing(places, change):
    """A mutation of one of these words of a proof."""

    def mutate(random, case, _other, _keys):
        index = int(random.choice(places))
        return case.with_words({index: change(random, case.words[index])})

    return mutate


def negating(*places):
    return lambda _random, case, _other, _keys: case.with_words({i: BASE_FIELD - case.words[i] for i in places})


def in_the_order(*places):
    return lambda _random, case, _other, _keys: replace(case, words=[case.words[i] for i in places])


def point_at_infinity(random, case, _other, _keys):
    where = [(0, 1), (2, 3, 4, 5), (6, 7), range(8)][random.integers(4)]
    return case.with_words(dict.fromkeys(where, 0))


def scale(random, case, _other, _keys):
    """(z A, B / z, C)."""
    z = int(random.integers(2, 2**62))
    a, b, c = points_of(case.words)
    inverse = pow(z, -1, SCALAR_FIELD)
    return replace(case, words=words_of_points(curve.multiply(a, z), curve.multiply(b, inverse), c))


def shift(random, case, _other, keys):
    """(A, B + z delta, C + z A)."""
    z = int(random.integers(2, 2**62))
    a, b, c = points_of(case.words)
    b = curve.add(b, curve.multiply(point_of_g2(keys.verifying_key.words[10:14]), z))
    return replace(case, words=words_of_points(a, b, curve.add(c, curve.multiply(a, z))))


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


MUTATIONS = {
    "flip a bit of the proof": (
        *(40, {"PrecompileFailed", "CoordinateOutOfField"}),
        changing(range(8), lambda random, word: word ^ 1 << int(random.integers(256))),
    ),
    "flip a bit of an input": (30, {"refused", "InputOutOfField"}, flip_input_bit),
    "negate A": (8, {"refused"}, negating(1)),
    "negate B": (8, {"refused"}, negating(4, 5)),
    "negate C": (8, {"refused"}, negating(7)),
    "swap A and C": (8, {"refused"}, in_the_order(6, 7, 2, 3, 4, 5, 0, 1)),
    # As a library writes it that has the real part first.
    "swap the parts of B": (4, {"PrecompileFailed"}, in_the_order(0, 1, 3, 2, 5, 4, 6, 7)),
    "point at infinity": (6, {"refused"}, point_at_infinity),
    "input plus order": (16, {"InputOutOfField"}, input_plus_order),
    "coordinate plus modulus": (
        *(8, {"CoordinateOutOfField"}),
        changing(range(8), lambda _random, word: word + BASE_FIELD),
    ),
    "off the curve": (10, {"PrecompileFailed"}, changing([1, 5, 7], lambda _random, word: (word + 1) % BASE_FIELD)),
    "outside the group": (
        *(4, {"PrecompileFailed"}),
        lambda _random, case, _other, _keys: case.with_words(dict(enumerate(OUTSIDE_THE_GROUP, start=2))),
    ),
    "proof of another statement": (10, {"refused"}, lambda _r, case, other, _k: replace(case, words=other.words)),
    "C of another proof": (
        *(8, {"refused"}),
        lambda _random, case, other, _keys: replace(case, words=[*case.words[:6], *other.words[6:]]),
    ),
    # A relayer's: the proof of one client given out as another's.
    "another context": (
        *(12, {"refused"}),
        lambda _random, case, other, _keys: case.stating(context=other.statement.context),
    ),
    # Groth16 proofs can be re-randomised by anybody. The result proves the same statement, commitment and context
    # included, so it is worth what the original is: nothing to whoever is not that client in that round.
    "scale": (10, {"proven"}, scale),
    "shift": (10, {"proven"}, shift),
}
"""How many times, what the contract may say, and what is done to a valid proof, given another one and the keys."""


@pytest.fixture(scope="module")
def mutated(valid: list[Case], norm_keys: NormKeys) -> list[tuple[str, Case, set[str]]]:
    random = np.random.default_rng(200)
    cases = []
    for name, (count, expected, mutate) in MUTATIONS.items():
        for _ in range(count):
            one, other = random.choice(len(valid), 2, replace=False)
            cases.append((name, mutate(random, valid[one], valid[other], norm_keys), expected))
    return cases


# --- the two verifiers ---------------------------------------------------------------------------------------


def test_contract_and_py_ecc_agree(verifier: Any, norm_keys: NormKeys, valid: list[Case], mutated: Any):
    """50 valid proofs and 200 mutations: where one accepts and the other does not, a committee and a chain part."""
    assert len(mutated) == 200
    named = [("valid", case, {"proven"}) for case in valid] + mutated
    cases = [case for _, case, _ in named]
    by_contract = [answer(verifier, case) for case in cases]
    by_py_ecc = answers_by_py_ecc(norm_keys, cases)
    unexpected = Counter(
        (name, given) for (name, _, expected), given in zip(named, by_contract, strict=True) if given not in expected
    )
    assert not unexpected
    assert [given == "proven" for given in by_contract] == by_py_ecc


def test_verify_reverts_when_it_has_too_little_gas(verifier: Any, valid: list[Case]):
    """Whoever pays chooses the gas: no amount of it may make a valid proof a false one."""
    limits = [*range(40_000, GAS_LIMIT, 1_500), GAS_LIMIT]
    given = [answer(verifier, valid[0], gas) for gas in limits]
    assert set(given) == {"out of gas", "PrecompileFailed", "proven"}


def test_verify_costs_the_same_for_any_statement(verifier: Any, valid: list[Case]):
    """A private reveal has 330k gas in all."""
    web3 = verifier.w3
    for case in valid[:3]:
        call = verifier.functions.verify(list(case.statement.inputs), case.words)
        receipt = web3.eth.wait_for_transaction_receipt(call.transact({"from": web3.eth.accounts[0]}))
        assert receipt["status"] == 1
        assert receipt["gasUsed"] <= GAS_LIMIT


def test_key_on_chain_is_the_one_clients_prove_with(verifier: Any, norm_keys: NormKeys):
    """A client compares digests before it trusts a deployment with an update."""
    assert bytes(verifier.functions.keyDigest().call()) == norm_keys.digest
    assert verifier.functions.capacity().call() == norm_keys.capacity
