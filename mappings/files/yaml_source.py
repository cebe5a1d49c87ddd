"""YAML as mapping files use it: line numbers kept, no surprises.

Differences to PyYAML's safe loader: only `true` and `false` are booleans (`Yes` stays text), keys are always text as written,
dates stay text, numbers with decimals become Decimal; a repeated key, an alias, a tag of one's own and deep nesting are errors.
"""

from decimal import Decimal
from typing import Any, NamedTuple

import yaml
from yaml.composer import Composer
from yaml.cyaml import CSafeLoader
from yaml.reader import ReaderError

DEEPEST = 32
"""How deep values may be nested: more than twice what the deepest shipped mapping needs, and little enough for a compiled function."""

Place = tuple[str | int, ...]


class SourceError(ValueError):
    """Text that is not YAML of this kind.

    Attributes:
        line: Line of the file, from 1.
    """

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


class Mark(NamedTuple):
    """A line of a file.

    Attributes:
        file: Name of the file below the mappings folder, for example `netsuite/invoice.yaml`.
        line: From 1.
    """

    file: str
    line: int

    def __str__(self) -> str:
        """As messages name it."""
        return f"{self.file}:{self.line}"


class Source(NamedTuple):
    """A read file, or one with patches of others on it.

    Attributes:
        file: Its name.
        data: Its content as plain values.
        marks: Where every value stands, by its path of keys and indexes.
    """

    file: str
    data: Any
    marks: dict[Place, Mark]

    def mark(self, place: Place) -> Mark:
        """Where a value stands, or the nearest value around it."""
        while place and place not in self.marks:
            place = place[:-1]
        return self.marks.get(place, Mark(self.file, 1))


class _Loader(Composer, CSafeLoader):
    """Composes nodes of the events of libyaml, which reads several times faster than the parser in Python."""

    def __init__(self, text: str) -> None:
        CSafeLoader.__init__(self, text)
        Composer.__init__(self)
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event: Any = self.peek_event()
        line = event.start_mark.line + 1
        if self.check_event(yaml.AliasEvent):
            raise SourceError("aliases are not part of the mapping language", line)
        if self._depth == DEEPEST:
            raise SourceError(f"is nested more than {DEEPEST} deep", line)
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


_NARROWED = (
    "tag:yaml.org,2002:bool",
    "tag:yaml.org,2002:timestamp",
    "tag:yaml.org,2002:merge",
    "tag:yaml.org,2002:value",
)
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in _NARROWED]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_TAGS = {f"tag:yaml.org,2002:{kind}" for kind in ("null", "int", "float", "str", "seq", "map")}


def read(text: str, file: str = "") -> Source:
    """Read one YAML document.

    Args:
        text: The document.
        file: Name of its file, for messages.

    Raises:
        SourceError: It is not YAML, repeats a key, uses an alias or a tag, or is nested too deep.
    """
    try:
        node = _Loader(text).get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = (
            min(mark.line, text.rstrip("\n").count("\n")) if mark else 0
        )  # the end of the text counts as a line of its own
        raise SourceError(f"not YAML: {error.problem}", line + 1) from error
    except ReaderError as error:
        raise SourceError(f"not YAML: {error.reason}", _line_of(text.encode()[: error.position])) from error
    except UnicodeEncodeError as error:
        raise SourceError(
            f"not YAML: {text[error.start]!r} is no character", _line_of(text[: error.start].encode())
        ) from error
    lines: dict[Place, int] = {}
    data = None if node is None else _value(node, (), lines)
    return Source(file, data, {place: Mark(file, line) for place, line in lines.items()})


def _line_of(before: bytes) -> int:
    return before.count(b"\n") + 1


def _value(node: yaml.Node, place: Place, lines: dict[Place, int]) -> Any:
    lines[place] = node.start_mark.line + 1
    if node.tag not in _TAGS:
        raise SourceError(f"tag {node.tag!r} is not part of the mapping language", lines[place])
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, place, lines)
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*place, index), lines) for index, item in enumerate(node.value)]
    return _scalar(node)


def _mapping(node: yaml.MappingNode, place: Place, lines: dict[Place, int]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key_node, value_node in node.value:
        if not isinstance(key_node, yaml.ScalarNode):
            raise SourceError("a key must be text", key_node.start_mark.line + 1)
        key = str(key_node.value)
        if key in result:
            raise SourceError(f"key {key!r} is there twice", key_node.start_mark.line + 1)
        result[key] = _value(value_node, (*place, key), lines)
        lines[(*place, key)] = key_node.start_mark.line + 1
    return result


_SHOWN = 40
"""How many characters of a faulty number a message shows."""


def _scalar(node: yaml.Node) -> Any:
    tag, text = node.tag.rpartition(":")[2], str(node.value)
    if tag == "null":
        return None
    try:
        return _integer(text) if tag == "int" else Decimal(text) if tag == "float" else _word(text, node)
    except (ValueError, ArithmeticError) as error:
        shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
        raise SourceError(
            f"{shown!r} is not a plain number; quote it if it is text", node.start_mark.line + 1
        ) from error


def _word(text: str, node: yaml.Node) -> str | bool:
    plain = isinstance(node, yaml.ScalarNode) and not node.style
    return text == "true" if plain and text in ("true", "false") else text


def _integer(text: str) -> int:
    """The number; a spelling that would not come back the same (`010`, `1_000`, `0x1F`) is more likely a code."""
    number = int(text)
    if str(number) != text:
        raise ValueError(text)
    return number
