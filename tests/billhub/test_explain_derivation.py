"""The table of derivations cannot lie: every field has a rule, copies are copies, and what is named as a source, and only that, decides the value."""

import itertools
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, get_args, get_type_hints

import msgspec
import pytest

from billhub.billing import contracts, orders
from billhub.story.circumstances import Case, Circumstances
from billhub.story.derivation import Derivation, derivations, expanded
from billhub.story.fields import at, leaves, pattern_of, positions
from billhub.story.rebuilding import rebuilt
from canonical_model.encoding import encode
from canonical_model.invoices import Invoice
from canonical_model.money import Money
from canonical_model.parties import Address, Party
from canonical_model.schedule import billing_periods
from canonical_model.tax import JurisdictionTax, TaxQuote, TaxQuoteLine
from canonical_model.totals import with_tax

SELLER = Party(party_id="US", name="Meridian Software Inc.", address=Address(country="US"))
DAY = date(2026, 1, 15)
NOT_DECIDED_BY_A_DOCUMENT = {"line_id", "currency"}
"""Names whose change breaks the whole rather than one field: what joins lines to their tax, and the unit of every amount."""


def quoted(invoice: Invoice) -> TaxQuote:
    """An answer with two jurisdictions a line: two rates, then a line that is exempt and one at zero."""
    return TaxQuote(
        document_id=invoice.invoice_id,
        engine="avatax",
        total_tax=Money(Decimal("1.00"), invoice.currency),
        reference="4711",
        lines=tuple(
            TaxQuoteLine(
                line_id=line.line_id,
                taxable=line.net,
                tax=Money(Decimal(place), invoice.currency),
                category="E" if place == 3 else None,
                jurisdictions=tuple(
                    JurisdictionTax(
                        jurisdiction=name,
                        kind="state",
                        name=f"{name} TAX",
                        rate=Decimal("0.0") if place > 2 else Decimal("0.04") * place,
                        taxable=line.net,
                        tax=Money(Decimal(place), invoice.currency),
                    )
                    for name in ("NEW YORK", "MONROE")
                ),
            )
            for place, line in enumerate(invoice.lines, start=1)
        ),
    )


@pytest.fixture(scope="module")
def contract_case(a_contract: Callable, a_customer: Callable) -> Callable[..., Case]:
    def made(index: int, **terms: Any) -> Case:
        contract = a_contract(prices=("480000.00", "1234.57", "99.99", "12.00"), **terms)
        customer = a_customer(tax_id="12-3456789", billing_email="ap@northwind.example", payment_terms_days=45)
        draft = contracts.invoice_for(contract, billing_periods(contract)[index], customer, seller=SELLER, issued=DAY)
        quote = quoted(draft)
        return Case(invoice=with_tax(draft, quote), contract=contract, customer=customer, quote=quote)

    return made


@pytest.fixture(scope="module")
def order_case(an_order: Callable) -> Callable[..., Case]:
    def made(**changes: Any) -> Case:
        order = an_order(lines=(("3", "0.335"), ("-2", "10.00"), ("7", "1.005"), ("1", "4.00")), **changes)
        first = msgspec.structs.replace(order.lines[0], description="Lantern")
        order = msgspec.structs.replace(order, lines=(first, *order.lines[1:]))
        draft = orders.invoice_for(order, seller=SELLER)
        quote = quoted(draft)
        return Case(invoice=with_tax(draft, quote), order=order, quote=quote)

    return made


@pytest.fixture(scope="module")
def cases(contract_case: Callable, order_case: Callable) -> Mapping[str, list[Case]]:
    """Terms of every kind: split evenly and not, a last period that is shorter, with and without discount."""
    short = {"term_months": 14, "billing_timing": "in_arrears", "start_date": date(2026, 1, 31)}
    return {
        "contract": [
            contract_case(0),
            contract_case(0, discount_percent=Decimal("7.5"), purchase_order="PO-1"),
            contract_case(4, discount_percent=Decimal("7.5"), **short),
            contract_case(13, billing_frequency="monthly", **short),
            contract_case(1, billing_frequency="annual", **short),
            msgspec.structs.replace(contract_case(0), customer=None),
        ],
        "order": [order_case(), order_case(kind="cancellation"), order_case(currency="JPY")],
    }


