"""The Salesforce stand-in over its socket: raw requests for shapes, simple-salesforce for the ecosystem's view."""

import contextlib
import csv
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from requests.adapters import HTTPAdapter

import sandbox
from sandbox.salesforce import auth
from sandbox.salesforce.answers import double_text
from sandbox.salesforce.ids import make_id, normalise, with_checksum
from sandbox.salesforce.soql.errors import PlacedError
from sandbox.salesforce.soql.lexer import string_value
from sandbox.salesforce.soql.parser import parse

DATA = "/services/data/v60.0"
PRODUCTS = 5000


@dataclass(frozen=True)
class Api:
    """A client that knows no more than a URL and a token."""

    url: str
    token: str

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        root = "" if path.startswith("/services/") else DATA
        return requests.request(method, self.url + root + path, headers=headers, timeout=30, **options)

    def soql(self, text: str, *, resource: str = "query", batch: int | None = None) -> requests.Response:
        headers = {"Sforce-Query-Options": f"batchSize={batch}"} if batch else {}
        return self.call("GET", f"/{resource}", params={"q": text}, headers=headers)

    def records(self, text: str) -> list[dict[str, Any]]:
        answer = self.soql(text)
        assert answer.status_code == 200, answer.text
        records: list[dict[str, Any]] = exact(answer)["records"]
        return records

    def create(self, name: str, **values: Any) -> str:
        answer = self.call("POST", f"/sobjects/{name}", json=values)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def read(self, name: str, record_id: str) -> dict[str, Any]:
        record: dict[str, Any] = exact(self.call("GET", f"/sobjects/{name}/{record_id}"))
        return record


def exact(answer: requests.Response) -> Any:
    return json.loads(answer.text, parse_float=Decimal)


def error(answer: requests.Response) -> tuple[int, str, str]:
    [only] = answer.json()
    return answer.status_code, only["errorCode"], only["message"]


def write_seed(folder: Path) -> Path:
    rows: dict[str, list[dict[str, str]]] = {
        "Account": [
            {"AccountNumber": "A-1", "Name": "Alpha GmbH", "BillingCity": "Köln", "CurrencyIsoCode": "EUR", "Hub_Id__c": "H-1"},
            {"AccountNumber": "A-2", "Name": "beta_x Ltd", "PO_Required__c": "true", "Payment_Terms_Days__c": "30"},
            {"AccountNumber": "A-3", "Name": "Gamma 100% Corp", "Active__c": "Yes"},
        ],
        "Product2": [
            {"ProductCode": f"P-{number:04}", "Name": f"Product {number}", "Family": f"F{number % 3}"}
            for number in range(PRODUCTS)
        ],
        "Pricebook2": [{"Name": "US"}],
        "PricebookEntry": [
            {"Pricebook2.Name": "US", "Product2.ProductCode": "P-0001", "UnitPrice": "12345678.90", "CurrencyIsoCode": "USD"},
            {"Pricebook2.Name": "US", "Product2.ProductCode": "P-0002", "UnitPrice": "9.99", "CurrencyIsoCode": "USD"},
        ],
        "Contract": [
            contract("C-1", "A-1", "2026-01-01", "12", "7.25"),
            contract("C-2", "A-2", "2026-02-15", "36", ""),
            contract("C-3", "A-2", "", "", "0.10"),
        ],
        "Contact": [{"Account.AccountNumber": "A-1", "LastName": "Okafor", "Email": "ada@alpha.example", "Phone": "+49 221 1"}],
        "Opportunity": [
            {"Name": "Won", "Account.AccountNumber": "A-1", "StageName": "Closed Won", "CloseDate": "2026-01-10",
             "Pricebook2.Name": "US", "CurrencyIsoCode": "EUR", "Contract.ContractNumber": "C-1", "Amount": "20.0"},
            {"Name": "Lost", "StageName": "Closed Lost", "CloseDate": "2026-01-11", "Probability": "3"},
        ],
        "OpportunityLineItem": [
            {"Opportunity.Name": "Won", "Product2.ProductCode": "P-0002", "Quantity": "4", "UnitPrice": "10.00",
             "Discount": "12.5", "SortOrder": "1", "Term_Months__c": "12"},
        ],
        "Order": [
            {"OrderNumber": "O-1", "BillToContact.Email": "ada@alpha.example", "Contract.ContractNumber": "C-1", "Account.AccountNumber": "A-1",
             "EffectiveDate": "2026-01-01", "Pricebook2.Name": "US", "CurrencyIsoCode": "EUR"},
        ],
        "OrderItem": [
            {"Order.OrderNumber": "O-1", "Product2.ProductCode": "P-0001", "Quantity": "2", "UnitPrice": "12345678.90"},
            {"Order.OrderNumber": "O-1", "Product2.ProductCode": "P-0002", "Quantity": "0.5", "UnitPrice": "9.99"},
        ],
        "Contract_Amendment__c": [
            {"Contract__r.ContractNumber": "C-1", "Status__c": "Approved", "Effective_Date__c": "2026-03-01"},
            {"Contract__r.ContractNumber": "C-1", "Status__c": "Draft", "Effective_Date__c": "2026-04-01"},
        ],
    }  # fmt: skip
    (folder / "salesforce").mkdir(parents=True)
    for name, lines in rows.items():
        write_csv(folder / "salesforce" / f"{name}.csv", lines)
    return folder


def contract(number: str, account: str, start: str, term: str, discount: str) -> dict[str, str]:
    return {
        "ContractNumber": number,
        "Account.AccountNumber": account,
        "StartDate": start,
        "ContractTerm": term,
        "Discount_Percent__c": discount,
    }


