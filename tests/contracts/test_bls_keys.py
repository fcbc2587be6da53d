"""BlsKeys: whose key is whose, and where it is.

register
├── reverts  WrongLength · NotValidator (a client, nobody) · BadSignature (another's LMS key, another nonce: replayed)
│            KeyTaken (somebody else's key, one's own old key) · PrecompileFailed (outside the group)
│            NotPossessed (a rogue key, a signature instead of a proof, infinity)
└── the key counts; the one before is retired, and its place in a page is dead
pack
├── reverts  MalformedPage · OutOfOrder (a validator twice) · NotCurrentKey (another's, a replaced one) · BetterPlaced
└── keys are found in the page; those that moved count no more where they were
"""

import pytest
from brownie import web3
from eth_utils.crypto import keccak
from py_ecc.bls.g2_primitives import G1_to_pubkey, pubkey_to_G1
from py_ecc.optimized_bls12_381 import add, neg

from qfl.crypto.bls import BlsKey
from qfl.crypto.bls_points import full_key, full_signature
from qfl.quorum.bls import REGISTRATION
from tests.contracts.attesters import attested_by, bls_key_of, entries_of, register
from tests.contracts.test_bls import OUTSIDE_GROUP
from tests.contracts.world import ANY_TURN, reverts, word

NOT_PACKED = 0xFFFFFF


@pytest.fixture
def quorum(BlsQuorum, accounts, world):
    return accounts[0].deploy(BlsQuorum, world.staking)


@pytest.fixture
def registered(world, quorum):
    """Vera, viktor and vito have keys."""
    for member in (world.vera, world.viktor, world.vito):
        register(world, quorum, member)
    return quorum


# --- register ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("argument", "length"), [("key", 96), ("possession", 192)])
@pytest.mark.parametrize("given", [0, -1, 1])
def test_register_reverts_when_the_length_is_wrong(world, quorum, argument, length, given):
    wrong = bytes(length + given if given else 0)
    with reverts("WrongLength", len(wrong), length):
        register(world, quorum, world.vera, **{argument: wrong})


def test_register_reverts_when_not_a_validator(world, quorum):
    with reverts("NotValidator", world.ada.id):
        register(world, quorum, world.ada)
    with reverts("NotValidator", 99):
        register(world, quorum, world.vera, validator=99)


def test_register_reverts_when_another_key_signed(world, quorum):
    public = full_key(bls_key_of("vera").public)
    digest = world.domain(quorum).digest(REGISTRATION, world.vera.id, keccak(public), 0)
    with reverts("BadSignature", world.vera.id):
        register(world, quorum, world.vera, signature=world.viktor.sign(digest))


def test_register_reverts_when_replayed(world, quorum):
    """The registration of an old key cannot be brought again; nor could it, were the key not taken."""
    first = register(world, quorum, world.vera)
    register(world, quorum, world.vera, bls_key_of("vera's second"))
    with reverts("KeyTaken"):
        quorum.register(*quorum.decode_input(first.input)[1], {"from": world.mallory})
    with reverts("BadSignature", world.vera.id):
        register(world, quorum, world.vera, bls_key_of("vera's third"), nonce=0)


def test_register_reverts_when_the_key_is_somebody_elses(world, quorum):
    """One signature would count for both seats."""
    register(world, quorum, world.vera)
    with reverts("KeyTaken", keccak(full_key(bls_key_of("vera").public))):
        register(world, quorum, world.viktor, bls_key_of("vera"))


def test_a_registration_seen_before_it_is_in_a_block_is_of_no_use_to_another(world, quorum):
    """Viktor takes key and proof from it and is first: he would live off what vera signs, and she be refused."""
    key = bls_key_of("vera")
    hers = world.domain(quorum).digest(REGISTRATION, world.vera.id, keccak(full_key(key.public)), 0)
    with reverts("NotPossessed", world.viktor.id):
        register(world, quorum, world.viktor, key, possession=full_signature(key.prove_possession(hers)))
    register(world, quorum, world.vera)


def test_a_proof_for_another_quorum_is_none(world, quorum, BlsQuorum, accounts):
    key = bls_key_of("vera")
    elsewhere = world.domain(accounts[0].deploy(BlsQuorum, world.staking))
    message = elsewhere.digest(REGISTRATION, world.vera.id, keccak(full_key(key.public)), 0)
    with reverts("NotPossessed", world.vera.id):
        register(world, quorum, world.vera, possession=full_signature(key.prove_possession(message)))


def test_register_reverts_for_a_rogue_key(world, quorum):
    """Mallory's key minus vera's: with vera's it sums up to mallory's, who would sign alone for both."""
    register(world, quorum, world.vera)
    mine, hers = BlsKey(bytes(32)), bls_key_of("vera")
    rogue = full_key(bytes(G1_to_pubkey(add(pubkey_to_G1(mine.public), neg(pubkey_to_G1(hers.public))))))
    with reverts("NotPossessed", world.viktor.id):
        register(world, quorum, world.viktor, mine, rogue)


def test_register_reverts_when_possession_is_proven_by_a_signature(world, quorum):
    """A committee member that is made to sign these bytes must not thereby register a key."""
    key = bls_key_of("vera")
    message = world.domain(quorum).digest(REGISTRATION, world.vera.id, keccak(full_key(key.public)), 0)
    with reverts("NotPossessed", world.vera.id):
        register(world, quorum, world.vera, possession=full_signature(key.sign(key.public + message)))


