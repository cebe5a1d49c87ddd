"""What is wrong with records, as the exception desk has it."""

from collections.abc import Sequence

from sqlalchemy import Connection

from billhub import exceptions
from billhub.flows import Feed
from billhub.hub import Hub
from billhub.store import landed
from billhub.sync.examining import Examined
from canonical_model.violations import Violation
from mappings import FieldProblem


def settle(connection: Connection, hub: Hub, feed: Feed, examined: Sequence[Examined]) -> None:
    """Bring the desk to what was found: open what is new, resolve what no longer occurs.

    The desk knows a record by its external id; by its native id where it came under the external id of another, so that neither closes exceptions
    of the other. What it may have been known by before is examined as well.
    """
    shared = {each.record.external_id for each in examined if each.record.external_id != each.record.native_id}
    first = landed.first_holders(connection, feed.source, feed.entity, shared)
    path, names, problems = f"{feed.source}/{feed.entity}/", set[str](), list[exceptions.Problem]()
    for each in examined:
        record = each.record
        is_first = first.get(record.external_id, record.native_id) == record.native_id
        name = path + (record.external_id if is_first else record.native_id)
        names.add(name)
        names.add(path + record.native_id)
        problems += [_problem(feed, record, name, found) for found in each.problems]
    exceptions.settle(connection, hub, subject_type="record", examined=list(names), problems=problems)


def _problem(feed: Feed, record: landed.Record, subject: str, found: FieldProblem) -> exceptions.Problem:
    violation = Violation(
        rule_id=f"{found.mapping}@{found.version}:{found.rule}",
        category="mapping_defect",
        path=found.field,
        value=str(found.value),
        message=f"{feed.entity} {record.external_id}, source field {found.source_path}: {found.message}",
    )
    return exceptions.Problem(
        subject_type="record",
        subject_id=subject,
        violation=violation,
        legal_entity=record.control_entity,
    )
