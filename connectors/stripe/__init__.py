"""Stripe as the payment gateway: invoices with a payment page, and signed events."""
