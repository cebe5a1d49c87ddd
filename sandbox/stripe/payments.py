"""Payment intents, charges and refunds, as far as invoices need them.

Source: docs.stripe.com/api/payment_intents, /charges, /refunds; test payment methods:
docs.stripe.com/testing. There are no stored payment methods: any id is accepted and charged, and
one that contains "chargeDeclined" is declined, like Stripe's pm_card_visa_chargeDeclined.
"""

from sandbox.storage import Body
from sandbox.stripe.account import Call
from sandbox.stripe.errors import StripeError, bad_parameter, parameter_missing
from sandbox.stripe.events import record, save_and_record
from sandbox.stripe.listing import list_page
from sandbox.stripe.templates import NEW_INTENT

REFUND_FIELDS = frozenset({"payment_intent", "charge", "amount", "reason", "metadata"})
REASONS = ("duplicate", "fraudulent", "requested_by_customer")
DECLINED = "chargeDeclined"


def open_intent(call: Call, invoice: Body) -> Body:
    """Create the payment intent of an invoice that has become due."""
    intent_id = call.account.new_id("pi")
    intent = NEW_INTENT | {
        "id": intent_id,
        "amount": invoice["amount_due"],
        "client_secret": f"{intent_id}_secret_sandbox",
        "created": call.account.now(),
        "currency": invoice["currency"],
        "customer": invoice["customer"],
        "description": f"Payment for Invoice {invoice['number']}",
        "invoice": invoice["id"],
    }
    return save_and_record(call, "payment_intent.created", intent)


def reprice_intent(call: Call, invoice: Body) -> None:
    """Make the open intent ask for what is left of its invoice after a credit note."""
    intent = call.account.require("payment_intent", invoice["payment_intent"])
    call.account.save({**intent, "amount": invoice["amount_remaining"]})


def cancel_intent(call: Call, intent_id: str | None, reason: str) -> None:
    """Cancel an invoice's payment intent, if it has one that was not paid."""
    if intent_id is None:
        return
    intent = call.account.require("payment_intent", intent_id)
    canceled = {**intent, "status": "canceled", "canceled_at": call.account.now(), "cancellation_reason": reason}
    save_and_record(call, "payment_intent.canceled", canceled)


def charge_intent(call: Call, intent_id: str, payment_method: str) -> Body:
    """Charge a payment intent.

    Returns:
        The charge: its `status` is "succeeded" or "failed".
    """
    intent = call.account.require("payment_intent", intent_id)
    declined = DECLINED in payment_method
    charge = _charge(call, intent, payment_method, declined=declined)
    if declined:
        save_and_record(call, "charge.failed", charge)
        error = {
            "type": "card_error",
            "code": "card_declined",
            "decline_code": "generic_decline",
            "message": "Your card was declined.",
        }
        failed = {**intent, "latest_charge": charge["id"], "last_payment_error": error}
        save_and_record(call, "payment_intent.payment_failed", failed)
        return charge
    save_and_record(call, "charge.succeeded", charge)
    paid = {
        "amount_received": intent["amount"],
        "latest_charge": charge["id"],
        "payment_method": payment_method,
        "status": "succeeded",
    }
    save_and_record(call, "payment_intent.succeeded", {**intent, **paid})
    return charge


def list_intents(call: Call) -> Body:
    """GET /v1/payment_intents, filtered by `customer`."""
    return list_page(call, "payment_intent", customer=call.params.text("customer"))


def create_refund(call: Call) -> Body:
    """POST /v1/refunds: of a charge, or of the charge of a payment intent; all of it or a part."""
    account, params = call.account, call.params
    intent_id, charge_id = params.text("payment_intent"), params.text("charge")
    amount, reason = params.amount("amount"), params.choice("reason", REASONS)
    if intent_id is None and charge_id is None:
        raise parameter_missing("payment_intent")
    if charge_id is None:
        intent = account.require("payment_intent", intent_id or "", "payment_intent")
        charge_id = intent["latest_charge"]
    if charge_id is None:
        raise StripeError("This payment intent has no successful charge to refund.", param="payment_intent")
    charge = account.require("charge", charge_id, "charge")
    left = charge["amount_captured"] - charge["amount_refunded"]
    if amount is not None and amount <= 0:
        raise bad_parameter("Invalid positive integer", code="parameter_invalid_integer", param="amount")
    refund = refund_charge(call, charge, left if amount is None else amount)
    return account.save({**refund, "reason": reason, "metadata": params.metadata()})


def refund_charge(call: Call, charge: Body, amount: int) -> Body:
    """Refund a part of a charge.

    Args:
        call: The request that asks for it.
        charge: The charge.
        amount: Minor units.

    Raises:
        StripeError: `charge_already_refunded`, or the amount is more than what is left.
    """
    left = charge["amount_captured"] - charge["amount_refunded"]
    if left == 0:
        raise StripeError(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    if amount > left:
        raise StripeError(
            f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})", param="amount"
        )
    refunded = charge["amount_refunded"] + amount
    body = _refund(call, charge, amount)
    save_and_record(call, "refund.created", body)
    changed = {**charge, "amount_refunded": refunded, "refunded": refunded == charge["amount_captured"]}
    record(call, "charge.refunded", call.account.save(changed))
    return body


def list_refunds(call: Call) -> Body:
    """GET /v1/refunds, filtered by `charge` and `payment_intent`."""
    params = call.params
    return list_page(call, "refund", charge=params.text("charge"), payment_intent=params.text("payment_intent"))


def _charge(call: Call, intent: Body, payment_method: str, *, declined: bool) -> Body:
    address = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
    captured = 0 if declined else intent["amount"]
    return {
        "id": call.account.new_id("ch"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": captured,
        "amount_refunded": 0,
        "balance_transaction": None,
        "billing_details": {"address": address, "email": None, "name": None, "phone": None},
        "captured": not declined,
        "created": call.account.now(),
        "currency": intent["currency"],
        "customer": intent["customer"],
        "disputed": False,
        "failure_code": "card_declined" if declined else None,
        "failure_message": "Your card was declined." if declined else None,
        "invoice": intent["invoice"],
        "livemode": False,
        "metadata": {},
        "paid": not declined,
        "payment_intent": intent["id"],
        "payment_method": payment_method,
        "refunded": False,
        "status": "failed" if declined else "succeeded",
    }


def _refund(call: Call, charge: Body, amount: int) -> Body:
    return {
        "id": call.account.new_id("re"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": call.account.now(),
        "currency": charge["currency"],
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "reason": None,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
    }
