"""Typed reading of request parameters, refusing what Stripe refuses before it executes anything."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from sandbox.stripe.errors import StripeError, amount_too_large, bad_parameter, parameter_missing, parameter_unknown
from sandbox.stripe.forms import Tree

MAX_AMOUNT = 99_999_999
"""Largest amount, minor units: eight digits (docs.stripe.com/currencies)."""

MAX_METADATA_KEYS, MAX_METADATA_KEY, MAX_METADATA_VALUE = 50, 40, 500
"""Limits of metadata (docs.stripe.com/api/metadata)."""

MAX_DECIMAL_PLACES = 12


@dataclass(frozen=True)
class Params:
    """The parameters of one request, or of one hash within it."""

    tree: Tree
    prefix: str = ""

    def name(self, key: str) -> str:
        """Return a parameter's full name, e.g. "lines[0][amount]"."""
        return f"{self.prefix}[{key}]" if self.prefix else key

    def has(self, key: str) -> bool:
        """Say whether the parameter was sent, be it empty."""
        return key in self.tree

    def text(self, key: str) -> str | None:
        """Return a string; None when it is absent or empty."""
        value = self.tree.get(key)
        if isinstance(value, dict):
            raise bad_parameter(f"Invalid string: {self.name(key)}", param=self.name(key))
        return value or None

    def required(self, key: str) -> str:
        """Return a string that must be there and not be empty."""
        if key not in self.tree:
            raise parameter_missing(self.name(key))
        value = self.text(key)
        if value is None:
            raise bad_parameter(
                f"Empty value for {self.name(key)}", code="parameter_invalid_empty", param=self.name(key)
            )
        return value

    def choice(self, key: str, allowed: Collection[str]) -> str | None:
        """Return one of the allowed strings, or None when absent."""
        value = self.text(key)
        if value is not None and value not in allowed:
            raise bad_parameter(
                f"Invalid {self.name(key)}: must be one of {', '.join(sorted(allowed))}", param=self.name(key)
            )
        return value

    def integer(self, key: str) -> int | None:
        """Return an integer, or None when absent or empty; a decimal point is refused."""
        value = self.text(key)
        if value is None:
            return None
        if not re.fullmatch(r"-?[0-9]{1,18}", value):
            raise bad_parameter(f"Invalid integer: {value}", code="parameter_invalid_integer", param=self.name(key))
        return int(value)

    def amount(self, key: str) -> int | None:
        """Return an amount in minor units, or None when absent.

        Raises:
            StripeError: `parameter_invalid_integer`, or `amount_too_large` above eight digits.
        """
        value = self.integer(key)
        if value is not None and abs(value) > MAX_AMOUNT:
            raise amount_too_large(self.name(key))
        return value

    def decimal(self, key: str) -> Decimal | None:
        """Return a decimal number of at most 12 places, or None when absent."""
        text = self.text(key)
        if text is None:
            return None
        try:
            value = Decimal(text)
        except InvalidOperation:
            raise self._not_decimal(key, text) from None
        exponent = value.as_tuple().exponent
        if not isinstance(exponent, int) or exponent < -MAX_DECIMAL_PLACES:
            raise self._not_decimal(key, text)
        return value

    def _not_decimal(self, key: str, text: str) -> StripeError:
        return bad_parameter(f"Invalid decimal: {text}", param=self.name(key))

    def boolean(self, key: str) -> bool | None:
        """Return a boolean, or None when absent."""
        value = self.choice(key, ("true", "false"))
        return None if value is None else value == "true"

    def currency(self, key: str = "currency") -> str | None:
        """Return a currency code in lower case, or None when absent."""
        value = self.text(key)
        if value is not None and not re.fullmatch(r"[A-Za-z]{3}", value):
            raise bad_parameter(f"Invalid currency: {value}", param=self.name(key))
        return value.lower() if value else None

    def child(self, key: str) -> "Params":
        """Return a hash; an absent or emptied one has no parameters."""
        value = self.tree.get(key) or {}
        if not isinstance(value, dict):
            raise bad_parameter(f"Invalid object: {self.name(key)}", param=self.name(key))
        return Params(value, self.name(key))

    def children(self, key: str) -> list["Params"]:
        """Return an array of hashes, in index order."""
        array = self.child(key)
        return [array.child(index) for index in array._indices()]

    def texts(self, key: str) -> list[str]:
        """Return an array of strings, in index order; absent or emptied: []."""
        array = self.child(key)
        return [array.required(index) for index in array._indices()]

    def _indices(self) -> list[str]:
        if not all(index.isdigit() for index in self.tree):
            raise bad_parameter(f"Invalid array: {self.prefix}", param=self.prefix)
        return sorted(self.tree, key=int)

    def metadata(self, current: dict[str, str] | None = None) -> dict[str, str]:
        """Merge the sent metadata into the current one; an empty value unsets its key.

        Raises:
            StripeError: More than 50 keys, a key over 40 or a value over 500 characters.
        """
        if self.tree.get("metadata") == "":
            return {}
        sent = self.child("metadata")
        merged = {**(current or {}), **{key: sent.text(key) or "" for key in sent.tree}}
        kept = {key: value for key, value in merged.items() if value}
        if len(kept) > MAX_METADATA_KEYS:
            raise bad_parameter(f"Metadata can have up to {MAX_METADATA_KEYS} keys", param="metadata")
        for key, value in kept.items():
            if len(key) > MAX_METADATA_KEY or len(value) > MAX_METADATA_VALUE:
                raise bad_parameter(f"Metadata key or value too long: {key}", param=f"metadata[{key}]")
        return kept

    def plain(self, key: str, fields: Collection[str]) -> dict[str, str | None] | None:
        """Return a hash of strings with all `fields`, e.g. an address; None when absent or emptied."""
        hash_ = self.child(key)
        hash_.refuse_unknown(fields)
        return {name: hash_.text(name) for name in fields} if hash_.tree else None

    def refuse_unknown(self, allowed: Collection[str]) -> None:
        """Refuse the first parameter that is not allowed here."""
        for key in self.tree:
            if key not in allowed:
                raise parameter_unknown(self.name(key))
