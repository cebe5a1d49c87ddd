"""The kit itself: a sound connector passes every check, and each defect is caught by the check that is for it."""

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import pytest

from connectors.conformance import NonconformityError, ReadCase, SourceConformance, TargetConformance, WriteCase
from connectors.contract import Capabilities, Found, Outcome, Page, RawRecord, WriteError, WriteRequest
from connectors.errors import (
    AmbiguousWriteError,
    CredentialsError,
    RateLimitedError,
    UnavailableError,
    UnsupportedError,
)
from connectors.outcomes import outcome_of

RECORDS = 25
NAMES = {"connector": "shelf", "operation": "use"}
ERRORS: dict[str, Callable[[], Exception]] = {
    "rate_limit": lambda: RateLimitedError("slow", **NAMES),
    "unauthorized": lambda: CredentialsError("who", **NAMES),
    "refuse_before": lambda: AmbiguousWriteError("lost", **NAMES),
}


class Shelf:
    """The other side: records on a shelf, and what disturbs the next requests."""

    def __init__(self) -> None:
        self.items: list[str] = []
        self.faults: list[tuple[str, int | None]] = []

    def fault(self, match: str, fault: str, *, times: int | None = 1) -> None:
        self.faults.append((fault, times))

    def clear(self) -> None:
        self.faults.clear()

    def take(self) -> str:
        if not self.faults:
            return ""
        fault, times = self.faults[0]
        if times is not None:
            self.faults.pop(0)
        return fault


class ShelfConnector:
    """A connector to the shelf, sound but for the defect it is given."""

    capabilities = Capabilities(system="shelf")

    def __init__(self, shelf: Shelf, defect: str = "") -> None:
        self.shelf, self.defect = shelf, defect

    def ping(self) -> str:
        return "shelf"

    def close(self) -> None:
        pass

    def read(self, entity: str, *, cursor: str | None, limit: int) -> Page:
        if entity != "item":
            raise UnsupportedError(entity, **NAMES)
        fault = self.shelf.take()
        if fault and not (self.defect == "swallows faults"):
            raise ERRORS.get(fault, lambda: UnavailableError("lost", **NAMES))()
        start = int(cursor or 0) - (self.defect == "overlaps" and cursor is not None)
        end = min(start + limit, RECORDS)
        amount: Any = 0.1 if self.defect == "floats" else "0.1"
        records = [
            RawRecord(external_id=str(n), version="", body={"rows": [{"amount": amount}]}) for n in range(start, end)
        ]
        return Page(records=tuple(records), cursor=str(end), has_more=end < RECORDS)

    def write(self, entity: str, requests: Sequence[WriteRequest]) -> list[Outcome]:
        if entity != "item":
            return [
                Outcome(key=each.key, state="rejected", error=WriteError(code="x", message="x")) for each in requests
            ]
        outcomes = [self._write(each) for each in requests]
        return outcomes[::-1] if self.defect == "shuffles" else outcomes

    def _write(self, request: WriteRequest) -> Outcome:
        fault = self.shelf.take()
        if fault in ERRORS:
            return outcome_of(ERRORS[fault](), request.key)  # type: ignore[arg-type]
        if request.payload.get("bad"):
            return Outcome(key=request.key, state="rejected", error=WriteError(code="bad", message="no"))
        if request.key not in self.shelf.items or self.defect == "doubles":
            self.shelf.items.append(request.key)
        sure = not fault or self.defect == "swallows faults"
        return Outcome(key=request.key, state="confirmed" if sure else "uncertain")

    def find(self, entity: str, keys: Sequence[str]) -> dict[str, Found]:
        there = [] if self.defect == "blind" else [key for key in keys if key in self.shelf.items]
        return {key: Found(key=key, native_id=key, payload={}) for key in there}

    def count(self, entity: str) -> int:
        if entity != "item":
            raise UnsupportedError(entity, **NAMES)
        return 0 if self.defect == "blind" else len(self.shelf.items)


def read_case(defect: str = "") -> ReadCase:
    shelf = Shelf()
    return ReadCase(open=lambda: ShelfConnector(shelf, defect), vendor=shelf, entity="item", operation="read", limit=10)


def write_case(defect: str = "") -> WriteCase:
    shelf, numbers = Shelf(), count()
    return WriteCase(
        open=lambda: ShelfConnector(shelf, defect),
        vendor=shelf,
        entity="item",
        operation="write",
        request=lambda: WriteRequest(key=f"k{next(numbers)}", payload={}),
        refused=lambda: WriteRequest(key=f"k{next(numbers)}", payload={"bad": True}),
        effects=lambda: len(shelf.items),
    )


class TestSoundSource(SourceConformance):
    @pytest.fixture
    def case(self) -> ReadCase:
        return read_case()


class TestSoundTarget(TargetConformance):
    @pytest.fixture
    def case(self) -> WriteCase:
        return write_case()


@pytest.mark.parametrize(
    ("defect", "check"),
    [
        ("overlaps", SourceConformance.test_every_record_comes_once),
        ("overlaps", SourceConformance.test_nothing_new_leaves_the_cursor),
        ("floats", SourceConformance.test_numbers_are_exact),
        ("swallows faults", SourceConformance.test_throttling_is_told_apart),
        ("swallows faults", SourceConformance.test_a_lost_answer_is_unavailable),
        ("swallows faults", SourceConformance.test_expired_login),
    ],
)
def test_a_defect_of_a_source_is_caught(defect: str, check: Callable) -> None:
    with pytest.raises(NonconformityError):
        check(SourceConformance(), read_case(defect))


@pytest.mark.parametrize(
    ("defect", "check"),
    [
        ("doubles", TargetConformance.test_a_repeated_write_has_one_effect),
        ("doubles", TargetConformance.test_a_lost_answer_is_uncertain_and_found),
        ("shuffles", TargetConformance.test_one_bad_record_holds_back_no_other),
        ("swallows faults", TargetConformance.test_a_lost_answer_is_uncertain_and_found),
        ("blind", TargetConformance.test_a_lost_answer_is_uncertain_and_found),
        ("blind", TargetConformance.test_count_is_what_the_target_holds),
    ],
)
def test_a_defect_of_a_target_is_caught(defect: str, check: Callable) -> None:
    with pytest.raises(NonconformityError):
        check(TargetConformance(), write_case(defect))
