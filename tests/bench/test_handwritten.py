"""The rivals of the compiled mappings do the same job: the same document for sound records, and an exception for all others."""

from collections.abc import Callable
from itertools import islice
from typing import Any

import pytest

import mappings
from bench.handwritten import FUNCTIONS
from bench.records import SIZE, records
from canonical_model.encoding import encode
from mappings.testing.fixtures import cases, read_input


def test_each_mapping_has_a_rival() -> None:
    assert sorted(FUNCTIONS) == mappings.names()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_it_agrees_with_the_mapping_on_every_fixture(name: str) -> None:
    for path in cases(name):
        record = read_input(path)
        mapped = mappings.load(name).apply(record)
        if mapped.problems:
            assert _raises(FUNCTIONS[name], record), path.name
        else:
            assert encode(FUNCTIONS[name](record)) == encode(mapped.document), path.name


@pytest.mark.parametrize("name", FUNCTIONS)
def test_records_are_large_different_sound_and_the_same_each_time(name: str) -> None:
    made = [encode(record) for record in records(name, 40)]
    assert made == [encode(record) for record in islice(records(name, 1_000), 40)]
    assert len(set(made)) == 40
    assert min(map(len, made)) >= SIZE
    for record in records(name, 5):
        mapped = mappings.load(name).apply(record)
        assert not mapped.problems
        assert encode(FUNCTIONS[name](record)) == encode(mapped.document)


def _raises(function: Callable[[Any], Any], record: Any) -> bool:
    try:
        function(record)
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError):
        return True
    return False
