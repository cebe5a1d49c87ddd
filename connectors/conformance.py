"""The conformance kit: what every connector must do, as test classes that a connector's own tests inherit.

    class TestSalesforceReads(SourceConformance):
        @pytest.fixture
        def case(self, sandbox): return ReadCase(...)

A case says how to open the connector, how the other side is disturbed, and what may be asked; each test opens its own
connectors. The kit looks at the connector through its contract and at the other side through `Vendor` and `WriteCase.effects`,
never through the connector's own parts.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from connectors.contract import Page, Source, Target, WriteRequest
from connectors.errors import ConnectorError, CredentialsError, RateLimitedError, UnavailableError, UnsupportedError

_ALWAYS = None


class NonconformityError(AssertionError):
    """The connector does not keep the contract; the message says which promise."""


class Vendor(Protocol):
    """The other side, as far as a test disturbs it."""

    def fault(self, match: str, fault: str, *, times: int | None = 1) -> None:
        """Let requests whose operation fits `match` suffer `fault`: the next `times`, or all for None."""
        ...

    def clear(self) -> None:
        """End all faults."""
        ...


class ReadCase(msgspec.Struct, frozen=True, kw_only=True):
    """How a source is tested.

    Attributes:
        open: Opens a new connector.
        vendor: The other side.
        entity: An entity with more than two pages of `limit` records.
        limit: Records a page.
        operation: Regular expression of the requests that `read` sends.
        renews: Whether an expired login is renewed by itself.
    """

    open: Callable[[], Source]
    vendor: Vendor
    entity: str
    operation: str
    limit: int = 50
    renews: bool = False


class WriteCase(msgspec.Struct, frozen=True, kw_only=True):
    """How a target is tested.

    Attributes:
        open: Opens a new connector.
        vendor: The other side.
        entity: The entity written.
        operation: Regular expression of the request that has the effect.
        request: Makes a request that the target takes, with another key and another effect each time.
        refused: Makes a request that the target refuses.
        effects: Counts the effects at the other side, not through the connector.
        renews: Whether an expired login is renewed by itself.
    """

    open: Callable[[], Target]
    vendor: Vendor
    entity: str
    operation: str
    request: Callable[[], WriteRequest]
    refused: Callable[[], WriteRequest]
    effects: Callable[[], int]
    renews: bool = False


class SourceConformance:
    """What every source must do. A subclass provides the fixture `case`, a `ReadCase`."""

    def test_every_record_comes_once(self, case: ReadCase) -> None:
        """Pages end, hold no record twice and leave none out, whatever their size."""
        small = _ids(_pages(case, case.limit))
        large = _ids(_pages(case, 100 * case.limit))
        _expect(len(set(small)) == len(small), "a record came twice in one full read")
        _expect(set(small) == set(large), "pages of another size hold other records")
        _expect(len(small) > 2 * case.limit, f"the case has only {len(small)} records: too few to turn pages")

    def test_reading_goes_on_from_a_cursor(self, case: ReadCase) -> None:
        """A new connector goes on exactly where another one stopped."""
        pages = list(_pages(case, case.limit))
        again = case.open().read(case.entity, cursor=pages[0].cursor, limit=case.limit)
        _expect(_ids([again]) == _ids(pages[1:2]), "a new connector reads another second page")
        _expect(again.cursor == pages[1].cursor, "a new connector ends the second page with another cursor")

    def test_nothing_new_leaves_the_cursor(self, case: ReadCase) -> None:
        """At the end there is nothing more, and the cursor stays."""
        *_, last = _pages(case, case.limit)
        page = case.open().read(case.entity, cursor=last.cursor, limit=case.limit)
        _expect(not page.records and not page.has_more, "records came although nothing changed")
        _expect(page.cursor == last.cursor, "the cursor moved although nothing changed")

    def test_numbers_are_exact(self, case: ReadCase) -> None:
        """No binary floating point number is in a record."""
        for record in case.open().read(case.entity, cursor=None, limit=case.limit).records:
            _expect(
                not any(isinstance(leaf, float) for leaf in _leaves(record.body)), f"{record.external_id} holds a float"
            )

    def test_throttling_is_told_apart(self, case: ReadCase) -> None:
        """The vendor's own way to say "slower" is understood, and reading works afterwards."""
        connector = case.open()
        case.vendor.fault(case.operation, "rate_limit")
        _expect_error(RateLimitedError, lambda: connector.read(case.entity, cursor=None, limit=case.limit))
        _expect(
            len(connector.read(case.entity, cursor=None, limit=case.limit).records) > 0,
            "reading does not work after throttling",
        )

    def test_a_lost_answer_is_unavailable(self, case: ReadCase) -> None:
        """A broken connection or an unreadable answer to a read may be retried."""
        connector = case.open()
        for fault in ("reset_after", "half_answer", "garbage"):
            case.vendor.fault(case.operation, fault)
            _expect_error(UnavailableError, lambda: connector.read(case.entity, cursor=None, limit=case.limit))

    def test_expired_login(self, case: ReadCase) -> None:
        """A login that is renewed goes unnoticed; one that stays refused stops the run."""
        connector = case.open()
        connector.read(case.entity, cursor=None, limit=case.limit)
        if case.renews:
            case.vendor.fault(case.operation, "unauthorized")
            connector.read(case.entity, cursor=None, limit=case.limit)
        case.vendor.fault(case.operation, "unauthorized", times=_ALWAYS)
        _expect_error(CredentialsError, lambda: connector.read(case.entity, cursor=None, limit=case.limit))

    def test_unknown_entity(self, case: ReadCase) -> None:
        """What is not served is said so."""
        _expect_error(UnsupportedError, lambda: case.open().read("no such entity", cursor=None, limit=1))


