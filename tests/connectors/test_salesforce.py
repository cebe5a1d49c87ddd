"""The Salesforce connector against the sandbox's org."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
import requests

from canonical_model.errors import ConfigurationError
from connectors.conformance import ReadCase, SourceConformance, TargetConformance, WriteCase
from connectors.contract import RawRecord, WriteRequest
from connectors.errors import CredentialsError, RejectedError, UnavailableError
from connectors.salesforce import soql
from connectors.salesforce.connector import SalesforceConnector, connect
from connectors.salesforce.entities import ENTITIES
from connectors.salesforce.settings import Settings
from connectors.settings import Connection

APP = {"client_id": "sandbox-client-id", "client_secret": "sandbox-client-secret"}
LOGIN, PASSWORD = "billing.hub@meridian.example", "sandbox-password"
QUERY, UPDATE = "GET .*/query", "PATCH .*/composite/sobjects"
NUMBERS = count(11)


def connection(url: str, **changes: Any) -> Connection:
    fields = {"host": url, "login": LOGIN, "password": PASSWORD, "extra": APP, **changes}
    return Connection(conn_id="billhub_salesforce", **fields)


class Org:
    """The org as its own users change it, over plain REST."""

    def __init__(self, url: str) -> None:
        form = {"grant_type": "password", "username": LOGIN, "password": PASSWORD, **APP}
        token = requests.post(f"{url}/services/oauth2/token", data=form, timeout=30).json()
        self.api = f"{url}/services/data/v60.0"
        self.headers = {"Authorization": f"Bearer {token['access_token']}"}

    def row(self, query: str) -> dict[str, Any]:
        answer = requests.get(f"{self.api}/query", params={"q": query}, headers=self.headers, timeout=30)
        return answer.json()["records"][0]

    def change(self, kind: str, row: str, **fields: Any) -> None:
        answer = requests.patch(f"{self.api}/sobjects/{kind}/{row}", json=fields, headers=self.headers, timeout=30)
        assert answer.status_code == 204, answer.text

    def create(self, kind: str, **fields: Any) -> str:
        answer = requests.post(f"{self.api}/sobjects/{kind}", json=fields, headers=self.headers, timeout=30)
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]


@pytest.fixture
def vendor(vendor_of: Callable) -> Any:
    return vendor_of("salesforce")


@pytest.fixture
def org(vendor: Any) -> Org:
    return Org(vendor.url)


@pytest.fixture
def connector(vendor: Any) -> Iterator[SalesforceConnector]:
    opened = connect(connection(vendor.url))
    yield opened
    opened.close()


def status_request(**changes: Any) -> WriteRequest:
    number = f"C-{next(NUMBERS):06d}"
    payload = {
        "ContractNumber": number,
        "Billing_Status__c": "Invoiced",
        "Last_Invoice_Number__c": f"US-{number}",
        "Last_Invoice_Total__c": Decimal("129600.10"),
        "Last_Invoice_Date__c": "2026-01-15",
        "Billed_Through__c": "2026-03-31",
    }
    return WriteRequest(key=f"contract_status:{number}:1", payload={**payload, **changes})


def everything(
    connector: SalesforceConnector, entity: str, cursor: str | None = None
) -> tuple[dict[str, RawRecord], str | None]:
    records: dict[str, RawRecord] = {}
    has_more = True
    while has_more:
        page = connector.read(entity, cursor=cursor, limit=1000)
        records.update((record.external_id, record) for record in page.records)
        cursor, has_more = page.cursor, page.has_more
    return records, cursor


@pytest.mark.parametrize("entity", ["account", "sales_order", "contract"])
class TestReads(SourceConformance):
    @pytest.fixture
    def case(self, vendor: Any, entity: str) -> ReadCase:
        return ReadCase(
            open=lambda: connect(connection(vendor.url)), vendor=vendor, entity=entity, operation=QUERY, renews=True
        )


@pytest.mark.parametrize(
    ("entity", "limit"), [("contact", 3), ("product", 5), ("price_book_entry", 5), ("opportunity", 4)]
)
class TestReadsOfFew(SourceConformance):
    @pytest.fixture
    def case(self, vendor: Any, entity: str, limit: int) -> ReadCase:
        return ReadCase(
            open=lambda: connect(connection(vendor.url)),
            vendor=vendor,
            entity=entity,
            operation=QUERY,
            limit=limit,
            renews=True,
        )


class TestStatusWrites(TargetConformance):
    @pytest.fixture
    def case(self, vendor: Any) -> WriteCase:
        return WriteCase(
            open=lambda: connect(connection(vendor.url)),
            vendor=vendor,
            entity="contract_status",
            operation=UPDATE,
            request=status_request,
            refused=lambda: status_request(No_Such_Field__c="x"),
            effects=lambda: sum(row.get("Last_Invoice_Number__c") is not None for row in vendor.objects("Contract")),
            renews=True,
        )


class TestNativeIds:
    @pytest.mark.parametrize("entity", sorted(ENTITIES))
    def test_every_record_says_its_own_id(self, connector: SalesforceConnector, entity: str) -> None:
        records, _ = everything(connector, entity)
        assert records
        assert {record.native_id for record in records.values()} == {record.body["Id"] for record in records.values()}

    def test_two_accounts_of_one_number_are_told_apart(self, connector: SalesforceConnector, org: Org) -> None:
        _, cursor = everything(connector, "account")
        made = [org.create("Account", Name=name, AccountNumber="A-DOUBLE") for name in ("One", "Two")]
        found = connector.read("account", cursor=cursor, limit=10).records
        assert [(record.external_id, record.native_id) for record in found] == [("A-DOUBLE", each) for each in made]


class TestContracts:
    def test_a_contract_comes_with_its_items_and_amendments(self, connector: SalesforceConnector) -> None:
        contracts, _ = everything(connector, "contract")
        body = contracts["C-000001"].body
        assert body["Account"] == {"AccountNumber": "A-0001"}
        assert body["Pricebook2"] == {"Name": "US Price Book"}
        [item] = body["OrderItems"]
        assert item["Product2"]["ProductCode"] == "PLAT-ENT"
        assert item["Order"]["Status"] == "Activated"
        assert (item["Quantity"], item["UnitPrice"]) == (Decimal(1), Decimal(480000))
        [amendment] = contracts["C-000908"].body["Amendments"]
        assert (amendment["Name"], amendment["Status__c"]) == ("AM-0001", "Draft")

    def test_no_attributes_of_salesforce_are_left(self, connector: SalesforceConnector) -> None:
        contracts, _ = everything(connector, "contract")
        assert "attributes" not in str(contracts["C-000908"].body)

    @pytest.mark.parametrize(
        ("query", "kind", "change"),
        [
            ("SELECT Id FROM Contract WHERE ContractNumber = 'C-000002'", "Contract", {"PO_Number__c": "PO-NEW"}),
            (
                "SELECT Id FROM OrderItem WHERE Order.Contract.ContractNumber = 'C-000002'",
                "OrderItem",
                {"Description": "x"},
            ),
            (
                "SELECT Id FROM Order WHERE Contract.ContractNumber = 'C-000002'",
                "Order",
                {"EffectiveDate": "2026-01-02"},
            ),
        ],
    )
    def test_a_change_to_a_part_brings_the_contract_again(
        self, connector: SalesforceConnector, org: Org, query: str, kind: str, change: dict[str, Any]
    ) -> None:
        before, cursor = everything(connector, "contract")
        org.change(kind, org.row(query)["Id"], **change)
        after, end = everything(connector, "contract", cursor)
        assert list(after) == ["C-000002"]
        assert after["C-000002"].version > before["C-000002"].version
        assert everything(connector, "contract", end) == ({}, end)

    def test_a_new_amendment_brings_the_contract_again(self, connector: SalesforceConnector, org: Org) -> None:
        _, cursor = everything(connector, "contract")
        contract = org.row("SELECT Id FROM Contract WHERE ContractNumber = 'C-000003'")["Id"]
        org.create("Contract_Amendment__c", Contract__c=contract, Status__c="Draft", Effective_Date__c="2026-01-20")
        after, _ = everything(connector, "contract", cursor)
        assert [len(record.body["Amendments"]) for record in after.values()] == [1]

    def test_a_change_during_the_first_read_is_not_missed(self, connector: SalesforceConnector, org: Org) -> None:
        first = connector.read("contract", cursor=None, limit=1)
        item = org.row("SELECT Id FROM OrderItem WHERE Order.Contract.ContractNumber = 'C-000001'")["Id"]
        org.change("OrderItem", item, Description="changed behind our back")
        rest, _ = everything(connector, "contract", first.cursor)
        assert rest["C-000001"].body["OrderItems"][0]["Description"] == "changed behind our back"

    def test_items_of_an_order_that_is_not_activated_are_left_out(
        self, connector: SalesforceConnector, org: Org
    ) -> None:
        draft = org.row("SELECT Contract.ContractNumber FROM Order WHERE Status = 'Activated' ORDER BY Id DESC LIMIT 1")
        number = draft["Contract"]["ContractNumber"]
        order = org.row(f"SELECT Id FROM Order WHERE Contract.ContractNumber = '{number}'")["Id"]
        _, cursor = everything(connector, "contract")
        org.change("Order", order, Status="Draft")
        after, cursor = everything(connector, "contract", cursor)
        assert after[number].body["OrderItems"] == []
        org.change("Order", order, Status="Activated")
        again, _ = everything(connector, "contract", cursor)
        assert again[number].body["OrderItems"]
        assert again[number].version > after[number].version

    def test_a_query_result_of_several_pages_is_read_to_its_end(
        self, connector: SalesforceConnector, vendor: Any
    ) -> None:
        connector._client._org().headers["Sforce-Query-Options"] = "batchSize=200"
        rows = list(connector._client.rows("SELECT Id FROM OrderItem ORDER BY Id"))
        assert len({row["Id"] for row in rows}) == len(rows) == vendor.count("OrderItem") > 200

    def test_calls_are_few(self, connector: SalesforceConnector, vendor: Any) -> None:
        connector.ping()
        vendor.forget_calls()
        contracts, _ = everything(connector, "contract")
        assert sum(vendor.calls().values()) <= 8 + 3 * -(-len(contracts) // 200)


class TestPrices:
    def test_a_price_is_named_by_book_product_and_currency(self, connector: SalesforceConnector) -> None:
        prices, _ = everything(connector, "price_book_entry")
        body = prices["US Price Book/PLAT-TEAM/USD"].body
        assert body["UnitPrice"] == Decimal(9600)
        assert body["Product2"]["Tax_Code__c"] == "SW054000"

    def test_a_change_of_the_product_brings_its_prices_again(self, connector: SalesforceConnector, org: Org) -> None:
        _, cursor = everything(connector, "price_book_entry")
        org.change(
            "Product2", org.row("SELECT Id FROM Product2 WHERE ProductCode = 'PLAT-TEAM'")["Id"], Family="Changed"
        )
        after, _ = everything(connector, "price_book_entry", cursor)
        assert after
        assert all(name.split("/")[1] == "PLAT-TEAM" for name in after)


class TestDeals:
    def test_a_deal_comes_with_its_lines_as_sales_has_sorted_them(self, connector: SalesforceConnector) -> None:
        deals, _ = everything(connector, "opportunity")
        body = {record.body["Name"]: record.body for record in deals.values()}
        [copper] = [deal for name, deal in body.items() if name.startswith("Copperleafridge")]
        assert [line["SortOrder"] for line in copper["OpportunityLineItems"]] == [1, 2, 10]
        assert copper["OpportunityLineItems"][0]["Product2"]["ProductCode"] == "SEAT-STD"
        assert copper["Contract"] == {"ContractNumber": "C-000003"}
        assert body["A prospect from the fair"]["Account"] is None
        assert body["A prospect from the fair"]["OpportunityLineItems"] == []

    def test_a_change_of_a_line_brings_its_deal_again(self, connector: SalesforceConnector, org: Org) -> None:
        before, cursor = everything(connector, "opportunity")
        line = org.row("SELECT Id, OpportunityId FROM OpportunityLineItem WHERE SortOrder = 10")
        org.change("OpportunityLineItem", line["Id"], Quantity=2)
        after, end = everything(connector, "opportunity", cursor)
        assert list(after) == [line["OpportunityId"]]
        assert after[line["OpportunityId"]].version > before[line["OpportunityId"]].version
        assert everything(connector, "opportunity", end) == ({}, end)


class TestOrders:
    def test_an_order_comes_with_its_items_whatever_its_status(self, connector: SalesforceConnector, org: Org) -> None:
        orders, cursor = everything(connector, "sales_order")
        body = orders["00000101"].body
        assert (body["Contract"], body["Account"]) == ({"ContractNumber": "C-000001"}, {"AccountNumber": "A-0001"})
        assert body["PoNumber"] == "PO-70468"
        assert body["BillToContactId"] == org.row("SELECT Id FROM Contact WHERE LastName = 'Okafor'")["Id"]
        order = org.row("SELECT Id FROM Order WHERE OrderNumber = '00000110'")["Id"]
        org.change("Order", order, Status="Draft")
        again, _ = everything(connector, "sales_order", cursor)
        org.change("Order", order, Status="Activated")
        assert again["00000110"].body["Status"] == "Draft"
        assert again["00000110"].body["OrderItems"] == orders["00000110"].body["OrderItems"] != []

    def test_a_change_of_an_item_brings_its_order_again(self, connector: SalesforceConnector, org: Org) -> None:
        _, cursor = everything(connector, "sales_order")
        item = org.row("SELECT Id FROM OrderItem WHERE Order.OrderNumber = '00000103'")["Id"]
        org.change("OrderItem", item, Buyer_Cost_Center__c="KST-4711")
        after, _ = everything(connector, "sales_order", cursor)
        assert list(after) == ["00000103"]
        assert "KST-4711" in [line["Buyer_Cost_Center__c"] for line in after["00000103"].body["OrderItems"]]


class TestMasterData:
    def test_products_go_by_their_code_and_contacts_by_their_id(self, connector: SalesforceConnector) -> None:
        products, _ = everything(connector, "product")
        assert products["STOR-GB"].body["QuantityUnitOfMeasure"] == "E34"
        contacts, _ = everything(connector, "contact")
        assert {name[:3] for name in contacts} == {"003"}
        assert {record.body["Account"]["AccountNumber"] for record in contacts.values()} >= {"A-0001", "A-0144"}


class TestStatus:
    def test_an_older_status_does_not_overwrite_a_newer(self, connector: SalesforceConnector, org: Org) -> None:
        newer = status_request()
        older = WriteRequest(
            key="older",
            payload={**newer.payload, "Billed_Through__c": "2025-12-31", "Last_Invoice_Date__c": "2025-12-01"},
        )
        [first] = connector.write("contract_status", [newer])
        [late] = connector.write("contract_status", [older])
        assert (first.state, late.state, late.answer) == ("confirmed", "confirmed", {"superseded": True})
        number = newer.payload["ContractNumber"]
        assert (
            org.row(f"SELECT Billed_Through__c FROM Contract WHERE ContractNumber = '{number}'")["Billed_Through__c"]
            == "2026-03-31"
        )

    def test_two_statuses_of_one_contract_in_a_batch_end_with_the_newer(
        self, connector: SalesforceConnector, org: Org
    ) -> None:
        newer = status_request()
        older = WriteRequest(
            key="older",
            payload={**newer.payload, "Billed_Through__c": "2025-12-31", "Last_Invoice_Date__c": "2025-12-01"},
        )
        outcomes = connector.write("contract_status", [newer, older])
        assert [outcome.state for outcome in outcomes] == ["confirmed", "confirmed"]
        number = newer.payload["ContractNumber"]
        assert (
            org.row(f"SELECT Billed_Through__c FROM Contract WHERE ContractNumber = '{number}'")["Billed_Through__c"]
            == "2026-03-31"
        )

    def test_an_unknown_contract_is_rejected(self, connector: SalesforceConnector) -> None:
        [outcome] = connector.write("contract_status", [status_request(ContractNumber="C-'; DROP")])
        assert outcome.state == "rejected"
        assert outcome.error is not None
        assert (outcome.error.code, outcome.error.field) == ("unknown_contract", "ContractNumber")

    def test_a_locked_row_is_pending(self, connector: SalesforceConnector, vendor: Any) -> None:
        locked = [
            {
                "success": False,
                "errors": [
                    {"statusCode": "UNABLE_TO_LOCK_ROW", "message": "unable to obtain exclusive access", "fields": []}
                ],
            }
        ]
        vendor.fault(UPDATE, "status", status=200, body=locked)
        [outcome] = connector.write("contract_status", [status_request()])
        assert outcome.state == "pending"

    def test_an_answer_for_another_number_of_records_is_uncertain(
        self, connector: SalesforceConnector, vendor: Any
    ) -> None:
        vendor.fault(UPDATE, "status", status=200, body=[])
        [outcome] = connector.write("contract_status", [status_request()])
        assert outcome.state == "uncertain"

    def test_amounts_arrive_digit_for_digit(self, connector: SalesforceConnector, vendor: Any) -> None:
        request = status_request(Last_Invoice_Total__c=Decimal("9007199254740993.00") / 100)
        connector.write("contract_status", [request])
        [row] = [
            row for row in vendor.objects("Contract") if row["ContractNumber"] == request.payload["ContractNumber"]
        ]
        assert Decimal(str(row["Last_Invoice_Total__c"])) == Decimal("90071992547409.93")

    def test_a_failed_look_up_is_pending(self, connector: SalesforceConnector, vendor: Any) -> None:
        connector.ping()
        vendor.fault(QUERY, "reset_after")
        [outcome] = connector.write("contract_status", [status_request()])
        assert outcome.state == "pending"


class TestLogin:
    def test_ping_names_the_org(self, connector: SalesforceConnector) -> None:
        assert "00D" in connector.ping()

    def test_client_credentials(self, vendor: Any) -> None:
        assert connect(connection(vendor.url, login="", password="")).ping()

    @pytest.mark.parametrize("changes", [{"password": "wrong"}, {"extra": {**APP, "client_secret": "wrong"}}])
    def test_a_refused_login_stops_the_run(self, vendor: Any, changes: dict[str, Any]) -> None:
        with pytest.raises(CredentialsError) as caught:
            connect(connection(vendor.url, **changes)).read("account", cursor=None, limit=1)
        assert "wrong" not in str(caught.value)

    def test_a_login_is_asked_for_once(self, vendor: Any) -> None:
        vendor.forget_calls()
        with pytest.raises(CredentialsError):
            connect(connection(vendor.url, password="wrong")).read("account", cursor=None, limit=1)
        assert vendor.calls() == {"POST /services/oauth2/token": 1}

    def test_a_token_answer_without_token(self, connector: SalesforceConnector, vendor: Any) -> None:
        vendor.fault("POST /services/oauth2/token", "status", status=200, body={})
        with pytest.raises(UnavailableError, match="access_token"):
            connector.ping()


class TestSettings:
    @pytest.mark.parametrize("missing", ["client_id", "client_secret"])
    def test_a_missing_setting_names_itself(self, missing: str) -> None:
        extra = {name: value for name, value in APP.items() if name != missing}
        with pytest.raises(ConfigurationError, match=f"extra.{missing}"):
            connect(connection("https://example.my.salesforce.com", extra=extra))

    def test_settle_seconds_must_be_a_number(self) -> None:
        with pytest.raises(ConfigurationError, match="settle_seconds"):
            connect(connection("https://x.example", extra={**APP, "settle_seconds": "soon"}))

    def test_secrets_do_not_show(self) -> None:
        assert PASSWORD not in repr(Settings.from_connection(connection("https://x.example")))

    def test_young_changes_wait(self, vendor: Any) -> None:
        ages = 100 * 365 * 24 * 3600
        patient = connect(connection(vendor.url, extra={**APP, "settle_seconds": str(ages)}))
        assert patient.read("account", cursor=None, limit=10).records == ()


class TestSoql:
    @pytest.mark.parametrize(
        ("text", "literal"), [("a", "'a'"), ("O'Neil", "'O\\'Neil'"), ("back\\slash", "'back\\\\slash'")]
    )
    def test_literals_are_escaped(self, text: str, literal: str) -> None:
        assert soql.literal(text) == literal

    def test_lists_stay_below_both_limits(self) -> None:
        ids = [f"800Hu{number:010d}IAA" for number in range(1001)]
        assert [len(batch) for batch in soql.batches(ids)] == [200, 200, 200, 200, 200, 1]
        long_names = ["x" * 3000] * 5
        assert [len(batch) for batch in soql.batches(long_names)] == [2, 2, 1]

    def test_a_position_survives_the_cursor(self) -> None:
        place = soql.Position("2026-01-15T00:00:00.000+0000", "800Hu")
        assert soql.position(str(place)) == place
        assert soql.position("") is None

    def test_an_unknown_field_is_a_rejection(self, connector: SalesforceConnector) -> None:
        with pytest.raises(RejectedError, match="INVALID_FIELD"):
            list(connector._client.rows("SELECT Nope__c FROM Account"))
