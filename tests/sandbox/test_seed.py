"""The sandbox's seed is consistent, and its README says exactly what is planted in it.

Everything here is worked out anew from the CSV files: the detectors know the rules of the trade, not the list of planted contracts.
"""

import csv
import re
from calendar import monthrange
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from pathlib import Path

import pytest
from stdnum.ch import uid
from stdnum.eu import vat

SEED = Path(__file__).parents[2] / "sandbox" / "seed"
AS_OF, GO_LIVE = date(2026, 1, 15), date(2026, 1, 1)
LIMIT = Decimal(100_000)
UNIT = {"USD": Decimal("0.01"), "EUR": Decimal("0.01"), "JPY": Decimal(1)}
ENTITY_CURRENCY = {"US": "USD", "DE": "EUR", "JP": "JPY"}
SUBSIDIARY = {"US": "1", "DE": "2", "JP": "3"}
PERIODS_A_YEAR = {"Monthly": 12, "Quarterly": 4, "Annual": 1}
EU = {"DE", "FR", "IT", "NL", "AT", "ES", "PL"}
POSTAL = {
    "US": r"\d{5}",
    "JP": r"\d{3}-\d{4}",
    "NL": r"\d{4} [A-Z]{2}",
    "PL": r"\d{2}-\d{3}",
    "AT": r"\d{4}",
    "CH": r"\d{4}",
}
# First digit of a ZIP code -> the states it serves (USPS national areas).
US_AREAS = {
    "0": "CT MA ME NH NJ RI VT", "1": "DE NY PA", "2": "DC MD NC SC VA WV", "3": "AL FL GA MS TN", "4": "IN KY MI OH",
    "5": "IA MN MT ND SD WI", "6": "IL KS MO NE", "7": "AR LA OK TX", "8": "AZ CO ID NM NV UT WY", "9": "AK CA HI OR WA",
}  # fmt: skip

Row = dict[str, str]


