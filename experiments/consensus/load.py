"""The updates of one round as transactions signed beforehand: a commit and a reveal each, for every shard's chain."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from experiments.consensus.federation import Federation, Member, word
from qfl.chain.mirror_message import shard_in
from qfl.chain.rpc.accounts import development_account
from qfl.chain.rpc.sender import UnsentCall
from qfl.protocol.digests import compute_commitment
from qfl.protocol.types import RoundNumber, ShardIndex
from qfl.validator.mirror_keeper import admit_clients, begin_mirrors

COMMIT_GAS, REVEAL_GAS = 400_000, 150_000
"""Limits, well above what is used: a signature's cost varies."""
MOST_BLOCKS = 60
"""Blocks, a second apart, that the commits may take; the last of them is before the phase ends."""
FEE_WEI = 10 * 10**9
REVEALS_IN = keccak(text="revealsIn(uint64)")[:4]


@dataclass(frozen=True)
class Load:
    """What `pusher.py` takes, but for the node's process and the repeats; `updates` is how many there are in it."""

    url: str
    phases: list[tuple[int, str]]
    accepted: tuple[dict[str, str], str]
    updates: int

    def line(self, pid: int, repeats: int) -> str:
        """The pusher's first line of input."""
        return json.dumps({**asdict(self), "pid": pid, "repeats": repeats}) + "\n"


def make_loads(federation: Federation, number: RoundNumber, most: int) -> list[Load]:
    """Bring the mirrors to the round, admit as many clients to every shard, up to `most`, and sign what they send."""
    ledger = federation.ledger
    begin_mirrors(ledger, federation.sender)
    members: list[list[Member]] = [[] for _ in ledger.shards]
    for client in federation.clients.values():
        mirrored = ledger.mirrors[0].mirrored()
        assert mirrored is not None
        members[shard_in(mirrored, client.id)].append(client)
    count = min(most, *map(len, members))
    admit_clients(ledger, federation.sender, [client.id for own in members for client in own[:count]])
    return [_load_of(federation, number, ShardIndex(shard), own[:count]) for shard, own in enumerate(members)]


def _load_of(federation: Federation, number: RoundNumber, shard: ShardIndex, clients: Sequence[Member]) -> Load:
    ledger, contract = federation.ledger, federation.ledger.shards[shard]
    context, domain = ledger.beacon.context(), ledger.shard_domains[shard]
    commits, reveals = [], []
    for client in clients:
        root, content, salt = (word(f"{part} {client.id}") for part in ("root", "content", "salt"))
        commitment = compute_commitment(number, client.id, root, content, salt)
        signature = client.sign(domain.commit(number, client.id, context.base_root, commitment))
        commits.append(contract.commit(number, client.id, context.base_root, commitment, signature))
        reveals.append(contract.reveal(number, client.id, root, content, salt))
    chain_id, web3 = ledger.deployment.chains[shard].chainId, contract.web3
    nonce = web3.eth.get_transaction_count(development_account(0).address)
    commit_ends_at = ledger.beacon.round_at(number).commit_ends_at
    return Load(
        federation.shard_urls[shard],
        [
            (commit_ends_at - MOST_BLOCKS, _signed(commits, chain_id, nonce, COMMIT_GAS)),
            (commit_ends_at, _signed(reveals, chain_id, nonce + len(commits), REVEAL_GAS)),
        ],
        (
            {"to": contract.address, "data": "0x" + (REVEALS_IN + encode(["uint64"], [number])).hex()},
            "0x" + encode(["uint256"], [len(clients)]).hex(),
        ),
        len(clients),
    )


def _signed(calls: Sequence[UnsentCall], chain_id: int, nonce: int, gas: int) -> str:
    """The calls as one JSON-RPC batch of signed transactions."""
    account, batch = development_account(0), []
    for number, call in enumerate(calls):
        transaction: dict[str, Any] = {
            "chainId": chain_id,
            "nonce": nonce + number,
            "gas": gas,
            "maxFeePerGas": FEE_WEI,
            "maxPriorityFeePerGas": 10**9,
            "value": 0,
            "to": call.to,
            "data": call.data,
        }
        raw = account.sign_transaction(transaction).raw_transaction.to_0x_hex()
        batch.append({"jsonrpc": "2.0", "id": number, "method": "eth_sendRawTransaction", "params": [raw]})
    return json.dumps(batch)
