"""The hub inside an Airflow task: connection settings come from Airflow's own Connections."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from billhub.hub import Hub, open_hub
from canonical_model.errors import ConfigurationError
from connectors.settings import Connection, from_fields, variable_name


@contextmanager
def task_hub(*, as_of: date | None, actor: str) -> Iterator[Hub]:
    """A hub for one task, closed after it."""
    hub = open_hub(as_of=as_of, actor=actor, connection=airflow_connection)
    try:
        yield hub
    finally:
        hub.close()


def airflow_connection(system: str) -> Connection:
    """The settings of a system from the Airflow Connection `billhub_<system>`.

    Raises:
        ConfigurationError: Airflow does not find that Connection, or it cannot be read.
    """
    return stored_connection(f"billhub_{system}")


def stored_connection(conn_id: str) -> Connection:
    """The settings in an Airflow Connection, wherever Airflow keeps it: environment, secrets backend or database.

    Raises:
        ConfigurationError: Airflow does not find it, or it cannot be read.
    """
    from airflow.sdk import Connection as AirflowConnection
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        found = AirflowConnection.get(conn_id)
    except AirflowNotFoundException:
        # Airflow answers the same when a secrets backend fails, so the message cannot promise that it is not there.
        raise ConfigurationError(
            f"Airflow Connection {conn_id} was not found. Create it under Admin, Connections, or set the environment "
            f"variable {variable_name(conn_id)}. If it is in a secrets backend, see whether Airflow reaches that."
        ) from None
    fields = {name: getattr(found, name, None) for name in ("host", "port", "login", "password", "extra")}
    return from_fields(conn_id, fields)
