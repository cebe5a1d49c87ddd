"""Compiles a checked mapping to the function that `apply` is: straight Python without bookkeeping, as one would write it by hand.

For every record it either gives exactly the document that the careful function gives, or something raises one of `UNUSUAL`; then it calls
`carefully`, which says what is wrong, or maps what is sound but out of the ordinary. It is made from the same typed rules and as safe: names
come from fields, keys and constants enter as Python literals.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from mappings.compiler.analysis import is_of_record, reads_item, sure_currencies
from mappings.compiler.building import Building
from mappings.compiler.habits import Habitual
from mappings.compiler.leaves import ABSENT, Leaves, Made
from mappings.compiler.reads import Place, Reads
from mappings.compiler.shortcuts import called
from mappings.compiler.source_text import SourceText
from mappings.language.canonical import Shape, entity_shape, fields_of
from mappings.language.definition import Absent, Const, Definition, Each, Index, ListOf, Object, Path, Rule, When
from mappings.language.walking import all_rules, conditions, paths, uses
from mappings.language.wording import rule_words, source_words
from mappings.runtime.ordinary import PROVIDED

_RECORD = Place()


def compile_direct(definition: Definition, promised: Mapping[str, str] = MappingProxyType({})) -> SourceText:
    """The source text of `map_record(record)` and the objects it names, but for `carefully`.

    Args:
        definition: A mapping without faults.
        promised: The type that the source promises of a field, by path. A record that breaks the promise goes the careful way.
    """
    return _Direct(definition, promised).written


class _Direct:
    """Writes the direct function of one mapping.

    Args:
        definition: A mapping without faults.
        promised: The type that the source promises of a field, by path.
    """

    def __init__(self, definition: Definition, promised: Mapping[str, str]) -> None:
        used = (use for rule in all_rules(definition.root) for use in uses(rule))
        self.written = self._to = SourceText({**PROVIDED, **called(used)})
        self._reads = Reads(self._to)
        self._building = Building(self._to, self._reads)
        habits = Habitual(promised, canonical=None if definition.inbound else definition.entity)
        self._leaves = Leaves(self._to, self._reads, self._part, habits)
        self._list_type = "list" if definition.inbound else "tuple"  # of JSON, of canonical documents
        self._ready: dict[int, Made] = {}
        self._to.line("def map_record(record):")
        with self._to.deeper():
            self._function(definition)

    def _function(self, definition: Definition) -> None:
        title = f"{definition.name}, version {definition.version}"
        self._to.line(f'"""{title}: the document of a record, or its problems."""')
        shape = entity_shape(definition.entity) if definition.inbound else None
        self._to.line("try:")
        with self._to.deeper(), self._reads.sure_of(definition.root, _RECORD):
            self._to.raise_if("type(record) is not dict")
            self._leaves.share(definition.root)
            made = self._rule(definition.root, _RECORD, self._to.local("document" if shape else "payload"), shape)
            self._to.line(f"return Mapped(document={made.text})")
        self._to.line("except UNUSUAL:")
        self._to.line("    return carefully(record)")

    def _rule(self, rule: Rule, place: Place, name: str, shape: Shape | None) -> Made:
        """Code that leaves the rule's outcome in the variable `name`, unless it is there already or a constant."""
        match rule:
            case Absent():
                return ABSENT
            case Const() | Index():
                return self._constant(rule, place, shape)
            case When():
                return self._when(rule, place, name, shape)
            case Object():
                return self._object(rule, place, name, shape)
            case Each() | ListOf():
                return self._list(rule, place, name, shape)
            case _:
                return self._ready.get(id(rule)) or self._leaves.leaf(rule, place, name, shape)

    def _part(self, rule: Rule, place: Place, name: str) -> Made:
        return self._rule(rule, place, name, None)

    def _constant(self, rule: Const | Index, place: Place, shape: Shape | None) -> Made:
        text = self._to.literal(rule.value) if isinstance(rule, Const) else place.index
        is_whole = isinstance(rule, Index) or type(rule.value) is int
        return Made(text=f"Decimal({text})" if is_whole and shape and shape.kind == "decimal" else text)

    def _when(self, rule: When, place: Place, name: str, shape: Shape | None) -> Made:
        condition = self._reads.condition(rule.condition, place)
        self._to.line(f"if {condition}:")
        then = self._branch(rule.then, place, name, (shape, condition))
        self._to.line("else:")
        otherwise = self._branch(rule.otherwise, place, name, (shape, f"not {condition}"))
        return Made(text=name, there=f"{name} is not None" if then.there or otherwise.there else "")

    def _branch(self, rule: Rule, place: Place, name: str, case: tuple[Shape | None, str]) -> Made:
        shape, condition = case
        with self._to.deeper(), self._reads.branch(condition), self._reads.sure_of(rule, place):
            made = self._rule(rule, place, name, shape)
            text = f"{name} or None" if made.there == name == made.text else made.text
            if made is ABSENT and shape and shape.kind == "list":
                text = "()"
            if text != name:
                self._to.line(f"{name} = {text}")
        return made

    def _object(self, rule: Object, place: Place, name: str, shape: Shape | None) -> Made:
        for condition, _ in rule.refusals:
            self._to.raise_if(self._reads.condition(condition, place))
        known = _fields(shape)
        made = {key: self._field(inner, place, known.get(key)) for key, inner in rule.fields.items()}
        made = {key: each for key, each in made.items() if each is not ABSENT}
        may_be_none = not rule.head.required and bool(rule.head.field) and not rule.head.field.endswith("[]")
        if shape and shape.struct:
            return self._building.struct(shape.struct, made, name, may_be_none=may_be_none)
        return self._building.payload(made, name, may_be_none=may_be_none)

    def _field(self, rule: Rule, place: Place, shape: Shape | None) -> Made:
        self._to.comment(f"{rule.head.field}: {rule_words(rule)} {source_words(rule)} ({rule.head.mark})")
        needs_name = not isinstance(rule, Absent | Const | Index) and id(rule) not in self._ready
        return self._rule(rule, place, self._to.local(*_steps(rule)) if needs_name else "", shape)

    def _list(self, rule: Each | ListOf, place: Place, name: str, shape: Shape | None) -> Made:
        item = Shape(kind="object", struct=shape.struct) if shape and shape.struct else None
        parts = rule.parts if isinstance(rule, ListOf) else (rule,)
        if not any(isinstance(part, Each) for part in parts):
            return self._written_out(rule, [self._element(part, place, item) for part in parts], name, shape)
        self._to.line(f"{name} = []")
        for part in parts:
            if isinstance(part, Each):
                self._each(part, place, name, item)
            else:
                self._append(self._element(part, place, item), name)
        return Made(text=f"tuple({name})" if shape else name, there="" if rule.head.required else name)

    def _written_out(self, rule: Rule, elements: list[Made], name: str, shape: Shape | None) -> Made:
        """A list without an `each`."""
        if not any(each.there for each in elements):
            texts = "".join(f"{each.text}, " for each in elements)
            return Made(text=f"({texts})" if shape else f"[{texts}]")
        self._to.line(f"{name} = []")
        for each in elements:
            self._append(each, name)
        return Made(text=f"tuple({name})" if shape else name, there="" if rule.head.required else name)

    def _element(self, rule: Rule, place: Place, shape: Shape | None) -> Made:
        return self._rule(rule, place, self._to.local("out", "element"), shape)

    def _append(self, made: Made, name: str) -> None:
        if made is not ABSENT:
            self._to.line_if(made.there, f"{name}.append({made.text})")

    def _each(self, rule: Each, place: Place, name: str, shape: Shape | None) -> None:
        self._leaves.share(rule.body)
        if not place.is_loop:
            self._hoist(rule.body, shape)
        items = self._to.local("source", rule.path.steps[-1])
        self._to.line(f"{items} = {self._reads.value(rule.path, place, needed=rule.head.required)}")
        self._to.line(f"if type({items}) is not {self._list_type}:")
        self._to.line(f"    {items} = as_list({f'required({items})' if rule.head.required else items})")
        inner = self._loop(rule, items)
        with self._to.deeper(), self._reads.branch(), self._reads.sure_of(rule.body, inner):
            if not reads_item(rule.body):
                self._to.raise_if(f"type({inner.item}) is not dict")
            made = self._rule(rule.body, inner, self._to.local("out", _one_of(_steps(rule)[-1])), shape)
            self._to.line(f"{name}.append({made.text})")

    def _loop(self, rule: Each, items: str) -> Place:
        """The head of a loop over items, in their order."""
        item = self._to.local("item", _one_of(rule.path.steps[-1]))
        is_counted = any(isinstance(inner, Index) for inner in all_rules(rule.body))
        index = self._to.local("index") if is_counted else ""
        if rule.sort and (is_counted or "." in rule.sort):
            self._to.line(f"for {index or '_'}, {item} in ordered({items}, {tuple(rule.sort.split('.'))!r}):")
            return Place(item=item, index=f"{index} + 1")
        if is_counted:
            self._to.line(f"for {index}, {item} in enumerate({items}, 1):")
        else:
            self._to.line(f"for {item} in {f'in_order({items}, {rule.sort!r})' if rule.sort else items}:")
        return Place(item=item, index=index)

    def _hoist(self, body: Object, shape: Shape | None) -> None:
        """What is the same for all items is read and refined once, before the loop."""
        for rule in all_rules(body):
            for condition in conditions(rule):
                if condition.path.at_root:
                    self._reads.prepare(condition, _RECORD)
            for path in filter(_is_at_root, paths(rule)):
                self._reads.holder(path, _RECORD)
        for path in filter(_is_at_root, sure_currencies(body)):
            self._reads.currency(path, _RECORD)
        for rule, wanted in _fixed_fields(body, shape):
            if is_of_record(rule):
                self._ready[id(rule)] = self._field(rule, _RECORD, wanted)


def _fixed_fields(body: Object, shape: Shape | None) -> Iterator[tuple[Rule, Shape | None]]:
    """The fields of an object and of the objects in it, with what the structs want."""
    known = _fields(shape)
    for key, rule in body.fields.items():
        if isinstance(rule, Object):
            yield from _fixed_fields(rule, known.get(key))
        else:
            yield rule, known.get(key)


def _fields(shape: Shape | None) -> dict[str, Shape]:
    return dict(fields_of(shape.struct)) if shape and shape.struct else {}


def _is_at_root(path: Path) -> bool:
    return path.at_root


def _steps(rule: Rule) -> tuple[str, ...]:
    return tuple(rule.head.field.replace("[]", "").split("."))


def _one_of(name: str) -> str:
    """The name of one of several: `line` of `lines`."""
    if name.lower().endswith(("xes", "sses")):
        return name[:-2]
    return name[:-1] if name.endswith("s") and not name.endswith("ss") else f"{name}_item"
