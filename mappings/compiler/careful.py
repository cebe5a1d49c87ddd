"""Compiles a checked mapping to the function that notes every problem of a record, or how each field came about.

The source text is made from typed rules only: names are counted, keys and constants enter as Python literals, texts of the mapping file
never as code. It reads like hand-written code, so that an engineer can print and step through it.
"""

from typing import Any

import msgspec

from mappings.compiler.expressions import CALCULATIONS, Tests, comparison, default_of, start_of
from mappings.compiler.source_text import SourceText
from mappings.files.tables import Table
from mappings.language.checks import leaf_kind
from mappings.language.definition import (
    Absent,
    Arithmetic,
    Concat,
    Condition,
    Const,
    Definition,
    Each,
    From,
    Index,
    ListOf,
    Lookup,
    Object,
    Path,
    Rule,
    Use,
    When,
)
from mappings.language.wording import condition_words, rule_words, source_words
from mappings.runtime.functions import PROVIDED, Info
from mappings.runtime.transforms import TRANSFORMS

_TESTS = Tests(present="is_present({0})", equals="is_same({0}, {1})", among="is_among({0}, {1})")


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """Where the generated code stands.

    Attributes:
        item: Variable that holds the current source object.
        fields: Variables with the target's list positions, outermost first.
        sources: Variables with the source's list positions.
        quiet: Whether rules leave no trace of their own.
        typed: Whether money stays `Money`, because it is calculated with.
    """

    item: str = "record"
    fields: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    quiet: bool = False
    typed: bool = False

    @property
    def at(self) -> str:
        """The positions as a Python literal."""
        return f"(({''.join(f'{name}, ' for name in self.fields)}), ({''.join(f'{name}, ' for name in self.sources)}))"


def compile_careful(definition: Definition, *, tracing: bool) -> SourceText:
    """The source text of `map_record(record, errors)`, or with a third argument `trail` when tracing, and the objects it names."""
    return _Careful(definition, tracing=tracing).written


