"""Reads the order lines of an online shop from a CSV file, one record per invoice number."""
