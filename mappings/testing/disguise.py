"""Text in the shape of another text: as long, with letters, digits and separators in the same places, and nothing of what it said.

Words become words that mean nothing (`Rochester` a `Lomibavek`), digits other digits, so that a telephone number keeps how many it has; a day
becomes another day, the domain of an e-mail address one below `.example` (RFC 2606), and a tax registration keeps its country prefix. One word
always becomes the same word under one key, so that names and identifiers that were equal stay equal. The new characters come from an HMAC-SHA-256
under the key: without it nobody can find out by trying which name a mask stands for. A key that is thrown away makes that final.
"""

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Collection, Iterator
from datetime import date
from functools import partial
from itertools import groupby
from typing import Literal

from canonical_model.codes import is_country

_EMAIL = r"[^\s@<>,;:\"()\[\]]+@[^\s@<>,;:\"()\[\]]+"
_MOMENT = r"(?<![0-9])[0-9]{4}-[0-9]{2}-[0-9]{2}(?![0-9])(?:[T ][0-9:.]+(?:Z|[+-][0-9:]+)?)?"
_KNOWN = re.compile(f"(?P<email>{_EMAIL})|(?P<moment>{_MOMENT})")
_TAX_ID = re.compile(r"\s*([A-Z]{2})(?=(?:[ ./-]?[0-9A-Z])+\s*\Z)(?=(?:\D*\d){5})", re.ASCII)
_TAX_PREFIXES = frozenset(["EL", "EU", "XI"])
"""Prefixes that no country of ISO 3166-1 has: Greece, the One-Stop Shop of the EU for others, Northern Ireland."""
_CONSONANTS, _VOWELS, _LETTERS = "bdfghklmnprstvwz", "aeiou", "abcdefghijklmnopqrstuvwxyz"
_BEYOND_ASCII, _DIGITS_BEYOND_ASCII = "äéöüåøîñ", "٠١٢٣٤٥٦٧٨٩"
_DOMAIN = ".example"
_SHORTEST = {"letter": 3, "digit": 5}
"""Words and numbers shorter than this come up by chance anywhere; longer ones of the record are kept out of masks."""
_LAST_NUMBER = re.compile(r"([1-9][0-9]*)[^0-9]*\Z", re.ASCII)
_COUNTER = 4
_TRIES = 100

Class = Literal["letter", "digit", "other"]


class Disguise:
    """Makes masks under one key.

    Args:
        key: Secret; the same key gives the same masks.
        texts: What is to be masked: no word of it, from three letters or five digits on, comes up in a mask.
    """

    def __init__(self, key: bytes, texts: Collection[str]) -> None:
        self._key = key
        runs = {(kind, run.casefold()) for text in texts for kind, run in _runs(text)}
        self._words = {run for kind, run in runs if kind != "other" and len(run) >= _SHORTEST[kind]}

    def text(self, value: str, attempt: int, *, kept: int = 0) -> str:
        """A mask.

        Args:
            value: What is masked.
            attempt: From 0; another attempt gives another mask.
            kept: How many characters at the start stay as they are.
        """
        prefix = _TAX_ID.match(value)
        if prefix and (prefix[1] in _TAX_PREFIXES or is_country(prefix[1])):
            kept = max(kept, prefix.end(1))
        masked, done = [value[:kept]], kept
        for found in _KNOWN.finditer(value, kept):
            special = self._email(found[0], attempt) if found["email"] else self._moment(found[0], attempt)
            masked += [self._plain(value[done : found.start()], attempt), special]
            done = found.end()
        return "".join([*masked, self._plain(value[done:], attempt)])

    def _plain(self, value: str, attempt: int) -> str:
        return "".join(run if kind == "other" else self._run(kind, run, attempt) for kind, run in _runs(value))

    def _email(self, value: str, attempt: int) -> str:
        local, _, domain = value.partition("@")
        stem = re.sub(r"[^0-9A-Za-z]", "x", domain[: max(1, len(domain) - len(_DOMAIN))])
        return f"{self._plain(local, attempt)}@{self._plain(stem, attempt)}{_DOMAIN}"

    def _moment(self, value: str, attempt: int) -> str:
        """A day for a day, at noon where it had a time; what is no day of the calendar is masked like any text."""
        try:
            date.fromisoformat(value[:10])
        except ValueError:
            return self._plain(value, attempt)
        year, month, day, *_ = self._stream(value[:10], attempt, 0)
        time = re.sub(r"[0-9]", "0", value[10:]).replace("00", "12", 1)
        return f"{1990 + year % 40}-{1 + month % 12:02}-{1 + day % 28:02}{time}"

    def _run(self, kind: Class, run: str, attempt: int) -> str:
        """Letters for letters or digits for digits: not the same, and none of the words."""
        make = partial(_word if kind == "letter" else _number, run)
        if not run.strip("0"):
            return run
        made = (make(self._stream(run, attempt, number)) for number in range(_TRIES))
        others = (each for each in made if each != run)
        first = next(others)
        return (
            first
            if self._is_new(first.casefold())
            else next((each for each in others if self._is_new(each.casefold())), first)
        )

    def _is_new(self, candidate: str) -> bool:
        return not any(word in candidate for word in self._words)

    def _stream(self, run: str, attempt: int, number: int) -> Iterator[int]:
        meant = f"{attempt}.{number}.{run.casefold()}".encode("utf-8", "surrogatepass")
        digest = hmac.new(self._key, meant, hashlib.sha256).digest()
        return iter(hashlib.shake_256(digest).digest(len(run) + 1))


def counted_on(mask: str) -> Iterator[str]:
    """A mask with its last number counted on through all that are as long: enough for counters, of which a record may hold nearly all there are."""
    found = _LAST_NUMBER.search(mask)
    if not found or len(found[1]) > _COUNTER:
        return
    lowest, number = 10 ** (len(found[1]) - 1), int(found[1])
    for step in range(9 * lowest):
        other = lowest + (number - lowest + step) % (9 * lowest)
        yield f"{mask[: found.start(1)]}{other}{mask[found.end(1) :]}"


def _word(run: str, stream: Iterator[int]) -> str:
    """A word that can be spoken, each letter as small, capital or foreign as the one it stands for."""
    turn, letters = next(stream) % 2, []
    for place, (letter, number) in enumerate(zip(run, stream, strict=True)):
        choice = (
            _BEYOND_ASCII
            if not letter.isascii()
            else _LETTERS
            if len(run) <= 2
            else (_CONSONANTS, _VOWELS)[(place + turn) % 2]
        )
        new = choice[number % len(choice)]
        letters.append(new.upper() if letter.isupper() else new)
    return "".join(letters)


def _number(run: str, stream: Iterator[int]) -> str:
    """Other digits; noughts at the start stay, and no more come up there."""
    next(stream)
    digits: list[str] = []
    for digit, number in zip(run, stream, strict=True):
        is_leading = all(each == "0" for each in digits)
        if not digit.isascii():
            digits.append(_DIGITS_BEYOND_ASCII[number % 10])
        elif is_leading:
            digits.append("0" if digit == "0" else str(1 + number % 9))
        else:
            digits.append(str(number % 10))
    return "".join(digits)


def _runs(text: str) -> Iterator[tuple[Class, str]]:
    for kind, letters in groupby(text, key=_class):
        yield kind, "".join(letters)


def _class(character: str) -> Class:
    """Letters with their accents, digits with fractions and the like, and what separates them."""
    kinds: dict[str, Class] = {"L": "letter", "M": "letter", "N": "digit"}
    return kinds.get(unicodedata.category(character)[0], "other")
