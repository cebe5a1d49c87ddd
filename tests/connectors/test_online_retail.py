"""The CSV source: nothing is lost, whatever the dirt, and pages resume."""

import gzip
import os
from decimal import Decimal
from pathlib import Path

import pytest

from canonical_model.errors import ConfigurationError
from connectors.conformance import ReadCase, SourceConformance
from connectors.contract import Connector, RawRecord, Source
from connectors.errors import UnsupportedError
from connectors.online_retail.connector import OnlineRetail, connect
from connectors.settings import Connection

HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
DAY = "2010-12-01 08:26:00"
CLEAN = f"536365,85123A,WHITE HOLDER,6,{DAY},2.55,17850.0,United Kingdom"


def write_csv(path: Path, *lines: str | bytes) -> Path:
    content = b"\n".join(line if isinstance(line, bytes) else line.encode() for line in (HEADER, *lines)) + b"\n"
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def source(path: Path) -> OnlineRetail:
    return connect(Connection(conn_id="billhub_online_retail", host=str(path)))


def read_all(connector: OnlineRetail, limit: int = 1000) -> list[RawRecord]:
    records: list[RawRecord] = []
    cursor = None
    while True:
        page = connector.read("order", cursor=cursor, limit=limit)
        records += page.records
        cursor = page.cursor
        if not page.has_more:
            return records


def one(tmp_path: Path, *lines: str | bytes) -> RawRecord:
    [record] = read_all(source(write_csv(tmp_path / "orders.csv", *lines)))
    return record


class TestOrders(SourceConformance):
    # A file has nobody who could throttle, lose an answer or ask for a login.
    test_throttling_is_told_apart = None
    test_a_lost_answer_is_unavailable = None
    test_expired_login = None

    @pytest.fixture
    def case(self, tmp_path: Path) -> ReadCase:
        path = many(tmp_path)
        return ReadCase(open=lambda: source(path), vendor=None, entity="order", operation="", limit=5)


def test_is_a_source(tmp_path: Path) -> None:
    connector = source(write_csv(tmp_path / "orders.csv", CLEAN))
    assert isinstance(connector, Connector)
    assert isinstance(connector, Source)
    assert "536365" in connector.ping()


def test_a_clean_order(tmp_path: Path) -> None:
    second = f"536365,71053,METAL LANTERN,2,{DAY},3.395,17850.0,United Kingdom"
    record = one(tmp_path, CLEAN, second)
    assert (record.external_id, record.version) == ("536365", "")
    assert record.body == {
        "InvoiceNo": "536365",
        "InvoiceDate": DAY,
        "CustomerID": "17850",
        "Country": "United Kingdom",
        "Lines": [
            {
                "LineNo": 1,
                "Row": 2,
                "StockCode": "85123A",
                "Description": "WHITE HOLDER",
                "Quantity": "6",
                "UnitPrice": "2.55",
            },
            {
                "LineNo": 2,
                "Row": 3,
                "StockCode": "71053",
                "Description": "METAL LANTERN",
                "Quantity": "2",
                "UnitPrice": "3.395",
            },
        ],
    }
    assert record.control is not None
    assert (record.control.lines, record.control.amount, record.control.currency, record.control.legal_entity) == (
        2,
        "22.090",
        "GBP",
        "UK",
    )


def test_an_invoice_number_that_comes_back_is_one_order(tmp_path: Path) -> None:
    other = CLEAN.replace("536365", "536366")
    records = read_all(source(write_csv(tmp_path / "orders.csv", CLEAN, other, CLEAN)))
    assert [(r.external_id, len(r.body["Lines"])) for r in records] == [("536366", 1), ("536365", 2)]
    assert [line["Row"] for line in records[1].body["Lines"]] == [2, 4]


def test_repeated_rows_and_cancellations_stay_as_they_are(tmp_path: Path) -> None:
    row = f"C536379,D,Discount,-1,{DAY},27.50,14527.0,United Kingdom"
    record = one(tmp_path, row, row)
    assert [line["Quantity"] for line in record.body["Lines"]] == ["-1", "-1"]
    assert record.control is not None
    assert record.control.amount == "-55.00"


