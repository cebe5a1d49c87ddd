"""`billhub doctor`: is everything there that the hub needs, and if not, how to mend it."""

# ruff: noqa: PLC0415 - what loads slowly is imported when a command runs

import typer

from billhub.cli import exits
from billhub.cli.options import AsJson
from billhub.cli.output import complain, say, show_json


def doctor(as_json: AsJson = False) -> None:
    """Check the policy file, flows, mappings, the store and every connection that the policy and the flows need.

    Nothing is changed, here or there. Ends with 3 when something has to be configured, and with 5 when a system does not answer.

    Example: billhub doctor
    """
    from billhub.cli.examination import examine

    findings = []
    for each in examine():
        findings.append(each)
        if not as_json:
            write = say if each.code == exits.DONE else complain
            write(f"{_MARKS[each.code]:<11}{each.what}: {each.text}")
    if as_json:
        show_json(findings)
    codes = {each.code for each in findings}
    for code in (exits.CONFIGURATION, exits.UNAVAILABLE):
        if code in codes:
            raise typer.Exit(code)


_MARKS = {exits.DONE: "ok", exits.CONFIGURATION: "wrong", exits.UNAVAILABLE: "no answer"}