def write_csv(path: Path, lines: list[dict[str, str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(dict.fromkeys(key for line in lines for key in line)))
        writer.writeheader()
        writer.writerows(lines)


def sign_in(url: str) -> Api:
    form = {"grant_type": "client_credentials", "client_id": auth.CLIENT_ID, "client_secret": auth.CLIENT_SECRET}
    answer = requests.post(f"{url}/services/oauth2/token", data=form, timeout=30)
    assert answer.status_code == 200, answer.text
    return Api(url, answer.json()["access_token"])


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    root = tmp_path_factory.mktemp("salesforce")
    with sandbox.serve(root / "state", systems=["salesforce"], seed_dir=write_seed(root / "seed")) as endpoints:
        yield endpoints["salesforce"]


@pytest.fixture(scope="module")
def api(url: str) -> Api:
    return sign_in(url)


@pytest.fixture
def account(api: Api) -> str:
    return api.create("Account", Name="Written by a test")


class TestSignIn:
    def token(self, url: str, **form: str) -> requests.Response:
        return requests.post(f"{url}/services/oauth2/token", data=form, timeout=30)

    def password_form(self, password: str) -> dict[str, str]:
        client = {"client_id": auth.CLIENT_ID, "client_secret": auth.CLIENT_SECRET}
        return {"grant_type": "password", "username": auth.USERNAME, "password": password, **client}

    @pytest.mark.parametrize("password", [auth.PASSWORD, auth.PASSWORD + auth.SECURITY_TOKEN])
    def test_password_grant_opens_a_session(self, url: str, password: str) -> None:
        answer = self.token(url, **self.password_form(password))
        body = answer.json()
        assert answer.status_code == 200
        assert body["instance_url"] == url
        assert body["token_type"] == "Bearer"
        assert body["issued_at"].isdecimal()
        assert body["signature"]
        assert Api(url, body["access_token"]).call("GET", "/limits").status_code == 200

    def test_client_credentials_may_come_as_http_basic(self, url: str) -> None:
        form = {"grant_type": "client_credentials"}
        login = (auth.CLIENT_ID, auth.CLIENT_SECRET)
        answer = requests.post(f"{url}/services/oauth2/token", data=form, auth=login, timeout=30)
        assert answer.status_code == 200

    @pytest.mark.parametrize(
        ("change", "expected"),
        [
            ({"password": "wrong"}, "invalid_grant"),
            ({"username": "nobody@meridian.example"}, "invalid_grant"),
            ({"client_id": "wrong"}, "invalid_client_id"),
            ({"client_secret": "wrong"}, "invalid_client"),
            ({"grant_type": "magic"}, "unsupported_grant_type"),
        ],
    )
    def test_wrong_credentials_answer_400(self, url: str, change: dict[str, str], expected: str) -> None:
        answer = self.token(url, **{**self.password_form(auth.PASSWORD), **change})
        assert (answer.status_code, answer.json()["error"]) == (400, expected)

    @pytest.mark.parametrize("token", ["", "unknown", "00DHu0000000001!x"])
    def test_an_unknown_token_answers_401(self, url: str, token: str) -> None:
        answer = Api(url, token).call("GET", "/sobjects")
        assert error(answer) == (401, "INVALID_SESSION_ID", "Session expired or invalid")
        assert "fields" not in answer.json()[0]

    def test_a_revoked_token_answers_401(self, url: str) -> None:
        api = sign_in(url)
        revoked = requests.post(f"{url}/services/oauth2/revoke", data={"token": api.token}, timeout=30)
        assert revoked.status_code == 200
        assert api.call("GET", "/sobjects").status_code == 401

    def test_soap_login_of_simple_salesforce(self, url: str) -> None:
        from simple_salesforce.login import SalesforceLogin

        token, host = SalesforceLogin(
            auth.USERNAME, auth.PASSWORD, auth.SECURITY_TOKEN, sf_version="60.0", scratch_url=url
        )
        assert url.endswith(host)
        assert Api(url, token).call("GET", "/limits").status_code == 200

    def test_soap_login_needs_the_security_token(self, url: str) -> None:
        from simple_salesforce.exceptions import SalesforceAuthenticationFailed
        from simple_salesforce.login import SalesforceLogin

        with pytest.raises(SalesforceAuthenticationFailed, match="INVALID_LOGIN"):
            SalesforceLogin(auth.USERNAME, auth.PASSWORD, "wrong", sf_version="60.0", scratch_url=url)


class TestDescribe:
    def test_versions_need_no_session(self, url: str) -> None:
        found = requests.get(f"{url}/services/data/", timeout=30).json()
        assert found[-1] == {"label": "Spring '24", "url": DATA, "version": "60.0"}

    def test_an_unknown_version_is_not_there(self, api: Api) -> None:
        answer = api.call("GET", "/services/data/v12.0/limits")
        assert error(answer) == (404, "NOT_FOUND", "The requested resource does not exist")

    def test_every_api_answer_counts_against_the_limit(self, api: Api) -> None:
        def used() -> int:
            usage = api.call("GET", "/nowhere").headers["Sforce-Limit-Info"]
            return int(usage.removeprefix("api-usage=").split("/")[0])

        assert used() + 1 == used()
        limit = api.call("GET", "/limits").json()["DailyApiRequests"]
        assert limit["Max"] - limit["Remaining"] > 1

    def test_all_objects_of_the_org(self, api: Api) -> None:
        found = {entry["name"]: entry["keyPrefix"] for entry in api.call("GET", "/sobjects").json()["sobjects"]}
        assert found == {
            "Account": "001", "Contact": "003", "Product2": "01t", "Pricebook2": "01s", "PricebookEntry": "01u",
            "Contract": "800", "Opportunity": "006", "OpportunityLineItem": "00k", "Order": "801", "OrderItem": "802",
            "Contract_Amendment__c": "a00",
        }  # fmt: skip

    def test_fields_of_an_object(self, api: Api) -> None:
        described = api.call("GET", "/sobjects/Contract/describe").json()
        fields = {field["name"]: field for field in described["fields"]}
        assert fields["Hub_Id__c"]["externalId"]
        assert fields["Hub_Id__c"]["unique"]
        assert fields["Hub_Id__c"]["custom"]
        assert (fields["Discount_Percent__c"]["precision"], fields["Discount_Percent__c"]["scale"]) == (5, 2)
        assert fields["AccountId"]["referenceTo"] == ["Account"]
        assert fields["AccountId"]["relationshipName"] == "Account"
        assert not fields["AccountId"]["nillable"]
        assert not fields["EndDate"]["updateable"]
        assert [value["value"] for value in fields["Status"]["picklistValues"]] == [
            "Draft", "In Approval Process", "Activated",
        ]  # fmt: skip
        children = {child["relationshipName"]: child["childSObject"] for child in described["childRelationships"]}
        assert children == {
            "Orders": "Order", "Opportunities": "Opportunity", "Amendments__r": "Contract_Amendment__c",
        }  # fmt: skip

    def test_an_unknown_object_is_not_there(self, api: Api) -> None:
        assert error(api.call("GET", "/sobjects/Invoice/describe"))[:2] == (404, "NOT_FOUND")


class TestIds:
    def test_the_checksum_of_the_guides_example(self) -> None:
        assert with_checksum("001D000000IqhSL") == "001D000000IqhSLIAZ"

    @given(st.integers(min_value=0, max_value=62**5 - 1))
    def test_short_and_long_ids_are_the_same_id(self, number: int) -> None:
        long_id = make_id("800", number)
        assert normalise(long_id) == long_id == normalise(long_id[:15])

    @pytest.mark.parametrize("text", ["", "001", "001D000000IqhSLIAY", "001D000000IqhS-", "001d000000iqhslIAZ"])
    def test_what_is_no_id(self, text: str) -> None:
        assert normalise(text) is None

    def test_records_are_found_by_both_forms(self, api: Api, account: str) -> None:
        assert api.read("Account", account[:15])["Id"] == account
        assert len(api.records(f"SELECT Id FROM Account WHERE Id = '{account[:15]}'")) == 1

    def test_fifteen_characters_are_case_sensitive(self, api: Api, account: str) -> None:
        answer = api.call("GET", f"/sobjects/Account/{account[:15].lower()}")
        assert error(answer)[:2] == (404, "NOT_FOUND")


class TestNumbers:
    @pytest.mark.parametrize(
        ("number", "text"),
        [("0", "0.0"), ("30", "30.0"), ("480000.00", "480000.0"), ("1234567", "1234567.0"),
         ("12345678", "1.2345678E7"), ("-12345678.90", "-1.23456789E7"), ("0.0005", "5.0E-4")],
    )  # fmt: skip
    def test_numbers_are_written_as_the_org_writes_doubles(self, number: str, text: str) -> None:
        assert double_text(Decimal(number)) == text

    @given(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**15), max_value=10**15))
    def test_no_digit_is_lost(self, number: Decimal) -> None:
        assert json.loads(double_text(number), parse_float=Decimal) == number

    @pytest.mark.parametrize("amount", ["0.10", "129600.00", "9999999999999999.99", "0.123456789", "-7"])
    def test_amounts_come_back_exactly(self, api: Api, account: str, amount: str) -> None:
        body = f'{{"AccountId": "{account}", "Last_Invoice_Total__c": {amount}}}'
        created = api.call("POST", "/sobjects/Contract", data=body, headers={"Content-Type": "application/json"})
        assert api.read("Contract", created.json()["id"])["Last_Invoice_Total__c"] == Decimal(amount)


