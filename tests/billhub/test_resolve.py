"""Clearing up doubt: what the target has is compared with what was sent, field by field, by meaning and not by spelling."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billhub.deliver.payloads import Prepared
from billhub.deliver.resolve import already_there
from canonical_model.invoices import Invoice
from connectors.contract import Capabilities, Found, Outcome, WriteRequest
from connectors.errors import CredentialsError, UnavailableError


class Shelf:
    """A target that holds what it is given; a test for every other target is in its connector's folder."""

    capabilities = Capabilities(system="shelf", writes=("invoice",))

    def __init__(self, *held: Found, error: Exception | None = None) -> None:
        self._held, self._error = {each.key: each for each in held}, error
        self.asked: list[str] = []

    def find(self, entity: str, keys: Sequence[str]) -> dict[str, Found]:
        self.asked += keys
        if self._error is not None:
            raise self._error
        return {key: self._held[key] for key in keys if key in self._held}

    def write(self, entity: str, requests: Sequence[WriteRequest]) -> list[Outcome]:
        raise AssertionError("what is in doubt is looked up, not written")

    def count(self, entity: str) -> int:
        return len(self._held)

    def ping(self) -> str:
        return "a shelf"

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture(scope="session")
def sent(an_invoice: Callable[..., Invoice]) -> Callable[..., Prepared]:
    def prepared(payload: Any, *, key: str = "INV-1", state: str = "uncertain", intent_id: int = 1) -> Prepared:
        intent = {"intent_id": intent_id, "external_key": key, "state": state}
        return Prepared(intent=intent, invoice=an_invoice(), payload=payload)

    return prepared


def there(payload: Any, *, key: str = "INV-1", complete: bool = True) -> Found:
    return Found(key=key, native_id="17", payload=payload, answer={"url": "pay"}, complete=complete)


def outcome(sent: Callable[..., Prepared], ours: Any, theirs: Any) -> Outcome:
    return already_there(Shelf(there(theirs)), "invoice", [sent(ours)])[1]


def test_the_same_contents_are_a_success_with_the_targets_own_identifier(sent: Callable) -> None:
    found = outcome(sent, {"total": "1.00"}, {"total": "1.00"})
    assert (found.state, found.native_id, found.answer, found.error) == ("confirmed", "17", {"url": "pay"}, None)


def test_other_contents_are_a_conflict_that_names_the_fields(sent: Callable) -> None:
    ours = {"memo": "a", "total": "129600.00", "lines": [{"net": "1.00", "item": "X"}]}
    found = outcome(sent, ours, {"memo": "b", "total": "129600.01", "lines": [{"net": "2.00", "item": "X"}]})
    assert found.state == "rejected"
    assert found.error is not None
    assert found.error.code == "content_conflict"
    assert found.error.message == (
        "memo: 'a' was sent, the target has 'b'; "
        "total: '129600.00' was sent, the target has '129600.01'; "
        "lines[0].net: '1.00' was sent, the target has '2.00'"
    )


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("1.50", "1.5"),
        ("1.50", Decimal("1.500")),
        (Decimal("120000"), "120000.00"),
        (12000000, "12000000"),
        (12000000, 12000000.0),
        ("0", "0.00"),
        ("-0.00", "0"),
        ("-3.10", "-3.1"),
        (True, True),
        (None, None),
    ],
)
def test_one_meaning_in_two_spellings_is_no_difference(sent: Callable, ours: Any, theirs: Any) -> None:
    assert outcome(sent, {"field": ours}, {"field": theirs}).state == "confirmed"


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("1.50", "1.51"),
        ("1.50", "-1.50"),
        ("0012", "12"),  # an order reference is no number
        ("1000", "1e3"),
        ("12", "12 "),
        ("Infinity", "inf"),
        ("NaN", "sNaN"),
        ("A", "a"),
        ("A", ""),
        ("A", None),
        (True, False),
        (True, 1.5),
        ({"a": 1}, "a"),
        ([1], 1),
    ],
)
def test_another_meaning_is_a_difference(sent: Callable, ours: Any, theirs: Any) -> None:
    assert outcome(sent, {"field": ours}, {"field": theirs}).state == "rejected"


@given(st.decimals(-(10**12), 10**12, places=4), st.integers(0, 4))
def test_numbers_are_the_same_by_value(sent: Callable, number: Decimal, more: int) -> None:
    longer = format(number, "f") + "0" * more
    assert outcome(sent, {"field": format(number, "f")}, {"field": longer}).state == "confirmed"
    assert outcome(sent, {"field": longer}, {"field": format(number + Decimal("0.0001"), "f")}).state == "rejected"


def test_fields_that_only_one_side_has_are_not_compared(sent: Callable) -> None:
    """A target shows fields of its own, and need not show all of ours."""
    assert (
        outcome(sent, {"total": "1.00", "only_ours": "x"}, {"total": "1.00", "only_theirs": "y"}).state == "confirmed"
    )


def test_lists_are_compared_in_order_and_length(sent: Callable) -> None:
    assert outcome(sent, {"lines": [{"n": 1}, {"n": 2}]}, {"lines": [{"n": "1"}, {"n": "2.0"}]}).state == "confirmed"
    assert outcome(sent, {"lines": [{"n": 1}, {"n": 2}]}, {"lines": [{"n": 2}, {"n": 1}]}).state == "rejected"
    shorter = outcome(sent, {"lines": [{"n": 1}, {"n": 2}]}, {"lines": [{"n": 1}]})
    assert shorter.error is not None
    assert shorter.error.message == "lines: 2 entries were sent, the target has 1"
    assert outcome(sent, {"lines": []}, {"lines": [{"n": 1}]}).state == "rejected"


def test_nested_fields_are_named_with_their_path(sent: Callable) -> None:
    found = outcome(sent, {"a": {"b": [{"c": {"d": "1"}}]}}, {"a": {"b": [{"c": {"d": "2"}}]}})
    assert found.error is not None
    assert found.error.message == "a.b[0].c.d: '1' was sent, the target has '2'"


def test_what_the_target_does_not_have_or_has_in_part_may_be_written(sent: Callable) -> None:
    assert already_there(Shelf(), "invoice", [sent({"n": 1})]) == {}
    assert already_there(Shelf(there({"n": 1}, complete=False)), "invoice", [sent({"n": 1})]) == {}


def test_only_what_is_in_doubt_is_asked_for(sent: Callable) -> None:
    shelf = Shelf(there({"n": 1}, key="A"), there({"n": 1}, key="B"))
    batch = [sent({"n": 1}, key="A", state="pending", intent_id=1), sent({"n": 1}, key="B", intent_id=2)]
    assert list(already_there(shelf, "invoice", batch)) == [2]
    assert shelf.asked == ["B"]
    fresh = Shelf()
    assert already_there(fresh, "invoice", batch[:1]) == {}
    assert fresh.asked == []


def test_where_the_target_cannot_be_asked_the_doubt_stays(sent: Callable) -> None:
    error = UnavailableError("no answer", connector="shelf", operation="find")
    found = already_there(Shelf(error=error), "invoice", [sent({"n": 1})])[1]
    assert found.state == "uncertain"
    assert found.error is not None


def test_wrong_credentials_stop_the_run(sent: Callable) -> None:
    error = CredentialsError("who are you", connector="shelf", operation="find")
    with pytest.raises(CredentialsError):
        already_there(Shelf(error=error), "invoice", [sent({"n": 1})])
