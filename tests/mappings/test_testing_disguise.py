"""Masks have the shape of what they stand for and nothing of its content."""

import re
import unicodedata
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings.testing.disguise import Disguise, counted_on


def masked(value: str, *, attempt: int = 0, key: bytes = b"any", kept: int = 0) -> str:
    return Disguise(key, [value]).text(value, attempt, kept=kept)


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        ("Rochester", r"[A-Z][a-z]{8}"),
        ("VAN DER BERG", r"[A-Z]{3} [A-Z]{3} [A-Z]{4}"),
        ("100 Main Street, Suite 400", r"[1-9]\d\d [A-Z][a-z]{3} [A-Z][a-z]{5}, [A-Z][a-z]{4} [1-9]\d\d"),
        ("+49 (40) 123-4567", r"\+[1-9]\d \([1-9]\d\) [1-9]\d\d-[1-9]\d{3}"),
        ("ap@northwind.example", r"[a-z]{2}@[a-z]{9}\.example"),
        ("To: <jane.doe@corp.test>", r"[A-Z][a-z]: <[a-z]{4}\.[a-z]{3}@[a-z]+\.example>"),
        ("DE123456789", r"DE[1-9]\d{8}"),
        ("DE 123.456.789", r"DE [1-9]\d\d\.[1-9]\d\d\.[1-9]\d\d"),
        ("ATU12345675", r"AT[A-Z][1-9]\d{7}"),
        ("16-1234567", r"[1-9]\d-[1-9]\d{6}"),
        ("0000000042", r"0{8}[1-9]\d"),
        ("Köln", r"[A-Z][äéöüåøîñ][a-z]{2}"),
        ("a\r\nb", r"[a-z]\r\n[a-z]"),
        (" - ", r" - "),
    ],
)
def test_the_shape_stays(value: str, shape: str) -> None:
    for attempt in range(20):
        assert re.fullmatch(shape, masked(value, attempt=attempt)), masked(value, attempt=attempt)


def test_a_code_that_is_no_country_is_no_tax_registration() -> None:
    assert not masked("QQ123456789").startswith("QQ")


def test_a_day_becomes_another_day_and_a_time_noon() -> None:
    assert date.fromisoformat(masked("1984-02-29")) != date(1984, 2, 29)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT12:00:00\.000\+0000", masked("2026-01-10T08:26:31.123+0000"))


def test_what_is_no_day_of_the_calendar_becomes_other_digits() -> None:
    assert re.fullmatch(r"[1-9]\d{3}-[1-9]\d-[1-9]\d", masked("2026-13-45"))


def test_one_word_is_one_word_everywhere() -> None:
    name, mail = masked("Northwind"), masked("ap@northwind.example")
    assert mail.endswith(f"@{name.lower()}.example")


def test_the_start_can_be_kept() -> None:
    assert re.fullmatch(r"C[1-9]\d{5}", masked("C536379", kept=1))


def test_another_key_or_attempt_gives_another_mask() -> None:
    assert len({masked("Rochester", key=b"a"), masked("Rochester", key=b"b"), masked("Rochester", attempt=1)}) == 3


def test_a_counter_can_be_counted_on_through_all_that_are_as_long() -> None:
    assert sorted(counted_on("A-7")) == [f"A-{number}" for number in range(1, 10)]
    assert next(counted_on("x12y")) == "x12y"
    assert len(set(counted_on("0042"))) == 90
    assert list(counted_on("Rochester")) == list(counted_on("123456")) == []


@settings(max_examples=200)
@given(st.text(min_size=1, max_size=40), st.integers(0, 3))
def test_a_mask_is_as_long_with_the_same_kinds_of_characters(value: str, attempt: int) -> None:
    if "@" in value:
        return
    mask = masked(value, attempt=attempt)
    assert len(mask) == len(value)
    for old, new in zip(value, mask, strict=True):
        kinds = [unicodedata.category(each)[0].replace("M", "L") for each in (old, new)]
        assert kinds[0] == kinds[1] if kinds[0] in "LN" else old == new


@settings(max_examples=200)
@given(st.lists(st.from_regex(r"[a-z]{3,9}", fullmatch=True), min_size=1, max_size=8))
def test_no_word_of_what_is_masked_comes_up(words: list[str]) -> None:
    mask = Disguise(b"any", words).text(" ".join(words), 0)
    assert not any(word in mask for word in words)
