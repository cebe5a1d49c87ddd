"""What the fixtures of a mapping catch: its rules are spoilt one at a time, and every change should make some fixture fail.

Each mutant is compiled by the compiler itself and runs through all fixtures, with the overlays that a rule appears under. It is caught when a fixture
gets another document, or has problems in other fields or with other values; a problem that only says other words about the spoilt rule does not
count. What the compiler's checks refuse never reaches a record, so it is counted apart. The ways to spoil a rule are in `operators`.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from canonical_model.errors import MappingError
from mappings import catalogue
from mappings.compiled import CompiledMapping
from mappings.language.checks import check
from mappings.language.definition import Definition, Rule, When
from mappings.overlaid import OverlaidMapping
from mappings.testing.differences import problems_of, same
from mappings.testing.fixtures import cases, expected_outcome, outcome, read_input, run_fixtures
from mappings.testing.operators import OPERATORS, Ground
from mappings.testing.sources import Sources
from mappings.testing.walking import replaceable_rules

_put = msgspec.structs.replace


class Mutant(msgspec.Struct, frozen=True, kw_only=True):
    """One change of one rule.

    Attributes:
        field: Path in the target, items as `[]`; empty for the whole record.
        origin: File and line of the rule.
        operator: Name of the way it was spoilt in.
        change: What was changed, in words.
    """

    field: str
    origin: str
    operator: str
    change: str


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """What the fixtures of one mapping catch.

    Attributes:
        mapping: Its name.
        caught: How many mutants made a fixture fail.
        survivors: Those that none noticed, in the order of the mapping.
        refused: How many the compiler refused.
    """

    mapping: str
    caught: int
    survivors: tuple[Mutant, ...]
    refused: int

    @property
    def total(self) -> int:
        """Mutants that reached the fixtures."""
        return self.caught + len(self.survivors)

    @property
    def percent(self) -> int:
        """Caught of 100, rounded down; 100 where there is nothing to catch."""
        return 100 * self.caught // self.total if self.total else 100


def mutate(name: str) -> Score:
    """Spoil the rules of a mapping one by one and run its fixtures on each.

    Raises:
        MappingError: The mapping does not compile, or does not keep to its fixtures as it is.
    """
    broken = run_fixtures(name)
    if broken:
        message = f"cannot be judged: it does not keep to its fixtures ({broken[0].case}); see billhub map test {name}"
        raise MappingError(message, mapping=name, field=broken[0].path)
    return judge(catalogue.load(name), [(read_input(given), expected_outcome(given)) for given in cases(name)])


def judge(mapping: CompiledMapping, fixtures: Sequence[tuple[Any, Any]]) -> Score:
    """What fixtures, pairs of record and outcome, catch of the mutants of a mapping that keeps to them."""
    variants = mapping.variants if isinstance(mapping, OverlaidMapping) else [mapping]
    trials: dict[CompiledMapping, list[tuple[Any, Any]]] = {variant: [] for variant in variants}
    for record, expected in fixtures:
        trials[mapping.variant(record) if isinstance(mapping, OverlaidMapping) else mapping].append((record, expected))
    survivors, counts = [], Counter[str]()
    for mutant, definitions in _mutants(variants, [record for record, _ in fixtures]).items():
        fate = _fate([(definition, trials[variants[index]]) for index, definition in definitions.items()])
        counts[fate] += 1
        if fate == "survived":
            survivors.append(mutant.mutant)
    return Score(mapping=mapping.name, caught=counts["caught"], survivors=tuple(survivors), refused=counts["refused"])


def spoilt(rule: Rule, ground: Ground) -> Iterator[tuple[Mutant, Any]]:
    """A rule spoilt in every way, itself first, then each rule in it; also in ways that the compiler refuses."""
    for operator, spoil in OPERATORS[type(rule)].items():
        for change, instead in spoil(rule, ground):
            yield Mutant(field=rule.head.field, origin=str(rule.head.mark), operator=operator, change=change), instead
    for inner, put in replaceable_rules(rule):
        for mutant, instead in spoilt(inner, _within(rule, inner, ground)):
            yield mutant, put(instead)


class _Known(NamedTuple):
    """A mutant, told from others of the same words on the same line by its number."""

    mutant: Mutant
    number: int


def _mutants(variants: Sequence[CompiledMapping], records: Sequence[Any]) -> Mapping[_Known, Mapping[int, Definition]]:
    """The spoilt definitions of each mutant, by position of the variant: a rule of the base is spoilt under all overlays at once."""
    found: dict[_Known, dict[int, Definition]] = defaultdict(dict)
    for index, variant in enumerate(variants):
        definition, numbers = variant.definition, Counter[Mutant]()
        for mutant, root in spoilt(definition.root, Ground(sources=Sources(definition, records))):
            found[_Known(mutant, numbers[mutant])][index] = _put(definition, root=root)
            numbers[mutant] += 1
    return found


def _fate(spoilt: Sequence[tuple[Definition, Sequence[tuple[Any, Any]]]]) -> str:
    if any(next(check(definition), None) for definition, _ in spoilt):
        return "refused"
    return "caught" if any(_notices(definition, trials) for definition, trials in spoilt) else "survived"


def _notices(definition: Definition, trials: Sequence[tuple[Any, Any]]) -> bool:
    if not trials:
        return False
    mutant = CompiledMapping(definition, fingerprint="")
    return any(not same(_essence(outcome(mutant.apply(record))), _essence(expected)) for record, expected in trials)


def _essence(given: Any) -> Any:
    """An outcome without the words of its problems."""
    problems = problems_of(given)
    return given if problems is None else sorted((each["field"], each["value"]) for each in problems)


def _within(rule: Rule, inner: Rule, ground: Ground) -> Ground:
    """What is known in a branch: the path of its condition holds something where it equals something or is present."""
    if not isinstance(rule, When):
        return ground
    condition = rule.condition
    is_there = rule.then if condition.test != "present" or condition.value else rule.otherwise
    return _put(ground, present=ground.present | {condition.path.full}) if inner is is_there else ground
