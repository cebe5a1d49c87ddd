"""Tax rates, and the tax they put on a line.

Source: docs.stripe.com/api/tax_rates, docs.stripe.com/billing/taxes/tax-rates. Every rate is
rounded on its own line, half away from zero; Stripe's account setting "round at the subtotal" is
not offered.
"""

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal

from sandbox.storage import Body
from sandbox.stripe.account import Call
from sandbox.stripe.errors import bad_parameter, parameter_missing
from sandbox.stripe.events import save_and_record
from sandbox.stripe.listing import list_page
from sandbox.stripe.params import Params

TEXTS = ("country", "description", "jurisdiction", "state", "tax_type")
DATA_FIELDS = frozenset({"display_name", "inclusive", "percentage", *TEXTS})
FIELDS = DATA_FIELDS | {"active", "metadata"}

PERCENT_PLACES = 4
HUNDRED = Decimal(100)


def create(call: Call) -> Body:
    """POST /v1/tax_rates."""
    body = tax_rate(call, call.params)
    active = call.params.boolean("active")
    body |= {"active": active is not False, "metadata": call.params.metadata()}
    return save_and_record(call, "tax_rate.created", body)


def retrieve(call: Call) -> Body:
    """GET /v1/tax_rates/{id}."""
    return call.target("tax_rate")


def list_rates(call: Call) -> Body:
    """GET /v1/tax_rates, filtered by `active` and `inclusive`."""
    wanted = {name: call.params.boolean(name) for name in ("active", "inclusive")}
    return list_page(
        call,
        "tax_rate",
        lambda body: all(value is None or body[name] == value for name, value in wanted.items()),
    )


def tax_rate(call: Call, params: Params) -> Body:
    """Build a new, not yet stored tax rate out of its parameters."""
    inclusive, percentage = params.boolean("inclusive"), params.decimal("percentage")
    name = params.required("display_name")
    if inclusive is None or percentage is None:
        raise parameter_missing(params.name("inclusive" if inclusive is None else "percentage"))
    if not 0 <= percentage <= HUNDRED or percentage != round(percentage, PERCENT_PLACES):
        raise bad_parameter(f"Invalid percentage: {percentage}", param=params.name("percentage"))
    return {
        "id": call.account.new_id("txr"),
        "object": "tax_rate",
        "active": True,
        "created": call.account.now(),
        "display_name": name,
        "effective_percentage": None,
        "inclusive": inclusive,
        "livemode": False,
        "metadata": {},
        "percentage": percentage,
        **{field: params.text(field) for field in TEXTS},
    }


def rates_named(call: Call, params: Params, key: str) -> list[Body]:
    """Return the stored tax rates whose ids a parameter lists.

    Raises:
        StripeError: One does not exist, or is archived.
    """
    rates = [call.account.require("tax_rate", rate_id, key) for rate_id in params.texts(key)]
    for rate in rates:
        if not rate["active"]:
            raise bad_parameter(f"The tax rate {rate['id']} is archived", param=key)
    return rates


def tax_amounts(amount: int, rates: Sequence[Body]) -> list[Body]:
    """Compute the tax of one line.

    Args:
        amount: The line's amount, minor units; it contains the inclusive taxes.
        rates: Tax rates in the order they were given.

    Returns:
        One Stripe tax amount a rate; inclusive ones are taken out of the amount before
        exclusive ones are computed on what is left.
    """
    inclusive = sum((Decimal(rate["percentage"]) for rate in rates if rate["inclusive"]), Decimal(0))
    net = Decimal(amount) * HUNDRED / (HUNDRED + inclusive)
    return [
        tax_amount(rate, amount=_round(net * Decimal(rate["percentage"]) / HUNDRED), taxable_amount=_round(net))
        for rate in rates
    ]


def tax_amount(rate: Body, *, amount: int, taxable_amount: int | None, reason: str | None = None) -> Body:
    """Return Stripe's tax amount object."""
    return {
        "amount": amount,
        "inclusive": rate["inclusive"],
        "tax_rate": rate["id"],
        "taxability_reason": reason,
        "taxable_amount": taxable_amount,
    }


def summed(amounts: Iterable[Body]) -> list[Body]:
    """Add up tax amounts by tax rate, in order of first appearance."""
    totals: dict[str, Body] = {}
    for part in amounts:
        total = totals.setdefault(part["tax_rate"], {**part, "amount": 0, "taxable_amount": 0})
        total["amount"] += part["amount"]
        total["taxable_amount"] += part["taxable_amount"] or 0
    return list(totals.values())


def tax_sum(amounts: Iterable[Body], *, inclusive: bool) -> int:
    """Add up the inclusive, or the exclusive, tax amounts; minor units."""
    return sum(part["amount"] for part in amounts if part["inclusive"] is inclusive)


def _round(value: Decimal) -> int:
    return int(value.quantize(Decimal(1), ROUND_HALF_UP))
