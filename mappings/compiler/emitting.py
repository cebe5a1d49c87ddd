"""Compiles a checked mapping to one Python function over plain values.

The source text is made here from typed rules only: names are counted, keys and constants enter as Python literals, texts of the mapping
file never as code. It reads like hand-written code, so that an engineer can print and step through it.
"""

from decimal import Decimal
from typing import Any

import msgspec

from mappings.compiler.source_text import SourceText
from mappings.language.checks import leaf_kind
from mappings.language.definition import (
    Absent,
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


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """Where the generated code stands.

    Attributes:
        item: Variable that holds the current source object.
        fields: Variables with the target's list positions, outermost first.
        sources: Variables with the source's list positions.
        quiet: Whether rules leave no trace of their own.
    """

    item: str = "record"
    fields: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    quiet: bool = False

    @property
    def at(self) -> str:
        """The positions as a Python literal."""
        return f"(({''.join(f'{name}, ' for name in self.fields)}), ({''.join(f'{name}, ' for name in self.sources)}))"


def compile_definition(definition: Definition, *, tracing: bool) -> SourceText:
    """The source text of `map_record(record, errors)`, or with a third argument `trail` when tracing, and the objects it names."""
    return _Emitter(definition, tracing=tracing).written


class _Emitter:
    """Writes the source text of one mapping.

    Args:
        definition: A mapping without faults.
        tracing: Whether the function also notes how each field came about.
    """

    def __init__(self, definition: Definition, *, tracing: bool) -> None:
        self._to = SourceText(PROVIDED)
        self._tracing = tracing
        self._to.line(f"def map_record({'record, errors, trail' if tracing else 'record, errors'}):")
        with self._to.deeper():
            self._object(definition.root, Scope(), "out")
            self._to.line("return out")
        self.written = self._to

    def _rule(self, rule: Rule, scope: Scope, result: str) -> None:
        """Code that leaves the rule's outcome, or None, in the variable `result`."""
        match rule:
            case From() | Lookup() | Concat():
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
            self._to.comment(f"{inner.head.field}: {rule_words(inner)} {source_words(inner)}")
            value = self._to.fresh(name if name.isidentifier() and name.isascii() else "field")
            self._rule(inner, scope, value)
            self._to.line(f"if {value} is not None:")
            self._to.line(f"    {result}[{name!r}] = {value}")
        if not rule.head.required and rule.head.field and not rule.head.field.endswith("[]"):
            self._to.line(f"{result} = {result} or None")

    def _refusal(self, condition: Condition, reason: str, rule: Object, scope: Scope) -> None:
        info = Info(
            field=rule.head.field, source_path=condition.path.full, rule=f"refuse when {condition_words(condition)}"
        )
        test = self._condition(condition, scope, info)
        self._to.line(f"if {test}:")
        self._to.line(f"    refuse(errors, {self._to.name('I', info)}, {scope.at}, value, Refused({reason!r}))")

    def _leaf(self, rule: From | Lookup | Concat, scope: Scope, result: str) -> None:
        info = Info(
            field=rule.head.field,
            source_path=source_words(rule),
            rule=rule_words(rule),
            reason=rule.head.reason,
            table=rule.table if isinstance(rule, Lookup) else None,
        )
        name = self._to.name("I", info)
        self._to.line(f"value, why = {self._joined(rule, scope) if isinstance(rule, Concat) else None}, None")
        self._to.line("try:")
        with self._to.deeper():
            expression = self._expression(rule, scope)
            self._to.line(f"{result} = required({expression})" if rule.head.required else f"{result} = {expression}")
        self._to.line("except Refused as refused:")
        self._to.line(f"    {result}, why = refuse(errors, {name}, {scope.at}, value, refused), refused.message")
        if rule.head.default is not None:
            self._to.line(f"if {result} is None and why is None:")
            self._to.line(f"    {result}, why = {self._to.literal(self._default(rule))}, {rule.head.reason!r}")
        self._trace(f"show(trail, {name}, {scope.at}, value, ({result}, why))", scope)

    def _expression(self, rule: From | Lookup | Concat, scope: Scope) -> str:
        expression = "value"
        if isinstance(rule, From):
            self._read(rule.path, scope, "value")
        elif isinstance(rule, Lookup):
            self._first(rule.keys, scope)
            column = {key: row[rule.column] for key, row in rule.table.rows.items()}
            expression = f"find(value, {self._to.name('C', column)}, {self._to.name('T', rule.table)})"
        for use in rule.uses:
            expression = self._used(use, expression, scope)
        if not isinstance(rule, Concat) and rule.choices is not None:
            expression = f"choose({expression}, {self._to.name('M', dict(rule.choices))})"
        return f"money_object({expression})" if leaf_kind(rule)[0] == "money" else expression

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
                return f"{function}({expression}, {self._test(use.argument, beside)})"
            case _:
                return f"{function}({expression}, {use.argument!r})"

    def _joined(self, rule: Concat, scope: Scope) -> str:
        parts = self._to.fresh("parts")
        self._to.line(f"{parts} = []")
        for part in rule.parts:
            value = self._to.fresh("part")
            self._rule(part, msgspec.structs.replace(scope, quiet=True), value)
            self._to.line(f"if {value} is not None:")
            self._to.line(f"    {parts}.append({value})")
        return f"{rule.separator!r}.join({parts}) or None"

    def _fixed(self, rule: Const | Index | Absent, scope: Scope, result: str) -> None:
        value = "None"
        if isinstance(rule, Const):
            value = self._to.literal(rule.value)
        elif isinstance(rule, Index):
            value = f"{scope.sources[-1]} + 1"
        self._to.line(f"{result} = {value}")
        info = Info(field=rule.head.field, source_path="", rule=rule_words(rule), reason=rule.head.reason)
        self._trace(
            f"show(trail, {self._to.name('I', info)}, {scope.at}, None, ({result}, {rule.head.reason!r}))", scope
        )

    def _when(self, rule: When, scope: Scope, result: str) -> None:
        info = Info(field=rule.head.field, source_path=rule.condition.path.full, rule=rule_words(rule))
        self._to.line(f"if {self._condition(rule.condition, scope, info)}:")
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
        info = self._to.name("I", Info(field=rule.head.field, source_path=rule.path.full, rule=rule_words(rule)))
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
        info = Info(field=rule.body.head.field, source_path=f"{rule.path.full}[]", rule=rule_words(rule))
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
            self._to.line(f"{test} = {self._test(condition, 'value')}")
        self._to.line("except Refused as refused:")
        self._to.line(f"    {test} = refuse(errors, {self._to.name('I', info)}, {scope.at}, value, refused)")
        return test

    def _test(self, condition: Condition, value: str) -> str:
        if condition.test == "present":
            return f"is_present({value})" if condition.value else f"not is_present({value})"
        if condition.test == "equals":
            return f"{value} == {self._to.literal(condition.value)}"
        return f"{value} in ({''.join(f'{self._to.literal(option)}, ' for option in condition.value)})"

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

    def _default(self, rule: From | Lookup | Concat) -> Any:
        value = rule.head.default
        return Decimal(value) if leaf_kind(rule)[0] == "decimal" else value

    def _trace(self, text: str, scope: Scope) -> None:
        if self._tracing and not scope.quiet:
            self._to.line(text)
