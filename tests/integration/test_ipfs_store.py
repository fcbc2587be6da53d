"""The IPFS store on real nodes: what every store does, and what a network and a disk add to it."""

import hashlib
import os
import re
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import ipfshttpclient
import pytest
import requests
from hostile import hostile_server, plainly
from store_behaviour import Shelf, StoreBehaviour

from qfl.devnet import Devnet, DevnetConfig
from qfl.devnet.health import probe_ipfs, wait_until_healthy
from qfl.devnet.process import GuardedProcess
from qfl.devnet.programs import ipfs_command
from qfl.errors import ContentMissing, DidNotStart, InvalidInput, PeerUnreachable, StoreUnreachable
from qfl.protocol.cid import cid_of
from qfl.storage.ipfs import IpfsStore


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devnet]:
    with Devnet(DevnetConfig(tmp_path_factory.mktemp("node"), with_chain=False)) as devnet:
        yield devnet


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory, node: Devnet) -> Iterator[IpfsStore]:
    """Another node, connected to `node`."""
    with Devnet(DevnetConfig(tmp_path_factory.mktemp("peer"), with_chain=False)) as devnet:
        store = IpfsStore(devnet.ipfs_url)
        store.connect_peer(IpfsStore(node.ipfs_url).peer_addresses()[0])
        yield store


@pytest.fixture
def store(node: Devnet) -> IpfsStore:
    return IpfsStore(node.ipfs_url, fetch_seconds=0.3)


class TestIpfsStore(StoreBehaviour):
    @pytest.fixture
    def shelf(self, node: Devnet, store: IpfsStore) -> Shelf:
        def flip_a_byte(digest: bytes) -> None:
            file = file_of(node.config.folder, digest)
            data = file.read_bytes()
            file.write_bytes(bytes([data[0] ^ 1]) + data[1:])

        return Shelf(store, flip_a_byte, lambda: collect_garbage(node))


def file_of(folder: Path, digest: bytes) -> Path:
    """Where a node keeps a block."""
    files = (folder / "ipfs" / "blocks").rglob("*.data")
    return next(file for file in files if hashlib.sha256(file.read_bytes()).digest() == digest)


def collect_garbage(node: Devnet) -> None:
    assert requests.post(f"{node.ipfs_url}/api/v0/repo/gc", timeout=10).ok


def test_content_and_identity_survive_a_restart(node: Devnet, store: IpfsStore) -> None:
    digest, identity = store.put(b"before the restart"), store.identity()
    node.restart("ipfs")
    assert store.get(digest, max_bytes=100) == b"before the restart"
    assert store.identity() == identity


def test_restart_recovers_a_repository_whose_node_was_killed(node: Devnet, store: IpfsStore) -> None:
    digest = store.put(b"before the kill")
    os.kill(node.status().parts[0].part.pid, signal.SIGKILL)
    node.restart("ipfs")
    collect_garbage(node)  # the pin survived as well
    assert store.get(digest, max_bytes=100) == b"before the kill"


def test_a_lock_that_nobody_holds_is_no_obstacle_whatever_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "ipfs.lock").write_text(str(os.getpid()))
    with Devnet(DevnetConfig(tmp_path, with_chain=False)) as devnet:
        assert devnet.status().is_healthy


def test_a_stopped_node_is_unreachable(tmp_path: Path) -> None:
    with Devnet(DevnetConfig(tmp_path, with_chain=False)) as devnet:
        store = IpfsStore(devnet.ipfs_url)
        digest = store.put(b"soon out of reach")
    for ask in (
        lambda: store.get(digest, 100),
        lambda: store.put(b"x"),
        lambda: store.pin(digest),
        lambda: store.unpin(digest),
    ):
        with pytest.raises(StoreUnreachable, match="Connection refused"):
            ask()


def test_a_node_that_does_not_answer_to_a_name_is_not_taken_for_one_without_the_content(
    node: Devnet, store: IpfsStore
) -> None:
    digest = store.put(b"stored here")
    other_name = IpfsStore(node.ipfs_url.replace("127.0.0.1", "127.1"))
    with pytest.raises(StoreUnreachable, match=r"this node does not answer to the name 127\.1"):
        other_name.get(digest, max_bytes=100)


def test_connected_nodes_exchange_blocks(peer: IpfsStore, store: IpfsStore) -> None:
    data = os.urandom(1024 * 1024)
    assert peer.get(store.put(data), max_bytes=len(data)) == data
    assert peer.identity() in requests.post(f"{store.address}/api/v0/swarm/peers", timeout=10).text


def test_get_finds_content_that_it_gave_up_on_before(node: Devnet, peer: IpfsStore, store: IpfsStore) -> None:
    # Bitswap forgets a cancelled want a moment later, and must not take the next one for the same block with it.
    data = os.urandom(1_000)
    digest = hashlib.sha256(data).digest()
    with pytest.raises(ContentMissing):
        store.get(digest, max_bytes=1_000)
    peer.put(data)
    assert store.get(digest, max_bytes=1_000) == data


