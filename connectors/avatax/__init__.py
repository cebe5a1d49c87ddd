"""Avalara AvaTax, REST v2: sales tax and VAT decided, addresses checked, committed transactions recorded."""
