"""Drift of records: let through, set aside or refused as the contract says, decided once for all records of a cause, and never lost."""

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from billhub import audit, drift, reconcile, steps, sync
from billhub.deliver.engine import retry_exception
from billhub.drift import DecisionRefusedError
from billhub.flows import Feed, Task
from billhub.hub import Hub
from billhub.reconcile import Volume
from billhub.store import documents, drifts, landed
from billhub.store.engine import reading, transaction
from billhub.store.schema import drift as drift_table
from billhub.store.schema import drift_records
from billhub.store.schema import landed as landed_table
from connectors.contract import ControlTotals, Page, RawRecord
from mappings.testing.fixtures import read_input

sys.path.insert(0, str(Path(__file__).parent))

from drift_ground import ACCOUNTS, CHANGED, NEW, ON, SHIPPED, account, bring_in, contracts_in, map_all

KINDS: dict[str, tuple[str, Callable[[str], RawRecord]]] = {
    "new_field": ("Segment__c", lambda number: account(number, **NEW)),
    "missing_field": ("Hub_Id__c", lambda number: account(number, without="Hub_Id__c")),
    "changed_type": ("PO_Required__c", lambda number: account(number, **CHANGED)),
}
PLACES = {"allow": "mapped", "quarantine": "quarantined", "refuse": "refused"}


@pytest.fixture
def contract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    with contracts_in(tmp_path / "mappings", monkeypatch) as rewrite:
        yield rewrite


@pytest.fixture
def states(query: Callable) -> Callable[[], dict[str, str]]:
    """State of each account, of its newest version."""
    return lambda: dict(query("SELECT external_id, state FROM landed ORDER BY landed_id"))


@pytest.fixture
def desk(query: Callable) -> Callable[[], list[tuple[Any, ...]]]:
    return lambda: query(
        "SELECT subject_id, path, value, state FROM exceptions WHERE subject_type = 'drift' ORDER BY exception_id"
    )


def decide(hub: Hub, drift_id: int, *, accept: bool, reason: str = "as agreed with sales") -> dict[str, int]:
    with transaction(hub.engine) as connection:
        return dict(drift.decide(connection, hub, drift_id, accept=accept, reason=reason))


def replay(hub: Hub) -> None:
    steps.run_task(hub, "replay_exceptions", Task(id="replay_records", run=("replay_records",)))


# what the contract says


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("policy", PLACES)
def test_each_policy_holds_for_each_kind(
    policy: str, kind: str, hub: Hub, contract: Callable, states: Callable, desk: Callable, query: Callable
) -> None:
    path, drifted = KINDS[kind]
    contract((f"{kind}: quarantine", f"{kind}: {policy}"))
    bring_in(hub, account("A-1"), drifted("A-2"))
    mapped = PLACES[policy] == "mapped" and kind != "changed_type"  # the mapping refuses `yes` by itself
    assert states() == {
        "A-1": "mapped",
        "A-2": "mapped" if mapped else {"allow": "excepted"}.get(policy, PLACES[policy]),
    }
    assert query("SELECT drift_id, kind, path, policy, state, external_id FROM drift") == [
        (1, kind, path, policy, "open", "A-2")
    ]
    value = {"new_field": "Enterprise", "missing_field": "nothing", "changed_type": "yes"}[kind]
    assert desk() == [("salesforce/account/1", path, value, "reported" if policy == "allow" else "open")]


def test_a_policy_of_a_field_comes_before_that_of_the_contract(hub: Hub, contract: Callable, states: Callable) -> None:
    contract(("PO_Required__c: [boolean, null]", "PO_Required__c: {type: [boolean, null], changed: refuse}"))
    bring_in(hub, account("A-1", **CHANGED), account("A-2", **NEW))
    assert states() == {"A-1": "refused", "A-2": "quarantined"}


def test_the_strictest_cause_of_a_record_decides(hub: Hub, contract: Callable, states: Callable) -> None:
    contract((ON, "{new_field: allow, missing_field: quarantine, changed_type: refuse}"))
    bring_in(
        hub,
        account("A-1", **NEW, **CHANGED, without="Hub_Id__c"),
        account("A-2", **NEW, without="Hub_Id__c"),
        account("A-3", **NEW),
    )
    assert states() == {"A-1": "refused", "A-2": "quarantined", "A-3": "mapped"}