@cache
def rows(name: str) -> list[Row]:
    with (SEED / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def index(name: str, *columns: str) -> dict[tuple[str, ...], Row]:
    found = {tuple(row[column] for column in columns): row for row in rows(name)}
    assert len(found) == len(rows(name)), f"{name}: {columns} is no key"
    return found


@cache
def contracts() -> dict[str, Row]:
    return {row["ContractNumber"]: row for row in rows("salesforce/Contract.csv")}


@cache
def accounts() -> dict[str, Row]:
    return {row["AccountNumber"]: row for row in rows("salesforce/Account.csv")}


@cache
def sales_orders() -> dict[str, Row]:
    return {row["external_id"]: row for row in rows("netsuite/SalesOrder.csv")}


@cache
def lines() -> dict[str, list[Row]]:
    """Order items by contract number."""
    contract_of = {row["OrderNumber"]: row["Contract.ContractNumber"] for row in rows("salesforce/Order.csv")}
    found = defaultdict(list)
    for row in rows("salesforce/OrderItem.csv"):
        found[contract_of[row["Order.OrderNumber"]]].append(row)
    return found


@cache
def prices() -> dict[tuple[str, ...], Row]:
    return index("salesforce/PricebookEntry.csv", "Pricebook2.Name", "Product2.ProductCode")


def buyer(contract: Row) -> Row:
    return accounts()[contract["Account.AccountNumber"]]


def line_value(contract: Row, line: Row) -> Decimal:
    """Annual value of one line after the contract's discount."""
    keep = 100 - Decimal(contract["Discount_Percent__c"] or 0)
    return Decimal(line["Quantity"]) * Decimal(line["UnitPrice"]) * keep / 100


def annual_value(contract: Row) -> Decimal:
    return sum((line_value(contract, line) for line in lines()[contract["ContractNumber"]]), Decimal(0))


def months_later(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    assert day.day <= monthrange(year, month + 1)[1]
    return date(year, month + 1, day.day)


def is_due(contract: Row, start: date, end: date) -> bool:
    if contract["Billing_Timing__c"] == "In Advance":
        return GO_LIVE <= start <= AS_OF
    return end >= GO_LIVE and end + timedelta(days=1) <= AS_OF


def due_periods(contract: Row) -> Iterator[int]:
    """Numbers, within their contract year, of the periods due on the demo's day."""
    a_year = PERIODS_A_YEAR.get(contract["Billing_Frequency__c"])
    if a_year is None or contract["Status"] != "Activated":
        return
    first, step = date.fromisoformat(contract["StartDate"]), 12 // a_year
    for number in range(int(contract["ContractTerm"]) // step):
        start, following = months_later(first, number * step), months_later(first, (number + 1) * step)
        if is_due(contract, start, following - timedelta(days=1)):
            yield number % a_year


def period_nets(contract: Row, number: int) -> list[Decimal]:
    """Net of each line in a period: equal parts, the odd smallest units go to the earliest periods."""
    unit, a_year = UNIT[contract["CurrencyIsoCode"]], PERIODS_A_YEAR[contract["Billing_Frequency__c"]]
    nets = []
    for line in lines()[contract["ContractNumber"]]:
        part, odd = divmod(int(line_value(contract, line) / unit), a_year)
        nets.append((part + (number < odd)) * unit)
    return nets


def rates(account: Row, day: date = AS_OF) -> list[Decimal]:
    """Rates of all jurisdictions that tax a sale of the account's own entity to it."""
    country = account["BillingCountryCode"]
    if country not in ENTITY_CURRENCY:
        return []
    return [Decimal(row["rate"]) for row in rows("avatax/Jurisdiction.csv") if applies(row, account, day)]


def applies(row: Row, account: Row, day: date) -> bool:
    return (
        row["country"] == account["BillingCountryCode"]
        and row["region"] in ("", account["BillingStateCode"])
        and account["BillingPostalCode"].startswith(row["postal_prefix"])
        and row["valid_from"] <= day.isoformat() <= (row["valid_to"] or "9999")
    )


def payable(contract: Row, nets: list[Decimal]) -> Decimal:
    unit = UNIT[contract["CurrencyIsoCode"]]
    taxes = [(net * rate).quantize(unit, ROUND_HALF_UP) for net in nets for rate in rates(buyer(contract))]
    return sum(nets + taxes, Decimal(0))


def invoices(contract: Row) -> list[list[Decimal]]:
    return [period_nets(contract, number) for number in due_periods(contract)]


# What is wrong with a contract, one detector a category.


def lacks_tax_id(contract: Row) -> bool:
    account = buyer(contract)
    return account["BillingCountryCode"] in EU and not vat.is_valid(account["Tax_Registration__c"])


def has_bad_address(contract: Row) -> bool:
    account = buyer(contract)
    country, postal = account["BillingCountryCode"], account["BillingPostalCode"]
    if not (
        account["BillingStreet"] and account["BillingCity"] and re.fullmatch(POSTAL.get(country, r"\d{5}"), postal)
    ):
        return True
    return country == "US" and account["BillingStateCode"] not in US_AREAS[postal[0]].split()


def has_foreign_currency(contract: Row) -> bool:
    return contract["CurrencyIsoCode"] != ENTITY_CURRENCY[contract["Legal_Entity__c"]]


def has_other_price(contract: Row) -> bool:
    book = contract["Pricebook2.Name"]
    return any(
        Decimal(line["UnitPrice"]) != Decimal(prices()[book, line["Product2.ProductCode"]]["UnitPrice"])
        for line in lines()[contract["ContractNumber"]]
    )


def has_excessive_discount(contract: Row) -> bool:
    return Decimal(contract["Discount_Percent__c"] or 0) > 15


def content(contract: Row) -> tuple[object, ...]:
    ordered = [
        (line["Product2.ProductCode"], line["Quantity"], line["UnitPrice"])
        for line in lines()[contract["ContractNumber"]]
    ]
    same = (
        "Account.AccountNumber",
        "PO_Number__c",
        "StartDate",
        "EndDate",
        "Billing_Frequency__c",
        "Billing_Timing__c",
    )
    return (*(contract[column] for column in same), *ordered)


def repeats_an_earlier(contract: Row) -> bool:
    earlier = (other for number, other in contracts().items() if number < contract["ContractNumber"])
    return any(content(other) == content(contract) for other in earlier)


def lacks_purchase_order(contract: Row) -> bool:
    return buyer(contract)["PO_Required__c"] == "true" and not contract["PO_Number__c"]


def has_open_amendment(contract: Row) -> bool:
    return any(
        row["Contract__r.ContractNumber"] == contract["ContractNumber"]
        and row["Status__c"] in ("Draft", "Submitted")
        and row["Effective_Date__c"] <= AS_OF.isoformat()
        for row in rows("salesforce/Contract_Amendment__c.csv")
    )


def is_unknown_in_erp(contract: Row) -> bool:
    return contract["Status"] == "Activated" and contract["ContractNumber"] not in sales_orders()


def differs_in_erp(contract: Row) -> bool:
    order = sales_orders().get(contract["ContractNumber"])
    if order is None:
        return False
    ours = (contract["CurrencyIsoCode"], contract["PO_Number__c"], annual_value(contract))
    return ours != (order["currency"], order["po_number"], Decimal(order["total"]))


def is_mistaxed(contract: Row) -> bool:
    return contract["Account.AccountNumber"] in {row["customer_code"] for row in rows("avatax/Misbehaviour.csv")}


def is_inactive(contract: Row) -> bool:
    return buyer(contract)["Active__c"] != "Yes"


def is_refused(contract: Row) -> bool:
    number, email = contract["Account.AccountNumber"], buyer(contract)["Billing_Email__c"]
    return (
        bool(index("netsuite/Customer.csv", "external_id")[(number,)]["refuse_code"])
        or email in {row["email"] for row in rows("stripe/RefusedEmail.csv")}
        or email.partition("@")[2] in {row["domain"] for row in rows("mail/RejectedDomain.csv")}
    )


def has_unknown_frequency(contract: Row) -> bool:
    return contract["Billing_Frequency__c"] not in PERIODS_A_YEAR


DETECTORS: dict[str, Callable[[Row], bool]] = {
    "missing_tax_id": lacks_tax_id,
    "invalid_address": has_bad_address,
    "currency_mismatch": has_foreign_currency,
    "price_mismatch": has_other_price,
    "discount_above_policy": has_excessive_discount,
    "duplicate_request": repeats_an_earlier,
    "missing_purchase_order": lacks_purchase_order,
    "unapproved_amendment": has_open_amendment,
    "contract_unknown_in_erp": is_unknown_in_erp,
    "contract_differs_in_erp": differs_in_erp,
    "tax_answer_inconsistent": is_mistaxed,
    "buyer_inactive": is_inactive,
    "target_rejected": is_refused,
    "unknown_enum": has_unknown_frequency,
}


@cache
def detected() -> dict[str, set[str]]:
    """Contract numbers by category, as found in the data."""
    return {name: {number for number, row in contracts().items() if wrong(row)} for name, wrong in DETECTORS.items()}


def readme_table(heading: str) -> list[list[str]]:
    """Cells of the body of the one table below a README heading."""
    section = (SEED / "README.md").read_text(encoding="utf-8").partition(f"## {heading}\n")[2].partition("\n## ")[0]
    body = [line for line in section.splitlines() if line.startswith("| ")][1:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in body]


def clean_contracts() -> list[Row]:
    planted = set().union(*detected().values())
    return [row for number, row in contracts().items() if number not in planted]


# --- consistency


@pytest.mark.parametrize(
    ("name", "columns", "target", "keys"),
    [
        ("salesforce/PricebookEntry.csv", ["Pricebook2.Name"], "salesforce/Pricebook2.csv", ["Name"]),
        ("salesforce/PricebookEntry.csv", ["Product2.ProductCode"], "salesforce/Product2.csv", ["ProductCode"]),
        ("salesforce/Contract.csv", ["Account.AccountNumber"], "salesforce/Account.csv", ["AccountNumber"]),
        ("salesforce/Contract.csv", ["Pricebook2.Name"], "salesforce/Pricebook2.csv", ["Name"]),
        ("salesforce/Order.csv", ["Contract.ContractNumber", "Account.AccountNumber", "Pricebook2.Name", "CurrencyIsoCode"],
         "salesforce/Contract.csv", ["ContractNumber", "Account.AccountNumber", "Pricebook2.Name", "CurrencyIsoCode"]),
        ("salesforce/OrderItem.csv", ["Order.OrderNumber"], "salesforce/Order.csv", ["OrderNumber"]),
        ("salesforce/OrderItem.csv", ["Product2.ProductCode"], "salesforce/Product2.csv", ["ProductCode"]),
        ("salesforce/Contract_Amendment__c.csv", ["Contract__r.ContractNumber"], "salesforce/Contract.csv", ["ContractNumber"]),
        ("salesforce/Order.csv", ["Contract.ContractNumber", "PoNumber", "Legal_Entity__c", "EndDate"],
         "salesforce/Contract.csv", ["ContractNumber", "PO_Number__c", "Legal_Entity__c", "EndDate"]),
        ("salesforce/Contact.csv", ["Account.AccountNumber"], "salesforce/Account.csv", ["AccountNumber"]),
        ("salesforce/OpportunityLineItem.csv", ["Opportunity.Name"], "salesforce/Opportunity.csv", ["Name"]),
        ("salesforce/OpportunityLineItem.csv", ["Product2.ProductCode"], "salesforce/Product2.csv", ["ProductCode"]),
        ("netsuite/Customer.csv", ["external_id", "company_name", "email", "currency"],
         "salesforce/Account.csv", ["AccountNumber", "Name", "Billing_Email__c", "CurrencyIsoCode"]),
        ("netsuite/Customer.csv", ["subsidiary", "currency"], "netsuite/Subsidiary.csv", ["internal_id", "currency"]),
        ("netsuite/SalesOrder.csv", ["external_id", "customer_external_id", "start_date", "end_date"],
         "salesforce/Contract.csv", ["ContractNumber", "Account.AccountNumber", "StartDate", "EndDate"]),
        ("netsuite/SalesOrder.csv", ["currency"], "netsuite/Currency.csv", ["symbol"]),
        ("netsuite/Subsidiary.csv", ["currency"], "netsuite/Currency.csv", ["symbol"]),
        ("netsuite/Item.csv", ["income_account"], "netsuite/Account.csv", ["external_id"]),
        ("avatax/Misbehaviour.csv", ["customer_code"], "salesforce/Account.csv", ["AccountNumber"]),
        ("stripe/RefusedEmail.csv", ["email"], "salesforce/Account.csv", ["Billing_Email__c"]),
    ],
)  # fmt: skip
def test_every_reference_resolves(name: str, columns: list[str], target: str, keys: list[str]) -> None:
    known = index(target, *keys)
    assert [row for row in rows(name) if tuple(row[column] for column in columns) not in known] == []


def test_every_contract_has_one_order_with_one_to_five_lines_of_its_period() -> None:
    assert set(index("salesforce/Order.csv", "Contract.ContractNumber")) == {(number,) for number in contracts()}
    for number, contract in contracts().items():
        assert 1 <= len(lines()[number]) <= 5, number
        assert {(line["ServiceDate"], line["EndDate"]) for line in lines()[number]} == {
            (contract["StartDate"], contract["EndDate"])
        }
        end = months_later(date.fromisoformat(contract["StartDate"]), int(contract["ContractTerm"])) - timedelta(days=1)
        assert contract["EndDate"] == end.isoformat(), number


def test_order_items_multiply_out_and_quote_the_price_book() -> None:
    for number, contract in contracts().items():
        for line in lines()[number]:
            assert Decimal(line["Quantity"]) * Decimal(line["UnitPrice"]) == Decimal(line["TotalPrice"]), line
            assert (
                line["ListPrice"] == prices()[contract["Pricebook2.Name"], line["Product2.ProductCode"]]["UnitPrice"]
            ), line


def test_opportunities_amount_to_their_lines_and_quote_the_price_book() -> None:
    by_name = index("salesforce/Opportunity.csv", "Name")
    totals: defaultdict[str, Decimal] = defaultdict(Decimal)
    for line in rows("salesforce/OpportunityLineItem.csv"):
        kept = 100 - Decimal(line["Discount"] or 0)
        total = Decimal(line["Quantity"]) * Decimal(line["UnitPrice"]) * kept / 100
        assert total == Decimal(line["TotalPrice"]), line
        deal = by_name[line["Opportunity.Name"],]
        assert line["ListPrice"] == prices()[deal["Pricebook2.Name"], line["Product2.ProductCode"]]["UnitPrice"], line
        totals[deal["Name"]] += total
    assert totals == {name: Decimal(by_name[name,]["Amount"]) for name in totals}


def test_opportunities_under_a_contract_are_won_or_extend_it() -> None:
    for deal in rows("salesforce/Opportunity.csv"):
        if deal["Contract.ContractNumber"]:
            contract = contracts()[deal["Contract.ContractNumber"]]
            shared = ("Account.AccountNumber", "CurrencyIsoCode", "Pricebook2.Name", "Legal_Entity__c")
            assert [deal[column] for column in shared] == [contract[column] for column in shared]
            assert deal["StageName"] == "Closed Won" or deal["CloseDate"] > AS_OF.isoformat()


def test_bills_go_to_contacts_of_the_account() -> None:
    known = index("salesforce/Contact.csv", "Account.AccountNumber", "Email")
    chosen = {
        (row["Account.AccountNumber"], row["BillToContact.Email"])
        for row in rows("salesforce/Order.csv")
        if row["BillToContact.Email"]
    }
    assert chosen
    assert {known[each]["Billing_Role__c"] for each in chosen} == {"Accounts Payable"}


def test_annual_values_are_exact_in_the_currency() -> None:
    for number, contract in contracts().items():
        unit = UNIT[contract["CurrencyIsoCode"]]
        assert [line for line in lines()[number] if line_value(contract, line) % unit] == [], number


def test_every_entity_prices_every_product_in_its_currency() -> None:
    books = {row["Name"]: ENTITY_CURRENCY[row["Legal_Entity__c"]] for row in rows("salesforce/Pricebook2.csv")}
    products = [row["ProductCode"] for row in rows("salesforce/Product2.csv")]
    assert set(prices()) == {(book, product) for book in books for product in products}
    assert all(row["CurrencyIsoCode"] == books[row["Pricebook2.Name"]] for row in prices().values())
    assert {"RETAIL-GOODS", "RETAIL-POSTAGE", *products} == {row["external_id"] for row in rows("netsuite/Item.csv")}


def test_the_erp_has_every_customer_and_no_strange_subsidiary() -> None:
    customers = index("netsuite/Customer.csv", "external_id")
    assert set(customers) == {(number,) for number in accounts()}
    for contract in contracts().values():
        subsidiary = SUBSIDIARY[contract["Legal_Entity__c"]]
        assert customers[contract["Account.AccountNumber"],]["subsidiary"] == subsidiary
        order = sales_orders().get(contract["ContractNumber"])
        assert order is None or order["subsidiary"] == subsidiary


def test_nothing_is_written_back_yet() -> None:
    written = (
        "Hub_Id__c",
        "Billing_Status__c",
        "Last_Invoice_Number__c",
        "Last_Invoice_Total__c",
        "Last_Invoice_Date__c",
        "Billed_Through__c",
    )
    assert {contract[column] for contract in contracts().values() for column in written} == {""}
    assert {account["Hub_Id__c"] for account in accounts().values()} == {""}


def test_emails_and_names_are_unique_and_lead_nowhere() -> None:
    assert all(
        re.fullmatch(r"[a-z.]+@[a-z0-9-]+\.example", account["Billing_Email__c"]) for account in accounts().values()
    )
    domains = Counter(account["Billing_Email__c"].partition("@")[2] for account in accounts().values())
    assert max(domains.values()) == 1
    index("salesforce/Account.csv", "Name")


def test_swiss_buyers_have_a_valid_uid() -> None:
    swiss = [account["Tax_Registration__c"] for account in accounts().values() if account["BillingCountryCode"] == "CH"]
    assert len(swiss) == 2
    assert all(map(uid.is_valid, swiss))


# --- tax


def test_every_american_buyer_has_one_state_row() -> None:
    for account in accounts().values():
        if account["BillingCountryCode"] == "US":
            found = [row for row in rows("avatax/Jurisdiction.csv") if applies(row, account, AS_OF)]
            assert [row["juris_type"] for row in found].count("State") == 1, account


@pytest.mark.parametrize(
    ("region", "postal", "day", "rate"),
    [
        ("NY", "14604", AS_OF, "0.08"),
        ("NY", "10001", AS_OF, "0.08875"),
        ("CA", "94105", AS_OF, "0.08625"),
        ("IL", "60601", AS_OF, "0.1025"),
        ("OR", "97204", AS_OF, "0"),
        ("WA", "98101", date(2025, 12, 31), "0.1035"),
        ("WA", "98101", date(2026, 1, 1), "0.1055"),
    ],
)
def test_combined_rates(region: str, postal: str, day: date, rate: str) -> None:
    address = {"BillingCountryCode": "US", "BillingStateCode": region, "BillingPostalCode": postal}
    assert sum(rates(address, day)) == Decimal(rate)


def test_rates_are_fractions_with_at_most_five_decimals() -> None:
    for row in rows("avatax/Jurisdiction.csv"):
        rate = Decimal(row["rate"])
        assert 0 <= rate < 1, row
        assert rate == rate.quantize(Decimal("0.00001")), row


# --- what is planted


def test_the_readme_lists_exactly_what_is_planted() -> None:
    listed: dict[str, set[str]] = {name: set() for name in DETECTORS}
    for category, number, account, *_ in readme_table("Planted exceptions"):
        listed[category.strip("`")].add(number)
        assert contracts()[number]["Account.AccountNumber"] == account
    assert listed == detected()


def test_a_planted_contract_has_one_fault_only() -> None:
    faults = Counter(number for numbers in detected().values() for number in numbers)
    assert [number for number, count in faults.items() if count > 1] == []


def test_each_category_is_planted_at_least_twice() -> None:
    assert {name: len(found) for name, found in detected().items() if len(found) < 2} == {"unknown_enum": 1}
    assert {row["kind"] for row in rows("avatax/Misbehaviour.csv")} == {"total_off", "line_off"}


def test_a_planted_contract_would_be_billed_now() -> None:
    planted = set().union(*detected().values()) - detected()["unknown_enum"]
    assert [number for number in planted if len(invoices(contracts()[number])) != 1] == []


def test_what_looks_odd_is_right() -> None:
    odd = {number for number, _ in readme_table("Looks odd, is right")}
    assert odd <= {contract["ContractNumber"] for contract in clean_contracts()}
    assert [number for number, row in contracts().items() if row["Status"] != "Activated"] == ["C-000944"]


# --- what is due


@pytest.mark.parametrize(
    ("number", "net", "total"),
    [
        ("C-000001", "120000.00", "129600.00"),
        ("C-000002", "100000.00", "100000.00"),
        ("C-000097", "111000.00", "132090.00"),
        ("C-000144", "90909", "100000"),
    ],
)
def test_first_invoices_round_the_limit(number: str, net: str, total: str) -> None:
    (nets,) = invoices(contracts()[number])
    assert (nets, payable(contracts()[number], nets)) == ([Decimal(net)], Decimal(total))


def test_the_readme_counts_what_is_due() -> None:
    assert readme_table("What is due") == [summary(entity) for entity in ENTITY_CURRENCY]


def summary(entity: str) -> list[str]:
    own = [contract for contract in contracts().values() if contract["Legal_Entity__c"] == entity]
    clean = [contract for contract in clean_contracts() if contract["Legal_Entity__c"] == entity]
    due = [(contract, nets) for contract in clean for nets in invoices(contract)]
    buyers = {contract["Account.AccountNumber"] for contract in own}
    net = sum((sum(nets, Decimal(0)) for _, nets in due), Decimal(0))
    over = sum(payable(contract, nets) > LIMIT for contract, nets in due)
    cells = (entity, len(buyers), len(own), len(own) - len(clean), len(due), ENTITY_CURRENCY[entity], net, over)
    return [str(cell) for cell in cells]
