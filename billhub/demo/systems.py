"""The sandbox systems of the demonstration, as a process of their own, and what they hold, counted on their side."""

import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import requests

from billhub.demo.processes import running
from canonical_model.errors import HubError

START_SECONDS = 60


class SandboxError(HubError):
    """The sandbox did not start; the message says where its log is."""


class Holdings(msgspec.Struct, frozen=True, kw_only=True):
    """What the systems hold, by their own count.

    Attributes:
        netsuite: Records by type.
        stripe: Objects by type.
        avatax: Committed transactions.
        mailbox: Messages received.
        salesforce: Contracts that show an invoice of ours.
    """

    netsuite: Mapping[str, int]
    stripe: Mapping[str, int]
    avatax: int
    mailbox: int
    salesforce: int


@contextmanager
def sandbox(state: Path, env: Mapping[str, str], as_of: date) -> Iterator[Mapping[str, str]]:
    """Run all stand-ins until the block ends; gives their URLs.

    Raises:
        SandboxError: They did not start.
    """
    report, log = state / "endpoints.json", state / "sandbox.log"
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "sandbox", "serve", "--state", str(state), "--as-of", as_of.isoformat()]
    with running(command, env=env, log=log) as process:
        deadline = time.monotonic() + START_SECONDS
        while not report.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise SandboxError(f"the sandbox did not start; see {log}")
            time.sleep(0.1)
        yield json.loads(report.read_text())


def holdings(endpoints: Mapping[str, str]) -> Holdings:
    """Ask each system's own books, past our connectors."""
    netsuite, stripe = _counts(endpoints["netsuite"]), _counts(endpoints["stripe"])
    contracts = _objects(endpoints["salesforce"], "Contract")
    return Holdings(
        netsuite={name: netsuite.get(name, 0) for name in ("customer", "invoice", "creditMemo", "journalEntry", "gl")},
        stripe={name: stripe.get(name, 0) for name in ("customer", "invoice", "invoiceitem")},
        avatax=_counts(endpoints["avatax"]).get("Transaction", 0),
        mailbox=_counts(endpoints["mail"]).get("Message", 0),
        salesforce=sum(bool(contract.get("Last_Invoice_Number__c")) for contract in contracts),
    )


def trial_balance(endpoints: Mapping[str, str]) -> list[Mapping[str, str]]:
    """NetSuite's own totals by subsidiary, currency and account."""
    rows: list[Mapping[str, str]] = _get(f"{endpoints['netsuite']}/_sandbox/trial_balance")
    return rows


def _counts(url: str) -> Mapping[str, int]:
    counts: Mapping[str, int] = _get(f"{url}/_sandbox/count")
    return counts


def _objects(url: str, kind: str) -> list[Mapping[str, object]]:
    objects: list[Mapping[str, object]] = _get(f"{url}/_sandbox/objects/{kind}")
    return objects


def _get(url: str) -> Any:
    answer = requests.get(url, timeout=60)
    answer.raise_for_status()
    return answer.json()
