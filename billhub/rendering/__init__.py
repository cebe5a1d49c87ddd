"""Rendering: what a person reads, made from a released invoice and nothing else."""

from billhub.rendering.pdf import invoice_pdf

__all__ = ["invoice_pdf"]
