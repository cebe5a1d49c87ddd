"""Which fault strikes which request: the rules that a test switches on, and their counting."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sandbox.answers import Answer
from sandbox.storage import encode_json

FAULTS = (
    "refuse_before",
    "reset_after",
    "half_answer",
    "status",
    "status_after_effect",
    "slow",
    "rate_limit",
    "unauthorized",
    "garbage",
)


@dataclass
class FaultRule:
    """One fault that was asked for, and how often it may still strike."""

    match: str
    fault: str
    times: int | None = 1
    after: int = 0
    delay: float = 0.0
    answer: Answer = field(default_factory=lambda: Answer(500, b""))

    def fits(self, names: Iterable[str]) -> bool:
        """Say whether one of the request's names fits `match`."""
        return any(name == self.match or re.fullmatch(self.match, name) for name in names)


def rule_from_json(body: dict[str, Any]) -> FaultRule:
    """Build a rule from the body of `POST /_sandbox/faults`.

    Raises:
        ValueError: A field is missing or unknown, or the fault is none of `FAULTS`.
    """
    fields = dict(body)
    status, text = int(fields.pop("status", 500)), fields.pop("body", "")
    headers = tuple((str(k), str(v)) for k, v in fields.pop("headers", {}).items())
    media_type = fields.pop("media_type", "application/json")
    content = text.encode() if isinstance(text, str) else encode_json(text)
    answer = Answer(status, content, media_type, headers)
    if fields.get("fault") not in FAULTS:
        raise ValueError(f"fault {fields.get('fault')!r} is none of {', '.join(FAULTS)}")
    try:
        re.compile(fields["match"])
        return FaultRule(answer=answer, **{**fields, "delay": float(fields.get("delay", 0))})
    except (KeyError, TypeError, re.error) as error:
        raise ValueError(f"not a fault: {error}") from error


class FaultBoard:
    """The faults that are switched on, and how often each operation was called."""

    def __init__(self) -> None:
        """Start without faults."""
        self.rules: list[FaultRule] = []
        self.requests: Counter[str] = Counter()

    def take(self, *names: str) -> FaultRule | None:
        """Count a request under its first name and return the fault it shall suffer, if any.

        Rules are asked in the order they were added; the first that strikes decides.
        """
        self.requests[names[0]] += 1
        for rule in self.rules:
            if rule.times != 0 and rule.fits(names):
                if rule.after > 0:
                    rule.after -= 1
                    continue
                rule.times = None if rule.times is None else rule.times - 1
                return rule
        return None
