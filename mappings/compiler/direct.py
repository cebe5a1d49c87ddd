"""Compiles a checked mapping to the function that maps ordinary records: straight Python without bookkeeping, as one would write it by hand.

For every record it either gives exactly the document that the careful function gives, or raises one of `UNUSUAL`; then the careful function
says what is wrong, or maps what is sound but out of the ordinary. It is made from the same typed rules and as safe: names come from fields,
keys and constants enter as Python literals.
"""

from collections.abc import Mapping

import msgspec

from mappings.compiler import walking
from mappings.compiler.leaves import ABSENT, Leaves, Made
from mappings.compiler.reads import Place, Reads
from mappings.compiler.shortcuts import called
from mappings.compiler.source_text import SourceText
from mappings.language.canonical import Shape, entity_shape, fields_of
from mappings.language.definition import Absent, Const, Definition, Each, Index, ListOf, Object, Rule, When
from mappings.language.wording import rule_words, source_words
from mappings.runtime.ordinary import PROVIDED

_RECORD = Place()


def compile_direct(definition: Definition) -> SourceText:
    """The source text of `map_record(record)` and the objects it names."""
    return _Direct(definition).written


class _Direct:
    """Writes the direct function of one mapping.

    Args:
        definition: A mapping without faults.
    """

    def __init__(self, definition: Definition) -> None:
        uses = (use.name for rule in walking.everything(definition.root) for use in walking.uses(rule))
        self.written = self._to = SourceText({**PROVIDED, **called(uses)})
        self._reads = Reads(self._to)
        canonical = None if definition.inbound else definition.entity
        self._leaves = Leaves(self._to, self._reads, self._part, canonical=canonical)
        self._list_type = "list" if definition.inbound else "tuple"  # of JSON, of canonical documents
        self._ready: dict[int, Made] = {}
        self._to.line("def map_record(record):")
        with self._to.deeper():
            self._function(definition)

    def _function(self, definition: Definition) -> None:
        self._to.line(f'"""An ordinary record by {definition.name}, version {definition.version}; raises for any other."""')
        self._to.line("if type(record) is not dict:")
        self._to.line("    raise Unusual")
        self._reads.enter("record", walking.sure_objects(definition.root))
        self._leaves.share(definition.root)
        shape = entity_shape(definition.entity) if definition.inbound else None
        name = self._to.local("document" if shape else "payload")
        self._to.line(f"return {self._rule(definition.root, _RECORD, name, shape).text}")

    def _rule(self, rule: Rule, place: Place, name: str, shape: Shape | None) -> Made:
        """Code that leaves the rule's outcome in the variable `name`, unless it is a constant."""
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
        self._to.line(f"if {self._reads.condition(rule.condition, place)}:")
        then = self._branch(rule.then, place, name, shape)
        self._to.line("else:")
        otherwise = self._branch(rule.otherwise, place, name, shape)
        return Made(text=name, there=f"{name} is not None" if then.there or otherwise.there else "")

    def _branch(self, rule: Rule, place: Place, name: str, shape: Shape | None) -> Made:
        with self._to.deeper(), self._reads.branch():
            made = self._rule(rule, place, name, shape)
            text = f"{name} or None" if made.there == name == made.text else made.text
            if made is ABSENT and shape and shape.kind == "list":
                text = "()"
            if text != name:
                self._to.line(f"{name} = {text}")
        return made

    def _object(self, rule: Object, place: Place, name: str, shape: Shape | None) -> Made:
        for condition, _ in rule.refusals:
            self._to.line(f"if {self._reads.condition(condition, place)}:")
            self._to.line("    raise Unusual")
        known = fields_of(shape.struct) if shape and shape.struct else {}
        made = {key: self._field(inner, place, known.get(key)) for key, inner in rule.fields.items()}
        made = {key: each for key, each in made.items() if each is not ABSENT}
        is_optional = not rule.head.required and rule.head.field and not rule.head.field.endswith("[]")
        if shape and shape.struct:
            return self._struct(shape.struct, made, name, is_optional=bool(is_optional))
        return self._payload(made, name, is_optional=bool(is_optional))

    def _field(self, rule: Rule, place: Place, shape: Shape | None) -> Made:
        self._to.comment(f"{rule.head.field}: {rule_words(rule)} {source_words(rule)} ({rule.head.mark})")
        name = "" if isinstance(rule, Absent | Const | Index) or id(rule) in self._ready else self._to.local(*_steps(rule))
        return self._rule(rule, place, name, shape)

    def _struct(self, struct: type[msgspec.Struct], made: Mapping[str, Made], name: str, *, is_optional: bool) -> Made:
        self._to.names[struct.__name__] = struct
        arguments = [f"{key}={each.text}," for key, each in made.items()]
        if not is_optional or not all(each.there for each in made.values()):
            self._lines(f"{name} = {struct.__name__}(", arguments, ")")
            return Made(text=name)
        self._to.line(f"{name} = None")
        self._to.line(f"if {' or '.join(each.there for each in made.values())}:")
        with self._to.deeper():
            self._lines(f"{name} = {struct.__name__}(", arguments, ")")
        return Made(text=name, there=f"{name} is not None")

    def _payload(self, made: Mapping[str, Made], name: str, *, is_optional: bool) -> Made:
        self._lines(f"{name} = {{", [f"{key!r}: {each.text}," for key, each in made.items() if not each.there], "}")
        for key, each in made.items():
            if each.there:
                self._to.line(f"if {each.there}:")
                self._to.line(f"    {name}[{key!r}] = {each.text}")
        return Made(text=name, there=name if is_optional and all(each.there for each in made.values()) else "")

    def _list(self, rule: Each | ListOf, place: Place, name: str, shape: Shape | None) -> Made:
        self._to.line(f"{name} = []")
        item = Shape(kind="object", struct=shape.struct) if shape and shape.struct else None
        for part in rule.parts if isinstance(rule, ListOf) else (rule,):
            if isinstance(part, Each):
                self._each(part, place, name, item)
            else:
                made = self._rule(part, place, self._to.local("out", "element"), item)
                if made.there:
                    self._to.line(f"if {made.there}:")
                self._to.line(f"{'    ' if made.there else ''}{name}.append({made.text})")
        return Made(text=f"tuple({name})" if shape else name, there="" if rule.head.required else name)

    def _each(self, rule: Each, place: Place, name: str, shape: Shape | None) -> None:
        self._leaves.share(rule.body)
        if not place.is_loop:
            self._hoist(rule.body)
        items = self._to.local("source", rule.path.steps[-1])
        self._to.line(f"{items} = {self._reads.value(rule.path, place, needed=rule.head.required)}")
        self._to.line(f"if type({items}) is not {self._list_type}:")
        self._to.line(f"    {items} = as_list({f'required({items})' if rule.head.required else items})")
        inner = self._loop(rule, items)
        self._reads.enter(inner.item, walking.sure_objects(rule.body))
        with self._to.deeper(), self._reads.branch():
            if not walking.reads_item(rule.body):
                self._to.line(f"if type({inner.item}) is not dict:")
                self._to.line("    raise Unusual")
            made = self._rule(rule.body, inner, self._to.local("out", _one_of(_steps(rule)[-1])), shape)
            self._to.line(f"{name}.append({made.text})")

    def _loop(self, rule: Each, items: str) -> Place:
        """The head of a loop over items, in their order."""
        item = self._to.local("item", _one_of(rule.path.steps[-1]))
        is_counted = any(isinstance(inner, Index) for inner in walking.always(rule.body, into_branches=True))
        if rule.sort and (is_counted or "." in rule.sort):
            index = self._to.local("index")
            self._to.line(f"for {index}, {item} in ordered({items}, {tuple(rule.sort.split('.'))!r}):")
            return Place(item=item, index=f"{index} + 1")
        if is_counted:
            index = self._to.local("index")
            self._to.line(f"for {index}, {item} in enumerate({items}, 1):")
            return Place(item=item, index=index)
        self._to.line(f"for {item} in {f'in_order({items}, {rule.sort!r})' if rule.sort else items}:")
        return Place(item=item)

    def _hoist(self, body: Object) -> None:
        """What is the same for all items is read and refined once, before the loop."""
        for rule in walking.everything(body):
            for condition in walking.conditions(rule):
                if condition.path.at_root:
                    self._reads.prepare(condition, _RECORD)
            for path in walking.paths(rule):
                if path.at_root:
                    self._reads.holder(path, _RECORD)
        for rule in walking.always(body, into_lists=True):
            for path in walking.currencies(rule):
                if path.at_root:
                    self._reads.currency(path, _RECORD)
        for rule in walking.always(body):
            if walking.is_of_record(rule):
                self._ready[id(rule)] = self._field(rule, _RECORD, None)

    def _lines(self, first: str, lines: list[str], last: str) -> None:
        self._to.line(first)
        with self._to.deeper():
            for line in lines:
                self._to.line(line)
        self._to.line(last)


def _steps(rule: Rule) -> tuple[str, ...]:
    return tuple(rule.head.field.replace("[]", "").split("."))


def _one_of(name: str) -> str:
    """The name of one of several: `line` of `lines`."""
    if name.lower().endswith(("xes", "sses")):
        return name[:-2]
    return name[:-1] if name.endswith("s") and not name.endswith("ss") else f"{name}_item"
