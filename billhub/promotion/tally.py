"""Adding up the changes one by one; the changes themselves are not kept, so that any number of them can be looked at."""

import hashlib
import re
from collections import Counter
from typing import Any

from billhub.promotion.values import Change, Example, FieldChange, FieldCount, InvoiceCount, InvoiceEffect
from canonical_model.encoding import encode
from canonical_model.money import Money, from_minor

EXAMPLES = 3

_ITEM = re.compile(r"\[\d+\]")


class _Sum:
    """Amounts of invoices of one state, currency and basis, in minor units."""

    def __init__(self) -> None:
        self.count = self.net = self.computed = self.before = self.after = 0

    def add(self, effect: InvoiceEffect) -> None:
        """Add one invoice."""
        self.count += 1
        self.net += effect.net.minor if effect.net else 0
        if effect.change is not None and effect.before is not None and effect.after is not None:
            self.computed += 1
            self.before += effect.before.minor
            self.after += effect.after.minor


class Tally:
    """What all changes come to, and the hash over them.

    Args:
        head: What the hash begins with.
    """

    def __init__(self, head: object) -> None:
        self._hash = hashlib.sha256(encode(head))
        self._fields: Counter[tuple[str, str]] = Counter()
        self._examples: dict[tuple[str, str], list[Example]] = {}
        self._invoices: dict[tuple[str, str, str], _Sum] = {}
        self._seen: set[str] = set()
        self._effects: Counter[str] = Counter()
        self._deliveries: Counter[str] = Counter()
        self._identities = self._identities_taken = 0

    def add(self, change: Change) -> None:
        """Add one change; the order counts for the hash."""
        self._hash.update(encode(change))
        self._effects[change.effect] += 1
        for field in change.fields:
            self._add_field(change.subject, field)
        for effect in change.invoices:
            self._add_invoice(effect)
        if change.identity:
            self._identities += 1
            self._identities_taken += change.identity.taken
        if change.sending:
            self._deliveries[change.sending] += 1

    def digest(self, tail: object) -> str:
        """The hash over the head, all changes and `tail`, in hexadecimal."""
        self._hash.update(encode(tail))
        return self._hash.hexdigest()

    def sums(self) -> dict[str, Any]:
        """The sums, by their names in `Diff`: fields the most frequent first, invoices by state, currency and basis."""
        ordered = sorted(self._fields.items(), key=lambda each: (-each[1], each[0]))
        fields = (
            FieldCount(path=path, kind=kind, count=count, examples=tuple(self._examples[path, kind]))
            for (path, kind), count in ordered
        )
        return {
            "effects": dict(sorted(self._effects.items())),
            "fields": tuple(fields),
            "identities": self._identities,
            "identities_taken": self._identities_taken,
            "invoices": tuple(_counted(key, self._invoices[key]) for key in sorted(self._invoices)),
            "deliveries": dict(sorted(self._deliveries.items())),
        }

    def _add_field(self, subject: str, field: FieldChange) -> None:
        key = (_ITEM.sub("[]", field.path), field.kind)
        self._fields[key] += 1
        examples = self._examples.setdefault(key, [])
        if len(examples) < EXAMPLES:
            examples.append(Example(subject=subject, old=field.old, new=field.new))

    def _add_invoice(self, effect: InvoiceEffect) -> None:
        if effect.invoice_id not in self._seen:
            self._seen.add(effect.invoice_id)
            key = (effect.state, effect.currency, effect.basis)
            self._invoices.setdefault(key, _Sum()).add(effect)


def _counted(key: tuple[str, str, str], of_it: _Sum) -> InvoiceCount:
    state, currency, basis = key

    def money(minor: int) -> Money:
        return from_minor(minor, currency)

    return InvoiceCount(
        state=state,
        currency=currency,
        count=of_it.count,
        net=money(of_it.net),
        basis=basis,
        computed=of_it.computed,
        before=money(of_it.before),
        after=money(of_it.after),
        change=money(of_it.after - of_it.before),
    )