def test_a_missing_customer_is_null(tmp_path: Path) -> None:
    assert one(tmp_path, CLEAN.replace("17850.0", "")).body["CustomerID"] is None


def test_zero_and_negative_prices_are_kept(tmp_path: Path) -> None:
    record = one(tmp_path, CLEAN.replace("2.55", "0.0"), CLEAN.replace("2.55", "-11062.06"))
    assert [line["UnitPrice"] for line in record.body["Lines"]] == ["0.0", "-11062.06"]


def test_a_quoted_comma_is_text(tmp_path: Path) -> None:
    record = one(tmp_path, CLEAN.replace("WHITE HOLDER", '"HOLDER, ""WHITE"""'))
    assert record.body["Lines"][0]["Description"] == 'HOLDER, "WHITE"'


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("536365,85123A,WHITE HOLDER,6", "4 columns instead of 8"),
        (CLEAN + ",extra", "9 columns instead of 8"),
        (CLEAN.replace(",6,", ",six,"), "Quantity 'six' is not a number"),
        (CLEAN.replace("2.55", "NaN"), "UnitPrice 'NaN' is not a number"),
        (CLEAN.replace("2.55", ""), "UnitPrice '' is not a number"),
        (CLEAN.replace("WHITE HOLDER", '"WHITE HOLDER'), "quotes: unexpected end of data"),
        (CLEAN.encode().replace(b"WHITE", b"\xa3WHITE"), "not UTF-8 at byte 14"),
        (CLEAN.replace("WHITE", "\0WHITE"), "holds a NUL character"),
    ],
)
def test_an_unreadable_row_stays_in_its_order(tmp_path: Path, line: str | bytes, reason: str) -> None:
    record = one(tmp_path, CLEAN, line)
    bad = record.body["Lines"][1]
    assert bad["Unreadable"] == reason
    assert bad["Raw"].startswith("536365,85123A,")
    assert bad["Row"] == 3
    assert record.control is not None
    assert (record.control.lines, record.control.amount) == (2, "15.30")


def test_an_opening_quote_does_not_swallow_the_rest_of_the_file(tmp_path: Path) -> None:
    broken = CLEAN.replace("WHITE HOLDER", '"WHITE HOLDER')
    records = read_all(source(write_csv(tmp_path / "orders.csv", broken, CLEAN.replace("536365", "536366"))))
    assert [r.external_id for r in records] == ["536365", "536366"]
    assert "Unreadable" not in records[1].body["Lines"][0]


def test_a_row_without_a_number_is_an_order_of_its_own(tmp_path: Path) -> None:
    records = read_all(source(write_csv(tmp_path / "orders.csv", CLEAN, CLEAN.replace("536365", ""), "")))
    assert [r.external_id for r in records] == ["536365", "row 3"]
    assert records[1].body["Lines"][0]["Unreadable"] == "InvoiceNo is empty"


def test_an_order_of_unreadable_rows_only_has_no_header(tmp_path: Path) -> None:
    record = one(tmp_path, "536365,85123A")
    assert (record.body["InvoiceDate"], record.body["CustomerID"], record.body["Country"]) == (None, None, None)


def test_rows_that_disagree_are_shown(tmp_path: Path) -> None:
    later = CLEAN.replace("08:26:00", "08:27:00")
    other = CLEAN.replace("17850.0", "12583.0").replace("United Kingdom", "France").replace("2010-12-01", "2010-12-02")
    record = one(tmp_path, CLEAN, later, other)
    assert record.body["CustomerID"] == "17850"
    assert record.body["HeaderConflicts"] == {
        "InvoiceDate": ["2010-12-02 08:26:00"],
        "CustomerID": ["12583"],
        "Country": ["France"],
    }


def test_a_later_minute_is_no_conflict(tmp_path: Path) -> None:
    assert "HeaderConflicts" not in one(tmp_path, CLEAN, CLEAN.replace("08:26:00", "08:27:00")).body


def many(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "many.csv.gz", *(CLEAN.replace("536365", str(600000 + n)) for n in range(25)))


