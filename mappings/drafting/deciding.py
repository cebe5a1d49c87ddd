"""From proposals to rules: what is likely becomes a rule, what is doubtful a `todo` that names the likeliest paths."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from canonical_model.codes import currency_digits
from mappings.drafting.assignment import Proposal
from mappings.drafting.currencies import Currency, currency_of
from mappings.drafting.fitting import Fit, Misfit
from mappings.drafting.matching import Level, Match, Matched
from mappings.drafting.scoring import Candidate
from mappings.drafting.sources import Seen
from mappings.drafting.targets import Target, fields_in
from mappings.language.parser import UNDECIDED

_TOLD = 2
_CLOSE = 0.25


class Drafted(msgspec.Struct, frozen=True, kw_only=True):
    """One field of the draft.

    Attributes:
        field: Path in the document, items as `[]`.
        name: Its own name.
        rule: As the mapping file holds it; for an object or list without its fields.
        note: Confidence and why, for people; empty where the rule says it.
        proposal: What the rule was made of; None for objects and lists.
        fields: Of an object, or of the items of a list.
    """

    field: str
    name: str
    rule: Mapping[str, Any]
    note: str = ""
    proposal: Proposal | None = None
    fields: "tuple[Drafted, ...]" = ()

    @property
    def undecided(self) -> bool:
        """Whether a person has to decide; the compiler refuses the rule until then."""
        return "todo" in self.rule or any(
            str(self.rule.get(key, "")).startswith(UNDECIDED) for key in ("absent", "reason")
        )


def decide(matched: Matched) -> tuple[Drafted, ...]:
    """A rule for every field of the document, in its order."""
    return _Deciding(matched).fields(matched.target, matched.level)


class _Deciding:
    """Decides the rules of one draft."""

    def __init__(self, matched: Matched) -> None:
        self._matched = matched
        self._amounts_doubt = _doubt_of_amounts(matched)

    def fields(self, target: Target, level: Level) -> tuple[Drafted, ...]:
        """The fields of a document, an object or a list's items."""
        return tuple(self._field(field, level) for field in fields_in(target))

    def _field(self, target: Target, level: Level) -> Drafted:
        if target.shape.kind == "list":
            return self._list(level.lists[target.field])
        if target.shape.kind == "object":
            return self._object(target, level)
        proposal = level.proposals[target.field]
        rule, note = self._leaf(proposal)
        return Drafted(field=target.field, name=target.name, rule=rule, note=note, proposal=proposal)

    def _object(self, target: Target, level: Level) -> Drafted:
        """An object field by field, or as a whole where the sample has nothing of it."""
        fields = self.fields(target, level)
        if all(each.proposal is None or not (each.proposal.chosen or each.proposal.near) for each in _flat(fields)):
            text = f"no path of the sample comes near {', '.join(each.name for each in fields)}"
            return Drafted(field=target.field, name=target.name, rule={"todo": text})
        return Drafted(field=target.field, name=target.name, rule={}, fields=fields)

    def _list(self, match: Match) -> Drafted:
        target = match.target
        if match.source is None or match.items is None:
            near = {"todo": "no list is sure: {} {:.2f}".format(*match.near)} if match.near else None
            rule = near or _nothing(target, "no list of the sample comes near")
            return Drafted(field=target.field, name=target.name, rule=rule)
        if target.shape.required and not match.source.always_there:
            text = f"{match.source.path} {match.confidence:.2f}, but it is not there in every sample, and the document needs a list"
            return Drafted(field=target.field, name=target.name, rule={"todo": text})
        rule = {"each": ".".join(match.source.steps)}
        note = f"{match.confidence:.2f}: name, and what its items hold"
        return Drafted(
            field=target.field, name=target.name, rule=rule, note=note, fields=self.fields(target, match.items)
        )

    def _leaf(self, proposal: Proposal) -> tuple[Mapping[str, Any], str]:
        chosen = proposal.chosen
        if chosen is None or isinstance(chosen.fit, Misfit):
            return _unlikely(proposal), ""
        if proposal.doubt:
            return {"todo": f"{_told(chosen, {})}, but {proposal.doubt}"}, ""
        if proposal.target.shape.kind == "money":
            return self._money(proposal, chosen, chosen.fit)
        return _read(proposal.target, chosen.seen, chosen.fit), _note(proposal, chosen, chosen.fit)

    def _money(self, proposal: Proposal, chosen: Candidate, fitting: Fit) -> tuple[Mapping[str, Any], str]:
        currency = currency_of(chosen.seen, self._matched)
        if currency is None:
            return {"todo": f"{_told(chosen, {})}, but no path says the ISO 4217 currency of every sample"}, ""
        if self._amounts_doubt:
            return {"todo": f"{_told(chosen, {})} in {currency.path}, but {self._amounts_doubt}"}, ""
        return _amount(chosen.seen, currency), _note(proposal, chosen, fitting)


