"""The explorer's pages over a real chain and IPFS node: what they show, and that nothing hostile gets through them.

A page must answer whatever a node does; what a node or a client writes is text, and no more than a page can hold.
"""

import json
import re
import socket
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import requests
from dishonest import (
    assert_next_round_is_good,
    collude,
    honest_result,
    lie_about_the_model,
    make_challenger,
    until_checkpoint_phase,
)
from looking import Explored, Twist, exploring, twisting_proxy
from test_ipfs_store import file_of
from testnet import Testnet

import qfl.chain.rpc.rpc
from experiments.attacks.insistent import Insistent
from qfl.chain.contracts.beacon import Phase
from qfl.devnet import Devnet, DevnetConfig
from qfl.protocol.cid import cid_of
from qfl.protocol.content import content_digest
from qfl.protocol.types import ParticipantId, RoundNumber, ShardIndex
from qfl.simulation.driver import run_round
from qfl.storage.ipfs import IpfsStore
from qfl.storage.store import MemoryStore

SCRIPT = '<script>globalThis.executed = true</script>"><img src=x onerror=alert(1)>'
HOSTILE = json.dumps({"dataset": SCRIPT}).encode()
INVALID = b"\xff\xfe\x00<script>\xc3\x28"


@pytest.fixture(scope="module")
def played(devnet: Devnet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Testnet]:
    """A round with two honest clients, and a third that has revealed content of its own choice."""
    with Testnet(devnet, tmp_path_factory.mktemp("testnet")) as testnet:
        rogue = testnet.rogue(3)
        testnet.store.put(INVALID)
        digest = testnet.store.put(HOSTILE)
        network = testnet.network(clients=(1, 2))

        def act(stage: str) -> None:
            phase = testnet.ledger.beacon.context().phase
            if stage == "commit" and phase is Phase.COMMIT:
                rogue.commit(b"\x11" * 32, digest)
            elif stage == "verify" and phase is Phase.REVEAL:
                rogue.reveal(b"\x11" * 32, digest)

        run_round(network, act)
        assert not Insistent(testnet.senders["client-1"]).attempt(testnet.ledger.beacon.settle(RoundNumber(1)))
        yield testnet


@pytest.fixture(scope="module")
def explored(played: Testnet, devnet: Devnet) -> Iterator[Explored]:
    with exploring(played.ledger.deployment, [devnet.rpc_url], IpfsStore(devnet.ipfs_url, 1.0)) as explored:
        explored.wait_until_read(played.ledger.web3.eth.block_number)
        yield explored


