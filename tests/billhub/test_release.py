"""Numbering and release: gapless, unique and in order, whoever releases at once and whatever fails on the way."""

import subprocess
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import date, timedelta
from itertools import count, groupby

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from billhub import exceptions, release
from billhub.hub import Hub
from billhub.release import number as numbering
from billhub.store import invoices
from billhub.store.engine import reading, transaction
from canonical_model.encoding import decode
from canonical_model.errors import ConfigurationError
from canonical_model.invoices import Invoice
from canonical_model.orders import Order
from canonical_model.parties import Address

FIRST = date(2010, 12, 1)
_examples = count()


def make_ready(hub: Hub) -> None:
    """Everything before the release itself."""
    release.plan(hub)
    for batch in release.batches(hub, ("draft", "held")):
        release.check_batch(hub, batch)
    for batch in release.batches(hub, ("checked",)):
        release.tax_batch(hub, batch)
    release.route_approvals(hub)


@pytest.fixture
def numbered(query: Callable) -> Callable[[], list[tuple[str, str]]]:
    """Number and issue date of everything released, by number."""
    return lambda: query("SELECT number, issue_date FROM invoices WHERE number IS NOT NULL ORDER BY number")


def series(numbers: Iterable[str]) -> dict[str, list[int]]:
    """Numbers by the text before them."""
    split = sorted(number.rsplit("-", 1) for number in numbers)
    return {name: [int(place) for _, place in members] for name, members in groupby(split, key=lambda each: each[0])}


def orders_of(an_order: Callable[..., Order], many: int) -> list[Order]:
    """Orders of several days each, in no order, every fifth a cancellation."""
    return [
        an_order(
            f"C{place}" if place % 5 == 0 else str(place), **_kind(place), order_date=FIRST + timedelta(place * 7 % 10)
        )
        for place in range(many)
    ]


def _kind(place: int) -> dict:
    if place % 5 == 0:
        return {"kind": "cancellation", "lines": ((f"-{place + 1}", "1.00"),)}
    return {"lines": ((str(place + 1), "1.00"),)}


def assert_gapless_and_in_order(found: list[tuple[str, str]], expected: dict[str, int]) -> None:
    assert series(number for number, _ in found) == {name: list(range(1, last + 1)) for name, last in expected.items()}
    for _, members in groupby(found, key=lambda row: row[0].rsplit("-", 1)[0]):
        days = [day for _, day in members]
        assert days == sorted(days)


def test_numbers_follow_the_dates_in_a_series_of_their_own_for_credit_notes(
    hub: Hub, keep: Callable, an_order: Callable, numbered: Callable, query: Callable
) -> None:
    keep(*orders_of(an_order, 25))
    counts = release.release_due(hub)
    assert counts["released"] == 25
    assert_gapless_and_in_order(numbered(), {"UK": 20, "UK-CN": 5})
    assert {kind for (kind,) in query("SELECT document_type FROM invoices WHERE number LIKE 'UK-CN-%'")} == {"381"}
    assert query("SELECT series, last FROM number_sequences ORDER BY series") == [("UK", 20), ("UK-CN", 5)]


def test_each_legal_entity_counts_for_itself(hub: Hub, keep: Callable, an_order: Callable, numbered: Callable) -> None:
    entities = {**hub.policy.entities, "NI": hub.policy.entities["UK"]}
    hub = replace(hub, policy=msgspec.structs.replace(hub.policy, entities=entities))
    keep(an_order("1"), an_order("2", legal_entity="NI"), an_order("3"))
    release.release_due(hub)
    assert [number for number, _ in numbered()] == ["NI-000001", "UK-000001", "UK-000002"]


def test_small_transactions_count_on(hub: Hub, keep: Callable, an_order: Callable, numbered: Callable) -> None:
    keep(*orders_of(an_order, 20))
    make_ready(hub)
    assert release.release_ready(hub, size=3)["released"] == 20
    assert_gapless_and_in_order(numbered(), {"UK": 16, "UK-CN": 4})


