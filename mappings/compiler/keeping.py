"""A contract as one Python function that says quickly whether a record keeps it; `mappings.runtime.drift` says what is broken where it does not."""

from collections.abc import Callable, Mapping
from typing import Any

from mappings.compiler.source_text import SourceText
from mappings.files.contracts import Contract, Field
from mappings.runtime.drift import CLASSES, NUMERAL, is_numeral

Keeps = Callable[[Mapping[str, Any]], bool]

_BUILTINS = {each.__name__: each for each in (type, str, int, bool, dict, list, len)}


def keeping(contract: Contract) -> Keeps:
    """The function; it takes records as JSON gives them, and calls other kinds of lists broken."""
    text = SourceText({"NUMERAL": NUMERAL.fullmatch})
    name = _Emitter(contract, text).object("")
    namespace = {"__builtins__": _BUILTINS, **text.names}
    exec(compile(text.text, f"<contract {contract.name}>", "exec"), namespace)  # noqa: S102 - our own text, made from typed promises
    keeps: Keeps = namespace[name]

    def keeping_record(record: Mapping[str, Any]) -> bool:
        try:
            return keeps(record)
        except KeyError:
            return False

    return keeping_record


class _Emitter:
    """Writes a function for each object, the inner ones first."""

    def __init__(self, contract: Contract, text: SourceText) -> None:
        self._fields, self._to = contract.fields, text
        self._paths = frozenset(contract.fields)

    def object(self, path: str) -> str:
        """Write the function of the object at a path. Returns its name."""
        before = f"{path}." if path else ""
        names = [each.removeprefix(before) for each in self._paths if each.startswith(before)]
        own = sorted(name for name in names if "." not in name and not name.endswith("[]"))
        inner = {name: self._inner(before + name) for name in own}
        function = self._to.fresh("keeps")
        self._to.line(f"def {function}(record):")
        with self._to.deeper():
            self._keys({name: self._fields[before + name] for name in own})
            for name in own:
                self._value(name, self._fields[before + name], inner[name])
            self._to.line("return True")
        return function

    def _inner(self, path: str) -> tuple[str | None, str | None]:
        """The functions of what stands in a field: of the object, and of each item of the list."""
        inside = self.object(path) if any(each.startswith(f"{path}.") for each in self._paths) else None
        return inside, self._items(f"{path}[]") if f"{path}[]" in self._paths else None

    def _items(self, path: str) -> str:
        promised, inner = self._fields[path], self._inner(path)
        function = self._to.fresh("keeps")
        self._to.line(f"def {function}(value):")
        with self._to.deeper():
            self._tests(promised, inner)
            self._to.line("return True")
        return function

    def _keys(self, own: Mapping[str, Field]) -> None:
        """Where no field is optional the number of keys is enough: each field is asked for, and one that is missing raises a KeyError."""
        required = frozenset(name for name, field in own.items() if not field.optional)
        if len(required) == len(own):
            self._to.line(f"if len(record) != {len(own)}: return False")
            return
        every, needed = self._to.name("KEYS", frozenset(own)), self._to.name("KEYS", required)
        self._to.line(f"if not {needed} <= record.keys() <= {every}: return False")

    def _value(self, name: str, promised: Field, inner: tuple[str | None, str | None]) -> None:
        if promised.optional and promised.types == ("any",):
            return
        if not promised.optional:
            self._to.line(f"value = record[{name!r}]")
            self._tests(promised, inner)
            return
        self._to.line(f"if {name!r} in record:")
        with self._to.deeper():
            self._to.line(f"value = record[{name!r}]")
            self._tests(promised, inner)

    def _tests(self, promised: Field, inner: tuple[str | None, str | None]) -> None:
        """One branch for each kind of value that needs a closer look; the last is for all others."""
        inside, items = inner
        branches = []
        if inside:
            branches.append(("type(value) is dict", [f"if not {inside}(value): return False"]))
        if items:
            look = ["for item in value:", f"    if not {items}(item): return False"]
            branches.append(("type(value) is list", look))
        if is_numeral(promised):
            branches.append(("type(value) is str", ["if not NUMERAL(value): return False"]))
        if "any" not in promised.types:
            branches.append((self._broken(promised), ["return False"]))
        for number, (condition, lines) in enumerate(branches):
            self._to.line(f"{'elif' if number else 'if'} {condition}:")
            with self._to.deeper():
                for line in lines:
                    self._to.line(line)

    def _broken(self, promised: Field) -> str:
        """The condition that a value has none of the types promised."""
        classes = {each for name in promised.types for each in CLASSES[name]} - {type(None), tuple}
        may_be_empty = "null" in promised.types
        if not classes:
            return "value is not None"
        [first, *others] = sorted(classes, key=lambda each: each.__name__)
        test = (
            f"type(value) not in {self._to.name('TYPES', frozenset(classes))}"
            if others or first.__name__ not in _BUILTINS
            else f"type(value) is not {first.__name__}"
        )
        return f"value is not None and {test}" if may_be_empty else test