class _Careful:
    """Writes the careful function of one mapping.

    Args:
        definition: A mapping without faults.
        tracing: Whether the function also notes how each field came about.
    """

    def __init__(self, definition: Definition, *, tracing: bool) -> None:
        self._to = SourceText(PROVIDED)
        self._mapping, self._tracing = definition.name, tracing
        self._to.line(f"def map_record({'record, errors, trail' if tracing else 'record, errors'}):")
        with self._to.deeper():
            self._object(definition.root, Scope(), "out")
            self._to.line("return out")
        self.written = self._to

    def _rule(self, rule: Rule, scope: Scope, result: str) -> None:
        """Code that leaves the rule's outcome, or None, in the variable `result`."""
        match rule:
            case From() | Lookup() | Concat() | Arithmetic():
                self._leaf(rule, scope, result)
            case Const() | Index() | Absent():
                self._fixed(rule, scope, result)
            case When():
                self._when(rule, scope, result)
            case Object():
                self._object(rule, scope, result)
            case Each():
                self._list(ListOf(rule.head, (rule,)), scope, result)
            case ListOf():
                self._list(rule, scope, result)

    def _object(self, rule: Object, scope: Scope, result: str) -> None:
        for condition, reason in rule.refusals:
            self._refusal(condition, reason, rule, scope)
        self._to.line(f"{result} = {{}}")
        for name, inner in rule.fields.items():
            self._to.comment(f"{inner.head.field}: {rule_words(inner)} {source_words(inner)} ({inner.head.mark})")
            value = self._to.fresh(name if name.isidentifier() and name.isascii() else "field")
            self._rule(inner, scope, value)
            self._to.line(f"if {value} is not None:")
            self._to.line(f"    {result}[{name!r}] = {value}")
        if not rule.head.required and rule.head.field and not rule.head.field.endswith("[]"):
            self._to.line(f"{result} = {result} or None")

    def _refusal(self, condition: Condition, reason: str, rule: Object, scope: Scope) -> None:
        info = self._info(rule, source_path=condition.path.full, rule=f"refuse when {condition_words(condition)}")
        test = self._condition(condition, scope, info)
        self._to.line(f"if {test}:")
        self._to.line(f"    refuse(errors, {self._to.name('I', info)}, {scope.at}, value, Refused({reason!r}))")

    def _info(self, of: Rule, **known: Any) -> Info:
        """What is known of a rule, as problems and traces show it."""
        head = of.head
        said = {"source_path": source_words(of), "rule": rule_words(of), "reason": head.reason, "field": head.field}
        return Info(mapping=self._mapping, mark=head.mark, version=head.version, **said | known)

    def _leaf(self, rule: From | Lookup | Concat | Arithmetic, scope: Scope, result: str) -> None:
        name = self._to.name("I", self._info(rule, table=rule.table if isinstance(rule, Lookup) else None))
        has_parts = isinstance(rule, Concat | Arithmetic)
        noted = self._to.fresh("noted") if has_parts else ""
        if has_parts:
            self._to.line(f"{noted} = len(errors)")
        parts = self._parts(rule, scope) if isinstance(rule, Concat | Arithmetic) else ""
        is_scoped = isinstance(rule, Lookup) and rule.scope is not None
        self._to.line(
            f"value, why{', entity' if is_scoped else ''} = {start_of(rule, parts)}, None{', None' if is_scoped else ''}"
        )
        self._to.line("try:")
        with self._to.deeper():
            expression = self._expression(rule, scope, parts)
            whole = f"required({expression})" if rule.head.required else expression
            # Where a part has a problem already, there is no whole to speak of.
            self._to.line(
                f"{result} = {whole} if len(errors) == {noted} else None" if has_parts else f"{result} = {whole}"
            )
        self._to.line("except Refused as refused:")
        self._to.line(f"    {result}, why = refuse(errors, {name}, {scope.at}, value, refused), refused.message")
        if rule.head.default is not None:
            self._to.line(f"if {result} is None and why is None:")
            self._to.line(f"    {result}, why = {self._to.literal(default_of(rule))}, {rule.head.reason!r}")
        self._trace(f"show(trail, {name}, {scope.at}, value, ({result}, why{', entity' if is_scoped else ''}))", scope)

    def _parts(self, rule: Concat | Arithmetic, scope: Scope) -> str:
        """Code that gathers the parts of a rule in a list; of texts those that are there, of numbers all."""
        parts, is_text = self._to.fresh("parts"), isinstance(rule, Concat)
        self._to.line(f"{parts} = []")
        for part in rule.parts:
            value = self._to.fresh("part")
            self._rule(part, msgspec.structs.replace(scope, quiet=True, typed=not is_text), value)
            if is_text:
                self._to.line(f"if {value} is not None:")
            self._to.line(f"{'    ' if is_text else ''}{parts}.append({value})")
        return parts

    def _expression(self, rule: From | Lookup | Concat | Arithmetic, scope: Scope, parts: str) -> str:
        expression = "value"
        if isinstance(rule, From):
            self._read(rule.path, scope, "value")
        elif isinstance(rule, Lookup):
            expression = self._found(rule, scope)
        elif isinstance(rule, Arithmetic):
            expression = f"{CALCULATIONS[rule.operation]}({parts})"
        for use in rule.uses:
            expression = self._used(use, expression, scope)
        if isinstance(rule, From | Lookup) and rule.choices is not None:
            expression = f"choose({expression}, {self._to.name('M', dict(rule.choices))})"
        return f"money_object({expression})" if leaf_kind(rule)[0] == "money" and not scope.typed else expression

    def _found(self, rule: Lookup, scope: Scope) -> str:
        self._first(rule.keys, scope)
        table, column = self._to.name("T", rule.table), f"{self._to.name('C', rule.table.column(rule.column))}"
        if rule.scope is None:
            return f"find(value, {column}, {table})"
        self._read(rule.scope, scope, "entity")
        columns = {code: rule.table.column(rule.column, code) for code in (None, *rule.table.legal_entities)}
        return f"find(value, scoped({self._to.name('C', columns)}, entity), {table})"

    def _used(self, use: Use, expression: str, scope: Scope) -> str:
        function = f"{use.name}_" if use.name == "and" else use.name
        self._to.names[function] = TRANSFORMS[use.name].function
        match use.argument:
            case None:
                return f"{function}({expression})"
            case Path():
                beside = self._to.fresh("beside")
                self._read(use.argument, scope, beside)
                return f"{function}({expression}, {beside})"
            case Condition():
                beside = self._to.fresh("holds")
                self._read(use.argument.path, scope, beside)
                return f"{function}({expression}, {comparison(use.argument, beside, self._to, _TESTS)})"
            case Table():
                return f"{function}({expression}, {self._to.name('A', use.argument.folded())})"
            case _:
                return f"{function}({expression}, {use.argument!r})"

    def _fixed(self, rule: Const | Index | Absent, scope: Scope, result: str) -> None:
        value = "None"
        if isinstance(rule, Const):
            value = self._to.literal(rule.value)
        elif isinstance(rule, Index):
            value = f"{scope.sources[-1]} + 1"
        self._to.line(f"{result} = {value}")
        name = self._to.name("I", self._info(rule))
        self._trace(f"show(trail, {name}, {scope.at}, None, ({result}, {rule.head.reason!r}))", scope)

    def _when(self, rule: When, scope: Scope, result: str) -> None:
        self._to.line(f"if {self._condition(rule.condition, scope, self._info(rule))}:")
        with self._to.deeper():
            self._rule(rule.then, scope, result)
        self._to.line("else:")
        with self._to.deeper():
            self._rule(rule.otherwise, scope, result)

    def _list(self, rule: ListOf, scope: Scope, result: str) -> None:
        self._to.line(f"{result} = []")
        for part in rule.parts:
            if isinstance(part, Each):
                self._each(part, scope, result)
                continue
            position, value = self._to.fresh("n"), self._to.fresh("element")
            self._to.line(f"{position} = len({result})")
            self._rule(part, msgspec.structs.replace(scope, fields=(*scope.fields, position)), value)
            self._to.line(f"if {value} is not None:")
            self._to.line(f"    {result}.append({value})")
        if not rule.head.required:
            self._to.line(f"{result} = {result} or None")

    def _each(self, rule: Each, scope: Scope, result: str) -> None:
        info = self._to.name("I", self._info(rule))
        items, item, index, position = (self._to.fresh(name) for name in ("items", "item", "i", "n"))
        self._to.line(f"value, {items}, why = None, (), None")
        self._to.line("try:")
        with self._to.deeper():
            self._read(rule.path, scope, "value")
            self._to.line(f"{items} = as_list(required(value))" if rule.head.required else f"{items} = as_list(value)")
        self._to.line("except Refused as refused:")
        self._to.line(f"    why = refuse(errors, {info}, {scope.at}, value, refused) or refused.message")
        self._trace(f"show(trail, {info}, {scope.at}, value, (len({items}), why))", scope)
        pairs = f"ordered({items}, {tuple(rule.sort.split('.'))!r})" if rule.sort else f"enumerate({items})"
        self._to.line(f"for {index}, {item} in {pairs}:")
        inner = Scope(item=item, fields=(*scope.fields, position), sources=(*scope.sources, index), quiet=scope.quiet)
        with self._to.deeper():
            self._to.line(f"{position} = len({result})")
            self._item(rule, inner, result)

    def _item(self, rule: Each, scope: Scope, result: str) -> None:
        info = self._info(rule, field=rule.body.head.field, source_path=f"{rule.path.full}[]")
        value = self._to.fresh("element")
        self._to.line("try:")
        self._to.line(f"    as_object({scope.item})")
        self._to.line("except Refused as refused:")
        self._to.line(
            f"    {result}.append(refuse(errors, {self._to.name('I', info)}, {scope.at}, {scope.item}, refused))"
        )
        self._to.line("    continue")
        self._object(rule.body, scope, value)
        self._to.line(f"{result}.append({value})")

    def _condition(self, condition: Condition, scope: Scope, info: Info) -> str:
        test = self._to.fresh("test")
        self._to.line("value = None")
        self._to.line("try:")
        with self._to.deeper():
            self._read(condition.path, scope, "value")
            self._to.line(f"{test} = {comparison(condition, 'value', self._to, _TESTS)}")
        self._to.line("except Refused as refused:")
        self._to.line(f"    {test} = refuse(errors, {self._to.name('I', info)}, {scope.at}, value, refused)")
        return test

    def _read(self, path: Path, scope: Scope, variable: str) -> None:
        """Code that reads a path step by step, so that `variable` shows the offending value when a step refuses."""
        first, *rest = path.steps
        self._to.line(f"{variable} = {'record' if path.at_root else scope.item}.get({first!r})")
        for key in rest:
            self._to.line(f"{variable} = step({variable}, {key!r})")

    def _first(self, keys: tuple[Path, ...], scope: Scope) -> None:
        self._read(keys[0], scope, "value")
        for key in keys[1:]:
            self._to.line("if not is_present(value):")
            with self._to.deeper():
                self._read(key, scope, "value")

    def _trace(self, text: str, scope: Scope) -> None:
        if self._tracing and not scope.quiet:
            self._to.line(text)