def test_one_cause_is_one_row_and_one_exception_however_many_records_have_it(
    hub: Hub, states: Callable, query: Callable
) -> None:
    counts = bring_in(hub, *(account(f"A-{number}", **NEW) for number in range(40)), size=10)
    assert counts == {"quarantined": 40}
    assert query("SELECT count(*) FROM drift") == [(1,)]
    [(message, owner, deadline)] = query("SELECT message, owner, deadline FROM exceptions")
    assert message == (
        "salesforce account, field Segment__c: is new, with 'Enterprise'; 40 versions of records with it so far, which wait for a decision"
    )
    assert (owner, deadline) == ("integration-team", "2026-01-16")
    with reading(hub.engine) as connection:
        assert drifts.records(connection, [1]) == {1: {"quarantined": 40}}
        assert drifts.examples(connection, 1, limit=2) == ["A-0", "A-1"]


def test_batches_side_by_side_meet_one_cause(open_as: Callable, query: Callable) -> None:
    hubs = [open_as() for _ in range(3)]
    records = tuple(account(f"A-{number}", **NEW) for number in range(12))
    with transaction(hubs[0].engine) as connection:
        landed.land(connection, "salesforce", "account", Page(records=records, cursor=None, has_more=False))
    with ThreadPoolExecutor(3) as pool:
        batches = sync.batches(hubs[0], ACCOUNTS, size=4)
        list(pool.map(lambda each, batch: sync.map_batch(each, ACCOUNTS, batch), hubs, batches))
    assert query("SELECT count(*) FROM drift") == [(1,)]
    assert query("SELECT state, count(*) FROM landed GROUP BY state") == [("quarantined", 12)]
    assert query("SELECT count(*) FROM exceptions") == [(1,)]


# decisions


def test_accepted_the_records_go_back_to_work_and_later_ones_go_on(
    hub: Hub, states: Callable, desk: Callable, query: Callable
) -> None:
    bring_in(hub, account("A-1", **NEW), account("A-2", **NEW))
    assert decide(hub, 1, accept=True) == {"new": 2, "quarantined": 0, "refused": 0}
    assert states() == {"A-1": "new", "A-2": "new"}
    assert map_all(hub) == {"mapped": 2}
    assert bring_in(hub, account("A-3", **NEW)) == {"mapped": 1}
    assert desk() == [("salesforce/account/1", "Segment__c", "Enterprise", "resolved")]
    assert query("SELECT resolution FROM exceptions") == [("drift accepted: as agreed with sales",)]
    assert query("SELECT state, decided_by, decided_on, reason FROM drift") == [
        ("accepted", "olive", "2026-01-15", "as agreed with sales")
    ]
    with reading(hub.engine) as connection:
        [entry] = [
            each for each in audit.trail(connection, ["salesforce/account/1"]) if each.action == "drift.accepted"
        ]
        assert audit.first_broken(connection) is None
    assert (entry.actor, entry.detail["reason"], entry.detail["was"]) == ("olive", "as agreed with sales", "open")


def test_accepted_a_record_that_another_cause_holds_still_waits(hub: Hub, states: Callable, query: Callable) -> None:
    bring_in(hub, account("A-1", **NEW), account("A-2", **NEW, without="Hub_Id__c"))
    ids = dict(query("SELECT kind, drift_id FROM drift"))
    assert decide(hub, ids["new_field"], accept=True)["new"] == 1
    assert states() == {"A-1": "new", "A-2": "quarantined"}
    assert decide(hub, ids["missing_field"], accept=True)["new"] == 1
    assert map_all(hub) == {"mapped": 2}


def test_refused_the_records_are_refused_until_another_version_comes_or_the_decision_changes(
    hub: Hub, states: Callable, desk: Callable
) -> None:
    bring_in(hub, account("A-1", **NEW), account("A-2", **NEW))
    assert decide(hub, 1, accept=False) == {"refused": 2, "quarantined": 0, "new": 0}
    replay(hub)
    assert states() == {"A-1": "refused", "A-2": "refused"}
    assert bring_in(hub, account("A-3", **NEW), account("A-1", version="2")) == {"refused": 1, "mapped": 1}
    assert [state for *_, state in desk()] == ["resolved"]
    assert decide(hub, 1, accept=True)["new"] == 2
    assert map_all(hub) == {"mapped": 2}


def test_what_was_mapped_before_a_refusal_stays(hub: Hub, contract: Callable, states: Callable) -> None:
    contract(("new_field: quarantine", "new_field: allow"))
    bring_in(hub, account("A-1", **NEW))
    assert decide(hub, 1, accept=False) == {"refused": 0, "quarantined": 0, "new": 0}
    assert states() == {"A-1": "mapped"}
    assert bring_in(hub, account("A-2", **NEW)) == {"refused": 1}


