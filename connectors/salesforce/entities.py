"""What is read from Salesforce, and which rows change it.

An entity is made of rows of several objects. Each object that can change it is watched by a stream: rows in the order of
their time of change, then Id, each naming the root record it belongs to.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from connectors.contract import RawRecord


class Stream(msgspec.Struct, frozen=True):
    """Rows whose change makes a root record be read again.

    Attributes:
        name: Object to query.
        root: Path from the row to the Id of the root record.
        stamp: Path from the row to the time of change.
    """

    name: str
    root: str
    stamp: str = "SystemModstamp"


class Entity(msgspec.Struct, frozen=True):
    """Something that is read.

    Attributes:
        name: Object of the root record.
        fields: Its fields and look-ups.
        streams: The root's own stream first, then those of its parts.
    """

    name: str
    fields: tuple[str, ...]
    streams: tuple[Stream, ...]


_SYSTEM = ("CreatedDate", "LastModifiedDate", "SystemModstamp")

ACCOUNT = Entity(
    name="Account",
    fields=(
        *(
            "Id",
            "Name",
            "AccountNumber",
            "BillingStreet",
            "BillingCity",
            "BillingStateCode",
            "BillingPostalCode",
            "BillingCountryCode",
        ),
        *(
            "CurrencyIsoCode",
            "Active__c",
            "Tax_Registration__c",
            "PO_Required__c",
            "Billing_Email__c",
            "Payment_Terms_Days__c",
        ),
        *("Hub_Id__c", "IsDeleted", *_SYSTEM),
    ),
    streams=(Stream("Account", "Id"),),
)

PRICE_BOOK_ENTRY = Entity(
    name="PricebookEntry",
    fields=(
        *("Id", "UnitPrice", "CurrencyIsoCode", "IsActive", "SystemModstamp", "Pricebook2.Name"),
        *("Product2.ProductCode", "Product2.Name", "Product2.Tax_Code__c", "Product2.QuantityUnitOfMeasure"),
        *("Product2.IsActive", "Product2.SystemModstamp"),
    ),
    streams=(Stream("PricebookEntry", "Id"), Stream("PricebookEntry", "Id", stamp="Product2.SystemModstamp")),
)

CONTRACT = Entity(
    name="Contract",
    fields=(
        *(
            "Id",
            "ContractNumber",
            "AccountId",
            "Status",
            "StartDate",
            "EndDate",
            "ContractTerm",
            "CurrencyIsoCode",
            "Legal_Entity__c",
        ),
        *(
            "Billing_Frequency__c",
            "Billing_Timing__c",
            "PO_Number__c",
            "Discount_Percent__c",
            "Pricebook2Id",
            "Description",
            "Hub_Id__c",
        ),
        *(
            "Billing_Status__c",
            "Last_Invoice_Number__c",
            "Last_Invoice_Total__c",
            "Last_Invoice_Date__c",
            "Billed_Through__c",
        ),
        *(*_SYSTEM, "Account.AccountNumber", "Pricebook2.Name"),
    ),
    streams=(
        Stream("Contract", "Id"),
        Stream("Order", "ContractId"),
        Stream("OrderItem", "Order.ContractId"),
        Stream("Contract_Amendment__c", "Contract__c"),
    ),
)

ENTITIES = {"account": ACCOUNT, "price_book_entry": PRICE_BOOK_ENTRY, "contract": CONTRACT}

ORDER_ITEM_FIELDS = (
    *(
        "Id",
        "OrderItemNumber",
        "Quantity",
        "UnitPrice",
        "ListPrice",
        "Description",
        "ServiceDate",
        "EndDate",
        "SystemModstamp",
    ),
    *("Product2.ProductCode", "Product2.Name", "Product2.Tax_Code__c", "Product2.QuantityUnitOfMeasure"),
    *("Order.OrderNumber", "Order.Status", "Order.ContractId", "Order.SystemModstamp"),
)
AMENDMENT_FIELDS = ("Id", "Name", "Contract__c", "Status__c", "Effective_Date__c", "Description__c", *_SYSTEM)


def value_at(row: Mapping[str, Any], path: str) -> str:
    """The value at a dotted path; empty text where a look-up is empty."""
    value: Any = row
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return "" if value is None else str(value)


def account_record(row: Mapping[str, Any]) -> RawRecord:
    """An account; one without a number goes by its Id. Salesforce lets two accounts have one number."""
    external_id = row["AccountNumber"] or row["Id"]
    return RawRecord(external_id=external_id, native_id=row["Id"], version=row["SystemModstamp"], body=row)


def price_record(row: Mapping[str, Any]) -> RawRecord:
    """A price; its version is the later change of the entry and of its product."""
    parts = (value_at(row, "Pricebook2.Name"), value_at(row, "Product2.ProductCode"), value_at(row, "CurrencyIsoCode"))
    version = max(row["SystemModstamp"], value_at(row, "Product2.SystemModstamp"))
    return RawRecord(external_id="/".join(parts), native_id=row["Id"], version=version, body=row)


def contract_record(row: Mapping[str, Any], items: list[dict[str, Any]], amendments: list[dict[str, Any]]) -> RawRecord:
    """A contract with its amendments and the items of its activated orders; its version is the latest change among all of them.

    Args:
        row: The contract.
        items: Items of all its orders: those of a draft order are left out, but their changes count.
        amendments: All its amendments.
    """
    orders = [item["Order"] for item in items]
    version = max(part["SystemModstamp"] for part in [row, *items, *orders, *amendments])
    active = sorted((item for item in items if item["Order"]["Status"] == "Activated"), key=_place_of_item)
    body = {**row, "Amendments": amendments, "OrderItems": active}
    return RawRecord(external_id=row["ContractNumber"], native_id=row["Id"], version=version, body=body)


def _place_of_item(item: Mapping[str, Any]) -> tuple[str, str]:
    return str(item["OrderItemNumber"]), str(item["Id"])
