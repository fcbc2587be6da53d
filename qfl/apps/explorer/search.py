"""What somebody may have meant: a hash, an address, a CID, a number."""

from dataclasses import dataclass

from qfl.apps.explorer.history import last_round, member_count
from qfl.apps.explorer.index import Index
from qfl.chain.rpc.answers import ADDRESS, WORD
from qfl.errors import InvalidInput
from qfl.protocol.cid import cid_of, digest_of

FORMS = "a hash (0x and 64 digits), an address (0x and 40), a CID, or the number of a round, participant or block"
MOST_DIGITS = 15


@dataclass(frozen=True)
class Hit:
    """Something that was found, and its page."""

    what: str
    path: str


def search(index: Index, query: str) -> list[Hit]:
    """Everything that `query` can mean here, likeliest first."""
    text = query.strip().lower()
    if WORD.fullmatch(text):
        return _by_word(index, text)
    if ADDRESS.fullmatch(text):
        return [Hit(f"address {text}", f"/addresses/{text}")]
    if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS:
        return _by_number(index, int(text))
    try:
        return [Hit(f"content {text}", f"/content/{cid_of(digest_of(text))}")]
    except (InvalidInput, UnicodeEncodeError):
        return []


def _by_word(index: Index, word: str) -> list[Hit]:
    """32 bytes are a transaction, a block, a content object's digest, or the root of one."""
    hits = []
    if index.count("transactions", "hash = ?", word):
        hits.append(Hit(f"transaction {word}", f"/transactions/{word}"))
    hits += [_block(row["number"]) for row in index.rows("SELECT number FROM blocks WHERE hash = ?", word)]
    if index.count("events", "digest = ?", word):
        hits.append(_content(word))
    roots = index.rows("SELECT DISTINCT digest FROM events WHERE root = ? AND digest IS NOT NULL LIMIT 20", word)
    return hits + [_content(row["digest"]) for row in roots]


def _by_number(index: Index, number: int) -> list[Hit]:
    hits = []
    if 1 <= number <= last_round(index):
        hits.append(Hit(f"round {number}", f"/rounds/{number}"))
    if 1 <= number <= member_count(index):
        hits.append(Hit(f"participant {number}", f"/participants/{number}"))
    return [*hits, _block(number)] if index.count("transactions", "block = ?", number) else hits


def _content(digest: str) -> Hit:
    cid = cid_of(bytes.fromhex(digest[2:]))
    return Hit(f"content {cid}", f"/content/{cid}")


def _block(number: int) -> Hit:
    return Hit(f"transactions of block {number}", f"/transactions?block={number}")
