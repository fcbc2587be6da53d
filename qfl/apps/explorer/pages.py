"""The pages: each reads the index, asks a node what only a node knows, and fills a template."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.templating import Jinja2Templates

from qfl.apps.explorer import shown
from qfl.apps.explorer.content import show_document
from qfl.apps.explorer.follower import LONGEST_PROBLEM
from qfl.apps.explorer.history import (
    FORMS,
    last_round,
    list_members,
    member_count,
    search,
    summarise_rounds,
    tell_round,
)
from qfl.apps.explorer.watcher import Watcher
from qfl.apps.inspect.state import inspect_participant
from qfl.apps.inspect.transaction import inspect_transaction
from qfl.chain.rpc.answers import ADDRESS, WORD
from qfl.errors import InvalidInput, QflError
from qfl.errors.text import conceal
from qfl.protocol.cid import cid_of, digest_of

TEMPLATES = Path(__file__).with_name("templates")
ROWS = 50  # lines of a table on one page
NEWEST = 10  # rounds and transactions that the overview shows
MOST_PAGES = 10**9
TRANSACTIONS = "SELECT * FROM timed_transactions WHERE {} ORDER BY block DESC, position DESC, chain LIMIT ? OFFSET ?"
HISTORY = "SELECT * FROM timed_events WHERE participant = ? ORDER BY block DESC, log DESC LIMIT ? OFFSET ?"
PAID_TO = "SELECT participant FROM events WHERE name = 'Bonded' AND lower(json_extract(arguments, '$.withdrawal')) = ?"
EVENTS = "SELECT * FROM events WHERE hash = ? ORDER BY log"

_T = TypeVar("_T")


class NotFound(Exception):
    """There is no such page; the message says what was looked for."""


class Pages:
    """Handlers by path; Starlette runs each in a thread of its own."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher, self._index, self._shards = watcher, watcher.index, len(watcher.deployment.shards)
        self._templates = Jinja2Templates(TEMPLATES)
        for name in ("short", "when", "until", "ether", "number"):
            self._templates.env.filters[name] = getattr(shown, name)
        self._templates.env.filters["cid"] = lambda digest: cid_of(bytes.fromhex(digest[2:]))
        self._templates.env.trim_blocks = self._templates.env.lstrip_blocks = True

    def overview(self, request: Request) -> Response:
        """The round that goes on, figures over time, what was last."""
        index = self._index
        with index.unchanged():
            last = last_round(index)
            found: dict[str, Any] = {
                "last": last,
                "story": tell_round(index, last) if last else None,
                "rounds": summarise_rounds(index, last - NEWEST + 1, last),
                "transactions": index.rows(TRANSACTIONS.format("1"), NEWEST, 0),
                "series": self._watcher.series(),
            }
            counts = {
                "rounds": last,
                "participants": member_count(index),
                "transactions": index.count("transactions"),
                "failed": index.count("transactions", "NOT succeeded"),
            }
        return self._page(request, "overview", counts=counts, **found)

    def rounds(self, request: Request) -> Response:
        """Every round, newest first."""
        last = last_round(self._index)
        newest = last - _skipped(request)
        found = summarise_rounds(self._index, newest - ROWS + 1, newest)
        return self._page(request, "rounds", rounds=found, total=last)

    def round(self, request: Request) -> Response:
        """One round, shard by shard."""
        number = request.path_params["number"]
        index = self._index
        with index.unchanged():
            last = last_round(index)
            if not 1 <= number <= last:
                raise NotFound(f"round {number}: the last one is {last}")
            story = tell_round(index, number)
            found = index.rows(TRANSACTIONS.format("round = ?"), number, ROWS, 0)
            total = index.count("transactions", "round = ?", number)
        return self._page(request, "round", story=story, transactions=found, total=total, last=last)

    def participants(self, request: Request) -> Response:
        """Everybody who ever bonded."""
        total, skipped = member_count(self._index), _skipped(request)
        members = list_members(self._index, 1 + skipped, skipped + ROWS)
        return self._page(request, "participants", members=members, total=total)

    def participant(self, request: Request) -> Response:
        """One of them: stake, keys, history, and what the contracts expect of it now."""
        number = request.path_params["number"]
        members = list_members(self._index, number, number) if number < 2**32 else []
        if not members:
            raise NotFound(f"participant {number}: {member_count(self._index)} ids were given out")
        now, problem = self._ask(lambda: inspect_participant(self._watcher.ledger, number))
        history = self._index.rows(HISTORY, number, ROWS, _skipped(request))
        total = self._index.count("events", "participant = ?", number)
        found: dict[str, Any] = {"member": members[0], "duty": now, "problem": problem, "history": history}
        return self._page(request, "participant", **found, total=total)

    def transactions(self, request: Request) -> Response:
        """Those of the deployment, newest first; of one contract, block or round, or those that failed, on demand."""
        wanted, conditions, values = request.query_params, ["1"], []
        for name in ("contract", "function", "block", "round"):
            if wanted.get(name):
                conditions.append(f"{name} = ?")
                values.append(wanted[name])
        if wanted.get("failed"):
            conditions.append("NOT succeeded")
        kept = {name: value for name, value in wanted.items() if name != "page"}
        contracts = [label for chain in self._watcher.contracts for label in chain.labels.values()]
        return self._transactions(request, " AND ".join(conditions), values, kept=kept, contracts=contracts)

    def address(self, request: Request) -> Response:
        """The transactions of an account or contract."""
        address = request.path_params["address"].lower()
        if not ADDRESS.fullmatch(address):
            raise NotFound(f"{address!r} is no address")
        labels = [chain.labels[address] for chain in self._watcher.contracts if address in chain.labels]
        members = [row["participant"] for row in self._index.rows(PAID_TO, address)]
        where = "(sender = ? OR receiver = ?)"
        return self._transactions(request, where, [address] * 2, address=address, labels=labels, members=members)

    def transaction(self, request: Request) -> Response:
        """One transaction: its call, its events, and why it failed if it did."""
        tx_hash = request.path_params["hash"].lower()
        if not WORD.fullmatch(tx_hash):
            raise NotFound(f"{tx_hash!r} is no hash of a transaction")
        rows = self._index.rows(TRANSACTIONS.format("hash = ?"), tx_hash, 1, 0)
        found, problem = self._ask(lambda: inspect_transaction(self._watcher.ledger, tx_hash))
        if not rows and found is None:
            raise NotFound(f"transaction {tx_hash}: {problem}")
        context = {"row": rows[0] if rows else None, "events": self._index.rows(EVENTS, tx_hash), "hash": tx_hash}
        return self._page(request, "transaction", found=found, problem=problem, **context)

    def content(self, request: Request) -> Response:
        """A content object, its lanes, and whether it is what the chain says it is."""
        try:
            digest = digest_of(request.path_params["cid"])
        except (InvalidInput, UnicodeEncodeError) as error:
            raise NotFound(str(error)) from error
        of = self._watcher
        document, problem = self._ask(lambda: show_document(of.index, of.named_digests(), of.store, digest))
        return self._page(request, "content", document=document, problem=problem, cid=cid_of(digest))

    def search(self, request: Request) -> Response:
        """What was looked for, at once where there is one such thing."""
        query = request.query_params.get("q", "")[:200]
        hits = search(self._index, query)
        if len(hits) == 1:
            return RedirectResponse(hits[0].path, 303)
        return self._page(request, "search", query=query, hits=hits, forms=FORMS)

    def state(self, _request: Request) -> Response:
        """Changes whenever a page has; `behind` while blocks are missing that the nodes have."""
        statuses = [follower.status for follower in self._watcher.followers]
        behind = any(status.is_behind or status.indexed < 0 for status in statuses)
        return JSONResponse({"state": self._watcher.state(), "behind": behind})

    def series(self, _request: Request) -> Response:
        """The charts' figures."""
        found = {
            series.name: {
                "unit": series.unit,
                "rounds": sorted(series.values),
                "values": [series.values[number] for number in sorted(series.values)],
            }
            for series in self._watcher.series()
        }
        return JSONResponse(found)

    def missing(self, request: Request, fault: Exception) -> Response:
        """There is no such page."""
        text = str(fault) if isinstance(fault, NotFound) else f"there is no page {request.url.path}"
        return self._page(request, "error", status=404, title="Not found", text=text)

    def failed(self, request: Request, fault: Exception) -> Response:
        """A fault of the explorer's own; the server logs it."""
        return self._page(request, "error", status=500, title="This page failed", text=conceal(repr(fault))[:200])

    def _transactions(self, request: Request, where: str, values: list[Any], **context: Any) -> Response:
        total = self._index.count("transactions", where, *values)
        found = self._index.rows(TRANSACTIONS.format(where), *values, ROWS, _skipped(request))
        shared = {"kept": {}, "contracts": [], "address": None, **context}
        return self._page(request, "transactions", transactions=found, total=total, **shared)

    def _page(self, request: Request, name: str, *, status: int = 200, total: int = 0, **context: Any) -> Response:
        """A page; where it shows one page of a table, `total` says how many rows there are."""
        watcher = self._watcher
        shared = {
            "complaints": watcher.complaints(),
            "chains": [follower.status for follower in watcher.followers],
            "context": watcher.context,
            "now": watcher.followers[0].status.head_time,
            "state": watcher.state(),
            "path": request.url.path,
            "total": total,
            "page": _page_of(request),
            "pages": max(1, -(-total // ROWS)),
        }
        return self._templates.TemplateResponse(request, f"{name}.html", shared | context, status_code=status)

    def _ask(self, question: Callable[[], _T]) -> tuple[_T | None, str | None]:
        """What a node answers, or what is wrong with it: a page without is better than none."""
        try:
            return self._watcher.patience.ask(question), None
        except QflError as fault:
            return None, str(fault)[:LONGEST_PROBLEM]
        except Exception as fault:  # whatever a node can bring about
            return None, f"a node's answer cannot be read: {fault!r:.200}"


def _page_of(request: Request) -> int:
    wanted = request.query_params.get("page", "")
    number = int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) < 10 else 1
    return min(max(number, 1), MOST_PAGES)


def _skipped(request: Request) -> int:
    """Rows of the pages before the one that is asked for."""
    return (_page_of(request) - 1) * ROWS
