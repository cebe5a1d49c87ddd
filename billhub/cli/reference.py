"""The command reference, docs/cli.md, made from the commands themselves: `python -m billhub.cli.reference [--check]`."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

from billhub.cli import app, exits

PAGE = Path(__file__).parent.parent.parent / "docs" / "cli.md"

INTRODUCTION = """\
# The billhub command

Everything that Airflow drives can be done by hand, and the exception desk and approvals can be worked, from a terminal. The store, the connections
and the policy file are found as everywhere else: `HUB_DATABASE_URL` or `HUB_STATE_DIR`, `AIRFLOW_CONN_BILLHUB_*`, `HUB_POLICY_FILE`.

This page is generated: `python -m billhub.cli.reference`.

"""


def reference() -> str:
    """The whole page."""
    return INTRODUCTION + _exit_codes() + "".join(_sections(get_command(app), "billhub"))


def main(arguments: list[str]) -> int:
    """Write the page, or with `--check` say whether it is up to date. Returns the exit code."""
    text = reference()
    if arguments == ["--check"]:
        if PAGE.exists() and PAGE.read_text("utf-8") == text:
            return exits.DONE
        sys.stderr.write("docs/cli.md is out of date: python -m billhub.cli.reference\n")
        return exits.FAILED
    PAGE.write_text(text, "utf-8")
    return exits.DONE


def _exit_codes() -> str:
    rows = "".join(f"| {code} | {meaning} |\n" for code, meaning in exits.MEANINGS.items())
    return f"## Exit codes\n\n| code | meaning |\n|---|---|\n{rows}\n"


def _sections(command: Any, path: str) -> Iterator[str]:
    """One section for each command, groups before what is in them."""
    commands = getattr(command, "commands", None)
    if commands is None:
        yield _section(command, path)
        return
    if " " in path:
        yield f"## {path}\n\n{command.help}\n\n"
    for name, inner in commands.items():
        yield from _sections(inner, f"{path} {name}")


def _section(command: Any, path: str) -> str:
    level = "##" if path.count(" ") == 1 else "###"
    text, _, example = (command.help or "").partition("Example: ")
    parts = [f"{level} {path}\n", text.strip() + "\n", f"```\n{example.strip()}\n```\n"]
    shown = [_parameter(each) for each in command.params if each.name != "help"]
    if shown:
        parts.append("| parameter | meaning |\n|---|---|\n" + "\n".join(shown) + "\n")
    return "\n".join(parts) + "\n"


def _parameter(parameter: Any) -> str:
    is_option = parameter.param_type_name == "option"
    name = ", ".join(parameter.opts) if is_option else parameter.metavar or parameter.name.upper()
    takes_value = is_option and not parameter.is_flag
    value = f" {parameter.metavar}" if takes_value else ""
    notes = [parameter.help or "", *_notes(parameter, takes_value)]
    return f"| `{name}{value}` | {' '.join(note for note in notes if note)} |".replace("\n", " ")


def _notes(parameter: Any, takes_value: bool) -> Iterator[str]:
    if parameter.required and takes_value:
        yield "Required."
    if takes_value and parameter.default not in (None, "", ()) and parameter.show_default:
        yield f"Default: `{parameter.default}`."
    if parameter.envvar:
        yield f"Environment: `{parameter.envvar}`."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