class TargetConformance:
    """What every target must do. A subclass provides the fixture `case`, a `WriteCase`."""

    def test_a_repeated_write_has_one_effect(self, case: WriteCase) -> None:
        """The same key written twice, by two connectors, is confirmed twice and there once."""
        request, before = case.request(), case.effects()
        for _ in range(2):
            _expect_states(case.open(), case, [request], ["confirmed"])
        _expect(case.effects() == before + 1, f"two writes had {case.effects() - before} effects")

    def test_one_bad_record_holds_back_no_other(self, case: WriteCase) -> None:
        """Each request has its own outcome, in order, with the target's reason."""
        requests, before = [case.request(), case.refused(), case.request()], case.effects()
        outcomes = _expect_states(case.open(), case, requests, ["confirmed", "rejected", "confirmed"])
        error = outcomes[1].error
        _expect(error is not None and bool(error.code and error.message), "a rejection does not say why")
        _expect(case.effects() == before + 2, "the good records are not there")

    def test_throttled_writes_wait(self, case: WriteCase) -> None:
        """A throttled write certainly had no effect and may be sent again."""
        connector, request, before = case.open(), case.request(), case.effects()
        case.vendor.fault(case.operation, "rate_limit")
        _expect_states(connector, case, [request], ["pending"])
        _expect(case.effects() == before, "a throttled write had an effect")
        _expect_states(connector, case, [request], ["confirmed"])

    def test_a_lost_answer_is_uncertain_and_found(self, case: WriteCase) -> None:
        """A write whose answer is lost is uncertain, is found at the target, and has one effect when repeated."""
        for fault in ("reset_after", "half_answer", "garbage"):
            connector, request, before = case.open(), case.request(), case.effects()
            case.vendor.fault(case.operation, fault)
            _expect_states(connector, case, [request], ["uncertain"])
            _expect(request.key in connector.find(case.entity, [request.key]), f"a write after {fault} is not found")
            _expect_states(connector, case, [request], ["confirmed"])
            _expect(case.effects() == before + 1, f"a write after {fault} had {case.effects() - before} effects")

    def test_a_write_that_never_arrived_is_not_found(self, case: WriteCase) -> None:
        """A connection closed before any effect leaves nothing to find, and the write may be repeated."""
        connector, request, before = case.open(), case.request(), case.effects()
        case.vendor.fault(case.operation, "refuse_before")
        [outcome] = connector.write(case.entity, [request])
        _expect(outcome.state in {"uncertain", "pending"}, f"a write that never arrived is {outcome.state}")
        _expect(not connector.find(case.entity, [request.key]), "a write that never arrived is found")
        _expect_states(connector, case, [request], ["confirmed"])
        _expect(case.effects() == before + 1, "the repeated write did not have one effect")

    def test_expired_login(self, case: WriteCase) -> None:
        """A login that is renewed goes unnoticed; one that stays refused stops the run without effect."""
        connector, before = case.open(), case.effects()
        if case.renews:
            case.vendor.fault(case.operation, "unauthorized")
            _expect_states(connector, case, [case.request()], ["confirmed"])
            before += 1
        case.vendor.fault(case.operation, "unauthorized", times=_ALWAYS)
        _expect_error(CredentialsError, lambda: connector.write(case.entity, [case.request()]))
        _expect(case.effects() == before, "a refused login had an effect")

    def test_count_is_what_the_target_holds(self, case: WriteCase) -> None:
        """One write more is counted as one more."""
        connector = case.open()
        before = connector.count(case.entity)
        _expect_states(connector, case, [case.request()], ["confirmed"])
        _expect(connector.count(case.entity) == before + 1, "the count did not grow by one")

    def test_unknown_entity(self, case: WriteCase) -> None:
        """A write of what is not served is rejected record by record; a question about it is an error."""
        connector = case.open()
        [outcome] = connector.write("no such entity", [case.request()])
        _expect(outcome.state == "rejected", f"a write of an unknown entity is {outcome.state}")
        _expect_error(UnsupportedError, lambda: connector.count("no such entity"))


def _pages(case: ReadCase, limit: int) -> Iterator[Page]:
    connector, cursor = case.open(), None
    while True:
        page = connector.read(case.entity, cursor=cursor, limit=limit)
        yield page
        if not page.has_more:
            return
        _expect(page.cursor != cursor, "there is more, but the cursor did not move")
        cursor = page.cursor


def _ids(pages: Sequence[Page] | Iterator[Page]) -> list[str]:
    return [record.external_id for page in pages for record in page.records]


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for item in value:
            yield from _leaves(item)
    else:
        yield value


def _expect_states(
    connector: Target, case: WriteCase, requests: Sequence[WriteRequest], states: Sequence[str]
) -> list[Any]:
    outcomes = connector.write(case.entity, requests)
    _expect(
        [outcome.key for outcome in outcomes] == [request.key for request in requests], "the outcomes are out of order"
    )
    _expect([outcome.state for outcome in outcomes] == list(states), f"expected {list(states)}, got {outcomes}")
    return outcomes


def _expect_error(kind: type[ConnectorError], action: Callable[[], object]) -> None:
    try:
        action()
    except kind:
        return
    except ConnectorError as error:
        raise NonconformityError(f"expected {kind.__name__}, got {type(error).__name__}: {error}") from error
    raise NonconformityError(f"expected {kind.__name__}, but there was no error")


def _expect(holds: bool, broken_promise: str) -> None:
    if not holds:
        raise NonconformityError(broken_promise)