def first(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    assert found, pattern
    return found.group()


# --- what is shown ---


def test_round_shows_everybodys_part(explored: Explored, played: Testnet) -> None:
    page = explored.get("/rounds/1")
    assert len(re.findall("Published by participant", page)) == 1
    assert page.count("<td>yes</td><td>none</td>") >= 2, "two honest updates are included, and not rewarded yet"
    committee = played.ledger.beacon.committee(RoundNumber(1), ShardIndex(0))
    assert all(f'href="/participants/{validator}"' in page for validator in committee)


def test_transaction_leads_from_the_list_to_its_decoded_event_and_content(explored: Explored) -> None:
    page = explored.get("/transactions?contract=Shard 0&function=reveal")
    transaction = explored.get(first("/transactions/0x[0-9a-f]{64}", page))
    assert "updateRoot" in transaction and ">Revealed <" in transaction
    assert "Content " in explored.get(first("/content/bafkrei[a-z2-7]+", transaction))


def test_failed_transaction_says_why(explored: Explored) -> None:
    page = explored.get("/transactions?failed=1")
    assert "settle" in page and "1 transactions" in page
    failed = explored.get(first("/transactions/0x[0-9a-f]{64}", page))
    assert "Why it failed" in failed and "StillChallengeable" in failed


def test_participants_show_stakes_keys_and_what_they_should_do(explored: Explored, played: Testnet) -> None:
    record = played.ledger.staking.participant(ParticipantId(1))
    page = explored.get("/participants/1")
    assert "0x" + record.key.root.hex() in page and "Should do now" in page
    assert f"{record.stake_wei / 1e18:g} ETH" in page


def test_content_of_an_update_is_what_the_chain_says(explored: Explored, played: Testnet) -> None:
    cid = cid_of(played.ledger.shards[0].reveals(RoundNumber(1), 0)[0].content_digest)
    page = explored.get(f"/content/{cid}")
    assert "Digest check passed" in page and 'class="lanes"' in page


def test_tampered_content_fails_its_digest_check(explored: Explored, played: Testnet, devnet: Devnet) -> None:
    digest = played.ledger.shards[0].reveals(RoundNumber(1), 0)[1].content_digest
    file = file_of(devnet.config.folder, digest)
    data = file.read_bytes()
    try:
        file.write_bytes(data[:70] + bytes([data[70] ^ 1]) + data[71:])
        assert "Digest check FAILED" in explored.get(f"/content/{cid_of(digest)}")
    finally:
        file.write_bytes(data)


def test_search_finds_by_every_name(explored: Explored, played: Testnet) -> None:
    reveal = played.ledger.shards[0].reveals(RoundNumber(1), 0)[0]
    cid, account = cid_of(reveal.content_digest), played.ledger.staking.participant(reveal.client).withdrawal
    targets = {
        reveal.tx_hash: f"/transactions/{reveal.tx_hash}",
        "0x" + reveal.content_digest.hex(): f"/content/{cid}",
        "0x" + reveal.update_root.hex(): f"/content/{cid}",
        cid: f"/content/{cid}",
        account: f"/addresses/{account.lower()}",
    }
    for query, target in targets.items():
        answer = requests.get(f"{explored.url}/search", {"q": query}, timeout=10, allow_redirects=False)
        assert answer.headers.get("location") == target, query
    both = explored.get("/search?q=1")
    assert "/rounds/1" in both and "/participants/1" in both


def test_proven_fault_is_shown_with_who_lost_what(testnet: Testnet, devnet: Devnet) -> None:
    number = until_checkpoint_phase(testnet)
    (liar, *_) = collude(testnet, lie_about_the_model(testnet, honest_result(testnet, number)))
    (dispute,) = make_challenger(testnet).step()
    assert_next_round_is_good(testnet, testnet.ledger.beacon.head_round())
    with exploring(testnet.ledger.deployment, [devnet.rpc_url], IpfsStore(devnet.ipfs_url, 1.0)) as explored:
        explored.wait_until_read(testnet.ledger.web3.eth.block_number)
        page = explored.get(f"/rounds/{number}")
        assert "model fault" in page and dispute.tx_hash in page and "Void: a proven fault" in page
        assert f'Participant <a href="/participants/{liar}">' in page and "lost" in page
        assert f'<a href="/rounds/{number}">{number}</a></th><td><span class="state void">' in explored.get("/rounds")


# --- who may look ---


def test_explorer_only_reads_and_answers_to_its_own_names(explored: Explored) -> None:
    assert requests.post(explored.url, timeout=10).status_code == 405
    rebound = requests.get(explored.url, headers={"Host": "evil.example:8550"}, timeout=10)
    assert rebound.status_code == 421 and "Overview" not in rebound.text
    policy = requests.get(explored.url, timeout=10).headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy


# --- hostile content ---


def test_script_in_content_is_text(explored: Explored) -> None:
    page = explored.get(f"/content/{cid_of(content_digest(HOSTILE))}")
    assert "&lt;script&gt;" in page and "<script>globalThis" not in page and "<img" not in page


def test_script_in_a_path_or_a_query_is_text(explored: Explored) -> None:
    for path in (f"/content/{SCRIPT}", f"/transactions/{SCRIPT}", f"/addresses/{SCRIPT}", f"/{SCRIPT}"):
        assert "<script>globalThis" not in explored.get(path, status=404)
    for path in (f"/search?q={SCRIPT}", f"/transactions?contract={SCRIPT}&round={SCRIPT}&page=-1"):
        assert "<script>globalThis" not in explored.get(path)


def test_bytes_that_are_no_text_are_shown_as_numbers(explored: Explored) -> None:
    assert INVALID.hex(" ") in explored.get(f"/content/{cid_of(content_digest(INVALID))}")


def test_object_of_100_megabytes_is_not_read(played: Testnet, devnet: Devnet) -> None:
    sent = 0

    class Node(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            nonlocal sent
            if "block/stat" in self.path:
                body = json.dumps({"Key": "bafkrei", "Size": 100 * 2**20}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                return
            self.send_response(200)
            self.end_headers()
            for _ in range(1600):
                try:
                    sent += self.wfile.write(bytes(2**16))
                except OSError:
                    return

        def log_message(self, *_values: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Node)
    Thread(target=server.serve_forever, daemon=True).start()
    store = IpfsStore(f"http://127.0.0.1:{server.server_port}", 1.0)
    with exploring(played.ledger.deployment, [devnet.rpc_url], store) as explored:
        page = explored.get(f"/content/{cid_of(bytes(32))}")
    server.shutdown()
    assert "more than the 1048576 allowed" in page
    assert sent < 20 * 2**20, "some are in the buffers of the two sockets"


# --- hostile nodes ---


def test_lying_node_is_named_and_forgiven_when_it_tells_the_truth(
    played: Testnet, devnet: Devnet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(qfl.chain.rpc.rpc, "MOST_ANSWER_BYTES", 2**21)
    height, twist = played.ledger.web3.eth.block_number, Twist()
    lies = [
        lambda answer: answer.replace(b'"hash":"0x', b'"hash":"<script>alert(1)</script>'),
        lambda answer: answer.replace(b'"blockHash":"0x', b'"blockHash":"0x0'),
        lambda answer: answer.replace(b'"number":"0x', b'"number":"0xffffff'),
        lambda answer: answer.replace(b'"result":', b'"other":'),
        lambda answer: b"[" * 100_000,
        lambda answer: b" " * 2**21 + answer,
    ]
    for lie in lies:
        twist.change = lie
        with (
            twisting_proxy(devnet.rpc_url, twist) as url,
            exploring(played.ledger.deployment, [url], MemoryStore()) as explored,
        ):
            explored.wait_for(lambda: explored.watcher.followers[0].status.problem is not None)
            page = explored.get("/")
            assert "Not up to date" in page and "<script>alert" not in page
            twist.change = lambda answer: answer
            explored.wait_until_read(height)
            assert "Not up to date" not in explored.get("/")


def test_silent_node_keeps_no_page_waiting(played: Testnet, devnet: Devnet) -> None:
    twist = Twist()
    with (
        twisting_proxy(devnet.rpc_url, twist) as url,
        exploring(played.ledger.deployment, [url], MemoryStore()) as explored,
    ):
        explored.wait_until_read(played.ledger.web3.eth.block_number)
        twist.speaks.clear()
        began = time.monotonic()
        page = explored.get("/participants/1")
        assert "no answer within" in page and time.monotonic() - began < 8, "what was read before is shown"
        explored.wait_for(lambda: bool(explored.watcher.complaints()))
        began = time.monotonic()
        assert "has not answered for" in explored.get("/")
        assert time.monotonic() - began < 1
        twist.speaks.set()
        explored.wait_for(lambda: not explored.watcher.complaints())


def test_node_that_is_not_there_is_said_to_be_gone(played: Testnet) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with exploring(played.ledger.deployment, [url], MemoryStore()) as explored:
        explored.wait_for(lambda: "no chain answers" in explored.get("/"))


# --- a chain that takes back what it said ---


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devnet]:
    """A chain that nobody else has anything on: it is reset."""
    with Devnet(DevnetConfig(tmp_path_factory.mktemp("own"))) as devnet:
        yield devnet


def test_reorganised_and_reset_chain_is_read_anew(own: Devnet, tmp_path: Path) -> None:
    with (
        Testnet(own, tmp_path, clients=1) as testnet,
        exploring(testnet.ledger.deployment, [own.rpc_url], MemoryStore()) as explored,
    ):
        web3, index = testnet.ledger.web3, explored.watcher.index
        snapshot = web3.provider.make_request("evm_snapshot", [])["result"]
        testnet.rogue(1)
        explored.wait_until_read(web3.eth.block_number)
        assert index.count("events", "name = 'Bonded' AND participant = 1") == 1
        bonded_before = index.count("events", "name = 'Bonded'")

        web3.provider.make_request("evm_revert", [snapshot])
        web3.provider.make_request("evm_mine", [])
        explored.wait_for(lambda: index.count("events", "name = 'Bonded'") < bonded_before)
        # A look at the chain that the change fell into may complain: the next one must not.
        explored.wait_for(lambda: not explored.watcher.complaints())

        web3.provider.make_request("anvil_reset", [])
        explored.wait_for(lambda: index.count("events") == 0)
        explored.wait_for(lambda: "does not match the deployment" in explored.get("/"))
