"""The resources of one object and one record: `/sobjects/...`.

Source: REST API Developer Guide v60.0, "sObject Basic Information", "sObject Rows" and "sObject
Rows by External ID". An upsert that updates answers 200 with `created: false` since v46.0.
"""

from collections.abc import Mapping
from typing import Any

from sandbox.salesforce.answers import Answer, ApiError, json_value, not_found, save_result
from sandbox.salesforce.calls import Call
from sandbox.salesforce.describe import all_objects, describe, summary
from sandbox.salesforce.records import Org
from sandbox.salesforce.schema import Field, ObjectType


class SObjects:
    """Handlers of the object and record resources of one org."""

    def __init__(self, org: Org) -> None:
        """Serve `org`."""
        self._org = org

    def list_objects(self, call: Call) -> Answer:
        """Answer `GET /sobjects`."""
        return Answer(200, all_objects(self._org.schema, call.base_path))

    def object_summary(self, call: Call) -> Answer:
        """Answer `GET /sobjects/X`."""
        found = summary(self._target(call), call.base_path)
        return Answer(200, {"objectDescribe": found, "recentItems": []})

    def describe(self, call: Call) -> Answer:
        """Answer `GET /sobjects/X/describe`."""
        return Answer(200, describe(self._org.schema, self._target(call), call.base_path))

    def create(self, call: Call) -> Answer:
        """Answer `POST /sobjects/X`."""
        target = self._target(call)
        record_id = self._org.create(target, call.json_object())
        return Answer(201, save_result(record_id), self._location(call, target, record_id))

    def read(self, call: Call) -> Answer:
        """Answer `GET /sobjects/X/{id}`."""
        target = self._target(call)
        return self._shown(call, target, self._org.live(target, call.path["id"]))

    def update(self, call: Call) -> Answer:
        """Answer `PATCH /sobjects/X/{id}`."""
        raw = call.json_object()
        refuse_key(raw, "Id")
        self._org.update(self._target(call), call.path["id"], raw)
        return Answer(204)

    def delete(self, call: Call) -> Answer:
        """Answer `DELETE /sobjects/X/{id}`."""
        self._org.delete(self._target(call), call.path["id"])
        return Answer(204)

    def read_by_key(self, call: Call) -> Answer:
        """Answer `GET /sobjects/X/{field}/{value}`."""
        target = self._target(call)
        return self._shown(call, target, self._by_key(call, target))

    def upsert(self, call: Call) -> Answer:
        """Answer `PATCH /sobjects/X/{field}/{value}`."""
        target, raw = self._target(call), call.json_object()
        spec = external_id_field(target, call.path["field"])
        refuse_key(raw, "Id")
        refuse_key(raw, spec.name)
        record_id, created = self._org.upsert(target, spec, call.path["value"], raw)
        headers = self._location(call, target, record_id) if created else {}
        return Answer(201 if created else 200, save_result(record_id, created=created), headers)

    def delete_by_key(self, call: Call) -> Answer:
        """Answer `DELETE /sobjects/X/{field}/{value}`."""
        target = self._target(call)
        self._org.delete(target, self._by_key(call, target)["Id"])
        return Answer(204)

    def _target(self, call: Call) -> ObjectType:
        return self._org.object(call.path["sobject"])

    def _by_key(self, call: Call, target: ObjectType) -> Mapping[str, Any]:
        external_id_field(target, call.path["field"])
        record = self._org.get_by_external_id(target, call.path["value"])
        if record is None:
            raise not_found()
        return record

    def _shown(self, call: Call, target: ObjectType, record: Mapping[str, Any]) -> Answer:
        names = call.query.get("fields")
        fields = selected_fields(target, names.split(",")) if names else list(target.fields.values())
        return Answer(200, shown_record(call.base_path, target, record, fields))

    def _location(self, call: Call, target: ObjectType, record_id: str) -> dict[str, str]:
        return {"Location": f"{call.base_path}/sobjects/{target.api_name}/{record_id}"}


def shown_record(base_path: str, target: ObjectType, record: Mapping[str, Any], fields: list[Field]) -> dict[str, Any]:
    """Return a record as JSON, with its `attributes`."""
    url = f"{base_path}/sobjects/{target.api_name}/{record['Id']}"
    values = {spec.name: json_value(spec, record[spec.name]) for spec in fields}
    return {"attributes": {"type": target.api_name, "url": url}, **values}


def selected_fields(target: ObjectType, names: list[str]) -> list[Field]:
    """Return the fields a client asks for, `Id` always among them.

    Raises:
        ApiError: `INVALID_FIELD`.
    """
    fields = {"Id": target.fields["Id"]}
    for name in names:
        spec = target.field(name.strip())
        if spec is None:
            message = f"No such column '{name.strip()}' on sobject of type {target.api_name}"
            raise ApiError(400, "INVALID_FIELD", message)
        fields[spec.name] = spec
    return list(fields.values())


def external_id_field(target: ObjectType, name: str) -> Field:
    """Return the external id field of this name.

    Raises:
        ApiError: 404 `NOT_FOUND`, there is none.
    """
    spec = target.field(name)
    if spec is None or not spec.external_id:
        message = f"Provided external ID field does not exist or is not accessible: {name}"
        raise ApiError(404, "NOT_FOUND", message)
    return spec


def refuse_key(raw: Mapping[str, Any], name: str) -> None:
    """Refuse a body that repeats the key the URL already names.

    Raises:
        ApiError: `INVALID_FIELD`.
    """
    if any(key.lower() == name.lower() for key in raw):
        raise ApiError(400, "INVALID_FIELD", f"The {name} field should not be specified in the sobject data.")
