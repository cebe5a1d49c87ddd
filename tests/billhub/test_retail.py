"""A shop's CSV with every kind of dirt in it, from the file to released invoices: each line ends in exactly one place."""

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from billhub import reconcile, release, steps
from billhub.flows import load_flows
from billhub.hub import Hub
from billhub.reconcile import Completeness, Volume
from billhub.store.engine import reading
from canonical_model.encoding import decode
from canonical_model.invoices import Invoice

HEADER = b"InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
GOOD = "{number},85123A,HEART,{quantity},{day} 08:26:00,{price},{customer},{country}\n"


def row(number: str, *, product: str = "85123A", **changes: str) -> bytes:
    fields = {"quantity": "6", "day": "2010-12-01", "price": "2.55", "customer": "17850", "country": "United Kingdom"}
    return GOOD.format(number=number, **{**fields, **changes}).replace("85123A", product).encode()


RELEASED = [
    (row("536365") + row("536365", product="71053", quantity="2", price="3.39"), "17.5 % until 2011-01-03"),
    (row("540000", day="2011-01-03"), "17.5 % on its last day"),
    (row("540001", day="2011-01-04"), "20 % from 2011-01-04"),
    (row("536370", country="France", customer="12583"), "intra-community"),
    (row("536389", country="Australia", customer="12431"), "export"),
    (row("536367", country="EIRE", customer="14911.0"), "a name of its own for Ireland, a customer as a fraction"),
    (row("C536379", quantity="-1", price="27.50"), "cancellation"),
    (row("536380", quantity="3", price="0.333", customer="17809"), "a price finer than a penny"),
    (row("536409", customer="17908") * 2, "the same line twice"),
]
HELD = {
    "missing_customer": row("536414", customer="", price="1.25"),
    "unknown_country": row("536415", country="Unspecified", customer="12363"),
    "zero_price": row("536416", customer="13255") + row("536416", customer="13255", product="22139", price="0.0"),
    "negative_price": row("506401", customer="13256", price="-11062.06", quantity="1"),
    "quantity_sign": row("536417", customer="13257", quantity="-10"),
    "implausible_value": row("536418", customer="13258", quantity="999999999999999", price="999999999999999"),
}
UNREADABLE = [
    row("536420", quantity="six"),
    row("536421", price="1e2"),
    b"536422,85123A,HEART,6,2010-12-01 08:26:00\n",
    b'536423,85123A,"HEART,6,2010-12-01 08:26:00,2.55,17850,United Kingdom\n',
    b"536424,85123A,H\xffART,6,2010-12-01 08:26:00,2.55,17850,United Kingdom\n",
    b"536425,85123A,H\x00ART,6,2010-12-01 08:26:00,2.55,17850,United Kingdom\n",
    row("536426", day="2010-13-01"),
    row("536427", country="Atlantis"),
    row("536428", customer="1") + row("536428", customer="2"),
    row("A563185", price="-11062.06", quantity="1"),  # an adjustment: neither order nor cancellation
    row(""),
    row("5" * 300),
    row("536429", customer="7" * 200),
    b"x" * 6000 + b"\n",
]
REJECTED = row("536545", price="0.0", customer="") + row("536545", price="0", customer="", product="21134")


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Writes the shop's file."""
    file = tmp_path / "retail.csv"
    monkeypatch.setenv("AIRFLOW_CONN_BILLHUB_ONLINE_RETAIL", json.dumps({"host": str(file)}))
    return lambda *rows: file.write_bytes(HEADER + b"".join(rows))


@pytest.fixture
def control(hub: Hub) -> Callable[[], Completeness]:
    def one() -> Completeness:
        with reading(hub.engine) as connection:
            [found] = reconcile.completeness(connection, hub)
        return found

    return one


@pytest.fixture
def invoice(query: Callable) -> Callable[[str], Invoice]:
    return lambda number: decode(
        query("SELECT body FROM invoices WHERE invoice_id = :id", id=f"order_{number}")[0][0], Invoice
    )


def run(hub: Hub) -> None:
    steps.run_flow(hub, load_flows()["retail_orders"])
    release.release_due(hub)


