"""Every rule on drafts lets its good example pass and finds its bad one; a rule without examples fails here."""

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec
import pytest

from billhub.billing import soundness
from billhub.checks import CONTRACT_RULES, ORDER_RULES, Facts, check_draft
from billhub.checks.rules import COMMON_RULES, Rule
from billhub.policy import load
from canonical_model.contracts import Amendment, Contract, ContractLine, ErpContract, PriceBookEntry
from canonical_model.invoices import CREDIT_NOTE, INVOICE, Invoice, InvoiceLine, Totals
from canonical_model.money import Money, zero
from canonical_model.orders import Order
from canonical_model.parties import Address, Customer, Party
from canonical_model.rules.invoice import CATEGORY as MISCALCULATION
from canonical_model.rules.tax_answer import CATEGORY as INCONSISTENT
from canonical_model.tax import AddressCheck
from canonical_model.violations import Violation

POLICY = load()
ROCHESTER = Address(line1="85 East Main Street", city="Rochester", region="NY", postal_code="14604", country="US")
BERLIN = Address(line1="Unter den Linden 1", city="Berlin", postal_code="10117", country="DE")


def usd(amount: str) -> Money:
    return Money(Decimal(amount), "USD")


def customer(**changes: Any) -> Customer:
    fields = {"customer_id": "A-0001", "name": "Northwind Analytics Corp", "address": ROCHESTER}
    return Customer(**{**fields, **changes})


def contract(**changes: Any) -> Contract:
    line = ContractLine(
        line_id="1",
        product_code="PLAT-ENT",
        description="Platform",
        quantity=Decimal(1),
        unit_price=Money(Decimal("480000.00"), changes.get("currency", "USD")),
    )
    fields = {
        "contract_id": "C-000001",
        "customer_id": "A-0001",
        "legal_entity": "US",
        "status": "active",
        "currency": "USD",
        "start_date": date(2026, 1, 1),
        "term_months": 12,
        "billing_frequency": "quarterly",
        "billing_timing": "in_advance",
        "price_book": "US Price Book",
        "lines": (line,),
    }
    return Contract(**{**fields, **changes})


def amendment(status: str, effective: str) -> Contract:
    change = Amendment(amendment_id="AM-1", status=status, effective_date=date.fromisoformat(effective))
    return contract(amendments=(change,))


def price(amount: str = "480000.00", *, active: bool = True) -> dict[str, PriceBookEntry]:
    entry = PriceBookEntry(
        entry_id="US Price Book/PLAT-ENT/USD",
        price_book="US Price Book",
        product_code="PLAT-ENT",
        product_name="Platform",
        unit_price=usd(amount),
        active=active,
    )
    return {"PLAT-ENT": entry}


def erp(**changes: Any) -> ErpContract:
    fields = {"contract_id": "C-000001", "customer_id": "A-0001", "annual_value": usd("480000.00")}
    return ErpContract(**{**fields, **changes})


def line(line_id: str = "1", *, product: str = "85123A", quantity: str = "6", amount: str = "2.55") -> InvoiceLine:
    unit_price = Money(Decimal(amount), "GBP")
    return InvoiceLine(
        line_id=line_id,
        product_code=product,
        description="WHITE HANGING HEART",
        quantity=Decimal(quantity),
        unit_price=unit_price,
        net=(unit_price * Decimal(quantity)).rounded(),
        rounding=zero("GBP"),
    )


def invoice(*lines: InvoiceLine, **changes: Any) -> Invoice:
    nothing = zero("GBP")
    fields = {
        "invoice_id": "order_536365",
        "document_type": INVOICE,
        "legal_entity": "UK",
        "seller": Party(party_id="UK", name="Meridian Retail Ltd", address=Address(country="GB")),
        "buyer": buyer("GB"),
        "currency": "GBP",
        "issue_date": date(2026, 1, 15),
        "due_date": date(2026, 2, 14),
        "tax_point_date": date(2026, 1, 1),
        "lines": lines or (line(),),
        "totals": Totals(net=nothing, tax=nothing, gross=nothing, payable=nothing),
    }
    return Invoice(**{**fields, **changes})


