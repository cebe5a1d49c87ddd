"""Our connection types in Airflow's Connections page, with their fields and its Test button, registered by an entry point.

Every Airflow process loads this module, so it imports nothing at the top that is slow.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

_HIDDEN = ("secret", "password", "token")
_TIMEOUTS = ("connect_timeout", "read_timeout")


class SystemHook:
    """A connected system as Airflow knows it; subclasses only describe.

    Attributes:
        conn_type: Connection type, `billhub_` and the folder name of the connector; also the id that the hub looks for.
        hook_name: What people see.
        fields: Settings that go into the connection's `extra`, as the connector's `settings.py` names them.
        labels: What the standard fields mean to this system, where their own name does not say it.
        hidden: Standard fields that this system has no use for.
    """

    conn_name_attr: ClassVar[str] = "conn_id"
    conn_type: ClassVar[str]
    hook_name: ClassVar[str]
    fields: ClassVar[tuple[str, ...]] = ()
    labels: ClassVar[Mapping[str, str]] = {}
    hidden: ClassVar[tuple[str, ...]] = ()

    def __init__(self, conn_id: str) -> None:
        self.conn_id = conn_id

    def test_connection(self) -> tuple[bool, str]:
        """Ask the system whether it knows us; nothing is changed there.

        Returns:
            Whether it does, and what it said or how to mend it.
        """
        from billhub.airflow_hub import stored_connection  # noqa: PLC0415 - loads the store
        from canonical_model.errors import HubError  # noqa: PLC0415
        from connectors import registry  # noqa: PLC0415

        try:
            connector = registry.connect(self.conn_type.removeprefix("billhub_"), stored_connection(self.conn_id))
            try:
                return True, connector.ping()
            finally:
                connector.close()
        except HubError as error:
            return False, str(error)


class SalesforceHook(SystemHook):
    """Salesforce."""

    conn_type = "billhub_salesforce"
    hook_name = "Billing hub: Salesforce"
    fields = ("client_id", "client_secret", "api_version", "settle_seconds", *_TIMEOUTS)
    labels: ClassVar[Mapping[str, str]] = {
        "host": "Login or My Domain URL",
        "login": "User (empty: client credentials)",
    }


class AvataxHook(SystemHook):
    """Avalara AvaTax."""

    conn_type = "billhub_avatax"
    hook_name = "Billing hub: Avalara AvaTax"
    fields = ("company_codes", "address_countries", *_TIMEOUTS)
    labels: ClassVar[Mapping[str, str]] = {"host": "Base URL", "login": "Account number", "password": "Licence key"}


class NetsuiteHook(SystemHook):
    """NetSuite SuiteTalk."""

    conn_type = "billhub_netsuite"
    hook_name = "Billing hub: NetSuite SuiteTalk"
    fields = ("consumer_key", "consumer_secret", "token", "token_secret", "wsdl", "service", *_TIMEOUTS)
    labels: ClassVar[Mapping[str, str]] = {
        "host": "Base URL of the account",
        "login": "Account",
        "password": "Token secret",
    }


class StripeHook(SystemHook):
    """Stripe."""

    conn_type = "billhub_stripe"
    hook_name = "Billing hub: Stripe"
    fields = ("webhook_secret", *_TIMEOUTS)
    labels: ClassVar[Mapping[str, str]] = {"host": "Base URL (empty: Stripe's own)", "password": "API key"}
    hidden = ("login",)


class EmailHook(SystemHook):
    """Mail with a journal."""

    conn_type = "billhub_email"
    hook_name = "Billing hub: e-mail with journal"
    fields = (
        "sender",
        "security",
        "imap_host",
        "imap_port",
        "imap_security",
        "imap_login",
        "imap_password",
        "mailbox",
        "journal_address",
        "in_flight_window",
        *_TIMEOUTS,
    )
    labels: ClassVar[Mapping[str, str]] = {"host": "SMTP server", "port": "SMTP port"}


class OnlineRetailHook(SystemHook):
    """The CSV file of the retail shop."""

    conn_type = "billhub_online_retail"
    hook_name = "Billing hub: Online Retail CSV file"
    labels: ClassVar[Mapping[str, str]] = {"host": "Path of the file"}
    hidden = ("port", "login", "password")


class TaxTableHook(SystemHook):
    """The built-in tax table, which needs no settings."""

    conn_type = "billhub_tax_table"
    hook_name = "Billing hub: built-in tax table"
    hidden = ("host", "port", "login", "password")


HOOKS: tuple[type[SystemHook], ...] = (
    SalesforceHook,
    AvataxHook,
    NetsuiteHook,
    StripeHook,
    EmailHook,
    OnlineRetailHook,
    TaxTableHook,
)


def get_provider_info() -> dict[str, Any]:
    """What Airflow asks a provider for: a package name and the connection types with their fields."""
    return {
        "package-name": "billing-hub",
        "name": "Billing hub",
        "description": "Connections of the billing hub.",
        "connection-types": [_connection_type(hook) for hook in HOOKS],
    }


def _connection_type(hook: type[SystemHook]) -> dict[str, Any]:
    # Without a class name Airflow 3.3 ignores the other entries and shows neither name nor fields.
    return {
        "connection-type": hook.conn_type,
        "hook-class-name": f"{__name__}.{hook.__name__}",
        "hook-name": hook.hook_name,
        "ui-field-behaviour": {
            "hidden-fields": ["schema", *hook.hidden],
            "relabeling": dict(hook.labels),
            "placeholders": {},
        },
        "conn-fields": {field: _field(field) for field in hook.fields},
    }


def _field(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": ["string", "null"]}
    if any(part in name for part in _HIDDEN):
        schema["format"] = "password"
    return {"label": name.replace("_", " ").capitalize(), "schema": schema}
