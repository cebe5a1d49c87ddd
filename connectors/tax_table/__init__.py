"""VAT by a table of standard rates, for sellers without a tax engine of their own."""
