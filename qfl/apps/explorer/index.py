"""What was read of the chains, in memory: events and transactions of the deployment's contracts, to be looked up.

Every row belongs to a block, so what a chain takes back is taken back here by deleting. Safe to use from several
threads.
"""

import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from qfl.apps.explorer.node import Block, Log, Paid, Sent
from qfl.apps.inspect.contracts import ChainContracts

SCHEMA = """
CREATE TABLE blocks (chain INTEGER, number INTEGER, hash TEXT, time INTEGER, PRIMARY KEY (chain, number))
    WITHOUT ROWID;
CREATE TABLE transactions (chain INTEGER, block INTEGER, position INTEGER, hash TEXT, sender TEXT, receiver TEXT,
    contract TEXT, function TEXT, round INTEGER, succeeded INTEGER, gas INTEGER, bytes INTEGER, value_wei TEXT,
    PRIMARY KEY (block, position, chain)) WITHOUT ROWID;
CREATE INDEX transactions_by_hash ON transactions (hash);
CREATE INDEX transactions_by_round ON transactions (round);
CREATE TABLE events (chain INTEGER, block INTEGER, log INTEGER, hash TEXT, contract TEXT, name TEXT, round INTEGER,
    participant INTEGER, digest TEXT, root TEXT, arguments TEXT, PRIMARY KEY (block, log, chain)) WITHOUT ROWID;
CREATE INDEX events_by_hash ON events (hash);
CREATE INDEX events_by_round ON events (round, name);
CREATE INDEX events_by_participant ON events (participant);
CREATE INDEX events_by_digest ON events (digest) WHERE digest IS NOT NULL;
CREATE INDEX events_by_root ON events (root) WHERE root IS NOT NULL;
CREATE VIEW timed_transactions AS SELECT transactions.*, blocks.time FROM transactions
    LEFT JOIN blocks ON blocks.chain = transactions.chain AND blocks.number = transactions.block;
CREATE VIEW timed_events AS SELECT events.*, blocks.time FROM events
    LEFT JOIN blocks ON blocks.chain = events.chain AND blocks.number = events.block;
"""


@dataclass(frozen=True)
class Chunk:
    """Some blocks of a chain, one after the other, with what is in them of the deployment."""

    blocks: Sequence[Block]
    sent: Sequence[tuple[int, Sent, Paid]]
    """Transactions with the numbers of their blocks."""
    logs: Sequence[Log]


class Index:
    """Rows by chain (0 is the beacon's, shard i's own is 1 + i), block, and place in it."""

    def __init__(self) -> None:
        self.version = 0
        """Counts changes, so that a page knows whether it is out of date."""
        self._lock = threading.RLock()
        self._database = sqlite3.connect(":memory:", check_same_thread=False)
        self._database.row_factory = sqlite3.Row
        self._database.executescript(SCHEMA)

    def add(self, chain: int, contracts: ChainContracts, chunk: Chunk) -> None:
        """Add the blocks that follow the last ones."""
        decoded = [(log, contracts.decode(log.address, log.raw)) for log in chunk.logs]
        calls = {sent.hash: contracts.called(sent.receiver, sent.data) for _, sent, _ in chunk.sent}
        rounds = {log.tx_hash: event.round for log, event in reversed(decoded) if event.round is not None}
        rounds |= {tx_hash: number for tx_hash, (_, number) in calls.items() if number is not None}
        labels, busy = contracts.labels, {number for number, _, _ in chunk.sent}
        blocks = [
            {"chain": chain, "number": block.number, "hash": block.hash, "time": block.time}
            for block in chunk.blocks
            if block.number in busy or block is chunk.blocks[-1]
        ]
        transactions = [
            {
                "chain": chain,
                "block": number,
                "position": sent.position,
                "hash": sent.hash,
                "sender": sent.sender,
                "receiver": sent.receiver,
                "contract": labels.get(sent.receiver or ""),
                "function": calls[sent.hash][0],
                "round": rounds.get(sent.hash),
                "succeeded": paid.succeeded,
                "gas": paid.gas,
                "bytes": len(sent.data),
                "value_wei": str(sent.value_wei),
            }
            for number, sent, paid in chunk.sent
        ]
        events = [
            {
                "chain": chain,
                "block": log.block,
                "log": log.index,
                "hash": log.tx_hash,
                "contract": labels.get(log.address),
                **vars(event),
                "round": rounds.get(log.tx_hash) if event.round is None else event.round,
                "arguments": json.dumps(event.arguments),
            }
            for log, event in decoded
        ]
        with self._lock, self._database:
            self._insert("blocks", blocks)
            self._insert("transactions", transactions)
            self._insert("events", events)
            self.version += bool(transactions or events)

    def last_block(self, chain: int) -> tuple[int, str] | None:
        """Number and hash of the last block that was added; None before the first one."""
        query = "SELECT number, hash FROM blocks WHERE chain = ? ORDER BY number DESC LIMIT 1"
        return next(((row["number"], row["hash"]) for row in self.rows(query, chain)), None)

    def kept_blocks(self, chain: int) -> list[tuple[int, str]]:
        """Number and hash of the blocks that are remembered, in order: those with something in them, and some."""
        found = self.rows("SELECT number, hash FROM blocks WHERE chain = ? ORDER BY number", chain)
        return [(row["number"], row["hash"]) for row in found]

    def roll_back(self, chain: int, to: int) -> None:
        """Forget the blocks after number `to`."""
        with self._lock, self._database:
            for table, column in (("blocks", "number"), ("transactions", "block"), ("events", "block")):
                self._database.execute(f"DELETE FROM {table} WHERE chain = ? AND {column} > ?", (chain, to))
            self.version += 1

    def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        """What a query finds; an event's `arguments` are decoded."""
        with self._lock:
            found = [dict(row) for row in self._database.execute(query, values)]
        for row in found:
            if isinstance(row.get("arguments"), str):
                row["arguments"] = json.loads(row["arguments"])
        return found

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Let nothing be added or taken back while several things are looked up that belong together."""
        with self._lock:
            yield

    def count(self, table: str, condition: str = "1", *values: object) -> int:
        """How many rows of a table fulfil a condition."""
        return int(self.rows(f"SELECT count(*) AS n FROM {table} WHERE {condition}", *values)[0]["n"])

    def _insert(self, table: str, rows: Sequence[Mapping[str, object]]) -> None:
        if rows:
            names, values = ", ".join(rows[0]), ", ".join(f":{name}" for name in rows[0])
            self._database.executemany(f"INSERT INTO {table} ({names}) VALUES ({values})", rows)
