"""Fills an empty account from the CSV files of `seed/netsuite/`, or from short defaults.

Files and columns:
    Subsidiary     internal_id, name, currency (ISO 4217)
    Currency       internal_id, name, symbol; the symbol is also the external id
    Account        external_id, name, type
    Item           external_id, name, income_account (external id of an account)
    Term           internal_id, external_id, name, days
    Customer       external_id, entity_id, company_name, subsidiary, currency, email, is_inactive,
                   refuse_code, refuse_message (invoices of such a customer are refused with these)
    SalesOrder     external_id, customer_external_id, po_number, currency, subsidiary, tran_date,
                   start_date, end_date, total, memo, status
    ClosedPeriod   from, to (dates, both inclusive)
    Credential     account, consumer_key, consumer_secret, token, token_secret
    Setting        name, value; known: concurrency_limit
A subsidiary or currency is named by internal or external id.
"""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from sandbox.netsuite.reference import Reference, as_ref, load_reference
from sandbox.storage import Storage, read_seed

Row = dict[str, str]

SYSTEM = "netsuite"
FIRST_ACCOUNT_ID = 101
FIRST_ITEM_ID = 1001

SUBSIDIARIES = (
    ("1", "Meridian Software Inc.", "USD"),
    ("2", "Meridian Software GmbH", "EUR"),
    ("3", "Meridian Software KK", "JPY"),
    ("4", "Meridian Retail Ltd", "GBP"),
)
CURRENCIES = (("1", "US Dollar", "USD"), ("2", "British Pound", "GBP"), ("3", "Euro", "EUR"), ("4", "Yen", "JPY"))
ACCOUNTS = (
    ("1000", "Checking", "Bank"),
    ("1100", "Accounts Receivable", "Accounts Receivable"),
    ("1499", "Undeposited Funds", "Other Current Asset"),
    ("2200", "Sales Tax Payable", "Other Current Liability"),
    ("2400", "Deferred Revenue", "Deferred Revenue"),
    ("4000", "Subscription Revenue", "Income"),
    ("4100", "Services Revenue", "Income"),
    ("4200", "Retail Sales", "Income"),
)
ITEMS = (("PLAT-ENT", "Platform Enterprise", "4000"), ("RETAIL-GOODS", "Retail goods", "4200"))
TERMS = (
    ("1", "NET15", "Net 15", "15"),
    ("2", "NET30", "Net 30", "30"),
    ("3", "NET60", "Net 60", "60"),
    ("4", "NET0", "Due on receipt", "0"),
    ("7", "NET45", "Net 45", "45"),
    ("8", "NET90", "Net 90", "90"),
)


def load_seed(storage: Storage, seed: Path, as_of: date) -> None:
    """Fill the account, unless it has been filled before."""
    if storage.count("subsidiary"):
        return
    with storage.transaction():
        _load_lists(storage, seed)
        for name in ("ClosedPeriod", "Credential", "Setting"):
            for number, row in enumerate(read_seed(seed, SYSTEM, name), 1):
                storage.insert(name[0].lower() + name[1:], str(number), dict(row))
        reference = load_reference(storage)
        created = f"{as_of.isoformat()}T00:00:00.000Z"
        for row in read_seed(seed, SYSTEM, "Customer"):
            _put(storage, "customer", "entity", _customer(row, reference, created))
        for row in read_seed(seed, SYSTEM, "SalesOrder"):
            _put(storage, "salesOrder", "transaction", _sales_order(storage, row, reference, created))


def _rows(seed: Path, name: str, columns: str, defaults: tuple[tuple[str, ...], ...]) -> Iterator[Row]:
    found = list(read_seed(seed, SYSTEM, name))
    yield from found or (dict(zip(columns.split(), row, strict=True)) for row in defaults)