class TestSeed:
    def test_references_are_resolved_by_natural_keys(self, api: Api) -> None:
        [item] = api.records(
            "SELECT UnitPrice, ListPrice, TotalPrice, CurrencyIsoCode, Product2.ProductCode, PricebookEntry.UnitPrice, "
            "Order.Contract.Account.Name FROM OrderItem WHERE Product2.ProductCode = 'P-0001'"
        )
        assert item["Order"]["Contract"]["Account"]["Name"] == "Alpha GmbH"
        assert item["PricebookEntry"]["UnitPrice"] == item["ListPrice"] == Decimal("12345678.9")
        assert item["TotalPrice"] == Decimal("24691357.80")
        assert item["CurrencyIsoCode"] == "EUR"

    def test_derived_values_and_defaults(self, api: Api) -> None:
        contracts = api.records("SELECT ContractNumber, EndDate, Status FROM Contract WHERE ContractNumber LIKE 'C-_'")
        assert [(row["ContractNumber"], row["EndDate"]) for row in contracts] == [
            ("C-1", "2026-12-31"), ("C-2", "2029-02-14"), ("C-3", None),
        ]  # fmt: skip
        assert {row["Status"] for row in contracts} == {"Draft"}

    def test_a_stage_says_whether_a_deal_is_closed_and_won(self, api: Api) -> None:
        fields = "Name, IsClosed, IsWon, ForecastCategory, Probability"
        assert [list(row.values())[1:] for row in api.records(f"SELECT {fields} FROM Opportunity ORDER BY Name")] == [
            ["Lost", True, False, "Omitted", Decimal(3)],
            ["Won", True, True, "Closed", Decimal(100)],
        ]

    def test_a_line_of_a_deal_takes_price_and_currency_from_its_deal_and_entry(self, api: Api) -> None:
        [line] = api.records(
            "SELECT ListPrice, TotalPrice, CurrencyIsoCode, Product2.ProductCode, Opportunity.Contract.ContractNumber "
            "FROM OpportunityLineItem"
        )
        assert (line["ListPrice"], line["TotalPrice"]) == (Decimal("9.99"), Decimal(35))
        assert (line["CurrencyIsoCode"], line["Product2"]["ProductCode"]) == ("EUR", "P-0002")
        assert line["Opportunity"]["Contract"]["ContractNumber"] == "C-1"

    def test_a_contact_may_be_found_by_its_address(self, api: Api) -> None:
        [order] = api.records("SELECT BillToContact.LastName, BillToContact.Account.Name FROM Order")
        assert order["BillToContact"]["LastName"] == "Okafor"
        assert order["BillToContact"]["Account"]["Name"] == "Alpha GmbH"

    def test_timestamps_come_from_the_as_of_date(self, api: Api) -> None:
        [row] = api.records("SELECT CreatedDate, SystemModstamp FROM Account WHERE AccountNumber = 'A-2'")
        assert row["CreatedDate"] == row["SystemModstamp"] == "2025-12-16T00:00:02.000+0000"

    def test_a_bad_reference_names_file_row_and_value(self, tmp_path: Path) -> None:
        folder = tmp_path / "seed" / "salesforce"
        folder.mkdir(parents=True)
        write_csv(folder / "Contract.csv", [contract("C-1", "A-404", "", "", "")])
        serving = sandbox.serve(tmp_path / "state", systems=["salesforce"], seed_dir=tmp_path / "seed")
        with pytest.raises(sandbox.SandboxError, match=r"Contract\.csv, row 1.*A-404"), serving:
            pass


