"""The arithmetic behind the tables of `qfl bench consensus` and `qfl bench scale`."""

import json
from functools import partial

import pytest

from experiments.consensus.acts import GOSSIP, Act, Recorder, Sent, as_list, critical_path, log_bytes
from experiments.consensus.consensus import LINES, compare, consensus_table, summarise
from experiments.consensus.decide import count_traffic, next_block
from experiments.consensus.scale import growth, rate
from experiments.consensus.variants import VARIANTS
from qfl.chain.rpc.calls import Receipt
from qfl.protocol.types import ParticipantId, ShardIndex


def act(validator, *sent, own=0.0, shard=0):
    """An act: its transactions as (label, own seconds, chain seconds[, chain])."""
    entries = [Sent(label, (*rest, "beacon")[2], *rest[:2], 0.0, 100) for label, *rest in sent]
    return Act(ParticipantId(validator), ShardIndex(shard), own, entries)


def test_votes_that_are_ready_at_once_queue_for_the_chain():
    """All verify for 5 s side by side and take 1 s to sign; the chain takes each vote for 2 s: 6, then 8, 10, 12."""
    acts = [act(member, own=5.0) for member in range(4)] + [act(member, ("vote", 1.0, 2.0)) for member in range(4)]
    assert critical_path(acts, "vote", 1) == pytest.approx(8.0)
    assert critical_path(acts, "vote", 3) == pytest.approx(12.0)


def test_seats_speak_side_by_side_and_the_checkpoint_waits_for_what_its_shard_said():
    """4 + 1 for the proposal and 6 + 1 for the attestation, side by side, then 1 + 1; another shard's takes 9."""
    acts = [
        act(0, ("propose", 4.0, 1.0)),
        act(1, ("attest", 6.0, 1.0)),
        act(2, ("attest", 9.0, 1.0), shard=1),
        act(3, ("checkpoint", 1.0, 1.0)),
    ]
    assert critical_path(acts, "checkpoint", 1) == pytest.approx(9.0)


def test_shards_wait_for_one_another_on_one_chain_only():
    """Two shards with the same work: on one chain the second's transactions queue behind the first's."""

    def round_on(chains):
        proposals = [act(s, ("propose", 1.0, 2.0, chains[s]), shard=s) for s in (0, 1)]
        return proposals + [act(2 + s, ("checkpoint", 1.0, 2.0, chains[s]), shard=s) for s in (0, 1)]

    assert critical_path(round_on(["a", "b"]), "checkpoint", 2) == pytest.approx(6.0)
    assert critical_path(round_on(["a", "a"]), "checkpoint", 2) == pytest.approx(9.0)


def test_a_checkpoint_waits_for_as_many_words_as_it_needs_and_for_its_own():
    """Words arrive at 2 + 1, 4 + 1 and 9 + 1; its own was said at 6. With two of them it is sent at 6 + 1."""
    words = [act(member, (GOSSIP, at, 1.0, GOSSIP)) for member, at in enumerate([2.0, 4.0, 9.0, 6.0])]
    acts = [*words, act(3, ("checkpoint", 1.0, 1.0))]
    assert critical_path(acts, "checkpoint", 1, words=2) == pytest.approx(8.0)
    assert critical_path(acts, "checkpoint", 1, words=3) == pytest.approx(12.0)


def test_a_chain_with_blocks_takes_all_that_wait_at_once_and_a_second_step_waits_for_the_next_block():
    votes = [act(member, ("vote", 0.1, 9.0)) for member in range(4)]
    announced = [act(0, ("propose", 0.1, 9.0)), act(1, ("checkpoint", 0.1, 9.0))]
    at_half = partial(next_block, phase=0.5)
    assert critical_path(votes, "vote", 4, block_at=at_half) == pytest.approx(0.5)
    assert critical_path(announced, "checkpoint", 1, block_at=at_half) == pytest.approx(2.5)


def test_order_of_recording_does_not_decide_who_is_first():
    """A validator that was recorded late but is ready early does not wait for one that takes long."""
    acts = [act(0, ("vote", 9.0, 1.0)), act(1, ("vote", 1.0, 1.0))]
    assert critical_path(acts, "vote", 1) == pytest.approx(2.0)


def test_messages_are_contents_transactions_and_events():
    acts = [act(0, ("vote", 1.0, 1.0)), act(1)]
    acts[0].fetched, acts[1].stored, acts[1].read, acts[1].rpc_bytes = [700, 800], [1500], [200, 300], 9000
    found = count_traffic(acts)
    assert (found["messages"], found["wire_bytes"]) == (6, 100 + 700 + 800 + 1500 + 200 + 300)
    assert (found["content_bytes"], found["event_bytes"], found["rpc_bytes"]) == (3000, 500, 9000)


def test_log_is_as_long_as_its_topics_and_data():
    assert log_bytes({"topics": ["0x" + "00" * 32] * 3, "data": "0x" + "00" * 96}) == 192
    assert log_bytes({"topics": [], "data": "0x"}) == 0


def test_single_calls_and_batches_are_read_alike():
    assert as_list(json.dumps({"id": 1}).encode()) == [{"id": 1}]
    assert as_list(json.dumps([{"id": 1}, {"id": 2}]).encode()) == [{"id": 1}, {"id": 2}]


def test_only_transactions_of_who_acts_are_recorded():
    """Clients and the chain's clock send in the same process."""
    recorder, receipt = Recorder(), Receipt("vote", None, 1, "0x", 1, 2, 300, 31337)
    recorder.receive(receipt)
    with recorder.acting(ParticipantId(7), ShardIndex(0)):
        recorder.receive(receipt)
    assert [(act.validator, [sent.size for sent in act.sent]) for act in recorder.acts] == [(7, [300])]


def test_figures_are_medians_and_shares_of_the_flat_ones():
    rounds = [
        ({"wall_seconds": value, "messages": 10.0}, {"vote": gas}) for value, gas in ((4.0, 7), (1.0, 9), (2.0, 8))
    ]
    flat = summarise(rounds)
    assert flat["figures"]["wall_seconds"] == {"median": 2.0, "least": 1.0, "most": 4.0}
    assert flat["gas"] == {"vote": 8}
    other = summarise([({"wall_seconds": 0.5, "messages": 15.0}, {})])
    assert compare(other, flat) == {"wall_seconds": 0.75, "messages": -0.5}


def test_table_has_a_column_for_every_variant():
    figures = {name: 1.0 for name, _, _ in LINES}
    results = {variant.name: summarise([(figures, {})]) | {"less_than_flat": {}} for variant in VARIANTS}
    assert [column.header for column in consensus_table(results).columns][1:] == [v.title for v in VARIANTS]


def test_chains_that_do_not_wait_for_each_other_add_up():
    assert rate([100, 100], [2.0, 4.0]) == 75.0


def test_growth_is_measured_against_as_many_times_one_shard():
    one = {"updates_a_block_of_gas": 100.0, "updates_a_cpu_second": 1000.0, "updates_a_second": 500.0}
    four = {"updates_a_block_of_gas": 400.0, "updates_a_cpu_second": 3600.0, "updates_a_second": 900.0}
    assert growth(four, one, 4) == {"by_gas": 1.0, "by_cpu": 0.9, "wall_factor": 1.8}
