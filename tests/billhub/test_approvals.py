"""Approvals: bound to content, never by the creator, whatever interface is used."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from billhub import approvals, release
from billhub.approvals import ApprovalRefusedError
from billhub.hub import Hub
from billhub.store.engine import reading, transaction

LARGE = (("2", "60000.00"),)
ID = "order_536365"


def decide(hub: Hub, *, approve: bool = True, invoice_id: str = ID, comment: str = "") -> None:
    with transaction(hub.engine) as connection:
        approvals.decide(connection, hub, invoice_id, approve=approve, comment=comment)


@pytest.fixture
def frida(open_as: Callable[..., Hub]) -> Hub:
    """The second person."""
    return open_as("frida", date(2026, 1, 16))


@pytest.fixture
def state(query: Callable) -> Callable[[], tuple[str, str | None]]:
    return lambda: query("SELECT state, number FROM invoices WHERE invoice_id = :id", id=ID)[0]


@pytest.fixture
def asked(query: Callable) -> Callable[[], list[tuple[str, str | None]]]:
    return lambda: query("SELECT state, decided_by FROM approvals ORDER BY approval_id")


@pytest.fixture
def waiting(hub: Hub, keep: Callable, an_order: Callable) -> Hub:
    """Olive's order over the limit, which waits for a second person."""
    keep(an_order(lines=LARGE))
    release.release_due(hub)
    return hub


def test_an_invoice_over_the_limit_waits_with_its_reason(waiting: Hub, state: Callable, query: Callable) -> None:
    assert state() == ("awaiting_approval", None)
    assert query("SELECT state, reason, created_by, requested_on FROM approvals") == [
        ("pending", "amount due 141,000.00 GBP is above the limit of 100,000.00 GBP", "olive", "2026-01-15")
    ]
    assert query("SELECT number FROM invoices WHERE number IS NOT NULL") == []


def test_running_again_asks_nothing_twice(waiting: Hub, query: Callable) -> None:
    release.release_due(waiting)
    assert query("SELECT count(*) FROM approvals") == [(1,)]
    assert query("SELECT count(*) FROM audit WHERE action = 'approval.requested'") == [(1,)]


def test_a_second_person_releases_it(waiting: Hub, frida: Hub, state: Callable, query: Callable) -> None:
    decide(frida, comment="seen the order")
    assert state() == ("ready", None)
    release.release_due(waiting)
    assert state() == ("released", "UK-000001")
    assert query("SELECT state, decided_by, decided_on, comment FROM approvals") == [
        ("approved", "frida", "2026-01-16", "seen the order")
    ]
    assert query("SELECT actor, action FROM audit WHERE action LIKE 'approval.%' ORDER BY seq") == [
        ("olive", "approval.requested"),
        ("frida", "approval.approved"),
    ]


def test_a_rejected_invoice_is_never_released(waiting: Hub, frida: Hub, state: Callable, asked: Callable) -> None:
    decide(frida, approve=False, comment="not ordered")
    release.release_due(waiting)
    assert state() == ("rejected", None)
    assert asked() == [("rejected", "frida")]


def test_the_creator_may_neither_approve_nor_reject(waiting: Hub, state: Callable, asked: Callable) -> None:
    for approve in (True, False):
        with pytest.raises(ApprovalRefusedError, match="olive created invoice order_536365"):
            decide(waiting, approve=approve)
    assert state() == ("awaiting_approval", None)
    assert asked() == [("pending", None)]


@pytest.mark.parametrize("decision", ["approved", "rejected"])
def test_the_database_itself_refuses_the_creators_decision(waiting: Hub, asked: Callable, decision: str) -> None:
    statement = text("UPDATE approvals SET state = :state, decided_by = created_by")
    with pytest.raises(IntegrityError), transaction(waiting.engine) as connection:
        connection.execute(statement, {"state": decision})
    assert asked() == [("pending", None)]


def test_the_database_itself_refuses_a_decision_by_nobody(waiting: Hub, asked: Callable) -> None:
    with pytest.raises(IntegrityError), transaction(waiting.engine) as connection:
        connection.execute(text("UPDATE approvals SET state = 'approved'"))
    assert asked() == [("pending", None)]


def test_the_database_itself_refuses_a_decided_question_by_the_creator(waiting: Hub, asked: Callable) -> None:
    statement = text(
        "INSERT INTO approvals (invoice_id, content_hash, reason, created_by, requested_on, state, decided_by) "
        "VALUES (:id, 'forged', 'x', 'olive', '2026-01-15', 'approved', 'olive')"
    )
    with pytest.raises(IntegrityError), transaction(waiting.engine) as connection:
        connection.execute(statement, {"id": ID})
    assert asked() == [("pending", None)]


def test_nothing_waiting_is_nothing_to_decide(hub: Hub, keep: Callable, an_order: Callable, frida: Hub) -> None:
    with pytest.raises(ApprovalRefusedError, match="not waiting"):
        decide(frida)
    keep(an_order(lines=(("1", "1.00"),)))
    release.release_due(hub)
    with pytest.raises(ApprovalRefusedError, match="not waiting"):
        decide(frida)


def test_a_second_decision_is_refused(waiting: Hub, frida: Hub, open_as: Callable, asked: Callable) -> None:
    decide(frida)
    for person, approve in ((frida, True), (open_as("boris"), False)):
        with pytest.raises(ApprovalRefusedError, match="not waiting"):
            decide(person, approve=approve)
    assert asked() == [("approved", "frida")]


