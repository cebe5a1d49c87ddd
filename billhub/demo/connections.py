"""Connections to the sandbox systems, in the form Airflow and the hub both read: `AIRFLOW_CONN_*` as JSON.

The credentials are the sandbox's published dummies, written in its README and seeds; real ones live in Airflow Connections.
"""

import json
from collections.abc import Mapping
from typing import Any

from connectors.settings import variable_name


def sandbox_environment(endpoints: Mapping[str, str], *, retail_file: str | None = None) -> dict[str, str]:
    """The environment variables of all connections.

    Args:
        endpoints: URL by system, as the sandbox prints them.
        retail_file: A CSV of retail orders, if there is one.
    """
    settings: dict[str, dict[str, Any]] = {
        "salesforce": {
            "host": endpoints["salesforce"],
            "login": "billing.hub@meridian.example",
            "password": "sandbox-password",
            "extra": {"client_id": "sandbox-client-id", "client_secret": "sandbox-client-secret"},
        },
        "avatax": {
            "host": endpoints["avatax"],
            "login": "2000134479",
            "password": "MERIDIAN-0123456789AB",
            "extra": {"company_codes": "MERIDIAN-US,MERIDIAN-DE,MERIDIAN-JP"},
        },
        "netsuite": {
            "host": endpoints["netsuite"],
            "login": "TSTDRV_SANDBOX",
            "password": "sandbox-token-secret",
            "extra": {
                "consumer_key": "sandbox-consumer-key",
                "consumer_secret": "sandbox-consumer-secret",
                "token": "sandbox-token",
            },
        },
        "stripe": {"host": endpoints["stripe"], "password": "sk_test_sandbox"},
        "email": _mail(endpoints),
        "tax_table": {},
    }
    if retail_file:
        settings["online_retail"] = {"host": retail_file}
    return {variable_name(f"billhub_{system}"): _as_json(system, fields) for system, fields in settings.items()}


def _mail(endpoints: Mapping[str, str]) -> dict[str, Any]:
    return {
        "host": endpoints["smtp"],
        "login": "billing@meridian.example",
        "password": "meridian-mail",
        "extra": {
            "sender": "billing@meridian.example",
            "security": "none",
            "imap_host": endpoints["imap"],
            "in_flight_window": "1",
        },
    }


def _as_json(system: str, fields: Mapping[str, Any]) -> str:
    return json.dumps({"conn_type": f"billhub_{system}", **fields})
