"""Clients that do not keep to the program, or fall ill, on a real chain and a real IPFS node.

Rounds follow one another on one testnet; the clock is the development chain's, so nothing here waits.
"""

import hashlib
import logging
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from testnet import SHARD, Nudger, Rogue, Testnet, fresh_testnet

from qfl.chain.contracts.beacon import Phase
from qfl.errors import NotFinite
from qfl.node.outcome import count_included
from qfl.protocol.content import Content, ContentKind, encode, lanes_root
from qfl.protocol.types import TrainingResult, TrainingTask
from qfl.simulation.driver import run_round, run_until

testnet = fresh_testnet("module", audited=True)


def make_update(rogue: Rogue) -> Content:
    """What an honest client in the rogue's place could have sent."""
    beacon = rogue.testnet.ledger.beacon
    return Content(
        kind=ContentKind.UPDATE,
        lane_bits=16,
        round=beacon.context().round,
        shard=SHARD,
        count=0,
        author=rogue.participant,
        shape=beacon.shape(),
        base_root=beacon.context().base_root,
        lanes=np.arange(beacon.shape().total, dtype=np.int16),
    )


def flip_last(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


def with_field(offset: int, value: bytes) -> Callable[[bytes], bytes]:
    return lambda data: data[:offset] + value + data[offset + len(value) :]


BAD_CONTENT: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "never stored": (lambda data: data, "cannot be fetched"),
    "flipped byte": (flip_last, "do not have the revealed root"),
    "a megabyte": (lambda data: data + bytes(1_000_000), "more than the 76 allowed"),
    "a header that claims four billion angles": (with_field(24, b"\xff" * 4), "at most 1048576 allowed"),
    "somebody else's number": (with_field(20, b"\0\0\0\x63"), "its author is 99"),
    "empty": (lambda _data: b"", "0 bytes are less than a header"),
}
"""How the bytes differ from honest ones, and what the validators' log says of it."""


@pytest.mark.parametrize("fault", [None, *BAD_CONTENT])
def test_bad_content_is_not_included_and_the_round_goes_on(
    testnet: Testnet, caplog: pytest.LogCaptureFixture, fault: str | None
) -> None:
    change, complaint = BAD_CONTENT[fault] if fault else (lambda data: data, "")
    network, rogue = testnet.network(clients=[1, 2]), testnet.rogue(3)
    number = run_until(network, Phase.COMMIT)
    update = make_update(rogue)
    data = change(encode(update))
    root, digest = lanes_root(update), hashlib.sha256(data).digest()
    rogue.commit(root, digest)
    run_until(network, Phase.REVEAL)
    if fault != "never stored":
        testnet.store.put(data)
    rogue.reveal(root, digest)
    with caplog.at_level(logging.WARNING):
        run_until(network, Phase.IDLE)
    assert count_included(network.ledger, number) == (2 if fault else 3)
    prefix = f"the update of client {rogue.participant} is not included"
    said = [record.getMessage() for record in caplog.records if prefix in record.getMessage()]
    assert all(complaint in line for line in said)
    assert len(said) == len(set(said)), "a validator repeats itself"
    assert bool(said) == bool(fault)


class Diverging(Nudger):
    """Training of client 2 diverges: `whole_batch` as the real trainer says it, or only in what comes out."""

    def __init__(self, whole_batch: bool) -> None:
        self.whole_batch = whole_batch

    def train(self, tasks: Sequence[TrainingTask], clients: Sequence[int]) -> list[TrainingResult]:
        results = super().train(tasks, clients)
        if 1 in clients:
            ill = list(clients).index(1)
            if self.whole_batch:
                raise NotFinite("training loss", ill)
            results[ill] = TrainingResult(results[ill].angles * np.nan, results[ill].weights)
        return results


@pytest.mark.parametrize("whole_batch", [True, False])
def test_a_client_whose_training_diverges_stops_nobody_else(testnet: Testnet, whole_batch: bool) -> None:
    outcome = run_round(testnet.network(clients=[1, 2, 3], trainer=Diverging(whole_batch)))
    assert outcome.included == 2
    commits = testnet.ledger.round(outcome.round).shard(SHARD).commits()
    assert testnet.client(2).participant not in {commit.client for commit in commits}
