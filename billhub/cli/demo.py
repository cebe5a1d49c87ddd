"""`billhub demo` and `billhub sandbox`: the main job on stand-in systems, and the stand-ins alone."""

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from billhub.cli import exits
from billhub.cli.options import day

State = Annotated[
    Path, typer.Option("--state", metavar="DIR", help="Where everything is kept; a second run goes on from it.")
]
AsOf = Annotated[
    date,
    typer.Option("--as-of", parser=day, metavar="YYYY-MM-DD", help="Business date; the seed is made for the default."),
]
DEFAULT_AS_OF = date(2026, 1, 15)


def demo(
    *,
    state: State = Path(".state/demo"),
    as_of: AsOf = DEFAULT_AS_OF,
    retail_file: Annotated[
        Path | None,
        typer.Option(
            "--input",
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="CSV of retail orders to run instead of the seed.",
            show_default=False,
        ),
    ] = None,
    stay: Annotated[
        bool, typer.Option("--stay", help="Leave everything running until Ctrl-C.", show_default=False)
    ] = False,
) -> None:
    """Run the main job under Airflow's own scheduler against the sandbox, and show what came of it.

    Example: billhub demo --as-of 2026-01-15
    """
    from billhub.cli.output import screen  # noqa: PLC0415
    from billhub.demo.runner import Options, run  # noqa: PLC0415

    summary = run(Options(state=state.resolve(), as_of=as_of, retail_file=retail_file, stay=stay), screen())
    if not summary.is_good:
        raise exits.CommandError("not everything is accounted for; see the control above")


def sandbox(
    *,
    state: State = Path(".state/sandbox"),
    as_of: AsOf = DEFAULT_AS_OF,
) -> None:
    """Run the stand-in systems alone until Ctrl-C, and print the environment that leads to them.

    Example: billhub sandbox --state .state/sandbox
    """
    import os  # noqa: PLC0415
    import signal  # noqa: PLC0415

    from billhub.demo import systems  # noqa: PLC0415
    from billhub.demo.connections import sandbox_environment  # noqa: PLC0415

    with systems.sandbox(state.resolve(), os.environ, as_of) as endpoints:
        for name, value in sorted(sandbox_environment(endpoints).items()):
            typer.echo(f"export {name}='{value}'")
        ends = {signal.SIGINT, signal.SIGTERM}
        signal.pthread_sigmask(signal.SIG_BLOCK, ends)  # only now: the stand-ins inherit what is blocked
        signal.sigwait(ends)
