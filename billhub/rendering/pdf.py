"""The PDF of an invoice: PDF/A-3b, and the same bytes for the same invoice.

The texts reach the template as data (one JSON value in `sys.inputs`), never as source: whatever a name holds is printed, not run.
Fonts are those that Typst carries in itself, so every machine prints alike. For scripts they lack (Japanese, for one), `HUB_FONT_DIR` may name a
folder of further fonts; without it such characters print as empty boxes and the file is a plain PDF 1.7, because PDF/A allows no unknown glyph.
"""

import logging
import os
import threading
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, cast

import msgspec

from billhub.rendering.sheet import sheet_of
from canonical_model.errors import HubError
from canonical_model.invoices import Invoice

if TYPE_CHECKING:
    from typst import Compiler

_LOG = logging.getLogger(__name__)
_OWN = threading.local()  # a compiler serves one thread at a time; reused, it keeps fonts and template parsed


class RenderingError(HubError):
    """A document cannot be printed."""


def invoice_pdf(invoice: Invoice) -> bytes:
    """The document as a customer gets it, with all its pages.

    Args:
        invoice: Invoice or credit note; without a number it is printed as a draft.

    Returns:
        A PDF dated with the issue date; equal bytes for an equal invoice.

    Raises:
        RenderingError: The document cannot be printed.
        RuntimeError: The process was forked from one that had rendered before.
    """
    from typst import TypstError

    _require_unforked()
    try:
        return _compile(invoice, {"sheet": msgspec.json.encode(sheet_of(invoice)).decode()})
    except TypstError as error:
        raise RenderingError(
            f"invoice {invoice.number or invoice.invoice_id} cannot be printed: {error.message}"
        ) from error


def _compile(invoice: Invoice, inputs: dict[str, str]) -> bytes:
    from typst import TypstError

    template = files(__package__).joinpath("invoice.typ").read_bytes()
    issued = datetime.combine(invoice.issue_date, datetime.min.time(), UTC)
    options: dict[str, Any] = {"input": template, "sys_inputs": inputs, "timestamp": issued, "format": "pdf"}
    try:
        return cast(bytes, _compiler().compile(**options, pdf_standards="a-3b"))
    except TypstError as error:
        if "could not be displayed" not in error.message:
            raise
        _LOG.warning("invoice %s is not PDF/A: %s; HUB_FONT_DIR may name a font", invoice.invoice_id, error.message)
    return cast(bytes, _compiler().compile(**options, pdf_standards="1.7"))


def _require_unforked() -> None:
    """Typst works with threads that a fork does not copy: its child would wait for them for ever."""
    if _first_process() != os.getpid():
        raise RuntimeError("a forked process cannot render after its parent did; start it with spawn, or render in one")


@cache
def _first_process() -> int:
    return os.getpid()


def _compiler() -> "Compiler":
    from typst import Compiler

    if not hasattr(_OWN, "compiler"):
        folder = os.environ.get("HUB_FONT_DIR")
        _OWN.compiler = Compiler(font_paths=[folder] if folder else [], ignore_system_fonts=True)
    return cast("Compiler", _OWN.compiler)
