"""The published retail file, whole: every line is accounted for, and the figures of the README are what comes of it."""

import csv
import gzip
import os
from collections import Counter
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, select

from billhub import reconcile, release, steps
from billhub.flows import load_flows
from billhub.hub import open_hub
from billhub.store.engine import reading
from billhub.store.schema import exceptions, landed

FILE = "online_retail_2010-12_2011-06.csv.gz"


@pytest.mark.spec
def test_the_published_file_is_accounted_for_to_the_last_digit(tmp_path: Path) -> None:
    file = Path(os.environ["HUB_SPEC_DIR"]).parent / "data" / FILE
    os.environ["AIRFLOW_CONN_BILLHUB_ONLINE_RETAIL"] = f'{{"conn_type": "x", "host": "{file}"}}'
    os.environ["AIRFLOW_CONN_BILLHUB_TAX_TABLE"] = '{"conn_type": "x"}'
    hub = open_hub(as_of=date(2026, 1, 15), actor="olive", url=f"sqlite:///{tmp_path / 'hub.sqlite'}")
    flow = load_flows()["retail_orders"]
    steps.run_flow(hub, flow)
    release.release_due(hub)
    with reading(hub.engine) as connection:
        [control] = reconcile.completeness(connection, hub)
    assert control.came_in == reconcile.Volume(12_795, 245_903, Decimal("4397950.761"))
    assert control.released == reconcile.Volume(10_649, 176_339, Decimal("3716020.431"))
    assert control.held == reconcile.Volume(1_016, 68_428, Decimal("681930.33"))
    assert control.rejected == reconcile.Volume(1_130, 1_136, Decimal(0))
    assert control.rounding == Decimal("-0.001")
    assert control.is_complete
    with reading(hub.engine) as connection:
        found = _categories(connection)
    assert found == found | _counted(file)
    assert found.keys() - _DIRT.keys() == {"mapped", "duplicate_request", "tax_id_not_collected"}
    steps.run_flow(hub, flow)
    again = release.release_due(hub)
    assert (again["new"], again.get("released", 0)) == (0, 0)
    hub.close()


def _categories(connection: Connection) -> dict[str, int]:
    """How many numbers the desk has in each category, and how many records were mapped."""
    numbers = func.count(exceptions.c.subject_id.distinct())
    found = select(exceptions.c.category, numbers).group_by(exceptions.c.category)
    mapped = select(func.count()).where(landed.c.state == "mapped")
    return {**{row[0]: row[1] for row in connection.execute(found)}, "mapped": connection.execute(mapped).scalar_one()}


def _counted(file: Path) -> dict[str, int]:
    """The same, counted from the file alone."""
    orders: dict[str, list[dict[str, str]]] = {}
    with gzip.open(file, "rt", encoding="utf-8", newline="") as text:
        for row in csv.DictReader(text):
            orders.setdefault(row["InvoiceNo"], []).append(row)
    counts: Counter[str] = Counter(mapped=len(orders))
    for number, rows in orders.items():
        kinds = [name for name, holds in _DIRT.items() if holds(number, rows)]
        counts.update(["not_a_sale"] if "not_a_sale" in kinds else kinds)  # what is no sale is looked at no further
    return dict(counts)


def _lines(rows: Sequence[dict[str, str]]) -> Counter[tuple[str, str, str]]:
    return Counter((row["StockCode"], row["Quantity"], row["UnitPrice"]) for row in rows)


_DIRT = {
    "not_a_sale": lambda _, rows: all(Decimal(row["UnitPrice"]) == 0 for row in rows),
    "missing_customer": lambda _, rows: not rows[0]["CustomerID"],
    "unknown_country": lambda _, rows: rows[0]["Country"] in {"Unspecified", "European Community"},
    "zero_price": lambda _, rows: any(Decimal(row["UnitPrice"]) == 0 for row in rows),
    "quantity_sign": lambda number, rows: any((int(row["Quantity"]) > 0) == number.startswith("C") for row in rows),
    "suspected_duplicate_line": lambda _, rows: max(_lines(rows).values()) > 1,
}
