"""What people are shown of the store, typed; `billhub.store.display` reads it."""

from typing import Any

import msgspec

from canonical_model.money import Money


class ExceptionView(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the exception desk.

    Attributes:
        exception_id: Its number.
        category: What kind of problem.
        subject_type: `record`, `drift`, `contract`, `order`, `invoice`, `tax` or `delivery`.
        subject_id: Which one.
        invoice_id: The invoice it holds back, if any.
        legal_entity: Code of the seller, if known.
        amount: What it holds back, if known.
        rule_id: The rule that was broken.
        path: Field.
        value: What stands there.
        message: What is wrong.
        next_step: What the owner does.
        owner: Team that mends it.
        assignee: Person, if it was given to one.
        deadline: ISO date.
        state: `open`, `reported`, `waived` or `resolved`.
        opened_on: ISO date.
        closed_on: ISO date.
        closed_by: Who closed it.
        resolution: Why.
    """

    exception_id: int
    category: str
    subject_type: str
    subject_id: str
    invoice_id: str | None
    legal_entity: str | None
    amount: Money | None
    rule_id: str
    path: str
    value: str
    message: str
    next_step: str
    owner: str
    assignee: str | None
    deadline: str
    state: str
    opened_on: str
    closed_on: str | None
    closed_by: str | None
    resolution: str | None


class ApprovalView(msgspec.Struct, frozen=True, kw_only=True):
    """One question to a second person and, once given, the answer.

    Attributes:
        approval_id: Its number.
        invoice_id: The invoice.
        legal_entity: Code of the seller.
        customer_id: The buyer.
        gross: Amount with tax.
        content_hash: What exactly is decided.
        reason: Why it is asked.
        created_by: Who may not decide.
        requested_on: ISO date.
        state: `pending`, `approved`, `rejected` or `void`.
        decided_by: Who decided.
        decided_on: ISO date.
        comment: What they said.
    """

    approval_id: int
    invoice_id: str
    legal_entity: str
    customer_id: str | None
    gross: Money | None
    content_hash: str
    reason: str
    created_by: str
    requested_on: str
    state: str
    decided_by: str | None
    decided_on: str | None
    comment: str | None


class AttemptView(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt at a delivery.

    Attributes:
        number: From 1; begins again when a rejected delivery is retried.
        action: `write`, or `resolve` when doubt was cleared up.
        outcome: `confirmed`, `rejected`, `uncertain` or `pending`.
        error: The target's own words.
    """

    number: int
    action: str
    outcome: str
    error: str | None


class DeliveryView(msgspec.Struct, frozen=True, kw_only=True):
    """One delivery to one target.

    Attributes:
        target: Connector.
        entity: The connector's name of what is written.
        key: The hub's key of the delivery.
        external_key: Key in the target.
        state: `pending`, `sending`, `confirmed`, `rejected` or `uncertain`.
        native_id: The target's own identifier.
        answer: What of the target's answer was kept.
        mapping: Mapping that shapes it.
        mapping_version: Its version, once it was sent.
        error: The target's own words, unless confirmed.
        attempts: Every attempt, oldest first.
    """

    target: str
    entity: str
    key: str
    external_key: str
    state: str
    native_id: str | None
    answer: dict[str, Any] | None
    mapping: str | None
    mapping_version: int | None
    error: str | None
    attempts: tuple[AttemptView, ...]


class AuditView(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the audit.

    Attributes:
        seq: Its place.
        at: Instant, ISO 8601 UTC.
        actor: Who.
        action: What.
        subject: To what.
        detail: With which values.
        hash: Of its contents and the entry before.
        holds: Whether its hash fits its contents and it follows the entry before it.
    """

    seq: int
    at: str
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]
    hash: str
    holds: bool


class InvoiceView(msgspec.Struct, frozen=True, kw_only=True):
    """One line in a list of invoices.

    Attributes:
        invoice_id: Canonical identifier.
        number: Once released.
        legal_entity: Code of the seller.
        customer_id: The buyer.
        issue_date: ISO date.
        period_start: ISO date; None for an order.
        state: Where it is in its life.
        net: Before tax.
        gross: With tax; None until taxed.
    """

    invoice_id: str
    number: str | None
    legal_entity: str
    customer_id: str | None
    issue_date: str
    period_start: str | None
    state: str
    net: Money
    gross: Money | None


class RunView(msgspec.Struct, frozen=True, kw_only=True):
    """One run of one task.

    Attributes:
        run_id: Its number.
        flow: Flow.
        step: Task of the flow.
        as_of: Business date, ISO.
        actor: Who ran it.
        state: `running`, `done` or `failed`.
        counts: What it did.
        message: Why it failed.
    """

    run_id: int
    flow: str
    step: str
    as_of: str
    actor: str
    state: str
    counts: dict[str, int]
    message: str | None
