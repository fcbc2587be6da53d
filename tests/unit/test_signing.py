"""When a client uses keys, and when it shows one: what its nodes, its clock and the deployment have to say."""

from types import SimpleNamespace

import pytest

from qfl.client.signing import Signing
from qfl.crypto.hash_chain import LinkSeed
from qfl.errors import RpcRefused
from qfl.protocol.types import ParticipantId, RoundNumber, ShardIndex

CLIENT, NUMBER, SHARD = ParticipantId(4), RoundNumber(3), ShardIndex(0)
OWN, ELSEWHERE = "http://127.0.0.1:8545", "http://chain.example:8545"
IDENTIFIER, STAKING = bytes(16), "0x" + "57" * 20
SLOT, OTHER = b"\2" * 32, b"\6" * 32
SEED = b"\x5e" * 32
RECORD = SimpleNamespace(commit_ends_at=1_000, reveal_ends_at=1_200, seed=SEED)
NONE_YET = SimpleNamespace(commit_ends_at=0, reveal_ends_at=0, seed=bytes(32))


class Node:
    """A deployment as one node tells it: its time, what the client's slot holds by block, and how final blocks lag."""

    def __init__(self, url=OWN, held=None, lag=0, now=900, confirmations=None, shard_url=None, shown=None):
        """`shard_url` is that of the shard's own chain, if it has one, and `shown` what its mirror shows there."""
        self.held, self.lag, self.time = held or {}, lag, now
        self.web3, own = connection(url, lag, now), connection(shard_url or url, lag, now)
        self.mirrors = [SimpleNamespace(mirrored=lambda: shown)] if shard_url else []
        chains = [SimpleNamespace(confirmations=confirmations)] if shard_url else []
        told = 0 if shard_url else confirmations  # the beacon's chain takes nothing back, and is not what counts
        self.deployment = SimpleNamespace(confirmations=told, chain_id=1, chains=chains)
        self.rounds = {"latest": RECORD}
        self.beacon = SimpleNamespace(round_at=lambda _number, block="latest": self.rounds.get(block, NONE_YET))
        self.shards = [
            SimpleNamespace(web3=own, update_at=lambda block, _number, _client: self.held.get(block, bytes(32)))
        ]
        self.staking = SimpleNamespace(
            address=STAKING,
            anchor_of=lambda _client: self.anchor,
            participant=lambda _client: SimpleNamespace(key_index=0),
            key_at=lambda _client, _index: SimpleNamespace(identifier=IDENTIFIER),
        )
        self.anchor = bytes(28), 0


def connection(url, lag, now):
    return SimpleNamespace(provider=SimpleNamespace(endpoint_uri=url, lag=lag), now=now)


@pytest.fixture(autouse=True)
def told(monkeypatch):
    """Nodes are asked here, and the own clock is what a test says; no chain is for development."""
    told = SimpleNamespace(time=1_000.0, refusal=None)

    def lag(finality):
        if told.refusal is not None:
            raise told.refusal
        return finality._web3.provider.lag

    monkeypatch.setattr("qfl.client.signing.time", SimpleNamespace(time=lambda: told.time))
    monkeypatch.setattr("qfl.client.signing.time_of", lambda web3: web3.now)
    monkeypatch.setattr("qfl.client.signing.is_development_chain", lambda _web3: False)
    monkeypatch.setattr("qfl.chain.finality.Finality.lag_seconds", lag)
    monkeypatch.setattr(
        "qfl.chain.finality.Finality.time", lambda finality: finality._web3.now - finality._web3.provider.lag
    )
    return told


def signing(tmp_path, node, *, first_round=1, **settings):
    """A client's, whose chain is on chain from `first_round` on."""
    node.anchor = LinkSeed.of(tmp_path).chain(1, STAKING, IDENTIFIER, first_round).anchor, first_round
    return Signing(node, CLIENT, tmp_path, **settings)