def buyer(country: str, *, party_id: str = "17850", tax_id: str | None = None) -> Party:
    return Party(party_id=party_id, name="Customer 17850", address=Address(country=country), tax_id=tax_id)


def of_contract(**changes: Any) -> Facts:
    """Facts about a draft of the worked example, with nothing wrong."""
    fields = {
        "invoice": invoice(buyer=buyer("US", party_id="A-0001")),
        "policy": POLICY,
        "contract": contract(),
        "customer": customer(),
        "prices": price(),
        "erp_contract": erp(),
        "address": AddressCheck(valid=True),
    }
    return Facts(**{**fields, **changes})


def of_order(draft: Invoice | None = None, **changes: Any) -> Facts:
    """Facts about a draft of a retail order, with nothing wrong."""
    order = Order(
        order_id="536365", kind="order", legal_entity="UK", order_date=date(2010, 12, 1), currency="GBP", lines=()
    )
    return Facts(invoice=draft or invoice(), policy=POLICY, order=order, **changes)


class Example(NamedTuple):
    """What passes a rule, what breaks it, and where the break is."""

    good: tuple[Facts, ...]
    bad: tuple[Facts, ...]
    path: str


EXAMPLES: dict[str, Example] = {
    "HUB-C01": Example((of_order(), of_contract()), (of_order(duplicate_of="order_1"),), "invoice_id"),
    "HUB-C02": Example(
        (of_order(), of_contract()),
        (of_contract(outdated=("contract C-000001",)), of_order(outdated=("contract C-000001",))),
        "contract",
    ),
    "HUB-C03": Example(
        (of_order(), of_contract()),
        (
            of_contract(billed_already=("US-000001 (2026-01-01 to 2026-03-31)",)),
            of_contract(
                billed_already=("US-000001 (2026-01-01 to 2026-01-31)", "US-000002 (2026-02-01 to 2026-02-28)")
            ),
        ),
        "period_start",
    ),
    "HUB-C10": Example((of_contract(),), (of_contract(customer=None),), "buyer.party_id"),
    "HUB-C11": Example((of_contract(),), (of_contract(customer=customer(status="inactive")),), "customer.status"),
    "HUB-C12": Example(
        (
            of_contract(),  # the US ask for none
            of_contract(customer=customer(address=BERLIN, tax_id="DE136695976")),
        ),
        (
            of_contract(customer=customer(address=BERLIN)),
            of_contract(customer=customer(address=BERLIN, tax_id="DE136695977")),
            of_contract(customer=customer(address=BERLIN, tax_id="FR53929811297")),
        ),
        "customer.tax_id",
    ),
    "HUB-C13": Example(
        (of_contract(), of_contract(customer=customer(address=BERLIN))),
        (of_contract(customer=customer(address=msgspec.structs.replace(ROCHESTER, postal_code="1460"))),),
        "customer.address.postal_code",
    ),
    "HUB-C14": Example(
        (of_contract(), of_contract(address=None)),
        (of_contract(address=AddressCheck(valid=False, message="unknown street")),),
        "customer.address",
    ),
    "HUB-C15": Example((of_contract(),), (of_contract(contract=contract(currency="EUR")),), "contract.currency"),
    "HUB-C16": Example(
        (of_contract(), of_contract(prices=price("480000")), of_contract(contract=contract(currency="EUR"))),
        (of_contract(prices=price("480000.01")), of_contract(prices={}), of_contract(prices=price(active=False))),
        "contract.lines[0].unit_price",
    ),
    "HUB-C17": Example(
        (of_contract(), of_contract(contract=contract(discount_percent=Decimal("15.00")))),
        (of_contract(contract=contract(discount_percent=Decimal("15.01"))),),
        "contract.discount_percent",
    ),
    "HUB-C18": Example(
        (
            of_contract(),
            of_contract(customer=customer(purchase_order_required=True), invoice=invoice(purchase_order="PO-1")),
        ),
        (of_contract(customer=customer(purchase_order_required=True)),),
        "purchase_order",
    ),
    "HUB-C19": Example(
        (
            of_contract(),
            of_contract(contract=amendment("approved", "2026-01-10")),
            of_contract(contract=amendment("rejected", "2026-01-10")),
            of_contract(contract=amendment("submitted", "2026-01-16")),
        ),
        (
            of_contract(contract=amendment("draft", "2026-01-10")),
            of_contract(contract=amendment("submitted", "2026-01-15")),
        ),
        "contract.amendments[AM-1].status",
    ),
    "HUB-C20": Example((of_contract(),), (of_contract(erp_contract=None),), "contract.contract_id"),
    "HUB-C21": Example(
        (of_contract(), of_contract(erp_contract=erp(annual_value=usd("480000")))),
        (
            of_contract(erp_contract=erp(annual_value=usd("479999.99"))),
            of_contract(erp_contract=erp(annual_value=Money(Decimal("480000.00"), "EUR"))),
        ),
        "contract.annual_value",
    ),
    "HUB-C22": Example((of_contract(),), (of_contract(erp_contract="total: is missing"),), "contract.contract_id"),
    "HUB-C23": Example(
        (of_contract(), of_contract(customer=customer(payment_terms_days=0))),
        (
            of_contract(customer=customer(payment_terms_days=-1)),
            of_contract(customer=customer(payment_terms_days=3651)),
        ),
        "customer.payment_terms_days",
    ),
    "HUB-O01": Example(
        (of_order(), of_order(invoice(line(), line("2", amount="0")))),
        (of_order(invoice(line(amount="0.00"), line("2", amount="0"))),),
        "lines",
    ),
    "HUB-O02": Example((of_order(),), (of_order(invoice(buyer=buyer("GB", party_id=""))),), "buyer.party_id"),
    "HUB-O03": Example((of_order(),), (of_order(invoice(buyer=buyer(""))),), "buyer.address.country"),
    "HUB-O04": Example((of_order(),), (of_order(invoice(line(), line("2", amount="0.00"))),), "lines[1].unit_price"),
    "HUB-O05": Example((of_order(),), (of_order(invoice(line(), line("2", amount="-1.00"))),), "lines[1].unit_price"),
    "HUB-O06": Example(
        (of_order(), of_order(invoice(document_type=CREDIT_NOTE))),
        (of_order(invoice(line(quantity="-6"))), of_order(invoice(line(quantity="0")))),
        "lines[0].quantity",
    ),
    "HUB-O07": Example(
        (of_order(), of_order(invoice(line(), line("2", quantity="7"), line("3", product="22423")))),
        (of_order(invoice(line(), line("2"))), of_order(invoice(line(), line("2"), line("3")))),
        "lines[85123A]",
    ),
    "HUB-O08": Example(
        (
            of_order(),
            of_order(invoice(buyer=buyer("FR"))),  # an export since the United Kingdom left
            of_order(invoice(buyer=buyer("FR", tax_id="FR53929811297"), tax_point_date=date(2010, 12, 1))),
            of_order(invoice(buyer=buyer("AU"), tax_point_date=date(2010, 12, 1))),
        ),
        (of_order(invoice(buyer=buyer("FR"), tax_point_date=date(2010, 12, 1))),),
        "buyer.tax_id",
    ),
}


