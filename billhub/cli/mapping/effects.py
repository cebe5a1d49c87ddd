"""What a change of a mapping would do, written for the person who decides on it, and for scripts."""

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from billhub.cli.mapping.differing import abbreviated
from billhub.cli.output import counted, heading, say, show_facts, show_table
from canonical_model.encoding import encode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from billhub.promotion import Change, Diff, VersionView
    from billhub.promotion.values import InvoiceCount, InvoiceEffect

WIDTH = 60
"""Characters shown of one value."""

_EFFECTS = {
    "changed": "changed",
    "excepted": "would be excepted",
    "passes": "would pass now",
    "other_problem": "excepted for another reason",
}
_KINDS = {"removed": "falls away", "added": "is new", "refused": "is refused", "accepted": "is no longer refused"}
_SENDING = {
    "confirmed": "confirmed already: not sent again",
    "as_written": "under way: sent as it was written down",
    "rejected": "rejected: would differ when retried",
    "waiting": "pending: would be sent differently",
}
_FOLLOWS = {
    "released": "released already: not changed by this; a correction needs a credit note",
    "delivered": "released already: not changed by this; a correction needs a credit note",
    "awaiting_approval": "drafted anew when its record is mapped again; then needs a new decision",
    "rejected": "drafted anew when its record is mapped again",
    "not_drafted": "would be drafted, or no longer be",
}
_DRAFT_FOLLOWS = "drafted anew when its record is mapped again"


class JsonWriter:
    """Writes a diff as one JSON object on standard output, change by change, however many there are."""

    def __enter__(self) -> Self:
        """Begin the object."""
        sys.stdout.write('{"changes":[')
        self._separator = ""
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        """End the line."""
        sys.stdout.write("\n")

    def write(self, change: "Change") -> None:
        """One record, answer or delivery."""
        sys.stdout.write(self._separator + encode(change).decode())
        self._separator = ","

    def end(self, result: "Diff") -> None:
        """The sums, and the end of the object."""
        sys.stdout.write('],"summary":' + encode(result).decode() + "}")


def tell(result: "Diff") -> None:
    """The sums of a diff, its hash last."""
    for part in (_header, _fields, _identities, _paths, _invoices, _deliveries, _summary):
        part(result)


def tell_change(change: "Change") -> None:
    """One record, answer or delivery with every field and invoice."""
    say(f"{change.subject}: {_EFFECTS[change.effect]}", style="bold")
    if change.identity:
        taken = ", which is another document already" if change.identity.taken else ""
        say(f"  becomes document {change.identity.new} instead of {change.identity.old}{taken}", style="bold red")
    for each in change.fields:
        old, new = _values(each.old, each.new)
        say(f"  {each.path} {_KINDS.get(each.kind, 'changes')}: {old} -> {new}")
    for effect in change.invoices:
        say(f"  invoice {effect.number or effect.invoice_id} ({effect.state.replace('_', ' ')}): {_amounts(effect)}")
    if change.sending:
        say(f"  {_SENDING[change.sending]}")


def show_versions(found: "Sequence[VersionView]") -> None:
    """Versions of mappings, one a row, and below why they became active."""
    columns = ("Mapping", "Version", "Fingerprint", "State", "Since", "By", "Why", "Diff", "Documents", "Sent", "With")
    show_table(columns, [_version_row(each) for each in found], right=("Version", "Documents", "Sent"))
    for each in found:
        if each.fault:
            say(f"the draft of {each.mapping} does not compile: {each.fault}", style="red")


def _version_row(each: "VersionView") -> tuple[object, ...]:
    state = f"{each.state}, on disk" if each.on_disk and each.state != "draft" else each.state
    others = ", ".join(f"{name} {version}" for name, version in each.files.items())
    diff_hash = each.diff_hash[:12] if each.diff_hash else None
    shown = (each.mapping, each.version, each.fingerprint[:12], state, each.since, each.by, each.reason)
    return (*shown, diff_hash, each.documents, each.deliveries, others)


