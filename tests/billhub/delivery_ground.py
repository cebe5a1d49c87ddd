"""Ground for the tests of delivery: a sandbox with many equal contracts, hub stores that know a few of them each, and a view from the sandbox's side.

One sandbox serves many stores: each store has contracts, buyers and invoice numbers that no other has, so what one test does is not seen by another,
and no sandbox has to be started anew.
"""

import csv
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import requests
from sqlalchemy import insert, or_, select, text, update

import sandbox
from billhub import sync
from billhub.demo.connections import sandbox_environment
from billhub.flows import feeds
from billhub.hub import Hub, open_hub
from billhub.store import intents
from billhub.store.engine import open_engine, reading, transaction
from billhub.store.schema import documents, landed, number_sequences
from billhub.store.schema import intents as intent_table
from connectors.settings import variable_name

SEED = Path(sandbox.__file__).parent / "seed"
ITEMS = {"PLAT-TEAM": "9600.00", "PLAT-BUS": "47999.00"}
NET, TAX, GROSS, GROSS_MINOR = "14399.75", "1151.98", "15551.73", 1555173
"""A quarter of the year's price of both items, in advance, with 8 % in Rochester, New York."""
CHAIN = [
    ("netsuite", "customer"),
    ("avatax", "transaction"),
    ("netsuite", "invoice"),
    ("netsuite", "journalEntry"),
    ("stripe", "invoice"),
    ("email", "message"),
    ("salesforce", "contract_status"),
]
"""What one invoice is delivered as, in order."""
SYSTEMS = ("salesforce", "avatax", "netsuite", "stripe", "mail")
_KINDS = {
    "salesforce": ("Contract",),
    "avatax": ("Transaction",),
    "netsuite": ("customer", "invoice", "journalEntry", "gl"),
    "stripe": ("customer", "invoice", "invoiceitem"),
    "mail": ("Message",),
}
_STATIC = {
    "netsuite": ("Account", "ClosedPeriod", "Credential", "Currency", "Item", "Subsidiary"),
    "avatax": ("Jurisdiction",),
    "salesforce": ("Product2", "Pricebook2", "PricebookEntry"),
}


class Case(NamedTuple):
    """One contract with its own buyer, and the number its invoice gets."""

    place: int

    @property
    def contract(self) -> str:
        return f"C-{100_000 + self.place}"

    @property
    def account(self) -> str:
        return f"A-{100_000 + self.place}"

    @property
    def email(self) -> str:
        return f"billing@buyer-{self.place}.example"

    @property
    def number(self) -> str:
        return f"US-{self.place:06d}"

    @property
    def invoice_id(self) -> str:
        return f"{self.contract}_2026-01-01"


class Field:
    """A running sandbox, a store that knows all its contracts, and the contracts that no test has used yet."""

    def __init__(self, endpoints: Mapping[str, str], synced: str) -> None:
        self.endpoints, self.synced, self.env = endpoints, synced, sandbox_environment(endpoints)
        self._next = 1

    def take(self, count: int) -> list[Case]:
        """The next unused contracts."""
        self._next += count
        return [Case(place) for place in range(self._next - count, self._next)]

    def fault(self, system: str, match: str, fault: str, **fields: Any) -> None:
        """Switch a fault on, for one request unless `times` says otherwise (see `sandbox.faults`)."""
        rule = {"match": match, "fault": fault, **fields}
        self._call("POST", system, "faults", rule)

    def clear(self) -> None:
        """Switch all faults off."""
        for system in SYSTEMS:
            self._call("DELETE", system, "faults")

    def requests(self, system: str) -> dict[str, int]:
        """How often each operation was called, since the sandbox started."""
        counts: dict[str, int] = self._call("GET", system, "requests")
        return counts

    def change(self, system: str, kind: str, name: str, fields: Mapping[str, Any]) -> None:
        """Set fields of an object, as somebody in the vendor's own administration."""
        self._call("PATCH", system, f"objects/{kind}/{name}", fields)

    def remove(self, system: str, kind: str, name: str) -> None:
        """Remove an object, as somebody in the vendor's own administration."""
        self._call("DELETE", system, f"objects/{kind}/{name}")

    def refuse(self, case: Case, code: str) -> None:
        """The books refuse every document for this buyer from now on; an empty code ends it."""
        row = _customer(case) | {"refuse_code": code, "refuse_message": "The period is closed." if code else ""}
        self._call("POST", "netsuite", "seed/Customer", row)

    def world(self) -> "World":
        """What the systems hold now."""
        return World(self.endpoints)

    def _call(self, method: str, system: str, path: str, body: Any = None) -> Any:
        answer = requests.request(method, f"{self.endpoints[system]}/_sandbox/{path}", json=body, timeout=60)
        answer.raise_for_status()
        return answer.json() if answer.content else None


