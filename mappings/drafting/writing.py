"""A draft as the text of a mapping file, or as data for a script."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import groupby
from typing import Any

import yaml

from mappings.drafting.deciding import Drafted
from mappings.drafting.drafts import Draft
from mappings.language.parser import UNDECIDED
from mappings.runtime.records import shown

_PLAIN = re.compile(r"[A-Za-z_$](?:[\w.$ -]*[\w.])?", re.ASCII)
_NOT_TEXT = ("true", "false", "null")
_LONGEST_NOTE = 300


def write(draft: Draft) -> str:
    """The mapping file: in the order of the document, with confidence and grounds beside each rule."""
    parts = (_header(draft), _ignored(draft), ["fields:", *_fields(draft.rules, "  ")])
    return "\n\n".join("\n".join(lines) for lines in parts if lines) + "\n"


def as_data(draft: Draft) -> dict[str, Any]:
    """What the file says, and what each rule was made of."""
    return {
        "mapping": f"{draft.source.system}/{draft.source.entity}",
        "target": draft.entity,
        "records": draft.seen.records,
        "fields": [_row(each) for each in draft.leaves],
        "unread": draft.unread,
        "unreadable": draft.seen.unreadable,
    }


def _row(drafted: Drafted) -> dict[str, Any]:
    proposal = drafted.proposal
    chosen = proposal.chosen if proposal else None
    return {
        "field": drafted.field,
        "rule": drafted.rule,
        "undecided": drafted.undecided,
        "source_path": chosen.seen.path if chosen else None,
        "confidence": chosen.confidence if chosen else None,
        "components": chosen.components if chosen else None,
        "note": drafted.note,
        "near": [{"source_path": each.seen.path, "confidence": each.confidence} for each in proposal.near]
        if proposal
        else [],
    }


def _header(draft: Draft) -> list[str]:
    source, records = draft.source, draft.seen.records
    count = "1 sample record" if records == 1 else f"{records} sample records"
    schema = {"name": source.schema, "version": f"{UNDECIDED}: the version of the source's schema"}
    return [
        "# yaml-language-server: $schema=../../docs/schema/mapping.schema.json",
        f"# Drafted from {count}; nothing else was asked. A number is the confidence in its rule, 0-1, and what speaks for it.",
        "# The compiler refuses this file while a `todo` is left, or a text that begins with TODO.",
        f"mapping: {source.system}/{source.entity}",
        "version: 1",
        "direction: inbound",
        f"source: {_flow({'system': source.system, 'entity': source.entity, 'schema': schema})}",
        f"target: {_flow({'entity': draft.entity})}",
        f"owner: {_scalar(source.owner or f'{UNDECIDED}: the team that answers for this mapping')}",
    ]


def _fields(fields: Iterable[Drafted], indent: str) -> Iterator[str]:
    for field in fields:
        note = f"  # {_line(field.note)}" if field.note else ""
        if not field.fields:
            yield f"{indent}{field.name}: {_flow(field.rule)}{note}"
            continue
        yield f"{indent}{field.name}:{note}"
        yield from (f"{indent}  {key}: {_flow(value)}" for key, value in field.rule.items())
        yield f"{indent}  fields:"
        yield from _fields(field.fields, f"{indent}    ")


def _ignored(draft: Draft) -> list[str]:
    """Paths that no rule reads, those of one object or list together; each group waits for its reason."""
    lines = [
        f"# {_line(path)} is no path, because a key is not letters, digits and underscores: have the connector rename it"
        for path in draft.seen.unreadable
    ]
    groups = groupby(sorted(draft.unread, key=_parent), key=_parent)
    reason = f"{UNDECIDED}: say why no rule reads them, or write one"
    entries = [f"  - {_flow({'paths': list(paths), 'reason': reason})}" for _, paths in groups]
    return lines + (["ignore:", *entries] if entries else [])


def _parent(path: str) -> str:
    return path.rpartition(".")[0]


def _flow(value: Any) -> str:
    """A value in YAML's flow style, as the mapping language reads it."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_scalar(key)}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return _scalar(value)


def _scalar(value: str | int | Decimal | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return format(value, "f") if isinstance(value, Decimal) else str(value)
    if _PLAIN.fullmatch(value) and value.lower() not in _NOT_TEXT:
        return value
    quoted: str = yaml.safe_dump(value, default_style='"', allow_unicode=True, width=float("inf"))
    return quoted.rstrip("\n")


def _line(text: str) -> str:
    """A text as it may stand in a comment."""
    short = shown(text) if len(text) <= _LONGEST_NOTE else text[:_LONGEST_NOTE] + "..."
    return "".join(char if char.isprintable() else "?" for char in short)
