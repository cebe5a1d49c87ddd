"""Taxing a batch of checked drafts: the engine is asked, its answer must add up, and the taxed invoice must pass every rule."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

import msgspec

from billhub import audit, drift, exceptions
from billhub.billing import approval_content
from billhub.flows import Feed
from billhub.hub import Hub
from billhub.outbound import shaped
from billhub.release.batches import Batch
from billhub.retry import retried
from billhub.store import invoices
from billhub.store.engine import transaction
from canonical_model.encoding import encode
from canonical_model.errors import MappingError
from canonical_model.invoices import Invoice
from canonical_model.rules import check_invoice, check_tax_answer
from canonical_model.tax import TaxQuote
from canonical_model.totals import with_tax
from canonical_model.violations import Violation
from connectors.contract import TaxEngine, WriteError
from mappings import CompiledMapping

WORK = ("checked",)


class Taxed(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one draft.

    Attributes:
        row: The draft.
        invoice: With tax; None where the answer could not be used.
        answer: The engine's answer, as it came.
        mapping: What read it; None where it could not be used.
        violations: What is wrong with the answer or the invoice.
    """

    row: invoices.Row
    invoice: Invoice | None
    answer: str | None
    mapping: CompiledMapping | None = None
    violations: tuple[Violation, ...]


def tax_batch(hub: Hub, batch: Batch) -> Mapping[str, int]:
    """Tax the checked drafts of a batch; safe to repeat. Returns how many came to which state.

    Raises:
        ConnectorError: The engine cannot be reached; the drafts wait as they are.
    """
    with transaction(hub.engine) as connection:
        rows = invoices.in_states(connection, WORK, after=batch[0], upto=batch[1])
    taxed = _tax(hub, rows)
    with transaction(hub.engine) as connection:
        now = invoices.heads(connection, [each.row.invoice_id for each in taxed])
        taxed = [each for each in taxed if _is_same(each.row, now[each.row.invoice_id])]
        problems = [_problem(each, violation) for each in taxed for violation in each.violations]
        examined = [each.row.invoice_id for each in taxed]
        held = exceptions.settle(connection, hub, subject_type="tax", examined=examined, problems=problems)
        good = [each for each in taxed if each.invoice is not None and each.row.invoice_id not in held]
        invoices.change(connection, [_change(each) for each in good])
        invoices.change(connection, [{"invoice_id": each, "state": "held"} for each in sorted(held)])
        audit.append(connection, hub, [_entry(each) for each in good])
    return Counter(taxed=len(good), held=len(held))


def _is_same(row: invoices.Row, now: Mapping[str, object]) -> bool:
    return now["draft_hash"] == row.draft_hash and now["state"] in WORK


def _tax(hub: Hub, rows: Sequence[invoices.Row]) -> list[Taxed]:
    """Ask each legal entity's engine for its drafts, in bulk."""
    by_engine: dict[str, list[invoices.Row]] = {}
    for row in rows:
        by_engine.setdefault(hub.policy.entities[row.invoice.legal_entity].tax_engine, []).append(row)
    return [taxed for engine, members in by_engine.items() for taxed in _asked(hub, engine, members)]


def _asked(hub: Hub, engine: str, rows: Sequence[invoices.Row]) -> Iterator[Taxed]:
    """One call for all drafts that the engine's mapping can express; another that it cannot holds back nobody else."""
    payloads: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        try:
            payloads[row.invoice_id] = payload(hub.mapping(f"{engine}/transaction"), row.invoice)
        except MappingError as error:
            violation = _violation("HUB-T12", "mapping_defect", error.field, row.invoice_id, str(error))
            yield Taxed(row=row, invoice=None, answer=None, violations=(violation,))
    asked = [row for row in rows if row.invoice_id in payloads]
    if asked:
        answers = retried(partial(hub.connect(engine, TaxEngine).quote, list(payloads.values())))
        _observe(hub, engine, dict(zip(payloads, answers, strict=True)))
        mapping = hub.mapping(f"{engine}/tax_quote")
        yield from (_apply(engine, mapping, row, answer) for row, answer in zip(asked, answers, strict=True))


def _observe(hub: Hub, engine: str, answers: Mapping[str, Mapping[str, Any] | WriteError]) -> None:
    """Report what the engine's answers have that their contract does not promise."""
    feed = Feed(source=engine, entity="tax_quote", document="tax_quote")
    bodies = {name: answer for name, answer in answers.items() if not isinstance(answer, WriteError)}
    drift.observe(hub, feed, bodies)


def payload(mapping: CompiledMapping, invoice: Invoice) -> Mapping[str, Any]:
    """An invoice in the engine's own shape.

    Raises:
        MappingError: The engine's mapping cannot express it.
    """
    document = msgspec.to_builtins(invoice, builtin_types=(Decimal,))
    return shaped(mapping, {"invoice": document})


def _apply(engine: str, mapping: CompiledMapping, row: invoices.Row, answer: Mapping[str, Any] | WriteError) -> Taxed:
    if isinstance(answer, WriteError):
        refusal = _violation(
            "HUB-T10", "tax_refused", answer.field or "", answer.code, f"{engine} says: {answer.message}"
        )
        return Taxed(row=row, invoice=None, answer=None, violations=(refusal,))
    body = encode(answer).decode()
    mapped = mapping.apply(answer)
    if mapped.problems:
        found = tuple(
            _violation(
                "HUB-T11", "tax_answer_inconsistent", each.field, str(each.value), f"{each.source_path}: {each.message}"
            )
            for each in mapped.problems
        )
        return Taxed(row=row, invoice=None, answer=body, violations=found)
    quote = msgspec.convert(mapped.document, TaxQuote, strict=False)
    violations = check_tax_answer(row.invoice, quote)
    if violations:
        return Taxed(row=row, invoice=None, answer=body, violations=violations)
    invoice = with_tax(row.invoice, quote)
    return Taxed(row=row, invoice=invoice, answer=body, mapping=mapping, violations=check_invoice(invoice))


def _change(taxed: Taxed) -> dict[str, Any]:
    if taxed.invoice is None or taxed.mapping is None:
        raise TypeError("only a taxed invoice is committed")
    totals = taxed.invoice.totals
    return {
        "invoice_id": taxed.row.invoice_id,
        "state": "taxed",
        "content_hash": approval_content(taxed.invoice),
        "tax_minor": totals.tax.minor,
        "gross_minor": totals.gross.minor,
        "body": encode(taxed.invoice).decode(),
        "tax_answer": taxed.answer,
        "tax_mapping": taxed.mapping.name,
        "tax_mapping_version": taxed.mapping.version,
        "tax_mapping_fingerprint": taxed.mapping.fingerprint,
    }


def _problem(taxed: Taxed, violation: Violation) -> exceptions.Problem:
    row = taxed.row
    return exceptions.Problem(
        subject_type="tax",
        subject_id=row.invoice_id,
        violation=violation,
        invoice_id=row.invoice_id,
        legal_entity=row.invoice.legal_entity,
        amount=row.invoice.totals.net,
        content_hash=None,  # a total that does not add up is mended, never waived
    )


def _violation(rule_id: str, category: str, path: str, value: str, message: str) -> Violation:
    return Violation(rule_id=rule_id, category=category, path=path, value=value, message=message)


def _entry(taxed: Taxed) -> audit.Entry:
    change = _change(taxed)
    kept = ("content_hash", "tax_minor", "gross_minor")
    return audit.Entry(
        action="invoice.taxed", subject=taxed.row.invoice_id, detail={name: change[name] for name in kept}
    )