@contextmanager
def field(folder: Path, count: int) -> Iterator[Field]:
    """A sandbox with `count` contracts, until the block ends."""
    seed, synced = write_seed(folder / "seed", count), f"sqlite:///{folder / 'synced.sqlite'}"
    with sandbox.serve(folder / "sandbox", seed_dir=seed) as endpoints:
        made = Field(endpoints, synced)
        with pytest.MonkeyPatch.context() as patch:
            for name, value in made.env.items():
                patch.setenv(name, value)
            sync_all(synced)
        yield made


def write_seed(folder: Path, count: int) -> Path:
    """A sandbox seed with `count` contracts, places 1 to `count`, and nothing planted."""
    for system, names in _STATIC.items():
        (folder / system).mkdir(parents=True, exist_ok=True)
        for name in names:
            shutil.copy(SEED / system / f"{name}.csv", folder / system)
    cases = [Case(place) for place in range(1, count + 1)]
    _write(folder, "netsuite/Customer", [_customer(case) for case in cases])
    _write(folder, "netsuite/SalesOrder", [_sales_order(case) for case in cases])
    _write(folder, "salesforce/Account", [_account(case) for case in cases])
    _write(folder, "salesforce/Contract", [_contract(case) for case in cases])
    _write(folder, "salesforce/Order", [_order(case) for case in cases])
    _write(folder, "salesforce/OrderItem", [item for case in cases for item in _items(case)])
    for name in ("salesforce/Contract_Amendment__c", "avatax/Misbehaviour", "stripe/RefusedEmail"):
        _write(folder, name, [])
    _write(folder, "mail/RejectedDomain", [])
    return folder


def sync_all(url: str) -> None:
    """A store that knows all contracts of the sandbox."""
    hub = open_hub(as_of=sandbox.DEFAULT_AS_OF, actor="olive", url=url)
    for feed in feeds():
        if feed.source == "salesforce":
            sync.sync(hub, feed)
    hub.close()


def plant(hub: Hub, synced: str, cases: Sequence[Case]) -> None:
    """Give a hub's empty store what another has synced about some contracts with neighbouring places, and the numbers that belong to them.

    Args:
        hub: Hub on the empty store.
        synced: URL of the store that `sync_all` has filled.
        cases: In order, without gap.
    """
    source = open_engine(synced)
    wanted = or_(
        documents.c.entity == "price_book_entry",
        documents.c.canonical_id.in_([name for case in cases for name in (case.contract, case.account)]),
    )
    with reading(source) as connection:
        found = [dict(row) for row in connection.execute(select(documents).where(wanted)).mappings()]
        ids = [row["landed_id"] for row in found]
        raw = [dict(row) for row in connection.execute(select(landed).where(landed.c.landed_id.in_(ids))).mappings()]
    source.dispose()
    with transaction(hub.engine) as connection:
        connection.execute(insert(landed), raw)
        connection.execute(insert(documents), found)
        series = {"legal_entity": "US", "series": "US", "last": cases[0].place - 1}
        connection.execute(insert(number_sequences).values(**series))


def set_extra(system: str, name: str, value: str) -> None:
    """Change a further setting of a connection in the environment; it counts for hubs that connect afterwards."""
    variable = variable_name(f"billhub_{system}")
    fields = json.loads(os.environ[variable])
    os.environ[variable] = json.dumps({**fields, "extra": {**fields.get("extra", {}), name: value}})


def make_due(hub: Hub, *, but: str = "") -> None:
    """As if all waiting times were over, those for one target excepted."""
    with transaction(hub.engine) as connection:
        connection.execute(update(intent_table).where(intent_table.c.target != but).values(not_before=0))


