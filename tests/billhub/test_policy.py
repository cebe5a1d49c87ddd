"""What the company has decided: deadlines, approval limits, registrations, and a file that is wrong in one place."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billhub.policy import Policy, load
from billhub.policy.model import DEFAULT_FILE
from billhub.release import approval_reason
from canonical_model.errors import ConfigurationError
from connectors import registry

SHIPPED = DEFAULT_FILE.read_text("utf-8")


@pytest.fixture(scope="module")
def policy() -> Policy:
    return load()


# deadlines


@pytest.mark.parametrize(
    ("opened", "legal_entity", "deadline"),
    [
        ("2026-01-05", "US", "2026-01-07"),  # Monday, nothing between
        ("2026-01-08", "US", "2026-01-12"),  # Thursday: the weekend does not count
        ("2026-01-10", "US", "2026-01-13"),  # opened on a Saturday
        ("2026-01-15", "US", "2026-01-20"),  # Martin Luther King's day
        ("2026-01-15", "DE", "2026-01-19"),
        ("2026-01-08", "JP", "2026-01-13"),  # coming-of-age day on the 12th
        ("2026-04-02", "DE", "2026-04-08"),  # Good Friday and Easter Monday
        ("2026-04-02", "US", "2026-04-06"),
        ("2025-12-24", "UK", "2025-12-30"),  # Christmas and Boxing Day
        ("2025-12-31", "US", "2026-01-05"),  # over the end of a year
        ("2026-01-15", None, "2026-01-19"),  # no entity known: weekends only
        ("2026-01-15", "XX", "2026-01-19"),
    ],
)
def test_two_working_days_by_the_calendar_of_the_entity(
    policy: Policy, opened: str, legal_entity: str | None, deadline: str
) -> None:
    found = policy.deadline("missing_tax_id", opened=date.fromisoformat(opened), legal_entity=legal_entity)
    assert found == date.fromisoformat(deadline)


@settings(deadline=None, max_examples=25)
@given(opened=st.dates(date(2010, 1, 1), date(2040, 1, 1)), entity=st.sampled_from(["US", "DE", "JP", "UK", None]))
def test_no_deadline_lies_on_a_weekend_or_before_its_time(policy: Policy, opened: date, entity: str | None) -> None:
    for category, rule in policy.exceptions.items():
        deadline = policy.deadline(category, opened=opened, legal_entity=entity)
        assert deadline.weekday() < 5
        assert timedelta(days=rule.working_days) <= deadline - opened <= timedelta(days=2 * rule.working_days + 14)


# approval


@pytest.mark.parametrize(
    ("legal_entity", "currency", "payable", "needed"),
    [
        ("US", "USD", "100000.00", False),
        ("US", "USD", "100000.01", True),
        ("US", "USD", "99999.99", False),
        ("US", "USD", "0.00", False),
        ("DE", "EUR", "100000.00", False),
        ("DE", "EUR", "100000.01", True),
        ("JP", "JPY", "100000", False),
        ("JP", "JPY", "100001", True),
        ("US", "EUR", "1.00", True),  # a limit in USD says nothing about EUR
        ("JP", "USD", "1.00", True),
    ],
)
def test_what_lies_strictly_above_the_limit_needs_a_second_person(
    policy: Policy, an_invoice: Callable, legal_entity: str, currency: str, payable: str, needed: bool
) -> None:
    nothing = "0" if currency == "JPY" else "0.00"
    invoice = an_invoice(net=payable, tax=nothing, legal_entity=legal_entity, currency=currency)
    assert (approval_reason(policy, invoice) is not None) is needed


def test_the_limit_is_about_the_amount_with_tax(policy: Policy, an_invoice: Callable) -> None:
    assert approval_reason(policy, an_invoice(net="92592.59", tax="7407.41")) is None
    reason = approval_reason(policy, an_invoice(net="92592.60", tax="7407.41"))
    assert reason == "amount due 100,000.01 USD is above the limit of 100,000.00 USD"


def test_another_currency_says_so(policy: Policy, an_invoice: Callable) -> None:
    reason = approval_reason(policy, an_invoice(net="1.00", tax="0.00", currency="EUR"))
    assert reason == "amount due 1.00 EUR is not in USD, the currency of the approval limit"


# registrations and sellers


@pytest.mark.parametrize(
    ("country", "on", "needed"),
    [
        ("DE", "2026-01-01", True),
        ("FR", "2026-01-01", True),
        ("CH", "2026-01-01", True),
        ("US", "2026-01-01", False),
        ("JP", "2026-01-01", False),
        ("GB", "2020-01-01", True),  # until the end of the transition
        ("GB", "2026-01-01", False),
    ],
)
def test_a_registration_is_needed_where_the_policy_says_so(policy: Policy, country: str, on: str, needed: bool) -> None:
    assert policy.needs_tax_id(country, date.fromisoformat(on)) is needed


def test_a_legal_entity_is_printed_as_the_policy_has_it(policy: Policy) -> None:
    seller = policy.seller("DE")
    assert (seller.party_id, seller.name, seller.tax_id, seller.address.city) == (
        "DE",
        "Meridian Software GmbH",
        "DE136695976",
        "Hamburg",
    )


def test_every_connector_the_shipped_policy_names_exists(policy: Policy) -> None:
    for entity in policy.entities.values():
        named = {entity.tax_engine, entity.erp, entity.address_service or entity.erp, *entity.targets}
        assert named <= set(registry.names())


# the file


def loaded(tmp_path: Path, text: str) -> Policy:
    file = tmp_path / "own.yaml"
    file.write_text(text, "utf-8")
    return load(file)


def changed(old: str, new: str) -> str:
    assert old in SHIPPED
    return SHIPPED.replace(old, new, 1)


def test_a_file_of_ones_own_takes_the_place_of_the_shipped_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(changed("discount_limit_percent: 15", "discount_limit_percent: 7.5"), "utf-8")
    monkeypatch.setenv("HUB_POLICY_FILE", str(file))
    assert str(load().discount_limit_percent) == "7.5"


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("version: 1", "version: first", "$.version"),
        ("version: 1\n", "version: 1\nlimit: 5\n", "limit"),
        ('approval_limit: "100000.00"', 'approval_limit: "much"', "entities.US"),
        ('approval_limit: "100000.00"', 'approval_limit: "-1"', "entities.US.approval_limit"),
        ('approval_limit: "100000.00"', 'approval_limit: "NaN"', "entities.US.approval_limit"),
        ("    currency: EUR", "    currency: EURO", "entities.DE.currency"),
        ("    tax_engine: tax_table\n", "", "entities.UK: Object missing required field `tax_engine`"),
        ("go_live: 2026-01-01", "go_live: 2026-13-01", "entities.US: Invalid RFC3339 encoded date - at `$.go_live`"),
        ("go_live: 2026-01-01", "go_live: soon", "entities.US"),
        ('  tax_payable: "2200"\n', "", "accounts.tax_payable: is missing"),
        ("discount_limit_percent: 15", "discount_limit_percent: 150", "discount_limit_percent: 150"),
        ("zero_price: hold", "zero_price: ignore", "orders.zero_price"),
        ("zero_price: hold", "zero_prices: hold", "orders.zero_prices"),
        ("owner: tax-desk, working_days: 2", "owner: tax-desk, working_days: -2", "exceptions.missing_tax_id"),
        ("owner: tax-desk, working_days: 2", "owner: tax-desk, days: 2", "exceptions.missing_tax_id"),
        ("  buyer_inactive: {", "  buyer_asleep: {", "exceptions.buyer_inactive: is missing"),
        ("  JP: JP", "  JP: Japan", "calendar.JP"),
    ],
)
def test_a_wrong_field_is_named_in_one_clear_error(tmp_path: Path, old: str, new: str, named: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        loaded(tmp_path, changed(old, new))
    assert named in str(raised.value)
    assert str(raised.value).startswith("policy file own.yaml: ")
    assert raised.value.__cause__ is None


@pytest.mark.parametrize("text", ["", "[]", "just words", "entities: [", "entities: {US: 5}", "\x00"])
def test_a_file_that_is_no_policy_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"policy file own\.yaml"):
        loaded(tmp_path, text)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.yaml"):
        load(tmp_path / "nowhere.yaml")
