"""What one invoice fills into the words and sources of its derivations: its period, the year's amounts, its number, the lines of a tax rate."""

from collections.abc import Mapping, Sequence

import msgspec

from canonical_model.contracts import Contract
from canonical_model.invoices import Invoice
from canonical_model.money import total
from canonical_model.orders import Order
from canonical_model.parties import Customer
from canonical_model.schedule import MONTHS, BillingPeriod, LineInstalment, billing_periods, instalments
from canonical_model.tax import TaxQuote


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice with the documents it was made from, as far as they are known.

    Attributes:
        invoice: As it stands.
        contract: What is billed, or None.
        order: What is billed, or None.
        customer: The buyer.
        quote: The tax engine's answer.
        released_on: Business date of its release.
        policy_version: The policy in force at its release.
    """

    invoice: Invoice
    contract: Contract | None = None
    order: Order | None = None
    customer: Customer | None = None
    quote: TaxQuote | None = None
    released_on: str | None = None
    policy_version: int | None = None

    @property
    def period(self) -> BillingPeriod | None:
        """The period of the contract that is billed."""
        periods = billing_periods(self.contract) if self.contract else ()
        return next((each for each in periods if each.start == self.invoice.period_start), None)


class Circumstances:
    """What is known of a case, computed once.

    Args:
        case: The invoice with its documents.
    """

    def __init__(self, case: Case) -> None:
        self._invoice, self._quote = case.invoice, case.quote
        self._known = {**_of_invoice(case), **_of_period(case), **_of_terms(case)}
        self._years = _years(case)
        self._answers = {line.line_id: place for place, line in enumerate(case.quote.lines)} if case.quote else {}

    def words(self, pattern: str, positions: Sequence[int]) -> Mapping[str, str]:
        """What fills the words of a field; what is not known is said to be."""
        known = _Known(self._known)
        if pattern.startswith("lines[]") and positions[0] < len(self._years):
            known.update(_of_line(self._years[positions[0]], self._known["period_words"], self._invoice.currency))
        if pattern.startswith("tax_subtotals[]"):
            known["member_count"] = _lines(len(self._members(positions[0])))
        return known

    def places(self, pattern: str, positions: Sequence[int]) -> Mapping[str, Sequence[int]]:
        """Positions in the documents, by the letters that sources are written with."""
        if pattern.startswith("tax_subtotals[]"):
            return {"g": [self._answers[each] for each in self._members(positions[0]) if each in self._answers]}
        if not pattern.startswith("lines[]"):
            return {}
        places: dict[str, Sequence[int]] = {"i": positions[:1], "k": positions[1:2]}
        answer = self._answers.get(self._invoice.lines[positions[0]].line_id)
        if self._quote is not None and answer is not None:
            places |= {"q": (answer,), "j": range(len(self._quote.lines[answer].jurisdictions))}
        return places

    def _members(self, place: int) -> list[str]:
        """Identifiers of the lines of a tax category and rate."""
        group = self._invoice.tax_subtotals[place]
        of_group = (group.category, group.rate)
        return [line.line_id for line in self._invoice.lines if (line.tax_category, line.tax_rate) == of_group]


class _Known(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return f"(unknown {name.replace('_', ' ')})"


def _of_invoice(case: Case) -> dict[str, str]:
    invoice = case.invoice
    known = {"entity": invoice.legal_entity, "line_count": _lines(len(invoice.lines))}
    version = case.policy_version
    known["policy"] = "" if version is None else f"; policy version {version} was in force at release"
    if invoice.number is None or case.released_on is None:
        return {
            **known,
            "numbering": "none yet: given at release",
            "issuing": "the day it was drafted; becomes the day of its release",
        }
    series, _, place = invoice.number.rpartition("-")
    numbering = f"number {int(place)} of series {series}, given at release on {case.released_on}"
    return {**known, "numbering": numbering, "issuing": f"the day of its release, {case.released_on}"}


def _of_period(case: Case) -> dict[str, str]:
    contract, period = case.contract, case.period
    if contract is None or period is None:
        return {}
    in_advance = contract.billing_timing == "in_advance"
    return {
        "period_number": str(period.index + 1),
        "period_count": str(len(billing_periods(contract))),
        "period_words": _PERIODS[contract.billing_frequency],
        "frequency": contract.billing_frequency,
        "timing": "its first day, billed in advance" if in_advance else "the day after its last, billed in arrears",
        "year": str(period.index // (12 // MONTHS[contract.billing_frequency]) + 1),
    }


def _of_terms(case: Case) -> dict[str, str]:
    known = {"terms": f"{(case.invoice.due_date - case.invoice.issue_date).days} days"}
    if case.contract is None or not case.contract.discount_percent:
        return {**known, "plus_discount": "", "less_discount": "", "discount": "0"}
    discount = format(case.contract.discount_percent, "f")
    plus, less = " plus its part of the discount", f", less {discount} % discount"
    return {**known, "plus_discount": plus, "less_discount": less, "discount": discount}


def _years(case: Case) -> list[tuple[LineInstalment, ...]]:
    """For each line of the contract, its instalments of the contract year that the invoice's period lies in."""
    contract, period = case.contract, case.period
    if contract is None or period is None:
        return []
    in_a_year = 12 // MONTHS[contract.billing_frequency]
    first = period.index - period.index % in_a_year
    parts = [instalments(contract, each) for each in billing_periods(contract)[first : first + in_a_year]]
    return list(zip(*parts, strict=True))


def _of_line(year: Sequence[LineInstalment], periods: str, currency: str) -> dict[str, str]:
    split = f"split over its {len(year)} {periods} by months with largest remainders"
    return {
        "year_net": str(total((part.net for part in year), currency)),
        "year_discount": str(total((part.discount for part in year), currency)),
        "split": "billed whole" if len(year) == 1 else split,
    }


def _lines(count: int) -> str:
    return "1 line" if count == 1 else f"{count} lines"


_PERIODS = {"monthly": "months", "quarterly": "quarters", "annual": "years"}