def rows(hub: Hub, case: Case) -> list[Mapping[str, Any]]:
    """The intents of a contract's invoice, the shared one first."""
    with reading(hub.engine) as connection:
        return intents.of_invoice(connection, case.invoice_id)


def states(hub: Hub, case: Case) -> dict[str, str]:
    """State of each intent of a contract's invoice, by target and entity."""
    return {f"{row['target']}/{row['entity']}": row["state"] for row in rows(hub, case)}


def history(hub: Hub, case: Case, target: str) -> list[tuple[int, str, str]]:
    """Number, action and outcome of each attempt at a target, in order."""
    query = text(
        "SELECT a.number, a.action, a.outcome FROM attempts a JOIN intents i USING (intent_id) "
        "WHERE i.subject_id = :invoice AND i.target = :target ORDER BY a.attempt_id"
    )
    with reading(hub.engine) as connection:
        found = connection.execute(query, {"invoice": case.invoice_id, "target": target})
        return [(row.number, row.action, row.outcome) for row in found]


class World:
    """Everything the sandbox's systems hold at one moment, as their control endpoints show it, by the buyer or contract it is about."""

    def __init__(self, endpoints: Mapping[str, str]) -> None:
        self._found: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
        self._gateway_customers: dict[str, str] = {}
        for system, kinds in _KINDS.items():
            for kind in kinds:
                found = requests.get(f"{endpoints[system]}/_sandbox/objects/{kind}", timeout=60).json()
                for each in found:
                    self._found.setdefault((system, kind, self._owner(system, kind, each)), []).append(each)

    def of(self, system: str, kind: str, case: Case) -> list[dict[str, Any]]:
        """The objects of one kind that are about a contract or its buyer, whatever key they stand under."""
        return [each for owner in (case.contract, case.account) for each in self._found.get((system, kind, owner), [])]

    def deviations(self, case: Case) -> list[str]:
        """What is not there exactly once and right; empty when each system has had its one effect."""
        checks = (_books, _tax, _payment, _mail, _crm)
        return [text for check in checks for text in check(self, case)]

    def _owner(self, system: str, kind: str, found: Mapping[str, Any]) -> str:
        match system:
            case "netsuite":
                # A key made up for a repeated attempt has a tilde and more behind the right one.
                return str(found.get("externalId") or found.get("transaction")).partition("~")[0].partition("_")[0]
            case "stripe" if kind == "customer":
                self._gateway_customers[found["id"]] = found["metadata"].get("hub_customer_id", "")
                return self._gateway_customers[found["id"]]
            case "stripe":
                return self._gateway_customers[found["customer"]]
            case "mail":
                return "A-" + str(100_000 + int(found["rcpt_tos"][0].partition("buyer-")[2].partition(".")[0]))
        return str(found.get("customerCode") or found.get("ContractNumber"))


def _books(world: World, case: Case) -> list[str]:
    customers, entries = world.of("netsuite", "customer", case), world.of("netsuite", "journalEntry", case)
    invoices, postings = world.of("netsuite", "invoice", case), world.of("netsuite", "gl", case)
    receivable = sum(row["debitMinor"] - row["creditMinor"] for row in postings if row["account"] == "1100")
    deferred = sum(row["creditMinor"] - row["debitMinor"] for row in postings if row["account"] == "2400")
    return [
        *_unless(len(customers) == 1, f"{len(customers)} customers in the books"),
        *_unless([each["tranId"] for each in invoices] == [case.number], f"{len(invoices)} invoices in the books"),
        *_unless([str(each["total"]) for each in invoices] == [GROSS], "an invoice in the books has another total"),
        *_unless(len(entries) == 1, f"{len(entries)} journal entries"),
        *_unless(receivable == GROSS_MINOR, f"receivable of {receivable}"),
        *_unless(deferred == round(float(NET) * 100), f"deferred revenue of {deferred}"),
    ]


def _tax(world: World, case: Case) -> list[str]:
    found = [(each["code"], each["status"], each["version"]) for each in world.of("avatax", "Transaction", case)]
    return _unless(found == [(case.number, "Committed", 1)], f"tax transactions {found}")