def all_fields(kind: Any, path: str = "") -> Iterator[str]:
    """Patterns of all fields that a document of a type can have; those of a list that may be empty also as a whole."""
    for name, hint in get_type_hints(kind).items():
        inner = f"{path}.{name}" if path else name
        types = [
            each for each in (hint, *get_args(hint)) if isinstance(each, type) and issubclass(each, msgspec.Struct)
        ]
        if not types or types[0] is Money:
            yield inner
        elif hint is types[0]:
            yield from all_fields(hint, inner)
        else:
            yield inner
            yield from all_fields(types[0], f"{inner}[]")


@pytest.mark.parametrize("entity", ["contract", "order"])
def test_every_field_of_the_type_has_a_derivation_and_no_other(entity: str) -> None:
    possible = set(all_fields(Invoice)) - {"lines"}  # there is at least one
    if entity == "order":
        possible -= {each for each in possible if each.startswith("lines[].allowances[]")}
    assert derivations(entity).keys() == possible


@pytest.mark.parametrize("entity", ["contract", "order"])
def test_copies_have_the_value_of_their_one_source(entity: str, cases: Mapping[str, list[Case]]) -> None:
    seen = set()
    for case in cases[entity]:
        documents, plain = _documents(case), msgspec.json.decode(encode(case.invoice))
        for field, derivation, sources in _derived(case, entity):
            if derivation.is_copy and sources[0][0] in documents:
                [(document, path)] = sources
                assert at(plain, field) == at(documents[document], path), field
                seen.add(pattern_of(field))
    assert seen == {pattern for pattern, each in derivations(entity).items() if each.is_copy}


@pytest.mark.parametrize("entity", ["contract", "order"])
def test_what_decides_a_field_is_named_as_its_source(entity: str, cases: Mapping[str, list[Case]]) -> None:
    """Each value of each document is changed, one at a time: no field may change that does not name it."""
    for case in cases[entity]:
        direct = dict(_named(case, entity))
        named = {field: _closure(field, direct) for field in direct}
        for source, changed in _changed_fields(case):
            silent = [field for field in changed if source not in named.get(field, ())]
            assert not silent, f"{source} decides {silent}"


@pytest.mark.parametrize("entity", ["contract", "order"])
def test_what_is_named_as_a_source_decides_the_field(entity: str, cases: Mapping[str, list[Case]]) -> None:
    """In at least one of the cases: a discount of nothing decides no cent, and only a last period ends with the term."""
    claimed: set[tuple[str, str]] = set()
    proved: set[tuple[str, str]] = set()
    for case in cases[entity]:
        for field, (sources, _) in dict(_named(case, entity)).items():
            claimed |= {(pattern_of(field), pattern_of(source)) for source in sources}
        for source, changed in _changed_fields(case):
            proved |= {(pattern_of(field), pattern_of(source)) for field in changed}
    unproved = {
        (field, source)
        for field, source in claimed - proved
        if source.rpartition(".")[2] not in NOT_DECIDED_BY_A_DOCUMENT
    }
    assert not unproved


def test_words_are_filled_in(cases: Mapping[str, list[Case]]) -> None:
    for entity, of_entity in cases.items():
        for case in of_entity:
            circumstances = Circumstances(case)
            for field, derivation, _ in _derived(case, entity):
                words = derivation.words.format_map(circumstances.words(pattern_of(field), positions(field)))
                assert "unknown" not in words, words


def test_words_tell_how_a_year_is_split(cases: Mapping[str, list[Case]]) -> None:
    whole, discounted, *_ = cases["contract"]
    net = derivations("contract")["lines[].net"].words
    assert net.format_map(Circumstances(whole).words("lines[].net", (0,))) == (
        "period 1 of 4: 480,000.00 USD for contract year 1, split over its 4 quarters by months with largest remainders"
    )
    assert net.format_map(Circumstances(discounted).words("lines[].net", (0,))) == (
        "period 1 of 4: 444,000.00 USD for contract year 1, less 7.5 % discount, "
        "split over its 4 quarters by months with largest remainders"
    )


