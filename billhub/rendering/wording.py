"""How amounts, quantities, rates and dates are written: by the habits of the seller's country."""

from datetime import date
from decimal import Decimal
from functools import cache, cached_property

import msgspec
from babel import Locale
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal, format_percent

from billhub.rendering.labels import Labels, Language, labels
from canonical_model.codes import currency_digits
from canonical_model.invoices import CREDIT_NOTE, Invoice
from canonical_model.money import Money

LOCALES = {"DE": "de_DE", "GB": "en_GB"}
"""Locale by country of the seller; all others are written to in `DEFAULT_LOCALE`."""
DEFAULT_LOCALE = "en_US"


class Wording(msgspec.Struct, frozen=True, dict=True):
    """Everything that turns a value into text.

    Attributes:
        locale: A locale of Unicode CLDR.
        sign: -1 where the document holds the amounts it credits as negative ones: a reader is shown them positive (UNCL 1001, type 381).
    """

    locale: Locale
    sign: int = 1

    @cached_property
    def labels(self) -> Labels:
        """The words of the locale's language."""
        return labels(self.language)

    @property
    def language(self) -> Language:
        """Language of the words."""
        return "de" if self.locale.language == "de" else "en"

    def amount(self, money: Money) -> str:
        """`129,600.00`; a residual keeps all its digits."""
        return self.price(self._turned(money))

    def price(self, money: Money) -> str:
        """`0.0125`: the price of a unit, with all its digits; it has no direction."""
        return format_decimal(money.amount, format=f"#,##0{_fraction(money)}", locale=self.locale)

    def money(self, money: Money) -> str:
        """`$129,600.00`."""
        pattern = _currency_pattern(self.locale).replace(".00", _fraction(money))
        amount = self._turned(money).amount
        return format_currency(amount, money.currency, format=pattern, locale=self.locale, currency_digits=False)

    def quantity(self, quantity: Decimal) -> str:
        """`1,200.5`."""
        return self.count(quantity * self.sign)

    def count(self, count: Decimal) -> str:
        """`1,200.5`: a number that has no direction."""
        return format_decimal(count.normalize(), locale=self.locale, decimal_quantization=False)

    def percent(self, percent: Decimal) -> str:
        """`8.875%`, of a percentage 0-100."""
        fraction = (percent / 100).normalize()
        return format_percent(fraction, locale=self.locale, decimal_quantization=False)

    def unit(self, code: str, quantity: Decimal) -> str:
        """Name of a unit, in the plural form of the quantity; a code without a name stands for itself."""
        names = self.labels.units.get(code, {})
        return names.get(self.locale.plural_form(abs(quantity).normalize()), code)

    def day(self, day: date) -> str:
        """`Jan 15, 2026`."""
        return format_date(day, format="medium", locale=self.locale)

    def period(self, first: date, last: date) -> str:
        """`Jan 1, 2026 – Mar 31, 2026`."""
        return f"{self.day(first)} – {self.day(last)}"

    def country(self, code: str) -> str:
        """Name of a country, in the language of the document."""
        return str(self.locale.territories.get(code, code))

    def _turned(self, money: Money) -> Money:
        return Money(money.amount * self.sign + 0, money.currency)  # + 0: no negative zero


def wording_of(invoice: Invoice) -> Wording:
    """The wording of a document: the seller's."""
    locale = Locale.parse(LOCALES.get(invoice.seller.address.country, DEFAULT_LOCALE))
    credits_negative = invoice.document_type == CREDIT_NOTE and invoice.totals.payable.amount < 0
    return Wording(locale=locale, sign=-1 if credits_negative else 1)


@cache
def _currency_pattern(locale: Locale) -> str:
    return str(locale.currency_formats["standard"].pattern)


def _fraction(money: Money) -> str:
    exponent = money.amount.normalize().as_tuple().exponent
    digits = max(currency_digits(money.currency), -exponent if isinstance(exponent, int) else 0)
    return f".{'0' * digits}" if digits else ""