class TestQuery:
    def test_the_shape_of_an_answer(self, api: Api) -> None:
        answer = api.soql(
            "SELECT Id, name, PO_Required__c, Payment_Terms_Days__c FROM account WHERE AccountNumber = 'A-2'"
        )
        [record] = answer.json()["records"]
        assert answer.json()["totalSize"] == 1
        assert answer.json()["done"] is True
        assert "nextRecordsUrl" not in answer.json()
        assert record == {
            "attributes": {"type": "Account", "url": f"{DATA}/sobjects/Account/{record['Id']}"},
            "Id": record["Id"], "Name": "beta_x Ltd", "PO_Required__c": True, "Payment_Terms_Days__c": 30.0,
        }  # fmt: skip
        assert '"Payment_Terms_Days__c":30.0' in answer.text

    @pytest.mark.parametrize(
        ("condition", "numbers"),
        [
            ("Name = 'ALPHA gmbh'", ["A-1"]),
            ("Name != 'alpha gmbh'", ["A-2", "A-3"]),
            ("Active__c != 'Yes'", ["A-1", "A-2"]),
            ("Active__c = null", ["A-1", "A-2"]),
            ("Active__c <> null", ["A-3"]),
            ("Name LIKE '%a%'", ["A-1", "A-2", "A-3"]),
            (r"Name LIKE '%\%%'", ["A-3"]),
            (r"Name LIKE 'beta\_x%'", ["A-2"]),
            ("Name LIKE '_amma%'", ["A-3"]),
            ("PO_Required__c = true", ["A-2"]),
            ("NOT PO_Required__c = true", ["A-1", "A-3"]),
            ("Payment_Terms_Days__c >= 30.0", ["A-2"]),
            ("Payment_Terms_Days__c < 30", []),
            ("AccountNumber IN ('a-1', 'A-3')", ["A-1", "A-3"]),
            ("AccountNumber NOT IN ('A-1')", ["A-2", "A-3"]),
            ("Hub_Id__c = 'h-1'", ["A-1"]),
            ("BillingCity = 'Köln' OR (Active__c = 'Yes' AND PO_Required__c = false)", ["A-1", "A-3"]),
            ("CreatedDate > 2025-12-16T00:00:02Z", ["A-3"]),
            ("CreatedDate <= 2025-12-16T01:00:01+01:00", ["A-1"]),
        ],
    )
    def test_conditions(self, api: Api, condition: str, numbers: list[str]) -> None:
        soql = (
            f"SELECT AccountNumber FROM Account WHERE AccountNumber LIKE 'A-%' AND ({condition}) ORDER BY AccountNumber"
        )
        assert [row["AccountNumber"] for row in api.records(soql)] == numbers

    @pytest.mark.parametrize(
        ("condition", "numbers"),
        [("StartDate = 2026-01-01", ["C-1"]), ("StartDate > 2026-01-01", ["C-2"]), ("ContractTerm = 36", ["C-2"]),
         ("Discount_Percent__c <= 7.25", ["C-1", "C-3"]), ("Account.Name LIKE 'beta%'", ["C-2", "C-3"])],
    )  # fmt: skip
    def test_conditions_on_dates_numbers_and_parents(self, api: Api, condition: str, numbers: list[str]) -> None:
        soql = f"SELECT ContractNumber FROM Contract WHERE ContractNumber LIKE 'C-_' AND {condition}"
        assert [row["ContractNumber"] for row in api.records(soql)] == numbers

    @pytest.mark.parametrize(
        ("order", "numbers"),
        [
            ("StartDate DESC", ["C-3", "C-2", "C-1"]),
            ("StartDate DESC NULLS LAST", ["C-2", "C-1", "C-3"]),
            ("StartDate", ["C-3", "C-1", "C-2"]),
            ("Account.Name DESC, ContractNumber DESC", ["C-3", "C-2", "C-1"]),
            ("Account.Name ASC NULLS FIRST, ContractNumber DESC LIMIT 2 OFFSET 1", ["C-3", "C-2"]),
        ],
    )
    def test_order_limit_and_offset(self, api: Api, order: str, numbers: list[str]) -> None:
        soql = f"SELECT ContractNumber FROM Contract WHERE ContractNumber LIKE 'C-_' ORDER BY {order}"
        assert [row["ContractNumber"] for row in api.records(soql)] == numbers

    def test_children_and_their_parents(self, api: Api) -> None:
        rows = api.records(
            "SELECT ContractNumber, (SELECT Name FROM Amendments__r WHERE Status__c = 'Approved'), "
            "(SELECT Id, (SELECT Quantity, Product2.Name FROM OrderItems ORDER BY Quantity) FROM Orders) "
            "FROM Contract WHERE ContractNumber IN ('C-1', 'C-2')"
        )
        assert rows[0]["Amendments__r"]["totalSize"] == 1
        [order] = rows[0]["Orders"]["records"]
        items = [(item["Quantity"], item["Product2"]["Name"]) for item in order["OrderItems"]["records"]]
        assert items == [(Decimal("0.5"), "Product 2"), (Decimal("2.0"), "Product 1")]
        assert rows[1]["Orders"] is None
        assert rows[1]["Amendments__r"] is None

    def test_an_absent_parent_is_null(self, api: Api, account: str) -> None:
        record_id = api.create("Contract", AccountId=account)
        [row] = api.records(f"SELECT Pricebook2.Name FROM Contract WHERE Id = '{record_id}'")
        assert row["Pricebook2"] is None

    def test_count(self, api: Api) -> None:
        answer = api.soql("SELECT COUNT() FROM Product2 WHERE Family = 'F1'").json()
        assert answer == {"totalSize": 1667, "done": True, "records": []}

    @pytest.mark.parametrize(
        ("soql", "code", "sentence"),
        [
            (
                "SELECT Foo__c FROM Account",
                "INVALID_FIELD",
                "Column:8\nNo such column 'Foo__c' on entity 'Account'. If",
            ),
            ("SELECT Id FROM Invoice", "INVALID_TYPE", "sObject type 'Invoice' is not supported."),
            (
                "SELECT Owner.Name FROM Account",
                "INVALID_FIELD",
                "Didn't understand relationship 'Owner' in field path.",
            ),
            ("SELECT (SELECT Id FROM Foo) FROM Account", "INVALID_TYPE", "'Foo' in FROM part of query call."),
            ("SELECT Id FROM Account WHERE", "MALFORMED_QUERY", "unexpected token: '<EOF>'"),
            ("SELECT Id FROM Account WHERE Name = 'x", "MALFORMED_QUERY", "unexpected token: '''"),
            ("SELECT Id FROM Account WHERE Name IS NULL", "MALFORMED_QUERY", "unexpected token: 'IS'"),
            ("SELECT Id FROM Account WHERE Name='a' AND Name='b' OR Name='c'", "MALFORMED_QUERY", "'OR'"),
            ("SELECT Id, ID FROM Account", "MALFORMED_QUERY", "duplicate field selected: ID"),
            ("SELECT Id FROM Account WHERE Name = 5", "INVALID_FIELD", "must be of type string and should be enclosed"),
            (
                "SELECT Id FROM Account WHERE CreatedDate > '2026'",
                "INVALID_FIELD",
                "of type dateTime and should not be",
            ),
            ("SELECT Id FROM Contract WHERE StartDate > 2026-02-30", "MALFORMED_QUERY", "invalid date: 2026-02-30"),
            ("SELECT Id FROM Account WHERE Id = 'x'", "INVALID_QUERY_FILTER_OPERATOR", "invalid ID field: x"),
            ("SELECT Id FROM Account LIMIT 5 OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE", "offset allowed is 2000"),
        ],
    )
    def test_errors(self, api: Api, soql: str, code: str, sentence: str) -> None:
        status, found, message = error(api.soql(soql))
        assert (status, found) == (400, code)
        assert sentence in message

    def test_a_query_must_be_given(self, api: Api) -> None:
        assert error(api.call("GET", "/query"))[:2] == (400, "MISSING_ARGUMENT")


class TestSoqlText:
    @given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
    def test_a_quoted_string_stands_for_its_text(self, text: str) -> None:
        quoted = text.replace("\\", "\\\\").replace("'", "\\'")
        assert string_value(f"'{quoted}'") == text

    @given(st.text(max_size=60))
    def test_any_text_is_a_query_or_a_placed_error(self, text: str) -> None:
        with contextlib.suppress(PlacedError):
            parse("SELECT " + text)

    @pytest.mark.parametrize(("soql", "position"), [("SELECT ?", 7), ("SELECT Id FROM", 14), ("SELECT Id\nFORM X", 10)])
    def test_an_error_knows_its_place(self, soql: str, position: int) -> None:
        with pytest.raises(PlacedError) as refused:
            parse(soql)
        assert refused.value.position == position