def test_releasing_again_gives_no_second_number(hub: Hub, keep: Callable, an_order: Callable, query: Callable) -> None:
    keep(*orders_of(an_order, 5))
    release.release_due(hub)
    before = query("SELECT number, body FROM invoices ORDER BY seq")
    assert release.release_due(hub).get("released", 0) == 0
    assert query("SELECT number, body FROM invoices ORDER BY seq") == before
    assert query("SELECT count(*) FROM audit WHERE action = 'invoice.released'") == [(5,)]


def test_only_what_is_ready_gets_a_number(hub: Hub, keep: Callable, an_order: Callable, query: Callable) -> None:
    keep(
        an_order("1", customer_id=None),  # held
        an_order("2", lines=(("1", "0.00"),)),  # rejected by policy
        an_order("3", lines=(("2", "60000.00"),)),  # waits for approval
        an_order("4"),
    )
    release.release_due(hub)
    assert query("SELECT invoice_id, state, number FROM invoices ORDER BY seq") == [
        ("order_1", "held", None),
        ("order_2", "rejected", None),
        ("order_3", "awaiting_approval", None),
        ("order_4", "released", "UK-000001"),
    ]


def test_the_document_itself_carries_its_number(hub: Hub, keep: Callable, an_order: Callable, query: Callable) -> None:
    keep(an_order())
    release.release_due(hub)
    [(number, body, released_on)] = query("SELECT number, body, released_on FROM invoices")
    invoice = decode(body, Invoice)
    assert (invoice.number, number, released_on) == ("UK-000001", "UK-000001", "2026-01-15")
    assert invoice.issue_date == FIRST


def test_the_invoice_of_a_contract_is_dated_on_its_release(
    hub: Hub, open_as: Callable[..., Hub], keep: Callable, a_contract: Callable, a_customer: Callable, query: Callable
) -> None:
    keep(a_customer(payment_terms_days=14), a_contract(prices=("4000.00",)))
    release.plan(hub)
    _say_ready(hub)
    release.release_ready(open_as(as_of=date(2026, 1, 20)))
    [(number, issue_date, body)] = query("SELECT number, issue_date, body FROM invoices")
    invoice = decode(body, Invoice)
    assert (number, issue_date) == ("US-000001", "2026-01-20")
    assert (invoice.issue_date, invoice.due_date) == (date(2026, 1, 20), date(2026, 2, 3))
    assert invoice.tax_point_date == date(2026, 1, 1)


# deliveries written down with the release


def test_the_deliveries_of_an_invoice_are_a_chain_with_the_books_before_the_mail(
    hub: Hub, keep: Callable, a_contract: Callable, a_customer: Callable, query: Callable
) -> None:
    keep(a_customer(), a_contract(prices=("4000.00",)))
    release.plan(hub)
    _say_ready(hub)
    release.release_ready(hub)
    rows = query("SELECT target, entity, key, after_key, state FROM intents ORDER BY intent_id")
    assert [(target, entity) for target, entity, *_ in rows] == [
        ("netsuite", "customer"),
        ("avatax", "transaction"),
        ("netsuite", "invoice"),
        ("netsuite", "journalEntry"),
        ("stripe", "invoice"),
        ("email", "message"),
        ("salesforce", "contract_status"),
    ]
    keys = [key for _, _, key, _, _ in rows]
    assert [after for *_, after, _ in rows] == [None, *keys[:-1]]
    assert {state for *_, state in rows} == {"pending"}


def test_invoices_of_one_buyer_share_the_delivery_of_its_master_data(
    hub: Hub, keep: Callable, a_contract: Callable, a_customer: Callable, query: Callable
) -> None:
    keep(a_customer(), a_contract(prices=("4000.00",)), a_contract(contract_id="C-2", prices=("5000.00",)))
    release.plan(hub)
    _say_ready(hub)
    release.release_ready(hub)
    shared = query("SELECT key, invoice_id FROM intents WHERE entity = 'customer'")
    assert len(shared) == 1
    assert shared[0][1] is None
    assert query("SELECT count(*) FROM intents WHERE after_key = :key", key=shared[0][0]) == [(2,)]


