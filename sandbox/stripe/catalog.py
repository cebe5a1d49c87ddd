"""Products and prices. Source: docs.stripe.com/api/products, docs.stripe.com/api/prices."""

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal

from sandbox.storage import Body
from sandbox.stripe.account import Call
from sandbox.stripe.errors import amount_too_large, bad_parameter, parameter_missing
from sandbox.stripe.events import save_and_record
from sandbox.stripe.listing import list_page
from sandbox.stripe.params import MAX_AMOUNT, Params

PRODUCT_TEXTS = ("description", "tax_code", "unit_label", "url", "statement_descriptor")
PRODUCT_FIELDS = frozenset({"id", "name", "active", "metadata", *PRODUCT_TEXTS})
PRODUCT_UPDATE_FIELDS = PRODUCT_FIELDS - {"id"}

PRICE_FIELDS = frozenset(
    {
        "currency",
        "product",
        "unit_amount",
        "unit_amount_decimal",
        "active",
        "nickname",
        "lookup_key",
        "metadata",
        "tax_behavior",
    }
)
PRICE_DATA_FIELDS = frozenset({"currency", "product", "unit_amount", "unit_amount_decimal", "tax_behavior"})
TAX_BEHAVIORS = ("exclusive", "inclusive", "unspecified")


def create_product(call: Call) -> Body:
    """POST /v1/products; the id may be the client's own."""
    account, params = call.account, call.params
    name, own_id = params.required("name"), params.text("id")
    if own_id is not None and account.storage.get("product", own_id):
        raise bad_parameter(f"Product already exists: {own_id}", code="resource_already_exists", param="id")
    created = account.now()
    body: Body = {
        "id": own_id or account.new_id("prod"),
        "object": "product",
        "active": params.boolean("active") is not False,
        "created": created,
        "default_price": None,
        "features": [],
        "images": [],
        "livemode": False,
        "metadata": params.metadata(),
        "name": name,
        "package_dimensions": None,
        "shippable": None,
        "updated": created,
        **{field: params.text(field) for field in PRODUCT_TEXTS},
    }
    return save_and_record(call, "product.created", body)


def update_product(call: Call) -> Body:
    """POST /v1/products/{id}."""
    before, params = call.target("product"), call.params
    changes: Body = {field: params.text(field) for field in PRODUCT_TEXTS if params.has(field)}
    if params.has("name"):
        changes["name"] = params.required("name")
    if params.has("active"):
        changes["active"] = params.boolean("active")
    changes |= {"metadata": params.metadata(before["metadata"]), "updated": call.account.now()}
    return save_and_record(call, "product.updated", {**before, **changes}, before)


def create_price(call: Call) -> Body:
    """POST /v1/prices: one-time prices per unit only."""
    params = call.params
    body = price_from(call, params)
    body |= {
        "active": params.boolean("active") is not False,
        "nickname": params.text("nickname"),
        "lookup_key": params.text("lookup_key"),
        "metadata": params.metadata(),
    }
    return save_and_record(call, "price.created", body)


def price_from(call: Call, params: Params) -> Body:
    """Build a new, not yet stored one-time price out of its parameters."""
    currency, product = params.currency(), params.required("product")
    unit_amount = unit_amount_of(params)
    if currency is None or unit_amount is None:
        raise parameter_missing(params.name("currency" if currency is None else "unit_amount"))
    call.account.require("product", product, params.name("product"))
    return {
        "id": call.account.new_id("price"),
        "object": "price",
        "active": True,
        "billing_scheme": "per_unit",
        "created": call.account.now(),
        "currency": currency,
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": None,
        "metadata": {},
        "nickname": None,
        "product": product,
        "recurring": None,
        "tax_behavior": params.choice("tax_behavior", TAX_BEHAVIORS) or "unspecified",
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "one_time",
        **unit_amount_fields(unit_amount),
    }


def unit_amount_of(params: Params) -> Decimal | None:
    """Return the amount of one unit, minor units; None when neither form of it was sent."""
    whole, exact = params.amount("unit_amount"), params.decimal("unit_amount_decimal")
    if whole is not None and exact is not None:
        raise bad_parameter("Send only one of unit_amount and unit_amount_decimal", code="parameters_exclusive")
    if exact is not None and abs(exact) > MAX_AMOUNT:
        raise amount_too_large(params.name("unit_amount_decimal"))
    return exact if whole is None else Decimal(whole)


def unit_amount_fields(unit_amount: Decimal) -> Body:
    """Return both forms of a unit amount; `unit_amount` is null where it is not a whole number."""
    whole = unit_amount == unit_amount.to_integral_value()
    text = f"{unit_amount.normalize():f}"
    return {"unit_amount": int(unit_amount) if whole else None, "unit_amount_decimal": text}


def extended(unit_amount: Decimal, quantity: int) -> int:
    """Multiply a unit amount and round half away from zero to minor units."""
    return int((unit_amount * quantity).quantize(Decimal(1), ROUND_HALF_UP))


def retrieve(kind: str) -> Callable[[Call], Body]:
    """Return the handler that answers one stored object of a kind."""
    return lambda call: call.target(kind)


def list_products(call: Call) -> Body:
    """GET /v1/products, filtered by `active`."""
    active = call.params.boolean("active")
    return list_page(call, "product", lambda body: active is None or body["active"] == active)


def list_prices(call: Call) -> Body:
    """GET /v1/prices, filtered by `product` and `active`."""
    active = call.params.boolean("active")
    return list_page(
        call,
        "price",
        lambda body: active is None or body["active"] == active,
        product=call.params.text("product"),
    )