class TestPaging:
    def pages(self, api: Api, soql: str, batch: int | None = None) -> list[list[str]]:
        answer = api.soql(soql, batch=batch).json()
        pages = [[row["Id"] for row in answer["records"]]]
        while not answer["done"]:
            headers = {"Sforce-Query-Options": f"batchSize={batch}"} if batch else {}
            answer = api.call("GET", answer["nextRecordsUrl"], headers=headers).json()
            pages.append([row["Id"] for row in answer["records"]])
        return pages

    def test_pages_of_2000(self, api: Api) -> None:
        pages = self.pages(api, "SELECT Id, Name FROM Product2 ORDER BY ProductCode DESC")
        assert [len(page) for page in pages] == [2000, 2000, 1000]
        ids = [record_id for page in pages for record_id in page]
        assert len(set(ids)) == PRODUCTS
        assert ids == sorted(ids, reverse=True)

    def test_the_first_page_says_the_total(self, api: Api) -> None:
        answer = api.soql("SELECT Id FROM Product2").json()
        assert (answer["totalSize"], answer["done"]) == (PRODUCTS, False)
        assert answer["nextRecordsUrl"].startswith(f"{DATA}/query/01g")
        assert answer["nextRecordsUrl"].endswith("-2000")

    @pytest.mark.parametrize(("batch", "first"), [(200, 200), (1999, 1999), (1, 200), (9999, 2000)])
    def test_the_client_chooses_the_batch_size(self, api: Api, batch: int, first: int) -> None:
        assert len(api.soql("SELECT Id FROM Product2", batch=batch).json()["records"]) == first

    def test_every_batch_size_gives_all_records_once(self, api: Api) -> None:
        pages = self.pages(api, "SELECT Id FROM Product2 LIMIT 900", batch=250)
        assert [len(page) for page in pages] == [250, 250, 250, 150]

    @pytest.mark.parametrize("locator", ["nonsense", "01gHu0000000zzzIAA-2000"])
    def test_an_unknown_locator(self, api: Api, locator: str) -> None:
        answer = api.call("GET", f"/query/{locator}")
        assert error(answer) == (400, "INVALID_QUERY_LOCATOR", "invalid query locator")

    def test_only_the_ten_newest_cursors_stay_open(self, api: Api) -> None:
        oldest = api.soql("SELECT Id FROM Product2").json()["nextRecordsUrl"]
        for _ in range(9):
            newest = api.soql("SELECT Id FROM Product2").json()["nextRecordsUrl"]
        assert api.call("GET", oldest).status_code == 200
        api.soql("SELECT Id FROM Product2")
        assert error(api.call("GET", oldest))[1] == "INVALID_QUERY_LOCATOR"
        assert api.call("GET", newest).status_code == 200


