"""Run by test_dags.py in a process of its own: what Airflow's Connections page knows of our types, and what the Test button says."""

import json
import sys

from airflow.api_fastapi.core_api.services.ui.connections import HookMetaService
from airflow.providers_manager import ProvidersManager
from airflow.sdk import Connection

types = {
    each.connection_type: {
        "name": each.hook_name,
        "fields": sorted(each.extra_fields or {}),
        "secret": sorted(name for name, field in (each.extra_fields or {}).items() if "format" in field["schema"]),
        "hidden": sorted(name for name, shown in (each.standard_fields or ()) if shown and shown.hidden),
    }
    for each in HookMetaService.hook_meta_data()
    if each.connection_type.startswith("billhub_")
}
classes = {
    name: bool(hook and hook.connection_testable) for name, hook in ProvidersManager().hooks.items() if name in types
}
tested = {conn_id: Connection.get(conn_id).test_connection() for conn_id in sys.argv[1:]}
print(json.dumps({"types": types, "testable": classes, "tested": tested}))