def _load_lists(storage: Storage, seed: Path) -> None:
    for row in _rows(seed, "Subsidiary", "internal_id name currency", SUBSIDIARIES):
        _put_entry(storage, "subsidiary", row["internal_id"], name=row["name"], currency=row["currency"])
    for row in _rows(seed, "Currency", "internal_id name symbol", CURRENCIES):
        symbol = row["symbol"]
        _put_entry(storage, "currency", row["internal_id"], externalId=symbol, name=row["name"], symbol=symbol)
    _load_accounts(storage, seed)
    for number, row in enumerate(_rows(seed, "Item", "external_id name income_account", ITEMS), FIRST_ITEM_ID):
        income = row["income_account"]
        _put_entry(storage, "item", str(number), externalId=row["external_id"], name=row["name"], incomeAccount=income)
    for row in _rows(seed, "Term", "internal_id external_id name days", TERMS):
        days = int(row["days"])
        _put_entry(storage, "term", row["internal_id"], externalId=row["external_id"], name=row["name"], days=days)


def _load_accounts(storage: Storage, seed: Path) -> None:
    rows = list(_rows(seed, "Account", "external_id name type", ACCOUNTS))
    known = {row["external_id"] for row in rows}
    # What the system itself posts to exists in every account.
    system = [dict(zip(("external_id", "name", "type"), row, strict=True)) for row in ACCOUNTS[:4]]
    rows += [row for row in system if row["external_id"] not in known]
    for number, row in enumerate(rows, FIRST_ACCOUNT_ID):
        number_name = f"{row['external_id']} {row['name']}"
        _put_entry(storage, "account", str(number), externalId=row["external_id"], name=number_name, type=row["type"])


def _put_entry(storage: Storage, kind: str, internal_id: str, **fields: Any) -> None:
    storage.insert(kind, internal_id, {"internalId": internal_id, **fields})


def _put(storage: Storage, kind: str, family: str, body: dict[str, Any]) -> None:
    internal_id = str(storage.next_id(family))
    storage.insert(kind, internal_id, {"internalId": internal_id, **body}, body["externalId"].lower())


def _customer(row: Row, reference: Reference, created: str) -> dict[str, Any]:
    body: dict[str, Any] = {
        "externalId": row["external_id"],
        "entityId": row["entity_id"],
        "companyName": row["company_name"],
        "email": row["email"] or None,
        "isInactive": row["is_inactive"].lower() in ("true", "t", "1", "yes"),
        "dateCreated": created,
        "subsidiary": as_ref(reference.subsidiaries.named(row["subsidiary"])),
        "currency": as_ref(reference.currencies.named(row["currency"])),
        "lastModifiedDate": created,
    }
    if row.get("refuse_code"):
        message = row.get("refuse_message") or "The customer does not take invoices."
        body |= {"_refuseCode": row["refuse_code"], "_refuseMessage": message}
    return body


def _sales_order(storage: Storage, row: Row, reference: Reference, created: str) -> dict[str, Any]:
    customer = storage.get_by_external_id("customer", row["customer_external_id"].lower())
    if customer is None:
        raise ValueError(
            f"SalesOrder.csv {row['external_id']}: no customer {row['customer_external_id']!r} in Customer.csv"
        )
    currency = reference.currencies.named(row["currency"])
    days = {
        name: f"{row[column]}T00:00:00.000Z"
        for name, column in (("tranDate", "tran_date"), ("startDate", "start_date"), ("endDate", "end_date"))
        if row[column]
    }
    return days | {
        "externalId": row["external_id"],
        "tranId": row["external_id"],
        "createdDate": created,
        "entity": as_ref(customer, "entityId"),
        "currency": as_ref(currency),
        "currencyName": currency["name"],
        "otherRefNum": row["po_number"] or None,
        "memo": row["memo"] or None,
        "total": Decimal(row["total"]),
        "subsidiary": as_ref(reference.subsidiaries.named(row["subsidiary"])),
        "lastModifiedDate": created,
        "status": row["status"] or "Pending Billing",
    }