def test_a_credit_note_goes_to_the_books_as_one(hub: Hub, keep: Callable, an_order: Callable, query: Callable) -> None:
    keep(an_order("C1", kind="cancellation", lines=(("-1", "5.00"),)))
    release.release_due(hub)
    assert [entity for (entity,) in query("SELECT entity FROM intents ORDER BY intent_id")] == [
        "customer",
        "creditMemo",
    ]


# what is released is what was taxed


def test_a_document_that_is_not_what_was_taxed_is_sent_back(
    hub: Hub, keep: Callable, an_order: Callable, query: Callable
) -> None:
    """Also where no approval is needed."""
    keep(an_order("1"), an_order("2"))
    make_ready(hub)
    with transaction(hub.engine) as connection:
        changed = text(
            "UPDATE invoices SET body = replace(body, 'customer-1', 'customer-9') WHERE invoice_id = 'order_1'"
        )
        connection.execute(changed)
    assert release.release_ready(hub) == {"released": 1, "sent_back": 1}
    assert query("SELECT invoice_id, state, number FROM invoices ORDER BY seq") == [
        ("order_1", "held", None),
        ("order_2", "released", "UK-000001"),
    ]
    assert query("SELECT rule_id, state FROM exceptions") == [("HUB-R01", "open")]
    release.release_due(hub)  # drafted anew from its source
    assert query("SELECT number, body LIKE '%customer-9%' FROM invoices WHERE invoice_id = 'order_1'") == [
        ("UK-000002", 0)
    ]
    assert query("SELECT rule_id, state FROM exceptions") == [("HUB-R01", "resolved")]


# failures


def test_a_failing_release_leaves_no_gap_and_no_trace(
    hub: Hub, keep: Callable, an_order: Callable, numbered: Callable, query: Callable
) -> None:
    """The deliveries cannot be planned after numbers were allotted: everything of the transaction goes back."""
    keep(*orders_of(an_order, 10))
    make_ready(hub)
    broken = msgspec.structs.replace(hub.policy.entities["UK"], targets=("netsuite", "nowhere"))
    policy = msgspec.structs.replace(hub.policy, entities={**hub.policy.entities, "UK": broken})
    for _ in range(3):
        with pytest.raises(ConfigurationError, match="nowhere"):
            release.release_ready(replace(hub, policy=policy))
    assert numbered() == []
    assert query("SELECT count(*) FROM intents") == [(0,)]
    assert query("SELECT count(*) FROM audit WHERE action = 'invoice.released'") == [(0,)]
    release.release_ready(hub)
    assert_gapless_and_in_order(numbered(), {"UK": 8, "UK-CN": 2})


def test_a_failure_in_a_later_transaction_keeps_the_numbers_of_the_earlier(
    hub: Hub, keep: Callable, an_order: Callable, numbered: Callable
) -> None:
    entities = {**hub.policy.entities, "NI": msgspec.structs.replace(hub.policy.entities["UK"], targets=("nowhere",))}
    half = replace(hub, policy=msgspec.structs.replace(hub.policy, entities=entities))
    keep(
        *(
            an_order(str(place), legal_entity="UK" if place < 4 else "NI", order_date=FIRST + timedelta(place))
            for place in range(8)
        )
    )
    make_ready(half)
    with pytest.raises(ConfigurationError, match="nowhere"):
        release.release_ready(half, size=4)
    assert [number for number, _ in numbered()] == [f"UK-{place:06d}" for place in range(1, 5)]
    entities["NI"] = hub.policy.entities["UK"]
    release.release_ready(half, size=4)
    assert series(number for number, _ in numbered()) == {"UK": [1, 2, 3, 4], "NI": [1, 2, 3, 4]}


