"""Poseidon is circomlib's Poseidon: the circuit's commitment and Python's are one function."""

from __future__ import annotations

import pytest

from qfl.crypto.norm.poseidon import SCALAR_FIELD, poseidon
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
