"""Run by test_compose.py: reads command lines as JSON, says which settings the installed Airflow knows and which commands it does not."""

import json
import sys

from airflow.cli.cli_parser import get_parser
from airflow.configuration import conf


def knows(arguments: list[str]) -> bool:
    try:
        get_parser().parse_args(arguments)
    except SystemExit:
        return False
    return True


settings = [
    f"AIRFLOW__{section}__{option}".upper()
    for section, described in conf.configuration_description.items()
    for option in described["options"]
]
unknown = [arguments for arguments in json.load(sys.stdin) if not knows(arguments)]
print(json.dumps({"settings": settings, "unknown_commands": unknown}))
