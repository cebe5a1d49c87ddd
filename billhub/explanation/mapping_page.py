"""The page that explains what a mapping made of one record."""

from billhub.explanation.page import Page, Remark, Row, in_sections, step
from billhub.explanation.records import MappingExplanation
from billhub.story.fields import worded
from mappings import FieldProblem, FieldTrace
from mappings.runtime.records import shown


def mapping_page(explanation: MappingExplanation) -> Page:
    """The fields that the explanation holds, in sections, then what the mapping leaves aside."""
    facts = {
        "Record": explanation.record,
        "Mapping": f"{explanation.mapping}, version {explanation.version}",
        "Fingerprint": explanation.fingerprint[:12],
    }
    ending = "it has problems, so there is no document" if explanation.problems else "it maps without problems"
    grown = [Remark(path=each, text="neither read nor ignored") for each in explanation.unmapped]
    left = [Remark(path=each.path, text=each.reason) for each in explanation.ignored]
    return Page(
        title=f"{explanation.mapping}@{explanation.version}",
        lead=f"What the mapping makes of {explanation.record}, field by field; {ending}.",
        facts=facts,
        warnings=tuple(problem_words(each) for each in explanation.problems),
        records=(),
        sections=in_sections((_row(each) for each in explanation.fields), "Fields"),
        remarks={"Not mapped: the source has grown a field": tuple(grown), "Ignored on purpose": tuple(left)},
    )


def problem_words(problem: FieldProblem) -> str:
    """One problem of a record on one line."""
    read = f"source {problem.source_path}, value {problem.value!r}, " if problem.source_path else ""
    return f"{problem.field or 'record'}: {read}rule {problem.rule}: {problem.message}"


def _row(trace: FieldTrace) -> Row:
    value = shown(worded(trace.result))
    return Row(field=trace.field, value=value, steps=(step(trace, document="", path="", value=None),))
