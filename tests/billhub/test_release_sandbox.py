"""The whole seed of the sandbox, from Salesforce to released invoices, held against what the seed's own README says."""

import csv
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import text

import sandbox
from billhub import approvals, audit, exceptions, reconcile, steps
from billhub.demo.connections import sandbox_environment
from billhub.flows import load_flows
from billhub.hub import Hub, open_hub
from billhub.store import documents
from billhub.store.engine import reading, transaction
from canonical_model.contracts import Contract
from canonical_model.encoding import decode
from canonical_model.errors import ConfigurationError
from canonical_model.invoices import Invoice
from canonical_model.money import from_minor
from canonical_model.schedule import annual_value
from connectors.settings import Connection, parse, variable_name

SEED = Path(sandbox.__file__).parent / "seed"
README = (SEED / "README.md").read_text("utf-8")
AT_DELIVERY = "target_rejected"
AS_OURS = {"unknown_enum": "mapping_defect"}
"""What the hub calls a planted category where it has another word for it."""


def table(heading: str) -> list[list[str]]:
    """The cells of the table below a heading of the README, without its head."""
    section = README.split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip().strip("`") for cell in row] for row in rows[2:]]


PLANTED = {contract: category for category, contract, *_ in table("Planted exceptions")}
HELD = {contract for contract, category in PLANTED.items() if category != AT_DELIVERY}


def sync_and_release(hub: Hub) -> None:
    for name in ("sync_accounts", "sync_contracts", "invoice_release"):
        steps.run_flow(hub, load_flows()[name])


def rows(hub: Hub, sql: str, **values: Any) -> list[tuple[Any, ...]]:
    with reading(hub.engine) as connection:
        return [tuple(row) for row in connection.execute(text(sql), values)]


# one run over the whole seed, looked at from all sides


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """The hub after one sync and one release on the day of the demonstration; nobody has approved anything."""
    folder = tmp_path_factory.mktemp("seeded")
    with sandbox.serve(folder / "sandbox", systems=["salesforce", "avatax", "netsuite"]) as endpoints:
        nowhere = dict.fromkeys(("stripe", "smtp", "imap"), "http://127.0.0.1:1")
        env = sandbox_environment({**nowhere, **endpoints})

        def connection(system: str) -> Connection:
            return parse(f"billhub_{system}", env[variable_name(f"billhub_{system}")])

        hub = open_hub(
            as_of=date(2026, 1, 15), actor="olive", url=f"sqlite:///{folder / 'hub.sqlite'}", connection=connection
        )
        sync_and_release(hub)
        yield hub
        hub.close()


def test_what_is_due_is_what_the_seed_says(seeded: Hub) -> None:
    """Clean invoices, their net and how many are over the limit, by legal entity."""
    for entity, _accounts, _contracts, _planted, clean, currency, net, over in table("What is due"):
        found = rows(
            seeded,
            "SELECT source_id, net_minor, state FROM invoices WHERE legal_entity = :entity AND currency = :currency",
            entity=entity,
            currency=currency,
        )
        good = [(minor, state) for contract, minor, state in found if contract not in PLANTED]
        assert len(good) == int(clean)
        assert from_minor(sum(minor for minor, _ in good), currency).amount == Decimal(net)
        assert sum(state == "awaiting_approval" for _, state in good) == int(over)
        assert {state for _, state in good} == {"released", "awaiting_approval"}


def test_every_account_and_contract_was_read(seeded: Hub) -> None:
    counts = dict(rows(seeded, "SELECT entity, count(*) FROM documents WHERE is_current GROUP BY entity"))
    due = table("What is due")
    assert counts["customer"] == sum(int(row[1]) for row in due)
    assert counts["contract"] == sum(int(row[2]) for row in due) - 1  # one cannot be mapped
    assert rows(seeded, "SELECT external_id FROM landed WHERE state <> 'mapped'") == [("C-000915",)]


def test_every_planted_exception_is_on_exactly_the_planted_contracts(seeded: Hub) -> None:
    found = rows(seeded, "SELECT DISTINCT category, subject_id FROM exceptions WHERE state = 'open'")
    by_contract = {re.search(r"C-\d{6}", subject)[0]: category for category, subject in found}
    assert len(by_contract) == len(found)
    assert by_contract == {
        contract: AS_OURS.get(category, category) for contract, category in PLANTED.items() if contract in HELD
    }
    assert rows(seeded, "SELECT count(*) FROM exceptions WHERE state <> 'open'") == [(0,)]