def _documents(case: Case) -> dict[str, Any]:
    found = {name: getattr(case, name) for name in ("contract", "order", "customer")} | {"tax_quote": case.quote}
    return {name: msgspec.json.decode(encode(each)) for name, each in found.items() if each is not None}


def _derived(case: Case, entity: str) -> Iterator[tuple[str, Derivation, list[tuple[str, str]]]]:
    circumstances, table = Circumstances(case), derivations(entity)
    for field in leaves(case.invoice):
        pattern, place = pattern_of(field), positions(field)
        derivation = table[pattern]
        places = circumstances.places(pattern, place)
        yield field, derivation, [pair for each in derivation.sources for pair in expanded(each, places)]


Named = tuple[set[str], tuple[str, ...]]


def _named(case: Case, entity: str) -> Iterator[tuple[str, Named]]:
    """The sources of each field, and the patterns of the fields it is computed from."""
    for field, derivation, sources in _derived(case, entity):
        yield field, ({f"{document}.{path}" for document, path in sources}, derivation.own)


def _closure(field: str, named: Mapping[str, Named]) -> set[str]:
    """All sources of a field, its own and those of the fields it is computed from; of a line only those of the same line."""
    sources, own = named[field]
    for pattern in own:
        for other in named:
            in_same_line = not field.startswith("lines[") or other.partition(".")[0] == field.partition(".")[0]
            if pattern_of(other) == pattern and in_same_line:
                sources = sources | _closure(other, named)
    return sources


def _changed_fields(case: Case) -> Iterator[tuple[str, list[str]]]:
    """Each source with the fields that have another value when it is changed, or are no longer there."""
    before = leaves(rebuilt(case))  # type: ignore[arg-type]
    for source, changed in itertools.chain(
        *(_variants(case, name) for name in ("contract", "order", "customer", "quote"))
    ):
        after = leaves(rebuilt(changed))  # type: ignore[arg-type]
        yield source, [field for field, value in before.items() if field not in after or after[field] != value]


def _variants(case: Case, name: str) -> Iterator[tuple[str, Case]]:
    document = getattr(case, name)
    for path, value in leaves(document).items() if document is not None else ():
        last = path.rpartition(".")[2]
        if last in NOT_DECIDED_BY_A_DOCUMENT or path.endswith("]"):
            continue
        for other in _others(last, value):
            plain = msgspec.to_builtins(document, builtin_types=(Decimal, date))
            _put(plain, path, other)
            changed = msgspec.convert(plain, type(document))
            source = f"{'tax_quote' if name == 'quote' else name}.{path}"
            moved = _moved(msgspec.structs.replace(case, **{name: changed}), case)
            if moved is not None:
                yield source, moved


def _moved(changed: Case, case: Case) -> Case | None:
    """The same period of the changed contract, wherever it begins now; None where it no longer has one."""
    if changed.contract is None or case.period is None:
        return changed
    periods = billing_periods(changed.contract)
    if case.period.index >= len(periods):
        return None
    start = periods[case.period.index].start
    return msgspec.structs.replace(changed, invoice=msgspec.structs.replace(changed.invoice, period_start=start))


_CHOICES = {
    "billing_frequency": ("monthly", "quarterly", "annual"),
    "billing_timing": ("in_advance", "in_arrears"),
    "kind": ("order", "cancellation"),
    "category": ("S", "E", "AE"),
    "status": (),
}


def _others(name: str, value: Any) -> list[Any]:
    """Other values of the same type."""
    if name in _CHOICES:
        return [each for each in _CHOICES[name] if each != value]
    if isinstance(value, dict):
        return [{**value, "amount": value["amount"] * 3 + Decimal("0.01")}]
    steps: dict[type, tuple[Any, ...]] = {date: (timedelta(days=3),), int: (-1, 1), Decimal: (Decimal("0.01"),)}
    if type(value) in steps:
        return [value + step for step in steps[type(value)]]
    return [f"{value or ''}X"] if value is None or isinstance(value, str) else []


def _put(plain: Any, path: str, value: Any) -> None:
    holder, _, last = path.rpartition(".")
    target = plain
    for step in holder.replace("[", ".").replace("]", "").split(".") if holder else ():
        target = target[int(step)] if step.isdigit() else target[step]
    target[last] = value