@pytest.mark.parametrize(
    ("prepare", "accept", "reason", "told"),
    [
        ([], True, "x", r"there is no drift 1; see billhub drift list"),
        ([NEW], True, " ", "a decision needs its reason; say it with --reason TEXT"),
        ([NEW, True], True, "x", "drift 1 was accepted by olive on 2026-01-15 already"),
        ([NEW, False], False, "x", "drift 1 was refused by olive on 2026-01-15 already"),
    ],
)
def test_a_decision_that_cannot_be_taken_says_why(
    prepare: list[Any], accept: bool, reason: str, told: str, hub: Hub
) -> None:
    if prepare:
        bring_in(hub, account("A-1", **prepare[0]))
    if len(prepare) > 1:
        decide(hub, 1, accept=prepare[1])
    with pytest.raises(DecisionRefusedError, match=told):
        decide(hub, 1, accept=accept, reason=reason)


# the contract changes


def test_a_contract_that_promises_it_now_settles_the_drift_and_replay_maps_the_records(
    hub: Hub, contract: Callable, states: Callable, desk: Callable, query: Callable
) -> None:
    contract()
    bring_in(hub, account("A-1", **NEW))
    contract(("version: 1", "version: 2"), ("\nfields:", "\nunread:\n  $: [Segment__c]\nfields:"))
    replay(hub)
    assert states() == {"A-1": "mapped"}
    assert query("SELECT state, reason FROM drift") == [("settled", "version 2 of the contract promises it")]
    assert [state for *_, state in desk()] == ["resolved"]
    with pytest.raises(DecisionRefusedError, match=r"is settled .* nothing to decide"):
        decide(hub, 1, accept=True)


def test_another_policy_holds_for_records_that_wait_already(hub: Hub, contract: Callable, states: Callable) -> None:
    contract()
    bring_in(hub, account("A-1", **NEW))
    for policy, state in (("refuse", "refused"), ("quarantine", "quarantined"), ("allow", "mapped")):
        contract(("new_field: quarantine", f"new_field: {policy}"))
        replay(hub)
        assert states() == {"A-1": state}


def test_settled_drift_that_comes_back_is_open_again(hub: Hub, contract: Callable, desk: Callable) -> None:
    contract()
    bring_in(hub, account("A-1", **NEW))
    contract(("\nfields:", "\nunread:\n  $: [Segment__c]\nfields:"))
    replay(hub)
    contract()
    assert bring_in(hub, account("A-2", **NEW)) == {"quarantined": 1}
    assert [state for *_, state in desk()] == ["open"]


# what asks whether a record can be read


@pytest.mark.parametrize("accept", [None, False])
def test_a_document_whose_record_is_held_is_behind_its_source(accept: bool | None, hub: Hub) -> None:
    bring_in(hub, account("A-1"))
    bring_in(hub, account("A-1", version="2", **NEW))
    if accept is not None:
        decide(hub, 1, accept=accept)
    with reading(hub.engine) as connection:
        assert documents.outdated(connection, "customer", ["A-1"]) == {"A-1"}


def test_the_problems_of_a_record_that_is_held_stay_on_the_desk(hub: Hub, query: Callable) -> None:
    bring_in(hub, account("A-1", Active__c="Perhaps"))
    bring_in(hub, account("A-1", version="2", **NEW))
    assert query("SELECT category, state FROM exceptions ORDER BY exception_id") == [
        ("mapping_defect", "open"),
        ("schema_drift", "open"),
    ]


def test_an_older_version_that_was_held_does_not_come_back(hub: Hub, query: Callable) -> None:
    bring_in(hub, account("A-1", **NEW))
    bring_in(hub, account("A-1", version="2"))
    assert decide(hub, 1, accept=True)["new"] == 0
    replay(hub)
    assert query("SELECT state FROM landed ORDER BY landed_id") == [("quarantined",), ("mapped",)]


def test_held_orders_are_held_and_refused_ones_rejected_to_the_penny(hub: Hub) -> None:
    control = ControlTotals(lines=2, amount="12.345", currency="GBP", legal_entity="UK")
    orders = tuple(RawRecord(external_id=str(each), version="", body={}, control=control) for each in range(3))
    with transaction(hub.engine) as connection:
        landed.land(connection, "online_retail", "order", Page(records=orders, cursor=None, has_more=False))
        landed.mark(connection, {1: "quarantined", 2: "refused", 3: "excepted"})
        [row] = reconcile.completeness(connection, hub)
    assert row.is_complete
    assert (row.came_in, row.held, row.rejected) == (
        Volume(3, 6, Decimal("37.035")),
        Volume(2, 4, Decimal("24.690")),
        Volume(1, 2, Decimal("12.345")),
    )


# answers, which are never landed

QUOTES = Feed(source="tax_table", entity="tax_quote", document="tax_quote")


