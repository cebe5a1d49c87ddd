"""Salesforce by hand: what is sold, and how it was sold."""

from datetime import date
from decimal import Decimal
from operator import itemgetter

from bench.handwritten.values import Record, boolean, currency, money, number, one_line, optional_text, text, whole
from canonical_model.contracts import PriceBookEntry
from canonical_model.products import Product
from canonical_model.sales import Opportunity, OpportunityLine, SalesOrder, SalesOrderLine

_ENTITIES = {"US": "US", "DE": "DE", "JP": "JP"}
_ORDER_STATUSES = {"Draft": "draft", "Activated": "activated"}


def price_book_entry(record: Record) -> PriceBookEntry:
    """What `salesforce/price_book_entry` gives."""
    product = record["Product2"]
    price_book, product_code = text(record["Pricebook2"]["Name"]), text(product["ProductCode"])
    code = text(record["CurrencyIsoCode"])
    unit = optional_text(product.get("QuantityUnitOfMeasure"))
    return PriceBookEntry(
        entry_id=f"{price_book}/{product_code}/{code.upper()}",
        price_book=price_book,
        product_code=product_code,
        product_name=text(product["Name"]),
        unit_price=money(record["UnitPrice"], code),
        unit=unit.upper() if unit else "C62",
        tax_code=optional_text(product.get("Tax_Code__c")),
        active=boolean(record["IsActive"]) and boolean(product["IsActive"]),
    )


def product(record: Record) -> Product:
    """What `salesforce/product` gives."""
    unit, description = optional_text(record.get("QuantityUnitOfMeasure")), optional_text(record.get("Description"))
    return Product(
        product_code=text(record["ProductCode"]),
        name=text(record["Name"]),
        unit=unit.upper() if unit else "C62",
        description=one_line(description) if description else None,
        stock_keeping_unit=optional_text(record.get("StockKeepingUnit")),
        family=optional_text(record.get("Family")),
        tax_code=optional_text(record.get("Tax_Code__c")),
        active=boolean(record["IsActive"]),
    )


def opportunity(record: Record) -> Opportunity:
    """What `salesforce/opportunity` gives."""
    is_won, is_closed = record["IsWon"], record["IsClosed"]
    if is_won is None or is_closed is None:
        raise ValueError("nothing says whether the deal is won or closed")
    code, amount, entity = currency(record["CurrencyIsoCode"]), record.get("Amount"), record.get("Legal_Entity__c")
    return Opportunity(
        opportunity_id=text(record["Id"]),
        name=text(record["Name"]),
        stage="won" if is_won is True else "lost" if is_closed is True else "open",
        stage_name=text(record["StageName"]),
        currency=code,
        close_date=date.fromisoformat(record["CloseDate"]),
        probability_percent=number(record["Probability"]),
        amount=money(amount, code) if amount else None,
        customer_id=_inside(record, "Account", "AccountNumber"),
        legal_entity=_ENTITIES[entity] if entity else None,
        price_book=_inside(record, "Pricebook2", "Name"),
        contract_id=_inside(record, "Contract", "ContractNumber"),
        lines=tuple([_opportunity_line(item, code) for item in record.get("OpportunityLineItems") or ()]),
    )


def _inside(record: Record, holder: str, key: str) -> str | None:
    value = record.get(holder)
    return optional_text(value.get(key)) if value else None


def _opportunity_line(item: Record, code: str) -> OpportunityLine:
    product = item["Product2"]
    unit, description = optional_text(product.get("QuantityUnitOfMeasure")), optional_text(item.get("Description"))
    list_price, discount, term = item.get("ListPrice"), item.get("Discount"), item.get("Term_Months__c")
    return OpportunityLine(
        line_id=text(item["Id"]),
        product_code=text(product["ProductCode"]),
        description=one_line(description) if description else text(product["Name"]),
        quantity=number(item["Quantity"]),
        unit=unit.upper() if unit else "C62",
        unit_price=money(item["UnitPrice"], code),
        list_price=money(list_price, code) if list_price else None,
        discount_percent=number(discount) if discount else Decimal(0),
        term_months=whole(term) if term else None,
        service_date=_optional_date(item.get("ServiceDate")),
    )


def _optional_date(value: str | None) -> date | None:
    return date.fromisoformat(value) if value else None


def sales_order(record: Record) -> SalesOrder:
    """What `salesforce/sales_order` gives."""
    code, entity = currency(record["CurrencyIsoCode"]), record.get("Legal_Entity__c")
    items = sorted(record.get("OrderItems") or (), key=itemgetter("OrderItemNumber"))
    return SalesOrder(
        order_id=text(record["OrderNumber"]),
        customer_id=text(record["Account"]["AccountNumber"]),
        status=_ORDER_STATUSES[record["Status"]],
        currency=code,
        effective_date=date.fromisoformat(record["EffectiveDate"]),
        end_date=_optional_date(record.get("EndDate")),
        contract_id=_inside(record, "Contract", "ContractNumber"),
        legal_entity=_ENTITIES[entity] if entity else None,
        price_book=_inside(record, "Pricebook2", "Name"),
        purchase_order=optional_text(record.get("PoNumber")),
        bill_to_contact=optional_text(record.get("BillToContactId")),
        lines=tuple([_order_line(item, code) for item in items]),
    )


def _order_line(item: Record, code: str) -> SalesOrderLine:
    product, list_price = item["Product2"], item.get("ListPrice")
    unit, description = optional_text(product.get("QuantityUnitOfMeasure")), optional_text(item.get("Description"))
    return SalesOrderLine(
        line_id=text(item["OrderItemNumber"]),
        product_code=text(product["ProductCode"]),
        description=one_line(description) if description else text(product["Name"]),
        quantity=number(item["Quantity"]),
        unit=unit.upper() if unit else "C62",
        unit_price=money(item["UnitPrice"], code),
        list_price=money(list_price, code) if list_price else None,
        service_start=_optional_date(item.get("ServiceDate")),
        service_end=_optional_date(item.get("EndDate")),
        cost_center=optional_text(item.get("Buyer_Cost_Center__c")),
    )
