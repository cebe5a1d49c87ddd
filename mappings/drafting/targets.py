"""The fields of a canonical document that a draft has to fill, with what is known of their names."""

from collections.abc import Iterator

import msgspec

from mappings.drafting.vocabulary import FieldNames, PlaceNames, names_of, place_of
from mappings.language.canonical import Shape, entity_shape, fields_of


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """One canonical field.

    Attributes:
        field: Path in the document, items as `[]`.
        name: Its own name.
        shape: What the struct wants.
        names: What it is called elsewhere.
        places: What the document, and the lists and objects around it, add to the name; outermost first.
    """

    field: str
    name: str
    shape: Shape
    names: FieldNames
    places: tuple[PlaceNames, ...]

    @property
    def words(self) -> frozenset[str]:
        """Terms that a path to it may hold beside its name."""
        return frozenset(word for place in self.places for word in place.words)

    @property
    def roles(self) -> frozenset[str]:
        """Whose field it is: its own role, and that of the nearest place around it that has one."""
        nearest = next((place.role for place in reversed(self.places) if place.role), "")
        return frozenset(role for role in (self.names.role, nearest) if role)

    @property
    def needs_role(self) -> bool:
        """Whether a path to it has to say whose it is."""
        return any(place.must for place in self.places)


def document(entity: str) -> Target:
    """A whole document as the outermost target."""
    return Target(field="", name=entity, shape=entity_shape(entity), names=FieldNames(names=()), places=())


def fields_in(target: Target) -> list[Target]:
    """The fields of a document, an object, or the items of a list, in the order of the struct."""
    is_list = target.shape.kind == "list"
    prefix = f"{target.field}[]." if is_list else f"{target.field}." if target.field else ""
    places = (*(_around(target.places) if is_list else target.places), place_of(target.name))
    return [
        Target(field=prefix + name, name=name, shape=shape, names=names_of(target.name, name), places=places)
        for name, shape in (fields_of(target.shape.struct) if target.shape.struct else {}).items()
    ]


def _around(places: tuple[PlaceNames, ...]) -> tuple[PlaceNames, ...]:
    """What places add to the names in the items of a list: whose fields they are, but no words, for `order_id` is not the line's."""
    return tuple(msgspec.structs.replace(place, words=frozenset()) for place in places)


def leaves(target: Target) -> Iterator[Target]:
    """The values and lists below a target that are read from the same place, through nested objects."""
    for field in fields_in(target):
        if field.shape.kind == "object":
            yield from leaves(field)
        else:
            yield field