def test_get_waits_for_content_that_is_yet_to_be_stored(peer: IpfsStore, store: IpfsStore) -> None:
    data = os.urandom(1_000)
    digest = hashlib.sha256(data).digest()
    impatient = IpfsStore(peer.address, fetch_seconds=0.1)
    with ThreadPoolExecutor(1) as thread:
        fetched = thread.submit(peer.get, digest, 1_000)
        with pytest.raises(ContentMissing):  # who gives up first does not cancel the other
            impatient.get(digest, max_bytes=1_000)
        store.put(data)
        assert fetched.result() == data


def test_connect_peer_says_why_it_cannot(store: IpfsStore) -> None:
    nobody = "/ip4/127.0.0.1/tcp/1/p2p/12D3KooWPiQDEdg1SS3juQa6Yg2Jw2ymB2E61NU1NVjxcv9HQDiW"
    with pytest.raises(PeerUnreachable, match=f"cannot connect to {re.escape(nobody)}"):
        store.connect_peer(nobody)


def test_the_unmodified_client_adds_and_reads_files(node: Devnet) -> None:
    with ipfshttpclient.connect(f"/ip4/127.0.0.1/tcp/{node.ipfs_url.rsplit(':')[-1]}/http") as client:
        data = os.urandom(600_000)  # three UnixFS leaves
        cid = client.add_bytes(data)
        assert client.cat(cid) == data
        assert cid in client.pin.ls(type="recursive")["Keys"]


@pytest.fixture
def proxies(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment that names no proxy, to set them in."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch


@pytest.mark.parametrize(
    "address",
    ["http://127.0.0.1:{}", "http://localhost:{}", "http://[::ffff:127.0.0.1]:{}", "/ip4/127.0.0.1/tcp/{}/http"],
)
def test_no_proxy_comes_between_a_store_and_its_own_machine(
    node: Devnet, peer: IpfsStore, proxies: pytest.MonkeyPatch, address: str
) -> None:
    seen: list[bytes] = []
    with hostile_server(plainly(b"", "502 Bad Gateway"), seen) as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
            proxies.setenv(name, proxy)
        store = IpfsStore(address.format(node.ipfs_url.rsplit(":")[-1]))
        digest = store.put(b"on this machine")
        assert store.get(digest, max_bytes=100) == b"on this machine"
        store.pin(digest)
        store.unpin(digest)
        store.collect_garbage()
        store.connect_peer(peer.peer_addresses()[0])
        assert store.identity() != peer.identity()
        assert node.status().is_healthy
    assert not seen


@pytest.mark.parametrize(
    "address", ["http://node.example:5001", "/ip4/192.0.2.1/tcp/5001/http", "/dns4/node.example/tcp/5001/http"]
)
def test_a_proxy_leads_to_a_node_elsewhere(proxies: pytest.MonkeyPatch, address: str) -> None:
    seen: list[bytes] = []
    with hostile_server(plainly(b'{"ID":"behind it"}'), seen) as proxy:
        proxies.setenv("http_proxy", proxy)
        assert IpfsStore(address).identity() == "behind it"
    assert re.match(rb"POST http://(node\.example|192\.0\.2\.1):5001/api/v0/id", seen[0])


@pytest.mark.parametrize("address", ["localhost:5001", "ftp://localhost", "/ip4/127.0.0.1", "http://h:99999"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(InvalidInput, match="multiaddress"):
        IpfsStore(address)


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Referer": "http://localhost/"}, {"Host": "evil.example"}]
)
def test_the_node_refuses_web_pages(node: Devnet, headers: dict[str, str]) -> None:
    answer = requests.post(f"{node.ipfs_url}/api/v0/id", headers=headers, timeout=10)
    assert answer.status_code == 403


def test_the_node_takes_post_only(node: Devnet) -> None:
    assert requests.get(f"{node.ipfs_url}/api/v0/id", timeout=10).status_code == 405


def test_the_node_refuses_an_oversized_block(node: Devnet) -> None:
    body = {"file": bytes(2 * 1024 * 1024 + 1)}
    answer = requests.post(f"{node.ipfs_url}/api/v0/block/put", files=body, timeout=10)
    assert (answer.status_code, answer.json()["Message"]) == (413, "the body is larger than 2097152 bytes")


@pytest.mark.parametrize(
    ("request_line", "says"),
    [
        ("block/get?arg=nonsense", "not a CID"),
        ("block/get", "required"),
        (f"block/get?arg={cid_of(bytes(32))}&timeout=soon", "timeout=soon"),
        ("block/put?format=v0", "format=v0"),
        ("swarm/connect?arg=nowhere", "not a multiaddr"),
    ],
)
def test_the_node_says_what_is_wrong_with_a_request(node: Devnet, request_line: str, says: str) -> None:
    answer = requests.post(f"{node.ipfs_url}/api/v0/{request_line}", timeout=10)
    assert answer.status_code == 400
    assert says in answer.json()["Message"]


def test_a_second_node_on_one_repository_names_the_first(node: Devnet, tmp_path: Path) -> None:
    command, lock = ipfs_command(node.config, port=0, swarm_port=0), node.config.folder / "ipfs.lock"
    second = GuardedProcess("ipfs", command, tmp_path / "log", lock=lock)
    with pytest.raises(DidNotStart, match=f"in use by process {node.status().parts[0].part.pid}"):
        wait_until_healthy(second, lambda: probe_ipfs("http://127.0.0.1:9"))