@pytest.mark.parametrize(
    ("url", "mode", "others", "by_key"),
    [
        (OWN, "auto", 0, True),
        (ELSEWHERE, "auto", 0, False),
        (ELSEWHERE, "auto", 1, True),
        (ELSEWHERE, "keys", 0, True),
        (OWN, "lms", 0, False),
    ],
)
def test_keys_are_for_who_need_not_believe_one_node_of_somebody_else(tmp_path, url, mode, others, by_key):
    second = Node("http://other.example:8545")
    own = signing(tmp_path, Node(url), mode=mode, others=[second] * others)
    assert (own.keys_of(SHARD, NUMBER) is not None) is by_key


@pytest.mark.parametrize(
    ("url", "shard_url", "by_key"),
    [(OWN, "http://127.0.0.1:8546", True), (OWN, ELSEWHERE, False), (ELSEWHERE, "http://127.0.0.1:8546", False)],
)
def test_where_a_shard_has_its_own_chain_its_node_has_to_be_trusted_as_well(tmp_path, url, shard_url, by_key):
    own = signing(tmp_path, Node(url, shard_url=shard_url))
    assert (own.keys_of(SHARD, NUMBER) is not None) is by_key


def test_two_nodes_of_the_beacons_chain_are_one_of_the_shards(tmp_path):
    """Asking the same address twice tells nothing."""
    first = Node(ELSEWHERE, shard_url="http://shard.example:8545")
    for shard_url, by_key in (("http://shard.example:8545", False), ("http://other.example:8545", True)):
        second = Node("http://second.example:8545", shard_url=shard_url)
        assert (signing(tmp_path, first, others=[second]).keys_of(SHARD, NUMBER) is not None) is by_key


@pytest.mark.parametrize(
    ("shown", "time", "settled"),
    [
        pytest.param((NUMBER, 1_000, SEED), 1_000, True, id="as the beacon"),
        pytest.param((NUMBER, 1_100, SEED), 1_099, False, id="open for longer"),
        pytest.param((NUMBER, 1_100, SEED), 1_100, True, id="over at last"),
        pytest.param((NUMBER, 900, SEED), 999, False, id="over before the beacon"),
        pytest.param((NUMBER + 1, 1_000, SEED), 1_000, False, id="another round"),
        pytest.param((NUMBER, 1_000, OTHER), 1_000, False, id="another opening of the round"),
        pytest.param(None, 1_000, False, id="nothing"),
    ],
)
def test_a_key_waits_for_the_later_of_the_deadlines_that_beacon_and_mirror_name(tmp_path, told, shown, time, settled):
    told.time = time
    mirrored = None if shown is None else SimpleNamespace(round=shown[0], commit_ends_at=shown[1], seed=shown[2])
    node = Node(held={"finalized": SLOT}, shard_url="http://127.0.0.1:8546", shown=mirrored)
    assert signing(tmp_path, node).is_settled(SHARD, NUMBER, SLOT) is settled


@pytest.mark.parametrize(
    ("final", "settled"),
    [
        (RECORD, True),
        (NONE_YET, False),
        (SimpleNamespace(commit_ends_at=1_000, reveal_ends_at=1_200, seed=OTHER), False),
    ],
    ids=["opened", "not yet", "opened otherwise"],
)
def test_a_key_waits_until_the_beacons_chain_does_not_take_the_round_back(tmp_path, final, settled):
    """It could be opened anew, with the client in another shard, where nobody has committed in its name yet."""
    shown = SimpleNamespace(round=NUMBER, commit_ends_at=1_000, seed=SEED)
    node = Node(held={"finalized": SLOT}, now=1_000, shard_url="http://127.0.0.1:8546", shown=shown)
    node.deployment.confirmations, node.rounds["finalized"] = None, final
    assert signing(tmp_path, node).is_settled(SHARD, NUMBER, SLOT) is settled


