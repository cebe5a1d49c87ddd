"""A stand-in of Avalara AvaTax, REST v2."""
