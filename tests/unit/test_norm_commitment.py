"""The commitment of private mode: Poseidon as circomlib has it, bound to each lane, hiding what it commits to."""

import numpy as np
import pytest

from qfl.crypto.norm.poseidon import SCALAR_FIELD, poseidon
from qfl.crypto.norm.statement import commit_lanes
from qfl.errors import InvalidInput


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ([1], 18586133768512220936620570745912940619677854269274689475585506675881198879027),
        ([1, 2], 7853200120776062878684798364095072458815029376092732009249414926327459813530),
        ([3, 4], 14763215145315200506921711489642608356394854266165572616578112107564877678998),
        ([1, 2, 0, 0, 0], 1018317224307729531995786483840663576608797660851238720571059489595066344487),
        ([3, 4, 0, 0, 0], 5811595552068139067952687508729883632420015185677766880877743348592482390548),
        ([1, 2, 0, 0, 0, 0], 15336558801450556532856248569924170992202208561737609669134139141992924267169),
        (list(range(1, 15)), 8354478399926161176778659061636406690034081872658507739535256090879947077494),
        (list(range(1, 17)), 9989051620750914585850546081941653841776809718687451684622678807385399211877),
    ],
)
def test_hash_is_the_published_one(inputs, expected):
    """Vectors of circomlib's and go-iden3-crypto's tests: constants from another stream would change each of them."""
    assert poseidon(inputs) == expected


def test_zero_at_the_end_is_an_input():
    """Otherwise a shorter list would collide with a longer one."""
    assert poseidon([1, 2]) != poseidon([1, 2, 0])


@pytest.mark.parametrize("inputs", [[], list(range(17)), [SCALAR_FIELD], [-1]])
def test_what_is_no_field_element_is_refused(inputs):
    """Reduced in silence, x and x + r would have one hash."""
    with pytest.raises(InvalidInput):
        poseidon(inputs)


# --- the commitment ---


SALT = 12345
LANES = np.array([0, 1, -1, 127, -128, 32767, -32768])


@pytest.mark.parametrize("salt", [SALT, SALT + 1])
@pytest.mark.parametrize(
    ("lanes", "capacity"),
    [(LANES, 64), (np.pad(LANES, (0, 57)), 64), (np.random.default_rng(1).integers(-(2**15), 2**15, 250), 256)],
    ids=["padded with zeros", "whole", "three blocks"],
)
def test_commitment_is_the_documented_chain(lanes, capacity, salt):
    """15 lanes a word, 7 words a block: worked out here digit by digit, as anybody else would read the format.

    So every lane counts, in every block, and none is added to a state that holds the salt, which it could cancel there.
    """
    padded = [*lanes, *[0] * (capacity - len(lanes))]
    words = [
        sum((int(lane) + 2**15) * 2 ** (16 * place) for place, lane in enumerate(padded[start : start + 15]))
        for start in range(0, capacity, 15)
    ]
    words += [0] * (-len(words) % 7)
    state = poseidon([capacity, salt])
    for start in range(0, len(words), 7):
        state = poseidon([state, *words[start : start + 7]])
    assert commit_lanes(lanes, capacity, salt) == state


@pytest.mark.parametrize(
    ("lanes", "salt"),
    [
        (np.zeros(65, dtype=np.int16), SALT),
        (np.zeros((8, 8), dtype=np.int16), SALT),
        (np.array([32768]), SALT),
        (np.array([-32769]), SALT),
        (LANES, SCALAR_FIELD),
        (LANES, -1),
    ],
)
def test_what_the_circuit_cannot_open_is_refused(lanes, salt):
    """Wrapped into 16 bits, 32,768 would be committed to as -32,768."""
    with pytest.raises(InvalidInput):
        commit_lanes(lanes, 64, salt)


def test_refusal_keeps_the_salt_secret():
    with pytest.raises(InvalidInput) as refused:
        commit_lanes(LANES, 64, SCALAR_FIELD + 77)
    assert str(SCALAR_FIELD + 77) not in str(refused.value)
