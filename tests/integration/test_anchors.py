"""Hash chains end: a running validator names the anchor of another in time, by itself; or its owner does by hand."""

from collections.abc import Sequence
from functools import partial

import pytest
from commands import Done, require_one_line, run_command
from eth_abi.abi import encode
from eth_utils.crypto import keccak
from testnet import Testnet, fresh_testnet

from experiments.attacks.testnet import DRAWS_SLOT
from qfl.chain.ledger import Ledger
from qfl.crypto.hash_chain import LENGTH, LINK_BYTES, SEED_NAME, LinkSeed
from qfl.crypto.keyfile import KeyFile
from qfl.devnet.health import call_chain
from qfl.node.anchors import counts_from
from qfl.protocol.draw import LAG
from qfl.protocol.types import ParticipantId, RoundNumber
from qfl.simulation.driver import run_round
from qfl.validator import linker

CHAINS_SLOT = DRAWS_SLOT - 2
"""Where `Draw` has the chains."""
VALIDATORS = ("validator-1", "validator-2", "validator-3", "validator-4")

testnet = fresh_testnet("function", clients=1)


def use_up(testnet: Testnet, name: str, left: int) -> None:
    """Leave the chain of a validator only so many links: thousands of rounds, written into the chain's storage."""
    participant, ledger = testnet.join(name), testnet.ledger
    identifier = ledger.staking.participant(participant).key.identifier
    seed = LinkSeed.of(testnet.folder / name)
    tip = seed.chain(ledger.deployment.chain_id, ledger.staking.address, identifier).tip(LENGTH - left)
    place = keccak(encode(["uint256", "uint256"], [participant, CHAINS_SLOT]))
    value = (LENGTH - left).to_bytes(4) + tip
    call_chain(
        testnet.devnet.rpc_url, "anvil_setStorageAt", ledger.draw.address, "0x" + place.hex(), "0x" + value.hex()
    )
    assert ledger.draw.chain_of(participant) == (tip, LENGTH - left)


def run_rounds(testnet: Testnet, count: int) -> list[RoundNumber]:
    """Rounds in which every validator is there."""
    network = testnet.network([1])
    return [run_round(network).round for _ in range(count)]


def links_left(ledger: Ledger, validators: Sequence[ParticipantId]) -> list[int]:
    return [LENGTH - ledger.draw.chain_of(validator)[1] for validator in validators]


def test_a_validator_whose_chain_ends_goes_over_to_another_and_misses_no_slot(testnet: Testnet) -> None:
    """No more links than the rounds in which an anchor waits."""
    for name in VALIDATORS:
        use_up(testnet, name, left=LAG)
    numbers = run_rounds(testnet, LAG + 3)
    ledger = testnet.ledger
    assert [ledger.draw.silent_seats(number) for number in numbers] == [[]] * len(numbers)
    assert all(left > LENGTH - len(numbers) for left in links_left(ledger, list(map(testnet.join, VALIDATORS))))
    for validator in map(testnet.join, VALIDATORS):
        assert len(ledger.staking.anchors(0, participant=validator)) == 1, "each named one anchor, once"


def test_rounds_over_a_change_of_anchors_verify(testnet: Testnet, monkeypatch: pytest.MonkeyPatch) -> None:
    """A restarted validator, too, finds the chain that its new anchor is of."""
    monkeypatch.setattr(linker, "RENEW_BELOW", LENGTH)
    run_rounds(testnet, LAG)
    monkeypatch.undo()
    numbers = run_rounds(testnet, 2)
    assert testnet.ledger.staking.anchors(0, participant=testnet.join(VALIDATORS[0]))
    assert not any(testnet.ledger.draw.silent_seats(number) for number in numbers)
    testnet.assert_everything_stands()


def test_a_validator_that_lost_its_seed_is_back_after_four_rounds(testnet: Testnet) -> None:
    for name in VALIDATORS:
        testnet.join(name)
        (testnet.folder / name / SEED_NAME).unlink()
    *lost, back = run_rounds(testnet, 1 + LAG)
    shown = testnet.ledger.draw.shown(0)
    assert not shown.keys() & set(lost)
    assert back in shown


# --- by hand ---


@pytest.fixture
def anchor(testnet: Testnet, capsys: pytest.CaptureFixture[str]) -> partial[Done]:
    """`qfl stake anchor`, of validator 1 unless the arguments say something else."""
    folder = testnet.folder / "validator-1"
    testnet.validator(1)
    testnet.keys["validator-1"].close()
    place = ["--rpc", testnet.devnet.rpc_url, "--deployment", testnet.deployment_path, "--account", "dev:9"]
    return partial(run_command, capsys, "stake", "anchor", "--key", folder / "key.lms", *place)


def test_an_anchor_is_named_by_hand_and_no_other_before_it_counts(testnet: Testnet, anchor: partial[Done]) -> None:
    folder, (validator, other) = testnet.folder, map(testnet.join, ("validator-1", "validator-2"))
    own = ["--folder", folder / "validator-1"]
    assert (
        anchor(validator, *own).output == f"participant {validator} shows links of another chain from round {LAG} on\n"
    )
    assert counts_from(testnet.ledger, validator) == LAG
    with KeyFile.open(folder / "validator-1" / "key.lms") as key:
        leaf = key.next_leaf
    refused = require_one_line(anchor(validator, *own), 2)
    assert "AnchorPending" in refused and f"from round {LAG} on" in refused
    assert f"not the folder of participant {other}" in require_one_line(anchor(other, *own), 2)
    with KeyFile.open(folder / "validator-1" / "key.lms") as key:
        assert key.next_leaf == leaf, "a refusal costs no leaf"
    assert len(testnet.ledger.staking.anchors(0, participant=validator)[0].anchor) == LINK_BYTES
