"""What is read from Salesforce, field by field, and which rows change it.

Fields without `__c` at the end are Salesforce's own (Object Reference, API v60.0), the others are the org's.
"""

from connectors.salesforce.entity import Entity, Part, Row, Stream, value_at

_SYSTEM = ("CreatedDate", "LastModifiedDate", "SystemModstamp")
_PRODUCT = ("Product2.ProductCode", "Product2.Name", "Product2.QuantityUnitOfMeasure")


def _fields(*names: str) -> tuple[str, ...]:
    """Names from texts that hold several, separated by blanks."""
    return tuple(name for text in names for name in text.split())


ACCOUNT = Entity(
    name="Account",
    fields=_fields(
        "Id Name AccountNumber BillingStreet BillingCity BillingStateCode BillingPostalCode BillingCountryCode CurrencyIsoCode",
        "Active__c Tax_Registration__c PO_Required__c Billing_Email__c Payment_Terms_Days__c Hub_Id__c IsDeleted",
        *_SYSTEM,
    ),
    streams=(Stream("Account", "Id"),),
    key=("AccountNumber",),
)

CONTACT = Entity(
    name="Contact",
    fields=_fields(
        "Id AccountId Account.AccountNumber Salutation FirstName LastName Email Phone Title Department HasOptedOutOfEmail",
        "MailingStreet MailingCity MailingStateCode MailingPostalCode MailingCountryCode Billing_Role__c",
        *_SYSTEM,
    ),
    streams=(Stream("Contact", "Id"),),
)

PRODUCT = Entity(
    name="Product2",
    fields=_fields(
        "Id ProductCode Name Description StockKeepingUnit Family IsActive QuantityUnitOfMeasure Tax_Code__c", *_SYSTEM
    ),
    streams=(Stream("Product2", "Id"),),
    key=("ProductCode",),
)

PRICE_BOOK_ENTRY = Entity(
    name="PricebookEntry",
    fields=_fields(
        "Id UnitPrice CurrencyIsoCode IsActive SystemModstamp Pricebook2.Name",
        *_PRODUCT,
        "Product2.Tax_Code__c Product2.IsActive Product2.SystemModstamp",
    ),
    streams=(Stream("PricebookEntry", "Id"), Stream("PricebookEntry", "Id", stamp="Product2.SystemModstamp")),
    key=("Pricebook2.Name", "Product2.ProductCode", "CurrencyIsoCode"),
    stamps=("SystemModstamp", "Product2.SystemModstamp"),
)


def _place_of_offer(line: Row) -> tuple[bool, int, str]:
    """As sales has sorted the lines; those that nobody has sorted come last."""
    return line["SortOrder"] is None, int(line["SortOrder"] or 0), str(line["Id"])


OPPORTUNITY = Entity(
    name="Opportunity",
    fields=_fields(
        "Id Name AccountId Account.AccountNumber StageName IsClosed IsWon ForecastCategory Probability Amount CloseDate",
        "CurrencyIsoCode Pricebook2Id Pricebook2.Name ContractId Contract.ContractNumber Legal_Entity__c",
        *_SYSTEM,
    ),
    streams=(Stream("Opportunity", "Id"), Stream("OpportunityLineItem", "OpportunityId")),
    parts=(
        Part(
            key="OpportunityLineItems",
            name="OpportunityLineItem",
            root="OpportunityId",
            fields=_fields(
                "Id OpportunityId SortOrder PricebookEntryId Product2Id Quantity UnitPrice ListPrice Discount TotalPrice",
                "ServiceDate Description Term_Months__c SystemModstamp",
                *_PRODUCT,
            ),
            place=_place_of_offer,
        ),
    ),
)


def _place_of_item(item: Row) -> tuple[str, str]:
    return str(item["OrderItemNumber"]), str(item["Id"])


SALES_ORDER = Entity(
    name="Order",
    fields=_fields(
        "Id OrderNumber AccountId Account.AccountNumber ContractId Contract.ContractNumber Status EffectiveDate EndDate",
        "CurrencyIsoCode Pricebook2Id Pricebook2.Name PoNumber BillToContactId Legal_Entity__c",
        *_SYSTEM,
    ),
    streams=(Stream("Order", "Id"), Stream("OrderItem", "OrderId")),
    key=("OrderNumber",),
    parts=(
        Part(
            key="OrderItems",
            name="OrderItem",
            root="OrderId",
            fields=_fields(
                "Id OrderId OrderItemNumber PricebookEntryId Product2Id Quantity UnitPrice ListPrice TotalPrice",
                "ServiceDate EndDate Description Buyer_Cost_Center__c SystemModstamp",
                *_PRODUCT,
            ),
            place=_place_of_item,
        ),
    ),
)

CONTRACT = Entity(
    name="Contract",
    fields=_fields(
        "Id ContractNumber AccountId Status StartDate EndDate ContractTerm CurrencyIsoCode Legal_Entity__c",
        "Billing_Frequency__c Billing_Timing__c PO_Number__c Discount_Percent__c Pricebook2Id Description Hub_Id__c",
        "Billing_Status__c Last_Invoice_Number__c Last_Invoice_Total__c Last_Invoice_Date__c Billed_Through__c",
        *_SYSTEM,
        "Account.AccountNumber Pricebook2.Name",
    ),
    streams=(
        Stream("Contract", "Id"),
        Stream("Order", "ContractId"),
        Stream("OrderItem", "Order.ContractId"),
        Stream("Contract_Amendment__c", "Contract__c"),
    ),
    key=("ContractNumber",),
    parts=(
        Part(
            key="Amendments",
            name="Contract_Amendment__c",
            root="Contract__c",
            fields=_fields("Id Name Contract__c Status__c Effective_Date__c Description__c", *_SYSTEM),
            place=lambda amendment: str(amendment["Id"]),
        ),
        Part(
            key="OrderItems",
            name="OrderItem",
            root="Order.ContractId",
            fields=_fields(
                "Id OrderItemNumber Quantity UnitPrice ListPrice Description ServiceDate EndDate SystemModstamp",
                *_PRODUCT,
                "Product2.Tax_Code__c Order.OrderNumber Order.Status Order.ContractId Order.SystemModstamp",
            ),
            stamps=("SystemModstamp", "Order.SystemModstamp"),
            place=_place_of_item,
            kept=lambda item: value_at(item, "Order.Status") == "Activated",
        ),
    ),
)

ENTITIES = {
    "account": ACCOUNT,
    "contact": CONTACT,
    "product": PRODUCT,
    "price_book_entry": PRICE_BOOK_ENTRY,
    "opportunity": OPPORTUNITY,
    "sales_order": SALES_ORDER,
    "contract": CONTRACT,
}
