"""What the org says of the fields we read, and which others it has beside them.

Sources: REST API Developer Guide v60.0, sObject Describe; SOAP API Developer Guide, DescribeSObjectResult and Field (type, nillable,
relationshipName, referenceTo, picklistValues). The answer leaves out fields that our user may not see, so one of those counts as gone.
"""

from collections.abc import Iterator, Mapping, Sequence

from connectors.contract import FieldDescription
from connectors.salesforce.client import Client, DescribedField
from connectors.salesforce.entity import Entity

_TYPES = {
    "boolean": "boolean",
    "int": "integer",
    "long": "integer",
    "double": "decimal",
    "currency": "decimal",
    "percent": "decimal",
    "address": "object",
    "location": "object",
}
"""JSON type by field type; all others are text (SOAP API Developer Guide, Field Types)."""


class Describer:
    """Describes entities of one org; each object is asked for once."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._known: dict[str, tuple[DescribedField, ...]] = {}

    def fields(self, entity: Entity) -> Iterator[FieldDescription]:
        """All fields of the entity's objects by their paths in a record; of looked-up objects only those that are read.

        Raises:
            RejectedError: The org lacks an object, or we may not see it.
        """
        yield from self._fields(entity.name, entity.fields, "")
        for part in entity.parts:
            yield FieldDescription(path=part.key, types=("list",), native_type="rows")
            yield from self._fields(part.name, part.fields, f"{part.key}[].")

    def _fields(self, name: str, read: Sequence[str], before: str) -> Iterator[FieldDescription]:
        plain = {each for each in read if "." not in each}
        for field in self._described(name):
            yield _plain(field, before, is_read=field.name in plain)
        yield from self._looked_up(name, read, before)

    def _looked_up(self, name: str, read: Sequence[str], before: str) -> Iterator[FieldDescription]:
        references = {field.relationship_name: field for field in self._described(name) if field.relationship_name}
        for relationship, below in _by_relationship(read).items():
            field = references.get(relationship)
            if field is None or not field.reference_to:
                continue
            path = f"{before}{relationship}"
            yield FieldDescription(path=path, types=("object", *_null(field)), native_type="look-up")
            described = self._fields(field.reference_to[0], below, f"{path}.")
            yield from (each for each in described if each.is_read)

    def _described(self, name: str) -> tuple[DescribedField, ...]:
        if name not in self._known:
            self._known[name] = self._client.describe(name)
        return self._known[name]


def _plain(field: DescribedField, before: str, *, is_read: bool) -> FieldDescription:
    return FieldDescription(
        path=f"{before}{field.name}",
        types=(_TYPES.get(field.type, "text"), *_null(field)),
        native_type=field.type,
        values=tuple(each.value for each in field.picklist_values if each.active),
        is_read=is_read,
    )


def _null(field: DescribedField) -> tuple[str, ...]:
    """What is added to the types of a field that may be empty."""
    return ("null",) if field.nillable else ()


def _by_relationship(read: Sequence[str]) -> Mapping[str, list[str]]:
    """The names read through each look-up, without its own."""
    found: dict[str, list[str]] = {}
    for each in read:
        relationship, dot, rest = each.partition(".")
        if dot:
            found.setdefault(relationship, []).append(rest)
    return found
