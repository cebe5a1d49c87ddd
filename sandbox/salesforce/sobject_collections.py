"""sObject Collections: up to 200 records in one call, each with its own result.

Source: REST API Developer Guide v60.0, "sObject Collections". Without `allOrNone` the good records
are saved and the others carry their errors; with it one bad record undoes the whole call. In an
upsert every record whose key occurs twice in the call is refused.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sandbox.salesforce.answers import Answer, ApiError, save_result
from sandbox.salesforce.calls import Call
from sandbox.salesforce.ids import normalise
from sandbox.salesforce.records import Org
from sandbox.salesforce.schema import Field, ObjectType
from sandbox.salesforce.sobjects import external_id_field, selected_fields, shown_record

MAX_RECORDS = 200
MAX_READ = 2000

Save = Callable[[Mapping[str, Any]], dict[str, Any]]
"""Saves one record and returns its result."""


class SObjectCollections:
    """Handlers of the collections resources of one org."""

    def __init__(self, org: Org) -> None:
        """Serve `org`."""
        self._org = org

    def create(self, call: Call) -> Answer:
        """Answer `POST /composite/sobjects`."""
        return self._save_all(call, lambda raw: save_result(self._org.create(self._type_of(raw), raw)))

    def update(self, call: Call) -> Answer:
        """Answer `PATCH /composite/sobjects`."""
        return self._save_all(call, self._update_one)

    def upsert(self, call: Call) -> Answer:
        """Answer `PATCH /composite/sobjects/X/{field}`."""
        target = self._org.object(call.path["sobject"])
        spec = external_id_field(target, call.path["field"])
        keys = Counter(_key(raw, spec) for raw in _records(call.json_object()))
        return self._save_all(call, lambda raw: self._upsert_one(target, spec, raw, keys))

    def delete(self, call: Call) -> Answer:
        """Answer `DELETE /composite/sobjects?ids=`."""
        ids = [{"id": text} for text in call.required("ids").split(",")]
        all_or_none = call.query.get("allOrNone", "false").lower() == "true"
        return Answer(200, self._results(_not_too_many(ids), self._delete_one, all_or_none=all_or_none))

    def read(self, call: Call) -> Answer:
        """Answer `GET /composite/sobjects/X?ids=&fields=`."""
        return self._read(call, call.required("ids").split(","), call.required("fields").split(","))

    def read_posted(self, call: Call) -> Answer:
        """Answer `POST /composite/sobjects/X`, the ids and fields in the body."""
        body = call.json_object()
        return self._read(call, list(body.get("ids", ())), list(body.get("fields", ())))

    def _read(self, call: Call, ids: Sequence[str], names: list[str]) -> Answer:
        target = self._org.object(call.path["sobject"])
        fields = selected_fields(target, names)
        found = [self._found(target, text.strip()) for text in _not_too_many(ids, MAX_READ)]
        shown = [shown_record(call.base_path, target, record, fields) if record else None for record in found]
        return Answer(200, shown)

    def _found(self, target: ObjectType, text: str) -> Mapping[str, Any] | None:
        record = self._org.get(target, normalise(text) or text)
        return None if record is None or record["IsDeleted"] else record

    def _save_all(self, call: Call, save: Save) -> Answer:
        body = call.json_object()
        return Answer(200, self._results(_records(body), save, all_or_none=body.get("allOrNone") is True))

    def _results(self, records: Sequence[Mapping[str, Any]], save: Save, *, all_or_none: bool) -> list[dict[str, Any]]:
        try:
            with self._org.transaction():
                results = [_result(save, raw) for raw in records]
                if all_or_none and not all(result["success"] for result in results):
                    raise _RolledBackError(results)
        except _RolledBackError as error:
            return [_rolled_back(result) for result in error.results]
        return results

    def _update_one(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        record_id, values = _split_id(raw)
        self._org.update(self._type_of(raw), record_id, values)
        return save_result(normalise(record_id) or record_id)

    def _upsert_one(
        self, target: ObjectType, spec: Field, raw: Mapping[str, Any], keys: Counter[str]
    ) -> dict[str, Any]:
        key = _key(raw, spec)
        if not key:
            raise ApiError(400, "MISSING_ARGUMENT", f"{spec.name} not specified")
        if keys[key] > 1:
            message = f"Duplicate external id specified: {key}"
            raise ApiError(400, "DUPLICATE_VALUE", message, (spec.name,))
        values = {name: value for name, value in raw.items() if name.lower() != spec.name.lower()}
        record_id, created = self._org.upsert(target, spec, _given_key(raw, spec), values)
        return save_result(record_id, created=created)

    def _delete_one(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        record_id = normalise(raw["id"]) or ""
        target = self._org.schema.object_of_id(record_id)
        if target is None:
            raise ApiError(400, "MALFORMED_ID", f"malformed id {raw['id']}", ())
        self._org.delete(target, record_id)
        return save_result(record_id)

    def _type_of(self, raw: Mapping[str, Any]) -> ObjectType:
        attributes = raw.get("attributes")
        name = str(attributes.get("type", "")) if isinstance(attributes, dict) else ""
        found = self._org.schema.object(name)
        if found is None:
            raise ApiError(400, "INVALID_TYPE", f"sObject type '{name}' is not supported.", ())
        return found


class _RolledBackError(Exception):
    """Ends the transaction of a call of which one record failed."""

    def __init__(self, results: list[dict[str, Any]]) -> None:
        super().__init__("rolled back")
        self.results = results


def _records(body: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    records = body.get("records")
    if not isinstance(records, list) or not all(isinstance(raw, dict) for raw in records):
        raise ApiError(400, "JSON_PARSER_ERROR", "records must be an array of objects at [line:1, column:1]")
    return _not_too_many(records)


def _not_too_many(items: Sequence[Any], most: int = MAX_RECORDS) -> Sequence[Any]:
    if len(items) > most:
        message = f"record limit reached. cannot submit more than {most} records into this call"
        raise ApiError(400, "EXCEEDED_ID_LIMIT", message)
    return items


def _result(save: Save, raw: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return save(raw)
    except ApiError as error:
        # A value of the wrong type is found while the body is read: the whole call fails.
        if error.code == "JSON_PARSER_ERROR":
            raise
        return {"success": False, "errors": [error.as_save_error()]}


def _rolled_back(result: dict[str, Any]) -> dict[str, Any]:
    if not result["success"]:
        return result
    message = "Record rolled back because not all records were valid and the request was using AllOrNone header"
    error = {"statusCode": "ALL_OR_NONE_OPERATION_ROLLED_BACK", "message": message, "fields": []}
    return {"success": False, "errors": [error]}


def _split_id(raw: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    values = {name: value for name, value in raw.items() if name.lower() != "id"}
    record_id = next((value for name, value in raw.items() if name.lower() == "id"), None)
    if not record_id:
        raise ApiError(400, "MISSING_ARGUMENT", "Id not specified in an update call", ())
    return str(record_id), values


def _given_key(raw: Mapping[str, Any], spec: Field) -> Any:
    return next((value for name, value in raw.items() if name.lower() == spec.name.lower()), None)


def _key(raw: Mapping[str, Any], spec: Field) -> str:
    value = _given_key(raw, spec)
    return "" if value is None else str(value).lower()
