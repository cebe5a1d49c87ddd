"""Rendering: what a person reads, made from a released invoice and nothing else."""

from billhub.rendering.pdf import RenderingError, invoice_pdf

__all__ = ["RenderingError", "invoice_pdf"]
