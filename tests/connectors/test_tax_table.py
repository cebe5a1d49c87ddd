"""The rate table as a tax engine."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby, pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonical_model.codes import is_country
from connectors.contract import TaxEngine, WriteError
from connectors.settings import Connection
from connectors.tax_table import rates
from connectors.tax_table.connector import TaxTable, connect


def document(*nets: str, **changes: Any) -> dict[str, Any]:
    lines = [{"line_id": str(number), "net": Decimal(net)} for number, net in enumerate(nets, 1)]
    fields = {
        "document_id": "UK-1",
        "tax_date": "2010-12-01",
        "seller_country": "GB",
        "buyer_country": "GB",
        "buyer_tax_id": None,
    }
    return {**fields, "currency": "GBP", "lines": lines, **changes}


def answer_to(payload: dict[str, Any]) -> Any:
    [answer] = TaxTable().quote([payload])
    return answer


def test_it_is_a_tax_engine() -> None:
    engine = connect(Connection(conn_id="billhub_tax_table"))
    assert isinstance(engine, TaxEngine)
    assert engine.ping() == f"{len(rates.table().rates)} standard VAT rates"
    engine.close()


@pytest.mark.parametrize(
    ("day", "percent"),
    [("2010-12-01", "17.5"), ("2011-01-03", "17.5"), ("2011-01-04", "20"), ("2011-06-30", "20"), ("2026-01-15", "20")],
)
def test_the_british_rate_changes_on_its_day(day: str, percent: str) -> None:
    [line] = answer_to(document("100.00", tax_date=day))["lines"]
    assert (line["rate"], line["tax"], line["category"]) == (
        Decimal(percent),
        Decimal(percent).quantize(Decimal("0.01")),
        "S",
    )


@pytest.mark.parametrize(
    ("seller", "buyer", "day", "category"),
    [
        ("GB", "DE", "2010-12-01", "K"),
        ("GB", "DE", "2021-01-01", "G"),
        ("DE", "FR", "2026-01-15", "K"),
        ("GB", "AU", "2010-12-01", "G"),
        ("GB", "HR", "2010-12-01", "G"),
        ("US", "DE", "2026-01-15", "G"),
    ],
)
def test_across_the_border_nothing_is_due(seller: str, buyer: str, day: str, category: str) -> None:
    answer = answer_to(document("100.00", seller_country=seller, buyer_country=buyer, tax_date=day))
    assert [(line["category"], line["rate"], line["tax"]) for line in answer["lines"]] == [(category, 0, 0)]
    assert answer["total_tax"] == 0


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"buyer_country": None}, "unknown_country", "buyer_country"),
        ({"buyer_country": "EIRE"}, "unknown_country", "buyer_country"),
        ({"seller_country": "ZZ"}, "unknown_country", "seller_country"),
        ({"currency": "QQQ"}, "unknown_currency", "currency"),
        ({"tax_date": "1/12/2010"}, "invalid_date", "tax_date"),
        ({"tax_date": None}, "invalid_date", "tax_date"),
        ({"seller_country": "US", "buyer_country": "US"}, "no_rate", "tax_date"),
        ({"tax_date": "2009-12-31"}, "no_rate", "tax_date"),
    ],
)
def test_what_cannot_be_decided_is_refused(changes: dict[str, Any], code: str, field: str) -> None:
    error = answer_to(document("1.00", **changes))
    assert isinstance(error, WriteError)
    assert (error.code, error.field) == (code, field)


def test_one_refusal_holds_back_no_other_document() -> None:
    answers = TaxTable().quote([document("1.00", buyer_country="EIRE"), document("1.00", document_id="UK-2")])
    assert isinstance(answers[0], WriteError)
    assert answers[1]["document_id"] == "UK-2"


def test_lines_are_rounded_half_up_one_by_one() -> None:
    answer = answer_to(document("0.20", "0.20", "-0.20"))  # 0.035 each
    assert [line["tax"] for line in answer["lines"]] == [Decimal("0.04"), Decimal("0.04"), Decimal("-0.04")]
    assert answer["total_tax"] == Decimal("0.04")


def test_a_currency_without_decimals() -> None:
    answer = answer_to(document("105", currency="JPY", seller_country="DE", buyer_country="DE", tax_date="2026-01-15"))
    assert answer["total_tax"] == Decimal(20)  # 19.95


@given(st.lists(st.decimals("-99999.99", "99999.99", places=2), max_size=20))
def test_the_total_is_the_sum_and_a_credit_note_mirrors_it(nets: list[Decimal]) -> None:
    answer, mirrored = (answer_to(document(*(str(sign * net) for net in nets))) for sign in (1, -1))
    assert answer["total_tax"] == sum(line["tax"] for line in answer["lines"])
    assert mirrored["total_tax"] == -answer["total_tax"]


def test_the_table_has_one_rate_a_day_without_gaps() -> None:
    for country, group in groupby(rates.table().rates, key=lambda rate: rate.country):
        history = list(group)
        assert is_country(country)
        assert history[0].valid_from <= date(2010, 12, 1)
        assert history[-1].valid_to is None
        for earlier, later in pairwise(history):
            assert earlier.valid_to is not None
            assert earlier.valid_to + timedelta(days=1) == later.valid_from
            assert earlier.percent != later.percent
    countries = [country for country, _ in groupby(rates.table().rates, key=lambda rate: rate.country)]
    assert len(countries) == len(set(countries)) == 28


def test_every_rate_names_a_source() -> None:
    assert {rate.source for rate in rates.table().rates} == set(rates.table().sources)
