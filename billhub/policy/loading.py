"""Loading the policy file: what does not fit stops the hub at once, with the field that has to be mended."""

import os
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import holidays
import msgspec
import yaml

from billhub.policy.model import DEFAULT_FILE, EntityPolicy, ExceptionPolicy, OrderAction, Policy
from canonical_model.codes import is_currency
from canonical_model.errors import ConfigurationError

_SECTIONS: dict[str, Any] = {
    "entities": EntityPolicy,
    "accounts": str,
    "orders": OrderAction,
    "exceptions": ExceptionPolicy,
    "calendar": str,
}


def load(path: Path | None = None) -> Policy:
    """The policy from a file: `path`, else the one `HUB_POLICY_FILE` names, else the one that comes with the hub.

    Raises:
        ConfigurationError: The file is missing or does not fit; names the field.
    """
    path = path or Path(os.environ.get("HUB_POLICY_FILE") or DEFAULT_FILE)
    try:
        return _read(path)
    except (OSError, _DefectError, msgspec.MsgspecError, yaml.YAMLError) as error:
        raise ConfigurationError(
            f"policy file {path.name}: {error}. Compare it with the shipped {DEFAULT_FILE.name}."
        ) from None


class _DefectError(Exception):
    """The file has the right form and says something that cannot be."""


class _Loader(yaml.SafeLoader):
    """Leaves dates as text: an impossible one is then refused with its field, not by the YAML reader without it."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - the form that PyYAML asks for
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def _read(path: Path) -> Policy:
    plain = yaml.load(path.read_bytes(), _Loader)  # noqa: S506 - a safe loader
    _try_each_entry(plain)
    policy = msgspec.convert(plain, Policy, strict=False)
    defects = [*_entity_defects(policy), *_calendar_defects(policy), *_vocabulary_defects(policy)]
    if defects:
        raise _DefectError("; ".join(defects))
    return policy


def _try_each_entry(plain: Any) -> None:
    """Convert the entries of each section one by one, because the conversion of the whole does not say which entry is wrong."""
    for section, kind in _SECTIONS.items():
        entries = plain.get(section) if isinstance(plain, dict) else None
        for name, entry in entries.items() if isinstance(entries, dict) else ():
            try:
                msgspec.convert(entry, kind, strict=False)
            except msgspec.ValidationError as error:
                raise _DefectError(f"{section}.{name}: {error}") from None


def _entity_defects(policy: Policy) -> Iterator[str]:
    for code, entity in policy.entities.items():
        if not is_currency(entity.currency):
            yield f"entities.{code}.currency: {entity.currency!r} is not a currency of ISO 4217"
        if not entity.approval_limit.is_finite() or entity.approval_limit < 0:
            yield f"entities.{code}.approval_limit: {entity.approval_limit} is not an amount of zero or more"
    if not Decimal(0) <= policy.discount_limit_percent <= Decimal(100):
        yield f"discount_limit_percent: {policy.discount_limit_percent} is not between 0 and 100"


def _calendar_defects(policy: Policy) -> Iterator[str]:
    for code, country in policy.calendar.items():
        if country not in holidays.list_supported_countries(include_aliases=False):
            yield f"calendar.{code}: no holidays are known for {country!r}; give an ISO 3166-1 alpha-2 code"


def _vocabulary_defects(policy: Policy) -> Iterator[str]:
    """The hub asks for these entries by name; a missing one would stop a run half way, a misspelt one would not count."""
    shipped = _shipped()
    for section in ("accounts", "exceptions"):
        missing = getattr(shipped, section).keys() - getattr(policy, section).keys()
        yield from (f"{section}.{name}: is missing" for name in sorted(missing))
    unknown = policy.orders.keys() - shipped.orders.keys()
    yield from (f"orders.{name}: is no finding on an order" for name in sorted(unknown))


@cache
def _shipped() -> Policy:
    return msgspec.yaml.decode(DEFAULT_FILE.read_bytes(), type=Policy, strict=False)
