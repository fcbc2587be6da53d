"""Shard in private mode: what a proof is asked about, and that nothing is recorded without one.

reveal         reverts: ProofRequired where a verifier is set
revealPrivate  reverts: NoVerifier where none is set, NotCurrentRound, WrongPhase, NotCommitted, AlreadyRevealed,
               CommitmentMismatch (another vector commitment, a commitment of the transparent mode), BadNormProof
               (another proof, one made for another client), whatever the verifier reverts with
               too little gas is no answer: nothing is recorded · the verifier is asked about exactly this reveal
"""

import pytest
from brownie import NormVerifierHarness, Shard, accounts, chain
from brownie.exceptions import VirtualMachineError
from eth_abi import encode
from eth_utils import keccak

from qfl.protocol.digests import compute_commitment
from tests.contracts.world import COMMIT, GENESIS, REVEAL, reverts, update_by

FIELD = 21888242871839275222246405745257275088548364400416034343698204186575808495617
"""Order of BN254's scalar field (EIP-197)."""

VECTOR = 7**80
PROOF = [11**i for i in range(8)]


@pytest.fixture
def verifier(world):
    return accounts[0].deploy(NormVerifierHarness)


@pytest.fixture
def shard(world, verifier):
    """A shard 0 with a verifier, in a round that is open."""
    deployed = accounts[0].deploy(Shard, world.beacon, 0, verifier, world.staking)
    world.open()
    return deployed


def commit(world, shard, member):
    update = update_by(member)
    commitment = compute_commitment(1, member.id, update.root, update.digest, update.salt, VECTOR)
    digest = world.domain(shard).commit(1, member.id, GENESIS["modelRoot"], commitment)
    world.commit(member, shard=shard, commitment=commitment, signature=member.sign(digest))


def reveal(world, shard, member, gas=None, **changed):
    """Reveal `member`'s update with `PROOF`; `changed` replaces single arguments."""
    update = update_by(member)
    call = {"round": 1, "client": member.id, "root": update.root, "digest": update.digest, "salt": update.salt}
    call |= {"vector": VECTOR, "proof": PROOF} | changed
    return shard.revealPrivate(*call.values(), {"from": world.relayer} | ({"gas_limit": gas} if gas else {}))


def statement(world, shard, member):
    """What the proof of `member` has to be about, computed from the specification."""
    preimage = encode(["uint256", "address", "uint64", "uint32"], [chain.id, shard.address, 1, member.id])
    context = int.from_bytes(keccak(preimage)) % FIELD
    return [VECTOR, context, world.rounds["normBound"], world.rounds["laneBits"]]


@pytest.fixture
def revealing(world, shard, verifier):
    """The world in the reveal phase: ada has committed, and the verifier accepts her proof and no other."""
    commit(world, shard, world.ada)
    verifier.accept(statement(world, shard, world.ada), PROOF, {"from": world.owner})
    world.reach(world.ends_at("commit"))
    return world


def is_recorded(shard, member):
    """Whether the member's slot says revealed, or the round counts a reveal."""
    return int(str(shard.updateOf(1, member.id)), 16) & 1 == 1 or shard.revealsIn(1) > 0


def test_reveal_reverts_when_proof_required(revealing, shard):
    with reverts("ProofRequired"):
        revealing.reveal(revealing.ada, shard=shard)


def test_reveal_private_reverts_when_no_verifier(revealing):
    with reverts("NoVerifier"):
        reveal(revealing, revealing.shard, revealing.ada)


def test_reveal_private_reverts_when_not_current_round(revealing, shard):
    with reverts("NotCurrentRound", 2, 1):
        reveal(revealing, shard, revealing.ada, round=2)


def test_reveal_private_reverts_while_others_may_still_commit(world, shard):
    commit(world, shard, world.ada)
    with reverts("WrongPhase", COMMIT, REVEAL):
        reveal(world, shard, world.ada)


def test_reveal_private_reverts_when_not_committed(revealing, shard):
    with reverts("NotCommitted", 1, revealing.ben.id):
        reveal(revealing, shard, revealing.ben)


def test_reveal_private_reverts_when_already_revealed(revealing, shard):
    reveal(revealing, shard, revealing.ada)
    with reverts("AlreadyRevealed", 1, revealing.ada.id):
        reveal(revealing, shard, revealing.ada)


def test_reveal_private_reverts_when_the_carrier_puts_in_its_own_proven_vector(revealing, shard, verifier):
    """A relayer cannot replace the proof: a vector of its own is not what the client committed to."""
    inputs = [VECTOR + 1, *statement(revealing, shard, revealing.ada)[1:]]
    verifier.accept(inputs, PROOF, {"from": revealing.owner})
    with reverts("CommitmentMismatch", 1, revealing.ada.id):
        reveal(revealing, shard, revealing.ada, vector=VECTOR + 1)


def test_reveal_private_reverts_when_the_commitment_names_no_vector(world, shard, verifier):
    world.commit(world.ada, shard=shard)
    verifier.accept(statement(world, shard, world.ada), PROOF, {"from": world.owner})
    world.reach(world.ends_at("commit"))
    with reverts("CommitmentMismatch", 1, world.ada.id):
        reveal(world, shard, world.ada)


def test_reveal_private_reverts_when_bad_norm_proof(revealing, shard):
    with reverts("BadNormProof", 1, revealing.ada.id):
        reveal(revealing, shard, revealing.ada, proof=[*PROOF[:-1], PROOF[-1] + 1])
    assert not is_recorded(shard, revealing.ada)


def test_reveal_private_reverts_when_the_proof_is_another_clients(world, shard, verifier):
    """Ben repeats ada's vector and proof under his own commitment: the context of the proof is hers."""
    commit(world, shard, world.ben)
    verifier.accept(statement(world, shard, world.ada), PROOF, {"from": world.owner})
    world.reach(world.ends_at("commit"))
    with reverts("BadNormProof", 1, world.ben.id):
        reveal(world, shard, world.ben)


def test_reveal_private_reverts_when_a_precompile_fails(revealing, shard, verifier):
    verifier.fail({"from": revealing.owner})
    with reverts("PrecompileFailed", 8):
        reveal(revealing, shard, revealing.ada)


def test_reveal_private_with_too_little_gas_is_not_recorded(revealing, shard):
    """Whoever carries the reveal chooses its gas. Wherever it ends, the client can still be revealed."""
    needed = shard.revealPrivate.estimate_gas(
        *(1, revealing.ada.id, *vars(update_by(revealing.ada)).values(), VECTOR, PROOF),
        {"from": revealing.relayer},
    )
    for gas in range(needed // 2, needed - 5_000, needed // 40):
        with pytest.raises(VirtualMachineError):
            reveal(revealing, shard, revealing.ada, gas=gas)
        assert not is_recorded(shard, revealing.ada), gas
    reveal(revealing, shard, revealing.ada)


def test_reveal_private_records_the_update_and_what_was_proven(revealing, shard):
    """The verifier of these tests accepts one statement: so this also says that it was asked about no other."""
    update = update_by(revealing.ada)
    events = reveal(revealing, shard, revealing.ada).events
    assert events["Revealed"] == {
        "round": 1,
        "client": revealing.ada.id,
        "index": 0,
        "updateRoot": "0x" + update.root.hex(),
        "contentDigest": "0x" + update.digest.hex(),
    }
    assert events["NormProven"] == {"round": 1, "client": revealing.ada.id, "vectorCommitment": VECTOR}
    assert shard.updateOf(1, revealing.ada.id) == shard.revealedAs(0, update.root, update.digest)
    assert shard.revealsIn(1) == 1