def test_pages_of_any_size_give_the_same_orders(tmp_path: Path) -> None:
    path = many(tmp_path)
    whole = read_all(source(path))
    assert [r.external_id for r in whole] == [str(600000 + n) for n in range(25)]
    for limit in (1, 7, 25, 100):
        assert read_all(source(path), limit) == whole


def test_a_page_tells_where_to_go_on(tmp_path: Path) -> None:
    connector = source(many(tmp_path))
    first = connector.read("order", cursor=None, limit=20)
    assert (first.cursor.partition("@")[0], first.has_more, len(first.records)) == ("20", True, 20)
    second = connector.read("order", cursor=first.cursor, limit=20)
    assert (second.cursor.partition("@")[0], second.has_more, len(second.records)) == ("25", False, 5)
    third = connector.read("order", cursor=second.cursor, limit=20)
    assert (third.cursor, third.has_more, third.records) == (second.cursor, False, ())


def test_a_new_process_resumes_from_the_cursor(tmp_path: Path) -> None:
    cursor = source(many(tmp_path)).read("order", cursor=None, limit=20).cursor
    page = source(many(tmp_path)).read("order", cursor=cursor, limit=3)
    assert [r.external_id for r in page.records] == ["600020", "600021", "600022"]


def test_a_page_can_be_asked_for_again(tmp_path: Path) -> None:
    connector = source(many(tmp_path))
    first = connector.read("order", cursor=None, limit=4)
    second = connector.read("order", cursor=first.cursor, limit=4)
    assert connector.read("order", cursor=first.cursor, limit=4) == second
    assert source(many(tmp_path)).read("order", cursor=first.cursor, limit=4) == second


def test_another_file_is_read_from_its_start(tmp_path: Path) -> None:
    path = many(tmp_path)
    connector = source(path)
    cursor = connector.read("order", cursor=None, limit=100).cursor
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()).replace(b"600003", b"700003")))
    for reader in (connector, source(path)):
        page = reader.read("order", cursor=cursor, limit=100)
        assert len(page.records) == 25
        assert "700003" in {record.external_id for record in page.records}
        assert page.cursor != cursor


def test_an_empty_file_has_no_orders(tmp_path: Path) -> None:
    page = source(write_csv(tmp_path / "orders.csv")).read("order", cursor=None, limit=5)
    assert (page.records, page.cursor, page.has_more) == ((), None, False)


def test_another_header_stops_the_run(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text("Invoice,StockCode\n1,2\n")
    with pytest.raises(ConfigurationError, match="expected 'InvoiceNo"):
        source(path).ping()


@pytest.mark.parametrize("name", ["missing.csv", "broken.csv.gz", "cut.csv.gz"])
def test_a_file_that_cannot_be_read_stops_the_run(tmp_path: Path, name: str) -> None:
    (tmp_path / "broken.csv.gz").write_bytes(b"no gzip")
    (tmp_path / "cut.csv.gz").write_bytes(gzip.compress(f"{HEADER}\n{CLEAN}\n".encode())[:-12])
    with pytest.raises(ConfigurationError, match=name):
        read_all(source(tmp_path / name))


def test_other_entities_are_unsupported(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError):
        source(write_csv(tmp_path / "orders.csv")).read("invoice", cursor=None, limit=1)


def test_the_setting_names_itself() -> None:
    with pytest.raises(ConfigurationError, match="'host'"):
        connect(Connection(conn_id="billhub_online_retail"))


@pytest.mark.spec
def test_the_published_file_is_complete_to_the_last_digit() -> None:
    specs = os.environ.get("HUB_SPEC_DIR")
    if not specs:
        pytest.skip("HUB_SPEC_DIR is not set")
    connector = source(Path(specs).parent / "data" / "online_retail_2010-12_2011-06.csv.gz")
    records = read_all(connector)
    controls = [record.control for record in records if record.control]
    assert len({record.external_id for record in records}) == len(records) == 12_795
    assert sum(control.lines for control in controls) == 245_903
    assert sum(Decimal(control.amount) for control in controls) == Decimal("4397950.761")
    lines = [line for record in records for line in record.body["Lines"]]
    assert sum(Decimal(line["Quantity"]) * Decimal(line["UnitPrice"]) for line in lines) == Decimal("4397950.761")
