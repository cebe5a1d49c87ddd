"""The org's records: create, update, upsert and delete, under the org's rules.

Every write moves `SystemModstamp` and `LastModifiedDate` forward by at least one second, counted
from the as-of date, so that a run of the sandbox gives the same timestamps each time.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sandbox.salesforce.answers import ApiError, not_found
from sandbox.salesforce.derived import derived_values
from sandbox.salesforce.ids import make_id, normalise
from sandbox.salesforce.schema import Field, ObjectType, Schema
from sandbox.salesforce.validation import (
    check_required,
    check_value,
    check_writable,
    datetime_text,
    read_value,
    read_values,
)
from sandbox.storage import DuplicateError, Storage

Record = dict[str, Any]


class Org:
    """One Salesforce org: its schema and its records on disk."""

    def __init__(self, storage: Storage, schema: Schema, as_of: date) -> None:
        """Open the org whose clock stands at midnight UTC of `as_of`."""
        self.schema = schema
        self.as_of = datetime(as_of.year, as_of.month, as_of.day, tzinfo=UTC)
        self._storage = storage

    def transaction(self) -> AbstractContextManager[None]:
        """Make all writes inside happen together or not at all."""
        return self._storage.transaction()

    def object(self, name: str) -> ObjectType:
        """Return an object by API name.

        Raises:
            ApiError: 404, as for any resource that is not there.
        """
        found = self.schema.object(name)
        if found is None:
            raise not_found()
        return found

    def get(self, target: ObjectType | str, record_id: str) -> Record | None:
        """Return a record by its 18-character id, deleted or not."""
        return self._storage.get(target if isinstance(target, str) else target.api_name, record_id)

    def get_by_external_id(self, target: ObjectType, value: str) -> Record | None:
        """Return the record with this external id; case does not matter."""
        return self._storage.get_by_external_id(target.api_name, value.lower())

    def all(self, target: ObjectType) -> Iterator[Record]:
        """Yield an object's records in the order of their ids, deleted ones too."""
        return self._storage.list(target.api_name)

    def referring(self, child: ObjectType, spec: Field, parent_id: str) -> Iterator[Record]:
        """Yield the children of one parent."""
        return self._storage.find(child.api_name, spec.name, parent_id)

    def live(self, target: ObjectType, record_id: str) -> Record:
        """Return a record that is there and not deleted.

        Raises:
            ApiError: `NOT_FOUND` or `ENTITY_IS_DELETED`, both 404.
        """
        long_id = normalise(record_id)
        record = self.get(target, long_id) if long_id else None
        if record is None:
            message = f"Provided external ID field does not exist or is not accessible: {record_id}"
            raise ApiError(404, "NOT_FOUND", message)
        if record["IsDeleted"]:
            raise ApiError(404, "ENTITY_IS_DELETED", "entity is deleted", ())
        return record

    def create(self, target: ObjectType, raw: Mapping[str, Any]) -> str:
        """Save a new record and return its id.

        Raises:
            ApiError: The first rule the record breaks.
        """
        if any(name.lower() == "id" for name in raw):
            message = "cannot specify Id in an insert call"
            raise ApiError(400, "INVALID_FIELD_FOR_INSERT_UPDATE", message, ("Id",))
        with self.transaction():
            given = self._checked(target, raw, creating=True)
            record = self.blank(target) | given
            record |= derived_values(target.api_name, record, given, self.get)
            check_required(target, record)
            record |= self.identity(target) | self._stamps(created=True)
            self.insert(target, record)
        return str(record["Id"])

    def update(self, target: ObjectType, record_id: str, raw: Mapping[str, Any]) -> None:
        """Change fields of a record; a field that is not named stays as it is.

        Raises:
            ApiError: The first rule the change breaks.
        """
        with self.transaction():
            old = self.live(target, record_id)
            given = self._checked(target, raw, creating=False)
            record = old | given
            record |= derived_values(target.api_name, record, given, self.get)
            check_required(target, record)
            self._save(target, record | self._stamps(created=False))

    def upsert(self, target: ObjectType, spec: Field, value: Any, raw: Mapping[str, Any]) -> tuple[str, bool]:
        """Create or update the record with this external id.

        Returns:
            The record's id, and whether it is new.
        """
        key = str(read_value(spec, value))
        with self.transaction():
            found = self.get_by_external_id(target, key)
            if found is None:
                return self.create(target, {**raw, spec.name: key}), True
            self.update(target, found["Id"], raw)
            return str(found["Id"]), False

    def delete(self, target: ObjectType, record_id: str) -> None:
        """Move a record, and the details it is master of, to the recycle bin."""
        with self.transaction():
            record = self.live(target, record_id)
            for child, spec in self.schema.children_of(target):
                for detail in self.referring(child, spec, record["Id"]) if spec.master else ():
                    self._bin(child, detail)
            self._bin(target, record)

    def blank(self, target: ObjectType) -> Record:
        """Return a record of nulls and default values."""
        return {name: spec.default for name, spec in target.fields.items()}

    def identity(self, target: ObjectType) -> Record:
        """Take the next record id and the next auto-numbers of an object."""
        numbers = {
            name: spec.pattern.format(self._storage.next_id(f"{target.api_name}.{name}"))
            for name, spec in target.fields.items()
            if spec.pattern
        }
        return {"Id": make_id(target.prefix, self._storage.next_id(target.api_name)), **numbers}

    def insert(self, target: ObjectType, record: Record) -> None:
        """Store a finished new record.

        Raises:
            ApiError: `DUPLICATE_VALUE`.
        """
        try:
            self._storage.insert(target.api_name, record["Id"], record, self._external_key(target, record))
        except DuplicateError as error:
            raise self._duplicate(target, record) from error

    def _save(self, target: ObjectType, record: Record) -> None:
        try:
            self._storage.put(target.api_name, record["Id"], record, self._external_key(target, record))
        except DuplicateError as error:
            raise self._duplicate(target, record) from error

    def _bin(self, target: ObjectType, record: Record) -> None:
        self._save(target, record | {"IsDeleted": True} | self._stamps(created=False))

    def _stamps(self, *, created: bool) -> Record:
        now = datetime_text(self.as_of + timedelta(seconds=self._storage.next_id("clock")))
        stamps = {"LastModifiedDate": now, "SystemModstamp": now}
        return stamps | {"CreatedDate": now} if created else stamps

    def _external_key(self, target: ObjectType, record: Record) -> str | None:
        spec = target.external_id
        value = record[spec.name] if spec and not record["IsDeleted"] else None
        return value.lower() if value is not None else None

    def _duplicate(self, target: ObjectType, record: Record) -> ApiError:
        name = target.external_id.name if target.external_id else "Id"
        other = self.get_by_external_id(target, record[name]) or record
        message = f"duplicate value found: {name} duplicates value on record with id: {other['Id']}"
        return ApiError(400, "DUPLICATE_VALUE", message, ())

    def _checked(self, target: ObjectType, raw: Mapping[str, Any], *, creating: bool) -> Record:
        values = read_values(target, raw) | self._parents_by_external_id(target, raw)
        for spec, value in values.items():
            check_writable(spec, creating=creating)
            check_value(spec, value)
        return {spec.name: self._stored(spec, value) for spec, value in values.items()}

    def _stored(self, spec: Field, value: Any) -> Any:
        if spec.type != "reference" or value is None:
            return value
        parent = self.get(spec.to, str(normalise(value)))
        if parent is None or parent["IsDeleted"]:
            raise ApiError(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", ())
        return parent["Id"]

    def _parents_by_external_id(self, target: ObjectType, raw: Mapping[str, Any]) -> dict[Field, Any]:
        """Resolve nested parents such as `{"Contract__r": {"Hub_Id__c": "x"}}` to ids."""
        found = {}
        for name, value in raw.items():
            spec = target.parent_field(name)
            if spec:
                found[spec] = self._parent_id(self.object(spec.to), value)
        return found

    def _parent_id(self, parent: ObjectType, reference: Any) -> str | None:
        if reference is None:
            return None
        if not isinstance(reference, dict):
            message = f"Cannot deserialize instance of {parent.api_name} from value {reference} at [line:1, column:1]"
            raise ApiError(400, "JSON_PARSER_ERROR", message)
        keys = {k: v for k, v in reference.items() if k != "attributes"}
        name, value = next(iter(keys.items()), ("", None))
        if parent.external_id is None or parent.external_id != parent.field(name) or len(keys) != 1:
            raise ApiError(400, "INVALID_FIELD", f"{name} is not an External ID field for {parent.api_name}")
        record = self.get_by_external_id(parent, str(value))
        if record is None:
            message = f"Foreign key external ID: {value} not found for field {name} in entity {parent.api_name}"
            raise ApiError(400, "INVALID_FIELD", message)
        return str(record["Id"])
