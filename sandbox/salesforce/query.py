"""The query resources: `/query`, `/queryAll` and the pages that follow.

Source: REST API Developer Guide v60.0, "Query", "QueryAll" and "Query More Results"; the header
`Sforce-Query-Options: batchSize=n` takes 200 to 2,000, default 2,000. The org keeps the ten newest
open cursors of a user; older ones answer `INVALID_QUERY_LOCATOR` (knowledge article 000004410).
"""

import re
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

from sandbox.salesforce.answers import Answer, ApiError
from sandbox.salesforce.calls import Call
from sandbox.salesforce.ids import LOCATOR_PREFIX, make_id
from sandbox.salesforce.records import Org
from sandbox.salesforce.soql.binding import BoundSelect, bind
from sandbox.salesforce.soql.errors import PlacedError
from sandbox.salesforce.soql.evaluation import Evaluation
from sandbox.salesforce.soql.parser import parse

DEFAULT_BATCH = 2000
SMALLEST_BATCH = 200
OPEN_CURSORS = 10

_BATCH_SIZE = re.compile(r"batchSize\s*=\s*(\d+)", re.IGNORECASE)
_LOCATOR = re.compile(r"(\w{18})-(\d+)")


@dataclass(frozen=True)
class Cursor:
    """A query's result, as ids, from which pages are read."""

    query: BoundSelect
    record_ids: Sequence[str]
    resource: str
    include_deleted: bool


class Queries:
    """Runs queries and keeps the cursors of those whose answer has more pages."""

    def __init__(self, org: Org) -> None:
        """Query `org`."""
        self._org = org
        self._cursors: OrderedDict[str, Cursor] = OrderedDict()
        self._opened = 0
        self._lock = Lock()

    def query(self, call: Call) -> Answer:
        """Answer `/query?q=`."""
        return self._first_page(call, "query")

    def query_all(self, call: Call) -> Answer:
        """Answer `/queryAll?q=`, which also sees records in the recycle bin."""
        return self._first_page(call, "queryAll")

    def more(self, call: Call) -> Answer:
        """Answer `/query/{locator}`, the page that `nextRecordsUrl` named."""
        match = _LOCATOR.fullmatch(call.path["locator"])
        cursor = self._cursors.get(match[1]) if match else None
        if match is None or cursor is None:
            raise ApiError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        return Answer(200, self._page(call, cursor, match[1], int(match[2])))

    def _first_page(self, call: Call, resource: str) -> Answer:
        soql = call.required("q")
        try:
            query = bind(parse(soql), self._org.schema)
        except PlacedError as error:
            raise error.in_text(soql) from error
        include_deleted = resource == "queryAll"
        reader = Evaluation(self._org, call.base_path, include_deleted=include_deleted)
        cursor = Cursor(query, reader.matching_ids(query), resource, include_deleted)
        if query.counting:
            return Answer(200, {"totalSize": len(cursor.record_ids), "done": True, "records": []})
        return Answer(200, self._page(call, cursor, None, 0))

    def _page(self, call: Call, cursor: Cursor, locator: str | None, start: int) -> dict[str, Any]:
        end = start + batch_size(call.headers.get("sforce-query-options", ""))
        reader = Evaluation(self._org, call.base_path, include_deleted=cursor.include_deleted)
        total = len(cursor.record_ids)
        answer: dict[str, Any] = {"totalSize": total, "done": end >= total}
        if end < total:
            locator = locator or self._open(cursor)
            answer["nextRecordsUrl"] = f"{call.base_path}/{cursor.resource}/{locator}-{end}"
        return {**answer, "records": reader.page(cursor.query, cursor.record_ids[start:end])}

    def _open(self, cursor: Cursor) -> str:
        with self._lock:
            self._opened += 1
            locator = make_id(LOCATOR_PREFIX, self._opened)
            self._cursors[locator] = cursor
            if len(self._cursors) > OPEN_CURSORS:
                self._cursors.popitem(last=False)
        return locator


def batch_size(options: str) -> int:
    """Return how many records a page shall have, from the `Sforce-Query-Options` header."""
    match = _BATCH_SIZE.search(options)
    return min(max(int(match[1]), SMALLEST_BATCH), DEFAULT_BATCH) if match else DEFAULT_BATCH
