"""The plugin in Airflow's own API server, over the socket: it loads, nobody anonymous gets in, and a viewer changes nothing."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
import requests

from billhub.console import User, create_app
from billhub.flows import load_flows
from billhub.hub import open_hub
from billhub.steps import run_flow
from connectors.settings import Connection

REPOSITORY = Path(__file__).parents[2]
PASSWORDS = {"ada": "a-password", "olive": "o-password", "uma": "u-password", "vic": "v-password"}
USERS = "ada:admin,olive:op,uma:user,vic:viewer"
AS_OF = "2026-01-15"
WAITING = "order_900001"
ORDERS = (
    "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
    "900001,71053,LANTERN,60000,2026-01-12 08:26:00,3.39,17850.0,United Kingdom\n"
    "900002,71053,LANTERN,2,2026-01-12 08:26:00,3.39,,United Kingdom\n"
)


class Served(msgspec.Struct, frozen=True):
    """Airflow's API server with the console mounted, and what it was started with."""

    url: str

    @property
    def console(self) -> str:
        return f"{self.url}/billing-hub"

    def token(self, user: str) -> str:
        answer = requests.post(
            f"{self.url}/auth/token", json={"username": user, "password": PASSWORDS[user]}, timeout=30
        )
        answer.raise_for_status()
        return str(answer.json()["access_token"])

    def bearer(self, user: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(user)}"}


