"""Resolving doubt: an intent that may have been sent is looked up in the target before it is sent again."""

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from billhub.deliver.payloads import Prepared
from connectors.contract import Found, Outcome, Target, WriteError
from connectors.errors import ConnectorError, CredentialsError
from connectors.outcomes import write_error

_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")


def already_there(connector: Target, entity: str, prepared: Sequence[Prepared]) -> dict[int, Outcome]:
    """Outcomes, by intent id, of the intents in doubt that need not or must not be written now; the others may be.

    What the target has in full is confirmed; other contents under our key are a rejection with the fields that differ. Where the target cannot be
    asked, they stay in doubt.

    Raises:
        CredentialsError: The target does not accept us.
    """
    doubtful = [each for each in prepared if each.intent["state"] == "uncertain"]
    try:
        found = connector.find(entity, [each.intent["external_key"] for each in doubtful]) if doubtful else {}
    except CredentialsError:
        raise
    except ConnectorError as error:
        return {each.intent["intent_id"]: _still_in_doubt(each, error) for each in doubtful}
    return {
        each.intent["intent_id"]: _compared(each, found[each.intent["external_key"]])
        for each in doubtful
        if each.intent["external_key"] in found and found[each.intent["external_key"]].complete
    }


def _still_in_doubt(prepared: Prepared, error: ConnectorError) -> Outcome:
    return Outcome(key=prepared.intent["external_key"], state="uncertain", error=write_error(error))


def _compared(prepared: Prepared, found: Found) -> Outcome:
    differences = list(_differences(prepared.payload or {}, found.payload))
    if not differences:
        return Outcome(key=found.key, state="confirmed", native_id=found.native_id, answer=found.answer)
    error = WriteError(code="content_conflict", message="; ".join(differences))
    return Outcome(key=found.key, state="rejected", native_id=found.native_id, error=error)


def _differences(sent: Any, there: Any, path: str = "") -> Iterator[str]:
    """Fields that both sides have and that differ."""
    if isinstance(sent, Mapping) and isinstance(there, Mapping):
        for name in (name for name in sent if name in there):
            yield from _differences(sent[name], there[name], f"{path}.{name}" if path else str(name))
    elif isinstance(sent, list) and isinstance(there, list):
        if len(sent) != len(there):
            yield f"{path}: {len(sent)} entries were sent, the target has {len(there)}"
        for index, (ours, theirs) in enumerate(zip(sent, there, strict=False)):
            yield from _differences(ours, theirs, f"{path}[{index}]")
    elif not _same(sent, there):
        yield f"{path}: {sent!r} was sent, the target has {there!r}"


def _same(sent: Any, there: Any) -> bool:
    """Whether two values mean the same: `1.50` and `1.5` do, the order references `0012` and `12` do not."""
    ours, theirs = str(sent), str(there)
    if ours == theirs:
        return True
    return bool(_NUMBER.fullmatch(ours) and _NUMBER.fullmatch(theirs)) and Decimal(ours) == Decimal(theirs)
