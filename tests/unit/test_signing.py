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
RECORD = SimpleNamespace(commit_ends_at=1_000, reveal_ends_at=1_200)


class Node:
    """A deployment as one node tells it: its time, what the client's slot holds by block, and how final blocks lag."""

    def __init__(self, url=OWN, held=None, lag=0, now=900, confirmations=None, mirrors=()):
        self.held, self.lag, self.time, self.mirrors = held or {}, lag, now, list(mirrors)
        self.web3 = SimpleNamespace(provider=SimpleNamespace(endpoint_uri=url))
        self.deployment = SimpleNamespace(confirmations=confirmations, chain_id=1)
        self.beacon = SimpleNamespace(round_at=lambda _number: RECORD)
        self.shards = [SimpleNamespace(update_at=lambda block, _number, _client: self.held.get(block, bytes(32)))]
        self.staking = SimpleNamespace(
            address=STAKING,
            anchor_of=lambda _client: self.anchor,
            participant=lambda _client: SimpleNamespace(key_index=0),
            key_at=lambda _client, _index: SimpleNamespace(identifier=IDENTIFIER),
        )
        self.anchor = bytes(28), 0

    def now(self):
        return self.time


@pytest.fixture(autouse=True)
def told(monkeypatch):
    """Nodes are asked here, and the own clock is what a test says; no chain is for development."""
    told = SimpleNamespace(time=1_000.0, refusal=None)

    def lag(finality):
        if told.refusal is not None:
            raise told.refusal
        return finality._web3.provider.lag

    monkeypatch.setattr("qfl.client.signing.time", SimpleNamespace(time=lambda: told.time))
    monkeypatch.setattr("qfl.client.signing.is_development_chain", lambda _web3: False)
    monkeypatch.setattr("qfl.chain.finality.Finality.lag_seconds", lag)
    return told


def signing(tmp_path, node, *, first_round=1, **settings):
    """A client's, whose chain is on chain from `first_round` on."""
    node.web3.provider.lag = node.lag
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
    second.web3.provider.lag = 0
    own = signing(tmp_path, Node(url), mode=mode, others=[second] * others)
    assert (own.keys_of(NUMBER) is not None) is by_key


def test_where_shards_have_chains_of_their_own_everything_is_signed(tmp_path):
    own = signing(tmp_path, Node(mirrors=["mirror"]), mode="keys")
    assert (own.keys_of(NUMBER), own.needs_chain(NUMBER)) == (None, False)


@pytest.mark.parametrize(("lag", "in_time"), [(0, True), (200, True), (201, False)])
def test_keys_are_used_where_the_commitment_is_final_before_half_of_the_time_to_reveal_is_over(tmp_path, lag, in_time):
    assert (signing(tmp_path, Node(lag=lag)).keys_of(NUMBER) is not None) is in_time


def test_a_node_that_tells_no_final_blocks_is_no_reason_to_miss_a_round(tmp_path, told):
    told.refusal = RpcRefused(OWN, "eth_getBlockByNumber", "unknown tag", None)
    assert signing(tmp_path, Node()).keys_of(NUMBER) is None


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
    found = [own.keys_of(RoundNumber(number)) for number in (3, 4, 2_050)]
    assert None not in found
    assert len({link for keys in found for link in (keys.token, keys.key)}) == 6
    assert [own.keys_of(RoundNumber(number)) for number in (2, 2_051)] == [None, None]
    assert [own.needs_chain(RoundNumber(number)) for number in (2, 3, 2_050, 2_051)] == [False, False, False, True]


def test_a_chain_of_a_seed_that_was_lost_is_to_be_replaced(tmp_path):
    own = signing(tmp_path, node := Node())
    node.anchor = b"\3" * 28, 1
    assert (own.keys_of(NUMBER), own.needs_chain(NUMBER)) == (None, True)