def test_one_bad_record_holds_back_no_other(seeded: Hub) -> None:
    states = dict(rows(seeded, "SELECT source_id, state FROM invoices"))
    held = {contract for contract, state in states.items() if state == "held"}
    assert held == HELD - {"C-000915"}
    assert {states[contract] for contract, category in PLANTED.items() if category == AT_DELIVERY} == {"released"}


def test_every_exception_says_who_mends_it_by_when_and_how(seeded: Hub) -> None:
    for category, owner, deadline, next_step, message in rows(
        seeded, "SELECT category, owner, deadline, next_step, message FROM exceptions"
    ):
        policy = seeded.policy.exceptions[category]
        assert (owner, next_step) == (policy.owner, policy.next_step)
        assert deadline > "2026-01-15"
        assert message


def test_an_answer_that_does_not_add_up_cannot_be_waived(seeded: Hub) -> None:
    """There is no tax that a waiver could let pass; a discount over the limit can be waived."""
    found = dict(rows(seeded, "SELECT category, max(exception_id) FROM exceptions GROUP BY category"))
    with pytest.raises(ConfigurationError, match="cannot be waived"), transaction(seeded.engine) as connection:
        exceptions.resolve(connection, seeded, found["tax_answer_inconsistent"], reason="never mind")
    [(content,)] = rows(
        seeded, "SELECT content_hash FROM exceptions WHERE exception_id = :id", id=found["discount_above_policy"]
    )
    assert content


def test_what_looks_odd_and_is_right_passes(seeded: Hub) -> None:
    states = dict(rows(seeded, "SELECT source_id, state FROM invoices"))
    over = {"C-000001", "C-000003", "C-000004", "C-000097"}
    for contract, *_ in table("Looks odd, is right"):
        expected = None if contract == "C-000944" else "awaiting_approval" if contract in over else "released"
        assert states.get(contract) == expected, contract


def test_the_worked_example_waits_for_a_second_person(seeded: Hub) -> None:
    [(body, state, tax, gross)] = rows(
        seeded, "SELECT body, state, tax_minor, gross_minor FROM invoices WHERE source_id = 'C-000001'"
    )
    invoice = decode(body, Invoice)
    assert (state, tax, gross) == ("awaiting_approval", 960_000, 12_960_000)
    assert (invoice.totals.net.amount, invoice.totals.tax.amount, invoice.totals.payable.amount) == (
        Decimal("120000.00"),
        Decimal("9600.00"),
        Decimal("129600.00"),
    )
    [line] = invoice.lines
    assert [(tax.jurisdiction, tax.rate, tax.tax.amount) for tax in line.taxes] == [
        ("NEW YORK", Decimal("0.04"), Decimal("4800.00")),
        ("MONROE", Decimal("0.04"), Decimal("4800.00")),
    ]
    [(reason, created_by)] = rows(
        seeded, "SELECT reason, created_by FROM approvals WHERE invoice_id = 'C-000001_2026-01-01'"
    )
    assert reason == "amount due 129,600.00 USD is above the limit of 100,000.00 USD"
    assert created_by == "olive"


def test_exactly_the_limit_needs_nobody(seeded: Hub) -> None:
    found = rows(
        seeded, "SELECT source_id, gross_minor, state FROM invoices WHERE source_id IN ('C-000002', 'C-000144')"
    )
    assert sorted(found) == [("C-000002", 10_000_000, "released"), ("C-000144", 100_000, "released")]


def test_everything_that_came_in_is_accounted_for(seeded: Hub) -> None:
    with reading(seeded.engine) as connection:
        control = reconcile.completeness(connection, seeded)
    assert reconcile.all_complete(control)
    assert {(row.legal_entity, row.currency) for row in control} == {
        ("US", "USD"),
        ("US", "EUR"),
        ("DE", "EUR"),
        ("DE", "USD"),
        ("JP", "JPY"),
    }
    assert all(row.released.amount + row.rounding + row.tax == row.gross for row in control)


