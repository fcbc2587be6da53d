"""Hash chains: the one that a participant's links are of now, and naming the anchor of the next."""

from pathlib import Path

from qfl.chain.contracts.beacon import last_opened
from qfl.chain.contracts.staking import Role
from qfl.chain.ledger import Ledger
from qfl.chain.rpc.sender import TransactionSender
from qfl.crypto.hash_chain import HashChain, LinkSeed
from qfl.crypto.keyfile import KeyFile
from qfl.errors import InvalidInput
from qfl.protocol.draw import LAG
from qfl.protocol.types import ParticipantId, RoundNumber


def find_chain(ledger: Ledger, validator: ParticipantId, folder: Path, *, tip: bytes, shown: int) -> HashChain | None:
    """The chain of which `tip` was shown last, as the link of this number; None where the folder's seed has none.

    Each chain is of the key that the validator had when it named its anchor, and of its nonce then.
    """
    staking, seed = ledger.staking, LinkSeed.of(folder)
    record = staking.participant(validator)
    for index in range(record.key_index, -1, -1):
        identifier = staking.key_at(validator, index).identifier
        for number in range(record.nonce, -1, -1):
            chain = seed.chain(ledger.deployment.chain_id, staking.address, identifier, number)
            if shown <= chain.length and chain.tip(shown) == tip:
                return chain
    return None


def find_key_chain(
    ledger: Ledger, client: ParticipantId, folder: Path, *, anchor: tuple[bytes, int]
) -> HashChain | None:
    """The chain with this end and first round; None where the folder's seed has none, for a key that the client had."""
    staking, (end, first_round) = ledger.staking, anchor
    if not any(end):
        return None
    seed = LinkSeed.of(folder)
    for index in range(staking.participant(client).key_index, -1, -1):
        identifier = staking.key_at(client, index).identifier
        chain = seed.chain(ledger.deployment.chain_id, staking.address, identifier, first_round)
        if chain.anchor == end:
            return chain
    return None


def counts_from(ledger: Ledger, validator: ParticipantId) -> RoundNumber | None:
    """The round from which the anchor that a validator named last counts; None once it does, or where it named none."""
    named = ledger.staking.anchors(ledger.from_block, participant=validator)
    if not named:
        return None
    since = RoundNumber(last_opened(ledger.beacon.openings(ledger.from_block), named[-1].block) + LAG)
    return since if since > ledger.beacon.current_round() else None


def name_anchor(
    ledger: Ledger, sender: TransactionSender, validator: ParticipantId, *, key: KeyFile, folder: Path
) -> None:
    """Name the end of another chain of the folder's seed; it counts from the twelfth round on.

    Raises InvalidInput: it is no validator, or its last anchor does not count yet; no leaf of `key` is spent then.
    """
    record = ledger.staking.participant(validator)
    if record.role is not Role.VALIDATOR:
        raise InvalidInput("participant", validator, "is no validator, so it shows no links")
    if (since := counts_from(ledger, validator)) is not None:
        remedy = f"AnchorPending: its last anchor counts from round {since} on; name another one then"
        raise InvalidInput("participant", validator, remedy)
    seed, staking = LinkSeed.of(folder), ledger.staking.address
    anchor = seed.chain(ledger.deployment.chain_id, staking, record.key.identifier, record.nonce + 1).anchor
    signature = key.sign(ledger.staking_domain.anchor(validator, anchor, record.nonce))
    sender.send(ledger.staking.set_anchor(validator, anchor, signature=signature))


def name_key_anchor(
    ledger: Ledger, sender: TransactionSender, client: ParticipantId, *, key: KeyFile, folder: Path
) -> None:
    """Name the end of another chain for a client's keys, which begins with the next round."""
    record, staking = ledger.staking.participant(client), ledger.staking
    first_round = ledger.beacon.current_round() + 1
    place = ledger.deployment.chain_id, staking.address, record.key.identifier
    anchor = LinkSeed.of(folder).chain(*place, first_round).anchor
    signature = key.sign(ledger.staking_domain.anchor(client, anchor, record.nonce, first_round))
    sender.send(staking.set_anchor(client, anchor, signature=signature, first_round=first_round))
