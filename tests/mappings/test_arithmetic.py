"""Sums, differences and products in mappings: exact, of one currency, or refused."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonical_model.errors import MappingError
from canonical_model.money import Money
from mappings.runtime.arithmetic import added, in_words, multiplied, subtracted
from mappings.runtime.refusal import Refused

AMOUNT = "transform: [decimal, {money: {currency: context.currency}}]"
EXACT = st.decimals(min_value=-(10**12), max_value=10**12, places=4)


def context(**values: Any) -> dict[str, Any]:
    return {"invoice": {}, "context": {"currency": "USD", **values}}


def test_decimals_are_added_subtracted_and_multiplied(outbound: Any) -> None:
    mapping = outbound("""
        sum: {add: [{from: context.a, transform: decimal}, {from: context.b, transform: decimal}, {const: 1}]}
        rest: {subtract: [{from: context.a, transform: decimal}, {from: context.b, transform: decimal}]}
        product: {multiply: [{from: context.a, transform: decimal}, {from: context.b, transform: decimal}], transform: plain_number}
    """)
    document = mapping.apply(context(a="0.1", b="0.20")).document
    assert document == {"sum": Decimal("1.30"), "rest": Decimal("-0.10"), "product": "0.020"}


def test_money_goes_through_the_money_module(outbound: Any) -> None:
    mapping = outbound(f"""
        total:
          add: [{{from: context.net, {AMOUNT}}}, {{from: context.tax, {AMOUNT}}}]
          transform: minor_units
        line:
          multiply: [{{from: context.quantity, transform: decimal}}, {{from: context.net, {AMOUNT}}}]
          transform: [{{rounded: half_up}}, money_text]
    """)
    document = mapping.apply(context(net="120000.00", tax="9600", quantity="0.3333333")).document
    assert document == {"total": 12960000, "line": "40,000.00 USD"}


def test_money_stays_money_for_a_canonical_field(inbound: Any) -> None:
    mapping = inbound("""
        contract_id: {from: id, transform: text}
        customer_id: {from: customer, transform: text}
        annual_value:
          multiply:
            - {from: monthly, transform: [decimal, {money: {code: USD}}]}
            - {const: 12}
        purchase_order: {absent: there is none}
    """)
    record = {"id": "C-1", "customer": "A-1", "monthly": "40000.00"}
    assert mapping.apply(record).document.annual_value == Money(Decimal("480000.00"), "USD")
    (trace,) = [each for each in mapping.explain(record) if each.field == "annual_value"]
    assert (trace.value, trace.rule, trace.source_path) == ("40,000.00 USD x 12", "multiply", "monthly")


def test_an_empty_part_that_may_be_empty_is_left_out(outbound: Any) -> None:
    fields = "a: {add: [{from: context.a, transform: decimal}, {from: context.b, transform: decimal, required: false}]}"
    assert outbound(fields).apply(context(a="2")).document == {"a": Decimal(2)}
    (problem,) = outbound(fields).apply(context(b="2")).problems
    assert (problem.source_path, problem.message) == ("context.a", "is required and missing or blank in the source")


def test_all_parts_that_are_wrong_are_named(outbound: Any) -> None:
    fields = "a: {add: [{from: context.a, transform: decimal}, {from: context.b, transform: decimal}]}"
    problems = outbound(fields).apply(context(a="x", b=[])).problems
    assert [each.source_path for each in problems] == ["context.a", "context.b"]


def test_different_currencies_are_a_problem(outbound: Any) -> None:
    fields = """
        a:
          add:
            - {from: context.a, transform: [decimal, {money: {code: USD}}]}
            - {from: context.a, transform: [decimal, {money: {code: EUR}}]}
          transform: amount
    """
    (problem,) = outbound(fields).apply(context(a="1")).problems
    assert (problem.value, "different currencies" in problem.message) == ("1.00 USD + 1.00 EUR", True)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("{add: [{const: a}, {const: 1}]}", "adds decimals, or money, not decimal and text"),
        (f"{{add: [{{from: context.a, {AMOUNT}}}, {{const: 1}}], transform: amount}}", "not decimal and money"),
        (f"{{multiply: [{{from: context.a, {AMOUNT}}}, {{from: context.a, {AMOUNT}}}]}}", "one money by decimals"),
        ("{add: [{const: 1}]}", "has too few items"),
        ("{add: [{const: 1}, {absent: no reason}]}", "arithmetic works on numbers and money"),
        ("{subtract: [{const: 1}, {const: 2}], transform: upper}", "transform 'upper' takes text, not decimal"),
        (f"{{add: [{{from: context.a, {AMOUNT}}}, {{from: context.b, {AMOUNT}}}]}}", "a payload cannot hold a money"),
        ("{add: [{const: 1}, {const: 2}], transform: {rounded: up}}", "takes one of half_up, half_even"),
    ],
)
def test_types_are_checked(outbound: Any, rule: str, message: str) -> None:
    with pytest.raises(MappingError) as caught:
        outbound(f"a: {rule}")
    assert message in str(caught.value)


@given(st.lists(EXACT, min_size=1, max_size=5))
def test_sums_and_differences_are_exact(parts: list[Decimal]) -> None:
    cents = [int(part.scaleb(4)) for part in parts]
    whole, rest = added(parts), subtracted(parts)
    assert isinstance(whole, Decimal)
    assert isinstance(rest, Decimal)
    assert int(whole.scaleb(4)) == sum(cents)
    assert int(rest.scaleb(4)) == cents[0] - sum(cents[1:])


@given(EXACT, EXACT)
def test_a_product_is_exact_or_refused(left: Decimal, right: Decimal) -> None:
    exact = int(left.scaleb(4)) * int(right.scaleb(4))
    try:
        product = multiplied([left, right])
    except Refused:
        assert len(str(abs(exact)).rstrip("0")) > 28
    else:
        assert isinstance(product, Decimal)
        assert product.as_integer_ratio() == Decimal(exact).scaleb(-8).as_integer_ratio()


def test_nothing_is_not_zero() -> None:
    assert added([None, None]) is None
    assert multiplied([Decimal(2), None]) is None
    assert subtracted([None, None]) is None
    with pytest.raises(Refused, match="nothing to subtract from"):
        subtracted([None, Decimal(1)])
    assert in_words("subtract", [None, Decimal(1)]) == "nothing - 1"


ANY_NUMBER = st.sampled_from(
    ["0", "-0", "1", "0.0000000001", "999999999999999", "-999999999999999.9999999999", "1e14", "x", None, "NaN", 7]
)
CHAINS = [
    "amount",
    "money_text",
    "minor_units",
    "[{rounded: half_up}, money_text]",
    "[{rounded: half_even}, minor_units]",
    "[negate, amount]",
]


@pytest.mark.parametrize("operation", ["add", "subtract", "multiply"])
@pytest.mark.parametrize("chain", CHAINS)
def test_any_amounts_end_in_a_document_or_problems(outbound: Any, operation: str, chain: str) -> None:
    money = f"{{from: context.a, {AMOUNT}}}"
    others = (
        "{from: context.b, transform: decimal}, {const: 3.5}"
        if operation == "multiply"
        else money.replace("context.a", "context.b")
    )
    mapping = outbound(f"a: {{{operation}: [{money}, {others}], transform: {chain}}}")

    @given(ANY_NUMBER, ANY_NUMBER)
    def try_out(first: Any, second: Any) -> None:
        mapped = mapping.apply(context(a=first, b=second))
        assert mapped == mapping.carefully(context(a=first, b=second))
        assert (mapped.document is None) == bool(mapped.problems)

    try_out()


def test_a_product_too_long_for_its_currency_is_not_rounded(outbound: Any) -> None:
    rule = f"{{multiply: [{{from: context.a, {AMOUNT}}}, {{from: context.b, transform: decimal}}], transform: [{{rounded: half_up}}, money_text]}}"
    (problem,) = outbound(f"a: {rule}").apply(context(a="100000000000000", b="100000000000000")).problems
    assert problem.message == "has more than 28 digits in the precision of its currency, so it cannot be rounded"
