"""Our connection types in Airflow's Connections page, registered by an entry point."""

from typing import Any

_SYSTEMS = {
    "salesforce": ("Salesforce", ("client_id", "client_secret", "api_version")),
    "avatax": ("Avalara AvaTax", ("environment",)),
    "netsuite": ("NetSuite SuiteTalk", ("consumer_key", "consumer_secret", "token", "token_secret", "wsdl")),
    "stripe": ("Stripe", ("webhook_secret",)),
    "email": ("E-mail with journal", ("sender", "security", "imap_host", "imap_port", "imap_login", "imap_password")),
    "online_retail": ("Online Retail CSV file", ()),
    "tax_table": ("Built-in tax table", ()),
}
_HIDDEN = ("secret", "password", "token")


def get_provider_info() -> dict[str, Any]:
    """What Airflow asks a provider for: a package name and the connection types with their fields."""
    return {
        "package-name": "billing-hub",
        "name": "Billing hub",
        "description": "Connections of the billing hub.",
        "connection-types": [_connection_type(system, *described) for system, described in _SYSTEMS.items()],
    }


def _connection_type(system: str, name: str, extra: tuple[str, ...]) -> dict[str, Any]:
    return {
        "connection-type": f"billhub_{system}",
        "hook-class-name": "",
        "hook-name": f"Billing hub: {name}",
        "ui-field-behaviour": {"hidden-fields": ["schema"], "relabeling": {}, "placeholders": {}},
        "conn-fields": {field: _field(field) for field in extra},
    }


def _field(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": ["string", "null"]}
    if any(part in name for part in _HIDDEN):
        schema["format"] = "password"
    return {"label": name.replace("_", " ").capitalize(), "schema": schema}