def test_of_two_deciding_at_once_one_is_heard(waiting: Hub, open_as: Callable, query: Callable) -> None:
    def try_(hub: Hub) -> bool:
        try:
            decide(hub, approve=hub.actor != "person 0")
        except ApprovalRefusedError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        heard = list(pool.map(try_, [open_as(f"person {number}") for number in range(4)]))
    assert heard.count(True) == 1
    entries = query("SELECT action FROM audit WHERE action IN ('approval.approved', 'approval.rejected')")
    assert len(entries) == 1


# content


def test_a_changed_content_voids_the_question(
    waiting: Hub, keep: Callable, an_order: Callable, asked: Callable, state: Callable
) -> None:
    keep(an_order(lines=(("3", "60000.00"),)), version="v2")
    release.release_due(waiting)
    assert asked() == [("void", None), ("pending", None)]
    assert state() == ("awaiting_approval", None)


def test_a_changed_content_voids_the_approval(
    waiting: Hub, frida: Hub, keep: Callable, an_order: Callable, asked: Callable, state: Callable, query: Callable
) -> None:
    decide(frida)
    keep(an_order(lines=(("3", "60000.00"),)), version="v2")
    release.release_due(waiting)
    assert state() == ("awaiting_approval", None)
    assert asked() == [("void", "frida"), ("pending", None)]
    assert ("approval.void", "olive") in query("SELECT action, actor FROM audit")


def test_a_question_about_content_that_is_gone_cannot_be_answered(
    waiting: Hub, frida: Hub, keep: Callable, an_order: Callable, state: Callable
) -> None:
    """Between the plan that redrafts and the release that asks anew, the old question must not make the new draft ready."""
    keep(an_order(lines=(("3", "60000.00"),)), version="v2")
    release.plan(waiting)
    with pytest.raises(ApprovalRefusedError, match="not waiting"):
        decide(frida)
    assert state() == ("draft", None)


@pytest.mark.parametrize("other", ["draft", "held", "ready", "released", "delivered", "rejected", "withdrawn"])
def test_only_an_invoice_that_waits_can_be_decided(
    waiting: Hub, frida: Hub, state: Callable, asked: Callable, other: str
) -> None:
    with transaction(waiting.engine) as connection:
        connection.execute(text("UPDATE invoices SET state = :state"), {"state": other})
    with pytest.raises(ApprovalRefusedError, match="not waiting"):
        decide(frida)
    assert (state(), asked()) == ((other, None), [("pending", None)])


def test_a_released_invoice_is_out_of_reach_of_an_old_question(
    waiting: Hub, frida: Hub, keep: Callable, an_order: Callable, state: Callable, asked: Callable
) -> None:
    """Changed to an amount below the limit it is released without a decision; the old question is void, not waiting."""
    keep(an_order(lines=(("1", "60.00"),)), version="v2")
    release.release_due(waiting)
    assert state() == ("released", "UK-000001")
    assert asked() == [("void", None)]
    with pytest.raises(ApprovalRefusedError, match="not waiting"):
        decide(frida)
    release.release_due(waiting)
    assert state() == ("released", "UK-000001")


def test_content_that_comes_back_is_asked_about_again(
    waiting: Hub, frida: Hub, keep: Callable, an_order: Callable, asked: Callable, state: Callable
) -> None:
    decide(frida)
    for version, lines in (("v2", (("3", "60000.00"),)), ("v3", LARGE)):
        keep(an_order(lines=lines), version=version)
        release.release_due(waiting)
    assert state() == ("awaiting_approval", None)
    assert asked() == [("pending", None), ("void", None)]
    decide(frida)
    release.release_due(waiting)
    assert state() == ("released", "UK-000001")


def test_a_rejection_is_about_the_content_it_saw(
    waiting: Hub, frida: Hub, keep: Callable, an_order: Callable, asked: Callable, state: Callable
) -> None:
    decide(frida, approve=False)
    keep(an_order(lines=(("3", "60000.00"),)), version="v2")
    release.release_due(waiting)
    assert state() == ("awaiting_approval", None)
    assert asked() == [("void", "frida"), ("pending", None)]


def test_an_approval_with_another_hash_never_releases(
    waiting: Hub, state: Callable, asked: Callable, query: Callable
) -> None:
    """Behind the hub's back: the invoice is said to be ready, and an approval of something else lies beside it."""
    with transaction(waiting.engine) as connection:
        connection.execute(
            text("UPDATE approvals SET content_hash = 'other', state = 'approved', decided_by = 'frida'")
        )
        connection.execute(text("UPDATE invoices SET state = 'ready'"))
    assert release.release_ready(waiting) == {"released": 0, "sent_back": 1}
    assert state() == ("taxed", None)
    release.release_due(waiting)
    assert state() == ("awaiting_approval", None)
    assert asked() == [("void", "frida"), ("pending", None)]


def test_a_body_changed_after_the_approval_never_releases(waiting: Hub, frida: Hub, state: Callable) -> None:
    decide(frida)
    with transaction(waiting.engine) as connection:
        body = connection.execute(text("SELECT body FROM invoices")).scalar_one()
        forged = body.replace('"customer-536365"', '"somebody-else"')
        connection.execute(text("UPDATE invoices SET body = :body"), {"body": forged})
    assert forged != body
    for _ in range(2):
        release.release_due(waiting)
    assert state()[1] is None


def test_the_list_shows_what_is_to_be_decided(waiting: Hub, frida: Hub) -> None:
    with reading(waiting.engine) as connection:
        [row] = approvals.listed(connection)
        assert (row["invoice_id"], row["gross_minor"], row["currency"]) == (ID, 14_100_000, "GBP")
        assert approvals.listed(connection, state="approved") == []
    decide(frida)
    with reading(waiting.engine) as connection:
        assert approvals.listed(connection) == []
        assert [row["state"] for row in approvals.listed(connection, state=None)] == ["approved"]
