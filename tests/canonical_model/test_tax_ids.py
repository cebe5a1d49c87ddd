"""Tax registrations are checked by the rules of their own country."""

import pycountry
import pytest

from canonical_model.tax_ids import is_valid_tax_id


@pytest.mark.parametrize(
    ("tax_id", "country"),
    [
        ("DE136695976", "DE"),
        ("136695976", "DE"),
        ("DE 136 695 976", "DE"),
        ("GB980780684", "GB"),
        ("980780684", "GB"),
        ("FR40303265045", "FR"),
        ("ATU13585627", "AT"),
        ("EL094259216", "GR"),
        ("094259216", "GR"),
        ("HR33392005961", "HR"),
        ("CHE-100.155.212", "CH"),
        ("7000012050002", "JP"),
    ],
)
def test_valid(tax_id, country):
    assert is_valid_tax_id(tax_id, country)


@pytest.mark.parametrize(
    ("tax_id", "country"),
    [
        ("DE136695977", "DE"),
        ("DE13669597", "DE"),
        ("FR40303265045", "DE"),
        ("DE136695976", "FR"),
        ("GB980780685", "GB"),
        ("CHE-100.155.213", "CH"),
        ("7000012050003", "JP"),
        ("", "DE"),
        (" ", "DE"),
        ("n/a", "DE"),
        ("１３６６９５９７６", "AT"),
    ],
)
def test_invalid(tax_id, country):
    assert not is_valid_tax_id(tax_id, country)


@pytest.mark.parametrize("country", ["US", "VA", "XX", ""])
def test_a_country_without_a_known_format_asks_for_a_number_alone(country):
    assert is_valid_tax_id("12-3456789", country)
    assert not is_valid_tax_id("", country)
    assert not is_valid_tax_id(" \t", country)


def test_every_country_gives_an_answer():
    assert not any(is_valid_tax_id("", country.alpha_2) for country in pycountry.countries)
