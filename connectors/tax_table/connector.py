"""A tax engine without a network: the standard VAT rate of the seller's country, or none across the border. Limits: BEHAVIOR.md."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from canonical_model.codes import UnknownCodeError, country_name, currency_digits, in_eu_vat_area
from canonical_model.money import Money, total
from canonical_model.tax import TaxCategory
from connectors.contract import Capabilities, WriteError
from connectors.settings import Connection
from connectors.tax_table import rates

CAPABILITIES = Capabilities(system="tax_table", roles=("tax_engine",))


def connect(connection: Connection) -> "TaxTable":
    """The connector; it needs no settings."""
    return TaxTable()


class _RefusedError(Exception):
    """A document that the table cannot decide, on its way to becoming a value."""

    def __init__(self, code: str, message: str, field: str) -> None:
        super().__init__(message)
        self.reason = WriteError(code=code, message=message, field=field)


class TaxTable:
    """The rate table as a tax engine."""

    capabilities = CAPABILITIES

    def ping(self) -> str:
        """Read the table."""
        return f"{len(rates.table().rates)} standard VAT rates"

    def close(self) -> None:
        """Nothing is open."""

    def quote(self, payloads: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any] | WriteError]:
        """The tax of each document, per line rounded half up in the currency's precision.

        Args:
            payloads: `document_id`, `tax_date` (ISO), `seller_country`, `buyer_country`, `currency` and `lines` of `line_id` and `net`.

        Returns:
            `document_id`, `total_tax`, `currency` and `lines` of `line_id`, `taxable`, `tax`, `rate` (percent), `category`,
            `jurisdiction`, `name`; or why there is none: `unknown_country`, `unknown_currency`, `invalid_date`, `no_rate`.
        """
        return [_answer(payload) for payload in payloads]


def _answer(payload: Mapping[str, Any]) -> Mapping[str, Any] | WriteError:
    try:
        currency = _currency(payload)
        category, percent = _treatment(payload)
    except _RefusedError as refusal:
        return refusal.reason
    place = {"jurisdiction": country_name(payload["seller_country"]), "name": "VAT"}
    lines = []
    for line in payload["lines"]:
        tax = Money(line["net"] * percent / 100, currency).rounded()
        lines.append(
            {
                "line_id": line["line_id"],
                "taxable": line["net"],
                "tax": tax.amount,
                "rate": percent,
                "category": category,
                **place,
            }
        )
    whole = total((Money(line["tax"], currency) for line in lines), currency)
    return {"document_id": payload["document_id"], "total_tax": whole.amount, "currency": currency, "lines": lines}


def _treatment(payload: Mapping[str, Any]) -> tuple[TaxCategory, Decimal]:
    """UNCL 5305 category and rate in percent of all lines of a document."""
    on, seller, buyer = _date(payload), _country(payload, "seller_country"), _country(payload, "buyer_country")
    if seller != buyer:
        return ("K" if in_eu_vat_area(seller, on) and in_eu_vat_area(buyer, on) else "G"), Decimal(0)
    percent = rates.percent(seller, on)
    if percent is None:
        raise _RefusedError("no_rate", f"the rate table has no standard rate of {seller} on {on}", "tax_date")
    return "S", percent


def _country(payload: Mapping[str, Any], field: str) -> str:
    code = payload.get(field) or ""
    if country_name(code) is None:
        raise _RefusedError("unknown_country", f"{field} {code!r} is no country of ISO 3166-1", field)
    return str(code)


def _currency(payload: Mapping[str, Any]) -> str:
    code = str(payload.get("currency"))
    try:
        currency_digits(code)
    except UnknownCodeError as error:
        raise _RefusedError("unknown_currency", str(error), "currency") from error
    return code


def _date(payload: Mapping[str, Any]) -> date:
    text = str(payload.get("tax_date"))
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise _RefusedError("invalid_date", f"tax_date {text!r} is no ISO date", "tax_date") from error
