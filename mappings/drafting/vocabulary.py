"""The words that systems use for the terms of billing, and what the canonical fields are called elsewhere (`words/*.yaml`)."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from mappings.files.yaml_source import read

_FOLDER = Path(__file__).parent / "words"
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_LONGEST_TERM = 5
_SHORTEST_PART = 2

Terms = tuple[str, ...]


class FieldNames(msgspec.Struct, frozen=True, kw_only=True):
    """What one canonical field is called elsewhere.

    Attributes:
        names: Names that say it outright, as terms.
        weak: Names that may mean it.
        role: Whose field it is; empty where it does not matter.
        looks: What its values look like; empty where its type says all.
    """

    names: tuple[Terms, ...]
    weak: tuple[Terms, ...] = ()
    role: str = ""
    looks: str = ""


class PlaceNames(msgspec.Struct, frozen=True, kw_only=True):
    """What a document, object or list of the model adds to the names of its fields.

    Attributes:
        words: Terms that a path may hold because of it.
        role: Whose fields these are; empty where it does not matter.
        must: Whether a path has to say so.
    """

    words: frozenset[str] = frozenset()
    role: str = ""
    must: bool = False


def terms(name: str) -> Terms:
    """The terms in a name, in order: `Billing_Cust_No__c` is billing, customer, number."""
    return _terms(name)


def names_of(parent: str, field: str) -> FieldNames:
    """What a canonical field is called elsewhere.

    Args:
        parent: The object, list or document it stands in.
        field: Its name; a field without an entry is known by its own name only.
    """
    data = _fields()["fields"]
    entry = data.get(f"{parent}.{field}") or data.get(field) or {"names": [field]}
    return FieldNames(
        names=tuple(dict.fromkeys(map(terms, entry["names"]))),
        weak=tuple(dict.fromkeys(map(terms, entry.get("weak", ())))),
        role=entry.get("role", ""),
        looks=entry.get("looks", ""),
    )


def place_of(name: str) -> PlaceNames:
    """What an object, list or document adds to the names of its fields."""
    entry = _fields()["places"].get(name, {})
    words = frozenset(term for word in (name, *entry.get("words", ())) for term in terms(word))
    return PlaceNames(words=words, role=entry.get("role", ""), must=entry.get("must", False))


def choice_words(choice: str) -> frozenset[str]:
    """What a canonical value of a closed list is called elsewhere, its own name included, as `plain_words` writes it."""
    return frozenset(map(plain_words, (choice, *_fields()["choices"].get(choice, ()))))


def plain_words(text: str) -> str:
    """A text in small letters, whatever stands between its words as one blank: `In-Advance` is `in advance`."""
    return " ".join(re.findall(r"\w+", text.casefold().replace("_", " ")))


def role_of(term: str) -> str:
    """Whose field a term speaks of; empty for most."""
    return _roles().get(term, "")


def is_generic(term: str) -> bool:
    """Whether the term says what kind of name a field is, not what the thing is."""
    return term in _words()["generic"]


def is_bare(term: str) -> bool:
    """Whether a last key of this term leaves it to the key above to say what the thing is."""
    return term in _words()["bare"]


@lru_cache(maxsize=4096)
def _terms(name: str) -> Terms:
    words = _alone(part for word in _WORD.findall(re.sub(r"__[cr]$", "", name)) for part in _parts(word.lower()))
    found: list[str] = []
    while words:
        written = next(words[:n] for n in range(_LONGEST_TERM, 0, -1) if n == 1 or words[:n] in _compounds())
        words = words[len(written) :]
        found.append(_compounds().get(written, written[0]))
    silent = _words()["silent"]
    return tuple(term for term in found if term not in silent and not term.isdigit())


def _alone(words: Iterable[str]) -> Terms:
    """Each word as the term it stands for by itself."""
    return tuple(_singles().get(word, word) for word in words)


@lru_cache(maxsize=4096)
def _parts(word: str) -> Terms:
    """A word cut into known ones where it is written together, `invoicedate`; itself where that is not possible."""
    if word in _known() or word.isdigit():
        return (word,)
    return _cut(word) or (_singular(word),)


def _cut(word: str) -> Terms:
    if word in _known():
        return (word,)
    for end in range(len(word) - _SHORTEST_PART, _SHORTEST_PART - 1, -1):
        if word[:end] in _known() and (rest := _cut(word[end:])):
            return (word[:end], *rest)
    return ()


def _singular(word: str) -> str:
    shorter = word[:-1]
    return shorter if word.endswith("s") and shorter in _known() else word


@lru_cache(maxsize=1)
def _spellings() -> Mapping[Terms, str]:
    """Terms by the words they are written with."""
    found: dict[Terms, str] = {}
    for term, others in _words()["terms"].items():
        for spelling in (term.replace("_", " "), *others):
            found[tuple(spelling.split())] = term
    return found


@lru_cache(maxsize=1)
def _singles() -> Mapping[str, str]:
    return {spelling[0]: term for spelling, term in _spellings().items() if len(spelling) == 1}


@lru_cache(maxsize=1)
def _compounds() -> Mapping[Terms, str]:
    """Terms of several words, by the terms these are alone: `cust no` is found as `customer number`."""
    return {_alone(spelling): term for spelling, term in _spellings().items() if len(spelling) > 1}


@lru_cache(maxsize=1)
def _known() -> frozenset[str]:
    words = _words()
    spelled = {word for spelling in _spellings() for word in spelling}
    named = {word for entry in _fields()["fields"].values() for word in _split(entry["names"])}
    return frozenset(word for word in spelled | named | {*words["generic"]} if len(word) >= _SHORTEST_PART)


def _split(names: Iterable[str]) -> set[str]:
    return {word for name in names for word in name.split()}


@lru_cache(maxsize=1)
def _roles() -> Mapping[str, str]:
    return {term: role for role, members in _words()["roles"].items() for term in members}


@lru_cache(maxsize=1)
def _words() -> Any:
    return read((_FOLDER / "terms.yaml").read_text("utf-8")).data


@lru_cache(maxsize=1)
def _fields() -> Any:
    return read((_FOLDER / "fields.yaml").read_text("utf-8")).data