def _unlikely(proposal: Proposal) -> Mapping[str, Any]:
    if not proposal.near:
        return _nothing(proposal.target, "no path of the sample comes near")
    return {"todo": "no path is sure: " + "; ".join(_told(each, proposal.owners) for each in proposal.near[:_TOLD])}


def _nothing(target: Target, text: str) -> Mapping[str, Any]:
    """A field that the sample has nothing for: proposed absent where that is allowed, still for a person to say."""
    if target.shape.may_be_empty:
        return {"absent": f"{UNDECIDED}: {text}; say why that is right, or map it"}
    default = "" if target.shape.required else f"; the model's own default is {_shown(target.shape.default)}"
    return {"todo": text + default}


def _shown(default: Any) -> str:
    """A default as a rule would write it."""
    return str(default).lower() if isinstance(default, bool) else str(default)


def _told(found: Candidate, owners: Mapping[str, str]) -> str:
    path, owner = found.seen.path, owners.get(found.seen.path)
    if isinstance(found.fit, Misfit):
        return f"{path} says it by name, but {found.fit.why}"
    parts = found.components
    grounds = f"name {parts.name:.2f}, place {parts.place:.2f}, values: {found.fit.why}"
    return f"{path} {found.confidence:.2f} ({grounds}{f'; {owner} has it' if owner else ''})"


def _read(target: Target, seen: Seen, fitting: Fit) -> Mapping[str, Any]:
    rule: dict[str, Any] = {"from": seen.written}
    if fitting.transforms:
        rule["transform"] = fitting.transforms[0] if len(fitting.transforms) == 1 else list(fitting.transforms)
    if fitting.choices:
        rule["map"] = dict(fitting.choices)
    return rule | _when_empty(target, seen)


def _when_empty(target: Target, seen: Seen) -> dict[str, Any]:
    """What holds for an empty value where the model has a default of its own, which must not come in silently."""
    if target.shape.required or target.shape.may_be_empty:
        return {}
    if seen.always_filled:
        return {"required": True}
    reason = f"{UNDECIDED}: the model's own default; say why it is right where the source has nothing"
    return {"default": _plain(target.shape.default), "reason": reason}


def _plain(default: Any) -> Any:
    return int(default) if isinstance(default, Decimal) and default == default.to_integral_value() else default


def _amount(seen: Seen, currency: Currency) -> Mapping[str, Any]:
    if not currency.in_capitals:
        amount = {"from": seen.written, "transform": "decimal"}
        code = {"from": currency.path, "transform": ["text", "upper", "currency_code"]}
        return {"fields": {"amount": amount, "currency": code}}
    return {"from": seen.written, "transform": ["decimal", {"money": {"currency": currency.path}}]}


def _note(proposal: Proposal, chosen: Candidate, fitting: Fit) -> str:
    seen = chosen.seen
    close = [each for each in proposal.near if each.confidence >= chosen.confidence - _CLOSE]
    unseen = [choice for choice in proposal.target.shape.choices if choice not in (fitting.choices or {}).values()]
    parts = [
        f"{chosen.confidence:.2f}: {_grounds(chosen)}{fitting.why}",
        f"empty in {seen.places - seen.filled} of {seen.places}" if 0 < seen.filled < seen.places else "",
        f"not seen: {', '.join(unseen)}" if unseen else "",
        f"next: {close[0].seen.path} {close[0].confidence:.2f}" if close else "",
    ]
    return "; ".join(part for part in parts if part)


def _grounds(chosen: Candidate) -> str:
    parts = chosen.components
    return f"name{'' if parts.name >= 1 else f' {parts.name:.2f}'}, {'' if parts.place >= 1 else f'place {parts.place:.2f}, '}"


def _flat(fields: Iterable[Drafted]) -> Iterable[Drafted]:
    for field in fields:
        yield from _flat(field.fields) if field.fields else (field,)


def _doubt_of_amounts(matched: Matched) -> str:
    """Whether the amounts may be minor units: all are whole numbers, in a currency that has decimals. A factor of 100 is not to be guessed."""
    money = [each for each in matched.level.everything() if each.target.shape.kind == "money" and each.chosen]
    values = [value for each in money if each.chosen for value in each.chosen.seen.values]
    if not values or any("." in str(value) for value in values):
        return ""
    currencies = [currency_of(each.chosen.seen, matched) for each in money if each.chosen]
    if all(currency_digits(code) == 0 for currency in currencies if currency for code in currency.codes):
        return ""
    return "all amounts are whole numbers: if they are minor units (cents), multiply them"
