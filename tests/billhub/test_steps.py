"""Flows are read with one clear error for what is wrong in them, and every run of a task leaves a row."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import msgspec
import pytest

import mappings
from billhub import flows, steps
from billhub.flows import Feed, Flow, Task, load_flows
from billhub.hub import Hub
from canonical_model import catalog
from canonical_model.errors import ConfigurationError
from connectors import registry
from connectors.settings import Connection

FEED = "{source: online_retail, entity: order, document: order}"
HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., dict[str, Flow]]:
    def load(*tasks: str, name: str = "own", head: str = "id: own\ndescription: A flow.") -> dict[str, Flow]:
        lines = "\n".join(f"  - {task}" for task in tasks)
        (tmp_path / f"{name}.yaml").write_text(f"{head}\ntasks:\n{lines}\n", "utf-8")
        return load_flows(tmp_path)

    return load


@pytest.fixture
def rows(query: Callable) -> Callable[[], list[tuple]]:
    return lambda: query("SELECT flow, step, state, counts, message FROM runs ORDER BY run_id")


@pytest.fixture
def retail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An order that needs no system outside."""
    file = tmp_path / "retail.csv"
    file.write_text(f"{HEADER}\n1,85123A,HEART,6,2010-12-01 08:26:00,2.55,17850,United Kingdom\n", "utf-8")
    monkeypatch.setenv("AIRFLOW_CONN_BILLHUB_ONLINE_RETAIL", f'{{"host": "{file}"}}')
    return file


# the shipped flows


def test_the_shipped_flows_name_what_exists() -> None:
    for flow in load_flows().values():
        assert flow.description
        for task in flow.tasks:
            assert set(task.run) <= set(steps.STEPS)
            if task.feed is not None:
                assert task.feed.mapping in mappings.names()
                assert task.feed.entity in registry.capabilities(task.feed.source).reads
                assert task.feed.document in catalog.DOCUMENTS
            if task.target is not None:
                assert registry.capabilities(task.target).writes


def test_every_step_is_used_and_every_feed_is_mapped() -> None:
    used = {step for flow in load_flows().values() for task in flow.tasks for step in task.run}
    assert used == set(steps.STEPS)
    landed = {task.feed for flow in load_flows().values() for task in flow.tasks if "land" in task.run}
    assert set(flows.feeds()) == landed


def test_every_target_of_the_policy_has_its_delivery(hub: Hub) -> None:
    delivered = {task.target for task in load_flows()["deliver"].tasks}
    assert {target for entity in hub.policy.entities.values() for target in entity.targets} <= delivered


# flow files


def test_a_flow_is_read(written: Callable) -> None:
    flow = written(f"{{id: land, run: [land], feed: {FEED}}}", f"{{id: map, run: [map], each: land, feed: {FEED}}}")[
        "own"
    ]
    feed = Feed(source="online_retail", entity="order", document="order")
    assert flow.tasks == (
        Task(id="land", run=("land",), feed=feed),
        Task(id="map", run=("map",), each="land", feed=feed),
    )
    assert feed.mapping == "online_retail/order"