class TestRecords:
    def test_create_read_update_delete(self, api: Api) -> None:
        created = api.call("POST", "/sobjects/Account", json={"Name": "New", "Payment_Terms_Days__c": 14})
        record_id = created.json()["id"]
        assert (created.status_code, created.json()) == (201, {"id": record_id, "success": True, "errors": []})
        assert created.headers["Location"] == f"{DATA}/sobjects/Account/{record_id}"
        updated = api.call("PATCH", f"/sobjects/Account/{record_id}", json={"Name": "Newer"})
        assert (updated.status_code, updated.content) == (204, b"")
        record = api.read("Account", record_id)
        assert (record["Name"], record["Payment_Terms_Days__c"]) == ("Newer", Decimal("14.0"))
        assert record["attributes"]["type"] == "Account"
        assert api.call("DELETE", f"/sobjects/Account/{record_id}").status_code == 204
        assert error(api.call("GET", f"/sobjects/Account/{record_id}")) == (
            404,
            "ENTITY_IS_DELETED",
            "entity is deleted",
        )
        assert api.records(f"SELECT Id FROM Account WHERE Id = '{record_id}'") == []
        binned = api.soql(f"SELECT IsDeleted FROM Account WHERE Id = '{record_id}'", resource="queryAll").json()
        assert [row["IsDeleted"] for row in binned["records"]] == [True]

    def test_chosen_fields(self, api: Api, account: str) -> None:
        answer = api.call("GET", f"/sobjects/Account/{account}", params={"fields": "name,IsDeleted"}).json()
        assert set(answer) == {"attributes", "Id", "Name", "IsDeleted"}
        refused = api.call("GET", f"/sobjects/Account/{account}", params={"fields": "Foo"})
        assert error(refused) == (400, "INVALID_FIELD", "No such column 'Foo' on sobject of type Account")

    def test_each_write_moves_the_timestamps_forward(self, api: Api, account: str) -> None:
        before = api.read("Account", account)
        api.call("PATCH", f"/sobjects/Account/{account}", json={"BillingCity": "Kiel"})
        after = api.read("Account", account)
        assert after["SystemModstamp"] == after["LastModifiedDate"] > before["SystemModstamp"] >= "2026-01-15"
        assert after["CreatedDate"] == before["CreatedDate"]

    def test_empty_text_is_null(self, api: Api, account: str) -> None:
        api.call("PATCH", f"/sobjects/Account/{account}", json={"BillingCity": "Kiel"})
        api.call("PATCH", f"/sobjects/Account/{account}", json={"BillingCity": ""})
        assert api.read("Account", account)["BillingCity"] is None

    def test_the_org_works_out_contract_end_and_numbers(self, api: Api, account: str) -> None:
        record_id = api.create("Contract", AccountId=account, StartDate="2026-03-01", ContractTerm=12)
        record = api.read("Contract", record_id)
        assert (record["EndDate"], record["ContractTerm"]) == ("2027-02-28", 12)
        assert record["ContractNumber"] > "C-000003"
        api.call("PATCH", f"/sobjects/Contract/{record_id}", json={"ContractTerm": 1})
        assert api.read("Contract", record_id)["EndDate"] == "2026-03-31"

    def test_a_deal_that_is_lost_is_closed(self, api: Api) -> None:
        deal = api.create("Opportunity", Name="Talks", StageName="Qualification", CloseDate="2026-06-30")
        assert api.read("Opportunity", deal)["IsClosed"] is False
        api.call("PATCH", f"/sobjects/Opportunity/{deal}", json={"StageName": "Closed Lost"})
        lost = api.read("Opportunity", deal)
        assert (lost["IsClosed"], lost["IsWon"], lost["Probability"]) == (True, False, 0)
        refused = api.call("PATCH", f"/sobjects/Opportunity/{deal}", json={"StageName": None})
        assert error(refused)[:2] == (400, "REQUIRED_FIELD_MISSING")

    def test_deleting_the_master_deletes_its_details(self, api: Api, account: str) -> None:
        master = api.create("Contract", AccountId=account)
        detail = api.create("Contract_Amendment__c", Contract__c=master, Status__c="Draft")
        api.call("DELETE", f"/sobjects/Contract/{master}")
        assert error(api.call("GET", f"/sobjects/Contract_Amendment__c/{detail}"))[1] == "ENTITY_IS_DELETED"

    @pytest.mark.parametrize(
        ("change", "code", "message", "fields"),
        [
            ({"Foo": 1}, "INVALID_FIELD", "No such column 'Foo' on sobject of type Contract", None),
            ({"AccountId": None}, "REQUIRED_FIELD_MISSING", "Required fields are missing: [AccountId]", ["AccountId"]),
            ({"AccountId": "x"}, "MALFORMED_ID", "Account ID: id value of incorrect type: x", ["AccountId"]),
            ({"AccountId": make_id("001", 10**6)}, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", []),
            ({"Billing_Status__c": "x" * 81}, "STRING_TOO_LONG",
             f"Billing Status: data value too large: {'x' * 81} (max length=80)", ["Billing_Status__c"]),
            ({"Status": "Signed"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
             "Status: bad value for restricted picklist field: Signed", ["Status"]),
            ({"Discount_Percent__c": 1000}, "NUMBER_OUTSIDE_VALID_RANGE",
             "Discount Percent: value outside of valid range on numeric field: 1000.0", ["Discount_Percent__c"]),
            ({"ContractTerm": 2**31}, "NUMBER_OUTSIDE_VALID_RANGE",
             f"Contract Term: value outside of valid range on numeric field: {2**31}", ["ContractTerm"]),
            ({"Id": make_id("800", 1)}, "INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an insert call", ["Id"]),
        ],
    )  # fmt: skip
    def test_refused_values(
        self, api: Api, account: str, change: dict[str, Any], code: str, message: str, fields: Any
    ) -> None:
        answer = api.call("POST", "/sobjects/Contract", json={"AccountId": account, **change})
        assert error(answer) == (400, code, message)
        assert answer.json()[0].get("fields") == fields

    @pytest.mark.parametrize(
        ("field", "value", "expected"),
        [("Last_Invoice_Total__c", "much", "currency from VALUE_STRING value much"),
         ("StartDate", "2026-02-30", "date from VALUE_STRING value 2026-02-30"),
         ("StartDate", "20260201", "date from VALUE_STRING"), ("ContractTerm", 1.5, "int from VALUE_NUMBER_FLOAT"),
         ("Description", 5, "textarea from VALUE_NUMBER_INT value 5"), ("Status", ["Draft"], "picklist from START_ARRAY")],
    )  # fmt: skip
    def test_values_of_the_wrong_type(self, api: Api, account: str, field: str, value: Any, expected: str) -> None:
        answer = api.call("POST", "/sobjects/Contract", json={"AccountId": account, field: value})
        status, code, message = error(answer)
        assert (status, code) == (400, "JSON_PARSER_ERROR")
        assert expected in message

    def test_read_only_fields(self, api: Api, account: str) -> None:
        answer = api.call("POST", "/sobjects/Contract", json={"AccountId": account, "EndDate": "2026-12-31"})
        assert error(answer)[:2] == (400, "INVALID_FIELD_FOR_INSERT_UPDATE")
        assert answer.json()[0]["fields"] == ["EndDate"]

    def test_an_email_must_look_like_one(self, api: Api) -> None:
        answer = api.call("POST", "/sobjects/Account", json={"Name": "N", "Billing_Email__c": "not an email"})
        assert error(answer)[:2] == (400, "INVALID_EMAIL_ADDRESS")

    def test_a_body_that_is_no_json(self, api: Api) -> None:
        assert error(api.call("POST", "/sobjects/Account", data="{"))[:2] == (400, "JSON_PARSER_ERROR")
        assert error(api.call("POST", "/sobjects/Account", data="[]"))[:2] == (400, "JSON_PARSER_ERROR")

    @pytest.mark.parametrize("record_id", ["garbage", make_id("001", 10**6)])
    def test_a_record_that_is_not_there(self, api: Api, record_id: str) -> None:
        message = f"Provided external ID field does not exist or is not accessible: {record_id}"
        for method, body in (("GET", None), ("PATCH", {}), ("DELETE", None)):
            answer = api.call(method, f"/sobjects/Account/{record_id}", json=body)
            assert error(answer) == (404, "NOT_FOUND", message)

    def test_a_method_that_is_not_allowed(self, api: Api) -> None:
        assert error(api.call("PUT", "/sobjects/Account"))[:2] == (405, "METHOD_NOT_ALLOWED")


class TestUpsert:
    def test_create_then_update_the_same_record(self, api: Api) -> None:
        path = "/sobjects/Account/Hub_Id__c/acc%2F1 ä"
        created = api.call("PATCH", path, json={"Name": "One"})
        assert (created.status_code, created.json()["created"]) == (201, True)
        updated = api.call("PATCH", path.replace("acc", "ACC"), json={"Name": "Two"})
        assert updated.status_code == 200
        assert updated.json() == {"id": created.json()["id"], "success": True, "errors": [], "created": False}
        record = api.call("GET", path).json()
        assert (record["Name"], record["Hub_Id__c"]) == ("Two", "acc/1 ä")

    def test_the_key_belongs_in_the_url_only(self, api: Api) -> None:
        answer = api.call("PATCH", "/sobjects/Account/Hub_Id__c/k", json={"Name": "N", "Hub_Id__c": "k"})
        message = "The Hub_Id__c field should not be specified in the sobject data."
        assert error(answer) == (400, "INVALID_FIELD", message)

    def test_only_external_ids_are_keys(self, api: Api) -> None:
        answer = api.call("PATCH", "/sobjects/Account/AccountNumber/A-1", json={"Name": "N"})
        message = "Provided external ID field does not exist or is not accessible: AccountNumber"
        assert error(answer) == (404, "NOT_FOUND", message)

    def test_many_at_once_create_one_record(self, api: Api) -> None:
        def upsert(_: int) -> bool:
            answer = api.call("PATCH", "/sobjects/Account/Hub_Id__c/at-once", json={"Name": "N"})
            return bool(answer.json()["created"])

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(upsert, range(24))) == 1

    def test_an_unknown_key_is_not_there(self, api: Api) -> None:
        assert error(api.call("GET", "/sobjects/Account/Hub_Id__c/none"))[:2] == (404, "NOT_FOUND")

    def test_external_ids_are_unique(self, api: Api) -> None:
        first = api.create("Account", Name="N", Hub_Id__c="unique")
        answer = api.call("POST", "/sobjects/Account", json={"Name": "M", "Hub_Id__c": "UNIQUE"})
        message = f"duplicate value found: Hub_Id__c duplicates value on record with id: {first}"
        assert error(answer) == (400, "DUPLICATE_VALUE", message)

    def test_a_deleted_record_frees_its_key(self, api: Api) -> None:
        first = api.create("Account", Name="N", Hub_Id__c="freed")
        api.call("DELETE", f"/sobjects/Account/{first}")
        assert api.create("Account", Name="N", Hub_Id__c="freed") != first

    def test_a_parent_may_be_named_by_its_key(self, api: Api) -> None:
        record_id = api.create("Contract", Account={"Hub_Id__c": "H-1"})
        [row] = api.records(f"SELECT Account.AccountNumber FROM Contract WHERE Id = '{record_id}'")
        assert row["Account"]["AccountNumber"] == "A-1"
        assert error(api.call("POST", "/sobjects/Contract", json={"Account": "A-1"}))[1] == "JSON_PARSER_ERROR"
        answer = api.call("POST", "/sobjects/Contract", json={"Account": {"Hub_Id__c": "none"}})
        message = "Foreign key external ID: none not found for field Hub_Id__c in entity Account"
        assert error(answer) == (400, "INVALID_FIELD", message)


def typed(name: str, **values: Any) -> dict[str, Any]:
    return {"attributes": {"type": name}, **values}


class TestCollections:
    def save(self, api: Api, method: str, path: str, *records: Any, all_or_none: bool = False) -> Any:
        body = {"allOrNone": all_or_none, "records": list(records)}
        answer = api.call(method, f"/composite/sobjects{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def test_good_records_are_saved_beside_bad_ones(self, api: Api) -> None:
        results = self.save(api, "POST", "", typed("Account", Name="Good"), typed("Account"), typed("Nothing"))
        assert [result["success"] for result in results] == [True, False, False]
        assert api.read("Account", results[0]["id"])["Name"] == "Good"
        message = "Required fields are missing: [Name]"
        assert results[1]["errors"] == [
            {"statusCode": "REQUIRED_FIELD_MISSING", "message": message, "fields": ["Name"]}
        ]
        assert results[2]["errors"][0]["statusCode"] == "INVALID_TYPE"

    def test_all_or_none_undoes_the_good_ones(self, api: Api) -> None:
        good = typed("Account", Name="Undone", Hub_Id__c="undone")
        results = self.save(api, "POST", "", good, typed("Account"), all_or_none=True)
        codes = [result["errors"][0]["statusCode"] for result in results]
        assert codes == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "REQUIRED_FIELD_MISSING"]
        assert api.call("GET", "/sobjects/Account/Hub_Id__c/undone").status_code == 404

    def test_update(self, api: Api, account: str) -> None:
        missing = make_id("001", 10**6)
        change = typed("Account", id=account, BillingCity="Bonn")
        results = self.save(api, "PATCH", "", change, typed("Account", id=missing), typed("Account"))
        assert results[0] == {"id": account, "success": True, "errors": []}
        codes = [result["errors"][0]["statusCode"] for result in results[1:]]
        assert codes == ["NOT_FOUND", "MISSING_ARGUMENT"]
        assert api.read("Account", account)["BillingCity"] == "Bonn"

    def test_upsert(self, api: Api) -> None:
        def upsert(*keys: str) -> Any:
            records = [typed("Account", Hub_Id__c=key, Name=key) for key in keys]
            return self.save(api, "PATCH", "/Account/Hub_Id__c", *records)

        first = upsert("up-1", "up-2")
        assert [result["created"] for result in first] == [True, True]
        again = upsert("up-2", "up-3")
        assert [result["created"] for result in again] == [False, True]
        assert again[0]["id"] == first[1]["id"]

    def test_an_upsert_refuses_every_record_with_a_repeated_key(self, api: Api) -> None:
        records = [typed("Account", Hub_Id__c=key, Name="N") for key in ("rep", "single", "REP")]
        results = self.save(api, "PATCH", "/Account/Hub_Id__c", *records)
        assert [result["success"] for result in results] == [False, True, False]
        assert results[0]["errors"][0]["message"] == "Duplicate external id specified: rep"

    def test_at_most_200_records(self, api: Api) -> None:
        records = [typed("Account", Name="N")] * 201
        answer = api.call("POST", "/composite/sobjects", json={"records": records})
        message = "record limit reached. cannot submit more than 200 records into this call"
        assert error(answer) == (400, "EXCEEDED_ID_LIMIT", message)
        assert len(self.save(api, "POST", "", *records[:200])) == 200

    def test_read_by_get_and_post(self, api: Api, account: str) -> None:
        ids = [account, make_id("001", 10**6), account[:15]]
        by_get = api.call("GET", "/composite/sobjects/Account", params={"ids": ",".join(ids), "fields": "id,name"})
        by_post = api.call("POST", "/composite/sobjects/Account", json={"ids": ids, "fields": ["id", "name"]})
        assert by_get.json() == by_post.json()
        assert [row and row["Name"] for row in by_get.json()] == ["Written by a test", None, "Written by a test"]
        refused = api.call("GET", "/composite/sobjects/Account", params={"ids": account, "fields": "Foo"})
        assert error(refused)[:2] == (400, "INVALID_FIELD")

    def test_delete(self, api: Api, account: str) -> None:
        answer = api.call("DELETE", "/composite/sobjects", params={"ids": f"{account},garbage"}).json()
        assert answer[0] == {"id": account, "success": True, "errors": []}
        assert answer[1]["errors"][0]["statusCode"] == "MALFORMED_ID"


class TestComposite:
    def run(self, api: Api, *requests_: dict[str, Any], all_or_none: bool = False) -> list[dict[str, Any]]:
        body = {"allOrNone": all_or_none, "compositeRequest": list(requests_)}
        answer = api.call("POST", "/composite", json=body)
        assert answer.status_code == 200, answer.text
        results: list[dict[str, Any]] = answer.json()["compositeResponse"]
        return results

    def post(self, reference: str, name: str, **values: Any) -> dict[str, Any]:
        return {"method": "POST", "url": f"{DATA}/sobjects/{name}", "referenceId": reference, "body": values}

    def test_later_requests_use_earlier_answers(self, api: Api) -> None:
        results = self.run(
            api,
            self.post("account", "Account", Name="Composite"),
            self.post("contract", "Contract", AccountId="@{account.id}"),
            {"method": "GET", "referenceId": "read",
             "url": f"{DATA}/query?q=SELECT+Account.Name+FROM+Contract+WHERE+Id='@{{contract.id}}'"},
        )  # fmt: skip
        assert [result["httpStatusCode"] for result in results] == [201, 201, 200]
        assert results[0]["httpHeaders"]["Location"].endswith(results[0]["body"]["id"])
        assert results[2]["body"]["records"][0]["Account"]["Name"] == "Composite"

    def test_what_depends_on_a_failure_is_halted(self, api: Api) -> None:
        results = self.run(
            api,
            self.post("a", "Account"),
            self.post("c", "Contract", AccountId="@{a.id}"),
            self.post("b", "Account", Name="B"),
        )
        assert [result["httpStatusCode"] for result in results] == [400, 400, 201]
        assert results[1]["body"][0]["errorCode"] == "PROCESSING_HALTED"

    def test_all_or_none_undoes_everything(self, api: Api) -> None:
        good = self.post("good", "Account", Name="Undone", Hub_Id__c="composite-undone")
        results = self.run(api, good, self.post("bad", "Account"), all_or_none=True)
        assert [result["body"][0]["errorCode"] for result in results] == ["PROCESSING_HALTED", "REQUIRED_FIELD_MISSING"]
        assert api.call("GET", "/sobjects/Account/Hub_Id__c/composite-undone").status_code == 404

    @pytest.mark.parametrize("requests_", [None, ["x"], [{"method": "GET"}]])
    def test_requests_without_shape(self, api: Api, requests_: Any) -> None:
        answer = api.call("POST", "/composite", json={"compositeRequest": requests_})
        assert error(answer)[:2] == (400, "JSON_PARSER_ERROR")

    def test_at_most_25_requests(self, api: Api) -> None:
        body = {"compositeRequest": [self.post(f"r{number}", "Account", Name="N") for number in range(26)]}
        assert error(api.call("POST", "/composite", json=body))[:2] == (400, "LIMIT_EXCEEDED")


class TestFaults:
    @pytest.fixture(autouse=True)
    def _no_faults_left(self, url: str) -> Iterator[None]:
        yield
        requests.delete(f"{url}/_sandbox/faults", timeout=30)

    def strike(self, url: str, match: str, fault: str) -> None:
        answer = requests.post(f"{url}/_sandbox/faults", json={"match": match, "fault": fault}, timeout=30)
        assert answer.status_code == 201, answer.text

    def test_rate_limit(self, api: Api) -> None:
        self.strike(api.url, "GET /services/data/{version}/limits", "rate_limit")
        expected = (403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        assert error(api.call("GET", "/limits")) == expected
        assert api.call("GET", "/limits").status_code == 200

    def test_unauthorized(self, api: Api) -> None:
        self.strike(api.url, "GET .*/query", "unauthorized")
        assert error(api.soql("SELECT Id FROM Account"))[:2] == (401, "INVALID_SESSION_ID")

    def test_an_upsert_whose_answer_is_lost_may_be_sent_again(self, api: Api) -> None:
        self.strike(api.url, "PATCH /services/data/{version}/sobjects/{sobject}/{field}/{value:path}", "reset_after")
        path = "/sobjects/Account/Hub_Id__c/lost"
        with pytest.raises(requests.ConnectionError):
            api.call("PATCH", path, json={"Name": "Lost"})
        assert api.call("PATCH", path, json={"Name": "Lost"}).json()["created"] is False

    def test_a_final_slash_does_not_matter(self, api: Api) -> None:
        self.strike(api.url, "GET /services/data/{version}/limits", "rate_limit")
        assert api.call("GET", "/limits/").status_code == 403
        assert api.call("GET", "/limits/").status_code == 200


def test_records_and_sessions_outlive_a_restart(tmp_path: Path) -> None:
    seed = tmp_path / "seed"
    (seed / "salesforce").mkdir(parents=True)
    with sandbox.serve(tmp_path / "state", systems=["salesforce"], seed_dir=seed) as endpoints:
        first = sign_in(endpoints["salesforce"])
        record_id = first.create("Account", Name="Kept", Hub_Id__c="kept")
        stamp = first.read("Account", record_id)["SystemModstamp"]
    with sandbox.serve(tmp_path / "state", systems=["salesforce"], seed_dir=seed) as endpoints:
        second = Api(endpoints["salesforce"], first.token)
        assert second.read("Account", record_id)["Name"] == "Kept"
        other = second.create("Account", Name="Next")
        assert other > record_id
        assert second.read("Account", other)["SystemModstamp"] > stamp


class PlainHttp(HTTPAdapter):
    """Sends what a client addresses to https:// over plain HTTP."""

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        request.url = str(request.url).replace("https://", "http://", 1)
        return super().send(request, *args, **options)


class TestSimpleSalesforce:
    @pytest.fixture
    def client(self, api: Api) -> Any:
        from simple_salesforce.api import Salesforce

        session = requests.Session()
        session.mount("https://", PlainHttp())
        return Salesforce(
            session_id=api.token, instance_url=api.url, version="60.0", session=session, parse_float=Decimal
        )

    def test_query_all_walks_all_pages(self, client: Any) -> None:
        found = client.query_all("SELECT Id, Name FROM Product2")
        assert (found["totalSize"], len(found["records"])) == (PRODUCTS, PRODUCTS)
        assert len({row["Id"] for row in found["records"]}) == PRODUCTS

    def test_records(self, client: Any) -> None:
        created = client.Account.create({"Name": "Via SDK"})
        assert client.Account.update(created["id"], {"BillingCity": "Ulm"}) == 204
        assert client.Account.get(created["id"])["BillingCity"] == "Ulm"
        assert client.Account.upsert("Hub_Id__c/via-sdk", {"Name": "Upserted"}) == 201
        assert client.Account.upsert("Hub_Id__c/via-sdk", {"Name": "Upserted"}) == 200
        assert client.Account.get_by_custom_id("Hub_Id__c", "via-sdk")["Name"] == "Upserted"
        assert client.Account.delete(created["id"]) == 204

    def test_describe_limits_and_usage(self, client: Any) -> None:
        assert client.Contract.describe()["keyPrefix"] == "800"
        assert client.limits()["DailyApiRequests"]["Max"] == client.api_usage["api-usage"].total

    def test_errors_keep_the_orgs_code(self, client: Any) -> None:
        from simple_salesforce.exceptions import SalesforceMalformedRequest, SalesforceResourceNotFound

        with pytest.raises(SalesforceMalformedRequest, match="INVALID_FIELD"):
            client.query("SELECT Foo FROM Account")
        with pytest.raises(SalesforceResourceNotFound):
            client.Account.get(make_id("001", 10**6))

    def test_an_unknown_session(self, client: Any) -> None:
        from simple_salesforce.exceptions import SalesforceExpiredSession

        client.headers["Authorization"] = "Bearer gone"
        with pytest.raises(SalesforceExpiredSession):
            client.query("SELECT Id FROM Account")
