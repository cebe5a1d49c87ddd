"""The exception desk: every problem one row, whatever happens in which order."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import count

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import select

from billhub import exceptions
from billhub.deliver.engine import retry_exception
from billhub.exceptions import Problem
from billhub.hub import Hub
from billhub.store.engine import reading, transaction
from billhub.store.schema import audit as audit_table
from billhub.store.schema import exceptions as desk
from canonical_model.errors import ConfigurationError
from canonical_model.money import Money
from canonical_model.violations import Violation


def problem(
    subject: str = "C-1", *, rule_id: str = "HUB-C11", path: str = "customer.status", **changes: object
) -> Problem:
    value, message = str(changes.pop("value", "inactive")), str(changes.pop("message", "the buyer is inactive"))
    category = str(changes.pop("category", "buyer_inactive"))
    violation = Violation(rule_id=rule_id, category=category, path=path, value=value, message=message)
    fields = {"subject_type": "invoice", "subject_id": subject, "violation": violation, "content_hash": "h1"}
    return Problem(**{**fields, **changes})


def settle(
    hub: Hub, *problems: Problem, examined: Iterable[str] | None = None, subject_type: str = "invoice"
) -> set[str]:
    ids = [each.subject_id for each in problems] if examined is None else list(examined)
    with transaction(hub.engine) as connection:
        return exceptions.settle(connection, hub, subject_type=subject_type, examined=ids, problems=problems)


def waive(hub: Hub, exception_id: int, reason: str = "agreed with the customer") -> None:
    with transaction(hub.engine) as connection:
        exceptions.resolve(connection, hub, exception_id, reason=reason)


def rows(hub: Hub) -> list[dict]:
    with reading(hub.engine) as connection:
        return [dict(row) for row in connection.execute(select(desk).order_by(desk.c.exception_id)).mappings()]


def actions(hub: Hub) -> list[tuple[str, str]]:
    with reading(hub.engine) as connection:
        found = connection.execute(select(audit_table.c.action, audit_table.c.subject).order_by(audit_table.c.seq))
        return list(found.tuples())


def test_a_problem_gets_category_owner_deadline_and_next_step(hub: Hub) -> None:
    amount = Money(Decimal("120000.00"), "USD")
    assert settle(hub, problem(legal_entity="US", amount=amount, invoice_id="C-1")) == {"C-1"}
    [row] = rows(hub)
    policy = hub.policy.exceptions["buyer_inactive"]
    assert (row["state"], row["category"], row["owner"], row["next_step"]) == (
        "open",
        "buyer_inactive",
        policy.owner,
        policy.next_step,
    )
    assert (row["opened_on"], row["deadline"]) == ("2026-01-15", "2026-01-20")  # Thursday; Monday 19th is a holiday
    assert (row["currency"], row["amount_minor"], row["invoice_id"]) == ("USD", 12_000_000, "C-1")
    assert (row["rule_id"], row["path"], row["value"], row["message"]) == (
        "HUB-C11",
        "customer.status",
        "inactive",
        "the buyer is inactive",
    )
    assert actions(hub) == [("exception.opened", "C-1")]


def test_the_same_problem_is_one_row_however_often_it_is_found(hub: Hub, open_as: Callable[..., Hub]) -> None:
    settle(hub, problem(), problem())
    settle(open_as(as_of=date(2026, 2, 1)), problem())
    assert [(row["opened_on"], row["state"]) for row in rows(hub)] == [("2026-01-15", "open")]
    assert actions(hub) == [("exception.opened", "C-1")]


def test_other_rules_fields_and_subjects_are_other_problems(hub: Hub) -> None:
    found = (problem(), problem(path="customer"), problem(rule_id="HUB-C12"), problem("C-2"))
    assert settle(hub, *found) == {"C-1", "C-2"}
    assert len(rows(hub)) == 4


def test_what_no_longer_occurs_resolves_itself(hub: Hub, open_as: Callable[..., Hub]) -> None:
    settle(hub, problem("C-1"), problem("C-2"))
    later = open_as("night run", date(2026, 1, 20))
    assert settle(later, problem("C-2"), examined=["C-1", "C-2"]) == {"C-2"}
    mended, open_still = rows(hub)
    assert (mended["state"], mended["closed_on"], mended["closed_by"], mended["resolution"]) == (
        "resolved",
        "2026-01-20",
        "night run",
        "no longer occurs",
    )
    assert open_still["state"] == "open"


def test_what_was_not_examined_stays_as_it_is(hub: Hub) -> None:
    settle(hub, problem("C-1"))
    assert settle(hub, examined=["C-2"]) == set()
    assert settle(hub, examined=["C-1"], subject_type="tax") == set()
    assert [row["state"] for row in rows(hub)] == ["open"]


def test_a_problem_that_comes_back_opens_the_same_row_anew(hub: Hub, open_as: Callable[..., Hub]) -> None:
    settle(hub, problem())
    settle(hub, examined=["C-1"])
    assert settle(open_as(as_of=date(2026, 3, 2)), problem(value="blocked")) == {"C-1"}
    [row] = rows(hub)
    assert (row["state"], row["opened_on"], row["deadline"], row["value"]) == (
        "open",
        "2026-03-02",
        "2026-03-04",
        "blocked",
    )
    assert (row["closed_on"], row["closed_by"], row["resolution"]) == (None, None, None)
    assert [action for action, _ in actions(hub)] == ["exception.opened", "exception.resolved", "exception.reopened"]


def test_new_words_for_an_open_problem_keep_its_clock(hub: Hub, open_as: Callable[..., Hub]) -> None:
    settle(hub, problem(value="inactive"))
    settle(open_as(as_of=date(2026, 2, 10)), problem(value="blocked", content_hash="h2"))
    [row] = rows(hub)
    assert (row["value"], row["content_hash"]) == ("blocked", "h2")
    assert (row["opened_on"], row["deadline"]) == ("2026-01-15", "2026-01-19")
    assert [action for action, _ in actions(hub)] == ["exception.opened"]


def test_a_waiver_lets_exactly_this_content_pass(hub: Hub) -> None:
    settle(hub, problem())
    waive(hub, 1)
    assert settle(hub, problem()) == set()
    [row] = rows(hub)
    assert (row["state"], row["closed_by"], row["resolution"]) == ("waived", "olive", "agreed with the customer")


def test_a_waiver_ends_with_the_content_it_was_given_for(hub: Hub) -> None:
    settle(hub, problem(content_hash="h1"))
    waive(hub, 1)
    assert settle(hub, problem(content_hash="h2")) == {"C-1"}
    assert [(row["state"], row["content_hash"]) for row in rows(hub)] == [("open", "h2")]


def test_a_waiver_lets_only_its_own_problem_pass(hub: Hub) -> None:
    settle(hub, problem(), problem(rule_id="HUB-C18"))
    waive(hub, 1)
    assert settle(hub, problem(), problem(rule_id="HUB-C18")) == {"C-1"}


def test_only_an_open_exception_can_be_waived(hub: Hub) -> None:
    settle(hub, problem())
    waive(hub, 1)
    with pytest.raises(ConfigurationError, match="exception 1 is waived"):
        waive(hub, 1)
    with pytest.raises(ConfigurationError, match="no exception 99"):
        waive(hub, 99)


def test_where_nothing_could_be_made_of_the_record_there_is_nothing_to_waive(hub: Hub) -> None:
    settle(hub, problem(content_hash=None, category="unknown_legal_entity"))
    with pytest.raises(ConfigurationError, match=r"cannot be waived.*Correct the legal entity"):
        waive(hub, 1)
    assert [row["state"] for row in rows(hub)] == ["open"]


def test_what_is_only_reported_holds_nothing(hub: Hub) -> None:
    assert settle(hub, problem(holds=False)) == set()
    assert [row["state"] for row in rows(hub)] == ["reported"]
    with pytest.raises(ConfigurationError, match="exception 1 is reported"):
        waive(hub, 1)
    settle(hub, examined=["C-1"])
    assert [row["state"] for row in rows(hub)] == ["resolved"]


def test_a_policy_that_begins_to_hold_opens_what_was_reported(hub: Hub, open_as: Callable[..., Hub]) -> None:
    settle(hub, problem(holds=False))
    assert settle(open_as(as_of=date(2026, 2, 2)), problem(holds=True)) == {"C-1"}
    assert [(row["state"], row["opened_on"]) for row in rows(hub)] == [("open", "2026-02-02")]


def test_an_exception_is_given_to_a_person(hub: Hub) -> None:
    settle(hub, problem())
    with transaction(hub.engine) as connection:
        exceptions.assign(connection, hub, 1, assignee="petra")
        assert exceptions.get(connection, 1)["assignee"] == "petra"
    settle(hub, problem(value="blocked"))
    assert [row["assignee"] for row in rows(hub)] == ["petra"]
    assert actions(hub)[-1] == ("exception.assigned", "1")


def test_the_most_urgent_comes_first(hub: Hub) -> None:
    settle(
        hub,
        problem("C-1", category="missing_purchase_order"),
        problem("C-2", category="discount_above_policy"),
        problem("C-3", category="buyer_inactive"),
    )
    with reading(hub.engine) as connection:
        listed = exceptions.listed(connection)
        assert [row["subject_id"] for row in listed] == ["C-2", "C-3", "C-1"]
        assert [row["subject_id"] for row in exceptions.listed(connection, category="buyer_inactive")] == ["C-3"]
        assert [row["subject_id"] for row in exceptions.listed(connection, limit=1, offset=1)] == ["C-3"]
        assert exceptions.listed(connection, state="resolved") == []


def test_texts_of_any_length_fit(hub: Hub) -> None:
    long = "x" * 3000
    settle(hub, problem(rule_id=long, path=long, value=long, message=long))
    assert len(rows(hub)[0]["path"]) == 3000


@pytest.mark.parametrize(
    ("subject_type", "stage"),
    [("record", "sync"), ("contract", "release"), ("order", "release"), ("invoice", "release"), ("tax", "release")],
)
def test_retrying_runs_the_stage_that_raised_it(hub: Hub, subject_type: str, stage: str) -> None:
    settle(hub, problem(subject_type=subject_type), subject_type=subject_type)
    with transaction(hub.engine) as connection:
        assert retry_exception(connection, hub, 1) == stage


class Desk(RuleBasedStateMachine):
    """Random histories of one subject against the plainest model: what is open, what is waived for which content."""

    hub: Hub
    _subjects = count()

    def __init__(self) -> None:
        super().__init__()
        self.subject = f"S-{next(self._subjects)}"
        self.states: dict[str, str] = {}
        self.content: dict[str, str] = {}
        self.openings = 0

    @rule(found=st.sets(st.sampled_from(["r1", "r2", "r3"])), content=st.sampled_from("ab"), holds=st.booleans())
    def examine(self, found: set[str], content: str, holds: bool) -> None:
        problems = [problem(self.subject, rule_id=each, content_hash=content, holds=holds) for each in sorted(found)]
        held = settle(self.hub, *problems, examined=[self.subject])
        now = "open" if holds else "reported"
        passing = {each for each in found if self.states.get(each) == "waived" and self.content[each] == content}
        for each in found - passing:
            self.openings += self.states.get(each) != now
            self.states[each], self.content[each] = now, content
        for each in self.states.keys() - found:
            if self.states[each] in {"open", "reported"}:
                self.states[each] = "resolved"
        assert held == ({self.subject} if holds and found - passing else set())

    @rule(each=st.sampled_from(["r1", "r2", "r3"]))
    def decide(self, each: str) -> None:
        known = {row["rule_id"]: row["exception_id"] for row in self.rows()}
        if self.states.get(each) == "open":
            waive(self.hub, known[each])
            self.states[each] = "waived"
        elif each in known:
            with pytest.raises(ConfigurationError):
                waive(self.hub, known[each])

    @invariant()
    def each_problem_is_one_row_in_the_expected_state(self) -> None:
        assert {row["rule_id"]: row["state"] for row in self.rows()} == self.states
        assert len(self.rows()) == len(self.states)

    @invariant()
    def each_opening_is_one_audit_entry(self) -> None:
        ids = [str(row["exception_id"]) for row in self.rows()]
        of_this = {("exception.opened", self.subject), *(("exception.reopened", each) for each in ids)}
        assert sum(entry in of_this for entry in actions(self.hub)) == self.openings

    def rows(self) -> list[dict]:
        return [row for row in rows(self.hub) if row["subject_id"] == self.subject]


def test_random_histories_keep_one_row_and_one_entry_an_opening(hub: Hub) -> None:
    machine = type("DeskOfThisHub", (Desk,), {"hub": replace(hub)})
    quick = settings(deadline=None, max_examples=12, stateful_step_count=10, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(machine, settings=quick)