def test_numbers_have_no_gap(seeded: Hub) -> None:
    for entity, last in rows(seeded, "SELECT series, last FROM number_sequences"):
        numbers = [
            number
            for (number,) in rows(seeded, "SELECT number FROM invoices WHERE legal_entity = :e ORDER BY 1", e=entity)
            if number
        ]
        assert numbers == [f"{entity}-{place:06d}" for place in range(1, last + 1)]


def test_the_audit_holds_and_tells_every_step(seeded: Hub) -> None:
    with reading(seeded.engine) as connection:
        assert audit.first_broken(connection) is None
        [released] = rows(seeded, "SELECT invoice_id FROM invoices WHERE source_id = 'C-000002'")
        trail = [entry.action for entry in audit.trail(connection, released)]
    assert trail == ["invoice.drafted", "invoice.taxed", "invoice.released"]


# mending the source


class Office:
    """The people who mend what the hub complains about, each in their own system."""

    def __init__(self, endpoints: Mapping[str, str]) -> None:
        self._endpoints = endpoints
        form = {
            "grant_type": "client_credentials",
            "client_id": "sandbox-client-id",
            "client_secret": "sandbox-client-secret",
        }
        answer = requests.post(f"{endpoints['salesforce']}/services/oauth2/token", data=form, timeout=10)
        answer.raise_for_status()
        self._token = answer.json()["access_token"]
        self._orders = {row["external_id"]: row for row in read_csv("netsuite/SalesOrder.csv")}

    def crm(self, kind: str, changes: Mapping[str, Any], **where: str) -> None:
        """Change a record of Salesforce over its REST API, as its own users would."""
        [(name, value)] = where.items()
        objects = requests.get(f"{self._endpoints['salesforce']}/_sandbox/objects/{kind}", timeout=10).json()
        for record in (each for each in objects if each[name] == value):
            url = f"{self._endpoints['salesforce']}/services/data/v60.0/sobjects/{kind}/{record['Id']}"
            answer = requests.patch(url, json=changes, headers={"Authorization": f"Bearer {self._token}"}, timeout=10)
            assert answer.status_code == 204, answer.text

    def contract(self, number: str, **changes: Any) -> None:
        self.crm("Contract", changes, ContractNumber=number)

    def account(self, number: str, **changes: Any) -> None:
        self.crm("Account", changes, AccountNumber=number)

    def of_contract(self, kind: str, number: str, **changes: Any) -> None:
        """Change the orders or amendments of a contract."""
        objects = requests.get(f"{self._endpoints['salesforce']}/_sandbox/objects/Contract", timeout=10).json()
        [contract] = [each for each in objects if each["ContractNumber"] == number]
        self.crm(kind, changes, **{"Contract__c" if kind.endswith("__c") else "ContractId": contract["Id"]})

    def item(self, contract: str, old: float, new: float) -> None:
        """Correct the price of the one item of a contract that has the wrong one."""
        base = f"{self._endpoints['salesforce']}/_sandbox/objects"
        contracts, orders, items = (
            requests.get(f"{base}/{kind}", timeout=10).json() for kind in ("Contract", "Order", "OrderItem")
        )
        [contract_id] = [each["Id"] for each in contracts if each["ContractNumber"] == contract]
        own = {each["Id"] for each in orders if each["ContractId"] == contract_id}
        [item] = [each for each in items if each["OrderId"] in own and each["UnitPrice"] == old]
        self.crm("OrderItem", {"UnitPrice": new}, Id=item["Id"])

    def erp(self, contract: str, **changes: str) -> None:
        """Add or change the sales order of a contract in NetSuite."""
        blank = self._orders["C-000001"] | {"external_id": contract, "memo": f"Annual value of contract {contract}"}
        row = self._orders.get(contract, blank) | changes
        url = f"{self._endpoints['netsuite']}/_sandbox/seed/SalesOrder"
        requests.post(url, json=row, timeout=10).raise_for_status()

    def tax_engine(self, account: str) -> None:
        """Have the engine answer rightly for an account again."""
        url = f"{self._endpoints['avatax']}/_sandbox/objects/Misbehaviour/{account}"
        requests.delete(url, timeout=10).raise_for_status()