def test_what_drifts_in_an_answer_is_reported_and_holds_nothing(hub: Hub, desk: Callable, query: Callable) -> None:
    quote = read_input(SHIPPED / "tax_table" / "tax_quote.full.in.json")
    drift.observe(hub, QUOTES, {"536365": quote})
    assert query("SELECT count(*) FROM drift") == [(0,)]
    drift.observe(
        hub, QUOTES, {"536366": quote, "536367": {**quote, "jurisdictions": 2}, "536368": {**quote, "jurisdictions": 3}}
    )
    assert desk() == [("tax_table/tax_quote/1", "jurisdictions", "2", "reported")]
    [(message,)] = query("SELECT message FROM exceptions")
    assert message.endswith("is new, with '2'; seen in its answer about 536367; no record that was landed has it")


def test_the_exception_of_drift_is_retried_by_the_sync(hub: Hub) -> None:
    bring_in(hub, account("A-1", **NEW))
    with transaction(hub.engine) as connection:
        assert retry_exception(connection, hub, 1) == "sync"


# whatever happens

KIND_SETS = st.sets(st.sampled_from(sorted(KINDS)))
ACTIONS = st.lists(
    st.tuples(st.just("land"), st.integers(1, 3), KIND_SETS)
    | st.tuples(st.sampled_from(["accept", "refuse"]), st.sampled_from(sorted(KINDS)), st.just(frozenset()))
    | st.tuples(st.just("map"), st.just(0), st.just(frozenset())),
    max_size=8,
)
CHANGES = {"new_field": NEW, "changed_type": {"Tax_Registration__c": 5}, "missing_field": {}}
_runs = count()


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ACTIONS)
def test_whatever_drifts_and_is_decided_every_record_is_in_exactly_one_place(
    hub: Hub, query: Callable, actions: list[tuple[str, Any, set[str]]]
) -> None:
    world = _World(hub, query)
    for action, what, kinds in actions:
        world.act(action, what, kinds)
        placed = world.placed()
        assert placed.keys() == world.records.keys()
        assert {name: state for name, state in placed.items() if state != "new"} == world.expected(placed)
    world.act("map", 0, set())
    assert set(world.placed().values()) <= {"mapped", "quarantined", "refused"}
    assert world.placed() == world.expected(world.placed())


class _World:
    """The hub beside a model of it that knows only which kinds of drift a record has and how each was decided."""

    def __init__(self, hub: Hub, query: Callable) -> None:
        self.hub, self.query, self.run, self.turn = hub, query, next(_runs), count()
        self.records: dict[str, set[str]] = {}
        self.decided: dict[str, str] = {}
        with transaction(hub.engine) as connection:
            connection.execute(delete(drift_records))
            connection.execute(delete(drift_table))
            connection.execute(landed_table.update().values(state="superseded"))

    def act(self, action: str, what: Any, kinds: set[str]) -> None:
        if action == "land":
            self._land(f"A-{self.run}-{what}", kinds)
        elif action == "map":
            map_all(self.hub)
        else:
            self._decide(what, accept=action == "accept")

    def placed(self) -> dict[str, str]:
        """State of each record, of its newest version."""
        return dict(
            self.query(
                "SELECT external_id, state FROM landed WHERE external_id LIKE :run ORDER BY landed_id",
                run=f"A-{self.run}-%",
            )
        )

    def expected(self, placed: dict[str, str]) -> dict[str, str]:
        """Where those are that do not wait for the next run. What was mapped before a decision stays mapped."""
        settled = {name: kinds for name, kinds in self.records.items() if placed[name] != "new"}
        return {name: "mapped" if placed[name] == "mapped" else self._place(kinds) for name, kinds in settled.items()}

    def _land(self, name: str, kinds: set[str]) -> None:
        changes = {field: value for kind in kinds for field, value in CHANGES[kind].items()}
        without = "Hub_Id__c" if "missing_field" in kinds else None
        self.records[name] = kinds
        bring_in(self.hub, account(name, without=without, version=str(next(self.turn)), **changes))
        assert self.placed()[name] == self._place(kinds)

    def _decide(self, kind: str, *, accept: bool) -> None:
        state = "accepted" if accept else "refused"
        for (drift_id,) in self.query(
            "SELECT drift_id FROM drift WHERE kind = :kind AND state <> :state", kind=kind, state=state
        ):
            decide(self.hub, drift_id, accept=accept)
            self.decided[kind] = state

    def _place(self, kinds: set[str]) -> str:
        if any(self.decided.get(kind) == "refused" for kind in kinds):
            return "refused"
        return "quarantined" if any(kind not in self.decided for kind in kinds) else "mapped"
