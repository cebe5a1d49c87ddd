"""Command line of the sandbox: `python -m sandbox serve --state DIR`."""

import argparse
import json
import os
import signal
import sys
import threading
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from sandbox.server import DEFAULT_AS_OF, DEFAULT_SEED, Child, SandboxError, known_systems, start

WATCH_SECONDS = 0.5


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        0 after an orderly end, 1 when a system did not start or ended by itself.
    """
    options = _parser().parse_args(arguments)
    if options.command == "run":
        from sandbox.child import run  # uvicorn is not needed by the supervisor

        run(options.system, options.state, options.seed, options.as_of, parent=options.parent)
        return 0
    try:
        return _serve(options)
    except SandboxError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _parser() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--state", type=Path, required=True, metavar="DIR", help="where state is kept")
    shared.add_argument("--seed", type=Path, default=DEFAULT_SEED, metavar="DIR", help="root of the seed folders")
    shared.add_argument("--as-of", type=date.fromisoformat, default=DEFAULT_AS_OF, metavar="DATE")
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="Stand-ins of the external systems.")
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", parents=[shared], help="run stand-ins until interrupted")
    serve.add_argument("--systems", type=lambda text: text.split(","), help=f"default: {','.join(known_systems())}")
    run = commands.add_parser("run", parents=[shared], help="run one stand-in (used by serve)")
    run.add_argument("system")
    run.add_argument("--parent", type=int)
    return parser


def _serve(options: argparse.Namespace) -> int:
    # The parent is noted first: it may die while the systems start.
    parent, stop = os.getppid(), threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    state, seed = options.state, options.seed
    with start(state, systems=options.systems, seed_dir=seed, as_of=options.as_of) as (endpoints, children):
        sys.stdout.write(json.dumps(dict(endpoints), indent=2) + "\n")
        sys.stdout.flush()
        while not stop.wait(WATCH_SECONDS) and os.getppid() == parent:
            _check_alive(children)
    return 0


def _check_alive(children: Sequence[Child]) -> None:
    for child in children:
        if (code := child.process.poll()) is not None:
            raise SandboxError(f"{child.system} ended by itself with code {code}; see {child.log}")


if __name__ == "__main__":
    sys.exit(main())