@pytest.mark.parametrize(("confirmations", "settled"), [(0, True), (None, False)])
def test_final_is_what_the_shards_own_chain_does_not_take_back(tmp_path, confirmations, settled):
    shown = SimpleNamespace(round=NUMBER, commit_ends_at=1_000, seed=SEED)
    node = Node(held={"latest": SLOT}, confirmations=confirmations, shard_url="http://127.0.0.1:8546", shown=shown)
    assert signing(tmp_path, node).is_settled(SHARD, NUMBER, SLOT) is settled


@pytest.mark.parametrize(("lag", "in_time"), [(0, True), (200, True), (201, False)])
def test_keys_are_used_where_the_commitment_is_final_before_half_of_the_time_to_reveal_is_over(tmp_path, lag, in_time):
    assert (signing(tmp_path, Node(lag=lag)).keys_of(SHARD, NUMBER) is not None) is in_time


def test_a_node_that_tells_no_final_blocks_is_no_reason_to_miss_a_round(tmp_path, told):
    told.refusal = RpcRefused(OWN, "eth_getBlockByNumber", "unknown tag", None)
    assert signing(tmp_path, Node()).keys_of(SHARD, NUMBER) is None


@pytest.mark.parametrize(
    ("held", "time", "settled"),
    [
        ({"finalized": SLOT, "latest": SLOT}, 1_000, True),
        ({"finalized": SLOT, "latest": SLOT}, 999, False),
        ({"latest": SLOT}, 1_000, False),
        ({"finalized": OTHER, "latest": SLOT}, 1_000, False),
    ],
    ids=["final and late", "the own clock says early", "not final", "another's in the final block"],
)
def test_a_key_waits_for_a_final_block_and_for_the_own_clock(tmp_path, told, held, time, settled):
    """Whatever the node's clock says: it may be somebody's who would like to have the key early."""
    told.time = time
    own = signing(tmp_path, Node(held=held, now=5_000))
    assert own.is_settled(SHARD, NUMBER, SLOT) is settled


@pytest.mark.parametrize("confirmed", [SLOT, bytes(32)])
def test_a_node_that_lies_alone_harvests_no_key(tmp_path, confirmed):
    liar, second = Node(ELSEWHERE, held={"finalized": SLOT}), Node(OWN, held={"finalized": confirmed})
    own = signing(tmp_path, liar, others=[second])
    assert own.is_settled(SHARD, NUMBER, SLOT) is (confirmed == SLOT)


def test_depth_is_the_deployments_unless_a_role_says_otherwise(tmp_path):
    node = Node(confirmations=0, held={"latest": SLOT})
    assert signing(tmp_path, node).is_settled(SHARD, NUMBER, SLOT)
    node.deployment.confirmations = None
    assert not signing(tmp_path, node).is_settled(SHARD, NUMBER, SLOT)
    assert signing(tmp_path, node, confirmations=0).is_settled(SHARD, NUMBER, SLOT)


def test_rounds_have_links_of_their_own_and_a_chain_ends(tmp_path):
    own = signing(tmp_path, Node(), first_round=3)
    found = [own.keys_of(SHARD, RoundNumber(number)) for number in (3, 4, 2_050)]
    assert None not in found
    assert len({link for keys in found for link in (keys.token, keys.key)}) == 6
    assert [own.keys_of(SHARD, RoundNumber(number)) for number in (2, 2_051)] == [None, None]
    assert [own.needs_chain(SHARD, RoundNumber(number)) for number in (2, 3, 2_050, 2_051)] == [
        False,
        False,
        False,
        True,
    ]


def test_a_chain_of_a_seed_that_was_lost_is_to_be_replaced(tmp_path):
    own = signing(tmp_path, node := Node())
    node.anchor = b"\3" * 28, 1
    assert (own.keys_of(SHARD, NUMBER), own.needs_chain(SHARD, NUMBER)) == (None, True)
