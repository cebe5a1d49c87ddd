"""Fills an empty org from `seed/salesforce/<Object>.csv`.

A column is a field's API name, or `Relationship.Field` for a reference: `Account.AccountNumber`
finds the account of that number. `PricebookEntryId` of a line needs no column: it follows from the
price book of its order or opportunity, the product and the currency. Ids, auto-numbers, defaults and
timestamps are given where a file has none; created and changed 30 days before the as-of date, a second
apart.
"""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from sandbox.salesforce.answers import ApiError
from sandbox.salesforce.derived import PARENTS, derived_values
from sandbox.salesforce.ids import normalise
from sandbox.salesforce.records import Org
from sandbox.salesforce.schema import ObjectType
from sandbox.salesforce.validation import check_required, check_value, datetime_text, read_value
from sandbox.storage import read_seed

_AGE = timedelta(days=30)

Record = dict[str, Any]


class SeedError(Exception):
    """A row of a seed file does not fit the org; names the file, the row and what is wrong."""


def load_seed(org: Org, seed: Path) -> None:
    """Read all seed files, or none.

    Args:
        org: An org without records.
        seed: The seed root, which holds the folder `salesforce`.

    Raises:
        SeedError: The first row that does not fit.
    """
    with org.transaction():
        _Loader(org, seed).load()


class _Loader:
    """The natural keys met so far, by object, column and value."""

    def __init__(self, org: Org, seed: Path) -> None:
        self._org = org
        self._seed = seed
        self._ids: dict[tuple[str, str, str], str] = {}
        self._entries: dict[tuple[str, ...], str] = {}

    def load(self) -> None:
        for target in self._org.schema.objects.values():
            for number, row in enumerate(read_seed(self._seed, "salesforce", target.api_name), 1):
                try:
                    self._org.insert(target, self._record(target, row, number))
                except (ApiError, LookupError) as error:
                    raise SeedError(f"seed/salesforce/{target.api_name}.csv, row {number}: {error}") from error

    def _record(self, target: ObjectType, row: Mapping[str, str], number: int) -> Record:
        given = {name: value for name, value in self._values(target, row).items() if value is not None}
        if target.api_name in PARENTS:
            given = {"PricebookEntryId": self._entry_id(*PARENTS[target.api_name], given)} | given
        moment = datetime_text(self._org.as_of - _AGE + timedelta(seconds=number))
        record = self._org.blank(target) | self._org.identity(target)
        record |= dict.fromkeys(("CreatedDate", "LastModifiedDate", "SystemModstamp"), moment)
        derived = derived_values(target.api_name, record | given, given, self._org.get)
        record |= derived | given
        check_required(target, record)
        self._remember(target, row, record)
        return record

    def _values(self, target: ObjectType, row: Mapping[str, str]) -> Record:
        values: Record = {}
        for column, text in row.items():
            relationship, _, key = column.partition(".")
            if key:
                values |= self._reference(target, relationship, key, text)
            else:
                values |= _value(target, column, text)
        return values

    def _reference(self, target: ObjectType, relationship: str, key: str, text: str) -> Record:
        spec = target.parent_field(relationship)
        if spec is None:
            raise LookupError(f"{target.api_name} has no relationship {relationship}")
        if not text:
            return {spec.name: None}
        found = self._ids.get((spec.to, key, text))
        if found is None:
            raise LookupError(f"no {spec.to} with {key} = {text} in its seed file")
        return {spec.name: found}

    def _entry_id(self, parent_object: str, reference: str, item: Record) -> str:
        parent = self._org.get(parent_object, item[reference]) or {}
        place = (parent["Pricebook2Id"], item["Product2Id"])
        # A contract in the wrong currency is one of the planted exceptions: any entry will do.
        found = self._entries.get((*place, parent["CurrencyIsoCode"])) or self._entries.get(place)
        if found is None:
            raise LookupError(
                f"no PricebookEntry for the price book of its {parent_object} and Product2Id {item['Product2Id']}"
            )
        return found

    def _remember(self, target: ObjectType, row: Mapping[str, str], record: Record) -> None:
        for column, text in row.items():
            if text and "." not in column and target.fields[column].type in ("string", "picklist", "email"):
                self._ids.setdefault((target.api_name, column, text), record["Id"])
        if target.api_name == "PricebookEntry":
            place = (record["Pricebook2Id"], record["Product2Id"])
            self._entries.setdefault(place, record["Id"])
            self._entries.setdefault((*place, record["CurrencyIsoCode"]), record["Id"])


def _value(target: ObjectType, column: str, text: str) -> Record:
    spec = target.fields.get(column)
    if spec is None:
        raise LookupError(f"{target.api_name} has no field {column}")
    value = None if text == "" else read_value(spec, text)
    check_value(spec, value)
    if spec.type in ("id", "reference") and value is not None and normalise(value) is None:
        raise LookupError(f"{column}: {value} is not a record id")
    return {column: value}