def mend_everything(office: Office, hub: Hub) -> None:
    """What the README says under "how to mend it", for all that is held before delivery."""
    office.account("A-0931", Tax_Registration__c="DE803115847")
    office.account("A-0932", Tax_Registration__c="FR53929811297")
    office.account("A-0901", BillingPostalCode="80202")
    office.account("A-0933", BillingPostalCode="04109")
    office.account("A-0934", BillingCity="Kiel")
    for contract, currency in (("C-000902", "USD"), ("C-000935", "EUR")):
        office.contract(contract, CurrencyIsoCode=currency)
        office.of_contract("Order", contract, CurrencyIsoCode=currency)
        office.erp(contract, currency=currency)
    office.item("C-000903", 299.0, 358.7)
    office.erp("C-000903", total="20917.50")
    office.item("C-000961", 18900, 17800)
    office.erp("C-000961", total="261100")
    for contract, value in (("C-000904", "42403.95"), ("C-000936", "5100.00")):
        office.contract(contract, Discount_Percent__c=15)
        office.erp(contract, total=value)
    office.contract("C-000906", Status="Draft")
    office.contract("C-000938", PO_Number__c="4500099938")
    for contract in ("C-000907", "C-000964"):
        office.contract(contract, PO_Number__c="PO-99907")
    for contract in ("C-000908", "C-000939"):
        office.of_contract("Contract_Amendment__c", contract, Status__c="Approved")
    office.erp("C-000910", total="39187.10")
    office.erp("C-000940", currency="EUR")
    for account in ("A-0911", "A-0941"):
        office.tax_engine(account)
    for account in ("A-0912", "A-0963"):
        office.account(account, Active__c="Yes")
    office.contract("C-000915", Billing_Frequency__c="Annual")
    for contract, subsidiary in (("C-000909", "1"), ("C-000962", "3")):
        known = contract_of(hub, contract)
        value = format(annual_value(known).amount, "f")
        office.erp(
            contract,
            customer_external_id=known.customer_id,
            currency=known.currency,
            subsidiary=subsidiary,
            total=value,
        )


def contract_of(hub: Hub, number: str) -> Contract:
    with reading(hub.engine) as connection:
        return documents.load(connection, "contract", [number], Contract)[number]


def test_mending_the_source_resolves_by_itself_and_releases(
    hub: Hub, systems: Mapping[str, str], open_as: Callable[..., Hub]
) -> None:
    sync_and_release(hub)
    assert rows(hub, "SELECT count(DISTINCT subject_id) FROM exceptions WHERE state = 'open'") == [(len(HELD),)]
    before = dict(rows(hub, "SELECT invoice_id, number FROM invoices WHERE number IS NOT NULL"))
    mend_everything(Office(systems), hub)
    sync_and_release(open_as("night run"))
    left = rows(hub, "SELECT category, subject_id, message FROM exceptions WHERE state = 'open'")
    assert left == []
    assert set(rows(hub, "SELECT state, resolution, closed_by FROM exceptions")) == {
        ("resolved", "no longer occurs", "night run")
    }
    states = dict(rows(hub, "SELECT source_id, state FROM invoices"))
    assert {contract: states[contract] for contract in HELD} == dict.fromkeys(HELD, "released") | {
        "C-000906": "withdrawn"
    }
    after = dict(rows(hub, "SELECT invoice_id, number FROM invoices WHERE number IS NOT NULL"))
    assert before.items() <= after.items()
    with reading(hub.engine) as connection:
        assert reconcile.all_complete(reconcile.completeness(connection, hub))
        assert audit.first_broken(connection) is None


def test_running_again_without_any_change_changes_nothing(hub: Hub, systems: Mapping[str, str]) -> None:
    sync_and_release(hub)
    tables = ("landed", "documents", "invoices", "intents", "exceptions", "approvals", "number_sequences")
    before = {name: rows(hub, f"SELECT * FROM {name} ORDER BY 1") for name in tables}
    sync_and_release(hub)
    assert {name: rows(hub, f"SELECT * FROM {name} ORDER BY 1") for name in tables} == before


