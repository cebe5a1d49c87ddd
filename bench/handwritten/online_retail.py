"""Online Retail by hand: an order of the data set."""

from datetime import datetime

import pycountry

from bench.handwritten.values import Record, number, optional_text, table, text
from canonical_model.money import Money
from canonical_model.orders import Order, OrderLine

_DIGITS = "0123456789"
_KINDS = {"": "order", "C": "cancellation"}
_NAMES = ("alpha_2", "alpha_3", "name", "official_name", "common_name", "numeric")
_COUNTRIES = {
    getattr(country, name).casefold(): country.alpha_2
    for country in pycountry.countries
    for name in _NAMES
    if hasattr(country, name)
} | {name.casefold(): code for name, code in table("country_name").items()}


def order(record: Record) -> Order:
    """What `online_retail/order` gives."""
    if record.get("HeaderConflicts"):
        raise ValueError("lines of one invoice number disagree")
    number_ = text(record["InvoiceNo"])
    country = optional_text(record.get("Country"))
    return Order(
        order_id=number_,
        kind=_KINDS["" if number_[0] in _DIGITS else number_.rstrip(_DIGITS)],
        legal_entity="UK",
        order_date=datetime.fromisoformat(record["InvoiceDate"]).date(),
        currency="GBP",
        customer_id=optional_text(record.get("CustomerID")),
        buyer_country=country and _COUNTRIES[country.casefold()],
        lines=tuple([_line(line) for line in record["Lines"]]),
    )


def _line(line: Record) -> OrderLine:
    if line.get("Unreadable"):
        raise ValueError("the row cannot be read")
    return OrderLine(
        line_id=str(line["LineNo"]),
        product_code=text(line["StockCode"]),
        description=optional_text(line.get("Description")),
        quantity=number(line["Quantity"]),
        unit_price=Money(number(line["UnitPrice"]), "GBP"),
    )