def lines(*rows: bytes) -> int:
    return sum(each.count(b"\n") for each in rows)


def test_every_line_of_a_dirty_file_ends_in_one_place(
    hub: Hub, shop: Callable, control: Callable, query: Callable
) -> None:
    released, held = [each for each, _ in RELEASED], list(HELD.values())
    shop(*released, b"\n", *held, *UNREADABLE, REJECTED)
    run(hub)
    found = control()
    assert found.is_complete
    assert found.came_in.lines == lines(*released, *held, *UNREADABLE, REJECTED)
    assert found.released == Volume(len(released), lines(*released), sum_of(*released))
    assert found.rejected == Volume(1, 2, Decimal(0))
    assert found.held.lines == lines(*held, *UNREADABLE)
    assert found.held.documents == len(held) + len(UNREADABLE)
    assert dict(query("SELECT state, count(*) FROM invoices GROUP BY state")) == {
        "released": len(released),
        "held": len(held) - 1,
        "rejected": 1,
    }


def test_each_kind_of_dirt_is_on_the_desk_under_its_own_name(hub: Hub, shop: Callable, query: Callable) -> None:
    shop(*(each for each, _ in RELEASED), *HELD.values(), *UNREADABLE, REJECTED)
    run(hub)
    by_category = dict(query("SELECT category, min(state) FROM exceptions GROUP BY category"))
    assert by_category == dict.fromkeys([*HELD, "mapping_defect"], "open") | dict.fromkeys(
        ["not_a_sale", "suspected_duplicate_line", "tax_id_not_collected"], "reported"
    )
    for category, rows in HELD.items():
        number = rows.split(b",")[0].decode()
        held_for = query(
            "SELECT category FROM exceptions WHERE subject_id IN (:invoice, :order)",
            invoice=f"order_{number}",
            order=number,
        )
        assert (category,) in held_for
    assert query("SELECT count(DISTINCT subject_id) FROM exceptions WHERE category = 'mapping_defect'") == [
        (len(UNREADABLE),)
    ]


@pytest.mark.parametrize("place", range(len(UNREADABLE)))
def test_no_broken_row_holds_back_its_neighbours(
    hub: Hub, shop: Callable, query: Callable, control: Callable, place: int
) -> None:
    shop(row("1", customer="1"), UNREADABLE[place], row("2", customer="2"))
    run(hub)
    assert query("SELECT invoice_id, state FROM invoices ORDER BY 1") == [
        ("order_1", "released"),
        ("order_2", "released"),
    ]
    assert control().held.lines == lines(UNREADABLE[place])
    assert control().is_complete


@pytest.mark.parametrize(
    ("number", "category", "rate", "tax", "payable"),
    [
        ("536365", "S", "17.5", "3.87", "25.95"),
        ("540000", "S", "17.5", "2.68", "17.98"),
        ("540001", "S", "20", "3.06", "18.36"),
        ("536370", "K", "0", "0.00", "15.30"),
        ("536389", "G", "0", "0.00", "15.30"),
        ("536367", "K", "0", "0.00", "15.30"),
        ("C536379", "S", "17.5", "4.81", "32.31"),
        ("536380", "S", "17.5", "0.18", "1.18"),
    ],
)
def test_the_table_of_rates_decides_the_tax(
    hub: Hub, shop: Callable, invoice: Callable, number: str, category: str, rate: str, tax: str, payable: str
) -> None:
    shop(*(each for each, _ in RELEASED))
    run(hub)
    found = invoice(number)
    [subtotal] = found.tax_subtotals
    assert (subtotal.category, subtotal.rate) == (category, Decimal(rate))
    assert (found.totals.tax.amount, found.totals.payable.amount) == (Decimal(tax), Decimal(payable))
    assert (subtotal.exemption_reason is None) is (category == "S")


def test_rows_of_one_invoice_are_gathered_from_all_over_the_file(hub: Hub, shop: Callable, invoice: Callable) -> None:
    shop(
        row("1"),
        row("2", customer="2"),
        row("1", product="22423", quantity="1"),
        row("3", customer="3"),
        row("1", product="71053"),
    )
    run(hub)
    assert [line.product_code for line in invoice("1").lines] == ["85123A", "22423", "71053"]


