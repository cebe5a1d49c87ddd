"""Customers."""

from sandbox.netsuite.books import Books
from sandbox.netsuite.plan import Body, Plan
from sandbox.netsuite.records.transaction_header import check_not_refused
from sandbox.netsuite.reference import as_ref
from sandbox.netsuite.refusal import missing


def plan(books: Books, body: Body) -> Plan:
    """Check a customer.

    Raises:
        RefusedError: A name or the subsidiary is missing, or a reference leads nowhere.
    """
    check_not_refused(body)
    name = "lastName" if body.get("isPerson") else "companyName"
    if not body.get(name):
        raise missing("Last Name" if body.get("isPerson") else "Company Name")
    if "subsidiary" not in body:
        raise missing("Primary Subsidiary")
    lists = books.reference
    subsidiary = lists.subsidiaries.find(body["subsidiary"])
    currency = body.get("currency") or {"externalId": subsidiary["currency"]}
    checked = {
        "entityId": body.get("entityId") or body[name],
        "isInactive": body.get("isInactive", False),
        "subsidiary": as_ref(subsidiary),
        "currency": as_ref(lists.currencies.find(currency)),
    }
    if "terms" in body:
        checked["terms"] = as_ref(lists.terms.find(body["terms"]))
    if "receivablesAccount" in body:
        checked["receivablesAccount"] = as_ref(lists.accounts.find(body["receivablesAccount"]))
    return Plan(body | checked | _sublists(books, body))


def _sublists(books: Books, body: Body) -> Body:
    found: Body = {}
    if rows := body.get("addressbookList", {}).get("addressbook"):
        numbered = [row | {"internalId": str(number)} for number, row in enumerate(rows, 1)]
        found["addressbookList"] = body["addressbookList"] | {"addressbook": numbered}
    if rows := body.get("currencyList", {}).get("currency"):
        currencies = [{"currency": as_ref(books.reference.currencies.find(row["currency"]))} for row in rows]
        found["currencyList"] = body["currencyList"] | {"currency": currencies}
    return found
