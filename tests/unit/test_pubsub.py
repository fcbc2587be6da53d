"""Mailboxes: a flood of messages costs nobody's but its own sender's, and the reader no more than he asks for."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from qfl.storage.pubsub import MOST_BYTES, MOST_OF_SENDER, MOST_SENDERS, Mailbox, MemoryPubsub

said = st.lists(st.tuples(st.sampled_from("abc"), st.binary(max_size=3)), max_size=40)


@given(said, st.integers(1, 10))
def test_messages_come_in_their_senders_order_and_turns(said: list[tuple[str, bytes]], most: int) -> None:
    mailbox = Mailbox()
    for sender, data in said:
        mailbox.put(sender, sender.encode() + data)
    taken: list[bytes] = []
    while part := mailbox.take(most):
        assert len(part) <= most
        taken += part
    for sender in "abc":
        own = [sender.encode() + data for name, data in said if name == sender]
        assert [data for data in taken if data[:1] == sender.encode()] == own


def test_a_flood_leaves_room_for_the_others_and_does_not_come_before_them() -> None:
    mailbox = Mailbox()
    for number in range(10 * MOST_OF_SENDER):
        mailbox.put("flooder", number.to_bytes(4))
    mailbox.put("seat", b"an attestation")
    assert b"an attestation" in mailbox.take(2)
    assert Counter(len(data) for data in mailbox.take(100 * MOST_OF_SENDER)) == {4: MOST_OF_SENDER - 1}


def test_what_is_kept_is_bounded_whoever_sends_it() -> None:
    mailbox = Mailbox()
    mailbox.put("seat", bytes(MOST_BYTES + 1))
    assert not mailbox.wait(0)
    for number in range(2 * MOST_SENDERS):
        mailbox.put(str(number), b"from everywhere")
    assert len(mailbox.take(2 * MOST_SENDERS)) == MOST_SENDERS


def test_who_has_left_hears_nothing_more() -> None:
    pubsub = MemoryPubsub()
    stays, leaves = pubsub.listen("topic"), pubsub.listen("topic")
    pubsub.leave("topic", leaves)
    assert pubsub.publish("topic", b"said")
    assert stays.take(9) == [b"said"]
    assert not leaves.wait(0)