def test_numbers_follow_the_days_of_the_orders(hub: Hub, shop: Callable, query: Callable) -> None:
    days = ["2011-03-01", "2010-12-05", "2011-01-31", "2010-12-01"]
    shop(*(row(str(place), day=day, customer=str(place)) for place, day in enumerate(days)))
    run(hub)
    found = query("SELECT number, issue_date FROM invoices ORDER BY number")
    assert found == [(f"UK-{place:06d}", day) for place, day in enumerate(sorted(days), start=1)]


def test_a_second_run_adds_nothing(hub: Hub, shop: Callable, query: Callable) -> None:
    shop(*(each for each, _ in RELEASED), *HELD.values(), *UNREADABLE, REJECTED)
    run(hub)
    tables = ("landed", "documents", "invoices", "intents", "exceptions", "number_sequences")
    before = {name: query(f"SELECT * FROM {name} ORDER BY 1") for name in tables}
    run(hub)
    assert {name: query(f"SELECT * FROM {name} ORDER BY 1") for name in tables} == before


@pytest.mark.parametrize(
    ("action", "state", "exception"),
    [("report", "released", "reported"), ("hold", "held", "open"), ("reject", "rejected", "reported")],
)
def test_suspected_duplicates_go_where_the_policy_sends_them(
    hub: Hub, shop: Callable, query: Callable, control: Callable, action: str, state: str, exception: str
) -> None:
    orders = {**hub.policy.orders, "suspected_duplicate_line": action}
    strict = replace(hub, policy=msgspec.structs.replace(hub.policy, orders=orders))
    shop(row("1") * 3 + row("1", product="71053"), row("2", customer="2"))
    run(strict)
    assert query("SELECT invoice_id, state FROM invoices ORDER BY 1") == [("order_1", state), ("order_2", "released")]
    assert query("SELECT category, state, message FROM exceptions") == [
        ("suspected_duplicate_line", exception, "stands 3 times, equal in everything")
    ]
    rejections = query("SELECT subject FROM audit WHERE action = 'invoice.rejected'")
    assert rejections == ([("order_1",)] if action == "reject" else [])
    assert control().is_complete


def test_a_corrected_file_resolves_what_it_mends_and_releases_it(
    hub: Hub, shop: Callable, query: Callable, control: Callable
) -> None:
    shop(row("1", customer=""), row("2", quantity="six"), row("3", price="0", customer="3"), row("4", customer="4"))
    run(hub)
    assert query("SELECT invoice_id, state FROM invoices ORDER BY 1") == [
        ("order_1", "held"),
        ("order_3", "rejected"),
        ("order_4", "released"),
    ]
    shop(row("1", customer="1"), row("2", customer="2"), row("3", customer="3"), row("4", customer="4"))
    run(hub)
    assert {state for (state,) in query("SELECT state FROM invoices")} == {"released"}
    assert {state for (state,) in query("SELECT state FROM exceptions")} == {"resolved"}
    assert control().released == control().came_in == Volume(4, 4, Decimal("61.20"))
    assert query("SELECT number FROM invoices WHERE invoice_id = 'order_4'") == [("UK-000001",)]


def test_an_order_of_the_shop_is_never_dropped_when_the_policy_forgets_the_shop(
    hub: Hub, shop: Callable, query: Callable
) -> None:
    entities = {code: entity for code, entity in hub.policy.entities.items() if code != "UK"}
    without = replace(hub, policy=msgspec.structs.replace(hub.policy, entities=entities))
    shop(row("1"))
    run(without)
    assert query("SELECT category, subject_id, state FROM exceptions") == [("unknown_legal_entity", "1", "open")]
    with reading(hub.engine) as connection:
        [found] = reconcile.completeness(connection, without)
    assert found.held == found.came_in == Volume(1, 1, Decimal("15.30"))


def sum_of(*rows: bytes) -> Decimal:
    fields = [line.split(",") for each in rows for line in each.decode().splitlines()]
    return sum((Decimal(each[3]) * Decimal(each[5]) for each in fields), Decimal(0))
