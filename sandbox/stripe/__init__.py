"""A stand-in of Stripe's v1 API: customers, invoicing, credit notes, payments, events, webhooks.

Written from Stripe's OpenAPI description of API version 2023-08-16 (published 2023-09-12) and
docs.stripe.com (API reference, error codes, idempotent requests, search, webhooks). Amounts are
integers in the currency's minor unit.
"""