def test_register_reverts_for_infinity(world, quorum):
    with reverts("NotPossessed", world.vera.id):
        register(world, quorum, world.vera, public=bytes(96), possession=bytes(192))


def test_register_reverts_for_a_point_outside_the_group(world, quorum):
    with reverts("PrecompileFailed", 15):
        register(world, quorum, world.vera, public=OUTSIDE_GROUP)


def test_register_and_replace(world, quorum):
    first, second = (full_key(bls_key_of(name).public) for name in ("vera", "vera's second"))
    event = register(world, quorum, world.vera).events["KeyRegistered"]
    assert (event["validator"], event["keyIndex"], bytes(event["key"])) == (world.vera.id, 0, first)
    assert (quorum.keyCount(world.vera.id), bytes(quorum.keyDigestOf(world.vera.id))) == (1, keccak(first))
    register(world, quorum, world.vera, bls_key_of("vera's second"))
    assert (quorum.keyCount(world.vera.id), bytes(quorum.keyDigestOf(world.vera.id))) == (2, keccak(second))
    assert bytes(quorum.keyDigestAt(world.vera.id, 0)) == keccak(first)
    assert bytes(quorum.keyDigestOf(world.viktor.id)) == bytes(32)


def counted(quorum, page: int) -> tuple[int, int]:
    """How many entries of a page count, and the bits of those that do not."""
    _, entries, dead = quorum.pageAt(page)
    return int(entries), int(dead)


# --- pack ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [0, 1, 99, 101, 24_600])
def test_pack_reverts_when_malformed(quorum, by_anyone, length):
    """An entry has 100 bytes, and 245 of them fit into a contract's code."""
    with reverts("MalformedPage", length):
        quorum.pack(bytes(length), by_anyone)


def test_pack_reverts_when_out_of_order(world, registered, by_anyone):
    with reverts("OutOfOrder", 1):
        registered.pack(entries_of([world.viktor, world.vera]), by_anyone)


def test_pack_reverts_when_a_validator_is_given_twice(world, registered, by_anyone):
    with reverts("OutOfOrder", 1):
        registered.pack(entries_of([world.vera, world.vera]), by_anyone)


def test_pack_reverts_when_the_key_is_not_current(world, registered, by_anyone):
    old = entries_of([world.vera])
    register(world, registered, world.vera, bls_key_of("vera's second"))
    for entries in (
        old,
        entries_of([world.violet]),  # has registered none
        entries_of([world.viktor], {"viktor": bls_key_of("vito")}),
    ):
        with reverts("NotCurrentKey", int.from_bytes(entries[:4])):
            registered.pack(entries, by_anyone)


def test_pack_reverts_when_keys_are_better_placed(world, registered, by_anyone):
    """Mallory scatters a committee's keys over small pages, each of which costs every checkpoint 7,000 gas."""
    registered.pack(entries_of([world.vera, world.viktor]), by_anyone)
    with reverts("BetterPlaced", world.vera.id, 0):
        registered.pack(entries_of([world.vera]), by_anyone)
    with reverts("BetterPlaced", world.vera.id, 0):
        registered.pack(entries_of([world.vera, world.vito]), by_anyone)


def test_packed_keys_are_found(world, registered, by_anyone):
    entries = entries_of([world.vera, world.vito])
    packed = registered.pack(entries, by_anyone).events["PagePacked"]
    data = registered.pageAt(0)[0]
    assert (packed["page"], packed["data"], packed["entries"]) == (0, data, 2)
    assert bytes(web3.eth.get_code(data)) == b"\0" + entries
    assert (counted(registered, 0), registered.pageCount()) == ((2, 2**256 - 4), 1)
    who = [world.vito.id, world.viktor.id, world.vera.id]
    assert list(registered.placesOf(who)) == [1, NOT_PACKED, 0]


def test_keys_move_to_a_larger_page(world, registered, by_anyone):
    """And count no more where they were: a bundle that names the old place is refused."""
    registered.pack(entries_of([world.vera, world.viktor]), by_anyone)
    before = attested_by(registered, word("digest"), {0: world.vera})
    registered.pack(entries_of([world.vera, world.viktor, world.vito]), by_anyone)
    assert list(registered.placesOf([world.vera.id, world.viktor.id, world.vito.id])) == [0x100, 0x101, 0x102]
    assert counted(registered, 0) == (0, 2**256 - 1)
    with reverts("NotCurrentKey", world.vera.id):
        registered.verify(word("digest"), ANY_TURN, [world.vera.id], before)
    after = attested_by(registered, word("digest"), {0: world.vera})
    assert registered.verify(word("digest"), ANY_TURN, [world.vera.id], after) == 1


def test_replacing_a_key_takes_its_entry_out(world, registered, by_anyone):
    registered.pack(entries_of([world.vera, world.viktor, world.vito]), by_anyone)
    register(world, registered, world.viktor, bls_key_of("viktor's second"))
    assert counted(registered, 0) == (2, 2**256 - 8 + 0b010)
    assert list(registered.placesOf([world.viktor.id])) == [NOT_PACKED]
    again = entries_of([world.vera, world.viktor, world.vito], {"viktor": bls_key_of("viktor's second")})
    registered.pack(again, by_anyone)
    assert counted(registered, 0) == (0, 2**256 - 1)
    assert counted(registered, 1) == (3, 2**256 - 8)