def fill(state: Path) -> None:
    """One invoice that waits for approval and one exception, through the hub's own stages."""
    csv = state / "orders.csv"
    csv.write_text(ORDERS)
    settings = {"online_retail": Connection(conn_id="billhub_online_retail", host=str(csv))}
    hub = open_hub(
        as_of=date.fromisoformat(AS_OF),
        actor="olive",
        url=f"sqlite:///{state / 'hub.sqlite'}",
        connection=lambda system: settings.get(system, Connection(conn_id=f"billhub_{system}")),
    )
    for flow in ("retail_orders", "invoice_release"):
        run_flow(hub, load_flows()[flow])
    hub.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    state = tmp_path_factory.mktemp("airflow")
    fill(state)
    (state / "passwords.json").write_text(json.dumps(PASSWORDS))
    (state / "dags").mkdir()
    env = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "HUB_"))}
    env |= {
        "AIRFLOW_HOME": str(state),
        "AIRFLOW__CORE__DAGS_FOLDER": str(state / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(REPOSITORY / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": USERS,
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(state / "passwords.json"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{state / 'airflow.db'}",
        "AIRFLOW__API__SECRET_KEY": "a-secret-of-this-test-and-long-enough",
        "AIRFLOW__API_AUTH__JWT_SECRET": "another-secret-of-this-test-and-long-enough",
        "HUB_STATE_DIR": str(state),
        "HUB_AS_OF": AS_OF,
    }
    command = [sys.executable, str(Path(__file__).with_name("airflow_server.py"))]
    log = (state / "server.log").open("w")
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=log, text=True) as process, log:
        assert process.stdout is not None
        port = next((match[1] for line in process.stdout if (match := re.match(r"port (\d+)", line))), None)
        if port is None:
            pytest.fail(f"Airflow's API server did not start:\n{(state / 'server.log').read_text()[-3000:]}")
        try:
            yield Served(f"http://127.0.0.1:{port}")
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=10)
            process.kill()


def routes() -> list[tuple[str, str]]:
    """Every method and path of the console, with something in place of the parameters."""
    app = create_app(user_of=lambda: User(username="nobody", may_act=False), login_url=str, secret="none")
    found = [(method, route.path) for route in every(app.routes) for method in route.methods]
    return sorted(
        (method, re.sub(r"\{[^}]*id\}", "1", re.sub(r"\{name[^}]*\}", WAITING, path))) for method, path in found
    )


def every(found: list) -> list:
    """The routes themselves, also those inside included routers."""
    return [route for each in found for route in (every(each.routes) if hasattr(each, "routes") else [each])]


def test_airflow_lists_the_plugin(served: Served) -> None:
    as_admin = served.bearer("ada")
    assert (
        requests.get(f"{served.url}/api/v2/plugins/importErrors", headers=as_admin, timeout=30).json()["import_errors"]
        == []
    )
    plugins = requests.get(f"{served.url}/api/v2/plugins", headers=as_admin, timeout=30).json()["plugins"]
    [plugin] = [each for each in plugins if each["name"] == "billing_hub"]
    assert [app["url_prefix"] for app in plugin["fastapi_apps"]] == ["/billing-hub"]
    [view] = plugin["external_views"]
    assert (view["name"], view["href"], view["destination"]) == ("Billing hub", "/billing-hub/", "nav")


def test_loading_the_plugin_costs_a_task_nothing(tmp_path: Path) -> None:
    """Every task process loads the plugins folder; the console's own imports wait for the first request."""
    code = "import sys, runpy; runpy.run_path(sys.argv[1]); print('billhub.console' in sys.modules)"
    command = [sys.executable, "-c", code, str(REPOSITORY / "plugins" / "billing_hub_plugin.py")]
    done = subprocess.run(
        command, env={**os.environ, "AIRFLOW_HOME": str(tmp_path)}, capture_output=True, text=True, check=True
    )
    assert done.stdout.split()[-1] == "False"


def test_the_routes_are_known() -> None:
    assert ("GET", "/") in routes()
    assert ("POST", f"/api/approvals/{WAITING}/approve") in routes()
    assert ("POST", "/exceptions/1/resolve") in routes()
    assert len(routes()) >= 20


@pytest.mark.parametrize(("method", "path"), routes())
def test_anonymous_is_refused_everywhere(served: Served, method: str, path: str) -> None:
    answer = requests.request(method, served.console + path, timeout=30, allow_redirects=False)
    if path.startswith("/api/"):
        assert answer.status_code == 401
        assert answer.json()["error"]["rule"] == "signed_in"
    else:
        assert answer.status_code == 303
        assert urlsplit(answer.headers["location"]).path == "/auth/login"


def test_signing_in_leads_back_to_the_page(served: Served) -> None:
    answer = requests.get(f"{served.console}/invoices?state=held", timeout=30, allow_redirects=False)
    asked = parse_qs(urlsplit(answer.headers["location"]).query)
    assert asked["next"] == ["/billing-hub/invoices?state=held"]


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json"])
def test_there_are_no_open_docs(served: Served, path: str) -> None:
    assert requests.get(served.console + path, timeout=30, allow_redirects=False).status_code == 404


@pytest.mark.parametrize("headers", [{"Authorization": "Bearer not.a.token"}, {"Cookie": "_token=not.a.token"}])
def test_a_false_token_is_no_token(served: Served, headers: dict[str, str]) -> None:
    assert requests.get(f"{served.console}/api/summary", headers=headers, timeout=30).status_code == 401


@pytest.mark.parametrize("user", PASSWORDS)
def test_everyone_signed_in_may_read(served: Served, user: str) -> None:
    answer = requests.get(f"{served.console}/api/summary", headers=served.bearer(user), timeout=30)
    assert answer.status_code == 200
    [totals] = answer.json()["totals"]
    assert totals["came_in"]["net"] == {"amount": "203406.78", "currency": "GBP"}


def test_the_cookie_of_the_session_opens_pages(served: Served) -> None:
    answer = requests.get(f"{served.console}/", cookies={"_token": served.token("vic")}, timeout=30)
    assert answer.status_code == 200
    assert "vic" in answer.text
    assert "203,406.78" in answer.text


@pytest.mark.parametrize(("method", "path"), [route for route in routes() if route[0] == "POST"])
def test_a_viewer_changes_nothing(served: Served, method: str, path: str) -> None:
    answer = requests.request(
        method, served.console + path, json={"comment": "x"}, headers=served.bearer("vic"), timeout=30
    )
    assert answer.status_code == 403
    assert "vic may look, but not decide or change" in answer.text


def test_a_cookie_alone_decides_nothing_from_elsewhere(served: Served) -> None:
    for headers in ({}, {"Origin": "https://elsewhere.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = requests.post(
            f"{served.console}/api/approvals/{WAITING}/approve",
            json={},
            cookies={"_token": served.token("uma")},
            headers=headers,
            timeout=30,
        )
        assert (answer.status_code, answer.json()["error"]["rule"]) == (403, "same_origin")


def test_four_eyes_by_airflows_own_users(served: Served) -> None:
    """The one who started the release is refused whatever her role; a second person decides, once."""
    url = f"{served.console}/api/approvals/{WAITING}/approve"
    refused = requests.post(url, json={"comment": "mine"}, headers=served.bearer("olive"), timeout=30)
    assert (refused.status_code, refused.json()["error"]["rule"]) == (403, "four_eyes")
    decided = requests.post(url, json={"comment": "checked"}, headers=served.bearer("uma"), timeout=30)
    assert decided.status_code == 200
    assert (decided.json()["state"], decided.json()["decided_by"], decided.json()["decided_on"]) == (
        "approved",
        "uma",
        AS_OF,
    )
    again = requests.post(url, json={}, headers=served.bearer("ada"), timeout=30)
    assert (again.status_code, again.json()["error"]["rule"]) == (409, "awaiting_approval")
