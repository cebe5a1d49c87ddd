"""Explanations for people: what a mapping made of one record, and how an invoice came about, as one self-contained page."""

from billhub.explanation.invoice_page import invoice_page
from billhub.explanation.mapping_page import mapping_page
from billhub.explanation.page import Page, content_security_policy, html
from billhub.explanation.records import MappingExplanation, explain_record

__all__ = [
    "Page",
    "html",
    "content_security_policy",
    "invoice_page",
    "mapping_page",
    "MappingExplanation",
    "explain_record",
]