def _payment(world: World, case: Case) -> list[str]:
    customers, items = world.of("stripe", "customer", case), world.of("stripe", "invoiceitem", case)
    found = [(each["number"], each["status"], each["total"]) for each in world.of("stripe", "invoice", case)]
    marks = sorted((bool(each["invoice"]), each["metadata"].get("hub_item")) for each in items)
    return [
        *_unless(len(customers) == 1, f"{len(customers)} customers at the gateway"),
        *_unless(found == [(case.number, "open", GROSS_MINOR)], f"gateway invoices {found}"),
        *_unless(marks == [(True, "1"), (True, "2"), (True, "3")], f"gateway items {marks}"),
    ]


def _mail(world: World, case: Case) -> list[str]:
    subjects = [each["headers"]["subject"] for each in world.of("mail", "Message", case)]
    return _unless(subjects == [f"Invoice {case.number} from Meridian Software Inc."], f"mails {subjects}")


def _crm(world: World, case: Case) -> list[str]:
    [contract] = world.of("salesforce", "Contract", case)
    found = (contract["Billing_Status__c"], contract["Last_Invoice_Number__c"], contract["Last_Invoice_Total__c"])
    return _unless(found == ("Invoiced", case.number, float(GROSS)), f"contract in the CRM {found}")


def _unless(right: bool, text: str) -> list[str]:
    return [] if right else [text]


def _write(folder: Path, name: str, found: Sequence[Mapping[str, str]]) -> None:
    with (SEED / f"{name}.csv").open(encoding="utf-8", newline="") as original:
        columns = next(csv.reader(original))
    target = folder / f"{name}.csv"
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(found)


def _customer(case: Case) -> dict[str, str]:
    return {
        "external_id": case.account,
        "entity_id": f"CUST-{case.place}",
        "company_name": f"Buyer {case.place} Corp",
        "subsidiary": "1",
        "currency": "USD",
        "email": case.email,
        "is_inactive": "false",
    }


def _sales_order(case: Case) -> dict[str, str]:
    return {
        "external_id": case.contract,
        "customer_external_id": case.account,
        "po_number": f"PO-{case.place}",
        "currency": "USD",
        "subsidiary": "1",
        "tran_date": "2025-12-08",
        "start_date": "2026-01-01",
        "end_date": "2026-12-31",
        "total": "57599.00",
        "memo": case.contract,
        "status": "Pending Billing",
    }


def _account(case: Case) -> dict[str, str]:
    return {
        "AccountNumber": case.account,
        "Name": f"Buyer {case.place} Corp",
        "BillingStreet": f"{case.place} East Main Street",
        "BillingCity": "Rochester",
        "BillingStateCode": "NY",
        "BillingPostalCode": "14604",
        "BillingCountryCode": "US",
        "CurrencyIsoCode": "USD",
        "Active__c": "Yes",
        "PO_Required__c": "true",
        "Billing_Email__c": case.email,
        "Payment_Terms_Days__c": "30",
    }


def _contract(case: Case) -> dict[str, str]:
    return {
        "ContractNumber": case.contract,
        "Account.AccountNumber": case.account,
        "Status": "Activated",
        "StartDate": "2026-01-01",
        "EndDate": "2026-12-31",
        "ContractTerm": "12",
        "CurrencyIsoCode": "USD",
        "Legal_Entity__c": "US",
        "Billing_Frequency__c": "Quarterly",
        "Billing_Timing__c": "In Advance",
        "PO_Number__c": f"PO-{case.place}",
        "Pricebook2.Name": "US Price Book",
    }


def _order(case: Case) -> dict[str, str]:
    return {
        "OrderNumber": f"{case.place:08d}",
        "Contract.ContractNumber": case.contract,
        "Account.AccountNumber": case.account,
        "Status": "Activated",
        "EffectiveDate": "2026-01-01",
        "CurrencyIsoCode": "USD",
        "Pricebook2.Name": "US Price Book",
    }


def _items(case: Case) -> list[dict[str, str]]:
    return [
        {
            "OrderItemNumber": f"{case.place * 10 + line:010d}",
            "Order.OrderNumber": f"{case.place:08d}",
            "Product2.ProductCode": product,
            "Quantity": "1",
            "UnitPrice": price,
            "ListPrice": price,
            "TotalPrice": price,
            "ServiceDate": "2026-01-01",
            "EndDate": "2026-12-31",
            "Description": product,
        }
        for line, (product, price) in enumerate(ITEMS.items(), start=1)
    ]
