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

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from sandbox.netsuite.books import FAMILY_OF, Body, Books
from sandbox.netsuite.reference import as_ref, load_reference
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
    ("1000", "Checking", "_bank"),
    ("1100", "Accounts Receivable", "_accountsReceivable"),
    ("1499", "Undeposited Funds", "_otherCurrentAsset"),
    ("2200", "Sales Tax Payable", "_otherCurrentLiability"),
    ("2400", "Deferred Revenue", "_deferredRevenue"),
    ("4000", "Subscription Revenue", "_income"),
    ("4100", "Services Revenue", "_income"),
    ("4200", "Retail Sales", "_income"),
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
        for name in RECORDS:
            for row in read_seed(seed, SYSTEM, name):
                put_row(Books(storage, reference, as_of), name, row, created)


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


def put_row(books: Books, name: str, row: Row, stamp: str) -> Body:
    """Store the record of a row of Customer.csv or SalesOrder.csv, in the place of an older one.

    Args:
        books: Where to store.
        name: The file's name, a key of `RECORDS`.
        row: The row by column; an empty text stands for no value.
        stamp: When it is created or changed.

    Returns:
        The record.

    Raises:
        KeyError: A column is missing.
        RefusedError: The row names a subsidiary, currency or customer that does not exist.
    """
    kind, build = RECORDS[name]
    body = build(books, row) | {"lastModifiedDate": stamp}
    key = row["external_id"].lower()
    before = books.storage.get_by_external_id(kind, key)
    created = "dateCreated" if kind == "customer" else "createdDate"
    body[created] = before[created] if before else stamp
    body["internalId"] = before["internalId"] if before else str(books.storage.next_id(FAMILY_OF[kind]))
    books.storage.put(kind, body["internalId"], body, key)
    return body


def _customer(books: Books, row: Row) -> Body:
    body: Body = {
        "externalId": row["external_id"],
        "entityId": row["entity_id"],
        "companyName": row["company_name"],
        "email": row["email"] or None,
        "isInactive": row["is_inactive"].lower() in ("true", "t", "1", "yes"),
        "subsidiary": as_ref(books.reference.subsidiaries.named(row["subsidiary"])),
        "currency": as_ref(books.reference.currencies.named(row["currency"])),
    }
    if row.get("refuse_code"):
        message = row.get("refuse_message") or "The customer does not take invoices."
        body |= {"_refuseCode": row["refuse_code"], "_refuseMessage": message}
    return body


def _sales_order(books: Books, row: Row) -> Body:
    customer = books.resolve("customer", {"externalId": row["customer_external_id"]}, "entity")
    currency = books.reference.currencies.named(row["currency"])
    days = {
        name: f"{row[column]}T00:00:00.000Z"
        for name, column in (("tranDate", "tran_date"), ("startDate", "start_date"), ("endDate", "end_date"))
        if row[column]
    }
    return days | {
        "externalId": row["external_id"],
        "tranId": row["external_id"],
        "entity": as_ref(customer, "entityId"),
        "currency": as_ref(currency),
        "currencyName": currency["name"],
        "otherRefNum": row["po_number"] or None,
        "memo": row["memo"] or None,
        "total": Decimal(row["total"]),
        "subsidiary": as_ref(books.reference.subsidiaries.named(row["subsidiary"])),
        "status": row["status"] or "Pending Billing",
    }


RECORDS: dict[str, tuple[str, Callable[[Books, Row], Body]]] = {
    "Customer": ("customer", _customer),
    "SalesOrder": ("salesOrder", _sales_order),
}
"""Files of records, each with the record type and how a row becomes one."""