def rules() -> Iterator[tuple[str, Rule]]:
    """Each id with its rule; a rule names its ids at the start of its docstring."""
    for rule in (*COMMON_RULES, *CONTRACT_RULES, *ORDER_RULES):
        ids, _, demand = (rule.__doc__ or "").partition(": ")
        assert demand, f"{rule.__name__} does not say what it demands"
        yield from ((each, rule) for each in ids.split(", "))


RULES = dict(rules())


def found(rule_id: str, facts: Facts) -> list[Violation]:
    return [each for each in RULES[rule_id](facts) if each.rule_id == rule_id]


def test_every_rule_has_its_examples_and_its_own_id() -> None:
    assert sorted(RULES) == sorted(EXAMPLES)
    assert len(list(rules())) == len(RULES)


@pytest.mark.parametrize("rule_id", EXAMPLES)
def test_what_is_right_passes(rule_id: str) -> None:
    for facts in EXAMPLES[rule_id].good:
        assert found(rule_id, facts) == []


@pytest.mark.parametrize("rule_id", EXAMPLES)
def test_what_is_wrong_is_found_once_where_it_is(rule_id: str) -> None:
    example = EXAMPLES[rule_id]
    for facts in example.bad:
        [violation] = found(rule_id, facts)
        assert violation.path == example.path
        assert violation.message