def test_a_draft_the_tax_engine_cannot_be_asked_about_holds_back_nobody_else(
    hub: Hub, keep: Callable, an_order: Callable, query: Callable
) -> None:
    """The seller's country is none, which no mapping can express: its orders are held, those of others go on."""
    nowhere = msgspec.structs.replace(hub.policy.entities["UK"], address=Address(country="ZZ"))
    policy = msgspec.structs.replace(hub.policy, entities={**hub.policy.entities, "NI": nowhere})
    odd = replace(hub, policy=policy)
    keep(an_order("1", legal_entity="NI"), an_order("2"))
    release.release_due(odd)
    assert query("SELECT invoice_id, state FROM invoices ORDER BY seq") == [
        ("order_1", "held"),
        ("order_2", "released"),
    ]
    [(category, rule_id, state, exception_hash)] = query(
        "SELECT category, rule_id, state, content_hash FROM exceptions"
    )
    assert (category, rule_id, state, exception_hash) == ("mapping_defect", "HUB-T12", "open", None)
    release.release_due(
        replace(
            hub, policy=msgspec.structs.replace(policy, entities={**policy.entities, "NI": hub.policy.entities["UK"]})
        )
    )
    assert query("SELECT state FROM invoices WHERE invoice_id = 'order_1'") == [("released",)]
    assert query("SELECT state FROM exceptions") == [("resolved",)]


def test_a_waiver_lets_exactly_this_content_be_released(
    hub: Hub, keep: Callable, an_order: Callable, query: Callable
) -> None:
    keep(an_order("1", customer_id=None), an_order("2", customer_id=None, lines=(("1", "3.00"),)))
    release.release_due(hub)
    with transaction(hub.engine) as connection:
        for exception_id in (1, 2):
            exceptions.resolve(connection, hub, exception_id, reason="a cash sale")
    keep(an_order("2", customer_id=None, lines=(("2", "3.00"),)), version="v2")
    release.release_due(hub)
    assert query("SELECT invoice_id, state FROM invoices ORDER BY 1") == [("order_1", "released"), ("order_2", "held")]
    assert query("SELECT state FROM exceptions ORDER BY exception_id") == [("waived",), ("open",)]


# many at once


def test_eight_threads_at_once_give_every_number_once(
    hub: Hub, open_as: Callable[..., Hub], keep: Callable, an_order: Callable, numbered: Callable, query: Callable
) -> None:
    keep(*orders_of(an_order, 80))
    make_ready(hub)
    hubs = [open_as(f"worker {place}") for place in range(8)]
    with ThreadPoolExecutor(8) as pool:
        counts = list(pool.map(lambda each: release.release_ready(each, size=5), hubs))
    assert sum(each.get("released", 0) for each in counts) == 80
    assert_gapless_and_in_order(numbered(), {"UK": 64, "UK-CN": 16})
    assert query("SELECT count(*), count(DISTINCT subject) FROM audit WHERE action = 'invoice.released'") == [(80, 80)]


def test_workers_with_different_invoices_share_one_series(
    hub: Hub, open_as: Callable[..., Hub], keep: Callable, an_order: Callable, numbered: Callable
) -> None:
    """Nothing but the series itself makes them wait for each other."""
    keep(*(an_order(str(place)) for place in range(40)))
    make_ready(hub)
    hubs = [open_as(f"worker {place}") for place in range(8)]

    def work(place: int) -> None:
        for seq in range(place + 1, 41, 8):
            with transaction(hubs[place].engine) as connection:
                numbering._release(connection, hubs[place], [seq])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert series(each for each, _ in numbered()) == {"UK": list(range(1, 41))}


RELEASING = """
import sys
from datetime import date
from billhub.hub import open_hub
from billhub.release import release_ready
hub = open_hub(as_of=date(2026, 1, 15), actor="process", url=sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
print(release_ready(hub, size=4).get("released", 0))
"""