def test_what_was_approved_is_checked_again_before_it_is_released(
    hub: Hub, systems: Mapping[str, str], open_as: Callable[..., Hub]
) -> None:
    sync_and_release(hub)
    office, second = Office(systems), open_as("uma")
    office.account("A-0001", Active__c="No")  # the buyer of the worked example
    office.contract("C-000003", Billing_Frequency__c="Biennial")  # its newest version cannot be read any more
    waiting = {"C-000001_2026-01-01", "C-000003_2026-01-01"}
    with transaction(second.engine) as connection:
        for invoice_id in sorted(waiting):
            approvals.decide(connection, second, invoice_id, approve=True)
    sync_and_release(hub)
    query = "SELECT invoice_id, state FROM invoices WHERE source_id IN ('C-000001', 'C-000003')"
    assert dict(rows(hub, query)) == dict.fromkeys(waiting, "held")
    held = "SELECT category, rule_id FROM exceptions WHERE state = 'open' AND invoice_id = :invoice_id"
    assert rows(hub, held, invoice_id="C-000001_2026-01-01") == [("buyer_inactive", "HUB-C11")]
    assert rows(hub, held, invoice_id="C-000003_2026-01-01") == [("mapping_defect", "HUB-C02")]
    office.account("A-0001", Active__c="Yes")
    office.contract("C-000003", Billing_Frequency__c="Quarterly")
    sync_and_release(hub)
    assert dict(rows(hub, query)) == dict.fromkeys(waiting, "released")  # the decision was about the same content


# the year of the worked example


@pytest.fixture
def one_contract(tmp_path: Path) -> Iterator[None]:
    """A sandbox whose CRM has the contract of the worked example only."""
    seed = tmp_path / "seed"
    shutil.copytree(SEED, seed)
    for name, column, value in (
        ("Contract", "ContractNumber", "C-000001"),
        ("Contract_Amendment__c", "Contract__r.ContractNumber", "C-000001"),
        ("Opportunity", "Contract.ContractNumber", "C-000001"),
        ("OpportunityLineItem", "Opportunity.Name", "Northwind: platform for the group"),
        ("Order", "Contract.ContractNumber", "C-000001"),
        ("OrderItem", "Order.OrderNumber", "00000101"),
    ):
        kept = [row for row in read_csv(f"salesforce/{name}.csv") if row[column] == value]
        write_csv(seed / f"salesforce/{name}.csv", kept, columns_of(f"salesforce/{name}.csv"))
    with sandbox.serve(tmp_path / "one", seed_dir=seed, systems=["salesforce", "avatax", "netsuite"]) as endpoints:
        nowhere = dict.fromkeys(("stripe", "smtp", "imap"), "http://127.0.0.1:1")
        os.environ.update(sandbox_environment({**nowhere, **endpoints}))
        yield


def test_the_year_comes_to_four_invoices(one_contract: None, open_as: Callable[..., Hub]) -> None:
    for quarter, day in enumerate((date(2026, 1, 15), date(2026, 4, 1), date(2026, 7, 2), date(2026, 10, 31)), start=1):
        hub = open_as("olive", day)
        sync_and_release(hub)
        assert rows(hub, "SELECT count(*) FROM invoices WHERE state = 'awaiting_approval'") == [(1,)]
        with transaction(hub.engine) as connection:
            [waiting] = approvals.listed(connection)
            approvals.decide(connection, open_as("frida", day), waiting["invoice_id"], approve=True)
        sync_and_release(hub)
        assert rows(hub, "SELECT count(*), sum(gross_minor) FROM invoices WHERE state = 'released'") == [
            (quarter, quarter * 12_960_000)
        ]
    sync_and_release(open_as("olive", date(2027, 3, 1)))
    found = rows(hub, "SELECT number, period_start, issue_date, gross_minor FROM invoices ORDER BY seq")
    assert found == [
        ("US-000001", "2026-01-01", "2026-01-15", 12_960_000),
        ("US-000002", "2026-04-01", "2026-04-01", 12_960_000),
        ("US-000003", "2026-07-01", "2026-07-02", 12_960_000),
        ("US-000004", "2026-10-01", "2026-10-31", 12_960_000),
    ]
    assert sum(gross for *_, gross in found) == 51_840_000


def read_csv(name: str) -> list[dict[str, str]]:
    with (SEED / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def columns_of(name: str) -> list[str]:
    with (SEED / name).open(encoding="utf-8", newline="") as file:
        return next(csv.reader(file))


def write_csv(path: Path, kept: list[dict[str, str]], columns: list[str]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(kept)