def test_the_rules_of_a_kind_leave_good_facts_of_that_kind_alone() -> None:
    assert check_draft(of_contract()) == ()
    assert check_draft(of_order()) == ()


def test_contracts_are_not_measured_by_the_rules_of_orders_and_the_other_way_round() -> None:
    free = invoice(line(amount="0"), buyer=buyer("US", party_id="A-0001"))
    assert check_draft(of_contract(invoice=free)) == ()
    assert {each.rule_id for each in check_draft(of_order(free))} == {"HUB-O01", "HUB-O04"}


def test_every_break_is_found_not_only_the_first() -> None:
    facts = of_contract(
        customer=customer(status="inactive", purchase_order_required=True), erp_contract=None, prices={}
    )
    assert [each.rule_id for each in check_draft(facts)] == ["HUB-C11", "HUB-C16", "HUB-C18", "HUB-C20"]


def test_a_contract_under_another_customer_in_the_erp_is_said_with_both() -> None:
    [violation] = found("HUB-C21", of_contract(erp_contract=erp(customer_id="A-0002")))
    assert (violation.path, violation.value) == ("contract.customer_id", "A-0001")
    assert "A-0002" in violation.message


def test_without_a_customer_only_that_is_said_of_it() -> None:
    assert [each.rule_id for each in check_draft(of_contract(customer=None, address=None))] == ["HUB-C10"]


def test_every_category_has_an_owner_in_the_policy() -> None:
    broken = {each.category for example in EXAMPLES.values() for facts in example.bad for each in check_draft(facts)}
    broken |= {each.category for document in UNSOUND for each in soundness.defects(POLICY, document)}
    assert broken | {MISCALCULATION, INCONSISTENT, "tax_refused", "target_rejected", "failed_delivery"} <= set(
        POLICY.exceptions
    )
    assert set(POLICY.orders) <= set(POLICY.exceptions)


# what no draft can be made from

UNSOUND: dict[Contract | Order, str] = {
    contract(legal_entity="FR"): "HUB-B01",
    contract(term_months=0): "HUB-B02",
    contract(term_months=601): "HUB-B02",
    contract(start_date=date(2200, 1, 1)): "HUB-B02",
    contract(lines=(msgspec.structs.replace(contract().lines[0], unit_price=usd("1000000000000")),)): "HUB-B03",
}


@pytest.mark.parametrize("document", UNSOUND)
def test_what_nothing_can_be_computed_from_is_found(document: Contract) -> None:
    assert [each.rule_id for each in soundness.defects(POLICY, document)] == [UNSOUND[document]]


@pytest.mark.parametrize(
    "document",
    [
        contract(),
        contract(term_months=600),
        contract(start_date=date(2199, 12, 31)),
        contract(lines=(msgspec.structs.replace(contract().lines[0], unit_price=usd("999999999999.99")),)),
        contract(legal_entity="FR", status="ended"),
    ],
)
def test_what_can_be_computed_is_left_to_the_checks(document: Contract) -> None:
    assert list(soundness.defects(POLICY, document)) == []


def test_a_rule_of_contracts_refuses_to_look_at_an_order() -> None:
    rule: Callable[[Facts], Iterator[Violation]] = RULES["HUB-C15"]
    with pytest.raises(TypeError, match="contract"):
        list(rule(of_order()))
