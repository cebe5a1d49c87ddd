"""The published retail file, whole: every line is accounted for, and the figures of the README are what comes of it."""

import os
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from billhub import reconcile, release, steps
from billhub.flows import load_flows
from billhub.hub import open_hub
from billhub.store.engine import reading

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
    steps.run_flow(hub, flow)
    again = release.release_due(hub)
    assert (again["new"], again.get("released", 0)) == (0, 0)
    hub.close()