def test_several_processes_at_once_give_every_number_once(
    hub: Hub, database_url: str, keep: Callable, an_order: Callable, numbered: Callable
) -> None:
    keep(*orders_of(an_order, 40))
    make_ready(hub)
    with ExitStack() as stack:
        command = [sys.executable, "-c", RELEASING, database_url]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        many = 3 if database_url.startswith("sqlite") else 2
        processes = [stack.enter_context(subprocess.Popen(command, **pipes)) for _ in range(many)]
        for process in processes:
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            process.stdin.write("go\n")
            process.stdin.flush()
        released = [int(process.communicate(timeout=60)[0]) for process in processes]
    assert sum(released) == 40
    assert_gapless_and_in_order(numbered(), {"UK": 32, "UK-CN": 8})


def test_whole_runs_at_once_release_everything_once(
    hub: Hub, open_as: Callable[..., Hub], keep: Callable, an_order: Callable, numbered: Callable
) -> None:
    """Check, tax, approval routing and release of several workers over the same drafts."""
    keep(*orders_of(an_order, 30))
    release.plan(hub)
    hubs = [open_as(f"worker {place}") for place in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(make_ready_and_release, hubs))
    assert series(number for number, _ in numbered()) == {"UK": list(range(1, 25)), "UK-CN": list(range(1, 7))}


def make_ready_and_release(hub: Hub) -> None:
    for state, step in (("draft", release.check_batch), ("checked", release.tax_batch)):
        for batch in release.batches(hub, (state,), size=7):
            step(hub, batch)
    release.route_approvals(hub)
    release.release_ready(hub, size=7)


# any history


days = st.integers(0, 30)
runs = st.lists(
    st.tuples(st.lists(st.tuples(st.booleans(), days), max_size=6), st.integers(1, 4), st.booleans()),
    min_size=1,
    max_size=4,
)


@settings(deadline=None, max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(runs)
def test_whatever_comes_in_which_order_the_numbers_have_no_gap(
    hub: Hub, keep: Callable, an_order: Callable, runs: list[tuple[list[tuple[bool, int]], int, bool]]
) -> None:
    for new, size, fails in runs:
        made = [_any_order(an_order, cancelled, day) for cancelled, day in new]
        keep(*made)
        make_ready(hub)
        if fails and made:
            _fail(hub, size)
        before = _last_numbers(hub)
        release.release_ready(hub, size=size)
        _assert_run(hub, before)


def _any_order(an_order: Callable, cancelled: bool, day: int) -> Order:
    number = next(_examples)
    shape = {"kind": "cancellation", "lines": (("-1", "1.00"),)} if cancelled else {}
    return an_order(f"x{number}", order_date=FIRST + timedelta(day), **shape)


def _fail(hub: Hub, size: int) -> None:
    broken = msgspec.structs.replace(hub.policy.entities["UK"], targets=("nowhere",))
    policy = msgspec.structs.replace(hub.policy, entities={**hub.policy.entities, "UK": broken})
    with pytest.raises(ConfigurationError):
        release.release_ready(replace(hub, policy=policy), size=size)


def _last_numbers(hub: Hub) -> dict[str, int]:
    with reading(hub.engine) as connection:
        return dict(list(connection.execute(text("SELECT series, last FROM number_sequences")).tuples()))


def _assert_run(hub: Hub, before: dict[str, int]) -> None:
    with reading(hub.engine) as connection:
        rows = connection.execute(text("SELECT number, issue_date FROM invoices WHERE number IS NOT NULL ORDER BY 1"))
        found = list(rows.tuples())
        assert invoices.seqs(connection, ("ready",)) == []
    for name, numbers in series(number for number, _ in found).items():
        assert numbers == list(range(1, len(numbers) + 1))
        of_this_run = [
            day
            for number, day in found
            if number > f"{name}-{before.get(name, 0):06d}" and number.rsplit("-", 1)[0] == name
        ]
        assert of_this_run == sorted(of_this_run)


def _say_ready(hub: Hub) -> None:
    """As if taxed without any tax: what the release looks at is state and content."""
    with transaction(hub.engine) as connection:
        connection.execute(text("UPDATE invoices SET state = 'ready', content_hash = draft_hash"))
