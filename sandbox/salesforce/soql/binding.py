"""A query's syntax tree held against the org's schema: names become fields and objects.

Error codes and sentences: SOAP API Developer Guide v60.0, `ExceptionCode` `INVALID_FIELD` and
`INVALID_TYPE`; SOQL and SOSL Reference v60.0, "Relationship Queries".
"""

from dataclasses import dataclass

from sandbox.salesforce.schema import Field, ObjectType, Schema
from sandbox.salesforce.soql.conditions import Test, compile_condition
from sandbox.salesforce.soql.errors import PlacedError, malformed
from sandbox.salesforce.soql.narrowing import Narrowing, narrowing_of
from sandbox.salesforce.soql.paths import BoundPath
from sandbox.salesforce.soql.syntax import Path, Select

MAX_OFFSET = 2000

_WSDL_HINT = "Please reference your WSDL or the describe call for the appropriate names."


@dataclass(frozen=True)
class BoundOrdering:
    """One key to sort by."""

    path: BoundPath
    descending: bool
    nulls_last: bool


@dataclass(frozen=True)
class BoundSelect:
    """A query over one object, ready to run.

    `items` are fields and child queries in the order selected. `parent` is, in a child query, the
    reference field that points at the outer record, and `name` the child relationship.
    """

    target: ObjectType
    items: tuple["BoundPath | BoundSelect", ...]
    counting: bool
    test: Test | None
    narrowing: Narrowing | None
    order_by: tuple[BoundOrdering, ...]
    limit: int | None
    offset: int
    name: str = ""
    parent: Field | None = None


def bind(query: Select, schema: Schema) -> BoundSelect:
    """Resolve every name of a query.

    Raises:
        PlacedError: A name the org does not have, at its place in the query.
        ApiError: A literal that does not fit its field.
    """
    target = schema.object(query.source)
    if target is None:
        message = (
            f"sObject type '{query.source}' is not supported. If you are attempting to use a custom object, be sure "
            f"to append the '__c' after the entity name. {_WSDL_HINT}"
        )
        raise PlacedError("INVALID_TYPE", message, query.position)
    return _Binder(schema, target).select(query)


@dataclass(frozen=True)
class _Binder:
    """Resolves the names of one query, seen from its object."""

    schema: Schema
    target: ObjectType

    def select(self, query: Select, *, name: str = "", parent: Field | None = None) -> BoundSelect:
        if query.offset > MAX_OFFSET:
            message = f"Maximum SOQL offset allowed is {MAX_OFFSET}"
            raise PlacedError("NUMBER_OUTSIDE_VALID_RANGE", message, query.position)
        return BoundSelect(
            target=self.target,
            items=self._items(query),
            counting=query.counting,
            test=compile_condition(query.where, self.path) if query.where else None,
            narrowing=narrowing_of(query.where, self.target),
            order_by=tuple(
                BoundOrdering(self.path(key.path), key.descending, key.nulls_last) for key in query.order_by
            ),
            limit=query.limit,
            offset=query.offset,
            name=name,
            parent=parent,
        )

    def _items(self, query: Select) -> tuple[BoundPath | BoundSelect, ...]:
        seen: set[str] = set()
        for item in query.fields:
            name = str(item) if isinstance(item, Path) else item.source
            if name.lower() in seen:
                raise malformed(f"duplicate field selected: {name}", item.position)
            seen.add(name.lower())
        return tuple(self.path(item) if isinstance(item, Path) else self._child(item) for item in query.fields)

    def _child(self, query: Select) -> BoundSelect:
        found = self.schema.child(self.target, query.source)
        if found is None:
            message = _unknown_relationship(query.source, "FROM part of query call")
            raise PlacedError("INVALID_TYPE", message, query.position)
        child, parent = found
        return _Binder(self.schema, child).select(query, name=parent.children, parent=parent)

    def path(self, path: Path) -> BoundPath:
        """Resolve a field path."""
        owner, parents = self.target, []
        for name in path.names[:-1]:
            reference = owner.parent_field(name)
            if reference is None:
                raise PlacedError("INVALID_FIELD", _unknown_relationship(name, "field path"), path.position)
            parents.append(reference)
            owner = self.schema.objects[reference.to]
        spec = owner.field(path.names[-1])
        if spec is None:
            raise PlacedError("INVALID_FIELD", _unknown_column(path.names[-1], owner), path.position)
        return BoundPath(tuple(parents), spec)


def _unknown_column(name: str, owner: ObjectType) -> str:
    return (
        f"No such column '{name}' on entity '{owner.api_name}'. If you are attempting to use a custom field, "
        f"be sure to append the '__c' after the custom field name. {_WSDL_HINT}"
    )


def _unknown_relationship(name: str, place: str) -> str:
    return (
        f"Didn't understand relationship '{name}' in {place}. If you are attempting to use a custom relationship, "
        f"be sure to append the '__r' after the custom relationship name. {_WSDL_HINT}"
    )