@pytest.mark.parametrize(
    ("task", "said"),
    [
        ("{id: a, run: [fly]}", "Invalid enum value 'fly'"),
        ("{run: [plan]}", "missing required field `id`"),
        ("{id: a, run: [plan], retries: 3}", "unknown field `retries`"),
        ("{id: a, run: plan}", "Expected `array`"),
        ("{id: a, run: [map], feed: " + FEED + ", each: b}", "task a: 'b' is no task before it"),
        ("{id: a, run: [plan], each: a}", "task a: 'a' is no task before it"),
        ("{id: a, run: [land]}", "task a: step land needs a feed"),
        ("{id: a, run: [plan, deliver]}", "task a: step deliver needs a target"),
        ("{id: a, run: [map], feed: " + FEED + "}", "task a: step map works on batches"),
        ("{id: a, run: [check, tax]}", "task a: step check works on batches"),
        ("{id: a, run: [land], feed: {source: crm}}", "missing required field `entity`"),
        ("{id: a", "line"),
    ],
)
def test_what_is_wrong_in_a_file_is_said_with_its_name(written: Callable, task: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        written(task)
    assert str(raised.value).startswith("flow file own.yaml")
    assert said in str(raised.value)


def test_two_tasks_or_flows_cannot_share_a_name(written: Callable) -> None:
    with pytest.raises(ConfigurationError, match="task a: a task before it has the same id"):
        written("{id: a, run: [plan]}", "{id: a, run: [release]}")
    written("{id: a, run: [plan]}")
    with pytest.raises(ConfigurationError, match=r"second\.yaml: another file describes flow 'own'"):
        written("{id: a, run: [plan]}", name="second")


# runs


def test_a_run_leaves_a_row_with_what_it_did(hub: Hub, retail: Path, rows: Callable, query: Callable) -> None:
    steps.run_flow(hub, load_flows()["retail_orders"])
    assert rows() == [
        ("retail_orders", "land_orders", "done", '{"landed":1}', None),
        ("retail_orders", "map_orders", "done", '{"changed":1,"mapped":1,"superseded":0}', None),
    ]
    assert query("SELECT DISTINCT actor, as_of FROM runs") == [("olive", "2026-01-15")]


def test_several_steps_of_a_task_share_its_row_and_hand_on_its_batches(
    hub: Hub, retail: Path, rows: Callable, query: Callable
) -> None:
    for name in ("retail_orders", "invoice_release"):
        steps.run_flow(hub, load_flows()[name])
    by_step = {step: counts for _, step, _, counts, _ in rows()}
    assert by_step["check_and_tax"] == '{"checked":1,"held":0,"taxed":1}'
    assert by_step["release"] == '{"released":1,"sent_back":0}'
    assert query("SELECT number FROM invoices") == [("UK-000001",)]


def test_without_work_nothing_is_fanned_out(hub: Hub, rows: Callable) -> None:
    steps.run_flow(hub, load_flows()["invoice_release"])
    assert [step for _, step, *_ in rows()] == ["plan", "approve", "release"]


def test_a_failed_run_says_why_and_keeps_what_was_done(
    hub: Hub, retail: Path, monkeypatch: pytest.MonkeyPatch, rows: Callable
) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_BILLHUB_TAX_TABLE")
    steps.run_flow(hub, load_flows()["retail_orders"])
    with pytest.raises(ConfigurationError):
        steps.run_flow(hub, load_flows()["invoice_release"])
    flow, step, state, counts, message = rows()[-1]
    assert (flow, step, state, counts) == ("invoice_release", "check_and_tax", "failed", '{"checked":1}')
    assert "connection billhub_tax_table is not set" in message


def test_a_failed_run_can_be_run_again(
    hub: Hub, retail: Path, monkeypatch: pytest.MonkeyPatch, rows: Callable, query: Callable
) -> None:
    retail.rename(retail.with_suffix(".away"))
    with pytest.raises(ConfigurationError, match=r"retail\.csv"):
        steps.run_flow(hub, load_flows()["retail_orders"])
    assert [(step, state) for _, step, state, *_ in rows()] == [("land_orders", "failed")]
    retail.with_suffix(".away").rename(retail)
    steps.run_flow(hub, load_flows()["retail_orders"])
    assert query("SELECT canonical_id FROM documents") == [("1",)]


def test_an_interrupted_run_is_not_left_running(hub: Hub, rows: Callable) -> None:
    def interrupted(_system: str) -> Connection:
        raise KeyboardInterrupt

    land = load_flows()["retail_orders"].tasks[0]
    with pytest.raises(KeyboardInterrupt):
        steps.run_task(replace(hub, connection=interrupted), "retail_orders", land)
    assert [state for _, _, state, *_ in rows()] == ["failed"]


def test_a_step_that_lacks_something_says_so(hub: Hub, rows: Callable) -> None:
    for task, said in (
        (Task(id="a", run=("land",)), "task a: a land or map step needs a feed"),
        (Task(id="b", run=("check",)), "task b: check works on batches"),
        (Task(id="c", run=("deliver",)), "task c: a deliver step needs a target"),
    ):
        with pytest.raises(ConfigurationError, match=said):
            steps.run_task(hub, "own", task)
    assert [state for _, _, state, *_ in rows()] == ["failed"] * 3


def test_records_that_could_not_be_read_are_read_again_by_replay(hub: Hub, retail: Path, query: Callable) -> None:
    retail.write_text(f"{HEADER}\n1,85123A,HEART,6,2010-12-01 08:26:00,2.55,17850,Atlantis-on-Sea\n", "utf-8")
    steps.run_flow(hub, load_flows()["retail_orders"])
    replay = msgspec.structs.replace(
        load_flows()["replay_exceptions"], tasks=load_flows()["replay_exceptions"].tasks[:1]
    )
    steps.run_flow(hub, replay)
    assert query("SELECT counts FROM runs WHERE step = 'replay_records'") == [
        ('{"changed":0,"excepted":1,"replayed":1,"superseded":0}',)
    ]
    assert query("SELECT state FROM landed") == [("excepted",)]
    assert query("SELECT count(*), min(state) FROM exceptions") == [(1, "open")]


def test_runs_show_the_day_and_person_they_were_for(hub: Hub, query: Callable) -> None:
    other = replace(hub, actor="airflow", as_of=date(2026, 2, 1))
    steps.run_task(other, "invoice_release", Task(id="plan", run=("plan",)))
    assert query("SELECT actor, as_of FROM runs") == [("airflow", "2026-02-01")]