def _header(result: "Diff") -> None:
    heading(f"{result.mapping} on past traffic")
    sides = {"Old": result.old, "New": result.new}
    facts = {
        name: f"{side.reference}: version {side.version} ({side.fingerprint[:12]})" for name, side in sides.items()
    }
    sampled = "" if result.sample is None else f", a sample of {result.sample}"
    show_facts({**facts, "Looked at": f"{result.examined} {result.traffic}{sampled}"})


def _fields(result: "Diff") -> None:
    if not result.fields:
        return
    heading("Fields that change")
    rows: list[tuple[object, ...]] = []
    for field in result.fields:
        head: tuple[object, ...] = (field.path or "the record", _KINDS.get(field.kind, "changes"), field.count)
        for example in field.examples:
            rows.append((*head, example.subject, *_values(example.old, example.new)))
            head = (None, None, None)
    show_table(("Field", "What", "Places", "For example", "Old", "New"), rows, right=("Places",))


def _identities(result: "Diff") -> None:
    if result.identities:
        heading("Identities that change")
        taken = f"; {result.identities_taken} of them one that is there already" if result.identities_taken else ""
        say(
            f"DANGEROUS: {result.identities} records would become other documents{taken}. The present documents stay and would be billed "
            "beside the new ones.",
            style="bold red",
        )


def _paths(result: "Diff") -> None:
    if not (result.newly_ignored or result.newly_unread or result.no_longer_unread):
        return
    heading("Source paths")
    rows: list[tuple[object, ...]] = [(path, "ignored now", None, why) for path, why in result.newly_ignored.items()]
    rows += [(path, "no longer read or ignored", count, None) for path, count in result.newly_unread.items()]
    rows += [(path, "read or ignored now", count, None) for path, count in result.no_longer_unread.items()]
    show_table(("Path", "What", "Records", "Why"), rows, right=("Records",))


def _invoices(result: "Diff") -> None:
    if result.invoices:
        heading("Invoices that rest on what changes")
        columns = ("State", "Invoices", "Net now", "Of which", "Before", "After", "Change", "What follows")
        rows = [_invoice_row(each) for each in result.invoices]
        show_table(columns, rows, right=("Invoices", "Net now", "Before", "After", "Change"))


def _invoice_row(each: "InvoiceCount") -> tuple[object, ...]:
    follows = _FOLLOWS.get(each.state, _DRAFT_FOLLOWS)
    head = (each.state.replace("_", " "), each.count, each.net)
    if not each.computed:
        return (*head, "amounts do not follow from it", None, None, None, follows)
    return (*head, f"{each.basis} of {each.computed}", each.before, each.after, each.change, follows)


def _deliveries(result: "Diff") -> None:
    if result.deliveries:
        heading("Deliveries that differ")
        show_table(
            ("Deliveries", "What follows"), [(count, _SENDING[name]) for name, count in result.deliveries.items()]
        )


def _summary(result: "Diff") -> None:
    heading("In all")
    effects = counted({_EFFECTS[name]: count for name, count in result.effects.items()}) if result.effects else "none"
    invoices = sum(each.count for each in result.invoices)
    say(
        f"{result.changed} of {result.examined} differ ({effects}), {invoices} invoices are affected; nothing was written"
    )
    say(f"diff hash: {result.hash}" + (" (of a sample: a promotion needs that of everything)" if result.sample else ""))


def _amounts(effect: "InvoiceEffect") -> str:
    if effect.change is None:
        return f"net {effect.net}" if effect.net else "amount not known"
    return f"{effect.basis} {effect.before} -> {effect.after}, {effect.change}"


def _values(old: Any, new: Any) -> tuple[str, str]:
    """Both values as short text, cut around where they differ."""
    return abbreviated(_text(old), _text(new), width=WIDTH)


def _text(value: Any) -> str:
    if isinstance(value, dict) and "message" in value:
        return f"problem: {value.get('value', '')!r} {value['message']}"
    if isinstance(value, str):
        return value
    return "nothing" if value is None else encode(value).decode()
